/* routes.c - routes, given and connected
 *
 * Every address brings its connected route.  A prefix that leads two ways is
 * an error: the routing table would have to choose one in silence.  In gateway
 * mode the kernel's routes are looked up, and the file's win over them. */
#include "config/routes.h"

#include "config/gateway.h"
#include "config/ifaces.h"
#include "system/addr.h"

#include <stdlib.h>
#include <string.h>

struct route_text {
    const char *to;    /* NULL: failed or missing */
    int family, iface; /* family: -1 any, -2 failed; iface: -1 */
};

static void read_to(struct config_read *r, json_t *v, void *into)
{
    struct route_text *text = into;

    text->to = config_read_string(r, v, 64, "\"default\" or a prefix");
}

static void read_family(struct config_read *r, json_t *v, void *into)
{
    struct route_text *text = into;
    const struct ct_word *word = config_read_word(r, v, CT_WORDS_FAMILY);

    text->family = word == NULL ? -2 : (int)word->number;
}

static void read_iface_name(struct config_read *r, json_t *v, void *into)
{
    struct route_text *text = into;
    const char *s = config_read_string(r, v, 15, "the name of an interface");
    uint8_t i;

    if (s == NULL)
        return;
    i = config_iface_find(r->config, s);
    if (i == CT_NO_IFACE)
        config_read_fail(r, "unknown interface %s; valid: %s",
                         config_read_show(r, s),
                         config_ifaces_expected(r->config));
    else
        text->iface = i;
}

static const struct config_key route_keys[] = {
    {"to", read_to},
    {"interface", read_iface_name},
    {"family", read_family},
};

static void add_route(struct config_read *r, const union ct_addr *addr,
                      uint8_t family, uint8_t len, uint8_t iface)
{
    r->route_from[r->config->n_routes] = r->route_at;
    r->config->routes[r->config->n_routes++] = (struct fib_route){
        .addr = *addr, .family = family, .len = len, .iface = iface};
}

static void make_routes(struct config_read *r, const struct route_text *text)
{
    static const union ct_addr any;
    struct ct_addr_range span;
    union ct_addr addr;
    uint8_t family, len, iface = (uint8_t)text->iface;
    char right[CONFIG_ADDR_TEXT];

    if (strcmp(text->to, "default") == 0) {
        if (text->family != CT_IPV6)
            add_route(r, &any, CT_IPV4, 0, iface);
        if (text->family != CT_IPV4)
            add_route(r, &any, CT_IPV6, 0, iface);
        return;
    }
    if (!system_addr_prefix_or_one(text->to, &addr, &family, &len)) {
        config_read_fail_in(
            r, "to", false,
            "%s is not a prefix; use \"default\" or ADDRESS/LENGTH",
            config_read_show(r, text->to));
        return;
    }
    span = system_addr_span(&addr, family, len);
    if (!ct_addr_eq(&span.lo, &addr))
        config_read_fail_in(r, "to", false,
                            "%s has bits set behind its prefix; use %s",
                            config_read_show(r, text->to),
                            system_addr_text(&span.lo, family, len, right));
    else if (text->family > 0 && text->family != family)
        config_read_fail_in(r, "family", false,
                            "%s is of the other family; use \"%s\"",
                            config_read_show(r, text->to),
                            ct_word_name(CT_WORDS_FAMILY, family));
    else
        add_route(r, &addr, family, len, iface);
}

static void read_config_route(struct config_read *r, json_t *v)
{
    struct route_text text = {.family = -1, .iface = -1};

    config_read_object(r, v, route_keys, CONFIG_READ_N(route_keys), NULL,
                       &text);
    if (!json_is_object(v))
        return;
    for (unsigned i = 0; i < 2; i++)
        if (json_object_get(v, route_keys[i].name) == NULL)
            config_read_fail(r, "\"%s\" is missing; use %s", route_keys[i].name,
                             i == 0 ? "\"default\" or a prefix"
                                    : "the name of an interface");
    if (text.to != NULL && text.iface >= 0 && text.family != -2)
        make_routes(r, &text);
}

