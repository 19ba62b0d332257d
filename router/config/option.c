/* option.c - the rows of all lists of options, as one table */
#include "config/option.h"

#include <ctype.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#define PLACE(field)                                                           \
    .at = offsetof(struct config, field),                                      \
    .size = sizeof(((struct config *)0)->field)

#define NUMBER(in, path, field, default_, smallest, largest, unit, at_, text)  \
    {.pointer = path,                                                          \
     PLACE(in field),                                                          \
     .kind = CONFIG_NUMBER,                                                    \
     .form = CONFIG_AS_NUMBER,                                                 \
     .when = CT_OPTION_##at_,                                                  \
     .least = smallest,                                                        \
     .most = largest,                                                          \
     .standard = (default_) < (smallest) ? "" : #default_,                     \
     .words = unit,                                                            \
     .help = text},
#define SWITCH(in, path, field, default_, at_, text)                           \
    {.pointer = path,                                                          \
     PLACE(in field),                                                          \
     .kind = CONFIG_SWITCH,                                                    \
     .form = CONFIG_AS_SWITCH,                                                 \
     .when = CT_OPTION_##at_,                                                  \
     .standard = (default_) ? "true" : "false",                                \
     .help = text},
#define CHOICE(in, path, field, default_, words_, at_, text)                   \
    {.pointer = path,                                                          \
     PLACE(in field),                                                          \
     .kind = CONFIG_CHOICE,                                                    \
     .when = CT_OPTION_##at_,                                                  \
     .standard = default_,                                                     \
     .words = words_,                                                          \
     .help = text},
#define TEXT(in, path, field, default_, largest, what, at_, text)              \
    {.pointer = path,                                                          \
     PLACE(in field),                                                          \
     .kind = CONFIG_TEXT,                                                      \
     .when = CT_OPTION_##at_,                                                  \
     .most = largest,                                                          \
     .standard = default_,                                                     \
     .words = what,                                                            \
     .help = text},
#define OWN(in, path, field, form_, default_, at_, text)                       \
    {.pointer = path,                                                          \
     PLACE(in field),                                                          \
     .kind = CONFIG_OWN,                                                       \
     .form = CONFIG_AS_##form_,                                                \
     .when = CT_OPTION_##at_,                                                  \
     .standard = default_,                                                     \
     .help = text},
