#include "natrow.h"

#include "gc.h"
#include "icmperr.h"
#include "l4proto.h"
#include "ruleset.h"
#include "track.h"

#include <string.h>

/* Expired entries cleared before a flow is told that no port is left. */
#define EXPIRE_ON_DEMAND 64u

/* ---- which rule ---- */

/* The first rule of this hook's NAT stage that can be done to this packet. */
static const struct ct_rule *ask_rules(struct ct *ct, const struct ct_pkt *pkt,
                                       bool without_ct, bool count)
{
    const struct ct_ruleset *rs = ct->rules;
    uint32_t at, end;

    if (!rs)
        return NULL;
    at = rs->start[pkt->hook][CT_STAGE_NAT];
    end = rs->start[pkt->hook][CT_STAGE_NAT + 1];
    for (; (at = ruleset_match(rs, at, end, pkt, without_ct)) < end; at++) {
        const struct ct_rule *r = &rs->rules[at];

        if (r->nat.family && r->nat.family != pkt->tuple.family)
            continue;
        if (count)
            core_met(ct, at, pkt);
        if (r->action >= CT_ACT_SNAT)
            return r;
    }
    return NULL;
}

/* ---- the router's own addresses ---- */

/* Whose addresses masquerade and redirect use. */
static uint8_t speaker(const struct ct *ct, uint8_t iface)
{
    for (uint8_t i = 0; ct->ifaces.host && i < ct->ifaces.n; i++)
        if (!ct->ifaces.iface[i].inside)
            return i;
    return iface;
}

static const union ct_addr *iface_addr(const struct ct *ct, uint8_t iface,
                                       uint8_t family)
{
    const struct ct_iface *f;

    if (iface >= ct->ifaces.n)
        return NULL;
    f = &ct->ifaces.iface[iface];
    for (int i = 0; i < f->n_addrs; i++)
        if (f->family[i] == family)
            return &f->addr[i];
    return NULL;
}

/* How near host is to address i of f.  IPv4: is he in its subnet?  IPv6: as
 * many bits of its prefix are his, too (RFC 6724 rule 8). */
static unsigned nearness(const struct ct_iface *f, unsigned i,
                         const union ct_addr *host)
{
    unsigned n = 0, most = f->prefix[i];

    while (n < most &&
           !((f->addr[i].b[n / 8] ^ host->b[n / 8]) & 0x80u >> n % 8))
        n++;
    return f->family[i] == CT_IPV4 ? n == most : n;
}

/* The address of an interface from which it would speak to host: the nearest,
 * the first of several.  A TUN has no gateway: host is the next hop. */
static const union ct_addr *nearest_addr(const struct ct *ct, uint8_t iface,
                                         uint8_t family,
                                         const union ct_addr *host)
{
    const union ct_addr *best = iface_addr(ct, iface, family);
    const struct ct_iface *f = ct->ifaces.iface;
    unsigned most = 0;

    if (!best)
        return NULL;
    f += iface;
    for (unsigned i = 0; i < f->n_addrs; i++) {
        unsigned near = f->family[i] == family ? nearness(f, i, host) : 0;

        if (near > most) {
            most = near;
            best = &f->addr[i];
        }
    }
    return best;
}

/* The outside interface that has this address, or CT_NO_IFACE. */
static uint8_t outside_of(const struct ct *ct, const struct ct_tuple *t)
{
    for (uint8_t i = 0; i < ct->ifaces.n; i++) {
        const struct ct_iface *f = &ct->ifaces.iface[i];

        if (!f->inside && core_has_address(f, t->family, &t->dst))
            return i;
    }
    return CT_NO_IFACE;
}

static void one_addr(struct ct_nat_range *range, const union ct_addr *addr,
                     uint8_t family)
{
    range->family = family;
    range->has_addr = true;
    range->lo = range->hi = *addr;
}

/* The same host in the rule's prefix. */
static void map_host(struct ct_nat_range *range, const struct ct_rule *rule,
                     union ct_addr host)
{
    for (unsigned i = 0, bits = rule->prefix; i < sizeof host.b && bits; i++) {
        unsigned take = bits < 8 ? bits : 8;
        uint8_t net = (uint8_t)(0xff00u >> take);

        host.b[i] = (uint8_t)((host.b[i] & ~net) | (rule->nat.lo.b[i] & net));
        bits -= take;
    }
    one_addr(range, &host, rule->nat.family);
}

