/* config_match.h - what a rule asks of a packet */
#ifndef CONFIG_MATCH_H
#define CONFIG_MATCH_H

#include "config_read.h"

/* A rule while it is read. */
struct config_rule {
    struct ct_rule rule;
    json_t *json;
    bool failed; /* told already: no more checks of its whole */
    bool given_id;
    uint64_t hash;         /* of its canonical text */
    const char *text;      /* the canonical text */
    uint32_t entry;        /* in its hook's list */
    const char *action;    /* the key that said it, NULL: none */
    const char *modifier;  /* random, persistent or ports, if one was given */
    const char *limiter;   /* limit or connlimit, if one was given */
    bool nat_full;         /* ports were given twice */
    bool src_own, dst_own; /* has addresses of an interface that the kernel
                              gives it: they may be others next time */
};

/* Rows for a table of keys; into is a struct config_rule. */
void config_match_in(struct config_read *r, json_t *v, void *into);
void config_match_out(struct config_read *r, json_t *v, void *into);
void config_match_family(struct config_read *r, json_t *v, void *into);
void config_match_src(struct config_read *r, json_t *v, void *into);
void config_match_dst(struct config_read *r, json_t *v, void *into);
void config_match_proto(struct config_read *r, json_t *v, void *into);
void config_match_sport(struct config_read *r, json_t *v, void *into);
void config_match_dport(struct config_read *r, json_t *v, void *into);
void config_icmp_type(struct config_read *r, json_t *v, void *into);
void config_state_ct(struct config_read *r, json_t *v, void *into);
void config_state_status(struct config_read *r, json_t *v, void *into);
void config_state_mark(struct config_read *r, json_t *v, void *into);
void config_state_zone(struct config_read *r, json_t *v, void *into);

/* VALUE or VALUE/MASK, for mark and set_mark. */
bool config_state_read_mark(struct config_read *r, json_t *v, uint32_t *mark,
                            uint32_t *mask);

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

/* Every protocol it may match has ports. */
bool config_match_has_ports(const struct ct_match *m);

#endif