void config_routes_read(struct config_read *r, json_t *v, void *into)
{
    size_t n = json_array_size(v);

    (void)into;
    if (!json_is_array(v)) {
        config_read_fail(r, "%s is not allowed here; use a list of routes",
                         config_read_kind(r, v));
        return;
    }
    /* default makes two. */
    r->config->routes =
        config_read_scratch(r, 2 * n + 1, sizeof(struct fib_route));
    r->route_from = config_read_scratch(r, 2 * n + 1, sizeof(uint32_t));
    for (size_t i = 0; i < n; i++) {
        size_t was = config_read_enter_at(r, i);

        r->route_at = (uint32_t)i;

        read_config_route(r, json_array_get(v, i));
        config_read_leave(r, was);
    }
}

/* ---- both together ---- */

/* Who says so.  Of equal prefixes the first of these has it. */
enum way_kind {
    CONNECTED, /* an address of the file */
    GIVEN,     /* an entry of "routes" */
    KERNEL,    /* gateway mode: as the kernel's routes say */
    WAN,       /* ... what wan is connected to */
    REST       /* ... and all else leaves by wan */
};

struct way {
    struct fib_route route;
    enum way_kind kind;
    uint32_t from; /* GIVEN: entry of "routes" */
};

static int by_prefix(const void *a, const void *b)
{
    const struct way *x = a, *y = b;
    int c = (x->route.family > y->route.family) -
            (x->route.family < y->route.family);

    if (c == 0)
        c = system_addr_compare(&x->route.addr, &y->route.addr);
    if (c == 0)
        c = (x->route.len > y->route.len) - (x->route.len < y->route.len);
    if (c == 0)
        c = (x->kind > y->kind) - (x->kind < y->kind);
    if (c == 0) /* as given: the later one is told */
        c = (x->from > y->from) - (x->from < y->from);
    return c != 0 ? c
                  : (x->route.iface > y->route.iface) -
                        (x->route.iface < y->route.iface);
}

static bool same_prefix(const struct fib_route *a, const struct fib_route *b)
{
    return a->family == b->family && a->len == b->len &&
           ct_addr_eq(&a->addr, &b->addr);
}

static void tell_conflict(struct config_read *r, const struct way *way,
                          const struct way *first)
{
    const struct config_iface *iface = &r->config->iface[way->route.iface];
    const char *taken = r->config->iface[first->route.iface].name;
    char text[CONFIG_ADDR_TEXT];
    size_t was = r->path_len;

    system_addr_text(&way->route.addr, way->route.family, way->route.len, text);
    if (way->kind == CONNECTED) {
        config_read_enter(r, "interfaces");
        config_read_enter(r, iface->name);
        config_read_fail_in(
            r, "address", false,
            "interface \"%s\" is already connected to %s; use another network, "
            "or a rule with \"in\" and \"set_zone_orig\" for each",
            taken, text);
    } else {
        config_read_enter(r, "routes");
        config_read_enter_at(r, way->from);
        config_read_fail_in(
            r, "to", false,
            "%s already leads to interface \"%s\"; use one route to a prefix, "
            "or a rule with \"in\" and \"set_zone_orig\" for each",
            text, taken);
    }
    config_read_leave(r, was);
}

struct ways {
    struct way *v;
    uint32_t n;
};

static void add_way(struct ways *ways, enum way_kind kind,
                    const union ct_addr *addr, uint8_t family, uint8_t len,
                    uint8_t iface)
{
    struct way *way = &ways->v[ways->n++];

    way->kind = kind;
    way->from = 0;
    way->route =
        (struct fib_route){.addr = system_addr_span(addr, family, len).lo,
                           .family = family,
                           .len = len,
                           .iface = iface};
}

static void add_connected(const struct config *c, uint8_t i, enum way_kind kind,
                          struct ways *ways)
{
    const struct config_iface *f = &c->iface[i];

    for (unsigned a = 0; a < f->n_addrs; a++)
        add_way(ways, kind, &f->addr[a].addr, f->addr[a].family, f->addr[a].len,
                i);
}

