/* matchexamples.h - each match of matches.def, in a rule of its own
 *
 * What it asks the packets of these tests do not meet.  A new match does not
 * build without an example. */
#ifndef MATCHEXAMPLES_H
#define MATCHEXAMPLES_H

#include "rules/ruleset.h"

#include <ctcore/matches.def>

static const struct ct_number_range example_port = {9, 9};
static const struct ct_addr_range example_addr = {{.b = {9}}, {.b = {9}}};

#define EXAMPLE_ADDRS(no)                                                      \
    {                                                                          \
        .present = true, .negate = (no), .v4 = &example_addr, .n_v4 = 1        \
    }
#define EXAMPLE_PORTS(no)                                                      \
    {                                                                          \
        .r = &example_port, .n = 1, .negate = (no)                             \
    }
#define MATCH(i, o, type)                                                      \
    .match.in = (i), .match.out = (o), .match.icmp_type = (type)
#define ANY MATCH(CT_NO_IFACE, CT_NO_IFACE, -1)

static const struct ct_rule
    example_family = {ANY, .match.family = CT_IPV6},
    example_in = {MATCH(7, CT_NO_IFACE, -1)},
    example_out = {MATCH(CT_NO_IFACE, 7, -1)},
    example_proto = {ANY, .match.n_protos = 1, .match.protos = {99}},
    example_info = {ANY, .match.info = 1u << CT_UNTRACKED},
    example_status = {ANY, .match.status = CT_ASSURED},
    example_mark = {ANY, .match.mark = 5, .match.mark_mask = 7},
    example_zone = {ANY, .match.has_zone = true, .match.zone = 9},
    example_labels = {ANY, .match.has_labels = true, .match.labels = {1}},
    example_icmp_type = {MATCH(CT_NO_IFACE, CT_NO_IFACE, 8)},
    example_syn = {ANY, .match.syn = true},
    example_sport = {ANY, .match.sport = EXAMPLE_PORTS(0)},
    example_dport = {ANY, .match.dport = EXAMPLE_PORTS(0)},
    example_src = {ANY, .match.src = EXAMPLE_ADDRS(0)},
    example_dst = {ANY, .match.dst = EXAMPLE_ADDRS(0)},
    example_limit = {ANY, .limit = {.cost_ns = UINT64_MAX}},
#define V(name, facts, words, top, help)                                       \
    example_##name = {ANY, .match.name = EXAMPLE_PORTS(0)},
    CT_NUMBER_MATCHES(V)
#undef V
        example_connlimit = {ANY, .connlimit = {.number = 1, .max = 0}};

static const struct match_example {
    const char *name;
    const struct ct_rule *rule;
    uint32_t facts;
    bool limit;
} match_examples[] = {
#define ROW(name, facts, asks)                {#name, &example_##name, facts, false},
#define LIMIT(name, facts, asks)              {#name, &example_##name, facts, true},
#define NUMBER(name, facts, words, top, help) ROW(name, facts, )
    CT_MATCHES(ROW) CT_NUMBER_MATCHES(NUMBER) CT_LIMITS(LIMIT)
#undef ROW
#undef LIMIT
#undef NUMBER
};

#define FOR_MATCHES(r)                                                         \
    for (const struct match_example *r = match_examples;                       \
         r < match_examples + sizeof match_examples / sizeof *match_examples;  \
         r++)

#endif
