/* filter.c - one grammar to choose flows
 *
 * A term is parsed once into numbers and matched many times; nothing here
 * allocates, so a filter can be copied as a value. */
#include "filter/filter.h"
#include "filter/names.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum key {
    K_PROTO,
    K_STATE,
    K_SRC,
    K_DST,
    K_REPLY_SRC,
    K_REPLY_DST,
    K_SPORT,
    K_DPORT,
    K_REPLY_SPORT,
    K_REPLY_DPORT,
    K_ICMP_TYPE,
    K_ICMP_CODE,
    K_ICMP_ID,
    K_FAMILY,
    K_STATUS,
    K_NAT,
    K_SRC_NAT,
    K_DST_NAT,
    K_ANY_NAT,
    K_MARK,
    K_LABEL,
    K_ZONE,
    K_ZONE_ORIG,
    K_ZONE_REPLY,
    K_IN,
    K_OUT,
    N_KEYS
};

enum form { NAME, STATE, NET, RANGE, BITS, STATUS, NAT, FAMILY, PROTO };

static const struct {
    const char *name;
    uint8_t form;
    uint32_t top; /* of a range */
    const char *help;
} keys[N_KEYS] = {
    [K_PROTO] = {"proto", PROTO, 0, "protocol, by name or number"},
    [K_STATE] = {"state", STATE, 0, "state, as the tracker calls it"},
    [K_SRC] = {"src", NET, 0, "source address or prefix, original direction"},
    [K_DST] = {"dst", NET, 0,
               "destination address or prefix, original direction"},
    [K_REPLY_SRC] = {"reply_src", NET, 0,
                     "source address or prefix, reply direction"},
    [K_REPLY_DST] = {"reply_dst", NET, 0,
                     "destination address or prefix, reply direction"},
    [K_SPORT] = {"sport", RANGE, 65535, "source port, or lo-hi"},
    [K_DPORT] = {"dport", RANGE, 65535, "destination port, or lo-hi"},
    [K_REPLY_SPORT] = {"reply_sport", RANGE, 65535,
                       "source port, or lo-hi, reply direction"},
    [K_REPLY_DPORT] = {"reply_dport", RANGE, 65535,
                       "destination port, or lo-hi, reply direction"},
    [K_ICMP_TYPE] = {"icmp_type", RANGE, 255, "ICMP type, or lo-hi"},
    [K_ICMP_CODE] = {"icmp_code", RANGE, 255, "ICMP code, or lo-hi"},
    [K_ICMP_ID] = {"icmp_id", RANGE, 65535, "ICMP id, or lo-hi"},
    [K_FAMILY] = {"family", FAMILY, 0, "ipv4 or ipv6"},
    [K_STATUS] = {"status", STATUS, 0,
                  "status bits that are all set, comma separated; UNSET: "
                  "neither SEEN_REPLY nor ASSURED nor FIXED_TIMEOUT"},
    [K_NAT] = {"nat", NAT, 0, "src, dst, any or none: what is translated"},
    [K_SRC_NAT] = {"src_nat", NET, 0, "source translated to address or prefix"},
    [K_DST_NAT] = {"dst_nat", NET, 0,
                   "destination translated to address or prefix"},
    [K_ANY_NAT] = {"any_nat", NET, 0,
                   "source or destination translated to address or prefix"},
    [K_MARK] = {"mark", BITS, 0, "mark, or mark/mask"},
    [K_LABEL] = {"label", RANGE, 127, "a label it has, or one of lo-hi"},
    [K_ZONE] = {"zone", RANGE, 65535, "zone of both directions"},
    [K_ZONE_ORIG] = {"zone_orig", RANGE, 65535, "zone, original direction"},
    [K_ZONE_REPLY] = {"zone_reply", RANGE, 65535, "zone, reply direction"},
    [K_IN] = {"in", NAME, 0, "interface the first packet came by"},
    [K_OUT] = {"out", NAME, 0, "interface the first packet left by"},
};

