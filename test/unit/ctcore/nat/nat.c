/* nat.c - which port a new flow gets: its own, its mapping's, a free one */
#include "corerig.h"

#include "bytes.h"

#define REMOTE "198.51.100.2:80"

static void open_small(struct corerig *r, uint32_t max)
{
    struct ct_config c = {.max = max, .acct = true};

    corerig_open(r, &c);
}

static void use_ports(struct corerig *r, uint16_t lo, uint16_t hi, bool random)
{
    r->rule.nat.has_ports = true;
    r->rule.nat.random = random;
    r->rule.nat.port_lo = lo;
    r->rule.nat.port_hi = hi;
}

static uint16_t port_of(const struct corerig *r)
{
    return bytes_get16(r->pkt.data + 20);
}

static void a_source_keeps_its_port_when_the_reply_is_free(void **state)
{
    struct corerig r;

    (void)state;
    open_small(&r, 64);
    assert_int_equal(walk(&r, LAN, WAN, "10.0.1.2:4000 > " REMOTE " udp 'a'"),
                     CT_ACCEPT);
    assert_string_equal(left_as(&r), "198.51.100.1:4000 > " REMOTE " udp");
    walk(&r, LAN, WAN, "10.0.1.3:4000 > 198.51.100.3:80 udp 'a'");
    assert_string_equal(left_as(&r), "198.51.100.1:4000 > 198.51.100.3:80 udp");
    walk(&r, LAN, WAN, "10.0.1.3:4000 > " REMOTE " udp 'a'");
    assert_int_not_equal(port_of(&r), 4000);
    assert_in_range(port_of(&r), 1024, 65535);
    corerig_close(&r);
}

/* Kernel: the newest flow of a source decides, so a clash once drifts the
 * mapping for everyone.  Here the oldest does. */
static void a_mapping_survives_a_clash_with_one_remote(void **state)
{
    struct corerig r;

    (void)state;
    open_small(&r, 64);
    walk(&r, LAN, WAN, "10.0.1.9:5000 > 198.51.100.3:80 udp 'a'");
    walk(&r, LAN, WAN, "10.0.1.2:5000 > " REMOTE " udp 'a'");
    assert_int_equal(port_of(&r), 5000);
    walk(&r, LAN, WAN, "10.0.1.2:5000 > 198.51.100.3:80 udp 'a'");
    assert_int_not_equal(port_of(&r), 5000);
    walk(&r, LAN, WAN, "10.0.1.2:5000 > 198.51.100.4:80 udp 'a'");
    assert_int_equal(port_of(&r), 5000);
    assert_int_equal(ct_stat(r.ct, CT_STAT_mappings), 3);
    corerig_close(&r);
}

static void classes_are_kept_when_the_port_is_taken(void **state)
{
    static const struct {
        uint16_t port, lo, hi;
    } rows[] = {{300, 1, 511},    {511, 1, 511},       {512, 600, 1023},
                {700, 600, 1023}, {1023, 600, 1023},   {1024, 1024, 65535},
                {0, 1, 511},      {65535, 1024, 65535}};
    struct corerig r;

    (void)state;
    open_small(&r, 64);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char spec[80];

        for (int host = 2; host < 4; host++) {
            snprintf(spec, sizeof spec, "10.0.1.%d:%u > " REMOTE " udp 'a'",
                     host, rows[i].port);
            assert_int_equal(walk(&r, LAN, WAN, spec), CT_ACCEPT);
        }
        assert_in_range(port_of(&r), rows[i].lo, rows[i].hi);
        assert_int_not_equal(port_of(&r), rows[i].port);
    }
    corerig_close(&r);
}

/* U5: four ports, many hosts: four find one, the others are told why; one that
 * ends makes room; other remotes still have all four. */
