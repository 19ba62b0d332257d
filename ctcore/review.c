/* review.c - would the rules of now have let a flow be what it is?
 *
 * A flow's first packet is made again, as far as rules look at it: its tuple,
 * its interfaces, its status as it was then, its mark and labels from nothing.
 * It is led past the stages of rules in the order of the hooks, where it stands
 * before each as the flow's packets stand there: untranslated, behind its dnat,
 * before its snat.  The flow ends if a stage would drop it, not track it, put
 * it into another zone, or translate it otherwise; a translation that the
 * rule's range still covers stays.  An announced flow is translated as its
 * master is, and asked the rest like any other.  A hairpin whose mapping is
 * gone would be none now, and ends.  Functions that users registered are not
 * asked: they are for packets, of which they may count, change, hold or steal
 * any, and the one made here is none.  Nor does a queue refuse.
 *
 * What only that packet had is unknown: a rule that reads it, or has a limit,
 * is a maybe.  A maybe lets in, and does not end; it gives a mark, a label or a
 * zone, or does not, and translates, or does not, as the flow has it.  Bits of
 * the mark that a maybe gives are unknown until a sure rule gives them; so are
 * the labels that the flow has got by now. */
#include <ctcore/ct.h>
#include <ctcore/wire.h>

#include "core/gc.h"
#include "hook/natask.h"
#include "packet/parse.h"
#include "proto/protos.h"

struct first {
    struct ct_pkt pkt;
    uint8_t bytes[RULESET_HEAD];
    uint64_t labels[2];
    struct ruleset_unknown unknown;
};

static void make_first(struct first *f, struct ct_conn *c)
{
    *f = (struct first){.unknown.facts =
                            CT_FACT_PACKET | CT_FACT_LATER | CT_FACT_DNAT,
                        .pkt = {
                            .in = c->in,
                            .out = c->out,
                            .info = CT_NEW,
                            .rule = CT_NONE,
                        }};
    ruleset_pretend(&f->pkt, &c->tuple[CT_DIR_ORIGINAL], f->bytes);
    f->pkt.tuple.zone = 0;
    if (c->status & CT_EXPECTED) {
        f->pkt.info = CT_RELATED;
        f->pkt.mark = c->mark;
    }
}

/* ---- stages ---- */

static bool is_zone_of(const struct ct_rule *r, const struct ct_conn *c)
{
    for (unsigned dir = 0; dir < CT_N_DIRS; dir++)
        if ((r->zone_dirs >> dir & 1) && r->zone != c->tuple[dir].zone)
            return false;
    return true;
}

/* Would it be tracked, in the flow's own zone? */
static bool raw_keeps(struct ct *ct, struct first *f, const struct ct_conn *c)
{
    struct rulewalk w = rulewalk_stage(ct, &f->pkt, CT_STAGE_RAW, &f->unknown);
    const struct ct_rule *r;

    while ((r = rulewalk_next(ct, &f->pkt, &w)) != NULL) {
        bool maybe = rulewalk_maybe(&w, r, &f->pkt);

        if (r->action == CT_ACT_NOTRACK && !maybe)
            return false;
        if (r->action == CT_ACT_ZONE && (!maybe || is_zone_of(r, c)))
            ruleset_zone(r, &f->pkt);
    }
    return f->pkt.tuple.zone == c->tuple[CT_DIR_ORIGINAL].zone;
}

static void set_mark(struct first *f, const struct ct_rule *r, bool maybe)
{
    if (maybe) {
        f->unknown.mark |= (f->pkt.mark ^ r->mark) & r->mark_mask;
        return;
    }
    f->unknown.mark &= ~r->mark_mask;
    ruleset_mark(r, &f->pkt);
}

static void set_review_labels(struct first *f, const struct ct_rule *r,
                              bool maybe)
{
    for (int i = 0; i < 2; i++)
        if (maybe) {
            f->unknown.labels[i] |= r->labels[i] & ~f->labels[i];
        } else {
            f->unknown.labels[i] &= ~r->labels[i];
            f->labels[i] |= r->labels[i];
        }
}

