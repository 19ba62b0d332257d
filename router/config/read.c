/* read.c - the reader's tools: memory, path, errors, keys, scalars */
#include "config/read.h"

#include "config/jsonc_locate.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- memory: one chain, freed whole ---- */

struct config_block {
    struct config_block *next;
    _Alignas(16) unsigned char data[];
};

static void *alloc_block(struct config_read *r, struct config_block **chain,
                         size_t n, size_t size)
{
    struct config_block *b = NULL;

    if (n <= (SIZE_MAX / 2) / size)
        b = calloc(1, sizeof(*b) + n * size);
    if (b == NULL)
        longjmp(r->no_memory, 1);
    b->next = *chain;
    *chain = b;
    return b->data;
}

void *config_read_alloc(struct config_read *r, size_t n, size_t size)
{
    return alloc_block(r, &r->memory->blocks, n, size);
}

void *config_read_scratch(struct config_read *r, size_t n, size_t size)
{
    return alloc_block(r, &r->scratch, n, size);
}

static char *copy_scratch_string(struct config_read *r, const char *s)
{
    size_t n = strlen(s) + 1;

    return memcpy(config_read_scratch(r, n, 1), s, n);
}

void config_read_free(struct config_block *blocks)
{
    while (blocks != NULL) {
        struct config_block *next = blocks->next;

        free(blocks);
        blocks = next;
    }
}

/* ---- path ---- */

static void append_path_char(struct config_read *r, char c)
{
    if (r->path_len + 2 > r->path_room) {
        size_t room = r->path_room == 0 ? 256 : 2 * r->path_room;
        char *more = config_read_scratch(r, room, 1);

        if (r->path_len > 0)
            memcpy(more, r->path, r->path_len);
        r->path = more;
        r->path_room = room;
    }
    r->path[r->path_len++] = c;
    r->path[r->path_len] = '\0';
}

size_t config_read_enter(struct config_read *r, const char *key)
{
    size_t was = r->path_len;

    append_path_char(r, '/');
    for (; *key != '\0'; key++) {
        if (*key == '~' || *key == '/') {
            append_path_char(r, '~');
            append_path_char(r, *key == '~' ? '0' : '1');
        } else {
            append_path_char(r, *key);
        }
    }
    return was;
}

size_t config_read_enter_at(struct config_read *r, size_t index)
{
    char text[24];

    snprintf(text, sizeof(text), "%zu", index);
    return config_read_enter(r, text);
}

void config_read_leave(struct config_read *r, size_t was)
{
    r->path_len = was;
    r->path[was] = '\0';
}

/* ---- errors ---- */

static void make_room(struct config_read *r)
{
    size_t room = r->error_room == 0 ? 16 : 2 * r->error_room;
    struct jsonc_place *places;
    const char **messages, **env;

    if (r->n_errors < r->error_room)
        return;
    places = config_read_scratch(r, room, sizeof(*places));
    messages = config_read_scratch(r, room, sizeof(*messages));
    env = config_read_scratch(r, room, sizeof(*env));
    if (r->n_errors > 0) {
        memcpy(places, r->places, r->n_errors * sizeof(*places));
        memcpy(messages, r->messages, r->n_errors * sizeof(*messages));
        memcpy(env, r->error_env, r->n_errors * sizeof(*env));
    }
    r->places = places;
    r->messages = messages;
    r->error_env = env;
    r->error_room = room;
}

/* env NULL: it is about the value at hand, wherever that is from. */
__attribute__((format(printf, 4, 0))) static void
fail(struct config_read *r, const char *env, bool key, const char *fmt,
     va_list ap)
{
    char text[1024];

    if (r->n_errors == CONFIG_READ_MAX_ERRORS) {
        r->n_untold++;
        return;
    }
    vsnprintf(text, sizeof(text), fmt, ap);
    make_room(r);
    r->messages[r->n_errors] = copy_scratch_string(r, text);
    r->error_env[r->n_errors] = env;
    r->places[r->n_errors++] = (struct jsonc_place){
        .pointer = copy_scratch_string(r, r->path_len > 0 ? r->path : ""),
        .key = key,
    };
}

void config_read_fail(struct config_read *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fail(r, NULL, false, fmt, ap);
    va_end(ap);
}

void config_read_fail_in(struct config_read *r, const char *member, bool key,
                         const char *fmt, ...)
{
    size_t was = config_read_enter(r, member);
    va_list ap;

    va_start(ap, fmt);
    fail(r, NULL, key, fmt, ap);
    va_end(ap);
    config_read_leave(r, was);
}

void config_read_fail_env(struct config_read *r, const char *name,
                          const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fail(r, name, false, fmt, ap);
    va_end(ap);
}

const char *config_read_show(struct config_read *r, const char *s)
{
    size_t n = strlen(s);
    char *text;

    if (n > 48) /* never in the middle of a character */
        for (n = 48; n > 0 && ((unsigned char)s[n] & 0xc0) == 0x80;)
            n--;
    text = config_read_scratch(r, n + 6, 1);
    snprintf(text, n + 6, "\"%.*s%s\"", (int)n, s, s[n] != '\0' ? "..." : "");
    return text;
}