static int find_key(const char *key)
{
    int k;

    for (k = 0; k < N_KEYS; k++)
        if (strcmp(keys[k].name, key) == 0)
            return k;
    return -1;
}

bool filter_key(const char *key)
{
    return find_key(key) >= 0;
}

const char *filter_doc(unsigned row, const char **help)
{
    if (row >= N_KEYS)
        return NULL;
    *help = keys[row].help;
    return keys[row].name;
}

/* Digits, all of text up to end; hexadecimal with 0x where allowed. */
static bool parse_filter_number(const char *text, const char *end, bool hex,
                                uint32_t top, uint32_t *n)
{
    uint64_t value = 0;
    unsigned base = 10;

    if (hex && end - text > 2 && text[0] == '0' &&
        (text[1] == 'x' || text[1] == 'X')) {
        base = 16;
        text += 2;
    }
    if (text == end)
        return false;
    for (; text < end; text++) {
        char c = *text;
        unsigned digit = c >= '0' && c <= '9'   ? (unsigned)(c - '0')
                         : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10
                         : c >= 'A' && c <= 'F' ? (unsigned)(c - 'A') + 10
                                                : 99;

        if (digit >= base)
            return false;
        value = value * base + digit;
        if (value > top)
            return false;
    }
    *n = (uint32_t)value;
    return true;
}

static bool parse_net(struct filter_term *t, const char *value)
{
    const char *slash = strchr(value, '/');
    size_t n = slash ? (size_t)(slash - value) : strlen(value);
    uint32_t len;
    char text[64];

    if (n == 0 || n >= sizeof(text))
        return false;
    memcpy(text, value, n);
    text[n] = '\0';
    if (inet_pton(AF_INET, text, t->u.net.addr.b) == 1)
        t->u.net.family = CT_IPV4;
    else if (inet_pton(AF_INET6, text, t->u.net.addr.b) == 1)
        t->u.net.family = CT_IPV6;
    else
        return false;
    len = t->u.net.family == CT_IPV4 ? 32 : 128;
    if (slash && !parse_filter_number(slash + 1, slash + strlen(slash), false,
                                      len, &len))
        return false;
    t->u.net.len = (uint8_t)len;
    return true;
}

static bool parse_range(struct filter_term *t, const char *value, uint32_t top)
{
    const char *dash = strpbrk(value, "-:");
    const char *end = value + strlen(value);

    if (!parse_filter_number(value, dash ? dash : end, false, top,
                             &t->u.range.lo))
        return false;
    t->u.range.hi = t->u.range.lo;
    if (dash && !parse_filter_number(dash + 1, end, false, top, &t->u.range.hi))
        return false;
    return t->u.range.lo <= t->u.range.hi;
}

static bool parse_bits(struct filter_term *t, const char *value)
{
    const char *slash = strchr(value, '/');
    const char *end = value + strlen(value);

    t->u.bits.mask = UINT32_MAX;
    return parse_filter_number(value, slash ? slash : end, true, UINT32_MAX,
                               &t->u.bits.value) &&
           (!slash || parse_filter_number(slash + 1, end, true, UINT32_MAX,
                                          &t->u.bits.mask));
}

/* The bits that `-o save` shows; it shows UNSET when there is none of them. */
static const uint32_t saved_bits =
    CT_SEEN_REPLY | CT_ASSURED | CT_FIXED_TIMEOUT;

static bool parse_status(struct filter_term *t, const char *value)
{
    t->u.bits.value = t->u.bits.mask = 0;
    if (strcasecmp(value, "UNSET") == 0) {
        t->u.bits.mask = saved_bits;
        return true;
    }
    while (*value) {
        size_t n = strcspn(value, ",");
        char name[24];
        uint32_t bit;

        if (n == 0 || n >= sizeof(name))
            return false;
        memcpy(name, value, n);
        name[n] = '\0';
        bit = names_status_bit(name);
        if (bit == 0)
            return false;
        t->u.bits.value |= bit;
        t->u.bits.mask |= bit;
        value += n;
        if (*value == ',' && *++value == '\0')
            return false;
    }
    return true;
}

