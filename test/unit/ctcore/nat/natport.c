/* natport.c - which port, of those that are left, a source has */
#include "corerig.h"

#include "bytes.h"

#define REMOTE "198.51.100.2:80"

enum { UDP = 17 };

static void open_shard(struct corerig *r, uint32_t shard, uint32_t n_shards)
{
    struct ct_config c = {.max = 1024, .shard = shard, .n_shards = n_shards};

    corerig_open(r, &c);
}

static void use_ports(struct corerig *r, uint16_t lo, uint16_t hi)
{
    r->rule.nat.has_ports = true;
    r->rule.nat.port_lo = lo;
    r->rule.nat.port_hi = hi;
}

/* The port that this packet left with; 0: it did not. */
static uint16_t gets(struct corerig *r, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static uint16_t gets(struct corerig *r, const char *fmt, ...)
{
    char spec[120];
    va_list ap;
    const uint8_t *l4;

    va_start(ap, fmt);
    vsnprintf(spec, sizeof spec, fmt, ap);
    va_end(ap);
    if (walk(r, LAN, WAN, spec) != CT_ACCEPT)
        return 0;
    l4 = r->pkt.data + r->pkt.l4_off;
    return bytes_get16(l4);
}

/* "random": neither the source's own port nor the one that it has already. */
static void random_keeps_no_port(void **state)
{
    struct corerig r;
    unsigned kept = 0, same = 0;
    uint16_t last = 0;

    (void)state;
    open_shard(&r, 0, 1);
    use_ports(&r, 1024, 65535);
    r.rule.nat.random = true;
    for (unsigned i = 0; i < 40; i++)
        kept += gets(&r, "10.0.1.%u:%u > " REMOTE " udp 'a'", 2 + i,
                     4000 + i) == 4000 + i;
    for (unsigned i = 0; i < 40; i++) {
        uint16_t port = gets(&r, "10.0.2.2:4000 > 198.51.100.3:%u udp 'a'", i);

        same += port == last;
        last = port;
    }
    assert_in_range(kept, 0, 1);
    assert_in_range(same, 0, 1);
    corerig_close(&r);
}

/* Both ends of a rule's range are in it. */
static void a_port_of_the_range_is_kept(void **state)
{
    static const uint16_t ports[] = {20000, 20005, 20009};
    struct corerig r;

    (void)state;
    open_shard(&r, 0, 1);
    use_ports(&r, 20000, 20009);
    for (unsigned k = 0; k < 3; k++)
        for (unsigned i = 0; i < 8; i++)
            assert_int_equal(gets(&r, "10.0.1.%u:%u > 198.51.100.%u:80 udp 'a'",
                                  2 + i, ports[k], 2 + i),
                             ports[k]);
    corerig_close(&r);
}

/* What a source has by one rule is not another's range. */
static void a_mapping_is_in_the_range_of_the_rule(void **state)
{
    struct corerig r;

    (void)state;
    open_shard(&r, 0, 1);
    use_ports(&r, 20000, 20009);
    assert_in_range(gets(&r, "10.0.1.2:7 > 198.51.100.2:80 udp 'a'"), 20000,
                    20009);
    use_ports(&r, 30000, 30009);
    assert_in_range(gets(&r, "10.0.1.2:7 > 198.51.100.3:80 udp 'a'"), 30000,
                    30009);
    use_ports(&r, 20000, 20009);
    assert_in_range(gets(&r, "10.0.1.2:7 > 198.51.100.4:80 udp 'a'"), 20000,
                    20009);
    corerig_close(&r);
}

/* Hosts whose own port is not to be had share one as late as possible, whomever
 * they talk to. */
static void unused_ports_come_first(void **state)
{
    enum { LO = 20000, N = 256 };
    bool used[N] = {false};
    struct corerig r;

    (void)state;
    open_shard(&r, 0, 1);
    use_ports(&r, LO, LO + N - 1);
    for (unsigned i = 0; i < N; i++) {
        uint16_t port =
            gets(&r, "10.0.1.%u:7 > 198.51.100.%u:80 udp 'a'", i, i);

        assert_in_range(port, LO, LO + N - 1);
        assert_false(used[port - LO]);
        used[port - LO] = true;
    }
    assert_int_not_equal(gets(&r, "10.0.2.1:7 > 198.51.101.1:80 udp 'a'"), 0);
    corerig_close(&r);
}

/* Ports of listeners are stepped over in whole words: these cost no search. */
static void unused_ports_are_found_behind_reserved_ones(void **state)
{
    static struct ct_reserved udp;
    struct corerig r;

    (void)state;
    open_shard(&r, 0, 1);
    memset(&udp, 0xff, sizeof udp);
    udp.word[300] = ~UINT64_C(6); /* ports 19201 and 19202 are open */
    ct_set_reserved(r.ct, NULL, &udp);
    assert_int_equal(gets(&r, "10.0.1.2:19201 > 198.51.100.2:80 udp 'a'"),
                     19201);
    for (unsigned i = 0; i < 8; i++) {
        assert_int_equal(
            gets(&r, "10.0.1.3:%u > 198.51.100.3:80 udp 'a'", 5000 + i), 19202);
        ct_flush(r.ct);
        assert_int_equal(gets(&r, "10.0.1.2:19201 > 198.51.100.2:80 udp 'a'"),
                         19201);
    }
    ct_set_reserved(r.ct, NULL, NULL);
    corerig_close(&r);
}

/* The same where a word is of every other port. */
static void a_shard_steps_over_reserved_ports(void **state)
{
    static struct ct_reserved udp;

    (void)state;
    for (uint32_t n = 2; n <= 8; n *= 2) {
        uint16_t open = (uint16_t)(23992 + n - 1);
        struct corerig r;

        open_shard(&r, n - 1, n);
        use_ports(&r, 20000, 24095);
        memset(&udp, 0xff, sizeof udp);
        udp.word[open >> 6] &= ~(UINT64_C(1) << (open & 63));
        ct_set_reserved(r.ct, NULL, &udp);
        assert_int_equal(gets(&r, "10.0.1.2:7 > " REMOTE " udp 'a'"), open);
        assert_int_equal(gets(&r, "10.0.1.3:7 > " REMOTE " udp 'a'"), 0);
        assert_int_equal(r.pkt.why, CT_REASON_NO_PORT);
        ct_set_reserved(r.ct, NULL, NULL);
        corerig_close(&r);
    }
}

/* Of as many ports as there are shards each has one. */
static void a_shard_has_its_one_port(void **state)
{
    enum { N = 4, LO = 20000 };

    (void)state;
    for (uint32_t shard = 0; shard < N; shard++) {
        struct corerig r;

        open_shard(&r, shard, N);
        use_ports(&r, LO, LO + N - 1);
        assert_int_equal(
            gets(&r, "10.0.1.2:%u > " REMOTE " udp 'a'", LO + (shard + 1) % N),
            LO + (shard + N - LO % N) % N);
        corerig_close(&r);
    }
}

/* Of a host's forwarded ports it has those of the rule's range, whosever slice
 * they are in. */
static void forwarded_ports_are_of_the_range(void **state)
{
    enum { N = 8, LO = 8040 };
    struct ct_steer_row row = {.addr = ip4(198, 51, 100, 1),
                               .target = ip4(10, 0, 1, 2),
                               .port_lo = 8000,
                               .port_hi = 8099,
                               .family = CT_IPV4,
                               .proto = UDP};
    struct ct_steer steer = {.rows = &row, .n = 1, .n_shards = N};

    (void)state;
    for (unsigned size = 1; size <= N; size++) {
        unsigned seen = 0;
        struct corerig r;

        open_shard(&r, 3, N);
        ct_set_steer(r.ct, &steer);
        use_ports(&r, LO, (uint16_t)(LO + size - 1));
        for (unsigned i = 0; i < size; i++) {
            uint16_t port =
                gets(&r, "10.0.1.2:%u > " REMOTE " udp 'a'", 10 + i);

            assert_in_range(port, LO, LO + size - 1);
            seen |= 1u << (port - LO);
        }
        assert_int_equal(seen, (1u << size) - 1);
        assert_int_equal(gets(&r, "10.0.1.2:99 > " REMOTE " udp 'a'"), 0);
        ct_set_steer(r.ct, NULL);
        corerig_close(&r);
    }
}

/* Of forwards that lead elsewhere, of another protocol or address, and of those
 * beside the range it has none; which one of its own comes first is chance. */
static void forwarded_ports_are_its_own(void **state)
{
    enum { N = 8 };
    struct ct_steer_row rows[] = {
        {.addr = ip4(198, 51, 100, 1),
         .target = ip4(10, 0, 1, 9),
         .port_lo = 8000,
         .port_hi = 8019,
         .family = CT_IPV4,
         .proto = UDP},
        {.addr = ip4(198, 51, 100, 1),
         .target = ip4(10, 0, 1, 2),
         .port_lo = 8020,
         .port_hi = 8059,
         .family = CT_IPV4,
         .proto = UDP},
        {.addr = ip4(198, 51, 100, 1),
         .target = ip4(10, 0, 1, 2),
         .port_lo = 9000,
         .port_hi = 9009,
         .family = CT_IPV4,
         .proto = UDP},
        {.addr = ip4(198, 51, 100, 7),
         .target = ip4(10, 0, 1, 2),
         .port_lo = 8000,
         .port_hi = 8999,
         .family = CT_IPV4,
         .proto = UDP},
    };
    struct ct_steer steer = {
        .rows = rows, .n = sizeof rows / sizeof *rows, .n_shards = N};
    unsigned first = 0, rises = 0;
    uint16_t last = 0;
    struct corerig r;

    (void)state;
    open_shard(&r, 3, N);
    ct_set_steer(r.ct, &steer);
    use_ports(&r, 8000, 8999);
    for (unsigned i = 0; i < 40; i++) {
        uint16_t port = gets(&r, "10.0.1.2:%u > " REMOTE " udp 'a'", 10 + i);

        if (port % N != 3) /* no port of this shard's slice */
            assert_in_range(port, 8020, 8059);
        first += port == 8020;
        rises += port > last;
        last = port;
    }
    assert_in_range(first, 0, 1);
    assert_in_range(rises, 8, 32);
    ct_set_steer(r.ct, NULL);
    corerig_close(&r);
}

/* A forward of all ports leaves others something where the address is the
 * router's own, and nothing where it is not. */
static void a_forward_of_all_ports(void **state)
{
    struct ct_steer_row row = {.target = ip4(10, 0, 1, 9),
                               .port_lo = 1,
                               .port_hi = 65535,
                               .family = CT_IPV4,
                               .proto = UDP};
    struct ct_ifaces ifaces = {.n = 2,
                               .iface = {{.inside = true,
                                          .n_addrs = 1,
                                          .addr = {ip4(10, 0, 1, 1)},
                                          .family = {CT_IPV4}},
                                         {.n_addrs = 1,
                                          .addr = {ip4(198, 51, 100, 1)},
                                          .family = {CT_IPV4}}}};
    struct ct_steer steer = {
        .rows = &row, .n = 1, .n_shards = 1, .ifaces = &ifaces};

    (void)state;
    for (unsigned own = 0; own < 2; own++) {
        struct ct_config c = {.max = 1024, .profile = CT_PROFILE_WEIR};
        struct corerig r;

        corerig_open(&r, &c);
        row.addr = own ? ip4(198, 51, 100, 1) : ip4(203, 0, 113, 9);
        r.rule.action = CT_ACT_SNAT;
        r.rule.nat.family = CT_IPV4;
        r.rule.nat.has_addr = true;
        r.rule.nat.lo = r.rule.nat.hi = row.addr;
        ct_set_steer(r.ct, &steer);
        assert_int_not_equal(gets(&r, "10.0.1.9:5 > " REMOTE " udp 'a'"), 0);
        if (own)
            assert_int_not_equal(gets(&r, "10.0.1.2:5 > " REMOTE " udp 'a'"),
                                 0);
        else
            assert_int_equal(gets(&r, "10.0.1.2:5 > " REMOTE " udp 'a'"), 0);
        ct_set_steer(r.ct, NULL);
        corerig_close(&r);
    }
}

/* Four addresses of IPv6, over a border of 2^8. */
static void a_pool_of_ipv6_is_used_whole(void **state)
{
    static const uint8_t prefix[14] = {0x20, 1, 0x0d, 0xb8, 0, 1};
    unsigned seen = 0;
    struct corerig r;

    (void)state;
    open_shard(&r, 0, 1);
    r.rule.action = CT_ACT_SNAT;
    r.rule.nat.family = CT_IPV6;
    r.rule.nat.has_addr = true;
    memcpy(r.rule.nat.lo.b, prefix, sizeof prefix);
    memcpy(r.rule.nat.hi.b, prefix, sizeof prefix);
    r.rule.nat.lo.b[15] = 0xfe;
    r.rule.nat.hi.b[14] = r.rule.nat.hi.b[15] = 1;
    use_ports(&r, 5000, 5000);
    for (unsigned i = 0; i < 4; i++) {
        const uint8_t *src;
        unsigned low;

        assert_int_equal(
            gets(&r, "[fd00:1::%u]:5 > [2001:db8::2]:80 udp 'a'", 2 + i), 5000);
        src = r.pkt.data + 8;
        assert_memory_equal(src, prefix, sizeof prefix);
        low = (unsigned)(bytes_get16(src + 14));
        assert_in_range(low, 0xfe, 0x101);
        seen |= 1u << (low - 0xfe);
    }
    assert_int_equal(seen, 15);
    assert_int_equal(gets(&r, "[fd00:1::9]:5 > [2001:db8::2]:80 udp 'a'"), 0);
    corerig_close(&r);
}

/* ---- shares ---- */

static void open_shares(struct corerig *r)
{
    struct ct_config c = {.max = 4096, .profile = CT_PROFILE_WEIR};

    corerig_open(r, &c);
    use_ports(r, 20000, 20799);
}

static unsigned flows_of(struct corerig *r, const char *host)
{
    enum { MANY = 500 };
    unsigned n = 0;

    for (unsigned i = 0; i < MANY; i++)
        n += gets(r, "%s:%u > " REMOTE " udp 'a'", host, 30000 + i) != 0;
    return n;
}

/* A source that keeps one address of a pool has its share of that one. */
static void a_share_is_of_what_may_be_had(void **state)
{
    static const struct {
        unsigned addrs, flows;
        bool persistent;
    } rows[] = {
        {1, 100, false}, {1, 100, true}, {4, 400, false}, {4, 100, true}};
    struct corerig r;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        open_shares(&r);
        r.rule.action = CT_ACT_SNAT;
        r.rule.nat.family = CT_IPV4;
        r.rule.nat.has_addr = true;
        r.rule.nat.persistent = rows[i].persistent;
        r.rule.nat.lo = ip4(203, 0, 113, 8);
        r.rule.nat.hi = ip4(203, 0, 113, (uint8_t)(7 + rows[i].addrs));
        assert_int_equal(flows_of(&r, "10.0.1.2"), rows[i].flows);
        assert_int_equal(r.pkt.why, CT_REASON_SOURCE_PORTS);
        corerig_close(&r);
    }
}

