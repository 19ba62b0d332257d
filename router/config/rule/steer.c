/* steer.c - which host a packet from outside is really meant for
 *
 * With several workers the shard of an inside host must get the packets that a
 * dnat rule will send to it, before any rule is asked.  So each rule becomes
 * rows of (address, ports) to target.  Where two rules cover one port the
 * earlier one has it, as in the ruleset; rows of one address never overlap. */
#include "config/rule/steer.h"

#include "config/rule/hook.h"
#include "config/rule/rule.h"
#include "system/addr.h"

#include <stdlib.h>
#include <string.h>

/* A range of addresses becomes a row each, up to this many. */
enum { MAX_ADDRS = 1024, MAX_ROWS = 262144, FEW_ROWS = 16 };

struct row {
    struct ct_steer_row row;
    uint32_t order; /* of its rule */
};

struct rows {
    struct row *v;
    uint32_t n, room;
};

static void add_row(struct config_read *r, struct rows *rows, struct row row)
{
    if (rows->n == rows->room) {
        uint32_t room = rows->room == 0 ? 16 : 2 * rows->room;
        struct row *more = config_read_scratch(r, room, sizeof(*more));

        if (rows->n > 0)
            memcpy(more, rows->v, rows->n * sizeof(*more));
        rows->v = more;
        rows->room = room;
    }
    rows->v[rows->n++] = row;
}

/* ---- rules to rows ---- */

static void add_ports(struct config_read *r, struct rows *rows, struct row row,
                      const struct ct_number_set *ports)
{
    uint32_t next = 0; /* first port behind the last range, if negated */

    if (ports->n == 0) {
        row.row.port_lo = 0;
        row.row.port_hi = 65535;
        add_row(r, rows, row);
        return;
    }
    for (unsigned i = 0; i < ports->n; i++) {
        uint32_t lo = ports->negate ? next : ports->r[i].lo;
        int32_t hi = ports->negate ? ports->r[i].lo - 1 : ports->r[i].hi;

        next = ports->r[i].hi + 1u;
        row.row.port_lo = (uint16_t)lo;
        row.row.port_hi = (uint16_t)hi;
        if (hi >= (int32_t)lo)
            add_row(r, rows, row);
    }
    if (ports->negate && next <= 65535) {
        row.row.port_lo = (uint16_t)next;
        row.row.port_hi = 65535;
        add_row(r, rows, row);
    }
}

/* Of any protocol that has ports. */
static bool asks_ports(const struct ct_match *m)
{
    for (unsigned proto = 0; proto <= UINT8_MAX; proto++)
        if (ct_proto_has_ports((uint8_t)proto) &&
            ct_match_proto(&m->proto, (uint8_t)proto))
            return true;
    return false;
}

static void refuse_dnat_rule(struct config_read *r, const struct config_rule *c,
                             const char *what)
{
    size_t was = config_hook_enter(r, c);

    if (r->config->workers > 1)
        config_read_fail_in(r, "dnat", false, "%s, or \"workers\": 1", what);
    config_read_leave(r, was);
}

static bool is_router_addr(const struct config *config,
                           const union ct_addr *addr, uint8_t family)
{
    for (uint32_t i = 0; i < config->n_ifaces; i++)
        for (unsigned a = 0; a < config->iface[i].n_addrs; a++)
            if (config->iface[i].addr[a].family == family &&
                ct_addr_eq(&config->iface[i].addr[a].addr, addr))
                return true;
    return false;
}

enum { FIRST_GIVEN = 1024 };

#define NO_PORT_LEFT                                                           \
    "every port of the router's own address is taken, and none is left for "   \
    "translation; use a smaller dport"

#define MAY_BE_OWN                                                             \
    "in gateway mode with more than one worker dst may become the router's "   \
    "own address, and no port of it would be left for translation; use a "     \
    "smaller dport"

/* Are no ports named, or, where a hairpin needs one too, do too few of those
 * that translation gives out stay free for each worker to have one?  Ranges are
 * in order and apart. */
