/* config_load.c - a configuration file becomes a struct config, or errors
 *
 *     text -> jsonc_clean -> jansson -> readers, key by key -> what no single
 *     key can tell -> errors with their places, or the configuration
 *
 * Readers never stop at an error; only a text that is no JSON is told alone. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "config_keys.h"
#include "config_net.h"
#include "config_rules.h"
#include "config_sets.h"

enum { FAILED = 1, REFUSED = 2 };

/* ---- the keys, in the order in which they need each other ---- */

static const struct config_key top_keys[] = {
    {"interfaces", config_ifaces_read},
    {"routes", config_routes_read},
    {"workers", config_service_read_workers},
    {"sets", config_sets_read},
    {"rules", config_rules_read},
    {"policy", config_rules_read_policy},
    {"conntrack", config_conntrack_read},
    {"nat", config_conntrack_read_nat},
    {"on_reload", config_service_read_on_reload},
    {"seed", config_service_read_seed},
    {"api", config_service_read_api},
    {"log", config_service_read_log},
};
static const char *const later_keys[] = {"gateway", NULL};

static void set_defaults(struct config *c)
{
    c->max = 262144;
    c->acct = c->timestamp = true;
    c->workers = 1;
    ct_params_default(&c->params, c->profile);
    c->listen_set = true;
    strcpy(c->listen_host, "127.0.0.1");
    c->listen_port = 8080;
    strcpy(c->socket, "/run/weir/weir.sock");
    c->log_level = LOG_L_INFO;
    memset(c->rules.policy, CT_ACCEPT, sizeof(c->rules.policy));
}

static void read_all(struct config_read *r)
{
    json_t *root = r->memory->root;

    set_defaults(r->config);
    config_read_object(r, root, top_keys, CONFIG_READ_N(top_keys), later_keys,
                       r->config);
    if (!json_is_object(root))
        return;
    if (json_object_get(root, "interfaces") == NULL)
        config_read_fail(r,
                         "\"interfaces\" is missing; expected an object of "
                         "2 to %d interfaces",
                         CT_MAX_IFACES);
    config_routes_finish(r);
    config_conntrack_finish(r);
    config_service_finish(r);
    config_order_make(r);
    config_steer_make(r);
}

/* ---- telling ---- */

struct teller {
    config_error_fn *fn;
    void *ctx;
};

static void tell(const struct teller *t, uint32_t line, uint32_t column,
                 const char *pointer, const char *message)
{
    struct config_error error = {line, column, pointer, message};

    t->fn(t->ctx, &error);
}

struct told {
    const struct jsonc_place *place;
    const char *message;
    size_t order;
};

static int by_place(const void *a, const void *b)
{
    const struct told *x = a, *y = b;

    if (x->place->line != y->place->line)
        return x->place->line < y->place->line ? -1 : 1;
    if (x->place->column != y->place->column)
        return x->place->column < y->place->column ? -1 : 1;
    return x->order < y->order ? -1 : 1;
}

/* A member that is not there stands where its object does. */
static void place_parents(struct config_read *r, const char *text,
                          const char *clean, size_t len,
                          struct jsonc_place **order)
{
    struct jsonc_place *lost =
        config_read_scratch(r, r->n_errors, sizeof(*lost));
    size_t n = 0;

    for (size_t i = 0; i < r->n_errors; i++) {
        const char *slash = strrchr(r->places[i].pointer, '/');
        char *parent;

        if (r->places[i].line != 0 || slash == NULL)
            continue;
        parent = config_read_scratch(
            r, (size_t)(slash - r->places[i].pointer) + 1, 1);
        memcpy(parent, r->places[i].pointer,
               (size_t)(slash - r->places[i].pointer));
        lost[n++] = (struct jsonc_place){.pointer = parent};
    }
    if (n == 0)
        return;
    jsonc_locate(text, clean, len, lost, order, n);
    for (size_t i = 0, at = 0; i < r->n_errors; i++) {
        if (r->places[i].line != 0 || r->places[i].pointer[0] == '\0')
            continue;
        r->places[i].line = lost[at].line;
        r->places[i].column = lost[at++].column;
    }
}

static void tell_all(struct config_read *r, const char *text, const char *clean,
                     size_t len, const struct teller *t)
{
    struct jsonc_place **order =
        config_read_scratch(r, r->n_errors, sizeof(struct jsonc_place *));
    struct told *told = config_read_scratch(r, r->n_errors, sizeof(*told));

    jsonc_locate(text, clean, len, r->places, order, r->n_errors);
    place_parents(r, text, clean, len, order);
    for (size_t i = 0; i < r->n_errors; i++)
        told[i] = (struct told){&r->places[i], r->messages[i], i};
    qsort(told, r->n_errors, sizeof(*told), by_place);
    for (size_t i = 0; i < r->n_errors; i++)
        tell(t, told[i].place->line, told[i].place->column,
             told[i].place->pointer, told[i].message);
    if (r->n_untold > 0)
        tell(t, 1, 1, "",
             "more errors than are told here; expected fewer of them");
}

