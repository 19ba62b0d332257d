/* frag.c - datagrams that come in fragments (RFC 791, RFC 8200, RFC 4787) */
#include "bytes.h"
#include "world.h"

#include "packet.h"

#include <ctcore/wire.h>

#include <stdio.h>
#include <string.h>

#define C  "10.0.1.2"
#define S  "198.51.100.2"
#define W  "198.51.100.1"
#define C6 "[fd00:1::2]"
#define S6 "[2001:db8::2]"
#define W6 "[2001:db8::1]"

enum { LAN, WAN };

/* Send the packet of spec in pieces of `step` bytes of payload, piece order[i]
 * as the i-th; flags: DF. */
struct cut {
    uint32_t step;
    const char *order; /* "210": the last one first; '-': left out */
    bool df;
    uint32_t id;
};

static uint32_t build_piece(uint8_t *to, const uint8_t *p, uint32_t n,
                            const struct cut *c, uint32_t k)
{
    bool v4 = p[0] >> 4 == 4;
    uint32_t head = v4 ? 20 : 40, at = k * c->step, len = n - head - at;
    bool more = len > c->step;

    len = more ? c->step : len;
    memcpy(to, p, head);
    if (v4) {
        memcpy(to + 20, p + 20 + at, len);
        bytes_put16(to + 2, 20 + len);
        bytes_put16(to + 4, c->id);
        to[6] = (uint8_t)(at / 8 >> 8 | (more ? 0x20 : 0) | (c->df ? 0x40 : 0));
        to[7] = (uint8_t)(at / 8);
        bytes_put16(to + 10, 0);
        bytes_put16(to + 10, (uint16_t)~ct_inet_sum(to, 20, 0));
        return 20 + len;
    }
    memset(to + 40, 0, 8);
    memcpy(to + 48, p + 40 + at, len);
    bytes_put16(to + 4, 8 + len);
    to[40] = to[6];
    to[6] = 44;
    to[42] = (uint8_t)(at >> 8);
    to[43] = (uint8_t)(at | more);
    bytes_put16(to + 46, c->id);
    return 48 + len;
}

static void say_cut(struct world *w, uint8_t in, const char *spec,
                    const struct cut *c)
{
    uint8_t p[8192], piece[2048];
    uint32_t n = (uint32_t)packet_build(p, sizeof p, spec);

    assert_true(n > 0);
    for (const char *k = c->order; *k; k++)
        say_bytes(w, piece, build_piece(piece, p, n, c, (uint32_t)(*k - '0')),
                  in);
}

/* Linux nf_defrag_ipv4, nf_defrag_ipv6: whole before conntrack, out in the
 * sizes it came in, whatever the order. */
static void original_sizes(void **state)
{
    static const char *const orders[] = {"012", "210", "102", "201"};
    struct world *w = WORLD("");

    (void)state;
    w->full = true;
    for (unsigned i = 0; i < 4; i++) {
        struct cut c = {1000, orders[i], false, 100 + i};

        say_cut(w, LAN, C ":4000 > " S ":53 udp len 2000", &c);
        assert_non_null(strstr(w->text, "frag 0+"));
        assert_true(w->last_len == 28); /* 1020, 1020, 28 */
        w->text_len = 0;
    }
    assert_int_equal(w->sent, 12);
    assert_int_equal(count_flows(w), 1);
    assert_int_equal(stat_of(w, CT_STAT_forwarded), 4);
    assert_int_equal(stat_of(w, CT_STAT_frags_merged), 8);
    assert_int_equal(stat_of(w, CT_STAT_reassembled), 4);
    assert_int_equal(stat_of(w, CT_STAT_refragmented), 4);
    END(w);
}

