/* alter.h - actions that rewrite a field of the header */
#ifndef CONFIG_ALTER_H
#define CONFIG_ALTER_H

#include "config/rule/rule.h"

/* Rows for a table of keys; into is a struct config_rule. */
void config_alter_mss(struct config_read *r, json_t *v, void *into);
void config_alter_ttl(struct config_read *r, json_t *v, void *into);
void config_alter_dscp(struct config_read *r, json_t *v, void *into);

/* Of the rule at hand, once all of its keys are read; mss implies TCP. */
void config_alter_check(struct config_read *r, struct config_rule *rule);

#endif
