/* config_keys.h - the top-level keys that are mostly scalars */
#ifndef CONFIG_KEYS_H
#define CONFIG_KEYS_H

#include "config_read.h"

/* conntrack: names for files and for people, by their enums. */
extern const char *const config_conntrack_profiles[3];
extern const char *const config_conntrack_on_full[3];

/* The durations of conntrack.timeouts; s: CT_N_TIMEOUTS words, those that are
 * not given stay. */
void config_conntrack_durations(struct config_read *r, json_t *v, uint32_t *s);
void config_conntrack_read(struct config_read *r, json_t *v, void *into);
/* nat: its default depends on the profile, so it comes behind conntrack. */
void config_conntrack_read_nat(struct config_read *r, json_t *v, void *into);
/* What no single key can tell; buckets made of max, and the like. */
void config_conntrack_finish(struct config_read *r);

void config_service_read_api(struct config_read *r, json_t *v, void *into);
void config_service_read_log(struct config_read *r, json_t *v, void *into);
void config_service_read_workers(struct config_read *r, json_t *v, void *into);
void config_service_read_seed(struct config_read *r, json_t *v, void *into);
void config_service_read_on_reload(struct config_read *r, json_t *v,
                                   void *into);
void config_service_finish(struct config_read *r);

extern const char *const config_service_levels[4];

#endif
