/* parse.h - what parsing shares with the rest of the core
 *
 * ct_parse_packet() itself is public: <ctcore/ct.h>. */
#ifndef PARSE_H
#define PARSE_H

#include <ctcore/pkt.h>
#include <ctcore/words.h>

/* Bounds of an IPv6 header chain: hostile senders pay, not the router. */
enum { PARSE_MAX_EXT = 8, PARSE_MAX_EXT_BYTES = 512 };

/* How many of the len bytes at dccp (12 at least) its checksum covers; more
 * than len: it contradicts itself. */
static inline uint32_t parse_dccp_coverage(const struct ct_dccp_header *dccp,
                                           uint32_t len)
{
    uint32_t words = dccp->coverage & 15u;

    return words == 0 ? len : ct_dccp_size(dccp) + (words - 1) * 4;
}

/* Is this ICMP message about another packet?  It quotes one, then. */
static inline bool parse_icmp_error(uint8_t family, uint8_t type)
{
    if (family == CT_IPV6)
        return type < CT_ICMPV6_ECHO || type == CT_ICMPV6_REDIRECT;
    return type == CT_ICMP_UNREACHABLE || type == CT_ICMP_QUENCH ||
           type == CT_ICMP_REDIRECT || type == CT_ICMP_TIME_EXCEEDED ||
           type == CT_ICMP_PARAMETER;
}

/* Is it a query or an answer to one?  It has an id, then. */
static inline bool parse_icmp_query(uint8_t family, uint8_t type)
{
    if (family == CT_IPV6)
        return type == CT_ICMPV6_ECHO || type == CT_ICMPV6_ECHO_REPLY ||
               type == CT_ICMPV6_NODE_QUERY || type == CT_ICMPV6_NODE_REPLY;
    return type == CT_ICMP_ECHO_REPLY || type == CT_ICMP_ECHO ||
           (type >= CT_ICMP_TIMESTAMP && type <= CT_ICMP_MASK_REPLY);
}

/* A Fragment header's second byte is reserved, not a length; that of an
 * authentication header (RFC 4302 section 2.2) counts in fours. */
static inline uint32_t parse_ext_size(const uint8_t *h, uint8_t kind)
{
    if (kind == CT_PROTO_FRAGMENT)
        return sizeof(struct ct_fragment_header);
    return kind == CT_PROTO_AH ? (ct_extension_view(h)->len + 2u) * 4
                               : (ct_extension_view(h)->len + 1u) * 8;
}

/* Walk IPv6 extension headers.  An authentication header is one (RFC 4302):
 * what it vouches for is there to be read, and rules shall not be blind to it.
 *
 * => p .. p + len are the bytes there are; *off is where the headers begin and
 *    *proto what the first is; both move to the transport header.
 * => FRAGMENT: *off is where the Fragment header stands.
 * => quoted: the first fragment of a datagram is let pass, and routing type 0,
 *    since the packet that is quoted was sent already. */
enum ct_reason parse_chain(const uint8_t *p, uint32_t len, bool quoted,
                           uint32_t *off, uint8_t *proto);

#endif
