/* print.c - each value, and who said it
 *
 *     conntrack.max            default  262144
 *     log.level                env WEIR_LOG_LEVEL  debug
 *
 * The value stands last, as it may be long. */
#include "config/print.h"

#include "config/env.h"
#include "config/option.h"
#include "config/read.h"
#include "config/rule/hook.h"
#include "system/addr.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* The longest is a path. */
enum { OPTION_TEXT = 4200 };

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

static const json_t *find_json_value(const json_t *at, const char *pointer)
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
static const char *find_value_source(const struct page *p, const char *pointer,
                                     char room[80])
{
    const char *env = config_env_source(p->memory, pointer);

    if (env != NULL)
        snprintf(room, 80, "env %s", env);
    else if (find_json_value(p->memory->root, pointer) != NULL)
        strcpy(room, "file");
    else
        strcpy(room, "default");
    return room;
}

/* A row of the option that stands at pointer. */
__attribute__((format(printf, 3, 4))) static void
option(const struct page *p, const char *pointer, const char *fmt, ...)
{
    char key[64], value[OPTION_TEXT], room[80];
    va_list ap;

    snprintf(key, sizeof(key), "%s", pointer + 1);
    for (char *c = key; *c != '\0'; c++)
        if (*c == '/')
            *c = '.';
    va_start(ap, fmt);
    vsnprintf(value, sizeof(value), fmt, ap);
    va_end(ap);
    row(p, find_value_source(p, pointer, room), key, "%s", value);
}

static const char *format_bool(bool b)
{
    return b ? "true" : "false";
}

/* ---- interfaces ---- */

static void say_ports(const struct page *p, char text[OPTION_TEXT])
{
    const struct config_ports *ports = &p->config->gateway.reserved;
    size_t n = 0;

    strcpy(text, ports->n > 0 ? "" : "none");
    for (uint32_t i = 0; i < ports->n; i++) {
        const struct ct_number_range *range = &ports->range[i];

        n += (size_t)snprintf(text + n, OPTION_TEXT - n, "%s%u",
                              i > 0 ? "," : "", range->lo);
        if (range->hi != range->lo)
            n += (size_t)snprintf(text + n, OPTION_TEXT - n, "-%u", range->hi);
    }
}

static void say_lan(const struct page *p, char text[OPTION_TEXT])
{
    strcpy(text, p->config->gateway.device[CONFIG_GATEWAY_LAN]);
}

static void say_wan(const struct page *p, char text[OPTION_TEXT])
{
    strcpy(text, p->config->gateway.device[CONFIG_GATEWAY_WAN]);
}

