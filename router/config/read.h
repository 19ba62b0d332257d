/* read.h - reading one configuration: errors, places, keys, scalars
 *
 * A reader takes a value and puts what it says somewhere, or fails it, which
 * is remembered, and goes on: all errors of a file are told in one run.  The
 * path to the value at hand is kept as a JSON pointer by enter and leave; it
 * becomes line and column when the errors are told. */
#ifndef CONFIG_READ_H
#define CONFIG_READ_H

#include "config/config.h"
#include "config/jsonc.h"
#include "config/jsonc_locate.h"

#include <jansson.h>
#include <setjmp.h>

#define CONFIG_READ_MAX_ERRORS 10000u

/* A key that the environment gave. */
struct config_env {
    const char *pointer; /* RFC 6901 */
    const char *name;    /* WEIR_... */
};

struct config_set {
    const char *name;
    struct ct_addr_set set;
    uint32_t given; /* entries in the file */
};

/* What config->memory leads to. */
struct config_memory {
    struct config_block *blocks;
    json_t *root;    /* file and environment: what was given, what is default */
    uint32_t n_made; /* rules that gateway mode makes */
    json_t *made[CONFIG_DEVICES];
    struct config_env *env; /* what of root came from the environment */
    uint32_t n_env;
    bool facts_known;
    const char *env_token;     /* variable that gave the token, or NULL */
    const char **route_source; /* by index of routes: file, kernel, default */
    const char *made_text[CONFIG_DEVICES]; /* rule_text of those made */
    struct config_set *sets;
    uint32_t n_sets;
};

struct config_read {
    struct config *config;
    struct config_memory *memory;
    const struct config_facts *facts; /* NULL: not known */
    const char *token;                /* see struct config_input */
    const uint8_t *profile;           /* the same */
    char *const *env;                 /* or NULL */
    struct config_block *scratch;     /* gone when the reading is over */
    jmp_buf no_memory;
    char *path;
    size_t path_len, path_room;
    struct jsonc_place *places; /* of the errors */
    const char **messages;      /* the same, in words */
    const char **error_env;     /* the variable it is about, if no value */
    size_t n_errors, error_room;
    size_t n_untold;            /* beyond CONFIG_READ_MAX_ERRORS */
    uint32_t route_at;          /* entry of "routes" being read */
    uint32_t *route_from;       /* what made each of config->routes */
    struct config_rules *rules; /* gathered: see config/rule/rules.c */
};

/* Zeroed; alloc lives as long as the configuration, scratch until it is read.
 * Never NULL: without memory they jump to r->no_memory. */
void *config_read_alloc(struct config_read *r, size_t n, size_t size);
void *config_read_scratch(struct config_read *r, size_t n, size_t size);
void config_read_free(struct config_block *blocks);

/* Path: enter answers what leave wants. */
size_t config_read_enter(struct config_read *r, const char *key);
size_t config_read_enter_at(struct config_read *r, size_t index);
void config_read_leave(struct config_read *r, size_t was);

/* The value at hand is wrong: "what is wrong; expected what". */
void config_read_fail(struct config_read *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
/* The same of a member of the value at hand: where it stands, or if key is
 * set, where its key stands. */
void config_read_fail_in(struct config_read *r, const char *member, bool key,
                         const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

/* The same of a variable that is no key at all. */
void config_read_fail_env(struct config_read *r, const char *name,
                          const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* s in quotes, shortened; for messages. */
const char *config_read_show(struct config_read *r, const char *s);
/* A value in a few words, for "this is not ..., it is ...". */
const char *config_read_kind(struct config_read *r, const json_t *v);

#define CONFIG_READ_N(a) (sizeof(a) / sizeof((a)[0]))

/* Readers of objects are tables of keys, asked in the order of the table.
 * later: names that a later version will know, NULL at the end, or NULL. */
struct config_key {
    const char *name;
    void (*read)(struct config_read *r, json_t *value, void *into);
};
void config_read_object(struct config_read *r, json_t *v,
                        const struct config_key *keys, size_t n,
                        const char *const *later, void *into);
/* A key that no row knows. */
void config_read_unknown(struct config_read *r, const char *name,
                         const struct config_key *keys, size_t n,
                         const char *const *later);

/* Levenshtein's distance; only the first 63 bytes count. */
size_t config_read_distance(const char *a, const char *b);

/* Scalars: false when failed.  what: for "expected ..." */
bool config_read_bool(struct config_read *r, const json_t *v, bool *into);
bool config_read_uint(struct config_read *r, const json_t *v, uint64_t min,
                      uint64_t max, uint64_t *into);
/* NULL when failed.  max: bytes. */
const char *config_read_string(struct config_read *r, const json_t *v,
                               size_t max, const char *what);
/* Index among names (n of them), or -1 when failed. */
int config_read_choice(struct config_read *r, const json_t *v,
                       const char *const *names, size_t n);
/* The row of the word that it is; NULL: of none, and that is an error. */
const struct ct_word *config_read_word(struct config_read *r, const json_t *v,
                                       enum ct_words list);

#endif