static bool parse_state(struct filter_term *t, const char *value)
{
    if (!names_is_state(value))
        return false;
    (void)snprintf(t->u.name, sizeof(t->u.name), "%s", value);
    return true;
}

static bool parse_nat(struct filter_term *t, const char *value)
{
    if (strcmp(value, "src") == 0)
        t->u.bits.value = CT_SRC_NAT;
    else if (strcmp(value, "dst") == 0)
        t->u.bits.value = CT_DST_NAT;
    else if (strcmp(value, "any") == 0)
        t->u.bits.value = CT_NAT_MASK;
    else if (strcmp(value, "none") == 0)
        t->u.bits.value = 0;
    else
        return false;
    return true;
}

static bool parse_one(struct filter_term *t, const char *value,
                      const char **why)
{
    const struct ct_word *word;
    int proto;

    switch (keys[t->key].form) {
    case NAME:
        *why = "a name of 1 to 23 letters is expected";
        if (strlen(value) >= sizeof(t->u.name) || *value == '\0')
            return false;
        memcpy(t->u.name, value, strlen(value) + 1);
        return true;
    case STATE:
        *why = "a state is expected, as ESTABLISHED, SYN_SENT or TIME_WAIT";
        return parse_state(t, value);
    case NET:
        *why = "an address, or an address with /prefix length, is expected";
        return parse_net(t, value);
    case RANGE:
        *why = "a number in range, or lo-hi, is expected";
        return parse_range(t, value, keys[t->key].top);
    case BITS:
        *why = "a number, or number/mask, is expected";
        return parse_bits(t, value);
    case STATUS:
        *why = "status names are expected, as ASSURED or SEEN_REPLY, or UNSET "
               "alone";
        return *value && parse_status(t, value);
    case NAT:
        *why = "src, dst, any or none is expected";
        return parse_nat(t, value);
    case FAMILY:
        *why = "ipv4 or ipv6 is expected";
        word = ct_word_find(CT_WORDS_FAMILY, value);
        t->u.range.lo = t->u.range.hi = word ? word->number : 0;
        return word;
    default:
        *why = "a protocol's name, or its number up to 255, is expected";
        proto = names_proto_number(value);
        t->u.range.lo = t->u.range.hi = (uint32_t)proto;
        return proto >= 0;
    }
}

bool filter_add(struct filter *f, const char *key, const char *value,
                const char **why)
{
    struct filter_term t = {0};
    int k = find_key(key);

    if (k < 0) {
        *why = "no such key";
        return false;
    }
    if (f->n == FILTER_MAX_TERMS) {
        *why = "too many conditions, 32 are allowed";
        return false;
    }
    t.key = (uint8_t)k;
    t.negate = *value == '!';
    if (!parse_one(&t, value + t.negate, why))
        return false;
    f->term[f->n++] = t;
    return true;
}

static bool in_net(const struct filter_term *t, uint8_t family,
                   const union ct_addr *a)
{
    unsigned whole = t->u.net.len / 8, rest = t->u.net.len % 8;

    if (t->u.net.family != family)
        return false;
    if (memcmp(a->b, t->u.net.addr.b, whole) != 0)
        return false;
    return rest == 0 ||
           ((a->b[whole] ^ t->u.net.addr.b[whole]) >> (8 - rest)) == 0;
}

static bool is_term_in_range(const struct filter_term *t, uint32_t n)
{
    return n >= t->u.range.lo && n <= t->u.range.hi;
}

static bool has_label(const struct filter_term *t, const struct ct_view *v)
{
    for (uint32_t i = t->u.range.lo; i <= t->u.range.hi; i++)
        if (v->labels[i >> 6] >> (i & 63) & 1)
            return true;
    return false;
}

