/* steer.c - flows that only pass, and what makes another steering table */
#include "shard_rig.h"

#include "packet/shard.h"

static union ct_addr far_host(unsigned i)
{
    union ct_addr a = addr("93.0.0.2");

    a.b[1] = (uint8_t)(i >> 4);
    a.b[2] = (uint8_t)(i * 37);
    return a;
}

static union ct_addr near_host(unsigned i)
{
    union ct_addr a = addr("10.0.0.9");

    a.b[2] = (uint8_t)i;
    a.b[3] = (uint8_t)(i * 37 | 2);
    return a;
}

static uint32_t owner_of_tuple(const struct ct_tuple *t)
{
    struct ct_pkt pkt = {.tuple = *t, .in = CT_NO_IFACE};

    return ct_owner(&steer, &pkt);
}

/* Neither side decides, or both do: one of them is chosen, the same one both
 * ways, and flows spread over all shards. */
static void both_sides_alike_spread(void **state)
{
    static const uint8_t protos[] = {CT_PROTO_TCP, GRE};

    (void)state;
    steer.n_shards = 8;
    for (unsigned k = 0; k < 4; k++) {
        unsigned n[8] = {0};

        for (unsigned i = 0; i < 4000; i++) {
            bool near = k & 1;
            struct ct_tuple t = {.src = near ? near_host(i) : far_host(i),
                                 .dst = near ? near_host(i + 7919)
                                             : far_host(i + 7919),
                                 .sport = (uint16_t)(5000 + i),
                                 .dport = 80,
                                 .family = CT_IPV4,
                                 .proto = protos[k / 2]};
            struct ct_tuple back = {.src = t.dst,
                                    .dst = t.src,
                                    .sport = t.dport,
                                    .dport = t.sport,
                                    .family = t.family,
                                    .proto = t.proto};

            if (!ct_proto_has_ports(t.proto))
                t.sport = t.dport = back.sport = back.dport = 0;
            assert_int_equal(owner_of_tuple(&t), owner_of_tuple(&back));
            n[owner_of_tuple(&t)]++;
        }
        /* hosts inside without ports go by one row for all */
        for (unsigned i = 0; i < 8 && !(k == 3); i++)
            assert_in_range(n[i], 200, 1200);
    }
}

/* A table that says the same need not be put in again.  Each thing it says, and
 * nothing behind what it says. */
static void what_makes_another_table(void **state)
{
    struct ct_steer other = steer;
    struct ct_ifaces same = ifaces;

    (void)state;
    other.ifaces = &same;
    assert_true(ct_steer_same(&steer, &other));
    same.iface[0].addr[same.iface[0].n_addrs] = addr("10.9.9.9");
    same.iface[same.n].n_addrs = 1;
    assert_true(ct_steer_same(&steer, &other));
    for (uint32_t i = 0; i < same.n; i++)
        for (uint32_t a = 0; a < same.iface[i].n_addrs; a++) {
            same.iface[i].addr[a].b[3] ^= 1;
            assert_false(ct_steer_same(&steer, &other));
            same.iface[i].addr[a].b[3] ^= 1;
            same.iface[i].family[a] ^= 2;
            assert_false(ct_steer_same(&steer, &other));
            same.iface[i].family[a] ^= 2;
        }
    same.iface[1].n_addrs--;
    assert_false(ct_steer_same(&steer, &other));
    same.iface[1].n_addrs++;
    same.n--;
    assert_false(ct_steer_same(&steer, &other));
    same.n++;
    other.ifaces = NULL;
    assert_false(ct_steer_same(&steer, &other));
    assert_false(ct_steer_same(&other, &steer));
    assert_true(ct_steer_same(&other, &other));
}

static void each_part_makes_another_table(void **state)
{
    struct ct_steer_row row[8];
    struct ct_addr_range range[4];
    uint8_t family[4];

    (void)state;
#define DIFFERS(change)                                                        \
    do {                                                                       \
        struct ct_steer o = steer;                                             \
                                                                               \
        memcpy(row, rows, sizeof row);                                         \
        memcpy(range, inside, sizeof range);                                   \
        memcpy(family, inside_family, sizeof family);                          \
        o.rows = row;                                                          \
        o.inside = range;                                                      \
        o.inside_family = family;                                              \
        assert_true(ct_steer_same(&steer, &o));                                \
        change;                                                                \
        assert_false(ct_steer_same(&steer, &o));                               \
        assert_false(ct_steer_same(&o, &steer));                               \
    } while (0)
    DIFFERS(o.n--);
    DIFFERS(o.n_external--);
    DIFFERS(o.n_inside--);
    DIFFERS(o.n_shards++);
    DIFFERS(o.host = !o.host);
    DIFFERS(o.key[0]++);
    DIFFERS(o.key[1]++);
    DIFFERS(row[0].port_lo++);
    DIFFERS(row[o.n - 1].target.b[3]++);
    DIFFERS(range[0].lo.b[3]++);
    DIFFERS(range[o.n_inside - 1].hi.b[3]++);
    DIFFERS(family[0]++);
    DIFFERS(family[o.n_inside - 1]++);
#undef DIFFERS
}

/* A port of ours has one owner; what goes to others may be anybody's. */
static void owners_of_our_own_ports(void **state)
{
    struct ct_tuple t = {.src = addr("8.8.8.8"),
                         .dst = addr("198.51.100.2"),
                         .sport = 53,
                         .dport = 5003,
                         .family = CT_IPV4,
                         .proto = CT_PROTO_UDP};

    (void)state;
    steer.n_shards = 4;
    assert_int_equal(shard_owner_to(&steer, &t), 5003 % 4);
    t.dst = addr("8.8.4.4");
    assert_int_equal(shard_owner_to(&steer, &t), CT_NONE);
    t.dst = addr("198.51.100.2");
    t.dport = 53; /* a forward's */
    assert_int_equal(shard_owner_to(&steer, &t), CT_NONE);
    t.dport = 5003;
    t.proto = GRE;
    assert_int_equal(shard_owner_to(&steer, &t), CT_NONE);
}

/* An error that quotes nothing usable goes where a protocol without ports would
 * between the same two. */
static void errors_that_quote_nothing(void **state)
{
    static const char *const spoilt[] = {"hex 00", "hex 45", "hex 4500001c"};

    (void)state;
    steer.n_shards = 8;
    for (unsigned i = 0; i < 3; i++)
        for (unsigned host = 2; host < 40; host++) {
            uint8_t bytes[256];
            char spec[80];
            struct ct_pkt pkt = {.data = bytes, .in = CT_NO_IFACE};
            struct ct_tuple t = {.src = addr("8.8.8.8"),
                                 .dst = addr("10.0.0.0"),
                                 .family = CT_IPV4,
                                 .proto = GRE};

            t.dst.b[3] = (uint8_t)host;
            snprintf(spec, sizeof spec, "8.8.8.8 > 10.0.0.%u icmp 3/1 %s", host,
                     spoilt[i]);
            pkt.len = (uint32_t)packet_build(bytes, sizeof bytes, spec);
            assert_true(pkt.len > 0);
            assert_int_equal(ct_parse_packet(&pkt), CT_REASON_NONE);
            assert_true(pkt.icmp_error);
            assert_int_equal(ct_owner(&steer, &pkt), owner_of_tuple(&t));
        }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(both_sides_alike_spread, make_router),
        cmocka_unit_test_setup(what_makes_another_table, make_router),
        cmocka_unit_test_setup(each_part_makes_another_table, make_router),
        cmocka_unit_test_setup(owners_of_our_own_ports, make_router),
        cmocka_unit_test_setup(errors_that_quote_nothing, make_router),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
