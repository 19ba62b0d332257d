/* print.c - each value, and who said it
 *
 *     conntrack.max            default  262144
 *     log.level                env WEIR_LOG_LEVEL  debug
 *
 * The value stands last, as it may be long. */
#include "config/print.h"

#include "config/conntrack.h"
#include "config/env.h"
#include "config/read.h"
#include "config/rule/hook.h"
#include "config/service.h"
#include "system/addr.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct page {
    const struct config *config;
    const struct config_memory *memory;
    FILE *out;
    int width; /* of the column that says who */
};

__attribute__((format(printf, 4, 5))) static void row(const struct page *p,
                                                      const char *source,
                                                      const char *key,
                                                      const char *fmt, ...)
{
    va_list ap;

    fprintf(p->out, "%-38s %-*s ", key, p->width, source);
    va_start(ap, fmt);
    vfprintf(p->out, fmt, ap);
    va_end(ap);
    fputc('\n', p->out);
}

static const json_t *find(const json_t *at, const char *pointer)
{
    while (at != NULL && *pointer == '/') {
        size_t n = strcspn(++pointer, "/");
        char part[64];

        snprintf(part, sizeof(part), "%.*s", (int)n, pointer);
        at = json_object_get(at, part);
        pointer += n;
    }
    return at;
}

/* Who gave the value at this JSON pointer?  room is for the answer. */
static const char *source(const struct page *p, const char *pointer,
                          char room[80])
{
    const char *env = config_env_source(p->memory, pointer);

    if (env != NULL)
        snprintf(room, 80, "env %s", env);
    else if (find(p->memory->root, pointer) != NULL)
        strcpy(room, "file");
    else
        strcpy(room, "default");
    return room;
}

/* A row of the option that stands at pointer. */
__attribute__((format(printf, 3, 4))) static void
option(const struct page *p, const char *pointer, const char *fmt, ...)
{
    char key[64], value[4200], room[80];
    va_list ap;

    snprintf(key, sizeof(key), "%s", pointer + 1);
    for (char *c = key; *c != '\0'; c++)
        if (*c == '/')
            *c = '.';
    va_start(ap, fmt);
    vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    row(p, source(p, pointer, room), key, "%s", value);
}

static const char *yes(bool b)
{
    return b ? "true" : "false";
}

/* ---- interfaces ---- */

static void print_gateway(const struct page *p)
{
    const struct config_gateway *g = &p->config->gateway;
    char text[64 * 12] = "";
    size_t n = 0;

    if (!g->set)
        return;
    option(p, "/gateway/lan", "%s", g->device[0]);
    option(p, "/gateway/wan", "%s", g->device[1]);
    for (uint32_t i = 2; i < g->n; i++) {
        char key[64];

        snprintf(key, sizeof(key), "/gateway/more/%s/device", g->name[i]);
        option(p, key, "%s", g->device[i]);
        snprintf(key, sizeof(key), "/gateway/more/%s/side", g->name[i]);
        option(p, key, "%s", g->inside[i] ? "inside" : "outside");
    }
    for (uint32_t i = 0; i < g->n_reserved; i++) {
        n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%u",
                              i > 0 ? "," : "", g->reserved[i].lo);
        if (g->reserved[i].hi != g->reserved[i].lo)
            n += (size_t)snprintf(text + n, sizeof(text) - n, "-%u",
                                  g->reserved[i].hi);
    }
    option(p, "/gateway/reserved_ports", "%s", n > 0 ? text : "none");
    option(p, "/gateway/notrack", "%s", yes(g->notrack));
    option(p, "/gateway/offloads", "%s", yes(g->offloads));
    option(p, "/gateway/txqueuelen", "%u", g->txqueuelen);
    option(p, "/gateway/wait", "%s", yes(g->wait));
}

/* The interface's own key, as name.what; who gave it in an ordinary file, and
 * in gateway mode. */
__attribute__((format(printf, 5, 6))) static void
part(const struct page *p, const struct config_iface *f, const char *what,
     const char *in_gateway, const char *fmt, ...)
{
    const json_t *json = json_object_get(
        json_object_get(p->memory->root, "interfaces"), f->name);
    const char *from = json_object_get(json, what) != NULL ? "file" : "default";
    char key[64], value[64];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    snprintf(key, sizeof(key), "interfaces.%s.%s", f->name, what);
    row(p, p->config->gateway.set ? in_gateway : from, key, "%s", value);
}