static void a_pool_runs_out_exactly_and_recovers(void **state)
{
    struct corerig r;
    uint32_t ok = 0;
    char spec[80];

    (void)state;
    open_small(&r, 2048);
    use_ports(&r, 40000, 40003, false);
    for (int i = 0; i < 1000; i++) {
        snprintf(spec, sizeof spec, "10.1.%d.%d:999 > " REMOTE " udp 'a'",
                 i / 250, i % 250 + 1);
        if (walk(&r, LAN, WAN, spec) == CT_ACCEPT)
            ok++;
        else
            assert_int_equal(r.pkt.why, CT_REASON_NO_PORT);
    }
    assert_int_equal(ok, 4);
    assert_int_equal(ct_stat(r.ct, CT_STAT_no_port), 996);
    assert_int_equal(ct_drops(r.ct, CT_REASON_NO_PORT), 996);
    assert_int_equal(ct_stat(r.ct, CT_STAT_entries), 4);
    for (int i = 0; i < 4; i++) {
        snprintf(spec, sizeof spec, "10.2.0.%d:999 > 198.51.100.3:80 udp 'a'",
                 i + 1);
        assert_int_equal(walk(&r, LAN, WAN, spec), CT_ACCEPT);
    }
    corerig_at(&r, 31000); /* the first four have expired, without a tick */
    assert_int_equal(walk(&r, LAN, WAN, "10.3.0.1:9 > " REMOTE " udp 'a'"),
                     CT_ACCEPT);
    corerig_close(&r);
}

/* R: 64,512 of 64,512: the search is exact where the kernel tries 248. */
static void the_last_free_port_is_given(void **state)
{
    struct corerig r;
    bool *seen = calloc(65536, 1);
    char spec[80];

    (void)state;
    open_small(&r, 131072);
    for (uint32_t i = 0; i < 64512; i++) {
        snprintf(spec, sizeof spec, "10.%u.%u.%u:2000 > " REMOTE " udp 'a'",
                 1 + (i >> 16), i >> 8 & 255, i & 255);
        assert_int_equal(walk(&r, LAN, WAN, spec), CT_ACCEPT);
        assert_false(seen[port_of(&r)]);
        seen[port_of(&r)] = true;
    }
    for (uint32_t p = 1024; p < 65536; p++)
        assert_true(seen[p]);
    assert_int_equal(walk(&r, LAN, WAN, "10.9.9.9:2000 > " REMOTE " udp 'a'"),
                     CT_DROP);
    /* towards another remote host every port is still free */
    assert_int_equal(
        walk(&r, LAN, WAN, "10.9.9.9:2000 > 198.51.100.3:80 udp 'a'"),
        CT_ACCEPT);
    corerig_close(&r);
    free(seen);
}

/* U4: what a host is given tells nothing of what the next will be. */
static void random_ports_cover_their_range_evenly(void **state)
{
    enum { BINS = 64, N = 40000 };
    uint32_t bin[BINS] = {0};
    struct corerig r;
    double chi = 0;
    char spec[80];

    (void)state;
    open_small(&r, 65536);
    use_ports(&r, 1024, 65535, true);
    for (uint32_t i = 0; i < N; i++) {
        snprintf(spec, sizeof spec, "10.1.%u.%u:7 > 203.0.%u.%u:80 udp 'a'",
                 i >> 8 & 255, i & 255, i >> 8, i & 255);
        assert_int_equal(walk(&r, LAN, WAN, spec), CT_ACCEPT);
        bin[(port_of(&r) - 1024u) * BINS / 64512]++;
    }
    for (int i = 0; i < BINS; i++) {
        double want = (double)N / BINS;

        chi += (bin[i] - want) * (bin[i] - want) / want;
    }
    assert_true(chi < 112); /* 63 degrees of freedom: p = 0.0001 */
    corerig_close(&r);
}

static void a_second_host_without_a_port_to_vary_is_told(void **state)
{
    struct corerig r;

    (void)state;
    open_small(&r, 64);
    assert_int_equal(walk(&r, LAN, WAN, "10.0.1.2 > 198.51.100.2 proto 50"),
                     CT_ACCEPT);
    assert_int_equal(walk(&r, LAN, WAN, "10.0.1.3 > 198.51.100.2 proto 50"),
                     CT_DROP);
    assert_int_equal(r.pkt.why, CT_REASON_NO_PORT);
    corerig_close(&r);
}

/* I6: a thousand hosts ping with one id: a thousand ids outside. */
static void query_ids_are_kept_and_then_varied(void **state)
{
    bool *seen = calloc(65536, 1);
    struct corerig r;
    char spec[80];

    (void)state;
    open_small(&r, 2048);
    for (int i = 0; i < 1000; i++) {
        uint16_t id;

        snprintf(spec, sizeof spec,
                 "10.1.%d.%d > 198.51.100.2 icmp echo id 7 len 8", i / 250,
                 i % 250 + 1);
        assert_int_equal(walk(&r, LAN, WAN, spec), CT_ACCEPT);
        id = bytes_get16(r.pkt.data + 24);
        assert_true(i || id == 7);
        assert_false(seen[id]);
        seen[id] = true;
    }
    corerig_close(&r);
    free(seen);
}