static void mangle_first_packet(struct ct *ct, struct first *f)
{
    struct rulewalk w =
        rulewalk_stage(ct, &f->pkt, CT_STAGE_MANGLE, &f->unknown);
    const struct ct_rule *r;

    while ((r = rulewalk_next(ct, &f->pkt, &w)) != NULL) {
        bool maybe = rulewalk_maybe(&w, r, &f->pkt);

        if (r->action == CT_ACT_MARK)
            set_mark(f, r, maybe);
        if (r->action == CT_ACT_LABEL)
            set_review_labels(f, r, maybe);
    }
}

static bool filter_keeps(struct ct *ct, struct first *f)
{
    struct rulewalk w =
        rulewalk_stage(ct, &f->pkt, CT_STAGE_FILTER, &f->unknown);
    const struct ct_rule *r;

    while ((r = rulewalk_next(ct, &f->pkt, &w)) != NULL) {
        if (r->action == CT_ACT_QUEUE)
            f->unknown.mark = UINT32_MAX; /* its program may set one */
        if (r->action == CT_ACT_ACCEPT || r->action == CT_ACT_QUEUE) {
            f->pkt.accepted = f->pkt.hook == CT_FORWARD;
            return true;
        }
        if ((r->action == CT_ACT_DROP || r->action == CT_ACT_REJECT) &&
            !rulewalk_maybe(&w, r, &f->pkt))
            return false;
    }
    return ct->rules->policy[f->pkt.hook] != CT_DROP;
}

/* ---- translation ---- */

static bool range_covers(const struct ct_nat_range *r,
                         const union ct_addr *addr)
{
    return memcmp(addr->b, r->lo.b, sizeof addr->b) >= 0 &&
           memcmp(addr->b, r->hi.b, sizeof addr->b) <= 0;
}

/* Is that side of the flow, addr and port on the wire, what a says?  was_*: as
 * its originator knows it. */
static bool is_meant(const struct natask_answer *a, bool has_port,
                     const union ct_addr *was, const union ct_addr *addr,
                     uint16_t port)
{
    if (!a->found || !a->range.has_addr)
        return ct_addr_eq(was, addr);
    if (has_port && a->range.has_ports &&
        (port < a->range.port_lo || port > a->range.port_hi))
        return false;
    return range_covers(&a->range, addr);
}

/* Announced by a translated flow, which may be gone: translated as that was. */
static bool follows_master_nat(const struct ct *ct, const struct ct_conn *c)
{
    const struct ext *x =
        ext_of(&ct->ext, table_slot(&ct->table, c), EXT_MASTER);

    return x && x->master.translated;
}

static bool is_dst(const struct ct_conn *c, const struct natask_answer *a)
{
    const struct ct_tuple *orig = &c->tuple[CT_DIR_ORIGINAL];
    const struct ct_tuple *reply = &c->tuple[CT_DIR_REPLY];
    bool has_port = ct_proto_has_ports(orig->proto);

    /* A destination's port changes by a rule only. */
    if (has_port && !a->range.has_ports && reply->sport != orig->dport)
        return false;
    return is_meant(a, has_port, &orig->dst, &reply->src, reply->sport);
}

static bool is_src(const struct ct_conn *c, const struct natask_answer *a)
{
    const struct ct_tuple *orig = &c->tuple[CT_DIR_ORIGINAL];
    const struct ct_tuple *reply = &c->tuple[CT_DIR_REPLY];

    return is_meant(a, ct_proto_has_ports(orig->proto), &orig->src, &reply->dst,
                    portmap_port(reply));
}

/* Is one of the answers that the rules may give what that side of the flow
 * has? */
static bool nat_keeps(struct ct *ct, struct first *f, enum mangle_side side)
{
    const struct ct_conn *c = f->pkt.conn;
    struct natask ask = {.unknown = &f->unknown};
    struct natask_answer a;

    if (follows_master_nat(ct, c))
        return true;
    do {
        enum ct_reason why = natask_side(ct, &f->pkt, side, &ask, &a);

        if (why == CT_REASON_NONE &&
            (side == MANGLE_DST ? is_dst(c, &a) : is_src(c, &a)))
            return true;
    } while (!a.sure);
    return false;
}

/* ---- the way of a first packet ---- */

static bool is_router_reply(const struct ct *ct, const struct ct_tuple *reply)
{
    for (uint32_t i = 0; i < ct->ifaces.n; i++)
        if (core_has_address(&ct->ifaces.iface[i], reply->family, &reply->src))
            return true;
    return false;
}

