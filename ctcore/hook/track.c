/* track.c - find a packet's flow or begin one, and let its tracker judge */
#include "hook/track.h"

#include "core/elsewhere.h"
#include "core/gc.h"
#include "core/notify.h"
#include "core/timeouts.h"
#include "hook/icmperr.h"
#include "packet/parse.h"
#include "packet/tuple.h"
#include "proto/protos.h"
#include "proto/tcp_segment.h"
#include "table/seqadj.h"

#include <ctcore/bits.h>

/* A REOPEN destroys the old flow, as does an address that is gone, so the
 * second look always ends. */
#define MAX_LOOKS 2

static enum ct_verdict verdict_invalid(struct ct *ct, struct ct_pkt *pkt,
                                       enum ct_reason why)
{
    pkt->conn = NULL;
    pkt->info = CT_INVALID;
    pkt->why = (uint8_t)why;
    ct_add(&ct->reasons[why], 1);
    return CT_ACCEPT;
}

/* Neighbour discovery and multicast listeners belong to the link, not to
 * flows: the kernel leaves them UNTRACKED. */
static bool link_business(const struct ct_pkt *pkt)
{
    uint8_t type = pkt->icmp_type;

    return pkt->tuple.proto == CT_PROTO_ICMPV6 &&
           pkt->tuple.family == CT_IPV6 && !pkt->l4_bad &&
           ((type >= CT_ICMPV6_LISTENER_QUERY && type <= CT_ICMPV6_NEIGHBOUR) ||
            type == CT_ICMPV6_LISTENER_REPORT ||
            type == CT_ICMPV6_ROUTER_HERE || type == CT_ICMPV6_ROUTER_ASKED);
}

static enum expiry_class expiry_class_of(uint32_t status, uint32_t act)
{
    if (act & TRACK_CLOSING)
        return EXPIRY_CLOSING;
    return status & CT_ASSURED ? EXPIRY_ASSURED : EXPIRY_UNASSURED;
}

/* What the kernel says of a packet before its tracker has spoken. */
static uint8_t info_of(const struct ct_conn *c, enum ct_dir dir)
{
    if (dir == CT_DIR_REPLY || (c->status & CT_SEEN_REPLY))
        return CT_ESTABLISHED;
    return c->status & CT_EXPECTED ? CT_RELATED : CT_NEW;
}

static void set_track(const struct ct *ct, const struct ct_pkt *pkt,
                      struct track *t)
{
    *t = (struct track){
        .pkt = pkt,
        .params = &ct->params,
        .dir = (enum ct_dir)pkt->dir,
        .now_ms = ct->now.ms,
    };
}

/* ---- a packet of a flow that is known ---- */

/* The tracker refused it.  It may have learnt from it all the same. */
static __attribute__((noinline)) void
refuse_known(struct ct *ct, struct ct_pkt *pkt, struct ct_conn *c,
             const union ct_proto_state *st, const struct track *t,
             enum ct_reason why)
{
    if (t->act & (TRACK_KEEP | TRACK_LOWER)) {
        conn_write_begin(c);
        conn_store(&c->proto, st, sizeof *st);
        if ((t->act & TRACK_LOWER) &&
            t->left_ms > (uint64_t)t->params->v[t->timeout] * 1000)
            timeouts_refresh(ct, table_slot(&ct->table, c), c->status,
                             t->timeout, expiry_class_of(c->status, 0));
        conn_write_end(c);
    }
    pkt->nat_known = c->status & CT_NAT_MASK;
    core_stat(ct, CT_STAT_invalid);
    (void)verdict_invalid(ct, pkt, why);
}

/* The flow's status after a packet, and the event of it. */
static __attribute__((noinline)) uint32_t turn(struct ct *ct,
                                               struct ct_pkt *pkt,
                                               const union ct_proto_state *st,
                                               uint32_t act)
{
    const struct ct_conn *c = pkt->conn;
    uint32_t was = c->status, status = was;

    if (ct->connlimit && connlimit_is_over(c, st))
        connlimit_forget(ct->connlimit, table_slot(&ct->table, c), c);

    if (act & TRACK_KILL) /* its end is all that is told */
        return status | CT_DYING;
    if (act & TRACK_ASSURED)
        status |= CT_ASSURED;
    if (pkt->dir == CT_DIR_REPLY && !(act & TRACK_NO_REPLY))
        status |= CT_SEEN_REPLY;
    pkt->events |= (status & ~was & CT_ASSURED ? CT_EVENT_ASSURED : 0) |
                   (status & ~was & CT_SEEN_REPLY ? CT_EVENT_REPLY : 0);
    return status;
}

