/* steer.c - what ct_owner() must know, made from the configuration
 *
 * Inside is what the routes lead to an inside interface: all prefixes are cut
 * at each other's borders, and each piece is asked of the fib, so a longer
 * prefix elsewhere makes its hole by itself. */
#include "worker/steer.h"

#include <stdlib.h>
#include <string.h>

struct border {
    union ct_addr addr; /* a piece begins here */
    uint8_t family;
};

static int by_border(const void *a, const void *b)
{
    const struct border *x = a, *y = b;

    if (x->family != y->family)
        return x->family < y->family ? -1 : 1;
    return memcmp(x->addr.b, y->addr.b, 16);
}

static int by_row(const void *a, const void *b)
{
    const struct ct_steer_row *x = a, *y = b;
    int order;

    if (x->family != y->family)
        return x->family < y->family ? -1 : 1;
    if (x->proto != y->proto)
        return x->proto < y->proto ? -1 : 1;
    if ((order = memcmp(x->addr.b, y->addr.b, 16)) != 0)
        return order;
    return (x->port_lo > y->port_lo) - (x->port_lo < y->port_lo);
}

static unsigned width(uint8_t family)
{
    return family == CT_IPV4 ? 4 : 16;
}

/* The last address of a prefix. */
static union ct_addr last_of(const struct fib_route *r)
{
    union ct_addr addr = r->addr;

    for (unsigned bit = r->len; bit < width(r->family) * 8; bit++)
        addr.b[bit / 8] = (uint8_t)(addr.b[bit / 8] | 0x80u >> bit % 8);
    return addr;
}

/* False: there is none, addr was the last of all. */
static bool step_up(union ct_addr *addr, uint8_t family)
{
    for (unsigned i = width(family); i-- > 0;)
        if (++addr->b[i] != 0)
            return true;
    return false;
}

static void step_down(union ct_addr *addr, uint8_t family)
{
    for (unsigned i = width(family); i-- > 0;)
        if (addr->b[i]-- != 0)
            return;
}

static uint32_t find_borders(const struct config *config, struct border *b)
{
    uint32_t n = 0, unique = 0;

    b[n++] = (struct border){.family = CT_IPV4};
    b[n++] = (struct border){.family = CT_IPV6};
    for (uint32_t i = 0; i < config->n_routes; i++) {
        const struct fib_route *r = &config->routes[i];

        b[n++] = (struct border){.addr = r->addr, .family = r->family};
        b[n] = (struct border){.addr = last_of(r), .family = r->family};
        if (step_up(&b[n].addr, r->family))
            n++;
    }
    qsort(b, n, sizeof *b, by_border);
    for (uint32_t i = 0; i < n; i++)
        if (unique == 0 || by_border(&b[unique - 1], &b[i]) != 0)
            b[unique++] = b[i];
    return unique;
}

static bool is_inside(const struct config *config, const struct fib *fib,
                      const struct border *b)
{
    uint8_t i = fib_lookup(fib, (enum ct_family)b->family, &b->addr);

    if (i == FIB_SHARED) /* by inside interfaces only */
        return true;
    return i < config->n_ifaces && config->iface[i].inside;
}

static bool find_inside(struct steer *s, const struct config *config,
                        const struct fib *fib)
{
    uint32_t room = 2 * config->n_routes + 2, n = 0;
    struct border *b = calloc(room, sizeof *b);

    s->inside = calloc(room, sizeof *s->inside);
    s->inside_family = calloc(room, 1);
    if (b == NULL || s->inside == NULL || s->inside_family == NULL) {
        free(b);
        return false;
    }
    room = find_borders(config, b);
    for (uint32_t i = 0; i < room; i++) {
        bool more = i + 1 < room;
        struct ct_addr_range *r = &s->inside[n];

        if (!is_inside(config, fib, &b[i]))
            continue;
        *r = (struct ct_addr_range){.lo = b[i].addr};
        s->inside_family[n++] = b[i].family;
        if (more && b[i + 1].family == b[i].family) {
            r->hi = b[i + 1].addr;
            step_down(&r->hi, b[i].family);
        } else {
            memset(r->hi.b, 0xff, width(b[i].family));
        }
    }
    free(b);
    s->view.inside = s->inside;
    s->view.inside_family = s->inside_family;
    s->view.n_inside = n;
    return true;
}

/* May a flow be hidden behind this interface's own addresses? */
static bool hides(const struct config *config, uint32_t iface)
{
    const struct ct_ruleset *rules = &config->rules;

    if (!config->iface[iface].inside || config->core.hairpin)
        return true;
    for (uint32_t i = 0; i < rules->n; i++) {
        const struct ct_match *m = &rules->rules[i].match;

        if (rules->rules[i].action == CT_ACT_MASQUERADE &&
            ct_match_iface(&m->out, (uint8_t)iface))
            return true;
    }
    return false;
}

