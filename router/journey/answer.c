/* answer.c - packets that the router makes itself
 *
 * The core writes them, this file decides whether and where they go: they are
 * routed by their destination like anybody's, pass OUTPUT and POSTROUTING
 * (where conntrack gives an error the addresses that its receiver knows the
 * flow by), and are never answered themselves.  Errors and resets are limited
 * for each receiver, and for all of a side.  What becomes of them is counted as
 * orig_*, never as a drop. */
#include "journey/answer.h"

#include "journey/output.h"
#include "journey/strict.h"

static const struct {
    uint8_t type4, code4, type6, code6;
} icmp[] = {
#define E(name, type4, code4, type6, code6)                                    \
    [ANSWER_##name] = {CT_ICMP_##type4, code4, CT_ICMPV6_##type6, code6}
    E(TTL, TIME_EXCEEDED, 0, TIME_EXCEEDED, 0),
    E(NO_ROUTE, UNREACHABLE, 0, UNREACHABLE, 0),
    E(TOO_BIG, UNREACHABLE, 4, TOO_BIG, 0),
    E(NO_PORT, UNREACHABLE, 3, UNREACHABLE, 4),
    E(NO_PROTOCOL, UNREACHABLE, 2, PARAMETER, 1),
    E(ADMIN, UNREACHABLE, 13, UNREACHABLE, 1),
    E(HOST, UNREACHABLE, 1, UNREACHABLE, 3),
    E(REASSEMBLY, TIME_EXCEEDED, 1, TIME_EXCEEDED, 1),
    E(FRAG_TOO_LONG, PARAMETER, 0, PARAMETER, 0),
#undef E
};

static enum ct_stat stat_of(uint8_t kind)
{
    if (kind == CT_KIND_ECHO)
        return CT_STAT_orig_echo;
    return kind == CT_KIND_RST ? CT_STAT_orig_rst : CT_STAT_orig_error;
}

/* Interface that leads to where pkt goes, or CT_NO_IFACE. */
static uint8_t route(const struct journey *j, const struct ct_pkt *pkt)
{
    union ct_addr dst = walk_addr(pkt, true);
    uint8_t family = walk_family(pkt);

    if (local_dst(&j->local, family, &dst) != LOCAL_NO)
        return CT_NO_IFACE;
    return walk_route(j, family, &dst, pkt);
}

/* Gateway mode: is it for the host, about a packet of its own? */
static bool to_host(const struct journey *j, const struct ct_pkt *pkt)
{
    union ct_addr dst = walk_addr(pkt, true);

    return j->cfg.host &&
           local_dst(&j->local, walk_family(pkt), &dst) == LOCAL_SELF;
}

/* Behind OUTPUT: POSTROUTING and out, or INPUT and to the host. */
static bool left(struct journey *j, struct ct_pkt *pkt)
{
    if (to_host(j, pkt))
        return ct_hook(j->cfg.ct, CT_INPUT, pkt) == CT_ACCEPT &&
               output_to_host(j, pkt) == CT_REASON_NONE;
    pkt->out = route(j, pkt); /* nat may have turned it elsewhere */
    if (pkt->out == CT_NO_IFACE || output_fit(j, pkt) == OUTPUT_TOO_BIG ||
        ct_hook(j->cfg.ct, CT_POSTROUTING, pkt) != CT_ACCEPT)
        return false;
    return output_send(j, pkt) == CT_REASON_NONE;
}

static bool walk(struct journey *j, struct ct_pkt *pkt)
{
    struct ct *ct = j->cfg.ct;

    pkt->out = route(j, pkt);
    if (ct_parse(ct, pkt) != CT_REASON_NONE)
        return false;
    if (pkt->out == CT_NO_IFACE && !to_host(j, pkt))
        return false;
    if (ct_hook(ct, CT_OUTPUT, pkt) != CT_ACCEPT)
        return false;
    return left(j, pkt);
}

/* One that is held is counted when it comes back. */
static void count(struct journey *j, const struct ct_pkt *pkt, bool sent)
{
    struct ct *ct = j->cfg.ct;

    if (pkt->held)
        return;
    ct_count(ct, sent ? stat_of(pkt->kind) : CT_STAT_orig_lost, 1);
    ct_count(ct, CT_STAT_pkts_out, sent);
    ct_count(ct, CT_STAT_bytes_out, sent ? pkt->len : 0);
}

/* to: the interface of the host that is answered. */
static void originate(struct journey *j, struct ct_pkt *pkt, uint8_t to)
{
    pkt->out = to;
    count(j, pkt, walk(j, pkt));
}

void answer_resume(struct journey *j, struct ct_pkt *pkt, enum ct_verdict v)
{
    bool sent = v == CT_ACCEPT;

    if (sent && pkt->hook == CT_OUTPUT)
        sent = left(j, pkt);
    else if (sent && pkt->hook == CT_INPUT)
        sent = output_to_host(j, pkt) == CT_REASON_NONE;
    else if (sent)
        sent = output_send(j, pkt) == CT_REASON_NONE;
    count(j, pkt, sent);
}

static enum ratelimit_side side_of(const struct journey *j,
                                   const struct ct_pkt *pkt)
{
    return pkt->in >= j->local.ifaces.n || j->local.ifaces.iface[pkt->in].inside
               ? RATELIMIT_INSIDE
               : RATELIMIT_OUTSIDE;
}

/* The path's MTU is told as long as its receiver has a token of his own: a
 * connection that never learns it stands still (as in the kernel). */
static bool is_within_rate(struct journey *j, const struct ct_pkt *pkt,
                           const union ct_addr *to, bool mtu)
{
    enum ratelimit_side side = side_of(j, pkt);

    if (mtu)
        return ratelimit_take(&j->limit, to, j->now);
    if (!ratelimit_total_left(&j->limit, side, j->now) ||
        !ratelimit_take(&j->limit, to, j->now))
        return false;
    ratelimit_total_use(&j->limit, side);
    return true;
}

/* May pkt's sender get an answer?  Which addresses are a link's broadcast, the
 * core can't know.  mtu: that it was too big. */
static bool allowed(struct journey *j, const struct ct_pkt *pkt, bool mtu)
{
    union ct_addr to = walk_addr(pkt, false), dst = walk_addr(pkt, true);
    uint8_t family = walk_family(pkt);
    enum ct_stat why = CT_STAT_error_limited;

    if (local_dst(&j->local, family, &to) == LOCAL_GROUP ||
        local_dst(&j->local, family, &dst) == LOCAL_GROUP)
        why = CT_STAT_error_of_group;
    else if (is_within_rate(j, pkt, &to, mtu))
        return true;
    ct_count(j->cfg.ct, why, 1);
    return false;
}

static void blank(struct journey *j, struct ct_pkt *out)
{
    *out = (struct ct_pkt){.data = j->reply + CT_HEADROOM,
                           .in = CT_NO_IFACE,
                           .out = CT_NO_IFACE,
                           .rule = CT_NONE};
}

/* RFC 4443 section 3.4: where the next header field stands that named it. */
static uint32_t pointer_of(const struct ct_pkt *pkt)
{
    uint32_t at = offsetof(struct ct_ipv6_header, next);
    uint32_t next = sizeof(struct ct_ipv6_header);

    while (next < pkt->l4_off && next + 2 <= pkt->len) {
        uint8_t kind = pkt->data[at];
        uint8_t len = ct_extension_view(pkt->data + next)->len;
        uint32_t n = (len + 1u) * 8;

        if (kind == 44) /* fragment: no length field */
            n = 8;
        else if (kind == 51) /* authentication: in units of four */
            n = (len + 2u) * 4;
        at = next;
        next += n;
    }
    return at;
}

void answer_error(struct journey *j, const struct ct_pkt *pkt,
                  enum answer_error error, uint32_t detail)
{
    const union ct_addr *src = NULL;
    union ct_addr dst = walk_addr(pkt, true);
    uint8_t family = walk_family(pkt);
    bool v4 = family == CT_IPV4;
    struct ct_pkt out;

    /* The host would refuse one from itself: its own packets are answered as
     * by whom they were for. */
    if (pkt->in != CT_NO_IFACE &&
        local_dst(&j->local, family, &dst) != LOCAL_SELF) {
        /* As the kernel does: the address of the side it leaves by.  Where the
         * sender forged his source that is not the side he sits on, and an
         * inside address has no business there. */
        union ct_addr to = walk_addr(pkt, false);
        uint8_t by = walk_route(j, family, &to, pkt);

        src =
            local_speaker(&j->local, by == CT_NO_IFACE ? pkt->in : by, family);
        if (src == NULL) {
            ct_count(j->cfg.ct, CT_STAT_error_no_address, 1);
            return;
        }
    }
    if (error == ANSWER_NO_PROTOCOL && !v4)
        detail = pointer_of(pkt);
    blank(j, &out);
    if (!ct_reply_error(
            j->cfg.ct, pkt, v4 ? icmp[error].type4 : icmp[error].type6,
            v4 ? icmp[error].code4 : icmp[error].code6, detail, src, &out))
        return;
    if (allowed(j, pkt, error == ANSWER_TOO_BIG))
        originate(j, &out, pkt->in);
    ct_done(j->cfg.ct, &out);
}

static void send_reset(struct journey *j, struct ct_pkt *pkt, bool rejected)
{
    struct ct_pkt out;

    blank(j, &out);
    if (!ct_reply_reset(j->cfg.ct, pkt, &out))
        return;
    if (rejected)
        out.mark = pkt->mark; /* else it would wash off its flow's */
    if (allowed(j, pkt, false)) {
        originate(j, &out, pkt->in);
        if (rejected)
            ct_set_closing(j->cfg.ct, pkt);
    }
    ct_done(j->cfg.ct, &out);
}

void answer_reject(struct journey *j, struct ct_pkt *pkt)
{
    switch (pkt->reject) {
    case CT_REJECT_RST:
        if (pkt->tuple.proto == CT_PROTO_TCP)
            send_reset(j, pkt, true);
        else
            answer_error(j, pkt, ANSWER_NO_PORT, 0);
        break;
    case CT_REJECT_PORT:
        answer_error(j, pkt, ANSWER_NO_PORT, 0);
        break;
    case CT_REJECT_HOST:
        answer_error(j, pkt, ANSWER_HOST, 0);
        break;
    case CT_REJECT_NET:
        answer_error(j, pkt, ANSWER_NO_ROUTE, 0);
        break;
    default:
        answer_error(j, pkt, ANSWER_ADMIN, 0);
    }
}

void answer_local(struct journey *j, struct ct_pkt *pkt)
{
    if (strict_silent(j, pkt))
        return;
    switch (pkt->tuple.proto) {
    case CT_PROTO_TCP:
        send_reset(j, pkt, false);
        break;
    case CT_PROTO_UDP:
    case CT_PROTO_UDPLITE:
        answer_error(j, pkt, ANSWER_NO_PORT, 0);
        break;
    case CT_PROTO_ICMP:
    case CT_PROTO_ICMPV6:
        break; /* an answer or an error that fits nothing: RFC 1122: no answer
                */
    default:
        answer_error(j, pkt, ANSWER_NO_PROTOCOL, 0);
    }
}

static bool asks_echo(const struct ct_pkt *pkt)
{
    bool v4 = walk_family(pkt) == CT_IPV4;

    return pkt->tuple.proto == (v4 ? CT_PROTO_ICMP : CT_PROTO_ICMPV6) &&
           pkt->icmp_type == (v4 ? CT_ICMP_ECHO : CT_ICMPV6_ECHO);
}

bool answer_is_silent(const struct journey *j, const struct ct_pkt *pkt)
{
    return strict_silent(j, pkt) && !asks_echo(pkt);
}

bool answer_echo(struct journey *j, struct ct_pkt *pkt)
{
    uint8_t from = pkt->in;

    if (!asks_echo(pkt))
        return false;
    ct_done(j->cfg.ct, pkt); /* the request's journey is over */
    if (ct_reply_echo(j->cfg.ct, pkt))
        originate(j, pkt, from);
    return true;
}
