/* icmp.c - queries across the router (Linux nf_conntrack_proto_icmp.c, RFC
 * 5508) */
#include "world.h"

#include "bytes.h"

/* RFC 5508 REQ-1: a query goes out and its answer comes back. */
static void rfc5508_req1_ping(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->full = true;
    say(w, "10.0.1.2 > 198.51.100.2 icmp echo id 7 seq 1 len 8");
    say(w, "198.51.100.2 > 198.51.100.1 icmp reply id 7 seq 1 len 8");
    TRACE(w, "[  0] 10.0.1.2 > 198.51.100.2 icmp echo: NEW\n"
             "      out wan 198.51.100.1 > 198.51.100.2 icmp echo ttl 63 id 7 "
             "seq 1 len 8\n"
             "[  0] 198.51.100.2 > 198.51.100.1 icmp reply: ESTABLISHED\n"
             "      out lan 198.51.100.2 > 10.0.1.2 icmp reply ttl 63 id 7 "
             "seq 1 len 8\n");
    FLOWS(w, "icmp 30 10.0.1.2 id 7 > 198.51.100.2 / 198.51.100.2 id 7 > "
             "198.51.100.1 -\n");
    elapse(w, 30);
    TRACE(w, "[ 30] DESTROY icmp 10.0.1.2 id 7 > 198.51.100.2\n");
    END(w);
}

/* I6: many hosts ping one server with one id: each has its own outside. */
static void i6_one_id_many_hosts(void **state)
{
    struct world *w = WORLD("inside 10.0.1.1/16; max 4096");
    static bool used[65536];
    static uint16_t ids[1000];

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < 1000; i++) {
        sayf(w, "10.0.%u.%u > 198.51.100.2 icmp echo id 7 seq 1", 2 + i / 200,
             1 + i % 200);
        ids[i] = bytes_get16(w->last + 24);
        assert_false(used[ids[i]]);
        used[ids[i]] = true;
    }
    assert_int_equal(ids[0], 7);
    for (unsigned i = 0; i < 1000; i++) {
        sayf(w, "198.51.100.2 > 198.51.100.1 icmp reply id %u seq 1", ids[i]);
        assert_int_equal(w->last[18], 2 + i / 200); /* the right host */
        assert_int_equal(w->last[19], 1 + i % 200);
        assert_int_equal(bytes_get16(w->last + 24), 7);
    }
    END(w);
}

/* I6: all ids of one server are in use: the next query is refused, and the
 * same ids still serve another server. */
static void i6_ids_used_up(void **state)
{
    struct world *w = WORLD("inside 10.0.1.1/16; max 131072; buckets 131072");

    (void)state;
    alone(w);
    w->quiet = true;
    for (unsigned i = 0; i < 65536; i++)
        sayf(w, "10.0.2.1 > 198.51.100.2 icmp echo id %u", i);
    assert_int_equal(w->sent, 65536);
    say(w, "10.0.2.2 > 198.51.100.2 icmp echo id 7");
    assert_int_equal(w->why, CT_REASON_NO_PORT);
    say(w, "10.0.2.2 > 198.51.100.3 icmp echo id 7");
    assert_int_equal(w->sent, 65537);
    elapse(w, 31);
    assert_int_equal(count_flows(w), 0);
    say(w, "10.0.2.2 > 198.51.100.2 icmp echo id 7");
    assert_int_equal(w->sent, 65538);
    END(w);
}

/* Linux nf_conntrack_proto_icmp.c: an answer without a query is INVALID;
 * so are odd types. */
static void linux_only_queries_open(void **state)
{
    struct world *w = WORLD("masquerade off");
    static const struct {
        unsigned type;
        enum ct_info info;
    } v4[] = {{0, CT_INVALID},  {8, CT_NEW},      {9, CT_INVALID},
              {13, CT_NEW},     {14, CT_INVALID}, {15, CT_NEW},
              {17, CT_NEW},     {18, CT_INVALID}, {19, CT_INVALID},
              {200, CT_INVALID}},
      v6[] = {{128, CT_NEW},       {129, CT_INVALID},   {139, CT_NEW},
              {130, CT_UNTRACKED}, {131, CT_UNTRACKED}, {132, CT_UNTRACKED},
              {133, CT_UNTRACKED}, {134, CT_UNTRACKED}, {135, CT_UNTRACKED},
              {136, CT_UNTRACKED}, {143, CT_UNTRACKED}, {151, CT_UNTRACKED},
              {152, CT_UNTRACKED}, {142, CT_INVALID},   {150, CT_INVALID},
              {153, CT_INVALID},   {200, CT_INVALID}};

    (void)state;
    w->quiet = true;
    for (unsigned i = 0; i < sizeof v4 / sizeof *v4; i++) {
        sayf(w, "10.0.1.2 > 198.51.100.2 icmp %u/0 id %u len 12", v4[i].type,
             i);
        assert_int_equal(w->info, v4[i].info);
    }
    for (unsigned i = 0; i < sizeof v6 / sizeof *v6; i++) {
        sayf(w, "fd00:1::2 > 2001:db8::2 icmp %u/0 id %u len 24", v6[i].type,
             i);
        assert_int_equal(w->info, v6[i].info);
    }
    END(w);
}

/* The router answers a ping to either of its addresses, and only with what it
 * was sent (I4). */
static void rfc1122_router_answers_ping(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    w->full = true;
    say(w, "10.0.1.2 > 10.0.1.1 icmp echo id 9 seq 3 'abc'");
    TRACE(w, "[  0] 10.0.1.2 > 10.0.1.1 icmp echo: ECHO\n"
             "      out lan 10.0.1.1 > 10.0.1.2 icmp reply id 9 seq 3 len 3\n");
    say(w, "198.51.100.7 > 198.51.100.1 icmp echo id 9 seq 3");
    TRACE(w, "[  0] 198.51.100.7 > 198.51.100.1 icmp echo: ECHO\n"
             "      out wan 198.51.100.1 > 198.51.100.7 icmp reply id 9 seq "
             "3\n");
    say(w, "fd00:1::2 > fd00:1::1 icmp echo id 1 seq 1");
    TRACE(w, "[  0] fd00:1::2 > fd00:1::1 icmp echo: ECHO\n"
             "      out lan fd00:1::1 > fd00:1::2 icmp reply id 1 seq 1\n");
    assert_int_equal(stat_of(w, CT_STAT_local), 3);
    assert_int_equal(stat_of(w, CT_STAT_orig_echo), 3);
    END(w);
}

/* I7: an echo to a broadcast address of the inside. */
static void i7_smurf(void **state)
{
    struct world *w = WORLD("");

    (void)state;
    say(w, "198.51.100.7 > 10.0.1.255 icmp echo id 9 seq 3");
    TRACE(w, "[  0] 198.51.100.7 > 10.0.1.255 icmp echo: NEW\n"
             "      drop no_group\n");
    assert_int_equal(count_flows(w), 0);
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(rfc5508_req1_ping),
        STORY(i6_one_id_many_hosts),
        STORY(i6_ids_used_up),
        STORY(linux_only_queries_open),
        STORY(rfc1122_router_answers_ping),
        STORY(i7_smurf),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
