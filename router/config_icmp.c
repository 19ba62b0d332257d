/* config_icmp.c - ICMP and ICMPv6 types by number or by nftables' names */
#include "config_match.h"

#include <netinet/in.h>

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

/* The name's number depends on proto: this row comes behind it. */
void config_icmp_type(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;
    struct ct_match *m = &c->rule.match;
    const char *s = json_string_value(v);
    const struct config_match_word *word = NULL;
    uint64_t number;

    if (m->n_protos != 1 || m->proto_negate ||
        (m->protos[0] != IPPROTO_ICMP && m->protos[0] != IPPROTO_ICMPV6)) {
        if (!c->failed)
            config_read_fail(r, "icmp_type without its protocol; expected "
                                "\"proto\": \"icmp\" or \"icmpv6\" beside it");
        c->failed = true;
        return;
    }
    if (s == NULL) {
        if (config_read_uint(r, v, 0, 255, &number))
            m->icmp_type = (int16_t)number;
        else
            c->failed = true;
        return;
    }
    word =
        m->protos[0] == IPPROTO_ICMP
            ? config_match_word(icmp_types, CONFIG_READ_N(icmp_types), s)
            : config_match_word(icmpv6_types, CONFIG_READ_N(icmpv6_types), s);
    if (word != NULL) {
        m->icmp_type = word->number;
        return;
    }
    config_read_fail(r,
                     "%s is no type of %s; expected a number from 0 to 255 "
                     "or a name like echo-request, time-exceeded",
                     config_read_show(r, s),
                     m->protos[0] == IPPROTO_ICMP ? "icmp" : "icmpv6");
    c->failed = true;
}
