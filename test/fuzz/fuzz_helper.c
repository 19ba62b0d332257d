/* fuzz_helper.c - libFuzzer: bytes are what is said in a flow with a helper
 *
 * Input: a byte that chooses helper, family and whether the flow is translated,
 * then packets, each a byte of flags and a length byte, and so many bytes of
 * payload:
 *   1 the server says it     4 the same numbers again: a retransmission
 *   2 a partial checksum     8 not a packet of the flow, but a new one to the
 *                              outside port that the first two bytes say
 * Numbers are in step, so that everything is read.  An untranslated flow's
 * packets end where their heap block ends; a translated flow's have the room
 * behind them that they may grow into. */
#include "base/csum.h"
#include "core/core.h"
#include "packet/mangle.h"

#include "bytes.h"

#include <stdlib.h>
#include <string.h>

enum { LAN, WAN };
enum { SERVER = 1, PARTIAL = 2, AGAIN = 4, CALL_BACK = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct ct *ct;
static struct ct_rule rules[2];
static struct ct_ruleset set;
static struct ct_rule_count counts[2];
static struct ct_ifaces ifaces;
static ct_time now;

struct side {
    uint32_t seq, ack;
    uint16_t port;
};

struct flow {
    bool v4, udp, translated;
    uint8_t addr[3][16]; /* client, server, router outside */
    struct side side[2];
    uint32_t outside; /* the client's port as the server sees it */
};

static const struct ct_addr_range hidden4 = {{{10, 0, 0, 2}}, {{10, 0, 0, 2}}};
static const struct ct_addr_range hidden6 = {{{0xfd, [15] = 2}},
                                             {{0xfd, [15] = 2}}};

static void set_up(uint8_t helper)
{
    memset(rules, 0, sizeof rules);
    rules[0].hook = CT_PREROUTING;
    rules[0].stage = CT_STAGE_RAW;
    rules[0].action = CT_ACT_HELPER;
    rules[0].helper = helper;
    rules[1].hook = CT_POSTROUTING;
    rules[1].stage = CT_STAGE_NAT;
    rules[1].action = CT_ACT_MASQUERADE;
    rules[1].match.out.of = 1u << WAN;
    rules[1].match.src = (struct ct_addr_set){
        .v4 = &hidden4, .v6 = &hidden6, .n_v4 = 1, .n_v6 = 1, .present = true};
    set = (struct ct_ruleset){.rules = rules, .n = 2};
    for (unsigned h = 0; h < CT_N_HOOKS; h++) {
        for (unsigned s = 0; s <= CT_N_STAGES; s++)
            set.start[h][s] = (h > CT_PREROUTING || s > CT_STAGE_RAW) +
                              (h == CT_POSTROUTING && s > CT_STAGE_NAT);
        set.policy[h] = CT_ACCEPT;
    }
    ifaces.n = 2;
    ifaces.iface[LAN].inside = true;
    ifaces.iface[WAN].n_addrs = 2;
    ifaces.iface[WAN].family[0] = CT_IPV4;
    ifaces.iface[WAN].family[1] = CT_IPV6;
    ifaces.iface[WAN].addr[0] = (union ct_addr){.b = {192, 0, 2, 1}};
    ifaces.iface[WAN].addr[1] = (union ct_addr){.b = {0x20, [15] = 1}};
}

static void begin(struct flow *f, uint8_t how)
{
    uint8_t helper = (uint8_t)(1 + (how & 3) % (CT_N_HELPERS - 1));

    *f = (struct flow){.v4 = !(how & 4),
                       .udp = helper == CT_HELPER_tftp,
                       .translated = how & 8};
    f->side[0].port = f->outside = 4000;
    f->side[1].port = helper == CT_HELPER_ftp    ? 21
                      : helper == CT_HELPER_tftp ? 69
                                                 : 1723;
    memcpy(f->addr[0], f->v4 ? hidden4.lo.b : hidden6.lo.b, 16);
    memcpy(f->addr[2], ifaces.iface[WAN].addr[!f->v4].b, 16);
    memcpy(f->addr[1], f->addr[2], 16);
    f->addr[1][f->v4 ? 3 : 15] = 9;
    if (!f->translated) {
        f->addr[0][f->v4 ? 3 : 15] = 3;
        memcpy(f->addr[2], f->addr[0], 16);
    }
    f->side[0].seq = 1000;
    f->side[1].seq = 5000;
}

/* Headers for n bytes that lie behind them already; answers how long. */
static uint32_t headers(uint8_t *p, const struct flow *f, int side,
                        uint8_t flags, uint32_t n)
{
    uint32_t at = f->v4 ? 20 : 40, head = f->udp ? 8 : 20;
    uint8_t proto = f->udp ? 17 : 6, *l4 = p + at;
    uint32_t width = f->v4 ? 4 : 16;

    memset(p, 0, at + head);
    if (f->v4) {
        p[0] = 0x45;
        bytes_put16(p + 2, (uint16_t)(at + head + n));
        p[6] = 0x40;
        p[8] = 64;
        p[9] = proto;
    } else {
        p[0] = 0x60;
        bytes_put16(p + 4, (uint16_t)(head + n));
        p[6] = proto;
        p[7] = 64;
    }
    memcpy(p + (f->v4 ? 12 : 8), f->addr[side ? 1 : 0], width);
    memcpy(p + (f->v4 ? 16 : 24), f->addr[side ? 2 : 1], width);
    if (f->v4)
        bytes_put16(p + 10, (uint16_t)~csum_fold(csum_add(0, p, 20)));
    bytes_put16(l4, f->side[side].port);
    bytes_put16(l4 + 2, side ? (uint16_t)f->outside : f->side[1].port);
    if (f->udp) {
        bytes_put16(l4 + 4, (uint16_t)(head + n));
    } else {
        bytes_put32(l4 + 4, f->side[side].seq);
        bytes_put32(l4 + 8, f->side[side].ack);
        l4[12] = 0x50;
        l4[13] = flags;
        bytes_put16(l4 + 14, 0xffff);
    }
    return at + head;
}

static void sum(uint8_t *p, uint32_t len, const struct flow *f, bool partial)
{
    uint32_t at = f->v4 ? 20 : 40;
    uint8_t proto = f->udp ? 17 : 6, *field = p + at + (f->udp ? 6 : 16);
    uint32_t acc = csum_pseudo(f->v4 ? CT_IPV4 : CT_IPV6, p + (f->v4 ? 12 : 8),
                               p + (f->v4 ? 16 : 24), proto, len - at);

    bytes_put16(field, 0);
    if (!partial)
        acc = 0xffffu ^ csum_fold(csum_add(acc, p + at, len - at));
    bytes_put16(field, f->udp && acc == 0 ? 0xffff : csum_fold(acc));
}

static void check(struct ct_pkt *pkt)
{
    uint32_t len = pkt->data[0] >> 4 == 4 ? bytes_get16(pkt->data + 2)
                                          : bytes_get16(pkt->data + 4) + 40u;

    if (len != pkt->len || pkt->l4_off + pkt->l4_len != pkt->len)
        abort();
    if (!pkt->csum_partial && !mangle_l4_checksum_ok(pkt))
        abort();
}

/* True: it left; then *left is its sequence number and payload's length. */
static bool walk(struct ct_pkt *pkt, uint8_t out)
{
    bool left = false;

    ct_begin(ct, now);
    if (ct_parse(ct, pkt) == CT_REASON_NONE &&
        ct_hook(ct, CT_PREROUTING, pkt) == CT_ACCEPT) {
        pkt->out = out;
        left = ct_hook(ct, CT_FORWARD, pkt) == CT_ACCEPT &&
               ct_hook(ct, CT_POSTROUTING, pkt) == CT_ACCEPT;
    }
    if (left)
        check(pkt);
    ct_done(ct, pkt);
    return left;
}

static void say(struct flow *f, int flags, uint8_t tcp, const uint8_t *text,
                uint32_t n)
{
    int side = flags & SERVER;
    uint32_t head = (f->v4 ? 20 : 40) + (f->udp ? 8 : 20);
    uint32_t behind = f->translated ? CT_HEADROOM : 0;
    uint8_t *mem = malloc(CT_HEADROOM + head + n + behind);
    struct ct_pkt pkt = {.in = side ? WAN : LAN, .rule = CT_NONE};

    if (!mem)
        abort();
    pkt.data = mem + CT_HEADROOM;
    if (n > 0)
        memcpy(pkt.data + head, text, n);
    memset(pkt.data + head + n, '1', behind);
    headers(pkt.data, f, side, tcp, n);
    pkt.len = head + n;
    pkt.csum_partial = (flags & PARTIAL) != 0;
    sum(pkt.data, pkt.len, f, pkt.csum_partial);
    if (walk(&pkt, side ? LAN : WAN)) {
        const uint8_t *l4 = pkt.data + pkt.l4_off;

        if (!side)
            f->outside = bytes_get16(l4);
        if (!f->udp) {
            uint32_t one = (tcp & CT_TCP_SYN) != 0;

            f->side[!side].ack = bytes_get32(l4 + 4) + one + pkt.l4_len - 20;
            if (!(flags & AGAIN))
                f->side[side].seq += n + one;
        }
    }
    free(mem);
}

/* The server connects to a port that the client may have announced. */
static void call_back(const struct flow *f, uint16_t port, int gre)
{
    struct flow back = *f;

    back.udp = f->udp;
    back.outside = port;
    back.side[1].port = (uint16_t)(20 + gre);
    say(&back, SERVER, CT_TCP_SYN, NULL, 0);
}

static void converse(struct flow *f, const uint8_t *data, size_t size)
{
    if (!f->udp) {
        say(f, 0, CT_TCP_SYN, NULL, 0);
        say(f, SERVER, CT_TCP_SYN | CT_TCP_ACK, NULL, 0);
        say(f, 0, CT_TCP_ACK, NULL, 0);
        say(f, 0, CT_TCP_ACK | CT_TCP_PSH, (const uint8_t *)"a\r\n", 3);
        say(f, SERVER, CT_TCP_ACK | CT_TCP_PSH, (const uint8_t *)"b\r\n", 3);
    }
    while (size >= 2) {
        int flags = data[0];
        size_t n = data[1];

        data += 2;
        size -= 2;
        if (n > size)
            n = size;
        if (!(flags & CALL_BACK))
            say(f, flags, CT_TCP_ACK | CT_TCP_PSH, data, (uint32_t)n);
        else if (n >= 2)
            call_back(f, bytes_get16(data), flags & 1);
        data += n;
        size -= n;
        now.ms += flags & 0x80 ? 20000 : 1;
        ct_tick(ct, now, 8);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void *block;
    struct ct_config config = {
        .max = 32, .buckets = 16, .n_shards = 1, .key = {7}, .seed = 7};
    struct flow f;

    if (size < 1)
        return 0;
    ct_params_default(&config.params, CT_PROFILE_LINUX);
    config.params.v[CT_PARAM_extensions] = 4;
    config.params.v[CT_PARAM_expect_max] = 3;
    if (!block)
        block = aligned_alloc(64, (ct_size(&config) + 63) / 64 * 64);
    now = (ct_time){1000};
    ct = ct_init(block, &config, now);
    if (!ct)
        abort();
    set_up((uint8_t)(1 + (data[0] & 3) % (CT_N_HELPERS - 1)));
    ct_set_ifaces(ct, &ifaces);
    ct_set_rules(ct, &set, counts);
    begin(&f, data[0]);
    converse(&f, data + 1, size - 1);
    ct_flush(ct);
    if (ct_stat(ct, CT_STAT_entries) || ct_stat(ct, CT_STAT_expectations) ||
        ct_stat(ct, CT_STAT_extensions) || ct->helped || ct->keymap.pool.used)
        abort();
    return 0;
}
