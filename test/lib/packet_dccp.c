/* packet_dccp.c - DCCP in a line of text: packet types by name; see packet.h
 *
 * RFC 4340 5: a generic header of 16 bytes, or 12 with short sequence numbers;
 * all but REQUEST and DATA acknowledge. */
#include "packet_impl.h"

#include <stdio.h>
#include <string.h>

enum { REQUEST, RESPONSE, DATA, RESET = 7, LISTEN = 10 };

static const char *const types[] = {"REQUEST", "RESPONSE", "DATA",   "ACK",
                                    "DATAACK", "CLOSEREQ", "CLOSE",  "RESET",
                                    "SYNC",    "SYNCACK",  "LISTEN", "TYPE11",
                                    "TYPE12",  "TYPE13",   "TYPE14", "TYPE15"};

bool packet_dccp_read(struct spec *p, struct slice w)
{
    for (unsigned i = 0; i < sizeof types / sizeof *types; i++)
        if (strlen(types[i]) == w.n && memcmp(types[i], w.s, w.n) == 0) {
            p->type = i;
            return true;
        }
    return false;
}

static bool has_ack(unsigned type)
{
    return type != REQUEST && type != DATA && type != LISTEN;
}

static bool has_service(unsigned type)
{
    return type <= RESPONSE || type == LISTEN;
}

static size_t header_len(unsigned type, bool is_short)
{
    size_t n = is_short ? 12 : 16;

    if (has_ack(type))
        n += is_short ? 4 : 8;
    return n + (has_service(type) || type == RESET ? 4 : 0);
}

size_t packet_dccp_len(const struct spec *p)
{
    return header_len(p->type, p->is_short);
}

void packet_dccp_write(const struct spec *p, uint8_t *h)
{
    size_t n = packet_dccp_len(p), ack = p->is_short ? 12 : 16;

    bytes_put16(h, p->sport);
    bytes_put16(h + 2, p->dport);
    h[4] = (uint8_t)(n / 4);
    h[5] = (uint8_t)p->cscov;
    h[8] = (uint8_t)(p->type << 1 | !p->is_short);
    if (p->is_short) {
        bytes_put32(h + 8, (uint32_t)h[8] << 24 | (p->seq & 0xffffff));
    } else {
        bytes_put32(h + 12, p->seq);
    }
    if (has_ack(p->type))
        bytes_put32(h + ack + (p->is_short ? 0 : 4), p->ack);
    if (has_service(p->type))
        bytes_put32(h + n - 4, p->service);
}

size_t packet_dccp_covered(const uint8_t *dccp, size_t n)
{
    size_t cov = dccp[5] & 15, all = (dccp[4] + cov - 1) * 4u;

    return cov == 0 || all > n ? n : all;
}

const char *packet_dccp_name(const uint8_t *dccp)
{
    return types[dccp[8] >> 1 & 15];
}

/* The words behind the name; answers where the payload begins. */
size_t packet_dccp_print(char *out, size_t room, const uint8_t *dccp, size_t n)
{
    bool is_short = !(dccp[8] & 1);
    unsigned type = dccp[8] >> 1 & 15;
    size_t head = header_len(type, is_short), ack = is_short ? 12 : 20, len;

    if (head > n || dccp[4] * 4u < head || dccp[4] * 4u > n) {
        snprintf(out, room, " <offset %u>", dccp[4] * 4u);
        return n;
    }
    len = (size_t)snprintf(out, room, " seq %u",
                           is_short ? bytes_get32(dccp + 8) & 0xffffff
                                    : bytes_get32(dccp + 12));
    if (has_ack(type))
        len += (size_t)snprintf(out + len, room - len, " ack %u",
                                bytes_get32(dccp + ack));
    if (has_service(type) && bytes_get32(dccp + head - 4) != 0)
        len += (size_t)snprintf(out + len, room - len, " service %u",
                                bytes_get32(dccp + head - 4));
    if (is_short)
        len += (size_t)snprintf(out + len, room - len, " short");
    if (dccp[5] & 15)
        snprintf(out + len, room - len, " cscov %u", dccp[5] & 15);
    return dccp[4] * 4u;
}