/* Seen on a live kernel: two ports, both in TIME_WAIT; only a SYN that begins
 * above the old flow's end may take one over. */
static void time_wait_gives_way_to_a_newer_sequence(void **state)
{
    struct corerig r;

    (void)state;
    open_small(&r, 64);
    use_ports(&r, 40000, 40000, false);
    walk(&r, LAN, WAN, "10.0.1.2:5 > " REMOTE " tcp S seq 1000");
    walk(&r, WAN, LAN, REMOTE " > 198.51.100.1:40000 tcp S. seq 5000 ack 1001");
    walk(&r, LAN, WAN, "10.0.1.2:5 > " REMOTE " tcp . seq 1001 ack 5001");
    walk(&r, LAN, WAN, "10.0.1.2:5 > " REMOTE " tcp F. seq 1001 ack 5001");
    walk(&r, WAN, LAN, REMOTE " > 198.51.100.1:40000 tcp F. seq 5001 ack 1002");
    walk(&r, LAN, WAN, "10.0.1.2:5 > " REMOTE " tcp . seq 1002 ack 5002");
    assert_int_equal(
        walk(&r, LAN, WAN, "10.0.1.3:6 > " REMOTE " tcp S seq 900"), CT_DROP);
    assert_int_equal(
        walk(&r, LAN, WAN, "10.0.1.3:6 > " REMOTE " tcp S seq 2000"),
        CT_ACCEPT);
    assert_int_equal(port_of(&r), 40000);
    corerig_close(&r);
}

static void a_pool_is_used_whole_before_it_is_full(void **state)
{
    struct corerig r;
    char spec[80];
    uint32_t used = 0;

    (void)state;
    open_small(&r, 64);
    r.rule.action = CT_ACT_SNAT;
    r.rule.nat.family = CT_IPV4;
    r.rule.nat.has_addr = true;
    r.rule.nat.lo = ip4(203, 0, 113, 254);
    r.rule.nat.hi = ip4(203, 0, 114, 1); /* four addresses */
    use_ports(&r, 5000, 5000, false);
    for (int i = 0; i < 5; i++) {
        snprintf(spec, sizeof spec, "10.0.1.%d:5 > " REMOTE " udp 'a'", i + 2);
        assert_int_equal(walk(&r, LAN, WAN, spec), i < 4 ? CT_ACCEPT : CT_DROP);
        if (i < 4)
            used |= 1u << (((r.pkt.data[14] & 1) << 2) + (r.pkt.data[15] & 3));
    }
    assert_int_equal(__builtin_popcount(used), 4);
    corerig_close(&r);
}

static void a_shard_gives_ports_of_its_slice_only(void **state)
{
    for (uint32_t shard = 0; shard < 3; shard++) {
        struct ct_config c = {.max = 512, .shard = shard, .n_shards = 3};
        struct corerig r;
        char spec[80];

        corerig_open(&r, &c);
        for (int i = 0; i < 300; i++) {
            snprintf(spec, sizeof spec, "10.0.1.2:%d > 198.51.100.2:%d udp 'a'",
                     3000 + i, i);
            assert_int_equal(walk(&r, LAN, WAN, spec), CT_ACCEPT);
            assert_int_equal(port_of(&r) % 3, shard);
            if ((3000u + (uint32_t)i) % 3 == shard)
                assert_int_equal(port_of(&r), 3000 + i);
        }
        corerig_close(&r);
    }
    (void)state;
}

/* With any number of shards a whole address belongs to its host: the host's
 * ports stay what they are, other hosts have none of them, and the answers find
 * the shard that asked. */