/* jansson stops behind the key that came twice. */
static void tell_twice(const char *text, size_t len, char *clean, size_t end,
                       const struct teller *t)
{
    struct jsonc_error error = {.line = 1, .column = 1};
    size_t start = end < len ? end : len;

    for (start -= start > 0; start > 0; start--)
        if (text[start - 1] == '"') {
            size_t slashes = 0;

            while (slashes < start - 1 && text[start - 2 - slashes] == '\\')
                slashes++;
            if (slashes % 2 == 0)
                break;
        }
    /* Cut behind the key, the scanner fails there and says where it was. */
    (void)jsonc_clean(text, end < len ? end : len, clean, &error);
    jsonc_position(text, start > 0 ? start - 1 : 0, &error.line, &error.column);
    tell(t, error.line, error.column, error.pointer,
         "this key is here already; expected each key once");
}

/* ---- reading ---- */

/* The scanner has refused whatever jansson would, except a key given twice; so
 * what else goes wrong there is for want of memory. */
static int refuse_json(const char *text, size_t len, char *clean,
                       const json_error_t *e, const struct teller *t)
{
    if (json_error_code(e) == json_error_duplicate_key) {
        tell_twice(text, len, clean, (size_t)e->position, t);
        return REFUSED;
    }
    tell(t, 0, 0, "", "out of memory");
    return FAILED;
}

/* r and all that changes in it live with the caller: a jump back finds them. */
static int read_text(struct config_read *r, const char *text, size_t len,
                     char *clean, const struct teller *t)
{
    struct jsonc_error error;
    json_error_t json_error;

    if (setjmp(r->no_memory) != 0) {
        tell(t, 0, 0, "", "out of memory");
        return FAILED;
    }
    if (!jsonc_clean(text, len, clean, &error)) {
        tell(t, error.line, error.column, error.pointer, error.text);
        return REFUSED;
    }
    r->memory->root = json_loadb(
        clean, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &json_error);
    if (r->memory->root == NULL)
        return refuse_json(text, len, clean, &json_error, t);
    read_all(r);
    if (r->n_errors == 0)
        return 0;
    tell_all(r, text, clean, len, t);
    return REFUSED;
}

int config_parse(const char *text, size_t len, struct config **out,
                 config_error_fn *fn, void *ctx)
{
    struct teller t = {fn, ctx};
    struct config_rules rules = {.n = 0};
    struct config_read r = {.rules = &rules};
    size_t room = len <= JSONC_MAX_BYTES ? len + 1 : 1;
    char *clean = malloc(room);
    int code = FAILED;

    *out = NULL;
    r.config = calloc(1, sizeof(*r.config));
    r.memory = calloc(1, sizeof(*r.memory));
    if (clean == NULL || r.config == NULL || r.memory == NULL) {
        tell(&t, 0, 0, "", "out of memory");
    } else {
        r.config->memory = r.memory;
        code = read_text(&r, text, len, clean, &t);
    }
    config_read_free(r.scratch);
    free(clean);
    if (code == 0) {
        *out = r.config;
        return 0;
    }
    if (r.config == NULL || r.config->memory == NULL)
        free(r.memory);
    config_free(r.config);
    return code;
}

void config_free(struct config *config)
{
    struct config_memory *memory;

    if (config == NULL)
        return;
    memory = config->memory;
    if (memory != NULL) {
        config_read_free(memory->blocks);
        json_decref(memory->root);
        free(memory);
    }
    explicit_bzero(config->token, sizeof(config->token));
    free(config);
}

/* One byte more than allowed is read, so that too much is seen as such. */
static char *read_file(int fd, size_t *len)
{
    size_t room = 65536, n = 0;
    char *text = malloc(room), *more;
    ssize_t got = 1;

    while (text != NULL && got > 0 && n <= JSONC_MAX_BYTES) {
        if (n == room) {
            room *= 2;
            if ((more = realloc(text, room)) == NULL)
                free(text);
            text = more;
            continue;
        }
        got = read(fd, text + n, room - n);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            n += (size_t)got;
    }
    if (text != NULL && got < 0) {
        free(text);
        return NULL;
    }
    *len = n;
    return text;
}

int config_try(const char *path, struct config **out, config_error_fn *fn,
               void *ctx)
{
    struct teller t = {fn, ctx};
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY), code;
    char *text = NULL;
    size_t len = 0;

    *out = NULL;
    if (fd >= 0) {
        text = read_file(fd, &len);
        code = errno;
        close(fd);
        errno = code;
    }
    if (text == NULL) {
        tell(&t, 0, 0, "", strerror(errno));
        return FAILED;
    }
    code = config_parse(text, len, out, fn, ctx);
    free(text);
    return code;
}

/* ---- for people ---- */

struct printer {
    const char *path;
    FILE *err;
};

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

static void print_error(void *ctx, const struct config_error *e)
{
    const struct printer *p = ctx;

    if (e->line == 0)
        fprintf(p->err, "%s: %s\n", p->path, e->message);
    if (e->line == 0)
        return;
    fprintf(p->err, "%s:%u:%u: ", p->path, e->line, e->column);
    put_safe(p->err, e->pointer[0] != '\0' ? e->pointer : "/", 200);
    fputs(": ", p->err);
    put_safe(p->err, e->message, 2000);
    fputc('\n', p->err);
}

int config_load(const char *path, struct config **out, FILE *err)
{
    struct printer p = {path, err};

    return config_try(path, out, print_error, &p);
}