static inline void update_flow(struct ct *ct, struct ct_pkt *pkt,
                               struct ct_conn *c,
                               const union ct_proto_state *st,
                               const struct track *t)
{
    uint32_t slot = table_slot(&ct->table, c), status = c->status;

    pkt->events |= t->events;
    if ((t->act & (TRACK_ASSURED | TRACK_KILL | TRACK_CLOSING)) ||
        (pkt->dir == CT_DIR_REPLY && !(status & CT_SEEN_REPLY)))
        status = turn(ct, pkt, st, t->act);
    conn_write_begin(c);
    conn_store(&c->proto, st, sizeof *st);
    if (t->act & TRACK_REFRESH)
        timeouts_refresh(ct, slot, status, t->timeout,
                         expiry_class_of(status, t->act));
    if (status != c->status)
        conn_set(c->status, status);
    if (!(t->act & TRACK_IGNORE))
        core_account(ct, slot, pkt);
    conn_write_end(c);
}

/* The tracker sees the numbers of the ends, and the flow's own durations. */
static __attribute__((noinline)) void adjust(struct ct *ct, struct ct_pkt *pkt,
                                             const struct ct_conn *c,
                                             struct track *t)
{
    if (c->status & CT_SEQ_ADJUST)
        seqadj_acks(ext_find(&ct->ext, table_slot(&ct->table, c)), pkt);
    if (c->status & CT_OWN_TIMEOUTS)
        t->params = core_timeouts_params(ct, c);
}

/* Has it lost what it is hidden behind: the address, or the port? */
static inline bool is_exposed(const struct ct *ct, const struct ct_conn *c)
{
    return (__builtin_expect(ct->ifaces_at != CT_NONE, 0) &&
            gc_homeless(ct, c)) ||
           ((c->status & CT_SRC_NAT) && gc_loses_port(ct, c));
}

/* False: the flow is gone, look again. */
static inline bool track_known_flow(struct ct *ct, struct ct_pkt *pkt,
                                    struct ct_conn *c,
                                    const struct l4proto *proto)
{
    union ct_proto_state st = c->proto;
    struct track t;
    enum ct_reason why;

    if (is_exposed(ct, c)) {
        gc_destroy(ct, table_slot(&ct->table, c));
        pkt->conn = NULL;
        return false;
    }
    set_track(ct, pkt, &t);
    t.status = c->status;
    t.left_ms = c->expires - ct->now.ms;
    pkt->info = info_of(c, t.dir);
    if (__builtin_expect(c->status & (CT_SEQ_ADJUST | CT_OWN_TIMEOUTS), 0))
        adjust(ct, pkt, c, &t);
    why = proto->track(&st, &t);
    if (why != CT_REASON_NONE) {
        refuse_known(ct, pkt, c, &st, &t, why);
        return true;
    }
    if (t.act & TRACK_REOPEN) {
        gc_destroy(ct, table_slot(&ct->table, c));
        pkt->conn = NULL;
        return false;
    }
    update_flow(ct, pkt, c, &st, &t);
    pkt->mark = c->mark;
    return true;
}

/* ---- the first packet of a flow ---- */

/* why: TABLE_FULL or SOURCE_ENTRIES. */
static enum ct_verdict refuse_for_room(struct ct *ct, struct ct_pkt *pkt,
                                       enum ct_reason why)
{
    core_stat(ct, why == CT_REASON_TABLE_FULL ? CT_STAT_table_full
                                              : CT_STAT_source_share);
    if (ct->on_full == CT_FULL_UNTRACKED) {
        pkt->info = CT_UNTRACKED;
        return CT_ACCEPT;
    }
    pkt->tell = ct->on_full == CT_FULL_REJECT;
    pkt->reject = CT_REJECT_ADMIN;
    core_stat(ct, CT_STAT_drop);
    return ct_refuse(pkt, why);
}

/* Fill an entry that is in no table yet.  Its sequence count stays odd until it
 * is confirmed or discarded, so no reader looks at it. */