static bool takes_all(const struct config *config,
                      const struct ct_number_set *set)
{
    uint32_t taken = 0;

    if (set->n == 0 || !config->core.hairpin)
        return set->n == 0;
    for (uint16_t i = 0; i < set->n; i++)
        if (set->r[i].hi >= FIRST_GIVEN)
            taken += set->r[i].hi + 1u -
                     (set->r[i].lo > FIRST_GIVEN ? set->r[i].lo : FIRST_GIVEN);
    if (set->negate)
        taken = 65536 - FIRST_GIVEN - taken;
    return 65536 - FIRST_GIVEN - taken < config->workers;
}

/* One address, in each protocol that has ports, and echo requests.  Replies to
 * echo need none: they may be to hosts hidden behind that address. */
static void add_addr(struct config_read *r, struct rows *rows,
                     const struct config_rule *c, const union ct_addr *addr)
{
    const struct ct_match *m = &c->rule.match;
    bool six = c->rule.nat.family == CT_IPV6;
    int echo = six ? 128 : 8;
    struct row row = {.order = (uint32_t)(c - r->rules->v)};

    row.row.addr = *addr;
    row.row.target = c->rule.nat.lo;
    row.row.family = c->rule.nat.family;
    for (unsigned proto = 0; proto <= UINT8_MAX; proto++) {
        row.row.proto = (uint8_t)proto;
        if (!ct_proto_has_ports(row.row.proto) ||
            !ct_match_proto(&m->proto, row.row.proto))
            continue;
        add_ports(r, rows, row, &m->dport);
        if (takes_all(r->config, &m->dport) && !r->config->gateway.set &&
            is_router_addr(r->config, addr, row.row.family))
            refuse_dnat_rule(r, c, NO_PORT_LEFT);
    }
    row.row.proto = six ? CT_PROTO_ICMPV6 : CT_PROTO_ICMP;
    row.row.port_lo = (uint16_t)(echo << 8);
    row.row.port_hi = (uint16_t)(echo << 8 | 0xff);
    if (ct_match_proto(&m->proto, row.row.proto) &&
        ct_match_number(&m->icmp_type, (uint16_t)echo))
        add_row(r, rows, row);
}

static void increment_addr(union ct_addr *addr, uint8_t family)
{
    for (int i = family == CT_IPV6 ? 15 : 3; i >= 0; i--)
        if (++addr->b[i] != 0)
            return;
}

/* False: more addresses than may be rows. */
static bool add_dst(struct config_read *r, struct rows *rows,
                    const struct config_rule *c)
{
    const struct ct_addr_set *dst = &c->rule.match.dst;
    uint8_t family = c->rule.nat.family;
    const struct ct_addr_range *range = family == CT_IPV6 ? dst->v6 : dst->v4;
    uint32_t n = family == CT_IPV6 ? dst->n_v6 : dst->n_v4, made = 0;

    for (uint32_t i = 0; i < n; i++) {
        union ct_addr addr = range[i].lo;

        for (;; increment_addr(&addr, family)) {
            if (++made > MAX_ADDRS || rows->n > MAX_ROWS)
                return false;
            add_addr(r, rows, c, &addr);
            if (ct_addr_eq(&addr, &range[i].hi))
                break;
        }
    }
    return true;
}

/* Without dst, from outside: whatever address of ours it was sent to. */
static void add_own_rows(struct config_read *r, struct rows *rows,
                         const struct config_rule *c)
{
    for (uint32_t i = 0; i < r->config->n_ifaces; i++) {
        const struct config_iface *iface = &r->config->iface[i];

        for (unsigned a = 0; a < iface->n_addrs; a++)
            if (iface->addr[a].family == c->rule.nat.family)
                add_addr(r, rows, c, &iface->addr[a].addr);
    }
}

static bool is_from_outside(const struct config_read *r,
                            const struct ct_match *m)
{
    if (m->in.of == 0 || m->in.negate)
        return false;
    for (uint8_t i = 0; i < r->config->n_ifaces; i++)
        if (r->config->iface[i].inside && ct_match_iface(&m->in, i))
            return false;
    return true;
}

