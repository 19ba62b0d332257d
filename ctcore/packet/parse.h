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
static inline uint32_t parse_dccp_coverage(const uint8_t *dccp, uint32_t len)
{
    uint32_t words = dccp[5] & 15u;

    return words == 0 ? len : (dccp[4] + words - 1) * 4;
}

/* Is this ICMP message about another packet?  It quotes one, then. */
static inline bool parse_icmp_error(uint8_t family, uint8_t type)
{
    if (family == CT_IPV6)
        return type < 128 || type == 137;
    return type == 3 || type == 4 || type == 5 || type == 11 || type == 12;
}

/* Is it a query or an answer to one?  Bytes 4 and 5 are its id, then. */
static inline bool parse_icmp_query(uint8_t family, uint8_t type)
{
    if (family == CT_IPV6)
        return type == 128 || type == 129 || type == 139 || type == 140;
    return type == 0 || type == 8 || (type >= 13 && type <= 18);
}

/* A Fragment header's second byte is reserved, not a length; that of an
 * authentication header (RFC 4302 section 2.2) counts in fours. */
static inline uint32_t parse_ext_size(const uint8_t *h, uint8_t kind)
{
    if (kind == CT_PROTO_FRAGMENT)
        return 8;
    return kind == CT_PROTO_AH ? ((uint32_t)h[1] + 2) * 4
                               : ((uint32_t)h[1] + 1) * 8;
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