static void fill_entry(struct ct *ct, uint32_t slot, const struct ct_pkt *pkt,
                       const struct ct_tuple *reply,
                       const union ct_proto_state *st)
{
    struct ct_conn *c = core_conn(ct, slot);

    conn_write_begin(c);
    conn_store(&c->tuple[CT_DIR_ORIGINAL], &pkt->tuple, sizeof pkt->tuple);
    conn_store(&c->tuple[CT_DIR_REPLY], reply, sizeof *reply);
    conn_store(&c->proto, st, sizeof *st);
    ct_assert(c->status == 0);
    conn_set(c->mark, pkt->mark);
    conn_set(c->in, pkt->in);
    conn_set(c->out, (uint8_t)CT_NO_IFACE);
    conn_set(c->hidden_by, (uint8_t)CT_NO_IFACE);
    conn_set(c->list, (uint8_t)EXPIRY_NO_LIST);
    c->mapping = CT_NONE;
    c->counted = 0;
    c->stray = false;
    if (ct->acct)
        for (int d = 0; d < CT_N_DIRS; d++) {
            conn_set(ct->acct[slot].packets[d], (uint64_t)0);
            conn_set(ct->acct[slot].bytes[d], (uint64_t)0);
        }
}

/* What announced this flow, if anything did, and there is room to say so: a
 * flow that can't be told from any other is one like any other. */
static const struct expect *expectation_of(struct ct *ct,
                                           const struct ct_pkt *pkt)
{
    const struct expect *x;

    if (ct->expects.pool.used == 0)
        return NULL;
    x = expect_find(&ct->expects, &pkt->tuple, ct->now);
    if (x && !core_may_extend(ct, &pkt->tuple)) {
        core_stat(ct, CT_STAT_ext_full);
        return NULL;
    }
    return x;
}

/* The flow in slot is what x announced. */
static void adopt_expected_flow(struct ct *ct, struct ct_pkt *pkt,
                                uint32_t slot, const struct expect *x)
{
    struct ct_conn *c = core_conn(ct, slot);
    struct ext *ext = core_extend(ct, slot, EXT_MASTER);
    struct ext_master by = {
        .slot = x->master,
        .gen = x->master_gen,
        .dir = x->ask.dir,
        .translated = x->ask.translated,
        .port = x->ask.port,
    };

    conn_set(ext->master.slot, by.slot);
    conn_set(ext->master.gen, by.gen);
    conn_set(ext->master.dir, by.dir);
    conn_set(ext->master.translated, by.translated);
    conn_set(ext->master.port, by.port);
    pkt->mark = core_conn(ct, by.slot)->mark;
    conn_set(c->mark, pkt->mark);
    conn_set(c->status, c->status | CT_EXPECTED);
    pkt->info = CT_RELATED;
    expect_consume(&ct->expects, x);
    if (pkt->tuple.proto == CT_PROTO_GRE) /* the other way is this flow, too */
        expect_forget(&ct->expects, by.slot);
}

/* A rule said who listens to this flow. */
static void assign_rule_helper(struct ct *ct, struct ct_pkt *pkt, uint32_t slot)
{
    struct ct_conn *c = core_conn(ct, slot);
    struct ext *ext;

    if (ct_helper_proto(pkt->helper) != pkt->tuple.proto ||
        !(ext = core_extend(ct, slot, EXT_HELPER)))
        return;
    conn_set(ext->helper, pkt->helper);
    conn_set(c->status, c->status | CT_HELPER);
    pkt->events |= CT_EVENT_HELPER;
    ct->helped++;
}

/* To the kernel an ICMP type without a meaning is malformed;
 * one that may not begin a flow is invalid. */
static void count_refused(struct ct *ct, const struct ct_pkt *pkt)
{
    enum { LAST_TYPE = 18 }; /* address mask reply, of ICMP */
    bool unknown =
        pkt->tuple.proto == CT_PROTO_ICMP && pkt->tuple.dport >> 8 > LAST_TYPE;

    core_stat(ct, unknown ? CT_STAT_icmp_error : CT_STAT_invalid);
}

/* Where the answers to a first packet come from: an announced flow's are where
 * the other side of its master is. */
static uint16_t answer_zone(const struct ct *ct, const struct ct_pkt *pkt,
                            const struct expect *x)
{
    return x ? core_conn(ct, x->master)->tuple[!x->ask.dir].zone
             : pkt->zone_reply;
}

