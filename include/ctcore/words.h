/* words.h - protocols, and names for what the core has numbers for
 *
 * All from words.def.  What is asked on the packet's way is inline, so that
 * the compiler sees constants. */
#ifndef CTCORE_WORDS_H
#define CTCORE_WORDS_H

#include <ctcore/words.def>
#include <stdbool.h>
#include <stdint.h>

/* Protocol numbers of IPv4, which are the next headers of IPv6. */
enum ct_proto {
#define P(NAME, name, number, header, ids, sum_at, sum, content)               \
    CT_PROTO_##NAME = number,
    CT_PROTOS(P)
#undef P
#define N(NAME, name, number) CT_PROTO_##NAME = number,
        CT_BARE_PROTOS(N)
#undef N
#define X(NAME, number) CT_PROTO_##NAME = number,
            CT_EXTENSIONS(X)
#undef X
};

/* What sport and dport of a tuple are. */
enum ct_ids { CT_IDS_NONE, CT_IDS_PORTS, CT_IDS_QUERY, CT_IDS_KEYS };

enum ct_sum {
    CT_SUM_PSEUDO = 1u << 0, /* covers the addresses */
    CT_SUM_ZERO = 1u << 1,   /* 0 in the field means none was made (RFC 768) */
    CT_SUM_PARTLY = 1u << 2, /* the packet says how much of it is covered */
    CT_SUM_CRC = 1u << 3     /* CRC32c in four bytes, no sum in two */
};

enum ct_content { CT_CONTENT_PLAIN, CT_CONTENT_STATES };

/* A row of CT_PROTOS; all 0: it has none. */
struct ct_proto_info {
    uint8_t header;  /* bytes, without options */
    uint8_t ids;     /* enum ct_ids */
    uint8_t sum_at;  /* offset of its checksum; 0: none that NAT must touch */
    uint8_t sum;     /* of enum ct_sum */
    uint8_t content; /* enum ct_content */
};

static inline struct ct_proto_info ct_proto_info(uint8_t proto)
{
    switch (proto) {
#define P(NAME, name, number, header, ids, sum_at, sum, content)               \
    case number:                                                               \
        return (struct ct_proto_info){header, CT_IDS_##ids, sum_at, sum,       \
                                      CT_CONTENT_##content};
        CT_PROTOS(P)
#undef P
    default:
        return (struct ct_proto_info){0, CT_IDS_NONE, 0, 0, CT_CONTENT_PLAIN};
    }
}

/* Do its first four bytes hold a source and a destination port? */
static inline bool ct_proto_has_ports(uint8_t proto)
{
#define P(NAME, name, number, header, ids, sum_at, sum, content)               \
    (CT_IDS_##ids == CT_IDS_PORTS && proto == (number)) ||
    return CT_PROTOS(P) false;
#undef P
}

static inline bool ct_proto_is_icmp(uint8_t proto)
{
    return proto == CT_PROTO_ICMP || proto == CT_PROTO_ICMPV6;
}

/* Does its tracker follow what packets say beside their ids? */
static inline bool ct_proto_has_states(uint8_t proto)
{
    return ct_proto_info(proto).content == CT_CONTENT_STATES;
}

/* Has it a tracker?  Names of others are not printed: conntrack(8) says
 * "unknown" of them. */
static inline bool ct_proto_is_tracked(uint8_t proto)
{
    return ct_proto_info(proto).ids != CT_IDS_NONE;
}

/* ---- names ---- */

struct ct_word {
    const char *name;
    uint32_t number;
};

enum ct_words {
    CT_WORDS_PROTO, /* the name that is printed comes before its aliases */
    CT_WORDS_FAMILY,
    CT_WORDS_HOOK,
    CT_WORDS_STAGE,
    CT_WORDS_INFO,
    CT_WORDS_STATUS,      /* bits, as conntrack(8) calls them */
    CT_WORDS_RULE_STATUS, /* bits, as nftables calls them */
    CT_WORDS_DSCP,
    CT_WORDS_REJECT,
    CT_WORDS_ICMP_TYPE,
    CT_WORDS_ICMPV6_TYPE,
    CT_N_WORDS
};

/* The n rows of a list.  A row without a name has no word there. */
const struct ct_word *ct_words(enum ct_words list, unsigned *n);

/* The first word of that number; NULL: there is none. */
const char *ct_word_name(enum ct_words list, uint32_t number);

/* The row of that name, letter by letter; NULL: there is none. */
const struct ct_word *ct_word_find(enum ct_words list, const char *name);

#endif
