/* match.c - what a rule asks of a packet
 *
 * As in nftables a match about addresses of one family is about that family
 * only, negated or not: `dst != 10.0.0.0/8` says nothing of IPv6. */
#include "config/rule/match.h"

#include "config/ifaces.h"
#include "config/rule/sets.h"
#include "system/addr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const struct config_match_word *
config_match_word(const struct config_match_word *words, size_t n,
                  const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(words[i].name, name) == 0)
            return &words[i];
    return NULL;
}

const char *config_match_words(enum ct_words list, char text[256])
{
    unsigned n;
    const struct ct_word *row = ct_words(list, &n);
    size_t at = 0;

    for (unsigned i = 0; i < n && at < 256; i++)
        if (row[i].name != NULL)
            at += (size_t)snprintf(text + at, 256 - at, "%s%s",
                                   at == 0 ? "" : ", ", row[i].name);
    return text;
}

static bool read_one(struct config_read *r, const json_t *v,
                     config_match_one_fn *one, struct ct_match *m, bool first,
                     bool *negate)
{
    const char *s = json_string_value(v);
    bool inverse = s != NULL && s[0] == '!';

    if (!first && inverse != *negate) {
        config_read_fail(r, "a list of both kinds; expected ! before every "
                            "entry, or before none");
        return false;
    }
    *negate = inverse;
    if (inverse)
        for (s++; *s == ' '; s++)
            ;
    return one(r, v, s, m);
}

bool config_match_list(struct config_read *r, json_t *v,
                       config_match_one_fn *one, struct ct_match *m,
                       bool *negate)
{
    bool ok = true;

    if (!json_is_array(v))
        return read_one(r, v, one, m, true, negate);
    if (json_array_size(v) == 0) {
        config_read_fail(r, "an empty list; expected at least one entry");
        return false;
    }
    for (size_t i = 0; i < json_array_size(v); i++) {
        size_t was = config_read_enter_at(r, i);

        ok &= read_one(r, json_array_get(v, i), one, m, i == 0, negate);
        config_read_leave(r, was);
    }
    return ok;
}

/* ---- interfaces ---- */

static bool add_iface(struct config_read *r, const json_t *v, const char *s,
                      uint8_t *first, uint16_t *too)
{
    uint8_t iface;

    if (config_read_string(r, v, 17, "the name of an interface") == NULL)
        return false;
    iface = config_iface_find(r->config, s);
    if (iface == CT_NO_IFACE)
        config_read_fail(r, "there is no interface %s; expected %s",
                         config_read_show(r, s),
                         config_ifaces_expected(r->config));
    else if (*first == CT_NO_IFACE)
        *first = iface;
    else
        *too = (uint16_t)(*too | 1u << iface);
    return iface != CT_NO_IFACE;
}

static bool one_in(struct config_read *r, const json_t *v, const char *s,
                   struct ct_match *m)
{
    return add_iface(r, v, s, &m->in, &m->in_too);
}

static bool one_out(struct config_read *r, const json_t *v, const char *s,
                    struct ct_match *m)
{
    return add_iface(r, v, s, &m->out, &m->out_too);
}

void config_match_in(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;
    struct ct_match *m = &c->rule.match;

    c->failed |= !config_match_list(r, v, one_in, m, &m->in_negate);
}

void config_match_out(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;
    struct ct_match *m = &c->rule.match;

    c->failed |= !config_match_list(r, v, one_out, m, &m->out_negate);
}

/* ---- addresses and protocols ---- */

/* Bit 0 IPv4, bit 1 IPv6, until the whole list is read. */
static bool one_family_of(struct config_read *r, const json_t *v, const char *s,
                          struct ct_match *m)
{
    static const struct config_match_word words[] = {{"ipv4", 1}, {"ipv6", 2}};
    const struct config_match_word *word =
        s == NULL ? NULL : config_match_word(words, CONFIG_READ_N(words), s);

    if (word == NULL) {
        config_read_fail(r, "this is %s; expected one of \"ipv4\", \"ipv6\"",
                         config_read_kind(r, v));
        return false;
    }
    m->family |= word->number;
    return true;
}

void config_match_family(struct config_read *r, json_t *v, void *into)
{
    static const uint8_t of[] = {0, CT_IPV4, CT_IPV6, 0};
    struct config_rule *c = into;
    struct ct_match *m = &c->rule.match;
    bool negate = false,
         ok = config_match_list(r, v, one_family_of, m, &negate);

    if (ok && negate && m->family == 3) {
        config_read_fail(r, "neither IPv4 nor IPv6: this rule can match "
                            "nothing; expected one of them");
        ok = false;
    }
    m->family = of[negate ? 3 - m->family : m->family];
    c->failed |= !ok;
}

void config_match_src(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;

    c->failed |= !config_sets_match(r, v, &c->rule.match.src, &c->src_own);
}