/* What a port key sees; false: the flow has no ports. */
static bool port_of(const struct ct_view *v, uint8_t key, uint32_t *port)
{
    const struct ct_tuple *o = &v->tuple[CT_DIR_ORIGINAL];
    const struct ct_tuple *r = &v->tuple[CT_DIR_REPLY];
    bool icmp = ct_proto_is_icmp(o->proto);

    switch (key) {
    case K_SPORT:
        *port = o->sport;
        break;
    case K_DPORT:
        *port = o->dport;
        break;
    case K_REPLY_SPORT:
        *port = r->sport;
        break;
    case K_REPLY_DPORT:
        *port = r->dport;
        break;
    case K_ICMP_TYPE:
        *port = o->dport >> 8;
        return icmp;
    case K_ICMP_CODE:
        *port = o->dport & 0xffu;
        return icmp;
    default:
        *port = o->sport;
        return icmp;
    }
    return ct_proto_has_ports(o->proto);
}

static bool term_holds(const struct filter_term *t, const struct ct_view *v,
                       const struct web_flows *flows)
{
    const struct ct_tuple *o = &v->tuple[CT_DIR_ORIGINAL];
    const struct ct_tuple *r = &v->tuple[CT_DIR_REPLY];
    uint32_t port;

    switch (t->key) {
    case K_PROTO:
        return is_term_in_range(t, o->proto);
    case K_FAMILY:
        return is_term_in_range(t, o->family);
    case K_ZONE:
        return is_term_in_range(t, o->zone == r->zone ? o->zone : 0);
    case K_ZONE_ORIG: /* of a flow that has one for that direction alone */
        return is_term_in_range(t, o->zone == r->zone ? 0 : o->zone);
    case K_ZONE_REPLY:
        return is_term_in_range(t, o->zone == r->zone ? 0 : r->zone);
    case K_STATE:
        return v->state && strcasecmp(v->state, t->u.name) == 0;
    case K_SRC:
        return in_net(t, o->family, &o->src);
    case K_DST:
        return in_net(t, o->family, &o->dst);
    case K_REPLY_SRC:
        return in_net(t, r->family, &r->src);
    case K_REPLY_DST:
        return in_net(t, r->family, &r->dst);
    case K_SRC_NAT:
        return (v->status & CT_SRC_NAT) && in_net(t, r->family, &r->dst);
    case K_DST_NAT:
        return (v->status & CT_DST_NAT) && in_net(t, r->family, &r->src);
    case K_ANY_NAT:
        return ((v->status & CT_SRC_NAT) && in_net(t, r->family, &r->dst)) ||
               ((v->status & CT_DST_NAT) && in_net(t, r->family, &r->src));
    case K_STATUS:
        return (v->status & t->u.bits.mask) == t->u.bits.value;
    case K_NAT:
        return t->u.bits.value ? (v->status & t->u.bits.value) != 0
                               : (v->status & CT_NAT_MASK) == 0;
    case K_LABEL:
        return has_label(t, v);
    case K_MARK:
        return (v->mark & t->u.bits.mask) == t->u.bits.value;
    case K_IN:
        return strcmp(flows->iface_name(flows->ctx, v->in), t->u.name) == 0;
    case K_OUT:
        return strcmp(flows->iface_name(flows->ctx, v->out), t->u.name) == 0;
    default:
        return port_of(v, t->key, &port) && is_term_in_range(t, port);
    }
}

bool filter_match(const struct filter *f, const struct ct_view *v,
                  const struct web_flows *flows)
{
    uint32_t asked = 0, met = 0; /* bit by key, positive terms only */
    uint32_t i;

    for (i = 0; i < f->n; i++) {
        const struct filter_term *t = &f->term[i];
        bool yes = term_holds(t, v, flows);

        if (t->negate) {
            if (yes)
                return false;
            continue;
        }
        asked |= 1u << t->key;
        met |= (uint32_t)yes << t->key;
    }
    return asked == met;
}
