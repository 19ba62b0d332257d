/* speak.c - see speak.h
 *
 * FTP and TFTP are lines with holes that numbers are put into, some of which
 * fit the sender; PPTP answers what the packet that was answered said.  Then
 * bytes are changed, or the end is cut off. */
#include "speak.h"

#include "bytes.h"

#include <stdio.h>
#include <string.h>

enum { FTP = 21, TFTP = 69, PPTP = 1723, MAGIC = 0x1a2b3c4d, ROOM = 256 };

static uint32_t below(struct gen *g, uint32_t n)
{
    return hash_rng_below(&g->rng, n);
}

static uint32_t ftp(struct gen *g, const struct gen_packet *p, bool server,
                    char *text)
{
    const uint8_t *src = p->data + (p->data[0] >> 4 == 4 ? 12 : 8);
    uint32_t n = below(g, 16), port = 1020 + below(g, 64);
    uint32_t last = below(g, 8) ? src[3] : below(g, 300);

    if (p->data[0] >> 4 != 4 && n < 12)
        return (uint32_t)(server
                              ? sprintf(text, "229 x (|||%u|)\r\n", port)
                              : sprintf(text, "EPRT |2|%x:%x:%x::%x|%u|\r\n",
                                        bytes_get16(src), bytes_get16(src + 2),
                                        bytes_get16(src + 4), src[15], port));
    switch (n) {
    case 0:
    case 1:
    case 2:
    case 3:
        return (uint32_t)sprintf(text, "%s%u,%u,%u,%u,%u,%u%s",
                                 server ? "227 x (" : "PORT ", src[0], src[1],
                                 src[2], last, port >> 8, port & 255,
                                 server ? ")\r\n" : "\r\n");
    case 4:
    case 5:
        return (uint32_t)(server ? sprintf(text, "229 x (|||%u|)\r\n", port)
                                 : sprintf(text, "EPRT |1|%u.%u.%u.%u|%u|\r\n",
                                           src[0], src[1], src[2], last, port));
    case 6:
        return (uint32_t)sprintf(text, "EPRT |2|fd00:%x::%x|%u|\r\n",
                                 below(g, 70000), below(g, 70000), port);
    case 7:
        return (uint32_t)sprintf(text, "PO");
    default:
        return (uint32_t)sprintf(text, "%u words\r\n", below(g, 1000));
    }
}

static uint32_t tftp(struct gen *g, char *text)
{
    uint32_t n = 2 + below(g, 20);

    memset(text, 'a', n);
    bytes_put16((uint8_t *)text, (uint16_t)below(g, 6));
    return n;
}

/* heard: what the packet that this one answers says, if it said anything. */
static uint32_t pptp(struct gen *g, const uint8_t *heard, bool server,
                     char *text)
{
    static const uint8_t sizes[16] = {16, 156, 156, 16, 16, 16,  20, 168,
                                      32, 220, 24,  28, 16, 148, 40, 24};
    static const uint8_t says[2][6] = {{1, 7, 7, 10, 12, 3},
                                       {2, 8, 8, 9, 11, 13}};
    uint8_t *m = (uint8_t *)text;
    uint32_t type = says[server][below(g, 6)], n;
    uint16_t id = (uint16_t)below(g, 4);

    if (bytes_get32(heard + 4) == MAGIC && below(g, 8))
        type = (bytes_get16(heard + 8) + 1u) & 15;
    if (bytes_get32(heard + 4) == MAGIC && below(g, 8))
        id = bytes_get16(heard + 12);
    n = sizes[type];
    memset(m, 0, n);
    bytes_put16(m, (uint16_t)n);
    m[3] = 1;
    bytes_put32(m + 4, MAGIC);
    bytes_put16(m + 8, (uint16_t)type);
    bytes_put16(m + 12, type == 11 ? id : (uint16_t)below(g, 4));
    if (n > 16) {
        bytes_put16(m + 14, type == 2 ? 0x100 : id);
        m[16] = 1;
    }
    return n;
}