/* ---- a flow's first packet ---- */

/* why: NO_PORT or SOURCE_PORTS. */
static enum ct_verdict no_port(struct ct *ct, struct ct_pkt *pkt,
                               enum ct_reason why)
{
    core_stat(ct, why == CT_REASON_NO_PORT ? CT_STAT_no_port
                                           : CT_STAT_source_share);
    core_stat(ct, CT_STAT_insert_failed);
    core_stat(ct, CT_STAT_drop);
    pkt->tell = ct->on_full == CT_FULL_REJECT;
    pkt->reject = CT_REJECT_ADMIN;
    return track_drop(pkt, why);
}

static bool is_expected(const struct ct_pkt *pkt)
{
    return pkt->conn->status & CT_EXPECTED;
}

/* Twice at most: a flow in TIME_WAIT may give way, expired ones must. */
static enum ct_verdict set_up(struct ct *ct, struct ct_pkt *pkt,
                              enum mangle_side side,
                              const struct ct_nat_range *range)
{
    bool is_gre = pkt->tuple.proto == PROTO_GRE;
    struct nat_ask ask = {
        .pkt = pkt,
        .proto = protos_find(pkt->tuple.proto),
        .range = range,
        .now = ct->now,
        .victim = CT_NONE,
        /* Rules can't name keys: such a port is an expectation's. */
        .keyed = is_gre && range && range->has_ports && is_expected(pkt),
    };
    enum ct_reason why = nat_setup(&ct->nat, pkt->conn, side, &ask);

    if (why == CT_REASON_NONE)
        return CT_ACCEPT;
    if (ask.victim != CT_NONE)
        gc_destroy(ct, ask.victim);
    else if (!gc_expire(ct, ct->now, EXPIRE_ON_DEMAND))
        return no_port(ct, pkt, why);
    why = nat_setup(&ct->nat, pkt->conn, side, &ask);
    return why == CT_REASON_NONE ? CT_ACCEPT : no_port(ct, pkt, why);
}

/* nat.hairpin: a packet from inside to an outside address of ours is asked as
 * if it had come in there (RFC 4787 REQ-9).  Answers the rule, or fills range
 * with the mapping that has this address. */
static const struct ct_rule *ask_hairpin(struct ct *ct, struct ct_pkt *pkt,
                                         bool count, struct ct_nat_range *range,
                                         bool *found)
{
    const struct ct_rule *rule;
    const struct mapping *m;
    uint8_t in = pkt->in, out = outside_of(ct, &pkt->tuple);
    union ct_addr addr;

    if (out == CT_NO_IFACE || !core_is_inside(ct, in))
        return NULL;
    pkt->in = out;
    rule = ask_rules(ct, pkt, false, count);
    pkt->in = in;
    if (rule)
        return rule;
    m = nat_by_outside(&ct->nat, pkt->tuple.zone, pkt->tuple.proto,
                       &pkt->tuple.dst, portmap_port(&pkt->tuple));
    if (!m || m->family != pkt->tuple.family ||
        !protos_find(m->proto)->has_ports)
        return NULL;
    memcpy(addr.b, m->inside, sizeof addr.b);
    one_addr(range, &addr, m->family);
    range->has_ports = true;
    range->port_lo = range->port_hi = m->inside_port;
    *found = true;
    return NULL;
}

/* A flow that was announced by a translated one is translated as that is: what
 * range says of that side.  False: it is asked of the rules.
 *
 * Its master's packets of the same direction have these addresses at the other
 * end: those of the opposite tuple, turned.  The port belongs to where it goes;
 * a GRE key to the master's originator, on whichever side it is. */