static void a_whole_address_is_its_hosts_in_any_shard(void **state)
{
    struct ct_steer_row row = {.addr = ip4(203, 0, 113, 9),
                               .target = ip4(10, 0, 1, 2),
                               .port_hi = 65535,
                               .family = CT_IPV4,
                               .proto = 17};
    struct ct_addr_range inside = {ip4(10, 0, 1, 0), ip4(10, 0, 1, 255)};
    struct ct_addr_range external = {ip4(203, 0, 113, 9), ip4(203, 0, 113, 9)};
    const uint8_t family[] = {CT_IPV4};
    char spec[80];

    (void)state;
    for (uint32_t n = 1; n <= 8; n *= 2) {
        struct ct_steer steer = {.rows = &row,
                                 .n = 1,
                                 .external = &external,
                                 .external_family = family,
                                 .n_external = 1,
                                 .inside = &inside,
                                 .inside_family = family,
                                 .n_inside = 1,
                                 .n_shards = n};
        struct ct_config c = {
            .max = 64, .n_shards = n, .profile = CT_PROFILE_WEIR};
        struct corerig r;
        struct ct_pkt probe = {.tuple = {.src = ip4(10, 0, 1, 2),
                                         .dst = ip4(198, 51, 100, 2),
                                         .sport = 1,
                                         .dport = 2,
                                         .family = CT_IPV4,
                                         .proto = 17}};

        c.shard = ct_owner(&steer, &probe);
        corerig_open(&r, &c);
        ct_set_steer(r.ct, &steer);
        r.rule.action = CT_ACT_SNAT;
        r.rule.nat = (struct ct_nat_range){.family = CT_IPV4,
                                           .has_addr = true,
                                           .lo = row.addr,
                                           .hi = row.addr};
        for (int i = 0; i < 20; i++) {
            snprintf(spec, sizeof spec, "10.0.1.2:%d > 198.51.100.2:80 udp 'a'",
                     4000 + i);
            assert_int_equal(walk(&r, LAN, WAN, spec), CT_ACCEPT);
            assert_int_equal(port_of(&r), 4000 + i);
            probe.tuple.src = ip4(198, 51, 100, 2);
            probe.tuple.dst = row.addr;
            probe.tuple.sport = 80;
            probe.tuple.dport = port_of(&r);
            assert_int_equal(ct_owner(&steer, &probe), c.shard);
        }
        assert_int_equal(
            walk(&r, LAN, WAN, "10.0.1.3:6000 > 198.51.100.2:80 udp 'a'"),
            CT_DROP);
        assert_int_equal(r.pkt.why, CT_REASON_NO_PORT);
        ct_set_steer(r.ct, NULL);
        corerig_close(&r);
    }
}

static void delete_flow(struct corerig *r, uint32_t slot)
{
    struct ct_view v;

    assert_true(ct_read(r->ct, slot, r->now, &v));
    assert_true(ct_delete(r->ct, slot, v.gen));
}

/* In a full range the port of a deleted flow is found, even if a flow towards
 * another remote host shares it. */
static void a_port_that_is_given_back_is_found(void **state)
{
    struct corerig r;

    (void)state;
    open_small(&r, 64);
    use_ports(&r, 5000, 5001, false);
    walk(&r, LAN, WAN, "10.0.1.2:5000 > " REMOTE " udp 'a'");
    assert_int_equal(port_of(&r), 5000);
    walk(&r, LAN, WAN, "10.0.1.3:4000 > " REMOTE " udp 'a'");
    assert_int_equal(port_of(&r), 5001);
    walk(&r, LAN, WAN, "10.0.1.4:5000 > 198.51.100.3:80 udp 'a'");
    assert_int_equal(port_of(&r), 5000); /* shared */
    assert_int_equal(walk(&r, LAN, WAN, "10.0.1.5:4000 > " REMOTE " udp 'a'"),
                     CT_DROP);
    assert_int_equal(r.pkt.why, CT_REASON_NO_PORT);
    delete_flow(&r, 0);
    assert_int_equal(walk(&r, LAN, WAN, "10.0.1.5:4000 > " REMOTE " udp 'a'"),
                     CT_ACCEPT);
    assert_int_equal(port_of(&r), 5000);
    corerig_close(&r);
}

/* A slot's next flow counts from its own first packet. */
static void counters_are_a_flows_own(void **state)
{
    struct ct_view v;
    struct corerig r;

    (void)state;
    open_small(&r, 16);
    for (int i = 0; i < 5; i++)
        walk(&r, LAN, WAN, "10.0.1.2:5000 > " REMOTE " udp 'abc'");
    walk(&r, WAN, LAN, REMOTE " > 198.51.100.1:5000 udp 'abc'");
    assert_true(ct_read(r.ct, 0, r.now, &v));
    assert_int_equal(v.packets[CT_DIR_ORIGINAL], 5);
    assert_int_equal(v.packets[CT_DIR_REPLY], 1);
    delete_flow(&r, 0);
    walk(&r, LAN, WAN, "10.0.1.3:5000 > " REMOTE " udp 'abc'");
    assert_true(ct_read(r.ct, 0, r.now, &v));
    assert_int_equal(v.packets[CT_DIR_ORIGINAL], 1);
    assert_int_equal(v.bytes[CT_DIR_ORIGINAL], 31);
    assert_int_equal(v.packets[CT_DIR_REPLY], 0);
    assert_int_equal(v.bytes[CT_DIR_REPLY], 0);
    corerig_close(&r);
}