const char *config_read_kind(struct config_read *r, const json_t *v)
{
    char *text;

    switch (json_typeof(v)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        return config_read_show(r, json_string_value(v));
    case JSON_INTEGER:
        text = config_read_scratch(r, 24, 1);
        snprintf(text, 24, "%lld", (long long)json_integer_value(v));
        return text;
    case JSON_REAL:
        return "a number with a fraction";
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    case JSON_NULL:
        break;
    }
    return "null";
}

/* ---- keys ---- */

static size_t min_of_three(size_t a, size_t b, size_t c)
{
    size_t m = a < b ? a : b;

    return m < c ? m : c;
}

size_t config_read_distance(const char *a, const char *b)
{
    size_t row[64], na = strnlen(a, 63), nb = strnlen(b, 63);

    for (size_t j = 0; j <= nb; j++)
        row[j] = j;
    for (size_t i = 1; i <= na; i++) {
        size_t diagonal = row[0];

        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            size_t was = row[j];

            row[j] = min_of_three(was + 1, row[j - 1] + 1,
                                  diagonal + (a[i - 1] != b[j - 1]));
            diagonal = was;
        }
    }
    return row[nb];
}

void config_read_unknown(struct config_read *r, const char *name,
                         const struct config_key *keys, size_t n,
                         const char *const *later)
{
    char known[640] = "";
    size_t used = 0, best = 0;

    for (size_t i = 0; i < n; i++)
        if (config_read_distance(name, keys[i].name) <
            config_read_distance(name, keys[best].name))
            best = i;
    for (size_t i = 0; i < n && used < sizeof(known); i++)
        used += (size_t)snprintf(known + used, sizeof(known) - used, "%s%s",
                                 i == 0 ? "" : ", ", keys[i].name);
    for (; later != NULL && *later != NULL; later++)
        if (strcmp(name, *later) == 0) {
            config_read_fail_in(r, name, true,
                                "this version does not know \"%s\"; valid: %s",
                                name, known);
            return;
        }
    config_read_fail_in(r, name, true,
                        "unknown key %s; did you mean \"%s\"? valid: %s",
                        config_read_show(r, name), keys[best].name, known);
}

void config_read_object(struct config_read *r, json_t *v,
                        const struct config_key *keys, size_t n,
                        const char *const *later, void *into)
{
    const char *name;
    json_t *member;

    if (!json_is_object(v)) {
        config_read_fail(r, "%s is not allowed here; use an object",
                         config_read_kind(r, v));
        return;
    }
    for (size_t i = 0; i < n; i++) {
        size_t was;

        if ((member = json_object_get(v, keys[i].name)) == NULL)
            continue;
        was = config_read_enter(r, keys[i].name);
        keys[i].read(r, member, into);
        config_read_leave(r, was);
    }
    json_object_foreach(v, name, member)
    {
        size_t i = 0;

        while (i < n && strcmp(keys[i].name, name) != 0)
            i++;
        if (i == n)
            config_read_unknown(r, name, keys, n, later);
    }
}

/* ---- scalars ---- */

bool config_read_bool(struct config_read *r, const json_t *v, bool *into)
{
    if (!json_is_boolean(v)) {
        config_read_fail(r, "%s is not allowed here; use true or false",
                         config_read_kind(r, v));
        return false;
    }
    *into = json_is_true(v);
    return true;
}

bool config_read_uint(struct config_read *r, const json_t *v, uint64_t min,
                      uint64_t max, uint64_t *into)
{
    json_int_t i = json_integer_value(v);

    if (!json_is_integer(v) || i < 0 || (uint64_t)i < min ||
        (uint64_t)i > max) {
        config_read_fail(
            r, "%s is not allowed here; use a whole number from %llu to %llu",
            config_read_kind(r, v), (unsigned long long)min,
            (unsigned long long)max);
        return false;
    }
    *into = (uint64_t)i;
    return true;
}

const char *config_read_string(struct config_read *r, const json_t *v,
                               size_t max, const char *what)
{
    size_t n;

    if (!json_is_string(v)) {
        config_read_fail(r, "%s is not allowed here; use %s",
                         config_read_kind(r, v), what);
        return NULL;
    }
    n = json_string_length(v);
    if (n == 0 || n > max) {
        config_read_fail(r, "%zu bytes; use %s of 1 to %zu bytes", n, what,
                         max);
        return NULL;
    }
    return json_string_value(v);
}

int config_read_choice(struct config_read *r, const json_t *v,
                       const char *const *names, size_t n)
{
    const char *s = json_string_value(v);
    char known[256] = "";
    size_t used = 0;

    for (size_t i = 0; i < n; i++)
        if (s != NULL && strcmp(s, names[i]) == 0)
            return (int)i;
    for (size_t i = 0; i < n && used < sizeof(known); i++)
        used += (size_t)snprintf(known + used, sizeof(known) - used, "%s\"%s\"",
                                 i == 0 ? "" : ", ", names[i]);
    config_read_fail(r, "%s is not allowed here; use %s%s",
                     config_read_kind(r, v), n > 1 ? "one of " : "", known);
    return -1;
}

const struct ct_word *config_read_word(struct config_read *r, const json_t *v,
                                       enum ct_words list)
{
    unsigned n;
    const struct ct_word *row = ct_words(list, &n);
    const char **names = config_read_scratch(r, n, sizeof *names);
    int i;

    for (unsigned k = 0; k < n; k++)
        names[k] = row[k].name;
    i = config_read_choice(r, v, names, n);
    return i < 0 ? NULL : &row[i];
}
