/* shard.c - both directions of a flow, and errors about it, have one owner
 *
 * A flow is told by the tuples with which its two directions come in.  What
 * leaves is what the other direction comes in with, turned round: so an error
 * about either direction quotes that. */
#include "shard_rig.h"

#include "table/peers.h"

#include "bytes.h"

static bool is_icmp(uint8_t proto)
{
    return proto == CT_PROTO_ICMP || proto == CT_PROTO_ICMPV6;
}

static struct ct_tuple turn(const struct ct_tuple *t)
{
    struct ct_tuple back = *t;

    back.src = t->dst;
    back.dst = t->src;
    if (!is_icmp(t->proto)) {
        back.sport = t->dport;
        back.dport = t->sport;
    } else if (t->proto == CT_PROTO_ICMP) {
        back.dport = t->dport == 0 ? ECHO_REQUEST : 0;
    } else {
        back.dport = t->dport == ECHO6_REQUEST ? ECHO6_REPLY : ECHO6_REQUEST;
    }
    return back;
}

/* Prefix, and something random behind it. */
static union ct_addr some(const char *prefix, unsigned bytes)
{
    union ct_addr a = addr(prefix);
    unsigned size = strchr(prefix, ':') ? 16 : 4;

    for (unsigned i = bytes; i < size; i++)
        a.b[i] = (uint8_t)hash_rng_next(&rng);
    a.b[size - 1] |= 2; /* never the router's own ...1, never zero */
    return a;
}

static union ct_addr inside_host(uint8_t family)
{
    bool first = hash_rng_below(&rng, 2) == 0;

    if (family == CT_IPV4)
        return some(first ? "10.0.0.0" : "10.1.0.0", 2);
    return some(first ? "2001:db8:1::" : "2001:db8:2::", 6);
}

static union ct_addr remote_host(uint8_t family)
{
    if (family == CT_IPV4) /* below and above the inside's addresses */
        return some(hash_rng_below(&rng, 2) ? "8.0.0.0" : "93.0.0.0", 1);
    return some(hash_rng_below(&rng, 2) ? "2001:a::" : "2a00::", 4);
}

static uint8_t some_family(void)
{
    return hash_rng_below(&rng, 2) ? CT_IPV4 : CT_IPV6;
}

static struct ct_tuple flow(uint8_t family, uint8_t proto, union ct_addr src,
                            union ct_addr dst)
{
    struct ct_tuple t = {.src = src, .dst = dst, .family = family};
    bool v4 = family == CT_IPV4;

    if (proto == 0) /* any of those with a port or id */
        proto = (uint8_t[]){CT_PROTO_TCP,
                            CT_PROTO_UDP,
                            v4 ? CT_PROTO_ICMP : CT_PROTO_ICMPV6,
                            CT_PROTO_UDPLITE,
                            CT_PROTO_SCTP,
                            CT_PROTO_DCCP}[hash_rng_below(&rng, 6)];
    t.proto = proto;
    if (proto == GRE || proto == ESP)
        return t;
    t.sport = (uint16_t)hash_rng_next(&rng);
    t.dport = (uint16_t)hash_rng_next(&rng);
    if (is_icmp(proto))
        t.dport = v4 ? ECHO_REQUEST : ECHO6_REQUEST;
    return t;
}

static uint32_t owner(const struct ct_tuple *t)
{
    struct ct_pkt pkt = {.tuple = *t, .in = CT_NO_IFACE};
    uint32_t is = ct_owner(&steer, &pkt);

    assert_true(is < steer.n_shards);
    return is;
}

/* A port of the owner's slice that no forward covers, as NAT has to choose. */
static uint16_t slice_port(uint32_t shard)
{
    uint32_t slot = 1024 / steer.n_shards + 1 + hash_rng_below(&rng, 900);

    return (uint16_t)(slot * steer.n_shards + shard);
}

/* What the reply comes in with when the flow's source became `as`. */
static struct ct_tuple hidden_reply(const struct ct_tuple *leaves,
                                    union ct_addr as, uint32_t shard)
{
    struct ct_tuple out = *leaves;

    out.src = as;
    if (out.proto != GRE && out.proto != ESP)
        out.sport = slice_port(shard);
    return turn(&out);
}

/* ---- errors, as bytes ---- */