/* How much of that protocol's ports a packet has; 0: none. */
static uint16_t known_port(const uint8_t *l4, uint8_t proto, bool *server)
{
    static const uint16_t ports[] = {FTP, TFTP, PPTP};

    for (unsigned i = 0; i < 3; i++)
        if ((ports[i] == TFTP) == (proto == 17)) {
            *server = bytes_get16(l4) == ports[i];
            if (*server || bytes_get16(l4 + 2) == ports[i])
                return ports[i];
        }
    return 0;
}

void speak(struct gen *g, struct gen_packet *p)
{
    uint8_t proto = 0, heard[16] = {0};
    uint32_t at = gen_l4(p->data, p->len, &proto), head, n;
    char text[ROOM] = {0};
    bool server = false;
    uint16_t port;

    if (at == 0 || (proto != 6 && proto != 17) || p->len < at + 20)
        return;
    port = known_port(p->data + at, proto, &server);
    head = proto == 6 ? (p->data[at + 12] >> 4) * 4u : 8;
    if (port == 0 || p->len < at + head ||
        (proto == 6 && p->data[at + 13] & (CT_TCP_SYN | CT_TCP_RST)))
        return;
    memcpy(heard, p->data + at + head, sizeof heard);
    n = port == FTP    ? ftp(g, p, server, text)
        : port == TFTP ? tftp(g, text)
                       : pptp(g, heard, server, text);
    if (below(g, 16) == 0)
        text[below(g, n)] = (char)below(g, 256);
    if (below(g, 16) == 0)
        n = below(g, n + 1);
    memcpy(p->data + at + head, text, n);
    p->len = at + head + n;
    if (proto == 17)
        bytes_put16(p->data + at + 4, (uint16_t)(8 + n));
    if (p->data[0] >> 4 == 4)
        bytes_put16(p->data + 2, (uint16_t)p->len);
    else
        bytes_put16(p->data + 4, (uint16_t)(p->len - 40));
}

/* Turn an IPv4 header round, with l4 bytes of transport behind it. */
static void turn(struct gen_packet *p, const struct gen_seen *s, uint32_t l4)
{
    memcpy(p->data, s->data, 20);
    memcpy(p->data + 12, s->data + 16, 4);
    memcpy(p->data + 16, s->data + 12, 4);
    memset(p->data + 20, 0, l4);
    p->data[8] = 64;
    p->len = 20 + l4;
    bytes_put16(p->data + 2, (uint16_t)p->len);
    p->in = s->out;
}

bool speak_call_back(struct gen *g, const struct gen_seen *s,
                     struct gen_packet *p)
{
    uint8_t proto = 0;
    uint32_t at = gen_l4(s->data, s->len, &proto), head;
    unsigned n[6];
    char text[64] = {0};
    if (at != 20 || s->data[0] != 0x45 || s->len < at + 8)
        return false;
    if (proto == 17 && bytes_get16(s->data + at + 2) == TFTP) {
        turn(p, s, 12);
        bytes_put16(p->data + 20, (uint16_t)(1024 + below(g, 60000)));
        memcpy(p->data + 22, s->data + 20, 2);
        bytes_put16(p->data + 24, 12);
        return true;
    }
    if (proto != 6 || s->len < at + 20 || bytes_get16(s->data + at + 2) != FTP)
        return false;
    head = at + (s->data[at + 12] >> 4) * 4u;
    if (head >= s->len)
        return false;
    memcpy(text, s->data + head, s->len - head < 63 ? s->len - head : 63);
    if (sscanf(text, "PORT %u,%u,%u,%u,%u,%u", n, n + 1, n + 2, n + 3, n + 4,
               n + 5) != 6)
        return false;
    turn(p, s, 20);
    bytes_put16(p->data + 20, 20);
    bytes_put16(p->data + 22, (uint16_t)(n[4] << 8 | (n[5] & 255)));
    bytes_put32(p->data + 24, (uint32_t)hash_rng_next(&g->rng));
    p->data[32] = 0x50;
    p->data[33] = CT_TCP_SYN;
    bytes_put16(p->data + 34, 0xfaf0);
    return true;
}
