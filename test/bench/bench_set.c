/* bench_set.c - a rule about a set of addresses, asked of packets
 *
 *     bench_set ADDRESSES PACKETS
 *
 * The set is of random IPv4 addresses, with the index that the router gives
 * it; half of the packets are for one of them.  Two runs that differ in packets
 * alone differ in what these cost: test/bench/instructions counts it. */
#include "rules/ruleset.h"

#include "base/hash.h"

#include "bytes.h"

#include <stdio.h>
#include <stdlib.h>

enum { MOST = 1 << 20 };

static struct ct_addr_range ranges[MOST];

static int by_lo(const void *a, const void *b)
{
    const struct ct_addr_range *x = a, *y = b;
    uint32_t p = bytes_get32(x->lo.b), q = bytes_get32(y->lo.b);

    return (p > q) - (p < q);
}

static void make_set(struct ct_addr_set *set, uint32_t n, struct rng *rng)
{
    uint32_t words = ct_addr_index_words(n), kept = 0;

    for (uint32_t i = 0; i < n; i++) {
        bytes_put32(ranges[i].lo.b, (uint32_t)hash_rng_next(rng));
        ranges[i].hi = ranges[i].lo;
    }
    qsort(ranges, n, sizeof *ranges, by_lo);
    for (uint32_t i = 1; i < n; i++)
        if (by_lo(&ranges[kept], &ranges[i]) != 0)
            ranges[++kept] = ranges[i];
    *set =
        (struct ct_addr_set){.v4 = ranges, .n_v4 = kept + 1, .present = true};
    if (words > 0)
        ct_addr_index_make(&set->index4, malloc(words * sizeof(uint32_t)),
                           ranges, kept + 1, true);
}

int main(int argc, char **argv)
{
    uint32_t n = argc == 3 ? (uint32_t)strtoul(argv[1], NULL, 10) : 0;
    uint32_t packets = n ? (uint32_t)strtoul(argv[2], NULL, 10) : 0, met = 0;
    struct ct_rule rule = {.action = CT_ACT_ACCEPT};
    struct ct_ruleset rules = {.rules = &rule, .n = 1};
    uint8_t bytes[28] = {0x45};
    struct ct_pkt pkt = {.data = bytes,
                         .len = sizeof bytes,
                         .l4_off = 20,
                         .l4_len = 8,
                         .tuple = {.family = CT_IPV4, .proto = 17}};
    struct rng rng = {1};

    if (n == 0 || n > MOST) {
        fprintf(stderr, "usage: bench_set ADDRESSES PACKETS\n");
        return 2;
    }
    make_set(&rule.match.dst, n, &rng);
    for (uint32_t i = 0; i < packets; i++) {
        uint32_t some = (uint32_t)hash_rng_next(&rng);
        const uint8_t *one =
            ranges[some % rule.match.dst.n_v4].lo.b; /* in the set */

        bytes_put32(bytes + 16, i & 1 ? bytes_get32(one) : some);
        met += ruleset_match(&rules, 0, 1, &pkt, 0) == 0;
    }
    printf("%u addresses: %u of %u packets met the rule\n", n, met, packets);
    free((void *)(uintptr_t)rule.match.dst.index4.at);
    return met < packets / 2;
}
