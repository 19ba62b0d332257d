/* rules.h - the ruleset, sorted as the core wants it */
#ifndef CONFIG_RULES_H
#define CONFIG_RULES_H

#include "config/rule/rule.h"

/* Needs interfaces and sets.  into is not used. */
void config_rules_read(struct config_read *r, json_t *v, void *into);
/* In gateway mode one more, behind the last of postrouting: IPv4 leaves by wan
 * with its address. */
void config_rules_add_gateway(struct config_read *r);
void config_rules_read_policy(struct config_read *r, json_t *v, void *into);

#endif