static void trace_of_one(void **state)
{
    struct world *w = WORLD("");
    struct cut c = {800, "10", false, 9};

    (void)state;
    say_cut(w, LAN, C ":4000 > " S ":53 udp len 1000", &c);
    TRACE(w, "[  0] " C " > " S " proto 17: -\n"
             "[  0] " C ":4000 > " S ":53 udp: -\n"
             "      out wan " W ":4000 > " S ":53 udp\n"
             "      out wan " W " > " S " proto 17\n");
    say_cut(w, WAN, S ":53 > " W ":4000 udp len 1000", &c);
    TRACE(w, "[  0] " S " > " W " proto 17: -\n"
             "[  0] " S ":53 > " W ":4000 udp: -\n"
             "      out lan " S ":53 > " C ":4000 udp\n"
             "      out lan " S " > " C " proto 17\n");
    FLOWS(w, "udp 30 " C ":4000 > " S ":53 / " S ":53 > " W ":4000 -\n");
    END(w);
}

static void ipv6(void **state)
{
    struct world *w = WORLD("");
    struct cut c = {1232, "210", false, 9};

    (void)state;
    w->full = true;
    say_cut(w, LAN, C6 ":4000 > " S6 ":53 udp len 3000", &c);
    assert_int_equal(w->sent, 3);
    assert_int_equal(w->last_len, 48 + 3008 - 2 * 1232);
    assert_non_null(strstr(w->text, "frag 0+"));
    assert_null(strstr(w->text, "out wan " C6));
    w->text_len = 0;
    say_cut(w, WAN, S6 ":53 > " W6 ":4000 udp len 3000", &c);
    assert_int_equal(w->sent, 6);
    assert_non_null(strstr(w->text, "> fd00:1::2"));
    END(w);
}

/* RFC 6946: a fragment that is all leaves without its Fragment header. */
static void ipv6_atomic(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    say(w, C6 ":4000 > " S6 ":53 udp frag 0 'who'");
    assert_int_equal(w->sent, 1);
    assert_int_equal(w->last_len, 40 + 8 + 3);
    say(w, S6 ":53 > " W6 ":4000 udp 'me'");
    assert_int_equal(w->info, CT_ESTABLISHED);
    END(w);
}

/* The next link is smaller than the fragments were. */
static void smaller_link(void **state)
{
    struct world *w = WORLD("mtu wan 1280");
    struct cut c = {1480, "01", false, 9};

    (void)state;
    say_cut(w, LAN, C ":4000 > " S ":53 udp len 2000", &c);
    assert_int_equal(w->sent, 2); /* cut again: 1276 and the rest */
    assert_int_equal(stat_of(w, CT_STAT_forwarded), 1);
    c.df = true; /* the largest fragment has it: as one packet with DF */
    w->text_len = 0;
    say_cut(w, LAN, C ":4000 > " S ":53 udp len 2000", &c);
    assert_non_null(strstr(w->text, "icmp 3/4"));
    assert_int_equal(drops_of(w, CT_REASON_TOO_BIG), 1);
    c.step = 1000; /* fits as it was cut; as in the kernel DF is not told on */
    c.order = "012";
    w->text_len = 0;
    w->full = true;
    say_cut(w, LAN, C ":4000 > " S ":53 udp len 2000", &c);
    assert_int_equal(drops_of(w, CT_REASON_TOO_BIG), 1);
    assert_int_equal(stat_of(w, CT_STAT_forwarded), 2);
    assert_int_equal(w->last_len, 28);
    assert_true((w->last[6] & 0x40) == 0);
    c.step = 1400;
    c.order = "01";
    w->text_len = 0;
    say_cut(w, LAN, C6 ":4000 > " S6 ":53 udp len 2000", &c);
    assert_non_null(strstr(w->text, "icmp 2/0"));
    assert_int_equal(drops_of(w, CT_REASON_TOO_BIG), 2);
    END(w);
}