static void make_rows(struct config_read *r, struct rows *rows,
                      const struct config_rule *c)
{
    const struct ct_match *m = &c->rule.match;

    if (!ct_addr_eq(&c->rule.nat.lo, &c->rule.nat.hi)) {
        refuse_dnat_rule(
            r, c,
            "the hosts of this range have different workers; use one address");
        return;
    }
    /* Whatever addresses there are at the moment: any may become our own. */
    if (r->config->gateway.set && takes_all(r->config, &m->dport) &&
        asks_ports(m))
        refuse_dnat_rule(r, c, m->dst.both ? NO_PORT_LEFT : MAY_BE_OWN);
    if (!m->dst.present && is_from_outside(r, m)) {
        add_own_rows(r, rows, c);
        return;
    }
    if (!m->dst.present || m->dst.negate || !add_dst(r, rows, c))
        refuse_dnat_rule(
            r, c,
            "this rule's dst does not tell the worker; use a dst of at most "
            "1024 addresses");
}

/* ---- source ports ---- */

static bool is_row(const struct config *config, const struct ct_nat_range *to,
                   uint8_t proto, uint32_t port)
{
    for (uint32_t i = 0; i < config->n_steer; i++) {
        const struct ct_steer_row *row = &config->steer[i];

        if (row->family == to->family && row->proto == proto &&
            row->port_lo <= port && row->port_hi >= port &&
            ct_addr_eq(&row->addr, &to->lo))
            return true;
    }
    return false;
}

/* A static forward's ports, which are its host's wherever that is. */
static bool is_static(const struct config *config, const struct config_rule *c)
{
    const struct ct_nat_range *to = &c->rule.nat;

    if (!to->has_addr || !ct_addr_eq(&to->lo, &to->hi))
        return false;
    for (uint32_t p = to->port_lo; p <= to->port_hi; p++)
        if (!(ct_match_proto(&c->rule.match.proto, CT_PROTO_TCP) &&
              is_row(config, to, CT_PROTO_TCP, p)) &&
            !(ct_match_proto(&c->rule.match.proto, CT_PROTO_UDP) &&
              is_row(config, to, CT_PROTO_UDP, p)))
            return false;
    return true;
}

/* Port p belongs to worker p % n: hosts of a worker without one would not get
 * out. */
static void check_worker_ports(struct config_read *r,
                               const struct config_rule *c)
{
    const struct ct_nat_range *to = &c->rule.nat;
    uint32_t n = to->port_hi - to->port_lo + 1u;
    size_t was;

    if (c->rule.hook == CT_PREROUTING || c->rule.hook == CT_OUTPUT ||
        !to->has_ports || n >= r->config->workers || is_static(r->config, c))
        return;
    was = config_hook_enter(r, c);
    config_read_fail_in(
        r, c->rule.action == CT_ACT_MASQUERADE ? "ports" : "snat", false,
        "too few ports: %u for %u workers, each of which needs one; use at "
        "least %u ports, or \"workers\": %u",
        n, r->config->workers, r->config->workers, n);
    config_read_leave(r, was);
}

/* ---- rows to table ---- */

static int by_address(const void *a, const void *b)
{
    const struct row *x = a, *y = b;
    int c = x->row.family - y->row.family;

    if (c == 0)
        c = x->row.proto - y->row.proto;
    if (c == 0)
        c = system_addr_compare(&x->row.addr, &y->row.addr);
    if (c == 0)
        c = (x->order > y->order) - (x->order < y->order);
    return c != 0 ? c : x->row.port_lo - y->row.port_lo;
}

static bool same_address(const struct row *a, const struct row *b)
{
    return a->row.family == b->row.family && a->row.proto == b->row.proto &&
           ct_addr_eq(&a->row.addr, &b->row.addr);
}

