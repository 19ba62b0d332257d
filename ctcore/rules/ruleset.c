/* ruleset.c - match rules as data
 *
 * What rules look at is read from the packet once, into struct facts; then each
 * rule is a handful of comparisons, in the order of matches.def, until one
 * fails. Addresses are numbers here, most significant word first, so that an
 * address set is searched in the same way in either family: by bisection,
 * within one of twice as many parts of its span as it has ranges, so that
 * mostly one range or two are looked at, however many there are. */
#include "rules/ruleset.h"

#include "packet/mangle.h"
#include "packet/parse.h"
#include "table/conn.h"

#include <ctcore/bits.h>
#include <ctcore/matches.def>
#include <ctcore/wire.h>

#include <string.h>

/* An address as a number; an IPv4 address is all in lo. */
struct number {
    uint64_t hi, lo;
};

struct facts {
    struct number src, dst;
    const struct ct_pkt *pkt;
    uint16_t sport, dport;
    bool has_ports, has_icmp;
    bool must; /* a match holds only where that is sure */
    const struct ruleset_unknown *unknown; /* or NULL */
};

static struct number address_number(const uint8_t *p, bool v4)
{
    union ct_addr a;

    if (v4) {
        memcpy(a.b, p, 4);
        return (struct number){0, __builtin_bswap32(a.w32[0])};
    }
    memcpy(a.b, p, 16);
    return (struct number){__builtin_bswap64(a.w64[0]),
                           __builtin_bswap64(a.w64[1])};
}

static bool is_number_above(struct number a, struct number b)
{
    return a.hi != b.hi ? a.hi > b.hi : a.lo > b.lo;
}

static struct facts read_packet_facts(const struct ct_pkt *pkt)
{
    bool v4 = pkt->tuple.family == CT_IPV4;
    uint8_t proto = pkt->tuple.proto;
    const struct ct_ports_header *ports =
        ct_ports_view(pkt->data + pkt->l4_off);
    struct facts f = {.pkt = pkt};

    f.src = address_number(ct_ip_src(pkt->data, v4), v4);
    f.dst = address_number(ct_ip_dst(pkt->data, v4), v4);
    if (pkt->l4_bad)
        return f;
    f.has_ports = ct_proto_has_ports(proto);
    f.has_icmp = ct_proto_is_icmp(proto);
    if (f.has_ports) {
        f.sport = ct_load16(ports->sport);
        f.dport = ct_load16(ports->dport);
    }
    return f;
}

/* ---- sets of addresses ---- */

static struct number subtract_number(struct number a, struct number b)
{
    return (struct number){a.hi - b.hi - (a.lo < b.lo), a.lo - b.lo};
}

/* In which part of 1 << shift numbers d lies; saturated. */
static uint64_t part_of(struct number d, unsigned shift)
{
    if (shift >= 64)
        return d.hi >> (shift - 64);
    if (d.hi >> shift)
        return UINT64_MAX;
    return (shift ? d.hi << (64 - shift) : 0) | d.lo >> shift;
}

uint32_t ct_addr_index_words(uint32_t n)
{
    if (n <= 4 || n > UINT32_MAX / 4)
        return 0;
    return ct_power_of_two(2 * n) + 1;
}

void ct_addr_index_make(struct ct_addr_index *index, uint32_t *at,
                        const struct ct_addr_range *ranges, uint32_t n, bool v4)
{
    struct number base = address_number(ranges[0].lo.b, v4);
    struct number span =
        subtract_number(address_number(ranges[n - 1].lo.b, v4), base);
    uint32_t next = 0;

    *index = (struct ct_addr_index){
        .at = at, .parts = ct_addr_index_words(n) - 1, .shift = 0};
    while (part_of(span, index->shift) >= index->parts)
        index->shift++;
    for (uint32_t p = 0; p <= index->parts; p++) {
        while (next < n &&
               part_of(
                   subtract_number(address_number(ranges[next].lo.b, v4), base),
                   index->shift) < p)
            next++;
        at[p] = next;
    }
}