/* Whose address is the outside one takes nothing of others'. */
static void what_is_not_hidden_has_no_share(void **state)
{
    struct corerig r;

    (void)state;
    open_shares(&r);
    assert_int_equal(flows_of(&r, "198.51.100.1"), 500);
    corerig_close(&r);
}

/* ---- closed flows ---- */

/* From there to the remote, as it is seen there; in, out: of the first. */
static void open_and_close(struct corerig *r, uint8_t in, uint8_t out,
                           const char *from, const char *to,
                           const char *from_there, const char *to_there)
{
    static const struct {
        bool back;
        const char *what;
    } talk[] = {{false, "S seq 1000"},          {true, "S. seq 5000 ack 1001"},
                {false, ". seq 1001 ack 5001"}, {false, "F. seq 1001 ack 5001"},
                {true, "F. seq 5001 ack 1002"}, {false, ". seq 1002 ack 5002"}};
    char spec[120];

    for (size_t i = 0; i < sizeof talk / sizeof *talk; i++) {
        bool back = talk[i].back;

        snprintf(spec, sizeof spec, "%s > %s tcp %s", back ? from_there : from,
                 back ? to_there : to, talk[i].what);
        assert_int_equal(walk(r, back ? out : in, back ? in : out, spec),
                         CT_ACCEPT);
        assert_int_not_equal(r->pkt.info, CT_INVALID);
    }
}