/* One end of a packet as packet.h writes it. */
static const char *end(char text[64], const union ct_addr *a, uint16_t port,
                       const struct ct_tuple *t)
{
    bool v4 = t->family == CT_IPV4;
    char ip[INET6_ADDRSTRLEN];

    inet_ntop(v4 ? AF_INET : AF_INET6, a, ip, sizeof ip);
    if (ct_proto_has_ports(t->proto))
        snprintf(text, 64, v4 ? "%s:%u" : "[%s]:%u", ip, port);
    else
        snprintf(text, 64, "%s", ip);
    return text;
}

/* Who owns an error about the packet that left with this tuple? */
static uint32_t error_owner(const struct ct_tuple *left)
{
    char spec[256], src[64], dst[64], sender[INET6_ADDRSTRLEN], proto[32];
    bool v4 = left->family == CT_IPV4;
    uint8_t bytes[256];
    struct ct_pkt pkt = {.data = bytes};

    inet_ntop(v4 ? AF_INET : AF_INET6, &left->src, sender, sizeof sender);
    if (is_icmp(left->proto))
        snprintf(proto, sizeof proto, "icmp %u/0 id %u", left->dport >> 8,
                 left->sport);
    else
        snprintf(proto, sizeof proto, "proto %u", left->proto);
    if (ct_proto_has_ports(left->proto))
        strcpy(proto, left->proto == CT_PROTO_TCP    ? "tcp S"
                      : left->proto == CT_PROTO_UDP  ? "udp"
                      : left->proto == CT_PROTO_SCTP ? "sctp INIT"
                      : left->proto == CT_PROTO_DCCP ? "dccp REQUEST"
                                                     : "udplite");
    if (left->proto == CT_PROTO_GRE)
        strcat(proto, " len 8");
    snprintf(spec, sizeof spec, "%s > %s icmp %s about {%s > %s %s} quote 8",
             v4 ? "172.16.1.2" : "2001:db8:77::1", sender, v4 ? "11/0" : "3/0",
             end(src, &left->src, left->sport, left),
             end(dst, &left->dst, left->dport, left), proto);
    pkt.len = (uint32_t)packet_build(bytes, sizeof bytes, spec);
    assert_int_equal(ct_parse_packet(&pkt), CT_REASON_NONE);
    assert_true(pkt.icmp_error);
    return ct_owner(&steer, &pkt);
}

static void one_owner(const struct ct_tuple *orig, const struct ct_tuple *reply)
{
    uint32_t is = owner(orig);
    struct ct_tuple left = turn(reply), reply_left = turn(orig);

    assert_int_equal(owner(reply), is);
    assert_int_equal(error_owner(&left), is);
    assert_int_equal(error_owner(&reply_left), is);
}

static struct ct_tuple outwards(uint8_t family)
{
    return flow(family, 0, inside_host(family), remote_host(family));
}

/* ---- kinds of flow: each makes one at random and asks who owns it ---- */

static void untranslated(const struct ct_tuple *orig)
{
    struct ct_tuple reply = turn(orig);

    one_owner(orig, &reply);
}

static void routed(void)
{
    uint8_t family = some_family();
    union ct_addr a[] = {inside_host(family), inside_host(family),
                         remote_host(family), remote_host(family)};
    unsigned from = hash_rng_below(&rng, 4), to = hash_rng_below(&rng, 4);
    struct ct_tuple t = flow(family, 0, a[from], a[to]);

    if (from != to)
        untranslated(&t);
}

static union ct_addr pool(uint8_t family)
{
    bool v4 = family == CT_IPV4;
    union ct_addr a = addr(v4 ? "203.0.113.0" : "2001:db8:e::");

    a.b[v4 ? 3 : 15] = (uint8_t)hash_rng_below(&rng, 16);
    return a;
}

static void snat(void)
{
    uint8_t family = some_family();
    struct ct_tuple t = outwards(family);
    union ct_addr own = ifaces.iface[2].addr[family == CT_IPV6];
    struct ct_tuple reply = hidden_reply(
        &t, hash_rng_below(&rng, 2) ? own : pool(family), owner(&t));

    one_owner(&t, &reply);
}

/* To a row of the table, with its answer from the row's target. */
static struct ct_tuple to_row(union ct_addr src[2],
                              const struct ct_steer_row *row,
                              struct ct_tuple *leaves)
{
    union ct_addr from = src[row->family == CT_IPV6];
    struct ct_tuple t = flow(row->family, row->proto, from, row->addr);