static void print_further(const struct page *p)
{
    const struct config_gateway *g = &p->config->gateway;

    for (uint32_t i = 2; i < g->n; i++) {
        char key[64];

        snprintf(key, sizeof(key), "/gateway/more/%s/device", g->name[i]);
        option(p, key, "%s", g->device[i]);
        snprintf(key, sizeof(key), "/gateway/more/%s/side", g->name[i]);
        option(p, key, "%s", g->inside[i] ? "inside" : "outside");
    }
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
    part(p, f, "offloads", "", "%s", format_bool(f->offloads));
    part(p, f, "txqueuelen", "", "%u", f->txqueuelen);
    part(p, f, "unnumbered", "default", "%s", format_bool(f->unnumbered));
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

static bool is_generated_rule(const struct config_memory *memory,
                              const char *text)
{
    for (uint32_t i = 0; i < memory->n_made; i++)
        if (memory->made_text[i] == text)
            return true;
    return false;
}

static void print_rules(const struct page *p)
{
    const struct config *c = p->config;
    const struct config_memory *memory = p->memory;
    char key[64];

    for (uint32_t i = 0; i < c->rules.n; i++) {
        const struct ct_rule *rule = &c->rules.rules[i];

        snprintf(key, sizeof(key), "rules.%s (%s)",
                 config_hook_name(rule->hook),
                 ct_word_name(CT_WORDS_STAGE, rule->stage));
        row(p, is_generated_rule(memory, c->rule_text[i]) ? "default" : "file",
            key, "%s %s", rule->id, c->rule_text[i]);
    }
    for (uint32_t i = 0; i < memory->n_sets; i++) {
        const struct config_set *set = &memory->sets[i];

        snprintf(key, sizeof(key), "sets.%s", set->name);
        row(p, "file", key, "%u entries: %u ranges of IPv4, %u of IPv6",
            set->given, set->set.n_v4, set->set.n_v6);
    }
}

/* ---- the rest ---- */

static void say_listen(const struct page *p, char text[OPTION_TEXT])
{
    const struct web_listen *l = &p->config->web.listen;
    bool six = strchr(l->host, ':') != NULL;

    if (l->set)
        snprintf(text, OPTION_TEXT, "%s%s%s:%u", six ? "[" : "", l->host,
                 six ? "]" : "", l->port);
    else
        strcpy(text, "none");
}

static void say_token_file(const struct page *p, char text[OPTION_TEXT])
{
    const struct config *c = p->config;
    bool given = c->token_file[0] != '\0';

    snprintf(text, OPTION_TEXT, "%s%s", given ? c->token_file : "none",
             c->token_make ? ": not there yet, made at the start"
             : given       ? ": read, not shown"
             : p->memory->env_token != NULL ? ", the token itself is given"
                                            : "");
}

static void say_url(const struct page *p, char text[OPTION_TEXT])
{
    strcpy(text, p->config->url[0] != '\0' ? p->config->url : "none");
}

static void say_seed(const struct page *p, char text[OPTION_TEXT])
{
    if (p->config->seed.set)
        snprintf(text, OPTION_TEXT, "%llu",
                 (unsigned long long)p->config->seed.value);
    else
        strcpy(text, "from the kernel's entropy");
}

static const struct {
    const char *pointer;
    void (*say)(const struct page *p, char text[OPTION_TEXT]);
} own[] = {
    {"/gateway/lan", say_lan},
    {"/gateway/wan", say_wan},
    {"/gateway/reserved_ports", say_ports},
    {"/api/listen", say_listen},
    {"/api/token_file", say_token_file},
    {"/api/url", say_url},
    {"/seed", say_seed},
};

/* Options below this place, or those that are not. */
static void print_options(const struct page *p, const char *place, bool below)
{
    for (unsigned i = 0; i < CONFIG_N_OPTIONS; i++) {
        const struct config_option *o = &config_option[i];
        char text[OPTION_TEXT] = "";

        if ((strncmp(o->pointer, place, strlen(place)) == 0) != below)
            continue;
        if (o->kind != CONFIG_OWN)
            config_option_text(p->config, o, text);
        for (size_t k = 0; k < CONFIG_READ_N(own); k++)
            if (strcmp(o->pointer, own[k].pointer) == 0)
                own[k].say(p, text);
        option(p, o->pointer, "%s", text);
    }
}

static void print_token(const struct page *p)
{
    char room[80];

    if (p->memory->env_token == NULL)
        return;
    snprintf(room, sizeof(room), "env %s", p->memory->env_token);
    row(p, room, "api.token", "read, not shown");
}

static void print_queues(const struct page *p)
{
    const struct config *c = p->config;
    char key[64];

    for (uint32_t i = 0; i < c->n_queues; i++) {
        const struct config_queue *q = &c->queue[i];

        snprintf(key, sizeof(key), "queues.%u", q->number);
        row(p, "file", key,
            "max %u, timeout_ms %u, bypass %s, fail_open %s, resize %s", q->max,
            q->timeout_ms, format_bool(q->bypass), format_bool(q->fail_open),
            format_bool(q->resize));
    }
}

void config_print(const struct config *config, FILE *out)
{
    const struct config_memory *memory = config->memory;
    struct page p = {config, memory, out, 8};

    for (uint32_t i = 0; i < memory->n_env; i++)
        if ((int)strlen(memory->env[i].name) + 4 > p.width)
            p.width = (int)strlen(memory->env[i].name) + 4;
    if (config->gateway.set) {
        print_options(&p, "/gateway/", true);
        print_further(&p);
    }
    for (uint32_t i = 0; i < config->n_ifaces; i++)
        print_iface(&p, &config->iface[i]);
    print_routes(&p);
    print_rules(&p);
    print_options(&p, "/gateway/", false);
    print_token(&p);
    print_queues(&p);
}
