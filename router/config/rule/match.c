/* match.c - what a rule asks of a packet
 *
 * As in nftables a match about addresses of one family is about that family
 * only, negated or not: `dst != 10.0.0.0/8` says nothing of IPv6. */
#include "config/rule/match.h"

#include "config/rule/kind.h"
#include "config/rule/sets.h"

#include <string.h>

/* ---- a key for each row ---- */

#define M(KIND, name, key, facts, words, top, help)                            \
    void config_match_##name(struct config_read *r, json_t *v, void *into)     \
    {                                                                          \
        static const struct config_kind kind = {key, words, top};              \
        struct config_rule *c = into;                                          \
        struct ct_match *m = &c->rule.match;                                   \
                                                                               \
        c->failed |= !config_kind_##KIND(r, v, &kind, c, &m->name);            \
    }
CT_MATCHES(M)
#undef M

void config_match_not_labels(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;

    config_match_labels(r, v, into);
    c->rule.match.labels.negate = true;
}

const char *config_match_ported(void)
{
#define WITH_PORTS(name) " " #name
#define WITH_QUERY(name) ""
#define WITH_KEYS(name)  ""
#define P(NAME, name, number, header, ids, sum_at, sum, content)               \
    WITH_##ids(name)
    return CT_PROTOS(P);
#undef P
}

bool config_match_has_ports(const struct ct_match *m)
{
    for (unsigned i = 0; i < m->proto.n; i++)
        if (!ct_proto_has_ports(m->proto.of[i]))
            return false;
    return m->proto.n > 0 && !m->proto.negate;
}

/* ---- the whole ---- */

/* Bit 0 IPv4, bit 1 IPv6: what the protocols leave. */
static unsigned proto_families(const struct ct_match *m)
{
    unsigned families = 0;

    for (unsigned i = 0; i < m->proto.n; i++)
        families |= m->proto.of[i] == CT_PROTO_ICMP     ? 1u
                    : m->proto.of[i] == CT_PROTO_ICMPV6 ? 2u
                                                        : 3u;
    return families == 0 || m->proto.negate ? 3u : families;
}

/* Addresses that come and go do not say what the rule is about. */
static unsigned set_families(const struct ct_addr_set *set)
{
    unsigned families = config_sets_families(set);

    return set->present && families != 0 && !set->both ? families : 3u;
}

static unsigned get_family_mask(unsigned family)
{
    return family == 0 ? 3u : family == CT_IPV4 ? 1u : 2u;
}

static void check_family(struct config_read *r, struct config_rule *c)
{
    struct ct_match *m = &c->rule.match;
    unsigned families =
        get_family_mask(m->family) & get_family_mask(c->rule.nat.family) &
        set_families(&m->src) & set_families(&m->dst) & proto_families(m);

    if (families == 0)
        config_read_fail(
            r,
            "a rule for IPv4 and IPv6 at once matches nothing; use one family");
    m->family = families == 1 ? CT_IPV4 : families == 2 ? CT_IPV6 : 0;
}

static void check_iface_hook(struct config_read *r, const struct config_rule *c)
{
    const struct ct_match *m = &c->rule.match;
    unsigned hook = c->rule.hook;

    if (m->in.of != 0 && hook == CT_OUTPUT)
        config_read_fail_in(r, "in", true,
                            "the router's own packets came by no interface; "
                            "use \"out\" in output");
    if (m->out.of != 0 && (hook == CT_PREROUTING || hook == CT_INPUT))
        config_read_fail_in(r, "out", true,
                            "\"out\" is not allowed in this hook, before "
                            "routing; use forward, output or postrouting");
}

/* Labels have two keys. */
static const char *get_given_key(const char *key, const struct ct_match *m)
{
    return strcmp(key, "label") == 0 && m->labels.negate ? "not_label" : key;
}

/* What conntrack knows can't be asked before it. */
static void check_known(struct config_read *r, const struct config_rule *c)
{
    const struct ct_match *m = &c->rule.match;

    if (c->rule.stage != CT_STAGE_RAW)
        return;
#define M(KIND, name, key, facts, words, top, help)                            \
    if (((facts) & (CT_FACT_STATE | CT_FACT_CT)) && ct_asks_##KIND(&m->name))  \
        config_read_fail_in(r, get_given_key(key, m), true,                    \
                            "%s is decided before conntrack; use a rule "      \
                            "without %s",                                      \
                            c->action, get_given_key(key, m));
    CT_MATCHES(M)
#undef M
}

void config_match_check(struct config_read *r, struct config_rule *c)
{
    const uint8_t opens = 1u << CT_NEW | 1u << CT_RELATED;
    struct ct_match *m = &c->rule.match;
    uint8_t info = (uint8_t)(m->info.negate ? ~m->info.of : m->info.of);

    check_family(r, c);
    check_iface_hook(r, c);
    if (!config_match_has_ports(m) && (m->sport.n > 0 || m->dport.n > 0))
        config_read_fail_in(
            r, m->sport.n > 0 ? "sport" : "dport", true,
            "a port needs a protocol that has ports; add \"proto\", one of%s",
            config_match_ported());
    check_known(r, c);
    if (c->rule.stage == CT_STAGE_NAT && m->info.of != 0 && (info & opens) == 0)
        config_read_fail_in(
            r, "ct_state", false,
            "%s is decided at the first packet of a flow; use new or related",
            c->action);
}