static void print_iface(const struct page *p, const struct config_iface *f)
{
    char text[CONFIG_ADDR_TEXT];

    part(p, f, "tun", "default", "%s", f->tun);
    part(p, f, "side", "default", "%s", f->inside ? "inside" : "outside");
    for (unsigned i = 0; i < f->n_addrs; i++)
        part(p, f, "address", "kernel", "%s",
             system_addr_text(&f->addr[i].addr, f->addr[i].family,
                              f->addr[i].len, text));
    if (p->config->gateway.set && !p->memory->facts_known) {
        part(p, f, "address", "kernel", "asked at the start");
        part(p, f, "mtu", "kernel", "asked at the start");
        return;
    }
    if (f->n_addrs == 0)
        part(p, f, "address", "kernel", "none");
    part(p, f, "mtu", "kernel", "%u", f->mtu);
    if (p->config->gateway.set)
        return;
    part(p, f, "offloads", "", "%s", yes(f->offloads));
    part(p, f, "txqueuelen", "", "%u", f->txqueuelen);
    part(p, f, "unnumbered", "default", "%s", yes(f->unnumbered));
    part(p, f, "kernel_address", "", "%s",
         f->kernel_address_set
             ? system_addr_text(&f->kernel_address, f->kernel_family,
                                f->kernel_len, text)
             : "none");
}

/* A route that is the network of one of the interface's own addresses. */
static bool is_connected(const struct config_iface *f,
                         const struct fib_route *route)
{
    for (unsigned i = 0; i < f->n_addrs; i++) {
        struct ct_addr_range span = system_addr_span(
            &f->addr[i].addr, f->addr[i].family, f->addr[i].len);

        if (f->addr[i].family == route->family &&
            f->addr[i].len == route->len && ct_addr_eq(&span.lo, &route->addr))
            return true;
    }
    return false;
}

static void print_routes(const struct page *p)
{
    for (uint32_t i = 0; i < p->config->n_routes; i++) {
        const struct fib_route *route = &p->config->routes[i];
        const struct config_iface *f = &p->config->iface[route->iface];
        char text[CONFIG_ADDR_TEXT], shared[CT_MAX_IFACES * 20] = "";

        for (uint32_t k = 0; k < p->config->n_ifaces; k++)
            if (route->others >> k & 1) {
                strcat(shared, " and ");
                strcat(shared, p->config->iface[k].name);
            }
        row(p, p->memory->route_source[i], "routes", "%s interface %s%s%s",
            system_addr_text(&route->addr, route->family, route->len, text),
            f->name, shared, is_connected(f, route) ? " (connected)" : "");
    }
}

/* ---- rules ---- */

static bool is_made(const struct config_memory *memory, const char *text)
{
    for (uint32_t i = 0; i < memory->n_made; i++)
        if (memory->made_text[i] == text)
            return true;
    return false;
}

static void print_rules(const struct page *p)
{
    static const char *const stages[CT_N_STAGES] = {
        [CT_STAGE_RAW] = "raw",
        [CT_STAGE_MANGLE] = "mangle",
        [CT_STAGE_NAT] = "nat",
        [CT_STAGE_FILTER] = "filter",
    };
    static const unsigned filters[] = {CT_INPUT, CT_FORWARD, CT_OUTPUT};
    const struct config *c = p->config;
    const struct config_memory *memory = p->memory;
    char key[64];

    for (uint32_t i = 0; i < c->rules.n; i++) {
        const struct ct_rule *rule = &c->rules.rules[i];

        snprintf(key, sizeof(key), "rules.%s (%s)",
                 config_hook_name(rule->hook), stages[rule->stage]);
        row(p, is_made(memory, c->rule_text[i]) ? "default" : "file", key,
            "%s %s", rule->id, c->rule_text[i]);
    }
    for (unsigned i = 0; i < 3; i++) {
        const char *hook = config_hook_name(filters[i]);

        snprintf(key, sizeof(key), "/policy/%s", hook);
        option(p, key, "%s",
               c->rules.policy[filters[i]] == CT_DROP ? "drop" : "accept");
    }
    for (uint32_t i = 0; i < memory->n_sets; i++) {
        const struct config_set *set = &memory->sets[i];

        snprintf(key, sizeof(key), "sets.%s", set->name);
        row(p, "file", key, "%u entries: %u ranges of IPv4, %u of IPv6",
            set->given, set->set.n_v4, set->set.n_v6);
    }
}

