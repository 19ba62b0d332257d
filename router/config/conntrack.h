/* conntrack.h - the key conntrack, beyond its rows */
#ifndef CONFIG_CONNTRACK_H
#define CONFIG_CONNTRACK_H

#include "config/read.h"

/* Of tunables and hairpin, by the profile that runs, or that the file asks
 * for. */
void config_conntrack_defaults(struct config_read *r);

/* The durations of conntrack.timeouts; s: CT_N_TIMEOUTS words, those that are
 * not given stay. */
void config_conntrack_durations(struct config_read *r, json_t *v, uint32_t *s);

/* What no single key can tell; buckets made of max, and the like. */
void config_conntrack_finish(struct config_read *r);

#endif