/* Among hi ranges: only those that begin where a is are to be looked at. */
static void narrow_by_index(const struct ct_addr_index *index,
                            struct number base, struct number a, uint32_t *lo,
                            uint32_t *hi)
{
    uint64_t part;

    if (is_number_above(base, a)) {
        *hi = 0;
        return;
    }
    if ((a.hi | base.hi) == 0 && index->shift < 64) /* IPv4 is of these */
        part = (a.lo - base.lo) >> index->shift;
    else
        part = part_of(subtract_number(a, base), index->shift);
    if (part >= index->parts) {
        *lo = *hi;
        return;
    }
    *lo = index->at[part];
    *hi = index->at[part + 1];
}

/* A set without a range of that family is about the other one, unless it is
 * about both. */
static __attribute__((noinline)) bool match_none(const struct ct_addr_set *set)
{
    return set->both && set->negate;
}

static bool match_addr(const struct ct_addr_set *set, struct number a, bool v4)
{
    const struct ct_addr_range *r = v4 ? set->v4 : set->v6;
    const struct ct_addr_index *index = v4 ? &set->index4 : &set->index6;
    uint32_t lo = 0, hi = v4 ? set->n_v4 : set->n_v6;
    bool in;

    if (__builtin_expect(hi == 0, 0))
        return match_none(set);
    if (__builtin_expect(index->at != NULL, 1))
        narrow_by_index(index, address_number(r[0].lo.b, v4), a, &lo, &hi);
    while (lo < hi) { /* lo: how many ranges begin at or below a */
        uint32_t mid = lo + (hi - lo) / 2;

        if (is_number_above(address_number(r[mid].lo.b, v4), a))
            hi = mid;
        else
            lo = mid + 1;
    }
    in = lo > 0 && !is_number_above(a, address_number(r[lo - 1].hi.b, v4));
    return in != set->negate;
}

/* ---- what a packet has ---- */

/* Bits, of which some are unknown. */
struct bits {
    uint64_t is[2], unknown[2];
};

static uint8_t get_family(const struct facts *f)
{
    return f->pkt->tuple.family;
}

static uint8_t get_in(const struct facts *f)
{
    return f->pkt->in;
}

static uint8_t get_out(const struct facts *f)
{
    return f->pkt->out;
}

static uint8_t get_proto(const struct facts *f)
{
    return f->pkt->tuple.proto;
}

static int get_info(const struct facts *f)
{
    return f->pkt->info;
}

/* Of a flow's status its first packet has these, where rules ask. */
#define STATUS_OF_FIRST ((uint32_t)CT_EXPECTED | (uint32_t)CT_DST_NAT)

/* Status words of a packet without a flow say nothing, negated or not. */
static int get_status(const struct facts *f)
{
    const struct ct_conn *c = f->pkt->conn;
    uint32_t facts = f->unknown ? f->unknown->facts : 0;
    uint32_t mask = facts & CT_FACT_LATER ? STATUS_OF_FIRST : UINT16_MAX;

    if (facts & CT_FACT_DNAT)
        mask &= ~(uint32_t)CT_DST_NAT;
    return c ? (int)(c->status & mask) : -1;
}

static struct bits get_mark(const struct facts *f)
{
    return (struct bits){{f->pkt->mark}, {f->unknown ? f->unknown->mark : 0}};
}

static struct bits get_labels(const struct facts *f)
{
    static const uint64_t none[2];
    const uint64_t *labels = f->pkt->labels ? f->pkt->labels : none;
    const uint64_t *unknown = f->unknown ? f->unknown->labels : none;

    return (struct bits){{labels[0], labels[1]}, {unknown[0], unknown[1]}};
}

/* As in nftables a flow's zone is that of the direction that has one. */
static int get_zone(const struct facts *f)
{
    const struct ct_pkt *pkt = f->pkt;
    uint16_t zone = pkt->tuple.zone, other = pkt->zone_reply;

    if (pkt->conn) {
        zone = pkt->conn->tuple[CT_DIR_ORIGINAL].zone;
        other = pkt->conn->tuple[CT_DIR_REPLY].zone;
    }
    return zone ? zone : other;
}

static int get_icmp_type(const struct facts *f)
{
    return f->has_icmp ? f->pkt->icmp_type : -1;
}

