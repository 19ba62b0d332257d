/* queues.c - queues to user programs
 *
 * Each has to be named here, for its memory is taken at the start; a rule that
 * names another one is a mistake that is found before any packet meets it. */
#include "config/queues.h"

#include "config/section.h"

#include <stdlib.h>
#include <string.h>

enum {
    MAX_HELD = 65536,
    DEFAULT_HELD = 1024, /* the kernel's */
    MIN_WAIT_MS = 10,
    MAX_WAIT_MS = 600000,
    DEFAULT_WAIT_MS = 5000
};

static struct config_queue *find_queue(struct config *c, uint64_t number)
{
    for (uint32_t i = 0; i < c->n_queues; i++)
        if (c->queue[i].number == number)
            return &c->queue[i];
    return NULL;
}

/* ---- one queue ---- */

static void read_queue_number(struct config_read *r, json_t *v, void *into)
{
    struct config_queue *q = into;
    uint64_t n;

    if (!config_read_uint(r, v, 0, UINT16_MAX, &n))
        return;
    if (find_queue(r->config, n) != NULL)
        config_read_fail(r, "queue %u is listed twice; use each number once",
                         (unsigned)n);
    q->number = (uint16_t)n;
}

static void read_max(struct config_read *r, json_t *v, void *into)
{
    struct config_queue *q = into;
    uint64_t n;

    if (config_read_uint(r, v, 1, MAX_HELD, &n))
        q->max = (uint32_t)n;
}

static void read_bypass(struct config_read *r, json_t *v, void *into)
{
    (void)config_read_bool(r, v, &((struct config_queue *)into)->bypass);
}

static void read_fail_open(struct config_read *r, json_t *v, void *into)
{
    (void)config_read_bool(r, v, &((struct config_queue *)into)->fail_open);
}

static void read_resize(struct config_read *r, json_t *v, void *into)
{
    (void)config_read_bool(r, v, &((struct config_queue *)into)->resize);
}

static void read_timeout(struct config_read *r, json_t *v, void *into)
{
    struct config_queue *q = into;
    uint64_t n;

    if (config_read_uint(r, v, MIN_WAIT_MS, MAX_WAIT_MS, &n))
        q->timeout_ms = (uint32_t)n;
}

static void read_queue_entry(struct config_read *r, json_t *v)
{
    static const struct config_key keys[] = {
        {"number", read_queue_number}, {"max", read_max},
        {"bypass", read_bypass},       {"fail_open", read_fail_open},
        {"timeout_ms", read_timeout},  {"resize", read_resize},
    };
    struct config *c = r->config;
    struct config_queue q = {.max = DEFAULT_HELD,
                             .timeout_ms = DEFAULT_WAIT_MS};

    if (c->n_queues == CONFIG_QUEUES) {
        config_read_fail(r, "too many queues; at most %d", CONFIG_QUEUES);
        return;
    }
    config_read_object(r, v, keys, CONFIG_READ_N(keys), NULL, &q);
    if (!json_is_object(v))
        return;
    if (json_object_get(v, "number") == NULL)
        config_read_fail(r, "\"number\" is missing; use the number that rules "
                            "name, as in \"queue 5\"");
    c->queue[c->n_queues++] = q;
}

/* ---- all of them ---- */

static void read_queue_list(struct config_read *r, json_t *v, void *into)
{
    (void)into;
    if (!json_is_array(v)) {
        config_read_fail(r, "%s is not allowed here; use a list of queues",
                         config_read_kind(r, v));
        return;
    }
    for (size_t i = 0; i < json_array_size(v); i++) {
        size_t was = config_read_enter_at(r, i);

        read_queue_entry(r, json_array_get(v, i));
        config_read_leave(r, was);
    }
}

void config_queues_read(struct config_read *r, json_t *v, void *into)
{
    static const struct config_key keys[] = {{"list", read_queue_list}};

    config_section_read_with(r, v, keys, CONFIG_READ_N(keys), into);
}

/* Its flows each take an extension record. */
static void check_resize(struct config_read *r)
{
    for (uint32_t i = 0; i < r->config->n_queues; i++) {
        size_t was;

        if (!r->config->queue[i].resize ||
            r->config->core.params.v[CT_PARAM_extensions] > 0)
            continue;
        was = config_read_enter(r, "queues");
        config_read_enter(r, "list");
        config_read_enter_at(r, i);
        config_read_fail_in(
            r, "resize", false,
            "\"resize\" needs extension records; set \"conntrack\": { "
            "\"extensions\": N }, for N flows of each worker");
        config_read_leave(r, was);
    }
}

void config_queues_finish(struct config_read *r)
{
    static const char name[] = "queue.sock";
    struct config *c = r->config;
    const char *slash = strrchr(c->web.socket, '/');
    size_t n = slash == NULL ? 0 : (size_t)(slash - c->web.socket) + 1, was;

    if (c->queue_socket[0] == '\0' &&
        n + sizeof(name) <= sizeof(c->queue_socket)) {
        memcpy(c->queue_socket, c->web.socket, n);
        memcpy(c->queue_socket + n, name, sizeof(name));
    }
    check_resize(r);
    if (c->n_queues == 0 || (c->queue_socket[0] != '\0' &&
                             strcmp(c->queue_socket, c->web.socket) != 0))
        return;
    was = config_read_enter(r, "queues");
    config_read_fail(
        r, "the queues' socket has no place beside %s; set \"socket\"",
        config_read_show(r, c->web.socket));
    config_read_leave(r, was);
}

int config_queues_verdict(struct config_read *r, const char *s)
{
    const char *text = strncmp(s, "queue ", 6) == 0 ? s + 6 : "";
    size_t digits = strspn(text, "0123456789");
    unsigned long n = strtoul(text, NULL, 10);

    if (digits < 1 || digits > 5 || text[digits] != '\0' || n > UINT16_MAX) {
        config_read_fail(
            r,
            "unknown verdict %s; use \"queue N\" with a number of /queues/list",
            config_read_show(r, s));
        return -1;
    }
    if (find_queue(r->config, n) == NULL) {
        config_read_fail(r,
                         "unknown queue %lu; use one of /queues/list, or add { "
                         "\"number\": %lu } there",
                         n, n);
        return -1;
    }
    return (int)n;
}