void config_match_dst(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;

    c->failed |= !config_sets_match(r, v, &c->rule.match.dst, &c->dst_own);
}

static bool one_proto(struct config_read *r, const json_t *v, const char *s,
                      struct ct_match *m)
{
    const struct ct_word *word =
        s == NULL ? NULL : ct_word_find(CT_WORDS_PROTO, s);
    json_int_t number = word != NULL ? word->number : json_integer_value(v);
    char *end = NULL;

    if (word == NULL && s != NULL && *s >= '0' && *s <= '9') {
        errno = 0;
        number = strtol(s, &end, 10);
        if (*end != '\0' || errno != 0)
            number = -1;
    } else if (word == NULL && !json_is_integer(v)) {
        number = -1;
    }
    if (number < 0 || number > 255) {
        config_read_fail(r,
                         "%s is no protocol; expected tcp, udp, icmp, "
                         "icmpv6, ... or a number from 0 to 255",
                         config_read_kind(r, v));
        return false;
    }
    if (m->n_protos == sizeof(m->protos)) {
        config_read_fail(r, "a seventh protocol; expected at most 6 a rule");
        return false;
    }
    m->protos[m->n_protos++] = (uint8_t)number;
    return true;
}

void config_match_proto(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;
    struct ct_match *m = &c->rule.match;

    c->failed |= !config_match_list(r, v, one_proto, m, &m->proto_negate);
}

/* ---- numbers ---- */

/* A kind of numbers: ports, or a row of matches.def. */
struct numbers {
    const char *name;
    enum ct_words words; /* CT_N_WORDS: they have none */
    uint16_t top;
};

static const struct numbers ports = {"port", CT_N_WORDS, 65535};

static void refuse_number(struct config_read *r, const struct numbers *kind,
                          const char *s)
{
    char known[256];

    if (kind->words == CT_N_WORDS)
        config_read_fail(r,
                         "%s is no %s; expected a number from 0 to %u or a "
                         "range \"A-B\" with A <= B",
                         config_read_show(r, s), kind->name, kind->top);
    else
        config_read_fail(r,
                         "%s is no %s; expected a number from 0 to %u, a "
                         "range \"A-B\" with A <= B, or one of %s",
                         config_read_show(r, s), kind->name, kind->top,
                         config_match_words(kind->words, known));
}

static bool one_range(struct config_read *r, const json_t *v,
                      const struct numbers *kind, struct ct_number_range *range)
{
    const char *s = json_string_value(v);
    const struct ct_word *word = NULL;
    uint64_t number;

    if (s == NULL) {
        if (!config_read_uint(r, v, 0, kind->top, &number))
            return false;
        *range = (struct ct_number_range){(uint16_t)number, (uint16_t)number};
        return true;
    }
    for (s += s[0] == '!'; *s == ' '; s++)
        ;
    if (kind->words != CT_N_WORDS)
        word = ct_word_find(kind->words, s);
    if (word != NULL) {
        range->lo = range->hi = (uint16_t)word->number;
        return true;
    }
    if (!system_addr_ports(s, range) || range->hi > kind->top) {
        refuse_number(r, kind, s);
        return false;
    }
    return true;
}

static int by_lo(const void *a, const void *b)
{
    const struct ct_number_range *x = a, *y = b;

    return x->lo != y->lo ? (int)x->lo - (int)y->lo : (int)x->hi - (int)y->hi;
}

static bool read_numbers(struct config_read *r, json_t *v,
                         const struct numbers *kind, struct ct_number_set *out)
{
    bool list = json_is_array(v), ok = true;
    size_t n = list ? json_array_size(v) : 1, last = 0;
    struct ct_number_range *ranges;

    if (n == 0 || n > 65535) {
        config_read_fail(r, "a list of %zu; expected 1 to 65535 entries", n);
        return false;
    }
    ranges = config_read_alloc(r, n, sizeof(*ranges));
    for (size_t i = 0; i < n; i++) {
        json_t *one = list ? json_array_get(v, i) : v;
        const char *s = json_string_value(one);
        size_t was = list ? config_read_enter_at(r, i) : r->path_len;
        bool negate = s != NULL && s[0] == '!';

        if (i > 0 && negate != out->negate) {
            config_read_fail(r, "a list of both kinds; expected ! before every "
                                "entry, or before none");
            ok = false;
        }
        out->negate = negate;
        ok &= one_range(r, one, kind, &ranges[i]);
        config_read_leave(r, was);
    }
    if (!ok)
        return false;
    qsort(ranges, n, sizeof(*ranges), by_lo);
    for (size_t i = 1; i < n; i++) {
        if (ranges[i].lo > ranges[last].hi + 1)
            ranges[++last] = ranges[i];
        else if (ranges[i].hi > ranges[last].hi)
            ranges[last].hi = ranges[i].hi;
    }
    out->r = ranges;
    out->n = (uint16_t)(last + 1);
    return true;
}

