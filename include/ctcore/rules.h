/* rules.h - match rules as plain data
 *
 * The caller owns a ruleset and keeps it unchanged while a core may use it. One
 * ruleset serves any number of shards; the counters are each shard's own. Rules
 * stand sorted by (hook, stage, order given); start[] says where each (hook,
 * stage) begins. */
#ifndef CTCORE_RULES_H
#define CTCORE_RULES_H

#include <ctcore/matches.def>
#include <ctcore/types.h>

/* Whose facts a match reads: see matches.def. */
enum ct_fact {
    CT_FACT_FLOW = 1u << 0,   /* the same for all packets of a direction */
    CT_FACT_PACKET = 1u << 1, /* this packet's alone */
    CT_FACT_STATE = 1u << 2,  /* ct_state: what conntrack says of it */
    CT_FACT_CT = 1u << 3, /* what else its flow would have: mark, labels, ... */
    CT_FACT_L4 = 1u << 4, /* it stands in the transport header */
    CT_FACT_TO = 1u << 5, /* destination NAT changes it */
    CT_FACT_QUOTE = 1u << 6, /* an ICMP error has another than its flow */
    CT_FACT_LATER = 1u << 7, /* not a match's: what the flow's status has got
                             since its first packet; unknown, it is not there */
    CT_FACT_DNAT = 1u << 8 /* with LATER: the same of CT_DST_NAT, before a first
                           packet has met destination NAT */
};

enum ct_stage {
#define G(NAME, word) CT_STAGE_##NAME,
    CT_STAGES(G)
#undef G
        CT_N_STAGES
};

struct ct_addr_range {
    union ct_addr lo, hi; /* inclusive, compared as big-endian numbers */
};

/* Where to look in many ranges: their span, from where the first to where the
 * last begins, in equal parts of 1 << shift addresses.  at[p] ranges begin
 * before part p.  at NULL: none, and all are looked at. */
struct ct_addr_index {
    const uint32_t *at; /* parts + 1 words */
    uint32_t parts;
    uint8_t shift;
};

/* How many words an index of n ranges takes; 0: they are too few for one. */
uint32_t ct_addr_index_words(uint32_t n);
/* Fill it and its words for n ranges, sorted and without overlap.
 * => at is borrowed as long as the index is. */
void ct_addr_index_make(struct ct_addr_index *index, uint32_t *at,
                        const struct ct_addr_range *ranges, uint32_t n,
                        bool v4);

/* Ranges of one family stand sorted, merged and without overlap. */
struct ct_addr_set {
    const struct ct_addr_range *v4, *v6;
    uint32_t n_v4, n_v6;
    struct ct_addr_index index4, index6;
    bool present, negate;
    bool both; /* without ranges of a family it is about that family, too: an
                  interface's addresses, whichever it has at the moment */
};

struct ct_number_range {
    uint16_t lo, hi;
};

/* Sorted, merged and without overlap. */
struct ct_number_set {
    const struct ct_number_range *r;
    uint16_t n; /* 0: any */
    bool negate;
};

/* 1 << index of each; 0: any. */
struct ct_iface_set {
    uint16_t of;
    bool negate;
};

struct ct_proto_set {
    uint8_t n; /* 0: any */
    uint8_t of[6];
    bool negate;
};

/* Any of these; 0: not asked. */
struct ct_bit_set {
    uint16_t of;
    bool negate;
};

/* A mark, as far as the mask goes. */
struct ct_mark {
    uint32_t value, mask;
};

struct ct_mark_set {
    const struct ct_mark *of;
    uint16_t n; /* 0: any */
    bool negate;
};

/* Bit i & 63 of word i >> 6; all of them; none: not asked. */
struct ct_label_set {
    uint64_t of[2];
    bool negate;
};

#define K(KIND, type, asked)                                                   \
    typedef type ct_match_##KIND;                                              \
    static inline bool ct_asks_##KIND(const type *keeps)                       \
    {                                                                          \
        const type m = *keeps;                                                 \
                                                                               \
        return asked;                                                          \
    }
CT_MATCH_KINDS(K)
#undef K

/* What a rule asks; all zeros: nothing. */
struct ct_match {
#define M(KIND, name, key, facts, words, top, help) ct_match_##KIND name;
    CT_MATCHES(M)
#undef M
};

/* A packet made here has no interface it came by: `in != lan` is true of it. */
static inline bool ct_match_iface(const struct ct_iface_set *set, uint8_t is)
{
    return set->of == 0 ||
           (is < CT_MAX_IFACES && (set->of >> is & 1)) != set->negate;
}

static inline bool ct_match_proto(const struct ct_proto_set *set, uint8_t proto)
{
    for (unsigned i = 0; i < set->n; i++)
        if (set->of[i] == proto)
            return !set->negate;
    return set->n == 0 || set->negate;
}

