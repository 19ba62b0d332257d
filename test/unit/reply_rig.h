/* reply_rig.h - a packet that arrived, what was made of it, what was counted */
#ifndef REPLY_RIG_H
#define REPLY_RIG_H

#include <ctcore/ct.h>
#include <ctcore/wire.h>

#include "base/csum.h"
#include "core/core.h"
#include "packet.h"
#include "packet/parse.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { ROOM = 4096 };

struct buffer {
    uint8_t bytes[CT_HEADROOM + ROOM + CT_HEADROOM];
    struct ct_pkt pkt;
};

static struct buffer in, out, want;
static struct ct core; /* counts, and nothing else is asked of it */

/* What was counted since the last call, one at most: CT_N_STATS: nothing. */
static inline enum ct_stat counted(void)
{
    enum ct_stat which = CT_N_STATS;

    for (unsigned i = 0; i < CT_N_STATS; i++)
        if (core.stats[i] != 0) {
            assert_int_equal(which, CT_N_STATS);
            assert_int_equal(core.stats[i], 1);
            which = (enum ct_stat)i;
        }
    memset(core.stats, 0, sizeof core.stats);
    return which;
}

static inline void clear(struct buffer *b)
{
    memset(b->bytes, 0xee, sizeof b->bytes);
    memset(&b->pkt, 0xee, sizeof b->pkt); /* nothing may be left of this */
    b->pkt.data = b->bytes + CT_HEADROOM;
}

static inline void build(struct buffer *b, const char *spec)
{
    clear(b);
    b->pkt = (struct ct_pkt){.data = b->bytes + CT_HEADROOM};
    b->pkt.len = (uint32_t)packet_build(b->pkt.data, ROOM, spec);
    if (b->pkt.len == 0)
        fail_msg("not understood: %s", spec);
}

static inline void arrive(const char *spec)
{
    build(&in, spec);
    if (ct_parse_packet(&in.pkt) != CT_REASON_NONE)
        fail_msg("refused: %s", spec);
    in.pkt.in = 2;
    in.pkt.mark = 77;
}

static inline union ct_addr addr(const char *text)
{
    union ct_addr a = {.w64 = {0, 0}};
    int family = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

    assert_int_equal(inet_pton(family, text, &a), 1);
    return a;
}

/* Is that packet this line, and does it stay in its room? */
static inline void same(const char *what, const struct buffer *b,
                        const char *spec)
{
    char is[2048];

    build(&want, spec);
    if (b->pkt.len != want.pkt.len ||
        memcmp(b->pkt.data, want.pkt.data, want.pkt.len) != 0) {
        packet_print(is, sizeof is, b->pkt.data, b->pkt.len);
        fail_msg("%s:\n  is   %s\n  want %s", what, is, spec);
    }
    assert_ptr_equal(b->pkt.data, b->bytes + CT_HEADROOM);
    for (unsigned i = 0; i < CT_HEADROOM; i++)
        assert_int_equal(b->bytes[i], 0xee);
}

/* What is true of every packet that is made, and not of its predecessor. */
static inline void fresh(const struct ct_pkt *pkt, enum ct_kind kind)
{
    assert_int_equal(pkt->kind, kind);
    assert_int_equal(pkt->in, CT_NO_IFACE);
    assert_int_equal(pkt->out, CT_NO_IFACE);
    assert_int_equal(pkt->mark, pkt->conn ? 77 : 0); /* its flow's */
    assert_int_equal(pkt->rule, CT_NONE);
    assert_int_equal(pkt->why, CT_REASON_NONE);
    assert_false(pkt->notrack);
    assert_false(pkt->nat_known);
    assert_false(pkt->l4_bad);
    assert_int_equal(pkt->l4_off, pkt->tuple.family == CT_IPV4 ? 20 : 40);
    assert_int_equal(pkt->l4_len, pkt->len - pkt->l4_off);
}

static inline void untracked_yet(const struct ct_pkt *pkt)
{
    assert_null(pkt->conn);
    assert_false(pkt->tracked);
    assert_int_equal(pkt->info, CT_INVALID);
    assert_int_equal(pkt->dir, CT_DIR_ORIGINAL);
}

#define UDP  "10.0.0.7:4000 > 8.8.8.8:53 udp 'who' ttl 1"
#define UDP6 "[2001:db8::7]:4000 > [2a00::8]:53 udp 'who' ttl 1"

#endif
