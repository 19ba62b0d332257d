/* matchexamples.h - each match of matches.def, in a rule of its own
 *
 * What it asks the packets of these tests do not meet.  A new match does not
 * build without an example. */
#ifndef MATCHEXAMPLES_H
#define MATCHEXAMPLES_H

#include "rules/ruleset.h"

#include <ctcore/matches.def>

static const struct ct_number_range example_port = {9, 9};
static const struct ct_mark example_bits = {5, 7};
static const struct ct_addr_range example_addr = {{.b = {9}}, {.b = {9}}};

#define EXAMPLE_ADDRS(no)                                                      \
    {                                                                          \
        .present = true, .negate = (no), .v4 = &example_addr, .n_v4 = 1        \
    }
#define EXAMPLE_PORTS(no)                                                      \
    {                                                                          \
        .r = &example_port, .n = 1, .negate = (no)                             \
    }

static const struct ct_rule example_family = {.match.family = CT_IPV6},
                            example_in = {.match.in = {1u << 7}},
                            example_out = {.match.out = {1u << 7}},
                            example_proto = {.match.proto = {1, {99}, false}},
                            example_info = {.match.info = {1u << CT_UNTRACKED}},
                            example_status = {.match.status = {CT_ASSURED}},
                            example_mark = {.match.mark = {&example_bits, 1,
                                                           false}},
                            example_zone = {.match.zone = EXAMPLE_PORTS(0)},
                            example_labels = {.match.labels = {{1}}},
                            example_icmp_type = {.match.icmp_type =
                                                     EXAMPLE_PORTS(0)},
                            example_syn = {.match.syn = true},
                            example_sport = {.match.sport = EXAMPLE_PORTS(0)},
                            example_dport = {.match.dport = EXAMPLE_PORTS(0)},
                            example_src = {.match.src = EXAMPLE_ADDRS(0)},
                            example_dst = {.match.dst = EXAMPLE_ADDRS(0)},
                            example_limit = {.limit = {.cost_ns = UINT64_MAX}},
                            example_dscp = {.match.dscp = EXAMPLE_PORTS(0)},
                            example_connlimit = {
                                .connlimit = {.number = 1, .max = 0}};

static const struct match_example {
    const char *name;
    const struct ct_rule *rule;
    uint32_t facts;
    bool limit;
} match_examples[] = {
#define M(KIND, name, key, facts, words, top, help)                            \
    {#name, &example_##name, facts, false},
#define L(name, facts, asked) {#name, &example_##name, facts, true},
    CT_MATCHES(M) CT_LIMITS(L)
#undef L
#undef M
};

#define FOR_MATCHES(r)                                                         \
    for (const struct match_example *r = match_examples;                       \
         r < match_examples + sizeof match_examples / sizeof *match_examples;  \
         r++)

#endif
