/* transport.h - the headers that IP carries */
#ifndef CTCORE_WIRE_TRANSPORT_H
#define CTCORE_WIRE_TRANSPORT_H

#include <ctcore/wire/number.h>

/* ---- protocols with ports ---- */

#define CT_PORTS                                                               \
    union {                                                                    \
        struct {                                                               \
            ct_be16 sport, dport;                                              \
        };                                                                     \
        ct_be16 port[2];                                                       \
    }

/* What TCP, UDP, UDP-Lite, SCTP and DCCP begin with. */
struct ct_ports_header {
    CT_PORTS;
};
CT_HEADER(ports, 4);

/* A protocol's checksum, wherever in its header it stands. */
struct ct_check_header {
    ct_be16 check;
};
CT_HEADER(check, 2);

/* ---- TCP (RFC 9293) ---- */

enum {
    CT_TCP_FIN = 0x01,
    CT_TCP_SYN = 0x02,
    CT_TCP_RST = 0x04,
    CT_TCP_PSH = 0x08,
    CT_TCP_ACK = 0x10,
    CT_TCP_URG = 0x20,
    CT_TCP_FLAGS = 0x3f, /* these; ECN's are above */
    CT_TCP_CWR = 0x80    /* RFC 3168 */
};

struct ct_tcp_header {
    CT_PORTS;
    ct_be32 seq, ack;
    uint8_t offset, flags;
    ct_be16 win, check, urgent;
};
CT_HEADER(tcp, 20);

/* What its eight bytes show of TCP that an error quotes at least. */
struct ct_tcp_quoted_header {
    CT_PORTS;
    ct_be32 seq;
};
CT_HEADER(tcp_quoted, 8);

/* Options included. */
static inline uint32_t ct_tcp_size(const struct ct_tcp_header *tcp)
{
    return (tcp->offset >> 4) * 4u;
}

enum {
    CT_TCP_OPTION_END = 0,
    CT_TCP_OPTION_NOP = 1,
    CT_TCP_OPTION_MSS = 2,
    CT_TCP_OPTION_SCALE = 3,
    CT_TCP_OPTION_SACK_PERM = 4,
    CT_TCP_OPTION_SACK = 5,
    CT_TCP_OPTION_STAMP = 8
};

/* Each but END and NOP, which are one byte. */
struct ct_tcp_option_header {
    uint8_t kind, len; /* of the whole option */
    uint8_t value[];
};
CT_HEADER(tcp_option, 2);

/* The value of MSS. */
struct ct_tcp_mss_header {
    ct_be16 mss;
};
CT_HEADER(tcp_mss, 2);

/* The value of SACK is one to four of these (RFC 2018). */
struct ct_tcp_sack_header {
    ct_be32 left, right;
};
CT_HEADER(tcp_sack, 8);

/* ---- UDP (RFC 768), UDP-Lite (RFC 3828) ---- */

struct ct_udp_header {
    CT_PORTS;
    ct_be16 len; /* UDP-Lite: bytes that the checksum covers */
    ct_be16 check;
};
CT_HEADER(udp, 8);

/* ---- ICMP (RFC 792), ICMPv6 (RFC 4443) ---- */

enum {
    CT_ICMP_ECHO_REPLY = 0,
    CT_ICMP_UNREACHABLE = 3,
    CT_ICMP_QUENCH = 4,
    CT_ICMP_REDIRECT = 5,
    CT_ICMP_ECHO = 8,
    CT_ICMP_TIME_EXCEEDED = 11,
    CT_ICMP_PARAMETER = 12,
    CT_ICMP_TIMESTAMP = 13,
    CT_ICMP_TIMESTAMP_REPLY = 14,
    CT_ICMP_INFO = 15,
    CT_ICMP_INFO_REPLY = 16,
    CT_ICMP_MASK = 17, /* RFC 950 */
    CT_ICMP_MASK_REPLY = 18
};

