/* kind.c - what a rule asks, as configuration says it
 *
 * Each kind of match has one reader, whatever it is that a row of matches.def
 * asks.  Most take one value or a list of them, each behind a ! or none. */
#include "config/rule/kind.h"

#include "config/ifaces.h"
#include "config/rule/sets.h"
#include "system/addr.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_ENTRIES = 65535, MOST_MARKS = 256, N_LABELS = 128 };

const char *config_kind_words(enum ct_words list, char text[CONFIG_KIND_WORDS])
{
    unsigned n;
    const struct ct_word *row = ct_words(list, &n);
    size_t at = 0;

    for (unsigned i = 0; i < n && at < CONFIG_KIND_WORDS; i++)
        if (row[i].name != NULL)
            at += (size_t)snprintf(text + at, CONFIG_KIND_WORDS - at, "%s%s",
                                   at == 0 ? "" : ", ", row[i].name);
    return text;
}

/* Reads one entry; s is its text behind a leading !, NULL for another value. */
typedef bool one_fn(struct config_read *r, const json_t *v, const char *s,
                    const struct config_kind *kind, void *out);

static bool read_entry(struct config_read *r, const json_t *v, one_fn *one,
                       const struct config_kind *kind, void *out, bool first,
                       bool *negate)
{
    const char *s = json_string_value(v);
    bool inverse = s != NULL && s[0] == '!';

    if (!first && inverse != *negate) {
        config_read_fail(r, "only some entries begin with !; use ! before "
                            "every entry, or before none");
        return false;
    }
    *negate = inverse;
    if (inverse)
        for (s++; *s == ' '; s++)
            ;
    return one(r, v, s, kind, out);
}

static size_t count_json_entries(const json_t *v)
{
    return json_is_array(v) ? json_array_size(v) : 1;
}

static bool has_entries(struct config_read *r, const json_t *v, size_t most)
{
    size_t n = count_json_entries(v);

    if (n == 0)
        config_read_fail(r, "an empty list; use 1 to %zu entries", most);
    else if (n > most)
        config_read_fail(r, "too many entries: %zu; use 1 to %zu", n, most);
    return n >= 1 && n <= most;
}

/* A value, or each of a list: all of them behind a !, or none. */
static bool read_match_list(struct config_read *r, json_t *v, one_fn *one,
                            const struct config_kind *kind, void *out,
                            bool *negate)
{
    bool ok = true;

    if (!json_is_array(v))
        return read_entry(r, v, one, kind, out, true, negate);
    if (!has_entries(r, v, MOST_ENTRIES))
        return false;
    for (size_t i = 0; i < json_array_size(v); i++) {
        size_t was = config_read_enter_at(r, i);

        ok &=
            read_entry(r, json_array_get(v, i), one, kind, out, i == 0, negate);
        config_read_leave(r, was);
    }
    return ok;
}

/* ---- interfaces ---- */

static bool one_iface(struct config_read *r, const json_t *v, const char *s,
                      const struct config_kind *kind, void *out)
{
    struct ct_iface_set *set = out;
    uint8_t iface;

    (void)kind;
    if (config_read_string(r, v, 17, "the name of an interface") == NULL)
        return false;
    iface = config_iface_find(r->config, s);
    if (iface == CT_NO_IFACE) {
        config_read_fail(r, "unknown interface %s; valid: %s",
                         config_read_show(r, s),
                         config_ifaces_expected(r->config));
        return false;
    }
    set->of = (uint16_t)(set->of | 1u << iface);
    return true;
}

bool config_kind_IFACE(struct config_read *r, json_t *v,
                       const struct config_kind *kind,
                       const struct config_rule *c, struct ct_iface_set *out)
{
    (void)c;
    return read_match_list(r, v, one_iface, kind, out, &out->negate);
}

static const struct ct_word *known_word(struct config_read *r, const json_t *v,
                                        const char *s,
                                        const struct config_kind *kind)
{
    const struct ct_word *word =
        s == NULL ? NULL : ct_word_find(kind->words, s);
    char known[CONFIG_KIND_WORDS];

    if (word == NULL)
        config_read_fail(r, "%s is not a valid %s; use one of %s",
                         config_read_kind(r, v), kind->key,
                         config_kind_words(kind->words, known));
    return word;
}

