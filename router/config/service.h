/* service.h - the keys api and seed */
#ifndef CONFIG_SERVICE_H
#define CONFIG_SERVICE_H

#include "config/read.h"

void config_service_defaults(struct config *config);
void config_service_read_api(struct config_read *r, json_t *v, void *into);
void config_service_read_seed(struct config_read *r, json_t *v, void *into);
void config_service_finish(struct config_read *r);

#endif
