/* steer.h - the shard of a host behind a dnat rule */
#ifndef CONFIG_STEER_H
#define CONFIG_STEER_H

#include "config/rule/rule.h"

/* Rows by which a packet from outside finds the shard of the host behind a
 * dnat rule: config->steer. */
void config_steer_make(struct config_read *r);

#endif