/* ---- families, addresses and protocols ---- */

/* Bit 0 IPv4, bit 1 IPv6, until the whole list is read. */
static bool read_family_word(struct config_read *r, const json_t *v,
                             const char *s, const struct config_kind *kind,
                             void *out)
{
    const struct ct_word *word = known_word(r, v, s, kind);
    uint8_t *families = out;

    if (word != NULL)
        *families |= word->number == CT_IPV4 ? 1 : 2;
    return word != NULL;
}

bool config_kind_FAMILY(struct config_read *r, json_t *v,
                        const struct config_kind *kind,
                        const struct config_rule *c, uint8_t *out)
{
    static const uint8_t of[] = {0, CT_IPV4, CT_IPV6, 0};
    uint8_t families = 0;
    bool negate = false,
         ok = read_match_list(r, v, read_family_word, kind, &families, &negate);

    (void)c;
    if (ok && negate && families == 3) {
        config_read_fail(r, "a rule for neither IPv4 nor IPv6 matches nothing; "
                            "use one of them");
        ok = false;
    }
    *out = of[negate ? 3 - families : families];
    return ok;
}

bool config_kind_ADDRS(struct config_read *r, json_t *v,
                       const struct config_kind *kind,
                       const struct config_rule *c, struct ct_addr_set *out)
{
    (void)kind;
    (void)c;
    return config_sets_match(r, v, out);
}

static bool one_proto(struct config_read *r, const json_t *v, const char *s,
                      const struct config_kind *kind, void *out)
{
    struct ct_proto_set *set = out;
    const struct ct_word *word =
        s == NULL ? NULL : ct_word_find(kind->words, s);
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
    if (number < 0 || number > kind->top) {
        config_read_fail(r,
                         "unknown protocol %s; use tcp, udp, icmp, icmpv6, ... "
                         "or a number from 0 to %u",
                         config_read_kind(r, v), kind->top);
        return false;
    }
    if (set->n == sizeof(set->of)) {
        config_read_fail(r, "too many protocols: 7; at most 6 per rule");
        return false;
    }
    set->of[set->n++] = (uint8_t)number;
    return true;
}

bool config_kind_PROTO(struct config_read *r, json_t *v,
                       const struct config_kind *kind,
                       const struct config_rule *c, struct ct_proto_set *out)
{
    (void)c;
    return read_match_list(r, v, one_proto, kind, out, &out->negate);
}

/* ---- words ---- */

static bool one_choice(struct config_read *r, const json_t *v, const char *s,
                       const struct config_kind *kind, void *out)
{
    struct ct_bit_set *set = out;
    const struct ct_word *word = known_word(r, v, s, kind);

    if (word != NULL)
        set->of = (uint16_t)(set->of | 1u << word->number);
    return word != NULL;
}

bool config_kind_ONE_OF(struct config_read *r, json_t *v,
                        const struct config_kind *kind,
                        const struct config_rule *c, struct ct_bit_set *out)
{
    (void)c;
    return read_match_list(r, v, one_choice, kind, out, &out->negate);
}

static bool one_bit(struct config_read *r, const json_t *v, const char *s,
                    const struct config_kind *kind, void *out)
{
    struct ct_bit_set *set = out;
    const struct ct_word *word = known_word(r, v, s, kind);

    if (word != NULL)
        set->of = (uint16_t)(set->of | word->number);
    return word != NULL;
}

bool config_kind_BITS(struct config_read *r, json_t *v,
                      const struct config_kind *kind,
                      const struct config_rule *c, struct ct_bit_set *out)
{
    (void)c;
    return read_match_list(r, v, one_bit, kind, out, &out->negate);
}

bool config_kind_true(struct config_read *r, const json_t *v)
{
    if (!json_is_true(v))
        config_read_fail(r, "%s is not allowed here; use true",
                         config_read_kind(r, v));
    return json_is_true(v);
}

bool config_kind_FLAG(struct config_read *r, json_t *v,
                      const struct config_kind *kind,
                      const struct config_rule *c, bool *out)
{
    (void)kind;
    (void)c;
    *out = config_kind_true(r, v);
    return *out;
}