/* The router answers a long ping in as many pieces. */
static void the_routers_own(void **state)
{
    struct world *w = WORLD("");
    struct cut c = {1480, "102", true, 9};

    (void)state;
    say_cut(w, LAN, C " > 10.0.1.1 icmp echo id 7 len 4000", &c);
    assert_int_equal(w->sent, 3);
    assert_int_equal(stat_of(w, CT_STAT_orig_echo), 1);
    c.step = 1448;
    say_cut(w, LAN, C6 " > [fd00:1::1] icmp echo id 7 len 4000", &c);
    assert_int_equal(w->sent, 6);
    assert_int_equal(stat_of(w, CT_STAT_orig_echo), 2);
    END(w);
}

/* hostile P7: nothing of an incomplete datagram passes, and all is given back.
 * RFC 792: a router that is the receiver says so; RFC 4443 3.3: any does. */
static void what_never_becomes_whole(void **state)
{
    struct world *w = WORLD("");
    struct cut first = {1000, "0", false, 9}, last = {1000, "2", false, 10};

    (void)state;
    say_cut(w, LAN, C ":4000 > " S ":53 udp len 2000", &first);
    say_cut(w, LAN, C6 ":4000 > " S6 ":53 udp len 2000", &first);
    say_cut(w, LAN, C6 ":4000 > " S6 ":53 udp len 2000", &last);
    assert_int_equal(stat_of(w, CT_STAT_held), 3);
    w->text_len = 0;
    elapse(w, 31);
    assert_int_equal(w->sent, 0);
    assert_int_equal(stat_of(w, CT_STAT_held), 2);
    say_cut(w, WAN, S ":53 > " W ":4000 udp len 2000", &first);
    w->text_len = 0;
    elapse(w, 30);
    assert_int_equal(w->sent, 2);
    assert_non_null(strstr(w->text, "icmp 11/1"));
    assert_non_null(strstr(w->text, "icmp 3/1"));
    assert_int_equal(drops_of(w, CT_REASON_FRAG_TIMEOUT), 4);
    assert_int_equal(stat_of(w, CT_STAT_held), 0);
    assert_int_equal(stat_of(w, CT_STAT_frag_memory), 0);
    assert_int_equal(count_flows(w), 0);
    END(w);
}

/* RFC 5508 REQ-4: an error about a datagram quotes its first fragment; about a
 * later one it can't be told whose it is. */
static void errors_about_fragments(void **state)
{
    struct world *w = WORLD("");
    struct cut c = {1000, "01", false, 9};

    (void)state;
    say_cut(w, LAN, C ":4000 > " S ":53 udp len 1500", &c);
    w->text_len = 0;
    say(w, "203.0.113.9 > " W " icmp 11/0 about {" W ":4000 > " S
           ":53 udp frag 0+ len 992}");
    assert_int_equal(w->info, CT_RELATED);
    assert_non_null(strstr(w->text, "{" C ":4000 > " S ":53"));
    say(w, "203.0.113.9 > " W " icmp 11/0 about {" W " > " S
           " proto 17 frag 1000 len 508} @wan");
    assert_int_equal(w->info, CT_INVALID);
    END(w);
}

/* RFC 4787 REQ-9, REQ-14: hairpinned, and out of order. */
static void hairpin(void **state)
{
    struct world *w = WORLD("hairpin on; dnat udp " W ":53 -> 10.0.1.53:53");
    struct cut c = {1000, "210", false, 9};

    (void)state;
    say_cut(w, LAN, "10.0.1.7:4000 > " W ":53 udp len 2500", &c);
    assert_int_equal(w->sent, 3);
    assert_non_null(strstr(w->text, "out lan " W ":4000 > 10.0.1.53:53 udp"));
    w->text_len = 0;
    say_cut(w, LAN, "10.0.1.53:53 > " W ":4000 udp len 2500", &c);
    assert_int_equal(w->sent, 6);
    assert_non_null(strstr(w->text, "out lan " W ":53 > 10.0.1.7:4000 udp"));
    END(w);
}

