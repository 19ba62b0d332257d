/* kind.h - a reader for each kind of match of matches.def */
#ifndef CONFIG_KIND_H
#define CONFIG_KIND_H

#include "config/rule/rule.h"

/* What a row of matches.def says to the reader of its kind. */
struct config_kind {
    const char *key;
    enum ct_words words; /* CT_N_WORDS: none */
    uint32_t top;        /* the largest number */
};

/* Read the value of a key into what a match of that kind keeps.  TYPE looks at
 * the protocols of the rule c, so proto is read before.  False when failed. */
#define K(KIND, type, asked)                                                   \
    bool config_kind_##KIND(struct config_read *r, json_t *v,                  \
                            const struct config_kind *kind,                    \
                            const struct config_rule *c, type *out);
CT_MATCH_KINDS(K)
#undef K

/* VALUE or VALUE/MASK, for mark and set_mark. */
bool config_kind_one_mark(struct config_read *r, const json_t *v,
                          struct ct_mark *mark);

/* A number of 0 to 127, or a list of them. */
bool config_kind_labels(struct config_read *r, json_t *v, uint64_t labels[2]);

/* true, and nothing else. */
bool config_kind_true(struct config_read *r, const json_t *v);

/* The words of a list, as far as they fit, for errors: text again. */
enum { CONFIG_KIND_WORDS = 512 };
const char *config_kind_words(enum ct_words list, char text[CONFIG_KIND_WORDS]);

#endif
