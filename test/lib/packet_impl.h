/* packet_impl.h - what reading, building, printing and summing share */
#ifndef TEST_PACKET_IMPL_H
#define TEST_PACKET_IMPL_H

#include "bytes.h"
#include "packet.h"

enum {
    HOPOPT = 0,
    ICMP = 1,
    TCP = 6,
    UDP = 17,
    DCCP = 33,
    SCTP = 132,
    UDPLITE = 136,
    ROUTING = 43,
    FRAGMENT = 44,
    ICMPV6 = 58,
    DSTOPTS = 60
};

/* What one line says. */
struct slice {
    const char *s;
    size_t n;
};

enum payload { PAY_NONE, PAY_TEXT, PAY_HEX, PAY_LEN, PAY_ABOUT };

struct spec {
    bool v4;
    uint8_t src[16], dst[16];
    uint32_t sport, dport;
    uint32_t proto;
    uint32_t ttl, tos, ipid, win, urg, seq, ack;
    uint32_t id, mtu, ptr, quote, trail, len;
    uint32_t df, badipsum, badsum, nosum, partial;
    uint32_t frag, more_frags;
    uint32_t type, code;
    uint8_t flags;
    uint8_t ipopt[40], tcpopt[40];
    size_t n_ipopt, n_tcpopt;
    uint8_t ext[1024];      /* headers behind the IPv6 one */
    size_t n_ext, last_ext; /* last_ext: where the last one begins */
    uint8_t first_ext;
    bool has_ext, is_frag, raw;
    uint32_t vtag, itag, service, cscov, is_short;
    uint8_t chunk[8], chunk_flags[8];
    size_t n_chunks;
    enum payload payload;
    struct slice body;
};

/* Where things stand in a packet whose headers can be walked. */
struct layout {
    bool v4;
    size_t src, dst, addr_len;
    size_t l4, end;
    unsigned proto, frag_offset;
    bool more_frags;
};

static inline uint8_t packet_letter(size_t i)
{
    return (uint8_t)('a' + i % 26);
}

/* Read a line; false: *at is where it is not understood. */
bool packet_read(struct spec *p, const char **at);

/* Bytes from pairs of hex digits. */
bool packet_hex(struct slice w, uint8_t *out, size_t room, size_t *n);

/* False: the headers do not fit into len or are no IP. */
bool packet_layout(const uint8_t *data, size_t len, struct layout *lay);

/* Offset of the checksum in a transport header; -1: it has none. */
int packet_sum_at(unsigned proto);

/* The transport checksum, of two bytes or four, and what it ought to be;
 * partial: the pseudo header's sum. */
unsigned packet_l4_field(const uint8_t *data, const struct layout *lay);
void packet_l4_store(uint8_t *data, const struct layout *lay, unsigned sum);
unsigned packet_l4_sum(const uint8_t *data, const struct layout *lay,
                       bool partial);
unsigned packet_ip_sum(const uint8_t *data);

/* SCTP, DCCP: read the word behind the protocol's name, length and bytes of
 * what stands before the payload, and print it again. */
bool packet_sctp_read(struct spec *p, struct slice w);
size_t packet_sctp_len(const struct spec *p);
void packet_sctp_write(const struct spec *p, uint8_t *h, size_t payload);
size_t packet_sctp_print(char *out, size_t room, const uint8_t *sctp, size_t n,
                         bool brief, size_t *payload);
bool packet_dccp_read(struct spec *p, struct slice w);
size_t packet_dccp_len(const struct spec *p);
void packet_dccp_write(const struct spec *p, uint8_t *h);
const char *packet_dccp_name(const uint8_t *dccp);
size_t packet_dccp_print(char *out, size_t room, const uint8_t *dccp, size_t n);

/* SCTP's checksum field as it should be, and how many bytes DCCP's covers. */
uint32_t packet_sctp_crc(const uint8_t *sctp, size_t n);
size_t packet_dccp_covered(const uint8_t *dccp, size_t n);

/* Does this ICMP type quote a packet? */
bool packet_quotes(bool v4, unsigned type);

#endif