static bool follow_master(struct ct *ct, const struct ct_pkt *pkt,
                          enum mangle_side side, struct ct_nat_range *range,
                          uint8_t *by)
{
    const struct ct_conn *c = pkt->conn;
    const struct ext *x =
        ext_of(&ct->ext, table_slot(&ct->table, c), EXT_MASTER);
    const struct ct_tuple *other, *was = &c->tuple[CT_DIR_REPLY];
    const struct ct_conn *master;
    bool has_port = side == MANGLE_DST;

    if (!x || !x->master.translated)
        return false;
    master = core_conn(ct, x->master.slot);
    if (master->gen != x->master.gen)
        return false;
    other = &master->tuple[!x->master.dir];
    if (pkt->tuple.proto == PROTO_GRE)
        has_port = (side == MANGLE_SRC) == (x->master.dir == CT_DIR_ORIGINAL);
    one_addr(range, side == MANGLE_SRC ? &other->dst : &other->src,
             other->family);
    range->has_ports = has_port;
    range->port_lo = range->port_hi = x->master.port;
    /* A source that stays what it is keeps its port, too. */
    if (side == MANGLE_SRC && !has_port && ct_addr_eq(&range->lo, &was->dst))
        range->family = 0;
    if (side == MANGLE_SRC && x->master.dir == CT_DIR_ORIGINAL)
        *by = master->masq_out;
    return true;
}

/* Fill a with what the rules want done to the destination. */
static enum ct_reason ask_dst(struct ct *ct, struct ct_pkt *pkt, bool count,
                              struct natrow_answer *a)
{
    const struct ct_rule *rule = ask_rules(ct, pkt, false, count);

    if (!rule && ct->hairpin && pkt->hook == CT_PREROUTING)
        rule = ask_hairpin(ct, pkt, count, &a->range, &a->found);
    if (rule) {
        a->range = rule->nat;
        a->found = true;
    }
    if (rule && rule->action == CT_ACT_NETMAP)
        map_host(&a->range, rule, pkt->tuple.dst);
    if (rule && rule->action == CT_ACT_REDIRECT) {
        const union ct_addr *own =
            iface_addr(ct, speaker(ct, pkt->in), pkt->tuple.family);

        if (!own)
            return CT_REASON_NO_ADDRESS;
        one_addr(&a->range, own, pkt->tuple.family);
    }
    return CT_REASON_NONE;
}

static enum ct_reason ask_src(struct ct *ct, struct ct_pkt *pkt, bool count,
                              struct natrow_answer *a)
{
    const struct ct_conn *c = pkt->conn;
    const struct ct_rule *rule = ask_rules(ct, pkt, false, count);

    if (rule) {
        a->range = rule->nat;
        a->found = true;
    }
    if (rule && rule->action == CT_ACT_MASQUERADE) {
        const union ct_addr *own;

        a->by = speaker(ct, pkt->out);
        own = nearest_addr(ct, a->by, pkt->tuple.family,
                           &c->tuple[CT_DIR_REPLY].src);
        if (!own)
            return CT_REASON_NO_ADDRESS;
        one_addr(&a->range, own, pkt->tuple.family);
    }
    if (rule && rule->action == CT_ACT_NETMAP)
        map_host(&a->range, rule, c->tuple[CT_DIR_ORIGINAL].src);
    if (!rule && ct->hairpin && (c->status & CT_DST_NAT) &&
        core_is_inside(ct, pkt->in) && core_is_inside(ct, pkt->out)) {
        one_addr(&a->range, &c->tuple[CT_DIR_ORIGINAL].dst, pkt->tuple.family);
        a->found = true;
    }
    return CT_REASON_NONE;
}

enum ct_reason natrow_ask(struct ct *ct, struct ct_pkt *pkt,
                          enum mangle_side side, bool count,
                          struct natrow_answer *a)
{
    *a = (struct natrow_answer){.by = CT_NO_IFACE};
    if (is_expected(pkt) && follow_master(ct, pkt, side, &a->range, &a->by)) {
        a->found = a->range.family != 0;
        return CT_REASON_NONE;
    }
    return side == MANGLE_SRC ? ask_src(ct, pkt, count, a)
                              : ask_dst(ct, pkt, count, a);
}

static enum ct_verdict choose(struct ct *ct, struct ct_pkt *pkt,
                              enum mangle_side side)
{
    struct natrow_answer a;
    enum ct_reason why = natrow_ask(ct, pkt, side, true, &a);

    if (why != CT_REASON_NONE)
        return track_drop(pkt, why);
    if (a.by != CT_NO_IFACE)
        conn_set(pkt->conn->masq_out, a.by);
    return set_up(ct, pkt, side, a.found ? &a.range : NULL);
}

/* ---- the rows ---- */