/* Profile weir: from outside only by a dnat or an accepting rule of FORWARD. */
static bool is_unsolicited(const struct ct *ct, const struct ct_pkt *pkt)
{
    return ct->params.v[CT_PARAM_strict_inbound] && !pkt->accepted &&
           pkt->info == CT_NEW && !core_is_inside(ct, pkt->in) &&
           core_is_inside(ct, pkt->out) && !(pkt->conn->status & CT_DST_NAT);
}

static bool passes_entry_hooks(struct ct *ct, struct first *f,
                               struct ct_conn *c)
{
    struct ct_pkt *pkt = &f->pkt;
    const struct ct_tuple *reply = &c->tuple[CT_DIR_REPLY];
    const struct ext *x;

    pkt->hook = pkt->in == CT_NO_IFACE ? CT_OUTPUT : CT_PREROUTING;
    if (!raw_keeps(ct, f, c))
        return false;
    pkt->conn = c;
    x = ext_of(&ct->ext, table_slot(&ct->table, c), EXT_LABELS);
    pkt->labels = f->labels;
    if (x)
        memcpy(f->unknown.labels, x->labels, sizeof f->unknown.labels);
    mangle_first_packet(ct, f);
    if (!nat_keeps(ct, f, MANGLE_DST))
        return false;
    f->unknown.facts &= ~(uint32_t)CT_FACT_DNAT;
    mangle_put_addr(f->bytes, MANGLE_DST, &reply->src, reply->family);
    if (ct_proto_has_ports(reply->proto))
        ct_store16(&ct_ports_edit(f->bytes + pkt->l4_off)->dport, reply->sport);
    return filter_keeps(ct, f);
}

/* Routes may have changed, too.  False: hidden behind an address of the way
 * that it no longer goes.  Where there is no way, the old one may come back. */
static bool goes_on(const struct ct *ct, struct ct_pkt *pkt)
{
    const struct ct_conn *c = pkt->conn;
    uint8_t out = CT_NO_IFACE;

    if (ct->route)
        out = ct->route(ct->route_ctx, pkt, &c->tuple[CT_DIR_REPLY].src);
    if (out == CT_NO_IFACE)
        return true;
    pkt->out = out;
    return out == c->out || c->hidden_by == CT_NO_IFACE;
}

static bool passes_exit_hooks(struct ct *ct, struct first *f)
{
    struct ct_pkt *pkt = &f->pkt;

    if (is_router_reply(ct, &pkt->conn->tuple[CT_DIR_REPLY])) {
        pkt->hook = CT_INPUT;
        mangle_first_packet(ct, f);
        return filter_keeps(ct, f) && nat_keeps(ct, f, MANGLE_SRC);
    }
    if (!goes_on(ct, pkt))
        return false;
    if (pkt->in != CT_NO_IFACE) {
        pkt->hook = CT_FORWARD;
        mangle_first_packet(ct, f);
        if (!filter_keeps(ct, f) || is_unsolicited(ct, pkt))
            return false;
    }
    pkt->hook = CT_POSTROUTING;
    return filter_keeps(ct, f) && nat_keeps(ct, f, MANGLE_SRC);
}

static bool is_flow_allowed(struct ct *ct, struct ct_conn *c)
{
    struct first f;

    make_first(&f, c);
    return passes_entry_hooks(ct, &f, c) && passes_exit_hooks(ct, &f);
}

void ct_set_route(struct ct *ct, ct_route_fn *fn, void *ctx)
{
    ct->route = fn;
    ct->route_ctx = ctx;
}

bool ct_revalidate_some(struct ct *ct, uint32_t *from, uint32_t budget)
{
    uint32_t slots = budget;

    for (; *from < ct->conns.fresh && budget > 0 &&
           work_may_go_on(&ct->work, 0, slots);
         ++*from, budget--) {
        struct ct_conn *c = core_conn(ct, *from);

        work_step(&ct->work, 1);
        if (!ct->rules ||
            (c->status & (CT_CONFIRMED | CT_DYING)) != CT_CONFIRMED ||
            is_flow_allowed(ct, c))
            continue;
        gc_revoke(ct, *from);
    }
    core_worked(ct, CT_STAT_work_call_max);
    return *from >= ct->conns.fresh;
}