void config_match_sport(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;

    c->failed |= !read_numbers(r, v, &ports, &c->rule.match.sport);
}

void config_match_dport(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;

    c->failed |= !read_numbers(r, v, &ports, &c->rule.match.dport);
}

#define V(name, facts, words, top, help)                                       \
    void config_match_##name(struct config_read *r, json_t *v, void *into)     \
    {                                                                          \
        static const struct numbers kind = {#name, words, top};                \
        struct config_rule *c = into;                                          \
                                                                               \
        c->failed |= !read_numbers(r, v, &kind, &c->rule.match.name);          \
    }
CT_NUMBER_MATCHES(V)
#undef V

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
    for (unsigned i = 0; i < m->n_protos; i++)
        if (!ct_proto_has_ports(m->protos[i]))
            return false;
    return m->n_protos > 0 && !m->proto_negate;
}

/* ---- the whole ---- */

/* Bit 0 IPv4, bit 1 IPv6: what the protocols leave. */
static unsigned proto_families(const struct ct_match *m)
{
    unsigned families = 0;

    for (unsigned i = 0; i < m->n_protos; i++)
        families |= m->protos[i] == CT_PROTO_ICMP     ? 1u
                    : m->protos[i] == CT_PROTO_ICMPV6 ? 2u
                                                      : 3u;
    return families == 0 || m->proto_negate ? 3u : families;
}

/* own: addresses that come and go do not say what the rule is about. */
static unsigned set_families(const struct ct_addr_set *set, bool own)
{
    unsigned families = config_sets_families(set);

    return set->present && families != 0 && !own ? families : 3u;
}

static unsigned one_family(unsigned family)
{
    return family == 0 ? 3u : family == CT_IPV4 ? 1u : 2u;
}

static void check_family(struct config_read *r, struct config_rule *c)
{
    struct ct_match *m = &c->rule.match;
    unsigned families = one_family(m->family) & one_family(c->rule.nat.family) &
                        set_families(&m->src, c->src_own) &
                        set_families(&m->dst, c->dst_own) & proto_families(m);

    if (families == 0)
        config_read_fail(r, "this rule can match nothing: it asks for IPv4 and "
                            "IPv6 at once; expected one family");
    m->family = families == 1 ? CT_IPV4 : families == 2 ? CT_IPV6 : 0;
}

static void check_hook(struct config_read *r, const struct config_rule *c)
{
    const struct ct_match *m = &c->rule.match;
    unsigned hook = c->rule.hook;

    if (m->in != CT_NO_IFACE && hook == CT_OUTPUT)
        config_read_fail_in(r, "in", true,
                            "packets made here came by no interface; expected "
                            "\"out\" in output");
    if (m->out != CT_NO_IFACE && (hook == CT_PREROUTING || hook == CT_INPUT))
        config_read_fail_in(r, "out", true,
                            "not routed to an interface at this hook; expected "
                            "\"out\" in forward, output or postrouting only");
}

void config_match_check(struct config_read *r, struct config_rule *c)
{
    const uint8_t opens = 1u << CT_NEW | 1u << CT_RELATED;
    struct ct_match *m = &c->rule.match;
    uint8_t info = (uint8_t)(m->info_negate ? ~m->info : m->info);

    check_family(r, c);
    check_hook(r, c);
    if (!config_match_has_ports(m) && (m->sport.n > 0 || m->dport.n > 0))
        config_read_fail_in(r, m->sport.n > 0 ? "sport" : "dport", true,
                            "a port without a protocol that has ports; "
                            "expected \"proto\" beside it, one of%s",
                            config_match_ported());
    if (c->rule.stage == CT_STAGE_RAW && m->info != 0)
        config_read_fail_in(r, "ct_state", true,
                            "%s is asked before conntrack; expected a rule "
                            "without ct_state",
                            c->action);
    if (c->rule.stage == CT_STAGE_RAW && m->status != 0)
        config_read_fail_in(r, "ct_status", true,
                            "%s is asked before conntrack; expected a rule "
                            "without ct_status",
                            c->action);
    if (c->rule.stage == CT_STAGE_RAW && m->mark_mask != 0)
        config_read_fail_in(r, "mark", true,
                            "%s is asked before conntrack, which knows the "
                            "mark; expected a rule without mark",
                            c->action);
    if (c->rule.stage == CT_STAGE_RAW && m->has_labels)
        config_read_fail_in(r, m->labels_negate ? "not_label" : "label", true,
                            "%s is asked before conntrack, which knows the "
                            "labels; expected a rule without them",
                            c->action);
    if (c->rule.stage == CT_STAGE_NAT && m->info != 0 && (info & opens) == 0)
        config_read_fail_in(r, "ct_state", false,
                            "%s is asked for the first packet of a flow only; "
                            "expected new or related",
                            c->action);
}