    t.dport =
        (uint16_t)(row->port_lo +
                   hash_rng_below(&rng, row->port_hi - row->port_lo + 1u));
    *leaves = t;
    leaves->dst = row->target;
    if (!is_icmp(row->proto) && hash_rng_below(&rng, 2))
        leaves->dport = 8080; /* forwarded to another port */
    return t;
}

/* From outside or, hairpin, from inside. */
static struct ct_tuple to_forward(struct ct_tuple *leaves, bool hairpin)
{
    union ct_addr src[2] = {
        hairpin ? inside_host(CT_IPV4) : remote_host(CT_IPV4),
        hairpin ? inside_host(CT_IPV6) : remote_host(CT_IPV6)};

    return to_row(src, &rows[hash_rng_below(&rng, steer.n)], leaves);
}

static void forward(void)
{
    struct ct_tuple leaves, reply;
    struct ct_tuple t = to_forward(&leaves, hash_rng_below(&rng, 2));

    reply = turn(&leaves);
    one_owner(&t, &reply);
}

static void forward_with_snat(void)
{
    struct ct_tuple leaves, reply;
    bool hairpin = hash_rng_below(&rng, 2);
    struct ct_tuple t = to_forward(&leaves, hairpin);
    unsigned via = hairpin ? hash_rng_below(&rng, 3) : 0;

    reply = hidden_reply(&leaves, ifaces.iface[via].addr[t.family == CT_IPV6],
                         owner(&t));
    one_owner(&t, &reply);
}

static void portless_routed(void)
{
    uint8_t family = some_family();
    struct ct_tuple t = flow(family, hash_rng_below(&rng, 2) ? GRE : ESP,
                             inside_host(family), remote_host(family));
    struct ct_tuple back = turn(&t);

    untranslated(&t);
    untranslated(&back);
    t.src = remote_host(family);
    untranslated(&t);
}

static void portless_hidden(void)
{
    uint8_t family = some_family();
    struct ct_tuple t =
        flow(family, GRE, inside_host(family), remote_host(family));
    struct ct_tuple reply = hidden_reply(&t, pool(family), owner(&t));

    one_owner(&t, &reply);
    one_owner(&reply, &t); /* the same, begun outside: a forward */
}

static void portless_hairpin(void)
{
    uint8_t family = some_family();
    union ct_addr own = ifaces.iface[2].addr[family == CT_IPV6];
    struct ct_tuple t = flow(family, ESP, inside_host(family), own), reply;
    struct ct_tuple leaves = t;

    leaves.dst = inside_host(family);
    reply = turn(&leaves);
    one_owner(&t, &reply);
    reply = hidden_reply(&leaves, own, owner(&t));
    one_owner(&t, &reply);
}

/* Gateway mode: begun by the router itself, kept or given another port of the
 * owner's; and answered by it, towards outside and inside. */
static void of_the_host(void)
{
    uint8_t family = some_family();
    union ct_addr own = ifaces.iface[2].addr[family == CT_IPV6];
    bool bound_inside = hash_rng_below(&rng, 2);
    struct ct_tuple t = flow(family, 0, own, remote_host(family)), reply;
    struct ct_tuple in = flow(
        family, 0, hash_rng_below(&rng, 2) ? inside_host(family) : t.dst, own);

    steer.host = true;
    untranslated(&t);
    untranslated(&in);
    if (bound_inside)
        t.src = ifaces.iface[0].addr[family == CT_IPV6];
    reply = hidden_reply(&t, own, owner(&t));
    one_owner(&t, &reply);
    steer.host = false;
}

static void one_owner_a_flow(void **state)
{
    /* clang-format off */
    static void (*const kinds[])(void) = {
        routed, routed, routed, snat, snat, forward, forward,
        forward_with_snat, forward_with_snat, portless_routed,
        portless_hidden, portless_hairpin, of_the_host,
    };
    /* clang-format on */
    static const uint32_t shards[] = {2, 3, 4, 7, 64};

    (void)state;
    for (unsigned s = 0; s < sizeof shards / sizeof *shards; s++) {
        steer.n_shards = shards[s];
        for (unsigned k = 0; k < sizeof kinds / sizeof *kinds; k++)
            for (unsigned i = 0; i < ROUNDS / 5; i++)
                kinds[k]();
    }
}

/* ---- what else is promised ---- */

