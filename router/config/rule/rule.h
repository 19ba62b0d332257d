/* rule.h - a rule while it is read, and all of them */
#ifndef CONFIG_RULE_H
#define CONFIG_RULE_H

#include "config/read.h"

/* A rule while it is read. */
struct config_rule {
    struct ct_rule rule;
    json_t *json;
    bool failed; /* told already: no more checks of its whole */
    bool given_id;
    uint64_t hash;        /* of its canonical text */
    const char *text;     /* the canonical text */
    uint32_t entry;       /* in its hook's list */
    const char *action;   /* the key that said it, NULL: none */
    const char *modifier; /* random, persistent or ports, if one was given */
    const char *limiter;  /* limit or connlimit, if one was given */
    bool nat_full;        /* ports were given twice */
};

/* All rules as they were given: hook by hook, entry by entry. */
struct config_rules {
    struct config_rule *v;
    uint32_t n, room;
    uint32_t connlimits; /* of them with one */
};

#endif
