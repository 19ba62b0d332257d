/* icmp.c - ICMP and ICMPv6 types by number or by nftables' names */
#include "config/rule/icmp.h"

#include "config/rule/match.h"
#include "system/addr.h"

#include <string.h>

static const struct config_match_word icmp_types[] = {
    {"echo-reply", 0},           {"destination-unreachable", 3},
    {"source-quench", 4},        {"redirect", 5},
    {"echo-request", 8},         {"router-advertisement", 9},
    {"router-solicitation", 10}, {"time-exceeded", 11},
    {"parameter-problem", 12},   {"timestamp-request", 13},
    {"timestamp-reply", 14},     {"info-request", 15},
    {"info-reply", 16},          {"address-mask-request", 17},
    {"address-mask-reply", 18},
};
static const struct config_match_word icmpv6_types[] = {
    {"destination-unreachable", 1}, {"packet-too-big", 2},
    {"time-exceeded", 3},           {"parameter-problem", 4},
    {"echo-request", 128},          {"echo-reply", 129},
    {"mld-listener-query", 130},    {"mld-listener-report", 131},
    {"mld-listener-done", 132},     {"nd-router-solicit", 133},
    {"nd-router-advert", 134},      {"nd-neighbor-solicit", 135},
    {"nd-neighbor-advert", 136},    {"nd-redirect", 137},
    {"mld2-listener-report", 143},
};

/* s: a name, or a number, which needs a text behind a !. */
static bool named_type(const char *s, bool v4, uint8_t *type)
{
    const struct config_match_word *word =
        v4 ? config_match_word(icmp_types, CONFIG_READ_N(icmp_types), s)
           : config_match_word(icmpv6_types, CONFIG_READ_N(icmpv6_types), s);
    struct ct_number_range range;

    if (word != NULL)
        *type = word->number;
    else if (system_addr_ports(s, &range) && range.lo == range.hi &&
             range.hi <= UINT8_MAX)
        *type = (uint8_t)range.lo;
    else
        return false;
    return true;
}

static bool one_type(struct config_read *r, const json_t *v, const char *s,
                     struct ct_match *m)
{
    bool v4 = m->protos[0] == CT_PROTO_ICMP;
    uint64_t number = 0;
    uint8_t type, *types;

    if (s == NULL && !config_read_uint(r, v, 0, UINT8_MAX, &number))
        return false;
    type = (uint8_t)number;
    if (s != NULL && !named_type(s, v4, &type)) {
        config_read_fail(r,
                         "%s is no type of %s; expected a number from 0 to 255 "
                         "or a name like echo-request, time-exceeded",
                         config_read_show(r, s), v4 ? "icmp" : "icmpv6");
        return false;
    }
    if (m->icmp_type < 0) {
        m->icmp_type = type;
        return true;
    }
    if (m->n_icmp_types == UINT8_MAX) {
        config_read_fail(r, "a 257th type; expected each of them once");
        return false;
    }
    types = config_read_alloc(r, m->n_icmp_types + 1u, 1);
    if (m->n_icmp_types > 0)
        memcpy(types, m->icmp_types, m->n_icmp_types);
    types[m->n_icmp_types++] = type;
    m->icmp_types = types;
    return true;
}

/* The name's number depends on proto: this row comes behind it. */
void config_icmp_type(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;
    struct ct_match *m = &c->rule.match;

    if (m->n_protos != 1 || m->proto_negate ||
        (m->protos[0] != CT_PROTO_ICMP && m->protos[0] != CT_PROTO_ICMPV6)) {
        if (!c->failed)
            config_read_fail(r, "icmp_type without its protocol; expected "
                                "\"proto\": \"icmp\" or \"icmpv6\" beside it");
        c->failed = true;
        return;
    }
    c->failed |= !config_match_list(r, v, one_type, m, &m->icmp_negate);
}