/* Also of a range that is too large to be looked at whole, by which no search
 * for an open port comes across a closed flow (REMOTE_UNMARKED). */
static void closed_flows_give_way_in_a_large_range(void **state)
{
    enum { LO = 20000, LIVE = REMOTE_UNMARKED, N = LIVE + 100 };
    struct corerig r;

    (void)state;
    open_shard(&r, 0, 1);
    use_ports(&r, LO, LO + N - 1);
    for (unsigned i = 0; i < LIVE; i++)
        assert_int_equal(
            gets(&r, "10.0.1.2:%u > " REMOTE " tcp S seq 1", LO + i), LO + i);
    for (unsigned i = LIVE; i < N; i++) {
        char from[32], there[32];

        snprintf(from, sizeof from, "10.0.1.2:%u", LO + i);
        snprintf(there, sizeof there, "198.51.100.1:%u", LO + i);
        open_and_close(&r, LAN, WAN, from, REMOTE, REMOTE, there);
    }
    assert_in_range(gets(&r, "10.0.1.3:6 > " REMOTE " tcp S seq 2000"),
                    LO + LIVE, LO + N - 1);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), N);
    corerig_close(&r);
}

/* Only one that was hidden gives way: not the router's, nor a stranger's. */
static void closed_flows_of_others_stay(void **state)
{
    struct corerig r;

    (void)state;
    open_shard(&r, 0, 1);
    use_ports(&r, 40000, 40000);
    open_and_close(&r, LAN, WAN, "198.51.100.1:40000", REMOTE, REMOTE,
                   "198.51.100.1:40000");
    assert_int_equal(gets(&r, "10.0.1.3:6 > " REMOTE " tcp S seq 2000"), 0);
    ct_flush(r.ct);
    r.rule.match.out.of = 1u << LAN; /* hidden towards inside */
    open_and_close(&r, WAN, LAN, REMOTE, "198.51.100.1:40000",
                   "198.51.100.1:40000", "10.0.1.1:40000");
    r.rule.match.out.of = 1u << WAN;
    assert_int_equal(gets(&r, "10.0.1.3:6 > " REMOTE " tcp S seq 2000"), 0);
    corerig_close(&r);
}

