/* tell.c - errors: where they stand, and how they are said
 *
 * Each has a JSON pointer.  What the environment gave is told with the name of
 * the variable; what is in the text with line and column; what is in neither
 * stands where the nearest thing around it does. */
#include "config/tell.h"

#include "config/env.h"
#include "config/jsonc_locate.h"

#include <stdlib.h>
#include <string.h>

struct told {
    const struct jsonc_place *place;
    const char *message, *env;
    size_t order;
};

/* The environment's first. */
static int by_place(const void *a, const void *b)
{
    const struct told *x = a, *y = b;

    if (x->place->line != y->place->line)
        return x->place->line < y->place->line ? -1 : 1;
    if (x->place->column != y->place->column)
        return x->place->column < y->place->column ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

static const char *get_parent_pointer(struct config_read *r,
                                      const char *pointer)
{
    const char *slash = strrchr(pointer, '/');
    size_t n = slash == NULL ? 0 : (size_t)(slash - pointer);
    char *parent = config_read_scratch(r, n + 1, 1);

    memcpy(parent, pointer, n);
    return parent;
}

/* A member that is not there stands where its object does, or that one's.
 * Answers how many of the places are still to be found. */
static size_t collect_unplaced_errors(struct config_read *r,
                                      struct jsonc_place *lost, size_t *which)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n_errors; i++) {
        const char *pointer = r->places[i].pointer;

        if (r->places[i].line != 0 || r->error_env[i] != NULL)
            continue;
        if (lost[i].pointer == NULL) /* the first time: all of it may be his */
            r->error_env[i] = config_env_below(r->memory, pointer);
        if (r->error_env[i] != NULL)
            continue;
        lost[i].pointer = get_parent_pointer(
            r, lost[i].pointer != NULL ? lost[i].pointer : pointer);
        which[n++] = i;
    }
    return n;
}

static void place_parents(struct config_read *r, const char *text,
                          const char *clean, size_t len,
                          struct jsonc_place **order)
{
    struct jsonc_place *lost =
        config_read_scratch(r, r->n_errors, sizeof(*lost));
    struct jsonc_place *now = config_read_scratch(r, r->n_errors, sizeof(*now));
    size_t *which = config_read_scratch(r, r->n_errors, sizeof(*which));
    size_t n;

    /* The whole is always there: it ends. */
    while ((n = collect_unplaced_errors(r, lost, which)) > 0) {
        for (size_t i = 0; i < n; i++)
            now[i] = lost[which[i]];
        jsonc_locate(text, clean, len, now, order, n);
        for (size_t i = 0; i < n; i++) {
            r->places[which[i]].line = now[i].line;
            r->places[which[i]].column = now[i].column;
        }
    }
}

void config_tell(struct config_read *r, const char *text, const char *clean,
                 size_t len, const struct config_teller *t)
{
    struct jsonc_place **order =
        config_read_scratch(r, r->n_errors, sizeof(struct jsonc_place *));
    struct told *told = config_read_scratch(r, r->n_errors, sizeof(*told));

    for (size_t i = 0; i < r->n_errors; i++)
        if (r->error_env[i] == NULL)
            r->error_env[i] =
                config_env_source(r->memory, r->places[i].pointer);
    jsonc_locate(text, clean, len, r->places, order, r->n_errors);
    place_parents(r, text, clean, len, order);
    for (size_t i = 0; i < r->n_errors; i++) {
        if (r->error_env[i] != NULL) /* what the file says there is not asked */
            r->places[i].line = r->places[i].column = 0;
        told[i] =
            (struct told){&r->places[i], r->messages[i], r->error_env[i], i};
    }
    qsort(told, r->n_errors, sizeof(*told), by_place);
    for (size_t i = 0; i < r->n_errors; i++) {
        struct config_error error = {told[i].place->line, told[i].place->column,
                                     told[i].place->pointer, told[i].message,
                                     told[i].env};

        t->fn(t->ctx, &error);
    }
    if (r->n_untold > 0) {
        struct config_error error = {
            1, 1, "", "there are more errors than are listed here", NULL};

        t->fn(t->ctx, &error);
    }
}

/* ---- for people ---- */

/* A hostile file must not write to the terminal by its own hand. */
static void put_safe(FILE *f, const char *s, size_t max)
{
    const char *end = s + strnlen(s, max);

    for (; s < end; s++) {
        unsigned char c = (unsigned char)*s, next = (unsigned char)s[1];
        bool c1 = c == 0xc2 && next >= 0x80 && next < 0xa0;

        fputc(c < 0x20 || c == 0x7f || c1 ? '?' : c, f);
        s += c1;
    }
    if (*end != '\0')
        fputs("...", f);
}

void config_tell_print(void *ctx, const struct config_error *e)
{
    const struct config_printer *p = ctx;

    if (e->env != NULL)
        put_safe(p->err, e->env, 100);
    else if (p->path == NULL)
        fputs("no file, environment alone", p->err);
    else if (e->line == 0)
        fputs(p->path, p->err);
    else {
        fprintf(p->err, "%s:%u:%u: ", p->path, e->line, e->column);
        put_safe(p->err, e->pointer[0] != '\0' ? e->pointer : "/", 200);
    }
    fputs(": ", p->err);
    put_safe(p->err, e->message, 2000);
    fputc('\n', p->err);
}