enum {
    CT_ICMPV6_UNREACHABLE = 1,
    CT_ICMPV6_TOO_BIG = 2,
    CT_ICMPV6_TIME_EXCEEDED = 3,
    CT_ICMPV6_PARAMETER = 4,
    CT_ICMPV6_ECHO = 128, /* the first that is no error */
    CT_ICMPV6_ECHO_REPLY = 129,
    CT_ICMPV6_LISTENER_QUERY = 130, /* RFC 2710 */
    CT_ICMPV6_NEIGHBOUR = 136,      /* advertisement; RFC 4861 */
    CT_ICMPV6_REDIRECT = 137,       /* RFC 4861 */
    CT_ICMPV6_NODE_QUERY = 139,     /* RFC 4620 */
    CT_ICMPV6_NODE_REPLY = 140,
    CT_ICMPV6_LISTENER_REPORT = 143, /* version 2; RFC 3810 */
    CT_ICMPV6_ROUTER_HERE = 151,     /* RFC 4286 */
    CT_ICMPV6_ROUTER_ASKED = 152
};

struct ct_icmp_header {
    union {
        struct {
            uint8_t type, code;
        };
        ct_be16 type_code; /* as tuples have them */
    };
    ct_be16 check;
    union {
        struct {
            ct_be16 id, seq; /* of queries */
        };
        ct_be32 mtu; /* and what else an error says besides */
    };
};
CT_HEADER(icmp, 8);

/* ---- SCTP (RFC 9260) ---- */

struct ct_sctp_header {
    CT_PORTS;
    ct_be32 vtag;
    ct_be32 crc; /* whose lowest byte is first: no number but a sum */
};
CT_HEADER(sctp, 12);

struct ct_sctp_chunk_header {
    uint8_t type, flags;
    ct_be16 len; /* this header included, padding not */
};
CT_HEADER(sctp_chunk, 4);

/* The fixed part of INIT and of INIT ACK. */
struct ct_sctp_init_header {
    struct ct_sctp_chunk_header chunk;
    ct_be32 tag, window;
    ct_be16 streams_out, streams_in;
    ct_be32 tsn;
};
CT_HEADER(sctp_init, 20);

/* ---- DCCP (RFC 4340) ---- */

/* What all packets begin with; seq is the low half of a short one's number,
 * and where X is set it is a part of ct_dccp_long_header's. */
struct ct_dccp_header {
    CT_PORTS;
    uint8_t offset;   /* of the payload, in fours */
    uint8_t coverage; /* CCVal, and above which word there is no checksum */
    ct_be16 check;
    uint8_t type; /* reserved 3, type 4, X 1 */
    ct_be24 seq;
};
CT_HEADER(dccp, 12);

struct ct_dccp_long_header {
    CT_PORTS;
    uint8_t offset, coverage;
    ct_be16 check;
    uint8_t type, reserved;
    ct_be48 seq;
};
CT_HEADER(dccp_long, 16);

static inline uint32_t ct_dccp_size(const struct ct_dccp_header *dccp)
{
    return dccp->offset * 4u;
}

/* Behind a short one. */
struct ct_dccp_ack_header {
    uint8_t reserved;
    ct_be24 ack;
};
CT_HEADER(dccp_ack, 4);

/* Behind a long one. */
struct ct_dccp_long_ack_header {
    ct_be16 reserved;
    ct_be48 ack;
};
CT_HEADER(dccp_long_ack, 8);

/* ---- GRE (RFC 2784), and PPTP's version 1 of it (RFC 2637 4.1) ---- */

enum { CT_GRE_VERSION = 7, CT_GRE_PPTP = 1, CT_GRE_PPP = 0x880b };

struct ct_gre_header {
    uint8_t flags, version; /* and more flags above it */
    ct_be16 protocol;
};
CT_HEADER(gre, 4);

struct ct_gre_call_header {
    uint8_t flags, version;
    ct_be16 protocol, len, call;
};
CT_HEADER(gre_call, 8);

static inline uint8_t ct_gre_version(const struct ct_gre_header *gre)
{
    return gre->version & CT_GRE_VERSION;
}

/* ---- what helpers read ---- */

/* TFTP's requests (RFC 1350 5) */
struct ct_tftp_header {
    ct_be16 code;
};
CT_HEADER(tftp, 2);

/* PPTP's control messages (RFC 2637 2), as far as they are alike. */
struct ct_pptp_header {
    ct_be16 len, kind;
    ct_be32 magic;
    ct_be16 type, reserved;
    union {
        struct {
            ct_be16 id, peers_id;
            uint8_t result;
        };
        struct {
            ct_be16 version;
            uint8_t start_result;
        };
        uint8_t stop_result;
    };
};
CT_HEADER(pptp, 17);

#endif
