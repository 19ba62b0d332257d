/* types.h - the words of connection tracking
 *
 * Everything here is a value: no pointers, no ownership.  Numbers are in host
 * order except the bytes of an address, which stand as they do in a packet.
 * The meanings are netfilter's; where a number is the kernel's too, it is said.
 */
#ifndef CTCORE_TYPES_H
#define CTCORE_TYPES_H

#include <ctcore/words.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An instant of the caller's monotonic clock.  Never wall time. */
typedef struct {
    uint64_t ms;
} ct_time;

static inline ct_time ct_time_add_ms(ct_time t, uint64_t ms)
{
    return (ct_time){t.ms + ms};
}

static inline ct_time ct_time_add_s(ct_time t, uint32_t s)
{
    return (ct_time){t.ms + (uint64_t)s * 1000};
}

static inline bool ct_time_reached(ct_time deadline, ct_time now)
{
    return now.ms >= deadline.ms;
}

/* Whole seconds left, rounded down as conntrack(8) shows them. */
static inline uint32_t ct_time_left_s(ct_time deadline, ct_time now)
{
    return now.ms >= deadline.ms ? 0
                                 : (uint32_t)((deadline.ms - now.ms) / 1000);
}

enum ct_family {
#define F(NAME, word, number) CT_##NAME = number,
    CT_FAMILIES(F)
#undef F
};

/* Network order; an IPv4 address is b[0..3], the rest is zero. */
union ct_addr {
    uint8_t b[16];
    uint32_t w32[4];
    uint64_t w64[2];
};

static inline bool ct_addr_eq(const union ct_addr *a, const union ct_addr *b)
{
    return a->w64[0] == b->w64[0] && a->w64[1] == b->w64[1];
}

/* One direction of a flow, seen from the sender.
 *
 * TCP, UDP, ...: sport and dport are ports.
 * ICMP, ICMPv6:  sport is the query id, dport is type << 8 | code.
 * No ports:      both are 0.
 * Padding free, so that two tuples are equal when their five words are. */
struct ct_tuple {
    union ct_addr src, dst;
    uint16_t sport, dport; /* host order */
    uint16_t zone;
    uint8_t family; /* enum ct_family */
    uint8_t proto;  /* enum ct_proto, or any other number */
};

enum ct_dir { CT_DIR_ORIGINAL, CT_DIR_REPLY, CT_N_DIRS };

/* linux/netfilter.h's numbers. */
enum ct_verdict {
    CT_DROP = 0,
    CT_ACCEPT = 1,
    CT_STOLEN = 2,
    CT_QUEUE = 3,
    CT_REPEAT = 4,
    CT_STOP = 5
};

enum ct_hook {
#define H(NAME, word) CT_##NAME,
    CT_HOOKS(H)
#undef H
        CT_N_HOOKS
};

/* Priorities of linux/netfilter_ipv4.h; a lower number is asked earlier. */
enum ct_priority {
    CT_PRI_DEFRAG = -400,
    CT_PRI_RAW = -300,
    CT_PRI_CONNTRACK = -200,
    CT_PRI_MANGLE = -150,
    CT_PRI_NAT_DST = -100,
    CT_PRI_FILTER = 0,
    CT_PRI_NAT_SRC = 100,
    CT_PRI_MANGLE_OUT = 150,
    CT_PRI_HELPER = 300,
    CT_PRI_CONFIRM = 0x7fffffff
};

/* What conntrack says of a packet.  The direction stands beside it
 * (ct_pkt.dir), so IP_CT_ESTABLISHED_REPLY is ESTABLISHED + CT_DIR_REPLY. */
enum ct_info {
#define I(NAME, word) CT_##NAME,
    CT_INFOS(I)
#undef I
        CT_N_INFO
};

enum ct_status {
#define S(NAME, bit, shown, rule, label, help) CT_##NAME = 1u << (bit),
    CT_STATUSES(S)
#undef S
};
#define CT_NAT_MASK ((uint32_t)CT_SRC_NAT | (uint32_t)CT_DST_NAT)

/* Which defaults the tunables have, and in which order flows are evicted. */
enum ct_profile { CT_PROFILE_LINUX, CT_PROFILE_WEIR, CT_PROFILE_RFC };

/* What happens to a packet that needs an entry when there is none left. */
enum ct_on_full { CT_FULL_DROP, CT_FULL_REJECT, CT_FULL_UNTRACKED };

enum { CT_MAX_IFACES = 16, CT_MAX_SHARDS = 64 };
#define CT_NO_IFACE 0xffu
#define CT_NONE     0xffffffffu /* no slot, no index */

#endif
