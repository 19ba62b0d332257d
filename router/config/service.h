/* service.h - the keys api, log, workers, seed and on_reload */
#ifndef CONFIG_SERVICE_H
#define CONFIG_SERVICE_H

#include "config/read.h"

void config_service_read_api(struct config_read *r, json_t *v, void *into);
void config_service_read_log(struct config_read *r, json_t *v, void *into);
void config_service_read_workers(struct config_read *r, json_t *v, void *into);
void config_service_read_seed(struct config_read *r, json_t *v, void *into);
void config_service_read_on_reload(struct config_read *r, json_t *v,
                                   void *into);
void config_service_finish(struct config_read *r);

extern const char *const config_service_levels[4];

#endif
