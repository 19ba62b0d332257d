/* journey.c - what happens to a packet between the hooks
 *
 * The core knows flows, the journey knows ways: whether a packet is for the
 * router or for a host behind it, by which interface, whether it fits there,
 * and who is told when it does not.  The whole walk stands in walk() and
 * forward() below, in the order of ip_rcv() and ip_forward():
 *
 *   parse, martians · PREROUTING · ours? -> INPUT, answer
 *                                · group? -> drop
 *                                · TTL · route · FORWARD · fits? · TTL - 1
 *                                · POSTROUTING · checked write
 *
 * Size is judged before POSTROUTING: NAT between addresses of one family does
 * not change lengths, and the error then quotes the packet as its sender knows
 * it.  TTL goes down after that, so every error quotes the TTL that arrived.
 *
 * Every packet ends in exactly one counter: forwarded, local, a drop's reason,
 * or held. */
#include "journey/journey.h"

#include "journey/answer.h"
#include "journey/ending.h"
#include "journey/host.h"
#include "journey/output.h"
#include "journey/reassemble.h"
#include "journey/strict.h"
#include "journey/walk.h"

#include <stdlib.h>
#include <string.h>

enum { CHUNK = 64 };

/* Datagrams that one turn of the clock ends. */
enum { EXPIRE_AT_ONCE = 64 };

/* virtio_net_hdr's gso_type, without its ECN bit. */
enum { GSO_TCPV4 = 1, GSO_TCPV6 = 4, GSO_UDP_L4 = 5, GSO_ECN = 0x80 };

/* For flows that are held against new rules. */
static uint8_t route_of(void *ctx, const struct ct_pkt *pkt,
                        const union ct_addr *dst)
{
    return walk_route(ctx, pkt->tuple.family, dst, pkt);
}

struct journey *journey_new(const struct journey_config *config)
{
    struct journey *j = calloc(1, sizeof *j);

    if (j == NULL)
        return NULL;
    j->cfg = *config;
    ratelimit_setup(&j->limit, config->seed, config->workers);
    j->ids = config->seed;
    ct_set_route(config->ct, route_of, j);
    return j;
}

void journey_free(struct journey *j)
{
    free(j);
}

void journey_set_fib(struct journey *j, const struct fib *fib)
{
    j->fib = fib;
}

void journey_set_ifaces(struct journey *j, const struct ct_ifaces *ifaces,
                        const struct journey_iface *more)
{
    local_setup(&j->local, ifaces);
    memcpy(j->iface, more, ifaces->n * sizeof *more);
}

/* What the offload header says must be true of the packet, since the far
 * kernel will cut and sum by it. */
static bool offload_ok(const struct ct_pkt *pkt)
{
    uint8_t proto = pkt->tuple.proto;

    if (pkt->csum_partial &&
        (pkt->l4_bad || (proto != CT_PROTO_TCP && proto != CT_PROTO_UDP)))
        return false;
    if (pkt->gso_size == 0)
        return (pkt->gso_type & ~GSO_ECN) == 0;
    if (pkt->l4_bad || !pkt->csum_partial || walk_headers(pkt) == 0)
        return false;
    switch (pkt->gso_type & ~GSO_ECN) {
    case GSO_TCPV4:
        return proto == CT_PROTO_TCP && pkt->tuple.family == CT_IPV4;
    case GSO_TCPV6:
        return proto == CT_PROTO_TCP && pkt->tuple.family == CT_IPV6;
    case GSO_UDP_L4:
        return proto == CT_PROTO_UDP;
    default:
        return false;
    }
}

/* Everything that can be said of a packet alone. */
static enum ct_reason inspect(struct journey *j, struct ct_pkt *pkt)
{
    enum ct_reason why;

    pkt->self = j->cfg.host;
    why = ct_parse(j->cfg.ct, pkt);
    if (why != CT_REASON_NONE)
        return why;
    if (!offload_ok(pkt))
        return CT_REASON_BAD_GSO;
    why = local_src(&j->local, pkt->tuple.family, &pkt->tuple.src);
    if (j->cfg.host)
        return host_inspect(j, pkt, why);
    if (why == CT_REASON_NONE && strict_source(j, pkt))
        return CT_REASON_SPOOFED;
    return why;
}

