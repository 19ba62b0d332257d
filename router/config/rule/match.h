/* match.h - what a rule asks of a packet */
#ifndef CONFIG_MATCH_H
#define CONFIG_MATCH_H

#include "config/rule/rule.h"

/* Keys of a rule for each row of matches.def; into is a struct config_rule. */
#define M(KIND, name, key, facts, words, top, help)                            \
    void config_match_##name(struct config_read *r, json_t *v, void *into);
CT_MATCHES(M)
#undef M
void config_match_not_labels(struct config_read *r, json_t *v, void *into);

/* Do the matches agree with each other and with their hook and stage?  Fills
 * in the family they imply. */
void config_match_check(struct config_read *r, struct config_rule *rule);

/* The protocols that have ports, each behind a space: for errors. */
const char *config_match_ported(void);

/* Every protocol it may match has ports. */
bool config_match_has_ports(const struct ct_match *m);

#endif
