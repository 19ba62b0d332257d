/* nat.h - where a rule's translation leads */
#ifndef CONFIG_NAT_H
#define CONFIG_NAT_H

#include "config/rule/rule.h"

/* Rows for a table of keys; into is a struct config_rule.  An action claims
 * the rule; the second one is an error. */
void config_nat_snat(struct config_read *r, json_t *v, void *into);
void config_nat_dnat(struct config_read *r, json_t *v, void *into);
void config_nat_masquerade(struct config_read *r, json_t *v, void *into);
void config_nat_redirect(struct config_read *r, json_t *v, void *into);
void config_nat_netmap(struct config_read *r, json_t *v, void *into);
void config_nat_none(struct config_read *r, json_t *v, void *into);
void config_nat_random(struct config_read *r, json_t *v, void *into);
void config_nat_persistent(struct config_read *r, json_t *v, void *into);
void config_nat_ports(struct config_read *r, json_t *v, void *into);

/* Of the rule at hand, once all of its keys are read. */
void config_nat_check(struct config_read *r, struct config_rule *rule);

/* The rule's action becomes this one, unless it has one: false. */
bool config_nat_claim(struct config_read *r, struct config_rule *rule,
                      const char *key, enum ct_action_kind action);

#endif