/* Its transport part arrived broken: a host discards it without a word (RFC
 * 1122 sections 3.2.2, 4.1.3.4, 4.2.2.7). */
static bool is_damaged(const struct ct_pkt *pkt)
{
    return pkt->l4_bad ||
           (pkt->info == CT_INVALID && (pkt->why == CT_REASON_L4_BAD_CHECKSUM ||
                                        pkt->why == CT_REASON_ICMP_CHECKSUM));
}

/* Behind INPUT. */
static void delivered(struct journey *j, struct ct_pkt *pkt)
{
    if (j->cfg.host) {
        host_deliver(j, pkt);
        return;
    }
    ct_count(j->cfg.ct, CT_STAT_local, 1);
    if (is_damaged(pkt) || answer_echo(j, pkt))
        return;
    if (j->cfg.local != NULL && j->cfg.local(j->cfg.ctx, pkt))
        return;
    answer_local(j, pkt);
}

static void deliver(struct journey *j, struct ct_pkt *pkt)
{
    enum ct_verdict v;

    if (j->cfg.lost != NULL && host_lost(j, pkt)) {
        ending_refuse(j, pkt, CT_REASON_LOST_FLOW);
        return;
    }
    /* Else who forges sources fills the table with what has no answer. */
    pkt->unanswered = !j->cfg.host && answer_is_silent(j, pkt);
    v = ct_hook(j->cfg.ct, CT_INPUT, pkt);
    if (v == CT_ACCEPT)
        delivered(j, pkt);
    else
        ending_stopped(j, pkt, v);
}

/* Behind FORWARD. */
static void forwarded(struct journey *j, struct ct_pkt *pkt)
{
    enum ct_verdict v;

    if (strict_inbound(j, pkt)) {
        ending_refuse(j, pkt, CT_REASON_UNSOLICITED);
        return;
    }
    if (output_fit(j, pkt) == OUTPUT_TOO_BIG) {
        answer_error(j, pkt, ANSWER_TOO_BIG, j->iface[pkt->out].mtu);
        ending_refuse(j, pkt, CT_REASON_TOO_BIG);
        return;
    }
    if (!j->cfg.host)
        ct_ttl_down(pkt);
    if ((v = ct_hook(j->cfg.ct, CT_POSTROUTING, pkt)) != CT_ACCEPT) {
        ending_stopped(j, pkt, v);
        return;
    }
    ending_forward(j, pkt);
}

static void forward(struct journey *j, struct ct_pkt *pkt,
                    const union ct_addr *dst)
{
    uint8_t family = walk_family(pkt);
    enum ct_verdict v;

    /* A host's kernel takes its hop on the way in and again on the way out. */
    if (!j->cfg.host && ct_ip_ttl(pkt->data, family == CT_IPV4) <= 1) {
        answer_error(j, pkt, ANSWER_TTL, 0);
        ending_refuse(j, pkt, CT_REASON_TTL);
        return;
    }
    pkt->out = walk_route(j, family, dst, pkt);
    if (pkt->out == CT_NO_IFACE) {
        answer_error(j, pkt, ANSWER_NO_ROUTE, 0);
        ending_refuse(j, pkt, CT_REASON_NO_ROUTE);
        return;
    }
    if ((v = ct_hook(j->cfg.ct, CT_FORWARD, pkt)) != CT_ACCEPT) {
        ending_stopped(j, pkt, v);
        return;
    }
    forwarded(j, pkt);
}

/* Behind PREROUTING: whose is it? */
static void route(struct journey *j, struct ct_pkt *pkt)
{
    union ct_addr dst = walk_addr(pkt, true);

    switch (local_dst(&j->local, walk_family(pkt), &dst)) {
    case LOCAL_SELF:
        deliver(j, pkt);
        break;
    case LOCAL_GROUP:
        ending_refuse(j, pkt, CT_REASON_NO_GROUP);
        break;
    case LOCAL_IMPOSSIBLE:
        ending_refuse(j, pkt, CT_REASON_MARTIAN);
        break;
    case LOCAL_NO:
        forward(j, pkt, &dst);
        break;
    }
}

static void walk(struct journey *j, struct ct_pkt *pkt)
{
    enum ct_verdict v;

    if (pkt->in == CT_NO_IFACE) { /* the host's own */
        host_output(j, pkt);
        return;
    }
    v = ct_hook(j->cfg.ct, CT_PREROUTING, pkt);
    if (v == CT_ACCEPT)
        route(j, pkt);
    else
        ending_stopped(j, pkt, v);
}

