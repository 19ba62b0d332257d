/* fuzz_packet.c - libFuzzer: bytes are packets, through the core's hooks
 *
 * Input: packets, each a length byte pair (big-endian, 0x4000 added: a partial
 * checksum; 0x8000: from outside; 0x2000: csum_ok), then so many bytes.  What
 * is behind the packet in its buffer is out of bounds for the sanitizer, since
 * each lies at the end of a heap block of its own. */
#include "bytes.h"
#include <ctcore/ct.h>

#include <stdlib.h>
#include <string.h>

enum { LAN, WAN };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ct *ct;
static struct ct_rule rules[2];
static struct ct_ruleset set;
static struct ct_rule_count counts[2];
static struct ct_number_range port80 = {80, 80};
static struct ct_ifaces ifaces;

static void set_rule(struct ct_rule *r, enum ct_hook hook, uint8_t action)
{
    r->hook = hook;
    r->stage = CT_STAGE_NAT;
    r->action = action;
}

static void set_up(void)
{
    static const uint8_t inside[4] = {10, 0, 0, 1}, outside[4] = {192, 0, 2, 1};

    set_rule(&rules[0], CT_PREROUTING, CT_ACT_DNAT);
    rules[0].match.in.of = 1u << WAN;
    rules[0].match.dport = (struct ct_number_set){&port80, 1, false};
    rules[0].nat = (struct ct_nat_range){.family = CT_IPV4, .has_addr = true};
    memcpy(rules[0].nat.lo.b, (const uint8_t[]){10, 0, 0, 2}, 4);
    rules[0].nat.hi = rules[0].nat.lo;
    set_rule(&rules[1], CT_POSTROUTING, CT_ACT_MASQUERADE);
    rules[1].match.out.of = 1u << WAN;
    set.rules = rules;
    set.n = 2;
    for (unsigned h = 0; h < CT_N_HOOKS; h++) {
        for (unsigned s = 0; s <= CT_N_STAGES; s++)
            set.start[h][s] = (h > CT_PREROUTING || s > CT_STAGE_NAT) +
                              (h > CT_POSTROUTING ||
                               (h == CT_POSTROUTING && s > CT_STAGE_NAT));
        set.policy[h] = CT_ACCEPT;
    }
    ifaces.n = 2;
    for (unsigned i = 0; i < 2; i++) {
        ifaces.iface[i].inside = i == LAN;
        ifaces.iface[i].n_addrs = 2;
        ifaces.iface[i].family[0] = CT_IPV4;
        ifaces.iface[i].family[1] = CT_IPV6;
        memcpy(ifaces.iface[i].addr[0].b, i == LAN ? inside : outside, 4);
        memcpy(ifaces.iface[i].addr[1].b,
               (const uint8_t[]){0xfd, 0, 0, (uint8_t)i}, 4);
        ifaces.iface[i].addr[1].b[15] = 1;
    }
}

static void make_core(void *block, const struct ct_config *config)
{
    ct = ct_init(block, config, (ct_time){1000});
    if (!ct)
        abort();
    ct_set_ifaces(ct, &ifaces);
    ct_set_rules(ct, &set, counts);
}

static void answer(struct ct_pkt *pkt)
{
    static uint8_t room[CT_HEADROOM + CT_REPLY_MAX + CT_HEADROOM];
    struct ct_pkt out = {.data = room + CT_HEADROOM,
                         .in = CT_NO_IFACE,
                         .out = CT_NO_IFACE,
                         .rule = CT_NONE};
    bool v4 = pkt->tuple.family == CT_IPV4;

    if (ct_reply_error(ct, pkt, v4 ? 11 : 3, 0, 0,
                       &ifaces.iface[pkt->in].addr[!v4], &out)) {
        out.out = pkt->in;
        if (out.len > CT_REPLY_MAX)
            abort();
        if (ct_hook(ct, CT_OUTPUT, &out) == CT_ACCEPT)
            ct_hook(ct, CT_POSTROUTING, &out);
        ct_done(ct, &out);
    }
}

/* True: pkt was a fragment, and is now the whole. */
static bool defrag(struct ct_pkt *pkt)
{
    static uint8_t room[CT_HEADROOM + 40 + 65536 + CT_HEADROOM];
    static uint64_t cuts[CT_CUTS];
    struct ct_pkt whole = {.data = room + CT_HEADROOM, .cuts = cuts};
    bool is_whole;

    while (ct_defrag_expired(ct, &whole)) {
        if (whole.len > CT_REPLY_MAX)
            abort();
        whole = (struct ct_pkt){.data = room + CT_HEADROOM, .cuts = cuts};
    }
    if (ct_defrag(ct, pkt, &whole, &is_whole) != CT_REASON_NONE || !is_whole)
        return false;
    if (whole.len > 40 + 65535 || whole.frag_max == 0)
        abort();
    *pkt = whole;
    return ct_parse(ct, pkt) == CT_REASON_NONE;
}

static void walk(struct ct_pkt *pkt)
{
    enum ct_reason why = ct_parse(ct, pkt);

    if (why != CT_REASON_NONE && !(why == CT_REASON_FRAGMENT && defrag(pkt))) {
        ct_done(ct, pkt);
        return;
    }
    if (pkt->l4_off > pkt->len || pkt->l4_len > pkt->len - pkt->l4_off)
        abort();
    if (ct_hook(ct, CT_PREROUTING, pkt) == CT_ACCEPT) {
        pkt->out = pkt->in == LAN ? WAN : LAN;
        if (pkt->data[0] % 7 == 0)
            answer(pkt);
        else if (ct_hook(ct, CT_FORWARD, pkt) == CT_ACCEPT)
            ct_hook(ct, CT_POSTROUTING, pkt);
    }
    ct_done(ct, pkt);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void *block;
    struct ct_config config = {.max = 32,
                               .buckets = 16,
                               .n_shards = 1,
                               .acct = true,
                               .timestamp = true,
                               .hairpin = true,
                               .fragments = true,
                               .key = {7},
                               .seed = 7};
    ct_time now = {1000};

    ct_params_default(&config.params, CT_PROFILE_LINUX);
    config.params.v[CT_PARAM_checksum] = 0; /* let it in deep */
    config.params.v[CT_PARAM_frag_memory] = 160;
    config.params.v[CT_PARAM_frag_datagrams] = 8;
    config.params.v[CT_PARAM_frag_per_source] = 3;
    if (!block) {
        set_up();
        block = aligned_alloc(64, (ct_size(&config) + 63) / 64 * 64);
    }
    make_core(block, &config);
    while (size >= 2) {
        unsigned head = bytes_get16(data);
        size_t len = head & 0x7ff;
        struct ct_pkt pkt = {0};
        uint8_t *mem;

        data += 2;
        size -= 2;
        if (len > size)
            len = size;
        mem = malloc(CT_HEADROOM + len);
        if (!mem)
            abort();
        if (len > 0)
            memcpy(mem + CT_HEADROOM, data, len);
        pkt.data = mem + CT_HEADROOM;
        pkt.len = (uint32_t)len;
        pkt.in = head & 0x8000 ? WAN : LAN;
        pkt.csum_partial = (head & 0x4000) != 0;
        pkt.csum_ok = (head & 0x2000) != 0;
        ct_begin(ct, now);
        walk(&pkt);
        free(mem);
        data += len;
        size -= len;
        now.ms += head & 0x1800 ? 700 : 1;
        ct_tick(ct, now, 8);
        if (ct_stat(ct, CT_STAT_entries) !=
            ct_stat(ct, CT_STAT_created) - ct_stat(ct, CT_STAT_destroyed))
            abort();
    }
    return 0;
}
