/* option.h - options as rows: defaults, texts, names, and what a reload keeps
 *
 * One row for each key that has a place of its own; <ctcore/option.h> says what
 * a row says. */
#ifndef CONFIG_OPTION_H
#define CONFIG_OPTION_H

#include "config/config.h"

enum config_kind {
    CONFIG_NUMBER,
    CONFIG_FLAG, /* a number, 0 or 1, that may be written as false or true */
    CONFIG_SWITCH,
    CONFIG_CHOICE,
    CONFIG_TEXT,
    CONFIG_OWN /* its section has a reader for it */
};

/* What the text of a variable of the environment is made into. */
enum config_form {
    CONFIG_AS_TEXT,
    CONFIG_AS_TEXT_OR_NULL, /* none or null: null */
    CONFIG_AS_NUMBER,
    CONFIG_AS_NUMBER_OR_NULL,
    CONFIG_AS_SWITCH,
    CONFIG_AS_LIST /* with commas */
};

struct config_option {
    const char *pointer; /* RFC 6901: /conntrack/max */
    size_t at, size;     /* of its field in struct config */
    enum config_kind kind;
    enum config_form form;
    enum ct_option_when when;
    uint32_t least, most; /* CONFIG_NUMBER, _FLAG; most: bytes of CONFIG_TEXT */
    const char *standard; /* default, as a file or variable would say it; "":
                             made of others, or none; tunables: "", their
                             profile says it */
    const char *words;    /* CONFIG_CHOICE: "a|b|c"; CONFIG_NUMBER: its unit;
                             CONFIG_TEXT: what it is */
    const char *help;
};

/* The first CONFIG_N_FIXED are not tunables; tunables have the order of enum
 * ct_param. */
extern const struct config_option config_option[CONFIG_N_OPTIONS];

/* NULL: no such row. */
const struct config_option *config_option_find(const char *pointer);

/* WEIR_ and the pointer in capitals: WEIR_CONNTRACK_MAX. */
void config_option_variable(const struct config_option *o, char name[64]);

/* Words of a CONFIG_CHOICE: number i into word, false: there is none. */
bool config_option_word(const struct config_option *o, unsigned i,
                        char word[32]);

/* The field, which has the size of the option's, becomes n. */
void config_option_set(const struct config_option *o, void *field, uint32_t n);
/* Not of CONFIG_TEXT and CONFIG_OWN. */
uint32_t config_option_get(const struct config *config,
                           const struct config_option *o);

/* All but tunables and CONFIG_OWN. */
void config_option_defaults(struct config *config);

/* The value for people; not of CONFIG_OWN. */
void config_option_text(const struct config *config,
                        const struct config_option *o, char text[300]);

/* Remember what the core is made with. */
void config_option_note_start(struct config *config);

/* What only a start changes stays in next as it is in now; kept is called with
 * the name of each, and with what is to be said of it. */
#define CONFIG_OPTION_CHANGED                                                  \
    "changed: that needs a restart, the old value stays"
typedef void config_option_kept(const char *name, const char *why);
void config_option_keep(const struct config *now, struct config *next,
                        config_option_kept *kept);

#endif