/* ---- ports that are not what they seem ---- */

/* Ports of flows and of rests whose time is up are there for others before a
 * tick has come.  The first of a remote stay: those would be found at any rate
 * (REMOTE_UNMARKED). */
static void ports_of_what_is_over_are_found(void **state)
{
    enum { LO = 20000, LIVE = REMOTE_UNMARKED, N = LIVE + 100 };

    (void)state;
    for (int rests = 0; rests < 2; rests++) {
        struct ct_config c = {.max = 4096, .profile = CT_PROFILE_WEIR};
        struct corerig r;

        corerig_open_tuned(&r, &c, CT_PARAM_source_share, 0);
        use_ports(&r, LO, LO + N - 1);
        for (unsigned i = 0; i < N; i++) {
            char answer[80];

            assert_int_equal(
                gets(&r, "10.0.1.2:%u > " REMOTE " udp 'a'", LO + i), LO + i);
            snprintf(answer, sizeof answer, REMOTE " > 198.51.100.1:%u udp 'b'",
                     LO + i);
            if (rests)
                walk(&r, WAN, LAN, answer);
        }
        assert_int_equal(gets(&r, "10.0.1.3:7 > " REMOTE " udp 'a'"), 0);
        for (uint64_t ms = 20000; ms <= 160000; ms += 20000) {
            if (ms == 160000)
                assert_int_equal(gets(&r, "10.0.1.3:7 > " REMOTE " udp 'a'"),
                                 0);
            corerig_at(&r, ms);
            for (unsigned i = 0; i < LIVE; i++)
                gets(&r, "10.0.1.2:%u > " REMOTE " udp 'a'", LO + i);
            if (!rests && ms == 40000)
                break;
            if (rests && ms == 40000)
                while (ct_tick(r.ct, r.now, 64) == 0)
                    continue;
        }
        assert_in_range(gets(&r, "10.0.1.3:7 > " REMOTE " udp 'a'"), LO + LIVE,
                        LO + N - 1);
        corerig_close(&r);
    }
}