/* The rows are asked of every packet: what is rare stands in functions of its
 * own, so that the usual way needs no stack. */

static __attribute__((noinline)) enum ct_verdict
translate_error(struct ct_pkt *pkt, enum mangle_side side)
{
    enum ct_reason why = icmperr_translate(pkt, side);

    return why == CT_REASON_NONE ? CT_ACCEPT : track_drop(pkt, why);
}

static inline enum ct_verdict translate(struct ct_pkt *pkt,
                                        enum mangle_side side)
{
    if (pkt->icmp_error)
        return translate_error(pkt, side);
    nat_translate(pkt->conn, pkt, side);
    return CT_ACCEPT;
}

static __attribute__((noinline)) enum ct_verdict first_dst(struct ct *ct,
                                                           struct ct_pkt *pkt)
{
    enum ct_verdict v = CT_ACCEPT;

    if (!(pkt->conn->status & CT_DST_NAT_DONE))
        v = choose(ct, pkt, MANGLE_DST);
    return v == CT_ACCEPT ? translate(pkt, MANGLE_DST) : v;
}

enum ct_verdict natrow_dst(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    (void)ctx;
    if (!pkt->conn)
        return CT_ACCEPT;
    if (pkt->made_conn)
        return first_dst(ct, pkt);
    return translate(pkt, MANGLE_DST);
}

/* A packet without an entry that some rule would have translated, had conntrack
 * known it: it must not leave as it is.  What the router made itself bears its
 * own address, and notrack is the operator's word. */
static bool is_untranslated(struct ct *ct, const struct ct_pkt *pkt)
{
    const struct ct_rule *rule;

    if (pkt->nat_known)
        return true;
    if (pkt->notrack || pkt->kind != CT_KIND_NONE ||
        pkt->hook != CT_POSTROUTING)
        return false;
    rule = ask_rules(ct, pkt, true, false);
    return rule &&
           (rule->action == CT_ACT_SNAT || rule->action == CT_ACT_NETMAP ||
            rule->action == CT_ACT_MASQUERADE);
}

static __attribute__((noinline)) enum ct_verdict without(struct ct *ct,
                                                         struct ct_pkt *pkt)
{
    if (is_untranslated(ct, pkt))
        return track_drop(pkt, CT_REASON_UNTRANSLATED);
    return CT_ACCEPT;
}

/* The flow's address belongs to another interface: it cannot go on. */
static __attribute__((noinline)) enum ct_verdict leave(struct ct_pkt *pkt)
{
    conn_dies(pkt->conn);
    return track_drop(pkt, CT_REASON_OIF_CHANGED);
}

static inline bool has_left(const struct ct_conn *c, const struct ct_pkt *pkt)
{
    return pkt->out != c->masq_out && c->masq_out != CT_NO_IFACE &&
           pkt->dir == CT_DIR_ORIGINAL && !pkt->icmp_error;
}

static __attribute__((noinline)) enum ct_verdict first_src(struct ct *ct,
                                                           struct ct_pkt *pkt)
{
    struct ct_conn *c = pkt->conn;
    enum ct_verdict v = CT_ACCEPT;

    if (!(c->status & CT_SRC_NAT_DONE))
        v = choose(ct, pkt, MANGLE_SRC);
    else if (has_left(c, pkt))
        return leave(pkt);
    return v == CT_ACCEPT ? translate(pkt, MANGLE_SRC) : v;
}

enum ct_verdict natrow_src(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    const struct ct_conn *c = pkt->conn;

    (void)ctx;
    if (!c)
        return without(ct, pkt);
    if (pkt->made_conn)
        return first_src(ct, pkt);
    if (has_left(c, pkt))
        return leave(pkt);
    return translate(pkt, MANGLE_SRC);
}

/* The source is an address that others have, too: a translated one, or the
 * router's own of its host. */
enum ct_verdict natrow_id(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    const struct ct_conn *c = pkt->conn;
    uint32_t shared = pkt->dir == CT_DIR_ORIGINAL ? CT_SRC_NAT : CT_DST_NAT;

    (void)ctx;
    if ((c && (c->status & shared)) ||
        (pkt->in == CT_NO_IFACE && pkt->kind == CT_KIND_NONE))
        ipid_give(&ct->ids, pkt);
    return CT_ACCEPT;
}