/* Has the packet's source all it may have?  The router itself may have all. */
static bool has_its_share(struct ct *ct, const struct ct_pkt *pkt)
{
    const struct ct_tuple *orig = &pkt->tuple;
    bool inside = core_is_inside(ct, pkt->in);

    if (share_has_entry(&ct->share, orig, inside, ct->max))
        return false;
    for (uint32_t i = 0; i < ct->ifaces.n; i++)
        if (core_has_address(&ct->ifaces.iface[i], orig->family, &orig->src))
            return false;
    return !gc_expire_some(ct) ||
           !share_has_entry(&ct->share, orig, inside, ct->max);
}

static __attribute__((noinline)) enum ct_reason
make_room(struct ct *ct, const struct ct_pkt *pkt)
{
    if (share_is_on(&ct->share) && has_its_share(ct, pkt))
        return CT_REASON_SOURCE_ENTRIES;
    if (ct->conns.used >= ct->max && !gc_make_room(ct, pkt->hash))
        return CT_REASON_TABLE_FULL;
    return CT_REASON_NONE;
}

static __attribute__((noinline)) enum ct_verdict
make(struct ct *ct, struct ct_pkt *pkt, const struct l4proto *proto)
{
    union ct_proto_state st = {.words = {0}};
    const struct expect *x = expectation_of(ct, pkt);
    struct ct_tuple reply;
    struct track t;
    enum ct_reason why;
    uint32_t slot = elsewhere_place(ct, pkt, x != NULL);

    if (slot != ct->peers.self)
        return elsewhere_pass(ct, pkt, slot);
    pkt->dir = CT_DIR_ORIGINAL;
    set_track(ct, pkt, &t);
    t.status = x ? CT_EXPECTED : 0;
    if (!protos_invert(&pkt->tuple, &reply))
        why = ct_proto_is_icmp(pkt->tuple.proto) ? CT_REASON_ICMP_TYPE
                                                 : CT_REASON_NOT_INVERTIBLE;
    else if ((why = proto->opens(&st, &t)) == CT_REASON_NONE)
        why = proto->track(&st, &t);
    if (why != CT_REASON_NONE) {
        count_refused(ct, pkt);
        return verdict_invalid(ct, pkt, why);
    }
    if (ct->conns.used >= ct->max || share_is_on(&ct->share)) {
        why = make_room(ct, pkt);
        if (why != CT_REASON_NONE)
            return refuse_for_room(ct, pkt, why);
        if (x) /* its master may have made room */
            x = expectation_of(ct, pkt);
    }
    slot = pool_get(&ct->conns);
    __atomic_store_n(&ct->stats[CT_STAT_entries], ct->conns.used,
                     __ATOMIC_RELAXED);
    core_stat(ct, CT_STAT_unconfirmed);
    reply.zone = answer_zone(ct, pkt, x);
    fill_entry(ct, slot, pkt, &reply, &st);
    core_account(ct, slot, pkt);
    if (share_is_on(&ct->share))
        share_take_entry(&ct->share, slot, &pkt->tuple,
                         core_is_inside(ct, pkt->in));
    core_attach(pkt, core_conn(ct, slot), CT_DIR_ORIGINAL);
    /* Its time begins when it is confirmed: until then this is which. */
    conn_set(pkt->conn->listed, t.timeout);
    pkt->made_conn = true;
    pkt->info = CT_NEW;
    if (x)
        adopt_expected_flow(ct, pkt, slot, x);
    if (pkt->helper)
        assign_rule_helper(ct, pkt, slot);
    return CT_ACCEPT;
}

/* UDP over IPv6 without a checksum: tunnels send it (RFC 6935), and the
 * kernel lets it pass. */
static __attribute__((noinline)) bool may_lack_sum(const struct ct *ct,
                                                   const struct ct_pkt *pkt)
{
    const struct ct_udp_header *udp = ct_udp_view(pkt->data + pkt->l4_off);

    return ct->params.v[CT_PARAM_udp6_unsummed] &&
           pkt->tuple.proto == CT_PROTO_UDP && pkt->tuple.family == CT_IPV6 &&
           ct_load16(udp->check) == 0;
}

/* A call whose ids a helper has read: look again with both. */
static bool know_call(const struct ct *ct, struct ct_pkt *pkt)
{
    if (pkt->tuple.proto != CT_PROTO_GRE ||
        !keymap_find(&ct->keymap, &pkt->tuple))
        return false;
    pkt->hash = tuple_hash(&pkt->tuple, ct->table.key);
    return true;
}

