/* limit.h - how often, and how many at once */
#ifndef CONFIG_LIMIT_H
#define CONFIG_LIMIT_H

#include "config/rule/rule.h"

/* Rows for a table of keys; into is a struct config_rule. */
void config_limit_rate(struct config_read *r, json_t *v, void *into);
void config_limit_flows(struct config_read *r, json_t *v, void *into);

/* Of the rule at hand, once its stage is known. */
void config_limit_check(struct config_read *r, const struct config_rule *rule);

#endif