/* Durations stand in an object of their own, and come first. */
#define TUNABLE(name, linux_, weir, rfc, smallest, largest, unit, at_, text)   \
    {.pointer = CT_PARAM_##name < CT_N_TIMEOUTS ? "/conntrack/timeouts/" #name \
                                                : "/conntrack/" #name,         \
     PLACE(core.params.v[CT_PARAM_##name]),                                    \
     .kind = (largest) == 1 ? CONFIG_FLAG : CONFIG_NUMBER,                     \
     .form = (largest) == 1 ? CONFIG_AS_SWITCH : CONFIG_AS_NUMBER,             \
     .when = CT_OPTION_##at_,                                                  \
     .least = smallest,                                                        \
     .most = largest,                                                          \
     .standard = "",                                                           \
     .words = unit,                                                            \
     .help = text},

#define FIXED(kind, ...)   kind(, __VA_ARGS__)
#define GATEWAY(kind, ...) kind(gateway., __VA_ARGS__)
#define CORE(kind, ...)    kind(core., __VA_ARGS__)
#define POLICY(kind, ...)  kind(rules., __VA_ARGS__)
#define WEB(kind, ...)     kind(web., __VA_ARGS__)

const struct config_option config_option[CONFIG_N_OPTIONS] = {
    CT_OPTIONS(CORE)                /* numbers are as config.h says */
    CONFIG_OPTIONS(FIXED)           /* */
    WEB_OPTIONS(WEB)                /* */
    CONFIG_GATEWAY_OPTIONS(GATEWAY) /* */
    CONFIG_POLICY_OPTIONS(POLICY)   /* */
    CT_PARAMS(TUNABLE)};

/* ---- names ---- */

const struct config_option *config_option_find(const char *pointer)
{
    for (unsigned i = 0; i < CONFIG_N_OPTIONS; i++)
        if (strcmp(config_option[i].pointer, pointer) == 0)
            return &config_option[i];
    return NULL;
}

void config_option_variable(const struct config_option *o, char name[64])
{
    snprintf(name, 64, "WEIR%s", o->pointer);
    for (char *c = name; *c != '\0'; c++)
        *c = *c == '/' ? '_' : (char)toupper((unsigned char)*c);
}

static void format_option_name(const struct config_option *o, char name[64])
{
    snprintf(name, 64, "%s", o->pointer + 1);
    for (char *c = name; *c != '\0'; c++)
        if (*c == '/')
            *c = '.';
}

bool config_option_word(const struct config_option *o, unsigned i,
                        char word[32])
{
    const char *s = o->words;

    for (; i > 0 && s != NULL; i--) {
        s = strchr(s, '|');
        if (s != NULL)
            s++;
    }
    if (s == NULL)
        return false;
    snprintf(word, 32, "%.*s", (int)strcspn(s, "|"), s);
    return true;
}

/* ---- values ---- */

static void *get_option_field(struct config *config,
                              const struct config_option *o)
{
    return (char *)config + o->at;
}

void config_option_set(const struct config_option *o, void *field, uint32_t n)
{
    if (o->size == sizeof(uint8_t))
        *(uint8_t *)field = (uint8_t)n;
    else
        memcpy(field, &n, sizeof n);
}

uint32_t config_option_get(const struct config *config,
                           const struct config_option *o)
{
    const char *field = (const char *)config + o->at;
    uint32_t n;

    if (o->size == sizeof(uint8_t))
        return (uint8_t)*field;
    memcpy(&n, field, sizeof n);
    return n;
}

static uint32_t standard_of(const struct config_option *o)
{
    char word[32];

    if (o->kind == CONFIG_SWITCH)
        return strcmp(o->standard, "true") == 0;
    if (o->kind != CONFIG_CHOICE)
        return (uint32_t)strtoul(o->standard, NULL, 10);
    for (unsigned i = 0; config_option_word(o, i, word); i++)
        if (strcmp(word, o->standard) == 0)
            return i;
    return 0;
}

void config_option_defaults(struct config *config)
{
    for (unsigned i = 0; i < CONFIG_N_FIXED; i++) {
        const struct config_option *o = &config_option[i];

        if (o->kind == CONFIG_TEXT)
            strcpy(get_option_field(config, o), o->standard);
        else if (o->kind != CONFIG_OWN)
            config_option_set(o, get_option_field(config, o), standard_of(o));
    }
}

void config_option_text(const struct config *config,
                        const struct config_option *o, char text[300])
{
    uint32_t n = o->kind == CONFIG_TEXT ? 0 : config_option_get(config, o);
    char word[32] = "";

    switch (o->kind) {
    case CONFIG_CHOICE:
        (void)config_option_word(o, n, word);
        strcpy(text, word);
        break;
    case CONFIG_SWITCH:
        strcpy(text, n != 0 ? "true" : "false");
        break;
    case CONFIG_TEXT:
        snprintf(text, 300, "%s", (const char *)config + o->at);
        break;
    default:
        snprintf(text, 300, "%u%s%s", n, o->words[0] != '\0' ? " " : "",
                 o->words);
    }
}

/* ---- reload ---- */

static bool is_bounded(const struct config_option *o)
{
    return o->when == CT_OPTION_LESS || o->when == CT_OPTION_ON;
}

void config_option_note_start(struct config *config)
{
    for (unsigned i = 0; i < CONFIG_N_OPTIONS; i++)
        if (is_bounded(&config_option[i]))
            config->at_start[i] = config_option_get(config, &config_option[i]);
}

/* Those that take memory: at most what there was at the start. */
static void bound_one(const struct config_option *o, uint32_t most,
                      struct config *next, config_option_kept *kept)
{
    uint32_t n = config_option_get(next, o);
    char name[64], why[64];

    if (n <= most || (o->when == CT_OPTION_ON && most != 0))
        return;
    config_option_set(o, get_option_field(next, o), most);
    if (o->when == CT_OPTION_ON)
        strcpy(why, "was off at the start: to switch it on needs a restart");
    else
        snprintf(why, sizeof why,
                 "was %u at the start: more, %u, needs a restart", most, n);
    format_option_name(o, name);
    kept(name, why);
}

void config_option_keep(const struct config *now, struct config *next,
                        config_option_kept *kept)
{
    memcpy(next->at_start, now->at_start, sizeof next->at_start);
    for (unsigned i = 0; i < CONFIG_N_OPTIONS; i++) {
        const struct config_option *o = &config_option[i];
        const char *was = (const char *)now + o->at;
        char name[64];

        if (is_bounded(o)) {
            bound_one(o, now->at_start[i], next, kept);
        } else if (o->when == CT_OPTION_START &&
                   memcmp(was, get_option_field(next, o), o->size) != 0) {
            memcpy(get_option_field(next, o), was, o->size);
            format_option_name(o, name);
            kept(name, CONFIG_OPTION_CHANGED);
        }
    }
}
