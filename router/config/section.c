/* section.c - objects of options: each key is found by where it stands */
#include "config/section.h"

#include <string.h>

/* ---- values ---- */

static int which_word(struct config_read *r, const json_t *v,
                      const struct config_option *o)
{
    enum { MOST_WORDS = 8 };
    char(*word)[32] = config_read_scratch(r, MOST_WORDS, sizeof *word);
    const char *names[MOST_WORDS];
    unsigned n = 0;

    for (; n < MOST_WORDS && config_option_word(o, n, word[n]); n++)
        names[n] = word[n];
    return config_read_choice(r, v, names, n);
}

static void read_text_option(struct config_read *r, const json_t *v,
                             const struct config_option *o, char *field)
{
    const char *s = config_read_string(r, v, o->most, o->words);

    if (s == NULL)
        return;
    memset(field, 0, o->size); /* so that two are compared as bytes */
    strcpy(field, s);
}

void config_section_value(struct config_read *r, const json_t *v,
                          const struct config_option *o, void *field)
{
    uint64_t n;
    bool on;
    int i;

    switch (o->kind) {
    case CONFIG_TEXT:
        read_text_option(r, v, o, field);
        break;
    case CONFIG_CHOICE:
        if ((i = which_word(r, v, o)) >= 0)
            config_option_set(o, field, (uint32_t)i);
        break;
    case CONFIG_SWITCH:
        if (config_read_bool(r, v, &on))
            config_option_set(o, field, on);
        break;
    case CONFIG_FLAG:
    case CONFIG_NUMBER:
        if (o->kind == CONFIG_FLAG && json_is_boolean(v))
            config_option_set(o, field, json_is_true(v));
        else if (config_read_uint(r, v, o->least, o->most, &n))
            config_option_set(o, field, (uint32_t)n);
        break;
    case CONFIG_OWN:
        break;
    }
}

void config_section_read_row(struct config_read *r, json_t *v, void *into)
{
    const struct config_option *o = config_option_find(r->path);

    config_section_value(r, v, o, (char *)into + o->at);
}

/* ---- objects ---- */

static bool is_among(const struct config_key *keys, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(keys[i].name, name) == 0)
            return true;
    return false;
}

/* The key by which the object at hand leads to this option, or NULL. */
static const char *key_towards(struct config_read *r,
                               const struct config_option *o, bool *deeper)
{
    const char *rest = o->pointer + r->path_len;
    size_t n;
    char *name;

    if (strncmp(o->pointer, r->path_len > 0 ? r->path : "", r->path_len) != 0 ||
        *rest != '/')
        return NULL;
    n = strcspn(++rest, "/");
    *deeper = rest[n] != '\0';
    name = config_read_scratch(r, n + 1, 1);
    return memcpy(name, rest, n);
}

void config_section_read_with(struct config_read *r, json_t *v,
                              const struct config_key *own, size_t n,
                              void *into)
{
    struct config_key *keys =
        config_read_scratch(r, n + CONFIG_N_OPTIONS, sizeof *keys);

    if (n > 0)
        memcpy(keys, own, n * sizeof *keys);
    for (unsigned i = 0; i < CONFIG_N_OPTIONS; i++) {
        bool deeper;
        const char *name = key_towards(r, &config_option[i], &deeper);

        if (name != NULL && !is_among(keys, n, name))
            keys[n++] = (struct config_key){
                name, deeper ? config_section_read : config_section_read_row};
    }
    config_read_object(r, v, keys, n, NULL, into);
}

void config_section_read(struct config_read *r, json_t *v, void *into)
{
    config_section_read_with(r, v, NULL, 0, into);
}