static bool get_syn(const struct facts *f)
{
    return f->pkt->tuple.proto == CT_PROTO_TCP &&
           (f->pkt->l4_flags & (CT_TCP_SYN | CT_TCP_RST)) == CT_TCP_SYN &&
           f->has_ports;
}

static int get_sport(const struct facts *f)
{
    return f->has_ports ? f->sport : -1;
}

static int get_dport(const struct facts *f)
{
    return f->has_ports ? f->dport : -1;
}

static struct number get_src(const struct facts *f)
{
    return f->src;
}

static struct number get_dst(const struct facts *f)
{
    return f->dst;
}

static int get_dscp(const struct facts *f)
{
    return ct_ip_class(f->pkt->data, f->pkt->tuple.family == CT_IPV4) >> 2;
}

/* ---- kinds: is it what the rule asks?  A number of -1: it has none ---- */

static bool is_FAMILY(const uint8_t *want, const struct facts *f, uint8_t is)
{
    (void)f;
    return *want == is;
}

static bool is_IFACE(const struct ct_iface_set *set, const struct facts *f,
                     uint8_t is)
{
    (void)f;
    return ct_match_iface(set, is);
}

static bool is_PROTO(const struct ct_proto_set *set, const struct facts *f,
                     uint8_t is)
{
    (void)f;
    return ct_match_proto(set, is);
}

static bool is_ONE_OF(const struct ct_bit_set *set, const struct facts *f,
                      int is)
{
    (void)f;
    return (set->of >> is & 1) != set->negate;
}

static bool is_BITS(const struct ct_bit_set *set, const struct facts *f, int is)
{
    (void)f;
    return is >= 0 && ((is & set->of) != 0) != set->negate;
}

/* Are these bits, of which some are unknown, what a match wants?  They are not
 * where one of them refuses it; must: nor where an unknown one may. */
static bool are_bits(uint64_t bits, uint64_t unknown, bool must, uint64_t want,
                     uint64_t mask)
{
    uint64_t wrong = must ? (bits ^ want) | unknown : (bits ^ want) & ~unknown;

    return (wrong & mask) == 0;
}

static bool is_MARK(const struct ct_mark_set *set, const struct facts *f,
                    struct bits is)
{
    bool must = f->must != set->negate, any = false;

    for (unsigned i = 0; i < set->n; i++)
        any |= are_bits(is.is[0], is.unknown[0], must, set->of[i].value,
                        set->of[i].mask);
    return any != set->negate;
}

static bool is_LABELS(const struct ct_label_set *set, const struct facts *f,
                      struct bits is)
{
    bool must = f->must != set->negate, all = true;

    for (int i = 0; i < 2; i++)
        all &= are_bits(is.is[i], is.unknown[i], must, set->of[i], set->of[i]);
    return all != set->negate;
}

static bool is_NUMBER(const struct ct_number_set *set, const struct facts *f,
                      int is)
{
    (void)f;
    return is >= 0 && ct_match_number(set, (uint16_t)is);
}

static bool is_PORT(const struct ct_number_set *set, const struct facts *f,
                    int is)
{
    return is_NUMBER(set, f, is);
}

static bool is_TYPE(const struct ct_number_set *set, const struct facts *f,
                    int is)
{
    return is_NUMBER(set, f, is);
}

static bool is_FLAG(const bool *want, const struct facts *f, bool is)
{
    (void)f;
    return *want == is;
}

static bool is_ADDRS(const struct ct_addr_set *set, const struct facts *f,
                     struct number is)
{
    return match_addr(set, is, f->pkt->tuple.family == CT_IPV4);
}

/* Rare in rules, so out of the way of all others. */
#define RARE __attribute__((noinline))
#define ASKED_FAMILY
#define ASKED_IFACE
#define ASKED_PROTO
#define ASKED_ONE_OF
#define ASKED_BITS
#define ASKED_MARK   RARE
#define ASKED_LABELS RARE
#define ASKED_NUMBER RARE
#define ASKED_PORT
#define ASKED_TYPE RARE
#define ASKED_FLAG
#define ASKED_ADDRS

#define M(KIND, name, key, reads, words, top, help)                            \
    static ASKED_##KIND bool is_##name(const struct ct_match *m,               \
                                       const struct facts *f)                  \
    {                                                                          \
        return is_##KIND(&m->name, f, get_##name(f));                          \
    }
