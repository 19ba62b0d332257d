/* conntrack.h - the keys conntrack and nat */
#ifndef CONFIG_CONNTRACK_H
#define CONFIG_CONNTRACK_H

#include "config/read.h"

/* Tunables whose memory is there from the start, if they are on then. */
extern const uint8_t config_rooms[CONFIG_ROOMS]; /* enum ct_param */

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

#endif