/* wan's own networks matter where a wider one of lan's would hide them. */
static void add_gateway(const struct config_read *r, struct ways *ways)
{
    static const union ct_addr any;
    const struct config_facts *facts = r->facts;

    for (uint32_t i = 0; facts != NULL && i < facts->n_routes; i++) {
        const struct config_facts_route *route = &facts->routes[i];

        if (route->device < r->config->n_ifaces &&
            (route->len > 0 || !r->config->iface[route->device].inside))
            add_way(ways, KERNEL, &route->addr, route->family, route->len,
                    route->device);
    }
    add_connected(r->config, CONFIG_GATEWAY_WAN, WAN, ways);
    add_way(ways, REST, &any, CT_IPV4, 0, CONFIG_GATEWAY_WAN);
    add_way(ways, REST, &any, CT_IPV6, 0, CONFIG_GATEWAY_WAN);
}

static void gather_routes(struct config_read *r, struct ways *ways)
{
    struct config *c = r->config;
    size_t room = c->n_routes + CT_MAX_IFACES * CONFIG_READ_N(c->iface[0].addr);

    room += 2 + (r->facts != NULL ? r->facts->n_routes : 0);
    ways->v = config_read_scratch(r, room, sizeof(*ways->v));
    for (uint32_t i = 0; i < c->n_routes; i++)
        ways->v[ways->n++] =
            (struct way){c->routes[i], GIVEN, r->route_from[i]};
    if (c->gateway.set)
        add_gateway(r, ways);
    else
        for (uint32_t i = 0; i < c->n_ifaces; i++)
            add_connected(c, (uint8_t)i, CONNECTED, ways);
}

/* Does a rule keep what comes by this interface apart from all else? */
static bool has_zone(const struct config_read *r, uint8_t iface)
{
    for (uint32_t i = 0; i < r->rules->n; i++) {
        const struct ct_rule *rule = &r->rules->v[i].rule;

        if (rule->action == CT_ACT_ZONE && rule->hook == CT_PREROUTING &&
            (rule->zone_dirs & 1u << CT_DIR_ORIGINAL) && rule->zone != 0 &&
            rule->match.in.of == 1u << iface && !rule->match.in.negate)
            return true;
    }
    return false;
}

/* Networks of tenants may be the same addresses twice: what is sent to them
 * finds its way by the flow it belongs to. */
static bool may_share(const struct config_read *r, const struct way *a,
                      const struct way *b)
{
    const struct config_iface *iface = r->config->iface;

    return a->kind <= GIVEN && b->kind <= GIVEN &&
           iface[a->route.iface].inside && iface[b->route.iface].inside &&
           has_zone(r, a->route.iface) && has_zone(r, b->route.iface);
}

/* Two that the file says must agree; what the kernel says gives way. */
void config_routes_finish(struct config_read *r)
{
    static const char *const sources[] = {[CONNECTED] = "file",
                                          [GIVEN] = "file",
                                          [KERNEL] = "kernel",
                                          [WAN] = "kernel",
                                          [REST] = "default"};
    struct config *c = r->config;
    struct ways ways = {.n = 0};
    uint32_t kept = 0;

    gather_routes(r, &ways);
    qsort(ways.v, ways.n, sizeof(*ways.v), by_prefix);
    c->routes = config_read_alloc(r, ways.n + 1, sizeof(struct fib_route));
    r->memory->route_source = config_read_alloc(r, ways.n + 1, sizeof(char *));
    for (uint32_t i = 0, first = 0; i < ways.n; i++) {
        const struct way *way = &ways.v[i];

        if (i > 0 && same_prefix(&way->route, &ways.v[first].route)) {
            if (way->route.iface == ways.v[first].route.iface)
                continue;
            if (may_share(r, way, &ways.v[first]))
                c->routes[kept - 1].others |=
                    (uint16_t)(1u << way->route.iface);
            else if (way->kind <= GIVEN)
                tell_conflict(r, way, &ways.v[first]);
            continue;
        }
        first = i;
        r->memory->route_source[kept] = sources[way->kind];
        c->routes[kept++] = way->route;
    }
    c->n_routes = kept;
}
