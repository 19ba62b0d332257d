/* helper.h - the action "helper" of a rule */
#ifndef CONFIG_HELPER_H
#define CONFIG_HELPER_H

#include "config/rule/rule.h"

/* The action "helper", and what it needs of the rest: when all is read. */
bool config_helper_read(struct config_read *r, json_t *v,
                        struct config_rule *c);
void config_helper_check(struct config_read *r);

#endif