static inline bool ct_match_number(const struct ct_number_set *set, uint16_t is)
{
    for (unsigned i = 0; i < set->n; i++)
        if (is >= set->r[i].lo && is <= set->r[i].hi)
            return !set->negate;
    return set->n == 0 || set->negate;
}

/* So many packets in a time, and a burst of them at once: a bucket of tokens,
 * one a rule and shard.  over: matches those for which there is no token. */
struct ct_limit {
    uint64_t cost_ns; /* in which one token comes; 0: no limit */
    uint64_t room_ns; /* the burst, as time */
    bool over;
};

/* So many live flows for each source; a flow counts from the first of its
 * packets that is asked until its end.  over: matches when there are more. */
enum { CT_MAX_CONNLIMITS = 16 };
struct ct_connlimit {
    uint8_t number; /* 1 .. CT_MAX_CONNLIMITS in its ruleset; 0: none */
    uint8_t prefix4, prefix6; /* sources alike in these bits are one */
    bool over;
    uint32_t max;
};

enum ct_action_kind {
#define D(NAME, word, stage, hooks, kind, takes, help) CT_ACT_##NAME,
    CT_ACTIONS(D)
#undef D
        CT_N_ACTIONS
};

struct ct_action_info {
    const char *name;
    uint8_t stage; /* enum ct_stage */
    uint8_t hooks; /* 1 << enum ct_hook: where it is allowed */
};
const struct ct_action_info *ct_action_info(unsigned action);

enum ct_reject {
#define W(NAME, word) CT_REJECT_##NAME,
    CT_REJECTS(W)
#undef W
        CT_N_REJECTS
};

enum ct_ttl { CT_TTL_SET, CT_TTL_UP, CT_TTL_DOWN };

/* The kernel's struct nf_nat_range2, as data. */
struct ct_nat_range {
    uint8_t family;  /* 0 when no address is given (redirect) */
    bool has_addr;   /* lo..hi is set */
    bool has_ports;  /* port_lo..port_hi is set */
    bool random;     /* ignore the source's own port and mapping */
    bool persistent; /* choose the address by source alone */
    bool shifts;     /* ports stand in it as in the rule's dport, one range of
                        the same size */
    union ct_addr lo, hi;
    uint16_t port_lo, port_hi; /* host order */
};

struct ct_rule {
    uint8_t hook, stage, action; /* enums above */
    uint8_t reject;              /* enum ct_reject */
    uint8_t helper;              /* enum ct_helper */
    uint16_t queue;              /* CT_ACT_QUEUE: its number */
    uint32_t accepts_before;     /* of a rule of the NAT stage: so many rules of
                                    FILTER are asked first whether they accept */
    struct ct_match match;
    struct ct_nat_range nat;
    uint32_t mark, mark_mask;
    uint64_t labels[2];       /* bits to set */
    const uint32_t *timeouts; /* CT_N_TIMEOUTS durations, s; 0: as all */
    uint16_t zone;
    uint8_t zone_dirs; /* 1 << enum ct_dir */
    struct ct_limit limit;
    struct ct_connlimit connlimit;
    uint16_t mss;         /* 0: what the path takes */
    uint8_t ttl, ttl_how; /* enum ct_ttl */
    uint8_t dscp;         /* 0 .. 63 */
    uint8_t prefix;       /* of netmap: bits of nat.lo that are taken */
    bool log;             /* tell of packets that meet it */
    char log_prefix[40];  /* said before; may be empty */
    char id[40];          /* stable name: its key, or a hash */
    char comment[80];     /* for people; may be empty */
};

struct ct_ruleset {
    const struct ct_rule *rules;
    uint32_t n;
    uint32_t start[CT_N_HOOKS][CT_N_STAGES + 1]; /* [stage] .. [stage+1] */
    uint32_t n_connlimits;
    uint8_t policy[CT_N_HOOKS]; /* CT_ACCEPT or CT_DROP; filter hooks only */
};

struct ct_rule_count {
    uint64_t packets, bytes; /* written by the shard's owner, atomically read */
    uint64_t full_at_ns;     /* when its limit's bucket is full; the owner's */
    uint64_t log_full_at_ns; /* the same of what it may log */
    uint32_t log_suppressed; /* since it last logged */
};

/* A packet that met a rule with log: a value, true to that moment. */
struct ct_log {
    char id[40], prefix[40]; /* the rule's */
    union ct_addr src, dst;
    uint32_t len, mark,
        suppressed;        /* not logged since the last, by this rule */
    uint16_t sport, dport; /* or 0 */
    uint8_t family, proto, ttl;
    uint8_t tcp_flags, icmp_type, icmp_code;
    uint8_t hook, in, out, info; /* out: CT_NO_IFACE before the route */
};

#endif