CT_MATCHES(M)
#undef M

/* ---- rules ---- */

/* unknown, of enum ct_fact, is a constant where it is 0, so that nothing of it
 * is left there. */
static __attribute__((always_inline)) inline bool
match(const struct ct_match *m, const struct facts *f, uint32_t unknown)
{
#define M(KIND, name, key, reads, words, top, help)                            \
    (((reads)&unknown) || !ct_asks_##KIND(&m->name) || is_##name(m, f)) &&
    return CT_MATCHES(M) true;
#undef M
}

static __attribute__((noinline)) uint32_t
match_unknown(const struct ct_ruleset *rules, uint32_t from, uint32_t end,
              const struct facts *f, uint32_t unknown)
{
    while (from < end && !match(&rules->rules[from].match, f, unknown))
        from++;
    return from;
}

uint32_t ruleset_match(const struct ct_ruleset *rules, uint32_t from,
                       uint32_t end, const struct ct_pkt *pkt,
                       const struct ruleset_unknown *unknown)
{
    struct facts f;

    if (from >= end)
        return end; /* most (hook, stage) pairs hold no rule: look at nothing */
    f = read_packet_facts(pkt);
    if (unknown) {
        f.unknown = unknown;
        return match_unknown(rules, from, end, &f, unknown->facts);
    }
    while (from < end && !match(&rules->rules[from].match, &f, 0))
        from++;
    return from;
}

/* Some bits of these may be known, and others not. */
#define IS_BY_BIT(is)                                                          \
    _Generic((is), struct ct_mark_set                                          \
             : true, struct ct_label_set                                       \
             : true, default                                                   \
             : false)

bool ruleset_maybe(const struct ct_rule *r, const struct ct_pkt *pkt,
                   const struct ruleset_unknown *unknown)
{
    const struct ct_match *m = &r->match;
    const struct facts f = {.pkt = pkt, .must = true, .unknown = unknown};

    if (ruleset_reads(r) & unknown->facts)
        return true;
#define M(KIND, name, key, facts, words, top, help)                            \
    if (IS_BY_BIT(m->name) && ct_asks_##KIND(&m->name) && !is_##name(m, &f))   \
        return true;
    CT_MATCHES(M)
#undef M
    return false;
}

uint32_t ruleset_reads(const struct ct_rule *r)
{
    const struct ct_match *m = &r->match;
    uint32_t reads = 0;

#define M(KIND, name, key, facts, words, top, help)                            \
    if (ct_asks_##KIND(&m->name))                                              \
        reads |= (facts);
#define L(name, facts, asked)                                                  \
    if (asked)                                                                 \
        reads |= (facts);
    CT_MATCHES(M)
    CT_LIMITS(L)
#undef L
#undef M
    return reads;
}

void ruleset_pretend(struct ct_pkt *pkt, const struct ct_tuple *t,
                     uint8_t bytes[RULESET_HEAD])
{
    struct ct_ports_header *ports;

    pkt->data = bytes;
    pkt->len = RULESET_HEAD;
    pkt->l4_off = t->family == CT_IPV4 ? sizeof(struct ct_ipv4_header)
                                       : sizeof(struct ct_ipv6_header);
    pkt->l4_len = pkt->len - pkt->l4_off;
    pkt->l4_bad = false;
    pkt->tuple = *t;
    mangle_put_addr(bytes, MANGLE_SRC, &t->src, t->family);
    mangle_put_addr(bytes, MANGLE_DST, &t->dst, t->family);
    if (ct_proto_has_ports(t->proto)) {
        ports = ct_ports_edit(bytes + pkt->l4_off);
        ct_store16(&ports->sport, t->sport);
        ct_store16(&ports->dport, t->dport);
    }
    if (ct_proto_is_icmp(t->proto))
        pkt->icmp_type = (uint8_t)(t->dport >> 8);
}

void ruleset_count(struct ct_rule_count *counts, uint32_t rule,
                   const struct ct_pkt *pkt)
{
    ct_add(&counts[rule].packets, 1);
    ct_add(&counts[rule].bytes, pkt->len);
}