/* A forged or senseless fragment is refused before it is kept. */
static void refused_at_once(void **state)
{
    static const struct {
        const char *spec;
        enum ct_reason why;
    } bad[] = {
        {"10.0.1.1:7 > " S ":7 udp frag 0+ len 64 @lan", CT_REASON_SPOOFED},
        {"10.0.1.255 > " S " proto 17 frag 8 len 64", CT_REASON_MARTIAN},
        {C " > " S " proto 17 frag 65528 len 64", CT_REASON_FRAG_TOO_LONG},
        {C6 " > " S6 " proto 6 frag 0+ len 16", CT_REASON_FRAG_TINY},
        {C6 ":7 > " S6 ":7 udp frag 0 frag 0", CT_REASON_BAD_EXT_CHAIN},
        {C6 ":7 > " S6 ":7 udp frag 0+ frag 0 len 64", CT_REASON_BAD_EXT_CHAIN},
    };
    struct world *w = WORLD("");

    (void)state;
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        say(w, bad[i].spec);
        if (w->dropped != i + 1 || w->why != bad[i].why)
            fail_msg("%s: %s, not %s", bad[i].spec, ct_reason_name(w->why),
                     ct_reason_name(bad[i].why));
    }
    assert_int_equal(stat_of(w, CT_STAT_held), 0);
    END(w);
}

/* RFC 8200 section 4.5: whose fragment would end past the longest datagram is
 * told so, by its own header or by that of the first; not about an ICMPv6
 * message, which might be an error. */
static void past_the_longest(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    say(w, C6 " > " S6 " proto 17 frag 65528 len 64");
    say(w, C6 " > " S6 " proto 58 frag 65528 len 64");
    TRACE(w, "[  0] fd00:1::2 > 2001:db8::2 proto 17: -\n"
             "      out lan fd00:1::1 > fd00:1::2 icmp 4/0 ptr 42 about "
             "{fd00:1::2 > 2001:db8::2 udp}\n"
             "      drop frag_too_long\n"
             "[  0] fd00:1::2 > 2001:db8::2 proto 58: -\n"
             "      drop frag_too_long\n");
    END(w);
}

/* With its memory at 0 a fragment is what it was without reassembly. */
static void switched_off(void **state)
{
    struct world *w = WORLD("tune frag_memory 0");
    struct cut c = {1000, "012", false, 9};

    (void)state;
    say_cut(w, LAN, C ":4000 > " S ":53 udp len 2000", &c);
    assert_int_equal(drops_of(w, CT_REASON_FRAGMENT), 3);
    assert_int_equal(stat_of(w, CT_STAT_held), 0);
    END(w);
}

/* Fragments come before the clock has taken away what is late: each ends some
 * such datagrams, and its own if that is one. */
static void a_late_datagram_takes_no_more(void **state)
{
    enum { LATE = CT_EXPIRE_ON_DEMAND + 2 };
    struct cut first = {1000, "0", false, 0}, rest = {1000, "1", false, 0};
    struct world *w = WORLD("");

    (void)state;
    alone(w); /* shards end theirs each */
    w->quiet = true;
    for (; first.id < LATE; first.id++)
        say_cut(w, LAN, C ":4000 > " S ":53 udp len 1500", &first);
    w->rig.now.ms += 30000;
    rest.id = first.id = LATE - 1;
    say_cut(w, LAN, C ":4000 > " S ":53 udp len 1500", &rest);
    assert_int_equal(w->sent, 0);
    assert_int_equal(drops_of(w, CT_REASON_FRAG_TIMEOUT), LATE - 1);
    say_cut(w, LAN, C ":4000 > " S ":53 udp len 1500", &first);
    assert_int_equal(w->sent, 2);
    assert_int_equal(drops_of(w, CT_REASON_FRAG_TIMEOUT), LATE);
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(original_sizes),
        STORY(trace_of_one),
        STORY(ipv6),
        STORY(ipv6_atomic),
        STORY(smaller_link),
        STORY(the_routers_own),
        STORY(what_never_becomes_whole),
        STORY(errors_about_fragments),
        STORY(hairpin),
        STORY(refused_at_once),
        STORY(past_the_longest),
        STORY(switched_off),
        STORY(a_late_datagram_takes_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
