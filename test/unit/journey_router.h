/* journey_router.h - a router in memory: for test_journey.c and test_output.c
 *
 * Two interfaces: lan 10.0.1.1/24 and fd00:1::1/64, wan 198.51.100.1/24 and
 * 2001:db8::1/64; routes by wan; what leaves by wan over IPv4 is masqueraded.
 * close_router() checks the count of all packets. */
#ifndef JOURNEY_ROUTER_H
#define JOURNEY_ROUTER_H

#include "journey/journey.h"
#include "journey/output.h"

#include "packet.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LAN, WAN, SENT_MAX = 64, ROOM = 70000 };

/* What comes from this port is forwarded to 10.0.1.2:80. */
static const struct ct_number_range forward_from = {4242, 4242};

struct router {
    struct ct *ct;
    void *block;
    struct journey *journey;
    struct fib *fib;
    struct ct_ifaces ifaces;
    struct journey_iface more[2];
    struct ct_rule rule[3];
    struct ct_ruleset rules;
    struct ct_rule_count counts[3];
    ct_time now;
    enum ct_reason tx_answer;
    bool take_local;
    unsigned n_sent, n_dropped, n_local;
    struct {
        uint8_t *data;
        uint32_t len;
        struct ct_pkt pkt;
    } sent[SENT_MAX];
    enum ct_reason why;
};

static inline union ct_addr addr(const char *text)
{
    union ct_addr a = {.w64 = {0, 0}};

    assert_int_equal(
        inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, &a), 1);
    return a;
}

static inline enum ct_reason tx(void *ctx, struct ct_pkt *pkt)
{
    struct router *r = ctx;

    if (r->tx_answer != CT_REASON_NONE)
        return r->tx_answer;
    assert_true(r->n_sent < SENT_MAX);
    assert_true(output_ok(pkt, r->more[pkt->out].mtu));
    memset(pkt->data - 10, 0x5a, 10); /* a link header */
    r->sent[r->n_sent].data = malloc(pkt->len);
    memcpy(r->sent[r->n_sent].data, pkt->data, pkt->len);
    r->sent[r->n_sent].len = pkt->len;
    r->sent[r->n_sent++].pkt = *pkt;
    return CT_REASON_NONE;
}

static inline bool local(void *ctx, struct ct_pkt *pkt)
{
    struct router *r = ctx;

    (void)pkt;
    r->n_local++;
    return r->take_local;
}

static inline void dropped(void *ctx, const struct ct_pkt *pkt)
{
    struct router *r = ctx;

    r->n_dropped++;
    r->why = (enum ct_reason)pkt->why;
}

static inline void add_iface(struct router *r, unsigned i, const char *v4,
                             const char *v6)
{
    struct ct_iface *f = &r->ifaces.iface[i];

    f->inside = i == LAN;
    f->n_addrs = 2;
    f->family[0] = CT_IPV4;
    f->addr[0] = addr(v4);
    f->family[1] = CT_IPV6;
    f->addr[1] = addr(v6);
    f->prefix[0] = 24;
    f->prefix[1] = 64;
    r->more[i] = (struct journey_iface){.mtu = 1500, .usable = true};
    r->ifaces.n = i + 1;
}

/* One rule is masquerade; with_reject puts a filter rule into FORWARD. */
static inline void set_rules(struct router *r, bool with_reject, uint8_t reject)
{
    uint32_t n = 0;

    memset(r->rule, 0, sizeof r->rule);
    memset(&r->rules, 0, sizeof r->rules);
    r->rule[n].hook = CT_PREROUTING;
    r->rule[n].stage = CT_STAGE_NAT;
    r->rule[n].action = CT_ACT_DNAT;
    r->rule[n].match.family = CT_IPV4;
    r->rule[n].match.sport = (struct ct_number_set){.r = &forward_from, .n = 1};
    r->rule[n].nat = (struct ct_nat_range){.family = CT_IPV4,
                                           .has_addr = true,
                                           .has_ports = true,
                                           .lo = addr("10.0.1.2"),
                                           .hi = addr("10.0.1.2"),
                                           .port_lo = 80,
                                           .port_hi = 80};
    n++;
    for (unsigned h = 0; h < CT_N_HOOKS; h++) {
        r->rules.policy[h] = CT_ACCEPT;
        for (unsigned s = 0; s <= CT_N_STAGES; s++) {
            if (h == CT_FORWARD && s == CT_STAGE_FILTER + 1 && with_reject) {
                r->rule[n].hook = CT_FORWARD;
                r->rule[n].stage = CT_STAGE_FILTER;
                r->rule[n].action = CT_ACT_REJECT;
                r->rule[n++].reject = reject;
            }
            if (h == CT_POSTROUTING && s == CT_STAGE_NAT + 1) {
                r->rule[n].hook = CT_POSTROUTING;
                r->rule[n].stage = CT_STAGE_NAT;
                r->rule[n].match.family = CT_IPV4;
                r->rule[n++].action = CT_ACT_MASQUERADE;
            }
            r->rules.start[h][s] =
                h == CT_PREROUTING && s <= CT_STAGE_NAT ? 0 : n;
        }
    }
    for (uint32_t i = 0; i < n; i++)
        if (r->rule[i].hook == CT_POSTROUTING)
            r->rule[i].match.out.of = 1u << WAN;
    r->rules.rules = r->rule;
    r->rules.n = n;
    ct_set_rules(r->ct, &r->rules, r->counts);
}

