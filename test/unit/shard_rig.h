/* shard_rig.h - a router whose steering table test_shard.c asks */
#ifndef SHARD_RIG_H
#define SHARD_RIG_H

#include <ctcore/ct.h>
#include <ctcore/wire.h>

#include "base/csum.h"
#include "base/hash.h"
#include "packet.h"
#include "packet/parse.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

enum { GRE = 47, ESP = 50, ROUNDS = 3000 };
enum {
    ECHO_REQUEST = 8 << 8,
    ECHO6_REQUEST = 128 << 8,
    ECHO6_REPLY = 129 << 8
};

static struct rng rng;

/* ---- the router that all flows cross ---- */

static struct ct_ifaces ifaces;
static struct ct_steer_row rows[8];
static struct ct_addr_range external[2], inside[4];
static uint8_t external_family[2], inside_family[4];
static struct ct_steer steer;

static union ct_addr addr(const char *text)
{
    union ct_addr a = {.w64 = {0, 0}};
    int ok = inet_pton(strchr(text, ':') ? AF_INET6 : AF_INET, text, &a);

    assert_int_equal(ok, 1);
    return a;
}

static void add_row(uint8_t family, uint8_t proto, const char *to, uint16_t lo,
                    uint16_t hi, const char *target)
{
    rows[steer.n++] = (struct ct_steer_row){.addr = addr(to),
                                            .target = addr(target),
                                            .port_lo = lo,
                                            .port_hi = hi,
                                            .family = family,
                                            .proto = proto};
}

static void add_range(struct ct_addr_range *r, uint8_t *family, uint32_t *n,
                      const char *lo, const char *hi)
{
    family[*n] = strchr(lo, ':') ? CT_IPV6 : CT_IPV4;
    r[*n] = (struct ct_addr_range){addr(lo), addr(hi)};
    ++*n;
}

static void add_iface(bool in, const char *v4, const char *v6)
{
    ifaces.iface[ifaces.n++] = (struct ct_iface){.inside = in,
                                                 .n_addrs = 2,
                                                 .addr = {addr(v4), addr(v6)},
                                                 .family = {CT_IPV4, CT_IPV6}};
}

static int make_router(void **state)
{
    (void)state;
    rng.state = 42;
    memset(&steer, 0, sizeof steer);
    memset(&ifaces, 0, sizeof ifaces);
    add_iface(true, "10.0.0.1", "2001:db8:1::1");
    add_iface(true, "10.1.0.1", "2001:db8:2::1");
    add_iface(false, "198.51.100.2", "2001:db8:f::1");
    add_row(CT_IPV4, CT_PROTO_ICMP, "203.0.113.9", ECHO_REQUEST, ECHO_REQUEST,
            "10.1.0.9");
    add_row(CT_IPV4, CT_PROTO_TCP, "198.51.100.2", 80, 89, "10.0.0.80");
    add_row(CT_IPV4, CT_PROTO_TCP, "198.51.100.2", 443, 443, "10.1.0.80");
    add_row(CT_IPV4, CT_PROTO_TCP, "203.0.113.9", 1, 1023, "10.0.0.99");
    add_row(CT_IPV4, CT_PROTO_UDP, "198.51.100.2", 53, 53, "10.0.0.53");
    add_row(CT_IPV6, CT_PROTO_TCP, "2001:db8:f::1", 443, 443, "2001:db8:2::80");
    add_range(external, external_family, &steer.n_external, "203.0.113.0",
              "203.0.113.15");
    add_range(external, external_family, &steer.n_external,
              "2001:db8:e::", "2001:db8:e::ff");
    add_range(inside, inside_family, &steer.n_inside, "10.0.0.0",
              "10.0.255.255");
    add_range(inside, inside_family, &steer.n_inside, "10.1.0.0",
              "10.1.255.255");
    add_range(inside, inside_family, &steer.n_inside,
              "2001:db8:1::", "2001:db8:2:ffff:ffff:ffff:ffff:ffff");
    steer.rows = rows;
    steer.ifaces = &ifaces;
    steer.external = external;
    steer.external_family = external_family;
    steer.inside = inside;
    steer.inside_family = inside_family;
    for (unsigned i = 0; i < sizeof steer.key; i++)
        steer.key[i] = (uint8_t)hash_rng_next(&rng);
    return 0;
}

/* ---- flows ---- */

#endif
