/* config_rules.h - the ruleset, sorted as the core wants it */
#ifndef CONFIG_RULES_H
#define CONFIG_RULES_H

#include "config_match.h"

/* All rules as they were given: hook by hook, entry by entry. */
struct config_rules {
    struct config_rule *v;
    uint32_t n, room;
    uint32_t connlimits; /* of them with one */
};

/* Needs interfaces and sets.  into is not used. */
void config_rules_read(struct config_read *r, json_t *v, void *into);
/* In gateway mode one more, behind the last of postrouting: IPv4 leaves by wan
 * with its address. */
void config_rules_add_gateway(struct config_read *r);
void config_rules_read_policy(struct config_read *r, json_t *v, void *into);

/* The action "helper", and what it needs of the rest: when all is read. */
void config_helper_read(struct config_read *r, json_t *v, void *into);
void config_helper_check(struct config_read *r);

/* Labels: match and action. */
void config_label_match(struct config_read *r, json_t *v, void *into);
void config_label_without(struct config_read *r, json_t *v, void *into);
void config_label_set(struct config_read *r, json_t *v, void *into);

/* The action "timeouts"; of the rule at hand, once its keys are read; and what
 * actions need of "extensions", when all is read. */
void config_timeouts_read(struct config_read *r, json_t *v, void *into);
void config_timeouts_check(struct config_read *r, const struct config_rule *c);
void config_timeouts_finish(struct config_read *r);

/* What accepts before translations exempt; before the order is made. */
void config_exempt_make(struct config_read *r);

/* Ids, order and start: config->rules. */
void config_order_make(struct config_read *r);

/* Rows by which a packet from outside finds the shard of the host behind a
 * dnat rule: config->steer. */
void config_steer_make(struct config_read *r);

#endif
