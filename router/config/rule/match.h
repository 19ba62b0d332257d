/* match.h - what a rule asks of a packet */
#ifndef CONFIG_MATCH_H
#define CONFIG_MATCH_H

#include "config/rule/rule.h"

/* Rows for a table of keys; into is a struct config_rule. */
void config_match_in(struct config_read *r, json_t *v, void *into);
void config_match_out(struct config_read *r, json_t *v, void *into);
void config_match_family(struct config_read *r, json_t *v, void *into);
void config_match_src(struct config_read *r, json_t *v, void *into);
void config_match_dst(struct config_read *r, json_t *v, void *into);
void config_match_proto(struct config_read *r, json_t *v, void *into);
void config_match_sport(struct config_read *r, json_t *v, void *into);
void config_match_dport(struct config_read *r, json_t *v, void *into);
#define V(name, facts, words, top, help)                                       \
    void config_match_##name(struct config_read *r, json_t *v, void *into);
CT_NUMBER_MATCHES(V)
#undef V

/* A name and its number; NULL: not among the n words. */
struct config_match_word {
    const char *name;
    uint8_t number;
};
const struct config_match_word *
config_match_word(const struct config_match_word *words, size_t n,
                  const char *name);

/* Call one for a value, or for each of a list.  s is its text behind a leading
 * !, NULL for a number.  All entries must be negated, or none. */
typedef bool config_match_one_fn(struct config_read *r, const json_t *v,
                                 const char *s, struct ct_match *m);
bool config_match_list(struct config_read *r, json_t *v,
                       config_match_one_fn *one, struct ct_match *m,
                       bool *negate);

/* Do the matches agree with each other and with their hook and stage?  Fills
 * in the family they imply. */
void config_match_check(struct config_read *r, struct config_rule *rule);

/* The words of a list, as far as they fit, for errors: text again. */
const char *config_match_words(enum ct_words list, char text[256]);

/* The protocols that have ports, each behind a space: for errors. */
const char *config_match_ported(void);

/* Every protocol it may match has ports. */
bool config_match_has_ports(const struct ct_match *m);

#endif