/* ---- marks and labels ---- */

static bool parse_number32(const char *s, const char *end, uint32_t *out)
{
    char text[16], *stop;
    size_t n = (size_t)(end - s);

    if (n == 0 || n >= sizeof(text) || *s < '0' || *s > '9')
        return false;
    memcpy(text, s, n);
    text[n] = '\0';
    errno = 0;
    unsigned long long v = strtoull(
        text, &stop, text[0] == '0' && (text[1] | 0x20) == 'x' ? 16 : 10);

    *out = (uint32_t)v;
    return *stop == '\0' && errno == 0 && v <= UINT32_MAX;
}

/* s: the text of v, a ! aside; NULL: a number. */
static bool parse_mark(struct config_read *r, const json_t *v, const char *s,
                       struct ct_mark *mark)
{
    const char *slash;
    uint64_t number;
    bool ok;

    mark->mask = UINT32_MAX;
    if (s == NULL) {
        ok = config_read_uint(r, v, 0, UINT32_MAX, &number);
        mark->value = ok ? (uint32_t)number : 0;
        return ok;
    }
    slash = strchr(s, '/');
    ok = parse_number32(s, slash != NULL ? slash : s + strlen(s),
                        &mark->value) &&
         (slash == NULL ||
          parse_number32(slash + 1, slash + strlen(slash), &mark->mask));
    if (!ok || mark->mask == 0 || (mark->value & ~mark->mask) != 0) {
        config_read_fail(
            r,
            "%s is not a mark; use a number of 32 bits, or \"VALUE/MASK\" with "
            "a mask that is not 0 and has all bits of the value",
            config_read_show(r, s));
        return false;
    }
    return true;
}

bool config_kind_one_mark(struct config_read *r, const json_t *v,
                          struct ct_mark *mark)
{
    return parse_mark(r, v, json_string_value(v), mark);
}

struct marks {
    struct ct_mark *of;
    uint16_t n;
};

static bool one_mark(struct config_read *r, const json_t *v, const char *s,
                     const struct config_kind *kind, void *out)
{
    struct marks *marks = out;

    (void)kind;
    return parse_mark(r, v, s, &marks->of[marks->n++]);
}

bool config_kind_MARK(struct config_read *r, json_t *v,
                      const struct config_kind *kind,
                      const struct config_rule *c, struct ct_mark_set *out)
{
    struct marks marks = {NULL, 0};
    bool ok;

    (void)c;
    if (!has_entries(r, v, MOST_MARKS))
        return false;
    marks.of = config_read_alloc(r, count_json_entries(v), sizeof *marks.of);
    ok = read_match_list(r, v, one_mark, kind, &marks, &out->negate);
    out->of = marks.of;
    out->n = marks.n;
    return ok;
}

static bool one_label(struct config_read *r, const json_t *v,
                      uint64_t labels[2])
{
    uint64_t bit;

    if (!config_read_uint(r, v, 0, N_LABELS - 1, &bit))
        return false;
    labels[bit >> 6] |= (uint64_t)1 << (bit & 63);
    return true;
}

bool config_kind_labels(struct config_read *r, json_t *v, uint64_t labels[2])
{
    bool ok = true;

    if (!json_is_array(v))
        return one_label(r, v, labels);
    if (!has_entries(r, v, N_LABELS))
        return false;
    for (size_t i = 0; i < json_array_size(v); i++) {
        size_t was = config_read_enter_at(r, i);

        ok &= one_label(r, json_array_get(v, i), labels);
        config_read_leave(r, was);
    }
    return ok;
}

bool config_kind_LABELS(struct config_read *r, json_t *v,
                        const struct config_kind *kind,
                        const struct config_rule *c, struct ct_label_set *out)
{
    (void)c;
    if (ct_asks_LABELS(out)) {
        config_read_fail(
            r, "\"%s\" and \"not_%s\" are both set; remove one of them",
            kind->key, kind->key);
        return false;
    }
    return config_kind_labels(r, v, out->of);
}

/* ---- numbers ---- */

struct numbers {
    struct ct_number_range *of;
    size_t n;
    const char *name; /* what one is called in an error */
};

