/* config_print.c - each value, and whether the file said it
 *
 *     conntrack.max            default  262144
 *
 * The value stands last, as it may be long. */
#include "config_read.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "config_addr.h"
#include "config_keys.h"
#include "config_rules.h"

struct page {
    const struct config *config;
    json_t *root;
    FILE *out;
};

__attribute__((format(printf, 4, 5))) static void
row(const struct page *p, bool given, const char *key, const char *fmt, ...)
{
    va_list ap;

    fprintf(p->out, "%-38s %-8s ", key, given ? "file" : "default");
    va_start(ap, fmt);
    vfprintf(p->out, fmt, ap);
    va_end(ap);
    fputc('\n', p->out);
}

/* Does the file have section.key? */
static bool given(const struct page *p, const char *section, const char *key)
{
    return json_object_get(json_object_get(p->root, section), key) != NULL;
}

static const char *yes(bool b)
{
    return b ? "true" : "false";
}

static void print_iface(const struct page *p, const struct config_iface *f)
{
    const json_t *json =
        json_object_get(json_object_get(p->root, "interfaces"), f->name);
    char key[64], text[CONFIG_ADDR_TEXT];

    snprintf(key, sizeof(key), "interfaces.%s.tun", f->name);
    row(p, true, key, "%s", f->tun);
    snprintf(key, sizeof(key), "interfaces.%s.side", f->name);
    row(p, true, key, "%s", f->inside ? "inside" : "outside");
    snprintf(key, sizeof(key), "interfaces.%s.address", f->name);
    for (unsigned i = 0; i < f->n_addrs; i++)
        row(p, true, key, "%s",
            config_addr_text(&f->addr[i].addr, f->addr[i].family,
                             f->addr[i].len, text));
    if (f->n_addrs == 0)
        row(p, json_object_get(json, "address") != NULL, key, "none");
    snprintf(key, sizeof(key), "interfaces.%s.mtu", f->name);
    row(p, json_object_get(json, "mtu") != NULL, key, "%u", f->mtu);
    snprintf(key, sizeof(key), "interfaces.%s.kernel_address", f->name);
    row(p, json_object_get(json, "kernel_address") != NULL, key, "%s",
        f->kernel_address_set
            ? config_addr_text(&f->kernel_address, f->kernel_family,
                               f->kernel_len, text)
            : "none");
}

/* A route that is the network of one of the interface's own addresses. */
static bool is_connected(const struct config_iface *f,
                         const struct fib_route *route)
{
    for (unsigned i = 0; i < f->n_addrs; i++) {
        struct ct_addr_range span = config_addr_span(
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
        char text[CONFIG_ADDR_TEXT];

        row(p, true, "routes", "%s interface %s%s",
            config_addr_text(&route->addr, route->family, route->len, text),
            f->name, is_connected(f, route) ? " (connected)" : "");
    }
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
    const struct config_memory *memory = c->memory;
    char key[64];

    for (uint32_t i = 0; i < c->rules.n; i++) {
        const struct ct_rule *rule = &c->rules.rules[i];

        snprintf(key, sizeof(key), "rules.%s (%s)",
                 config_rules_hook_name(rule->hook), stages[rule->stage]);
        row(p, true, key, "%s %s", rule->id, memory->rule_text[i]);
    }
    for (unsigned i = 0; i < 3; i++) {
        const char *hook = config_rules_hook_name(filters[i]);

        snprintf(key, sizeof(key), "policy.%s", hook);
        row(p, given(p, "policy", hook), key, "%s",
            c->rules.policy[filters[i]] == CT_DROP ? "drop" : "accept");
    }
    for (uint32_t i = 0; i < memory->n_sets; i++) {
        const struct config_set *set = &memory->sets[i];

        snprintf(key, sizeof(key), "sets.%s", set->name);
        row(p, true, key, "%u entries: %u ranges of IPv4, %u of IPv6",
            set->given, set->set.n_v4, set->set.n_v6);
    }
}

static void print_conntrack(const struct page *p)
{
    const struct config *c = p->config;
    const json_t *section = json_object_get(p->root, "conntrack");
    const json_t *timeouts = json_object_get(section, "timeouts");
    char key[64];

    row(p, given(p, "conntrack", "max"), "conntrack.max", "%u", c->max);
    row(p, given(p, "conntrack", "buckets"), "conntrack.buckets", "%u",
        c->buckets);
    row(p, given(p, "conntrack", "profile"), "conntrack.profile", "%s",
        config_conntrack_profiles[c->profile]);
    row(p, given(p, "conntrack", "on_full"), "conntrack.on_full", "%s",
        config_conntrack_on_full[c->on_full]);
    row(p, given(p, "conntrack", "acct"), "conntrack.acct", "%s", yes(c->acct));
    row(p, given(p, "conntrack", "timestamp"), "conntrack.timestamp", "%s",
        yes(c->timestamp));
    for (unsigned i = 0; i < CT_N_PARAMS; i++) {
        const struct ct_param_info *info = ct_param_info(i);
        bool time = i < CT_N_TIMEOUTS;

        snprintf(key, sizeof(key), "conntrack.%s%s", time ? "timeouts." : "",
                 info->name);
        row(p, json_object_get(time ? timeouts : section, info->name) != NULL,
            key, "%u%s%s", c->params.v[i], info->unit[0] != '\0' ? " " : "",
            info->unit);
    }
    row(p, given(p, "nat", "hairpin"), "nat.hairpin", "%s", yes(c->hairpin));
}

static void print_service(const struct page *p)
{
    const struct config *c = p->config;
    bool six = strchr(c->listen_host, ':') != NULL;

    row(p, json_object_get(p->root, "on_reload") != NULL, "on_reload", "keep");
    row(p, json_object_get(p->root, "workers") != NULL, "workers", "%u",
        c->workers);
    if (c->seed_set)
        row(p, true, "seed", "%llu", (unsigned long long)c->seed);
    else
        row(p, json_object_get(p->root, "seed") != NULL, "seed",
            "from the kernel's entropy");
    if (c->listen_set)
        row(p, given(p, "api", "listen"), "api.listen", "%s%s%s:%u",
            six ? "[" : "", c->listen_host, six ? "]" : "", c->listen_port);
    else
        row(p, given(p, "api", "listen"), "api.listen", "none");
    row(p, given(p, "api", "socket"), "api.socket", "%s", c->socket);
    row(p, given(p, "api", "token_file"), "api.token_file", "%s",
        c->token[0] != '\0' ? "read, not shown" : "none");
    row(p, given(p, "log", "level"), "log.level", "%s",
        config_service_levels[c->log_level]);
    row(p, given(p, "log", "format"), "log.format", "%s",
        c->log_json ? "json" : "text");
}

void config_print(const struct config *config, FILE *out)
{
    const struct config_memory *memory = config->memory;
    struct page p = {config, memory->root, out};

    for (uint32_t i = 0; i < config->n_ifaces; i++)
        print_iface(&p, &config->iface[i]);
    print_routes(&p);
    print_rules(&p);
    print_conntrack(&p);
    print_service(&p);
}