/* A fragment: either it waits, or here is the whole. */
static void defrag(struct journey *j, struct ct_pkt *pkt)
{
    struct ct_pkt whole;
    enum ct_reason why;

    if (!reassemble_take(j, pkt, &whole))
        return;
    why = inspect(j, &whole);
    if (why == CT_REASON_FRAGMENT) /* a Fragment header behind another one */
        why = CT_REASON_BAD_EXT_CHAIN;
    if (why != CT_REASON_NONE)
        ending_refuse(j, &whole, why);
    else if (j->cfg.steer == NULL || !j->cfg.steer(j->cfg.ctx, &whole))
        walk(j, &whole);
    ct_done(j->cfg.ct, &whole);
}

/* On to what stands behind the hook that has let it go. */
static void go_on(struct journey *j, struct ct_pkt *pkt)
{
    switch (pkt->hook) {
    case CT_PREROUTING:
        route(j, pkt);
        break;
    case CT_INPUT:
        delivered(j, pkt);
        break;
    case CT_FORWARD:
        forwarded(j, pkt);
        break;
    case CT_OUTPUT:
        host_left(j, pkt);
        break;
    default:
        ending_forward(j, pkt);
    }
}

/* Another shard's journey stopped it: the flow is here. */
static void take_over(struct journey *j, struct ct_pkt *pkt)
{
    enum ct_verdict v = ct_take_over(j->cfg.ct, pkt);

    if (v == CT_ACCEPT)
        go_on(j, pkt);
    else
        ending_stopped(j, pkt, v);
}

static void one(struct journey *j, struct ct_pkt *pkt, enum ct_reason why)
{
    if (pkt->passed)
        take_over(j, pkt);
    else if (why == CT_REASON_NONE)
        walk(j, pkt);
    else if (why == CT_REASON_FRAGMENT)
        defrag(j, pkt);
    else
        ending_refuse(j, pkt, why);
}

/* First what needs no table, with the table's lines on their way meanwhile;
 * then each packet's whole walk.  Refusals wait for their turn, so that what
 * comes out does not depend on how packets were cut into batches. */
static void chunk(struct journey *j, struct ct_pkt *pkts[], unsigned n)
{
    enum ct_reason why[CHUNK];
    uint64_t bytes = 0;
    unsigned again = 0;

    for (unsigned i = 0; i < n; i++) {
        bool counted = pkts[i]->frag_max != 0 || pkts[i]->passed;

        bytes += counted ? 0 : pkts[i]->len;
        again += counted;
        why[i] = pkts[i]->passed ? CT_REASON_NONE : inspect(j, pkts[i]);
        if (why[i] == CT_REASON_NONE)
            ct_prefetch(j->cfg.ct, pkts[i]);
    }
    ct_count(j->cfg.ct, CT_STAT_pkts_in, n - again);
    ct_count(j->cfg.ct, CT_STAT_bytes_in, bytes);
    for (unsigned i = 0; i < n; i++) {
        one(j, pkts[i], why[i]);
        ct_done(j->cfg.ct, pkts[i]);
    }
}

void journey_batch(struct journey *j, struct ct_pkt *pkts[], unsigned n,
                   ct_time now)
{
    j->now = now;
    ct_begin(j->cfg.ct, now);
    for (unsigned i = 0; i < n; i += CHUNK)
        chunk(j, pkts + i, n - i < CHUNK ? n - i : CHUNK);
}

void journey_resume(struct journey *j, struct ct_pkt *pkt,
                    enum ct_verdict verdict, ct_time now)
{
    struct ct *ct = j->cfg.ct;
    enum ct_verdict v;

    j->now = now;
    ct_begin(ct, now);
    v = ct_resume(ct, pkt, verdict);
    if (pkt->kind != CT_KIND_NONE)
        answer_resume(j, pkt, v);
    else if (v == CT_ACCEPT)
        go_on(j, pkt);
    else
        ending_stopped(j, pkt, v);
    ct_done(ct, pkt);
}

bool journey_tick(struct journey *j, ct_time now)
{
    j->now = now;
    ct_begin(j->cfg.ct, now);
    return reassemble_expire(j, EXPIRE_AT_ONCE);
}