/* ---- the rest ---- */

static void print_conntrack(const struct page *p)
{
    const struct config *c = p->config;
    char key[64];

    option(p, "/conntrack/max", "%u", c->max);
    option(p, "/conntrack/buckets", "%u", c->buckets);
    option(p, "/conntrack/profile", "%s",
           config_conntrack_profiles[c->profile]);
    option(p, "/conntrack/on_full", "%s", config_conntrack_on_full[c->on_full]);
    option(p, "/conntrack/acct", "%s", yes(c->acct));
    option(p, "/conntrack/timestamp", "%s", yes(c->timestamp));
    for (unsigned i = 0; i < CT_N_PARAMS; i++) {
        const struct ct_param_info *info = ct_param_info(i);

        snprintf(key, sizeof(key), "/conntrack/%s%s",
                 i < CT_N_TIMEOUTS ? "timeouts/" : "", info->name);
        option(p, key, "%u%s%s", c->params.v[i],
               info->unit[0] != '\0' ? " " : "", info->unit);
    }
    option(p, "/nat/hairpin", "%s", yes(c->hairpin));
}

static void print_api(const struct page *p)
{
    const struct config *c = p->config;
    const struct config_memory *m = p->memory;
    bool six = strchr(c->listen_host, ':') != NULL;
    char room[80];

    if (c->listen_set)
        option(p, "/api/listen", "%s%s%s:%u", six ? "[" : "", c->listen_host,
               six ? "]" : "", c->listen_port);
    else
        option(p, "/api/listen", "none");
    option(p, "/api/socket", "%s", c->socket);
    if (m->env_token != NULL) {
        snprintf(room, sizeof(room), "env %s", m->env_token);
        row(p, room, "api.token", "read, not shown");
    }
    option(p, "/api/url", "%s", c->url[0] != '\0' ? c->url : "none");
    option(p, "/api/token_file", "%s%s",
           c->token_file[0] != '\0' ? c->token_file : "none",
           c->token_make              ? ": not there yet, made at the start"
           : c->token_file[0] != '\0' ? ": read, not shown"
           : m->env_token != NULL     ? ", the token itself is given"
                                      : "");
}

static void print_queues(const struct page *p)
{
    const struct config *c = p->config;
    char key[64];

    option(p, "/queues/socket", "%s", c->queue_socket);
    for (uint32_t i = 0; i < c->n_queues; i++) {
        const struct config_queue *q = &c->queue[i];

        snprintf(key, sizeof(key), "queues.%u", q->number);
        row(p, "file", key,
            "max %u, timeout_ms %u, bypass %s, fail_open %s, resize %s", q->max,
            q->timeout_ms, yes(q->bypass), yes(q->fail_open), yes(q->resize));
    }
}

static void print_service(const struct page *p)
{
    const struct config *c = p->config;

    option(p, "/on_reload", "%s", c->revalidate ? "revalidate" : "keep");
    option(p, "/workers", "%u", c->workers);
    if (c->seed_set)
        option(p, "/seed", "%llu", (unsigned long long)c->seed);
    else
        option(p, "/seed", "from the kernel's entropy");
    print_api(p);
    print_queues(p);
    option(p, "/log/level", "%s", config_service_levels[c->log_level]);
    option(p, "/log/format", "%s", c->log_json ? "json" : "text");
}

void config_print(const struct config *config, FILE *out)
{
    const struct config_memory *memory = config->memory;
    struct page p = {config, memory, out, 8};

    for (uint32_t i = 0; i < memory->n_env; i++)
        if ((int)strlen(memory->env[i].name) + 4 > p.width)
            p.width = (int)strlen(memory->env[i].name) + 4;
    print_gateway(&p);
    for (uint32_t i = 0; i < config->n_ifaces; i++)
        print_iface(&p, &config->iface[i]);
    print_routes(&p);
    print_rules(&p);
    print_conntrack(&p);
    print_service(&p);
}
