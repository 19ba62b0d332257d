/* natrow.c - translate at the hooks, and refuse what would leave
 * untranslated */
#include "hook/natrow.h"

#include "core/gc.h"
#include "hook/icmperr.h"
#include "hook/natask.h"
#include "packet/parse.h"
#include "proto/protos.h"

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
    return ct_refuse(pkt, why);
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
    bool is_gre = pkt->tuple.proto == CT_PROTO_GRE;
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
    else if (!gc_free_ports(ct))
        return no_port(ct, pkt, why);
    why = nat_setup(&ct->nat, pkt->conn, side, &ask);
    return why == CT_REASON_NONE ? CT_ACCEPT : no_port(ct, pkt, why);
}

static enum ct_verdict choose_translation(struct ct *ct, struct ct_pkt *pkt,
                                          enum mangle_side side)
{
    struct natask ask = {.count = true};
    struct natask_answer a;
    enum ct_reason why = natask_side(ct, pkt, side, &ask, &a);

    if (why != CT_REASON_NONE)
        return ct_refuse(pkt, why);
    if (side == MANGLE_SRC) {
        conn_set(pkt->conn->hidden_by, a.by);
        conn_set(pkt->conn->out, pkt->out);
    } else if (a.way != CT_NO_IFACE) {
        conn_set(pkt->conn->out, a.way);
    }
    return set_up(ct, pkt, side, a.found ? &a.range : NULL);
}

/* ---- the rows ---- */

/* The rows are asked of every packet: what is rare stands in functions of its
 * own, so that the usual way needs no stack. */

static __attribute__((noinline)) enum ct_verdict
translate_error(struct ct_pkt *pkt, enum mangle_side side)
{
    enum ct_reason why = icmperr_translate(pkt, side);

    return why == CT_REASON_NONE ? CT_ACCEPT : ct_refuse(pkt, why);
}

static inline enum ct_verdict translate_packet(struct ct_pkt *pkt,
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
        v = choose_translation(ct, pkt, MANGLE_DST);
    return v == CT_ACCEPT ? translate_packet(pkt, MANGLE_DST) : v;
}

enum ct_verdict natrow_dst(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    (void)ctx;
    if (!pkt->conn)
        return CT_ACCEPT;
    if (pkt->made_conn)
        return first_dst(ct, pkt);
    return translate_packet(pkt, MANGLE_DST);
}

/* A packet without an entry that some rule would have translated, had conntrack
 * known it: it must not leave as it is.  What the router made itself bears its
 * own address, and notrack is the operator's word. */
static bool is_untranslated(struct ct *ct, const struct ct_pkt *pkt)
{
    if (pkt->nat_known)
        return true;
    return !pkt->notrack && pkt->kind == CT_KIND_NONE &&
           pkt->hook == CT_POSTROUTING && natask_is_hidden(ct, pkt);
}

static __attribute__((noinline)) enum ct_verdict without(struct ct *ct,
                                                         struct ct_pkt *pkt)
{
    if (is_untranslated(ct, pkt))
        return ct_refuse(pkt, CT_REASON_UNTRANSLATED);
    return CT_ACCEPT;
}

static inline bool has_moved(const struct ct_conn *c, const struct ct_pkt *pkt)
{
    return pkt->out != c->out && pkt->dir == CT_DIR_ORIGINAL &&
           !pkt->icmp_error;
}

/* May a first packet of this flow be hidden where it leaves now?  This one is
 * another: what only the first one had is unknown. */
static bool would_hide(struct ct *ct, struct ct_pkt *pkt)
{
    static const struct ruleset_unknown unknown = {.facts = CT_FACT_PACKET |
                                                            CT_FACT_LATER};
    struct natask ask = {.unknown = &unknown};
    struct natask_answer a;
    enum ct_reason why;
    uint8_t was = pkt->info;

    pkt->info = pkt->conn->status & CT_EXPECTED ? CT_RELATED : CT_NEW;
    do
        why = natask_side(ct, pkt, MANGLE_SRC, &ask, &a);
    while (why == CT_REASON_NONE && !a.found && !a.sure);
    pkt->info = was;
    return why != CT_REASON_NONE || a.found;
}

/* The route has changed: the flow leaves by another interface than before.  It
 * can't go on if it is hidden behind an address of the former, or if it is not
 * hidden, which here it would be. */
static __attribute__((noinline)) enum ct_verdict moved(struct ct *ct,
                                                       struct ct_pkt *pkt)
{
    struct ct_conn *c = pkt->conn;

    if (c->hidden_by != CT_NO_IFACE ||
        (!(c->status & CT_SRC_NAT) && would_hide(ct, pkt))) {
        conn_dies(c);
        return ct_refuse(pkt, CT_REASON_OIF_CHANGED);
    }
    conn_write_begin(c);
    conn_set(c->out, pkt->out);
    conn_write_end(c);
    return CT_ACCEPT;
}

static __attribute__((noinline)) enum ct_verdict first_src(struct ct *ct,
                                                           struct ct_pkt *pkt)
{
    struct ct_conn *c = pkt->conn;
    enum ct_verdict v = CT_ACCEPT;

    if (!(c->status & CT_SRC_NAT_DONE))
        v = choose_translation(ct, pkt, MANGLE_SRC);
    return v == CT_ACCEPT ? translate_packet(pkt, MANGLE_SRC) : v;
}

static __attribute__((noinline)) enum ct_verdict moved_src(struct ct *ct,
                                                           struct ct_pkt *pkt)
{
    enum ct_verdict v = moved(ct, pkt);

    return v == CT_ACCEPT ? translate_packet(pkt, MANGLE_SRC) : v;
}

enum ct_verdict natrow_src(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    const struct ct_conn *c = pkt->conn;

    (void)ctx;
    if (!c)
        return without(ct, pkt);
    if (pkt->made_conn)
        return first_src(ct, pkt);
    if (has_moved(c, pkt))
        return moved_src(ct, pkt);
    return translate_packet(pkt, MANGLE_SRC);
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