/* With and without exclusive ports first: a host's port is another's towards a
 * remote of its own, or is not. */
static void exclusive_ports_come_first_where_profiles_say_so(void **state)
{
    (void)state;
    for (int p = CT_PROFILE_LINUX; p <= CT_PROFILE_RFC; p++) {
        struct ct_config c = {.max = 64, .profile = (enum ct_profile)p};
        struct corerig r;
        bool shared;

        corerig_open(&r, &c);
        walk(&r, LAN, WAN, "10.0.1.2:5000 > 198.51.100.2:80 udp 'a'");
        walk(&r, LAN, WAN, "10.0.1.3:5000 > 198.51.100.3:80 udp 'a'");
        shared = port_of(&r) == 5000;
        assert_int_equal(shared, p == CT_PROFILE_LINUX);
        corerig_close(&r);
    }
}

/* What strangers use of our address is in use. */
static void a_strangers_flow_uses_its_port(void **state)
{
    struct ct_config c = {.max = 64, .profile = CT_PROFILE_WEIR};
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    walk(&r, LAN, WAN, "10.0.1.2:4000 > 198.51.100.2:80 udp 'a'");
    walk(&r, WAN, LAN, "198.51.100.9:9 > 198.51.100.1:5000 udp 'a'");
    walk(&r, LAN, WAN, "10.0.1.3:5000 > 198.51.100.3:80 udp 'a'");
    assert_int_not_equal(port_of(&r), 5000);
    walk(&r, LAN, WAN, "10.0.1.3:5001 > 198.51.100.3:80 udp 'a'");
    assert_int_equal(port_of(&r), 5001);
    corerig_close(&r);
}

/* One address and port in a hundred zones, inside or outside, are a hundred, in
 * 16 chains. */
static void a_source_is_one_of_its_zone(void **state)
{
    struct ct_tuple orig = {.src = ip4(10, 0, 1, 2),
                            .dst = ip4(198, 51, 100, 2),
                            .sport = 5000,
                            .dport = 80,
                            .family = CT_IPV4,
                            .proto = 17};
    union ct_addr addr;
    struct corerig r;
    uint16_t port;

    (void)state;
    open_small(&r, 16);
    walk(&r, LAN, WAN, "10.0.1.2:5000 > " REMOTE " udp 'a'");
    for (orig.zone = 0; orig.zone < 100; orig.zone++) {
        uint32_t at = CT_NONE;

        assert_int_equal(mapping_next(&r.ct->nat, &orig, &at, &addr, &port),
                         orig.zone == 0);
        addr = ip4(198, 51, 100, 1);
        assert_int_equal(
            mapping_by_outside(&r.ct->nat, orig.zone, 17, &addr, 5000) != NULL,
            orig.zone == 0);
    }
    corerig_close(&r);
}

/* A source whose mappings are many (its rule says `random`) stands in a chain
 * with others, known and new.  Their packets don't walk past all of its
 * mappings, and a known one's mapping is found again. */
static void many_mappings_of_a_source_are_not_walked(void **state)
{
    enum { OTHERS = 2000, MANY = 2000 };
    struct corerig r;
    char spec[80];

    (void)state;
    open_small(&r, 8192);
    for (unsigned i = 0; i < OTHERS; i++) {
        snprintf(spec, sizeof spec, "10.1.%u.%u:4000 > " REMOTE " udp 'a'",
                 i / 250, i % 250);
        walk(&r, LAN, WAN, spec);
    }
    use_ports(&r, 20000, 60000, true);
    for (unsigned i = 0; i < MANY; i++) {
        snprintf(spec, sizeof spec, "10.0.9.9:4000 > 198.51.%u.%u:53 udp 'a'",
                 101 + i / 250, i % 250);
        walk(&r, LAN, WAN, spec);
    }
    assert_in_range(ct_stat(r.ct, CT_STAT_mappings), OTHERS + MANY * 9 / 10,
                    OTHERS + MANY);
    r.rule.nat = (struct ct_nat_range){0};
    for (unsigned i = 0; i < 2 * OTHERS; i++) {
        snprintf(spec, sizeof spec, "10.1.%u.%u:4000 > 198.51.100.3:%u udp 'a'",
                 i / 250, i % 250, i + 1);
        assert_int_equal(walk(&r, LAN, WAN, spec), CT_ACCEPT);
    }
    assert_in_range(ct_stat(r.ct, CT_STAT_mappings), 2 * OTHERS + MANY * 9 / 10,
                    2 * OTHERS + MANY);
    assert_in_range(ct_stat(r.ct, CT_STAT_work_max), 1, 250);
    corerig_close(&r);
}

