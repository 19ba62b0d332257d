/* nat.h - where a rule's translation leads */
#ifndef CONFIG_NAT_H
#define CONFIG_NAT_H

#include "config/rule/rule.h"

/* What an action is given; false when failed. */
bool config_nat_target(struct config_read *r, json_t *v, struct config_rule *c);
bool config_nat_masquerade(struct config_read *r, json_t *v,
                           struct config_rule *c);
bool config_nat_redirect(struct config_read *r, json_t *v,
                         struct config_rule *c);
bool config_nat_netmap(struct config_read *r, json_t *v, struct config_rule *c);
bool config_nat_none(struct config_read *r, json_t *v, struct config_rule *c);

/* Keys beside it; into is a struct config_rule. */
void config_nat_random(struct config_read *r, json_t *v, void *into);
void config_nat_persistent(struct config_read *r, json_t *v, void *into);
void config_nat_ports(struct config_read *r, json_t *v, void *into);

/* Of the rule at hand, once all of its keys are read. */
void config_nat_check(struct config_read *r, struct config_rule *rule);

#endif
