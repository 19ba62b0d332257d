/* timeouts.h - the action "timeouts" of a rule */
#ifndef CONFIG_TIMEOUTS_H
#define CONFIG_TIMEOUTS_H

#include "config/rule/rule.h"

/* The action "timeouts"; of the rule at hand, once its keys are read; and what
 * actions need of "extensions", when all is read. */
bool config_timeouts_read(struct config_read *r, json_t *v,
                          struct config_rule *c);
void config_timeouts_check(struct config_read *r, const struct config_rule *c);
void config_timeouts_finish(struct config_read *r);

#endif