/* The router's own listener took a port of one of its addresses, and from who
 * hides behind that. */
static void a_listener_takes_only_what_is_its_own(void **state)
{
    static struct ct_reserved udp;
    struct corerig r;

    (void)state;
    udp.word[5000 >> 6] = UINT64_C(1) << (5000 & 63);
    for (int pool = 0; pool < 2; pool++) {
        const char *host = pool ? "10.0.1.2" : "198.51.100.1";

        open_shard(&r, 0, 1);
        use_ports(&r, 5000, 5000);
        if (pool) {
            r.rule.action = CT_ACT_SNAT;
            r.rule.nat.family = CT_IPV4;
            r.rule.nat.has_addr = true;
            r.rule.nat.lo = r.rule.nat.hi = ip4(203, 0, 113, 9);
        }
        assert_int_equal(gets(&r, "%s:7 > " REMOTE " udp 'a'", host), 5000);
        ct_set_taken(r.ct, NULL, &udp);
        assert_int_equal(gets(&r, "%s:7 > " REMOTE " udp 'a'", host), 5000);
        assert_int_equal(ct_stat(r.ct, CT_STAT_destroyed), 0);
        ct_set_taken(r.ct, NULL, NULL);
        corerig_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_keeps_no_port),
        cmocka_unit_test(a_port_of_the_range_is_kept),
        cmocka_unit_test(a_mapping_is_in_the_range_of_the_rule),
        cmocka_unit_test(unused_ports_come_first),
        cmocka_unit_test(unused_ports_are_found_behind_reserved_ones),
        cmocka_unit_test(a_shard_steps_over_reserved_ports),
        cmocka_unit_test(forwarded_ports_are_of_the_range),
        cmocka_unit_test(forwarded_ports_are_its_own),
        cmocka_unit_test(a_forward_of_all_ports),
        cmocka_unit_test(a_pool_of_ipv6_is_used_whole),
        cmocka_unit_test(a_share_is_of_what_may_be_had),
        cmocka_unit_test(what_is_not_hidden_has_no_share),
        cmocka_unit_test(closed_flows_give_way_in_a_large_range),
        cmocka_unit_test(closed_flows_of_others_stay),
        cmocka_unit_test(ports_of_what_is_over_are_found),
        cmocka_unit_test(a_shard_has_its_one_port),
        cmocka_unit_test(a_listener_takes_only_what_is_its_own),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