static inline int open_router(void **state)
{
    struct router *r = calloc(1, sizeof *r);
    struct ct_config c = {.max = 1024, .n_shards = 1, .seed = 7};
    struct fib_route routes[] = {
        {addr("10.0.1.0"), CT_IPV4, 24, LAN, 0},
        {addr("198.51.100.0"), CT_IPV4, 24, WAN, 0},
        {addr("192.0.2.0"), CT_IPV4, 24, WAN, 0},
        {addr("fd00:1::"), CT_IPV6, 64, LAN, 0},
        {addr("2001:db8::"), CT_IPV6, 32, WAN, 0},
    };

    r->now.ms = 1000000;
    ct_params_default(&c.params, CT_PROFILE_LINUX);
    r->block = aligned_alloc(64, (ct_size(&c) + 63) & ~(size_t)63);
    r->ct = ct_init(r->block, &c, r->now);
    assert_non_null(r->ct);
    add_iface(r, LAN, "10.0.1.1", "fd00:1::1");
    add_iface(r, WAN, "198.51.100.1", "2001:db8::1");
    r->fib = fib_new(routes, sizeof routes / sizeof *routes);
    r->journey = journey_new(&(struct journey_config){.ct = r->ct,
                                                      .seed = 3,
                                                      .tx = tx,
                                                      .local = local,
                                                      .dropped = dropped,
                                                      .ctx = r});
    ct_set_ifaces(r->ct, &r->ifaces);
    set_rules(r, false, 0);
    journey_set_fib(r->journey, r->fib);
    journey_set_ifaces(r->journey, &r->ifaces, r->more);
    *state = r;
    return 0;
}

static inline void forget(struct router *r)
{
    while (r->n_sent > 0)
        free(r->sent[--r->n_sent].data);
    r->n_dropped = 0;
    r->why = CT_REASON_NONE;
}

/* The count of all packets, and goodbye. */
static inline int close_router(void **state)
{
    struct router *r = *state;
    uint64_t drops = 0;

    for (unsigned i = 1; i < CT_N_REASONS; i++)
        if (ct_reason_kind(i) == 'D')
            drops += ct_drops(r->ct, (enum ct_reason)i);
    assert_int_equal(ct_stat(r->ct, CT_STAT_pkts_in),
                     ct_stat(r->ct, CT_STAT_forwarded) +
                         ct_stat(r->ct, CT_STAT_local) + drops +
                         ct_stat(r->ct, CT_STAT_held) +
                         ct_stat(r->ct, CT_STAT_frags_merged));
    assert_int_equal(ct_stat(r->ct, CT_STAT_pkts_out),
                     ct_stat(r->ct, CT_STAT_forwarded) +
                         ct_stat(r->ct, CT_STAT_orig_echo) +
                         ct_stat(r->ct, CT_STAT_orig_rst) +
                         ct_stat(r->ct, CT_STAT_orig_error));
    forget(r);
    journey_free(r->journey);
    fib_free(r->fib);
    free(r->block);
    free(r);
    return 0;
}

struct given {
    struct ct_pkt pkt;
    uint8_t *room;
};

static inline struct given build(const char *spec, uint8_t in)
{
    struct given g = {.room = malloc(ROOM)};
    size_t n = packet_build(g.room + CT_HEADROOM, ROOM - 2 * CT_HEADROOM, spec);

    assert_true(n > 0);
    g.pkt = (struct ct_pkt){.data = g.room + CT_HEADROOM,
                            .len = (uint32_t)n,
                            .in = in,
                            .out = CT_NO_IFACE,
                            .rule = CT_NONE};
    return g;
}

static inline void walk(struct router *r, struct given *g)
{
    struct ct_pkt *p = &g->pkt;

    forget(r);
    journey_batch(r->journey, &p, 1, r->now);
    free(g->room);
}

static inline void give(struct router *r, const char *spec, uint8_t in)
{
    struct given g = build(spec, in);

    walk(r, &g);
}

/* Exactly one packet left, by out, and it reads so. */
static inline void expect(struct router *r, uint8_t out, const char *want)
{
    char text[4096];

    assert_int_equal(r->n_sent, 1);
    assert_int_equal(r->sent[0].pkt.out, out);
    packet_print(text, sizeof text, r->sent[0].data, r->sent[0].len);
    assert_string_equal(text, want);
    assert_true(packet_sums_ok(r->sent[0].data, r->sent[0].len));
}

static inline void expect_drop(struct router *r, enum ct_reason why)
{
    assert_int_equal(r->n_dropped, 1);
    assert_string_equal(ct_reason_name(r->why), ct_reason_name(why));
}

#define CASE(f) cmocka_unit_test_setup_teardown(f, open_router, close_router)

#endif