void track_zone(const struct ct *ct, struct ct_pkt *pkt)
{
    struct ct_tuple back = pkt->tuple;
    enum ct_dir dir;
    uint64_t hash;

    pkt->hash = tuple_hash(&pkt->tuple, ct->table.key);
    back.zone = pkt->zone_reply;
    if (back.zone == pkt->tuple.zone || pkt->icmp_error ||
        table_find(&ct->table, &pkt->tuple, pkt->hash, ct->now, &dir))
        return;
    hash = tuple_hash(&back, ct->table.key);
    if (table_find(&ct->table, &back, hash, ct->now, &dir) &&
        dir == CT_DIR_REPLY) {
        pkt->tuple = back;
        pkt->hash = hash;
    }
}

enum ct_verdict track_packet(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    const struct l4proto *proto;
    enum ct_reason why;

    (void)ctx;
    if (pkt->tracked) /* an error the router made: it came with its flow */
        return CT_ACCEPT;
    pkt->tracked = true;
    if (pkt->notrack || link_business(pkt)) {
        pkt->info = CT_UNTRACKED;
        return CT_ACCEPT;
    }
    why = pkt->l4_bad ? (enum ct_reason)pkt->l4_why : CT_REASON_NONE;
    if (why == CT_REASON_NONE && pkt->hook == CT_PREROUTING &&
        !pkt->csum_partial && !pkt->csum_ok &&
        ct->params.v[CT_PARAM_checksum] && !mangle_l4_checksum_ok(pkt) &&
        !may_lack_sum(ct, pkt))
        why = ct_proto_is_icmp(pkt->tuple.proto) ? CT_REASON_ICMP_CHECKSUM
                                                 : CT_REASON_L4_BAD_CHECKSUM;
    if (why == CT_REASON_NONE && pkt->icmp_error) {
        why = icmperr_relate(ct, pkt);
        if (why == CT_REASON_NONE)
            return CT_ACCEPT;
        if (pkt->elsewhere)
            return elsewhere_pass(ct, pkt, pkt->elsewhere - 1u);
    }
    if (why != CT_REASON_NONE) {
        core_stat(ct, ct_proto_is_icmp(pkt->tuple.proto) ? CT_STAT_icmp_error
                                                         : CT_STAT_invalid);
        return verdict_invalid(ct, pkt, why);
    }
    if (pkt->in == CT_NO_IFACE)
        pkt->hash = tuple_hash(&pkt->tuple, ct->table.key);
    proto = protos_find(pkt->tuple.proto);
    for (int look = 0; look < MAX_LOOKS; look++) {
        enum ct_dir dir;
        struct ct_conn *c =
            table_find(&ct->table, &pkt->tuple, pkt->hash, ct->now, &dir);

        if (!c) {
            if (look > 0 || !know_call(ct, pkt))
                break;
            continue;
        }
        core_attach(pkt, c, dir);
        if (track_known_flow(ct, pkt, c, proto))
            return CT_ACCEPT;
    }
    return make(ct, pkt, proto);
}

/* ---- what is done to a flow besides ---- */

void track_mark(struct ct_pkt *pkt)
{
    struct ct_conn *c = pkt->conn;

    if (!c || pkt->made_conn || c->mark == pkt->mark)
        return;
    if (!(c->status & CT_CONFIRMED)) { /* an answer about a first packet */
        conn_set(c->mark, pkt->mark);
        return;
    }
    conn_write_begin(c);
    conn_set(c->mark, pkt->mark);
    conn_write_end(c);
    pkt->events |= CT_EVENT_MARK;
}

void ct_set_closing(struct ct *ct, struct ct_pkt *pkt)
{
    struct ct_conn *c = pkt->conn;
    union ct_proto_state st;
    uint32_t slot;

    if (!c || c->gen != pkt->conn_gen || pkt->icmp_error ||
        pkt->tuple.proto != CT_PROTO_TCP || !(c->status & CT_CONFIRMED) ||
        c->proto.tcp.state == TCP_CLOSE)
        return;
    slot = table_slot(&ct->table, c);
    st = c->proto;
    st.tcp.state = TCP_CLOSE;
    if (ct->connlimit)
        connlimit_forget(ct->connlimit, slot, c);
    conn_write_begin(c);
    conn_store(&c->proto, &st, sizeof st);
    timeouts_refresh(ct, slot, c->status, CT_PARAM_tcp_close, EXPIRY_CLOSING);
    conn_write_end(c);
    pkt->events |= CT_EVENT_PROTOINFO;
}