struct family_range {
    struct ct_addr_range range;
    uint8_t family;
};

static int by_range(const void *a, const void *b)
{
    const struct family_range *x = a, *y = b;

    if (x->family != y->family)
        return x->family < y->family ? -1 : 1;
    return memcmp(x->range.lo.b, y->range.lo.b, 16);
}

/* Sort the external ranges, and join those that overlap: each packet looks for
 * its addresses among them. */
static bool join_external(struct steer *s)
{
    uint32_t n = s->view.n_external, joined = 0;
    struct family_range *r = calloc(n + 1, sizeof *r);

    if (r == NULL)
        return false;
    for (uint32_t i = 0; i < n; i++)
        r[i] = (struct family_range){s->external[i], s->external_family[i]};
    qsort(r, n, sizeof *r, by_range);
    for (uint32_t i = 0; i < n; i++) {
        struct ct_addr_range *last = &s->external[joined - (joined > 0)];

        if (joined > 0 && s->external_family[joined - 1] == r[i].family &&
            memcmp(r[i].range.lo.b, last->hi.b, 16) <= 0) {
            if (memcmp(r[i].range.hi.b, last->hi.b, 16) > 0)
                last->hi = r[i].range.hi;
            continue;
        }
        s->external[joined] = r[i].range;
        s->external_family[joined++] = r[i].family;
    }
    free(r);
    s->view.n_external = joined;
    return true;
}

static bool find_external(struct steer *s, const struct config *config)
{
    const struct ct_ruleset *rules = &config->rules;
    uint32_t room = config->n_ifaces * 8 + rules->n + 1, n = 0;

    s->external = calloc(room, sizeof *s->external);
    s->external_family = calloc(room, 1);
    if (s->external == NULL || s->external_family == NULL)
        return false;
    for (uint32_t i = 0; i < config->n_ifaces; i++) {
        if (!hides(config, i))
            continue;
        for (unsigned k = 0; k < config->iface[i].n_addrs; k++) {
            s->external[n].lo = config->iface[i].addr[k].addr;
            s->external[n].hi = config->iface[i].addr[k].addr;
            s->external_family[n++] = config->iface[i].addr[k].family;
        }
    }
    for (uint32_t i = 0; i < rules->n; i++) {
        const struct ct_rule *rule = &rules->rules[i];
        bool hidden =
            rule->action == CT_ACT_SNAT ||
            (rule->action == CT_ACT_NETMAP && rule->hook == CT_POSTROUTING);

        if (!hidden || !rule->nat.has_addr)
            continue;
        s->external[n].lo = rules->rules[i].nat.lo;
        s->external[n].hi = rules->rules[i].nat.hi;
        s->external_family[n++] = rules->rules[i].nat.family;
    }
    s->view.external = s->external;
    s->view.external_family = s->external_family;
    s->view.n_external = n;
    return join_external(s);
}

static bool find_rows(struct steer *s, const struct config *config)
{
    uint32_t n = config->n_steer;

    s->rows = calloc(n + 1, sizeof *s->rows);
    if (s->rows == NULL)
        return false;
    if (n > 0)
        memcpy(s->rows, config->steer, n * sizeof *s->rows);
    qsort(s->rows, n, sizeof *s->rows, by_row);
    s->view.rows = s->rows;
    s->view.n = n;
    return true;
}

/* One that steers alike bears the same serial: then nothing has changed. */
static void number(struct steer *s, const struct steer *before)
{
    s->view.serial = 1;
    if (before == NULL)
        return;
    s->view.serial = before->view.serial;
    s->view.before = before->view.before;
    if (!ct_steer_same(&s->view, &before->view)) {
        s->view.serial++;
        s->view.before = &before->view;
    }
}

struct steer *worker_steer_new(const struct config *config,
                               const struct fib *fib,
                               const struct steer *before,
                               const uint8_t key[16])
{
    struct steer *s = calloc(1, sizeof *s);

    if (s == NULL)
        return NULL;
    config_ct_ifaces(config, &s->ifaces);
    s->view.ifaces = &s->ifaces;
    s->view.n_shards = config->workers;
    s->view.host = config->gateway.set;
    memcpy(s->view.key, key, sizeof s->view.key);
    if (!find_inside(s, config, fib) || !find_external(s, config) ||
        !find_rows(s, config)) {
        worker_steer_free(s);
        return NULL;
    }
    number(s, before);
    return s;
}

void worker_steer_free(struct steer *s)
{
    if (s == NULL)
        return;
    free(s->rows);
    free(s->external);
    free(s->external_family);
    free(s->inside);
    free(s->inside_family);
    free(s);
}
