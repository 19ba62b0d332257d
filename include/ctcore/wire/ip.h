/* ip.h - the headers of IPv4, of IPv6 and of its extensions */
#ifndef CTCORE_WIRE_IP_H
#define CTCORE_WIRE_IP_H

#include <ctcore/wire/number.h>
#include <stdbool.h>

/* ---- IPv4 (RFC 791) ---- */

/* What ct_ipv4_header.frag holds. */
enum { CT_IPV4_DF = 0x4000, CT_IPV4_MF = 0x2000, CT_IPV4_OFFSET = 0x1fff };

struct ct_ipv4_header {
    uint8_t version_ihl, tos;
    ct_be16 len, id, frag;
    uint8_t ttl, proto;
    ct_be16 check;
    union {
        struct {
            ct_be32 src, dst;
        };
        ct_be32 addr[2]; /* the same, for what is done to either */
    };
};
CT_HEADER(ipv4, 20);

static inline uint32_t ct_ipv4_size(const struct ct_ipv4_header *ip)
{
    return (ip->version_ihl & 15u) * 4;
}

/* Of IPv4 and of IPv6.
 * => p .. p + 1 is there. */
static inline uint8_t ct_ip_version(const uint8_t *p)
{
    return *p >> 4;
}

/* RFC 3168 5: the codepoint of congestion experienced, in TOS and class. */
enum { CT_ECN = 3, CT_ECN_CE = 3 };

/* ---- IPv6 (RFC 8200) and its extension headers ---- */

/* What ct_fragment_header.offset holds. */
enum { CT_IPV6_MF = 1, CT_IPV6_OFFSET = 0xfff8 };

struct ct_ipv6_header {
    ct_be16 version_class; /* and the upper four bits of the flow label */
    ct_be16 label;
    ct_be16 len; /* without this header */
    uint8_t next, hop_limit;
    union {
        struct {
            uint8_t src[16], dst[16];
        };
        ct_be32 addr[2][4]; /* the same, in words */
    };
};
CT_HEADER(ipv6, 40);

static inline uint8_t ct_ipv6_class(const struct ct_ipv6_header *ip)
{
    return (uint8_t)(ct_load16(ip->version_class) >> 4);
}

static inline void ct_ipv6_set_class(struct ct_ipv6_header *ip, uint8_t is)
{
    uint32_t others = ct_load16(ip->version_class) & 0xf00fu;

    ct_store16(&ip->version_class, others | (uint32_t)is << 4);
}

/* What all of them begin with; eight bytes of each are there at least. */
struct ct_extension_header {
    uint8_t next, len; /* in eights behind these, or as the kind has it */
    uint8_t routing_type, segments_left; /* of a routing header */
    uint8_t rest[4];
};
CT_HEADER(extension, 8);

struct ct_fragment_header {
    uint8_t next, reserved;
    ct_be16 offset;
    ct_be32 id;
};
CT_HEADER(fragment, 8);

/* ---- either IP header ----
 *
 * => at p is a whole header, IPv4's if v4. */

static inline const uint8_t *ct_ip_src(const uint8_t *p, bool v4)
{
    return v4 ? ct_ipv4_view(p)->src.b : ct_ipv6_view(p)->src;
}

static inline const uint8_t *ct_ip_dst(const uint8_t *p, bool v4)
{
    return v4 ? ct_ipv4_view(p)->dst.b : ct_ipv6_view(p)->dst;
}

static inline uint8_t ct_ip_ttl(const uint8_t *p, bool v4)
{
    return v4 ? ct_ipv4_view(p)->ttl : ct_ipv6_view(p)->hop_limit;
}

static inline uint8_t ct_ip_class(const uint8_t *p, bool v4)
{
    return v4 ? ct_ipv4_view(p)->tos : ct_ipv6_class(ct_ipv6_view(p));
}

#endif