/* The first port from p on that no earlier rule has; 65536: none. */
static uint32_t free_from(uint32_t *next, uint32_t p)
{
    uint32_t end = p;

    while (next[end] != end)
        end = next[end];
    while (next[p] != end) {
        uint32_t after = next[p];

        next[p] = end;
        p = after;
    }
    return end;
}

static int by_port(const void *a, const void *b)
{
    const struct ct_steer_row *x = a, *y = b;

    return x->port_lo - y->port_lo;
}

static void add_part(struct config_read *r, struct rows *out,
                     const struct row *of, uint32_t lo, uint32_t hi)
{
    struct row row = *of;

    row.row.port_lo = (uint16_t)lo;
    row.row.port_hi = (uint16_t)hi;
    add_row(r, out, row);
}

/* The ports of `of` that none of out's rows from first on has. */
static void add_rest(struct config_read *r, struct rows *out, uint32_t first,
                     const struct row *of)
{
    uint32_t end = out->n, p = of->row.port_lo, hi = of->row.port_hi;

    while (p <= hi) {
        uint32_t upto = hi, past = p;

        for (uint32_t i = first; i < end; i++) {
            const struct ct_steer_row *had = &out->v[i].row;

            if (had->port_lo <= p && had->port_hi >= p)
                past = had->port_hi + 1u;
            else if (had->port_lo > p && had->port_lo <= upto)
                upto = had->port_lo - 1u;
        }
        if (past == p)
            add_part(r, out, of, p, upto);
        p = past == p ? upto + 1 : past;
    }
}

/* Rows of one address, earlier rules first; next is scratch.  A few are held
 * against each other: a thousand addresses with two rules each would else cost
 * a thousand times all ports. */
static void resolve_row_overlaps(struct config_read *r, struct rows *out,
                                 const struct row *rows, uint32_t n,
                                 uint32_t *next)
{
    uint32_t first = out->n;

    for (uint32_t i = 0; n <= FEW_ROWS && i < n; i++)
        add_rest(r, out, first, &rows[i]);
    if (n <= FEW_ROWS)
        return;
    for (uint32_t p = 0; p <= 65536; p++)
        next[p] = p;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t hi = rows[i].row.port_hi;
        uint32_t p = free_from(next, rows[i].row.port_lo);

        while (p <= hi) {
            uint32_t lo = p;

            for (; p <= hi && next[p] == p; p++)
                next[p] = p + 1;
            add_part(r, out, &rows[i], lo, p - 1);
            p = free_from(next, p);
        }
    }
}

void config_steer_make(struct config_read *r)
{
    struct rows rows = {.n = 0}, out = {.n = 0};
    struct ct_steer_row *table;
    uint32_t *next = config_read_scratch(r, 65537, sizeof(*next));

    for (uint32_t i = 0; i < r->rules->n; i++) {
        const struct config_rule *c = &r->rules->v[i];

        if (!c->failed && c->rule.action == CT_ACT_DNAT &&
            c->rule.hook == CT_PREROUTING)
            make_rows(r, &rows, c);
    }
    if (rows.n > 0)
        qsort(rows.v, rows.n, sizeof(rows.v[0]), by_address);
    for (uint32_t i = 0, end; i < rows.n; i = end) {
        for (end = i + 1; end < rows.n; end++)
            if (!same_address(&rows.v[i], &rows.v[end]))
                break;
        if (end == i + 1)
            add_row(r, &out, rows.v[i]);
        else
            resolve_row_overlaps(r, &out, &rows.v[i], end - i, next);
    }
    table = config_read_alloc(r, out.n + 1, sizeof(*table));
    for (uint32_t i = 0, end; i < out.n; i = end) {
        for (end = i; end < out.n && same_address(&out.v[i], &out.v[end]);
             end++)
            table[end] = out.v[end].row;
        qsort(table + i, end - i, sizeof(*table), by_port);
    }
    r->config->steer = table;
    r->config->n_steer = out.n;
    for (uint32_t i = 0; i < r->rules->n; i++)
        if (!r->rules->v[i].failed)
            check_worker_ports(r, &r->rules->v[i]);
}