static void an_inside_hosts_flows_are_together(void **state)
{
    (void)state;
    steer.n_shards = 8;
    for (unsigned i = 0; i < 200; i++) {
        uint8_t family = some_family();
        struct ct_tuple a = outwards(family), b = outwards(family);

        b.src = a.src;
        assert_int_equal(owner(&a), owner(&b));
    }
}

static void hosts_spread_evenly(void **state)
{
    unsigned n[8] = {0};

    (void)state;
    steer.n_shards = 8;
    for (unsigned i = 0; i < 8000; i++) {
        struct ct_tuple t = outwards(CT_IPV4);

        n[owner(&t)]++;
    }
    for (unsigned i = 0; i < 8; i++)
        assert_in_range(n[i], 850, 1150);
}

static void the_key_decides(void **state)
{
    unsigned differ = 0;

    (void)state;
    steer.n_shards = 64;
    for (unsigned i = 0; i < 100; i++) {
        struct ct_tuple t = outwards(CT_IPV4);
        uint32_t was = owner(&t);

        steer.key[0] ^= 1;
        differ += owner(&t) != was;
    }
    assert_true(differ > 80);
}

/* Rows by hand, with the owner told by an equal: a tuple known to be its. */
static void rows_of_the_table(void **state)
{
    static const struct {
        const char *what, *src, *dst;
        uint8_t proto;
        uint16_t sport, dport;
        const char *as;   /* owned as a flow between this host and a remote */
        uint32_t or_else; /* if as is NULL: this shard */
    } cases[] = {
        {"below a forward's ports", "8.8.8.8", "198.51.100.2", CT_PROTO_TCP, 1,
         79, NULL, 79 % 4},
        {"a forward's first port", "8.8.8.8", "198.51.100.2", CT_PROTO_TCP, 1,
         80, "10.0.0.80", 0},
        {"a forward's last port", "8.8.8.8", "198.51.100.2", CT_PROTO_TCP, 1,
         89, "10.0.0.80", 0},
        {"behind its ports", "8.8.8.8", "198.51.100.2", CT_PROTO_TCP, 1, 90,
         NULL, 90 % 4},
        {"a forward of the other protocol", "8.8.8.8", "198.51.100.2",
         CT_PROTO_UDP, 1, 80, NULL, 80 % 4},
        {"the second forward of an address", "8.8.8.8", "198.51.100.2",
         CT_PROTO_TCP, 1, 443, "10.1.0.80", 0},
        {"echo request that is forwarded", "8.8.8.8", "203.0.113.9",
         CT_PROTO_ICMP, 7, ECHO_REQUEST, "10.1.0.9", 0},
        {"echo reply to a hidden flow", "8.8.8.8", "203.0.113.9", CT_PROTO_ICMP,
         7, 0, NULL, 7 % 4},
        {"first address of the pool", "8.8.8.8", "203.0.113.0", CT_PROTO_UDP, 9,
         4001, NULL, 4001 % 4},
        {"last address of the pool", "8.8.8.8", "203.0.113.15", CT_PROTO_UDP, 9,
         4001, NULL, 4001 % 4},
        {"the router's inside address", "10.0.0.7", "10.0.0.1", CT_PROTO_UDP, 9,
         4002, NULL, 4002 % 4},
        {"portless to the router from inside", "10.0.0.7", "10.0.0.1", GRE, 0,
         0, NULL, 0},
        {"a forward for IPv6", "2a00::8", "2001:db8:f::1", CT_PROTO_TCP, 1, 443,
         "2001:db8:2::80", 0},
        {"bytes of an inside IPv4 address in IPv6", "a00::1", "a01::5",
         CT_PROTO_UDP, 9, 9, "a00::1", 0},
        {"last address of the inside", "8.8.8.8", "10.1.255.255", CT_PROTO_UDP,
         9, 9, "10.1.255.255", 0},
    };

    (void)state;
    steer.n_shards = 4;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        bool v6 = strchr(cases[i].dst, ':') != NULL;
        struct ct_tuple t = {.src = addr(cases[i].src),
                             .dst = addr(cases[i].dst),
                             .sport = cases[i].sport,
                             .dport = cases[i].dport,
                             .family = v6 ? CT_IPV6 : CT_IPV4,
                             .proto = cases[i].proto};
        uint32_t want = cases[i].or_else;

        if (cases[i].as != NULL) {
            struct ct_tuple as = flow(t.family, CT_PROTO_TCP, addr(cases[i].as),
                                      addr(v6 ? "2a00::1" : "9.9.9.9"));
            want = owner(&as);
        }
        if (owner(&t) != want)
            fail_msg("%s: owner %u, not %u", cases[i].what, owner(&t), want);
    }
}