static void refuse_number(struct config_read *r, const struct config_kind *kind,
                          const char *name, const char *s)
{
    char known[CONFIG_KIND_WORDS];

    if (kind->words == CT_N_WORDS)
        config_read_fail(
            r,
            "%s is not a valid %s; use a number from 0 to %u, or a "
            "range \"A-B\" with A <= B",
            config_read_show(r, s), name, kind->top);
    else
        config_read_fail(
            r,
            "%s is not a valid %s; use a number from 0 to %u, a range "
            "\"A-B\" with A <= B, or one of %s",
            config_read_show(r, s), name, kind->top,
            config_kind_words(kind->words, known));
}

static bool one_range(struct config_read *r, const json_t *v, const char *s,
                      const struct config_kind *kind, void *out)
{
    struct numbers *numbers = out;
    struct ct_number_range *range = &numbers->of[numbers->n++];
    const struct ct_word *word = NULL;
    uint64_t number;

    if (s == NULL) {
        if (!config_read_uint(r, v, 0, kind->top, &number))
            return false;
        *range = (struct ct_number_range){(uint16_t)number, (uint16_t)number};
        return true;
    }
    if (kind->words != CT_N_WORDS)
        word = ct_word_find(kind->words, s);
    if (word != NULL) {
        range->lo = range->hi = (uint16_t)word->number;
        return true;
    }
    if (!system_addr_ports(s, range) || range->hi > kind->top) {
        refuse_number(r, kind, numbers->name, s);
        return false;
    }
    return true;
}

static int compare_number_ranges(const void *a, const void *b)
{
    const struct ct_number_range *x = a, *y = b;

    return x->lo != y->lo ? (int)x->lo - (int)y->lo : (int)x->hi - (int)y->hi;
}

static bool read_numbers(struct config_read *r, json_t *v,
                         const struct config_kind *kind, const char *name,
                         struct ct_number_set *out)
{
    struct numbers numbers = {NULL, 0, name};
    struct ct_number_range *range;
    size_t last = 0;

    if (!has_entries(r, v, MOST_ENTRIES))
        return false;
    range = numbers.of =
        config_read_alloc(r, count_json_entries(v), sizeof *range);
    if (!read_match_list(r, v, one_range, kind, &numbers, &out->negate))
        return false;
    qsort(range, numbers.n, sizeof *range, compare_number_ranges);
    for (size_t i = 1; i < numbers.n; i++) {
        if (range[i].lo > range[last].hi + 1)
            range[++last] = range[i];
        else if (range[i].hi > range[last].hi)
            range[last].hi = range[i].hi;
    }
    out->r = range;
    out->n = (uint16_t)(last + 1);
    return true;
}

bool config_kind_NUMBER(struct config_read *r, json_t *v,
                        const struct config_kind *kind,
                        const struct config_rule *c, struct ct_number_set *out)
{
    (void)c;
    return read_numbers(r, v, kind, kind->key, out);
}

bool config_kind_PORT(struct config_read *r, json_t *v,
                      const struct config_kind *kind,
                      const struct config_rule *c, struct ct_number_set *out)
{
    (void)c;
    return read_numbers(r, v, kind, "port", out);
}

bool config_kind_TYPE(struct config_read *r, json_t *v,
                      const struct config_kind *kind,
                      const struct config_rule *c, struct ct_number_set *out)
{
    const struct ct_proto_set *protos = &c->rule.match.proto;
    uint8_t proto = protos->n == 1 && !protos->negate ? protos->of[0] : 0;
    struct config_kind of = *kind;

    if (!ct_proto_is_icmp(proto)) {
        if (!c->failed) /* it may be the protocol that failed */
            config_read_fail(
                r,
                "%s needs its protocol; add \"proto\": \"icmp\" or \"icmpv6\"",
                kind->key);
        return false;
    }
    of.words =
        proto == CT_PROTO_ICMP ? CT_WORDS_ICMP_TYPE : CT_WORDS_ICMPV6_TYPE;
    return read_numbers(
        r, v, &of, proto == CT_PROTO_ICMP ? "type of icmp" : "type of icmpv6",
        out);
}