/* A rest is over when its own host has the port again: it is no second use. */
static void a_rest_ends_with_its_hosts_next_flow(void **state)
{
    struct ct_config c = {.max = 64, .profile = CT_PROFILE_WEIR};
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    for (int round = 0; round < 3; round++) {
        walk(&r, LAN, WAN, "10.0.1.2:5000 > " REMOTE " udp 'a'");
        assert_int_equal(port_of(&r), 5000);
        assert_int_equal(r.ct->nat.resting.rests.used, 0);
        walk(&r, WAN, LAN, REMOTE " > 198.51.100.1:5000 udp 'a'");
        delete_flow(&r, 0);
        assert_int_equal(r.ct->nat.resting.rests.used, 1);
    }
    corerig_close(&r);
}

/* A flow whose protocol has no ports uses none: no map is made for it, and
 * nothing is counted. */
static void what_has_no_port_counts_none(void **state)
{
    struct ct_config c = {.max = 64, .profile = CT_PROFILE_WEIR};
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    walk(&r, LAN, WAN, "10.0.1.2 > 198.51.100.2 proto 50 len 20");
    assert_string_equal(left_as(&r), "198.51.100.1 > 198.51.100.2 proto 50");
    assert_int_equal(core_conn(r.ct, 0)->counted &
                         (MAPPING_IN_MAP | MAPPING_OF_REMOTE | MAPPING_MARKED),
                     0);
    walk(&r, LAN, WAN, "10.0.1.2:5000 > " REMOTE " udp 'a'");
    assert_true(core_conn(r.ct, 1)->counted & (MAPPING_IN_MAP << CT_DIR_REPLY));
    corerig_close(&r);
}

/* Maps belong to addresses that hide flows: who comes from outside, or goes
 * there as he is, makes none for his own. */
static void strangers_make_no_map(void **state)
{
    struct ct_config c = {.max = 64, .profile = CT_PROFILE_WEIR};
    struct corerig r;
    char spec[80];

    (void)state;
    corerig_open(&r, &c);
    for (uint8_t i = 1; i < 20; i++) {
        union ct_addr stranger = ip4(203, 0, 113, i);

        snprintf(spec, sizeof spec, "203.0.113.%u:5000 > 10.0.1.2:80 udp 'a'",
                 i);
        assert_int_equal(walk(&r, WAN, LAN, spec), CT_ACCEPT);
        assert_null(portmap_find(&r.ct->ports, &stranger, CT_IPV4, 17));
    }
    assert_int_equal(r.ct->ports.maps.used, 0);
    walk(&r, LAN, WAN, "10.0.1.2:5000 > " REMOTE " udp 'a'");
    assert_int_equal(r.ct->ports.maps.used, 1);
    corerig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_keeps_its_port_when_the_reply_is_free),
        cmocka_unit_test(a_mapping_survives_a_clash_with_one_remote),
        cmocka_unit_test(classes_are_kept_when_the_port_is_taken),
        cmocka_unit_test(a_pool_runs_out_exactly_and_recovers),
        cmocka_unit_test(the_last_free_port_is_given),
        cmocka_unit_test(random_ports_cover_their_range_evenly),
        cmocka_unit_test(a_second_host_without_a_port_to_vary_is_told),
        cmocka_unit_test(query_ids_are_kept_and_then_varied),
        cmocka_unit_test(time_wait_gives_way_to_a_newer_sequence),
        cmocka_unit_test(a_pool_is_used_whole_before_it_is_full),
        cmocka_unit_test(a_shard_gives_ports_of_its_slice_only),
        cmocka_unit_test(a_whole_address_is_its_hosts_in_any_shard),
        cmocka_unit_test(a_port_that_is_given_back_is_found),
        cmocka_unit_test(counters_are_a_flows_own),
        cmocka_unit_test(many_mappings_of_a_source_are_not_walked),
        cmocka_unit_test(a_rest_ends_with_its_hosts_next_flow),
        cmocka_unit_test(a_strangers_flow_uses_its_port),
        cmocka_unit_test(a_source_is_one_of_its_zone),
        cmocka_unit_test(exclusive_ports_come_first_where_profiles_say_so),
        cmocka_unit_test(what_has_no_port_counts_none),
        cmocka_unit_test(strangers_make_no_map),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