static void one_shard_asks_nothing(void **state)
{
    struct ct_steer bare = {.n_shards = 1};
    struct ct_pkt pkt = {.icmp_error = true}; /* no bytes to look at */

    (void)state;
    assert_int_equal(ct_owner(&bare, &pkt), 0);
}

/* Errors cut at every length, and random bytes: some owner, nothing past the
 * end (the sanitizers watch a block of exactly that size). */
static void unusable_quotations_go_somewhere(void **state)
{
    uint8_t whole[64];
    size_t size = packet_build(whole, sizeof whole,
                               "10.0.0.7 > 8.8.8.8 icmp 3/1 about "
                               "{8.8.8.8:53 > 10.0.0.7:4000 udp}");

    (void)state;
    assert_int_equal(size, 56);
    steer.n_shards = 4;
    for (uint32_t len = 20; len <= size; len++) {
        uint8_t *bytes = test_malloc(len);
        struct ct_pkt pkt = {.data = bytes, .len = len};

        for (unsigned i = 0; i < 50; i++) {
            memcpy(bytes, whole, len);
            bytes_put16(bytes + 2, (uint16_t)len);
            bytes_put16(bytes + 10, 0);
            bytes_put16(bytes + 10,
                        (uint16_t)~csum_fold(csum_add(0, bytes, 20)));
            if (i > 0 && len > 20)
                bytes[20 + hash_rng_below(&rng, len - 20)] =
                    (uint8_t)hash_rng_next(&rng);
            assert_int_equal(ct_parse_packet(&pkt), CT_REASON_NONE);
            assert_true(ct_owner(&steer, &pkt) < 4);
        }
        test_free(bytes);
    }
}

/* Three generations side by side: of the shards that claim a flow, each by what
 * it uses, the one that is furthest behind has it. */
static void the_furthest_behind_has_the_claim(void **state)
{
    struct ct_steer use[3] = {steer, steer, steer};
    struct peer face[3] = {{.serial = 3}, {.serial = 1}, {.serial = 2}};
    struct work work = {0};
    struct peers p = {
        .own = {.serial = 3}, .steer = &use[2], .n = 3, .work = &work};
    struct ct_tuple t = {.src = inside_host(CT_IPV4),
                         .dst = remote_host(CT_IPV4),
                         .sport = 4000,
                         .dport = 80,
                         .family = CT_IPV4,
                         .proto = CT_PROTO_TCP};

    (void)state;
    for (uint32_t i = 0; i < 3; i++) {
        p.face[i] = &face[i];
        use[i].n_shards = 3;
        use[i].serial = i + 1;
        use[i].before = i > 0 ? &use[i - 1] : NULL;
        while (shard_owner(&use[i], &t) != (i < 2 ? i + 1 : 2))
            use[i].key[0]++;
    }
    assert_int_equal(peers_claim(&p, &t), 1);
    assert_int_equal(work.steps, 2); /* two generations back */
    face[1].serial = 3;
    assert_int_equal(peers_claim(&p, &t), 2);
    face[2].serial = 3;
    assert_int_equal(peers_claim(&p, &t), CT_NONE);
    /* one that does not own it has no claim, nor one of an unknown serial */
    face[1].serial = 1;
    while (shard_owner(&use[0], &t) == 1)
        use[0].key[0]++;
    assert_int_equal(peers_claim(&p, &t), CT_NONE);
    face[1].serial = 0;
    assert_int_equal(peers_claim(&p, &t), CT_NONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(one_owner_a_flow, make_router),
        cmocka_unit_test_setup(an_inside_hosts_flows_are_together, make_router),
        cmocka_unit_test_setup(hosts_spread_evenly, make_router),
        cmocka_unit_test_setup(the_key_decides, make_router),
        cmocka_unit_test_setup(rows_of_the_table, make_router),
        cmocka_unit_test_setup(one_shard_asks_nothing, make_router),
        cmocka_unit_test_setup(the_furthest_behind_has_the_claim, make_router),
        cmocka_unit_test_setup(unusable_quotations_go_somewhere, make_router),
    };

    return cmocka_run_group_tests_name("shard", tests, NULL, NULL);
}
