/* alter.h - actions that rewrite a field of the header */
#ifndef CONFIG_ALTER_H
#define CONFIG_ALTER_H

#include "config/rule/rule.h"

/* What an action is given; false when failed. */
bool config_alter_mss(struct config_read *r, json_t *v, struct config_rule *c);
bool config_alter_ttl(struct config_read *r, json_t *v, struct config_rule *c);
bool config_alter_dscp(struct config_read *r, json_t *v, struct config_rule *c);

/* Of the rule at hand, once all of its keys are read; mss implies TCP. */
void config_alter_check(struct config_read *r, struct config_rule *rule);

#endif
