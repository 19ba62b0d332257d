/* corerig.h - a bare core for unit tests of its modules
 *
 * Two interfaces, lan (inside, 10.0.1.1) and wan (outside, 198.51.100.1), and
 * one rule: masquerade what leaves by wan.  No journey: walk() is the shortest
 * way through the hooks. */
#ifndef CORERIG_H
#define CORERIG_H

#include "core/core.h"
#include "packet.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { LAN, WAN };

struct corerig {
    struct ct *ct;
    void *block;
    ct_time now;
    struct ct_rule rule;
    struct ct_ruleset rules;
    struct ct_rule_count count[1];
    struct ct_pkt pkt; /* the last one walked */
    uint8_t bytes[2048];
};

static inline union ct_addr ip4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (union ct_addr){.b = {a, b, c, d}};
}

/* With one tunable set by hand. */
static inline void corerig_open_tuned(struct corerig *r, struct ct_config *c,
                                      enum ct_param param, uint32_t value)
{
    struct ct_ifaces ifaces = {.n = 2};

    memset(r, 0, sizeof *r);
    if (!c->n_shards)
        c->n_shards = 1;
    ct_params_default(&c->params, c->profile);
    c->params.v[param] = value;
    r->now.ms = 1000000;
    r->block = aligned_alloc(64, ct_size(c));
    r->ct = ct_init(r->block, c, r->now);
    ifaces.iface[LAN] = (struct ct_iface){.inside = true,
                                          .n_addrs = 1,
                                          .addr = {ip4(10, 0, 1, 1)},
                                          .family = {4}};
    ifaces.iface[WAN] = (struct ct_iface){
        .n_addrs = 1, .addr = {ip4(198, 51, 100, 1)}, .family = {4}};
    ct_set_ifaces(r->ct, &ifaces);
    r->rule = (struct ct_rule){
        .hook = CT_POSTROUTING,
        .stage = CT_STAGE_NAT,
        .action = CT_ACT_MASQUERADE,
        .match = {.out = {1u << WAN}},
    };
    r->rules = (struct ct_ruleset){.rules = &r->rule, .n = 1};
    for (int h = 0; h < CT_N_HOOKS; h++)
        r->rules.policy[h] = CT_ACCEPT;
    for (int s = CT_STAGE_NAT + 1; s <= CT_N_STAGES; s++)
        r->rules.start[CT_POSTROUTING][s] = 1;
    ct_set_rules(r->ct, &r->rules, r->count);
    ct_begin(r->ct, r->now);
}

static inline void corerig_open(struct corerig *r, struct ct_config *c)
{
    corerig_open_tuned(r, c, CT_PARAM_extensions, 0);
}

static inline void corerig_close(struct corerig *r)
{
    assert_int_equal(ct_stat(r->ct, CT_STAT_entries),
                     ct_stat(r->ct, CT_STAT_created) -
                         ct_stat(r->ct, CT_STAT_destroyed) +
                         ct_stat(r->ct, CT_STAT_unconfirmed));
    ct_flush(r->ct);
    assert_int_equal(ct_stat(r->ct, CT_STAT_entries), 0);
    assert_int_equal(ct_stat(r->ct, CT_STAT_mappings), 0);
    free(r->block);
}

static inline void corerig_at(struct corerig *r, uint64_t ms)
{
    r->now.ms = 1000000 + ms;
    ct_begin(r->ct, r->now);
}

/* Build and walk one packet; the answer is the last hook's. */
static inline enum ct_verdict walk(struct corerig *r, uint8_t in, uint8_t out,
                                   const char *spec)
{
    enum ct_verdict v;
    size_t n = packet_build(r->bytes + CT_HEADROOM,
                            sizeof r->bytes - 2 * CT_HEADROOM, spec);

    assert_true(n > 0);
    memset(&r->pkt, 0, sizeof r->pkt);
    r->pkt.data = r->bytes + CT_HEADROOM;
    r->pkt.len = (uint32_t)n;
    r->pkt.in = in;
    r->pkt.out = CT_NO_IFACE;
    assert_int_equal(ct_parse(r->ct, &r->pkt), CT_REASON_NONE);
    v = ct_hook(r->ct, CT_PREROUTING, &r->pkt);
    r->pkt.out = out;
    if (v == CT_ACCEPT)
        v = ct_hook(r->ct, CT_FORWARD, &r->pkt);
    if (v == CT_ACCEPT)
        v = ct_hook(r->ct, CT_POSTROUTING, &r->pkt);
    ct_done(r->ct, &r->pkt);
    return v;
}

/* "src:port > dst:port proto" of the last packet as it left. */
static inline const char *left_as(struct corerig *r)
{
    static char text[128];

    packet_print_brief(text, sizeof text, r->pkt.data, r->pkt.len);
    return text;
}

#endif
