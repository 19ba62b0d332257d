/* fib.c - longest prefix match against a linear search */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "journey/fib.h"

#include <ctcore/bits.h>

static uint64_t seed = 1;

static uint32_t rnd(uint32_t below)
{
    return (uint32_t)(ct_splitmix(&seed) >> 33) % below;
}

static union ct_addr v4(uint8_t a, uint8_t b, uint8_t c, uint8_t d)
{
    return (union ct_addr){.b = {a, b, c, d}};
}

static bool covers(const struct fib_route *r, const union ct_addr *a)
{
    for (unsigned i = 0; i < r->len; i++) {
        uint8_t bit = (uint8_t)(0x80 >> i % 8);

        if ((r->addr.b[i / 8] & bit) != (a->b[i / 8] & bit))
            return false;
    }
    return true;
}

/* The later one of two equal prefixes wins. */
static uint8_t naive(const struct fib_route *r, uint32_t n, uint8_t family,
                     const union ct_addr *a)
{
    uint8_t best = CT_NO_IFACE;
    int len = -1;

    for (uint32_t i = 0; i < n; i++)
        if (r[i].family == family && covers(&r[i], a) && r[i].len >= len) {
            len = r[i].len;
            best = r[i].iface;
        }
    return best;
}

/* Few different bytes, so that prefixes nest and part at every depth. */
static union ct_addr random_addr(uint8_t family)
{
    static const uint8_t bytes[] = {0x00, 0xff, 0x80, 0x0a, 0xa8};
    union ct_addr a = {.w64 = {0, 0}};

    for (unsigned i = 0; i < (family == CT_IPV6 ? 16u : 4u); i++)
        a.b[i] = rnd(8) == 0 ? (uint8_t)rnd(256) : bytes[rnd(5)];
    return a;
}

static struct fib_route random_route(void)
{
    struct fib_route r = {.family = rnd(2) ? CT_IPV6 : CT_IPV4};
    unsigned bits = r.family == CT_IPV6 ? 128 : 32;

    r.addr = random_addr(r.family);
    r.len = (uint8_t)rnd(bits + 1);
    r.iface = (uint8_t)rnd(CT_MAX_IFACES);
    for (unsigned i = r.len; i < bits; i++)
        r.addr.b[i / 8] = (uint8_t)(r.addr.b[i / 8] & ~(0x80 >> i % 8));
    return r;
}

static void nothing_matches_in_an_empty_table(void **state)
{
    struct fib *fib = fib_new(NULL, 0);
    union ct_addr a = v4(10, 0, 0, 1);

    (void)state;
    assert_non_null(fib);
    assert_int_equal(fib_lookup(fib, CT_IPV4, &a), CT_NO_IFACE);
    assert_int_equal(fib_lookup(fib, CT_IPV6, &a), CT_NO_IFACE);
    fib_free(fib);
}

static void the_longest_prefix_wins_and_families_stay_apart(void **state)
{
    const struct fib_route routes[] = {
        {v4(0, 0, 0, 0), CT_IPV4, 0, 1, 0},
        {v4(10, 0, 0, 0), CT_IPV4, 8, 2, 0},
        {v4(10, 1, 0, 0), CT_IPV4, 16, 3, 0},
        {v4(10, 1, 2, 3), CT_IPV4, 32, 4, 0},
        {v4(10, 1, 2, 3), CT_IPV4, 32, 5, 0}, /* the same again */
    };
    const struct {
        union ct_addr a;
        uint8_t want;
    } cases[] = {
        {v4(9, 255, 255, 255), 1}, {v4(10, 0, 0, 0), 2},
        {v4(10, 1, 2, 2), 3},      {v4(10, 1, 2, 3), 5},
        {v4(10, 2, 0, 0), 2},      {v4(255, 255, 255, 255), 1},
    };
    struct fib *fib = fib_new(routes, 5);

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        assert_int_equal(fib_lookup(fib, CT_IPV4, &cases[i].a), cases[i].want);
        assert_int_equal(fib_lookup(fib, CT_IPV6, &cases[i].a), CT_NO_IFACE);
    }
    fib_free(fib);
}

static void random_tables_answer_as_a_linear_search(void **state)
{
    enum { MAX = 300 };
    struct fib_route routes[MAX];

    (void)state;
    for (unsigned round = 0; round < 200; round++) {
        uint32_t n = rnd(MAX + 1);
        struct fib *fib;

        for (uint32_t i = 0; i < n; i++)
            routes[i] = i > 0 && rnd(10) == 0 ? routes[rnd(i)] : random_route();
        for (uint32_t i = 0; i < n; i++)
            routes[i].iface = (uint8_t)rnd(CT_MAX_IFACES);
        fib = fib_new(routes, n);
        assert_non_null(fib);
        for (unsigned k = 0; k < 200; k++) {
            uint8_t family = rnd(2) ? CT_IPV6 : CT_IPV4;
            union ct_addr a = random_addr(family);

            /* Half of them at a route's border. */
            if (n > 0 && rnd(2)) {
                const struct fib_route *r = &routes[rnd(n)];

                family = r->family;
                a = r->addr;
                a.b[rnd(family == CT_IPV6 ? 16 : 4)] ^=
                    (uint8_t)(rnd(2) << rnd(8));
            }
            assert_int_equal(fib_lookup(fib, family, &a),
                             naive(routes, n, family, &a));
        }
        fib_free(fib);
    }
}

/* One prefix behind several interfaces: it says so, and which. */
static void a_shared_prefix_names_all_its_ways(void **state)
{
    const struct fib_route routes[] = {
        {v4(10, 0, 0, 0), CT_IPV4, 8, 1, 0},
        {v4(10, 1, 0, 0), CT_IPV4, 16, 2, 1u << 0 | 1u << 5},
        {v4(10, 1, 2, 0), CT_IPV4, 24, 3, 0},
    };
    struct fib *fib = fib_new(routes, 3);
    union ct_addr shared = v4(10, 1, 9, 9), own = v4(10, 1, 2, 9);
    union ct_addr none = v4(11, 0, 0, 1);

    (void)state;
    assert_int_equal(fib_lookup(fib, CT_IPV4, &shared), FIB_SHARED);
    assert_int_equal(fib_ways(fib, CT_IPV4, &shared), 1u | 1u << 2 | 1u << 5);
    assert_int_equal(fib_lookup(fib, CT_IPV4, &own), 3);
    assert_int_equal(fib_ways(fib, CT_IPV4, &own), 1u << 3);
    assert_int_equal(fib_lookup(fib, CT_IPV4, &none), CT_NO_IFACE);
    assert_int_equal(fib_ways(fib, CT_IPV4, &none), 0);
    fib_free(fib);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_shared_prefix_names_all_its_ways),
        cmocka_unit_test(nothing_matches_in_an_empty_table),
        cmocka_unit_test(the_longest_prefix_wins_and_families_stay_apart),
        cmocka_unit_test(random_tables_answer_as_a_linear_search),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
