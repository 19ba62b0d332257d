/* packet.c - build a packet from what a line says; the grammar: packet.h */
#include "packet_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- bytes ---- */

/* Quote a packet: its IP headers, and of what follows as much as is asked. */
static size_t quote(const struct spec *p, uint8_t *out, size_t room)
{
    char *inner = malloc(p->body.n + 1);
    uint8_t *bytes = malloc(70000);
    size_t n = 0, limit = p->v4 ? 576 - 28 : 1280 - 48;
    struct layout lay;

    if (inner != NULL && bytes != NULL) {
        memcpy(inner, p->body.s, p->body.n);
        inner[p->body.n] = '\0';
        n = packet_build(bytes, 70000, inner);
        if (p->quote != UINT32_MAX && packet_layout(bytes, n, &lay) &&
            lay.l4 + p->quote < n)
            n = lay.l4 + p->quote;
        if (n > limit)
            n = limit;
        if (n > room)
            n = 0;
        memcpy(out, bytes, n);
    }
    free(inner);
    free(bytes);
    return n;
}

/* False: no room, or a payload that can't be made. */
static bool write_payload(const struct spec *p, uint8_t *out, size_t room,
                          size_t *n)
{
    *n = 0;
    switch (p->payload) {
    case PAY_NONE:
        return true;
    case PAY_TEXT:
        *n = p->body.n;
        if (*n <= room)
            memcpy(out, p->body.s, *n);
        return *n <= room;
    case PAY_HEX:
        return packet_hex(p->body, out, room, n);
    case PAY_LEN:
        *n = p->len;
        for (size_t i = 0; *n <= room && i < *n; i++)
            out[i] = packet_letter(i);
        return *n <= room;
    case PAY_ABOUT:
        *n = quote(p, out, room);
        return *n > 0;
    }
    return false;
}

static size_t l4_header_len(const struct spec *p)
{
    if (p->raw || (p->is_frag && p->frag != 0))
        return 0;
    if (p->proto == TCP)
        return 20 + (p->n_tcpopt + 3) / 4 * 4;
    if (p->proto == SCTP)
        return packet_sctp_len(p);
    if (p->proto == DCCP)
        return packet_dccp_len(p);
    return p->proto == UDP || p->proto == UDPLITE || p->proto == ICMP ||
                   p->proto == ICMPV6
               ? 8
               : 0;
}

static void write_l4(const struct spec *p, uint8_t *h, size_t n, size_t payload)
{
    memset(h, 0, n);
    if (n == 0)
        return;
    if (p->proto == SCTP) {
        packet_sctp_write(p, h, payload);
        return;
    }
    if (p->proto == DCCP) {
        packet_dccp_write(p, h);
        return;
    }
    if (p->proto == TCP || p->proto == UDP || p->proto == UDPLITE) {
        bytes_put16(h, p->sport);
        bytes_put16(h + 2, p->dport);
    }
    if (p->proto == TCP) {
        bytes_put32(h + 4, p->seq);
        bytes_put32(h + 8, p->ack);
        h[12] = (uint8_t)(n / 4 << 4);
        h[13] = p->flags;
        bytes_put16(h + 14, p->win);
        bytes_put16(h + 18, p->urg);
        memcpy(h + 20, p->tcpopt, p->n_tcpopt);
    } else if (p->proto == UDP || p->proto == UDPLITE) {
        bytes_put16(h + 4, (unsigned)(n + payload));
    } else {
        h[0] = (uint8_t)p->type;
        h[1] = (uint8_t)p->code;
        bytes_put16(h + 4, p->id);
        bytes_put16(h + 6, p->seq);
        if (p->mtu != 0 && p->v4)
            bytes_put16(h + 6, p->mtu);
        else if (p->mtu != 0)
            bytes_put32(h + 4, p->mtu);
        if (p->ptr != 0 && p->v4)
            h[4] = (uint8_t)p->ptr;
        else if (p->ptr != 0)
            bytes_put32(h + 4, p->ptr);
    }
}

static void write_ip(const struct spec *p, uint8_t *h, size_t l4, size_t total)
{
    memset(h, 0, l4);
    if (p->v4) {
        h[0] = (uint8_t)(0x40 | l4 / 4);
        h[1] = (uint8_t)p->tos;
        bytes_put16(h + 2, (unsigned)total);
        bytes_put16(h + 4, p->ipid);
        bytes_put16(h + 6, p->df << 14 | p->more_frags << 13 | p->frag / 8);
        h[8] = (uint8_t)p->ttl;
        h[9] = (uint8_t)p->proto;
        memcpy(h + 12, p->src, 4);
        memcpy(h + 16, p->dst, 4);
        memcpy(h + 20, p->ipopt, p->n_ipopt);
        bytes_put16(h + 10, packet_ip_sum(h) ^ (p->badipsum ? 0x5500 : 0));
        return;
    }
    bytes_put32(h, 6u << 28 | p->tos << 20);
    bytes_put16(h + 4, (unsigned)(total - 40));
    h[6] = p->has_ext ? p->first_ext : (uint8_t)p->proto;
    h[7] = (uint8_t)p->ttl;
    memcpy(h + 8, p->src, 16);
    memcpy(h + 24, p->dst, 16);
    memcpy(h + 40, p->ext, p->n_ext);
    if (p->has_ext)
        h[40 + p->last_ext] = (uint8_t)p->proto;
}

static void write_sum(const struct spec *p, uint8_t *buf, size_t total)
{
    struct layout lay;
    int at = packet_sum_at(p->proto);

    if (at < 0 || l4_header_len(p) == 0 || !packet_layout(buf, total, &lay))
        return;
    if (p->nosum)
        return;
    packet_l4_store(buf, &lay,
                    packet_l4_sum(buf, &lay, p->partial != 0) ^
                        (p->badsum ? 0x5500 : 0));
}

size_t packet_build(uint8_t *buf, size_t room, const char *text)
{
    struct spec p;
    const char *at = text;
    size_t l4, head, payload, pad = 0, total;

    if (!packet_read(&p, &at)) {
        fprintf(stderr, "packet: not understood before '%s' in '%s'\n", at,
                text);
        return 0;
    }
    l4 = p.v4 ? 20 + (p.n_ipopt + 3) / 4 * 4 : 40 + p.n_ext;
    head = l4 + l4_header_len(&p);
    if (head <= room && write_payload(&p, buf + head, room - head, &payload)) {
        if (p.proto == SCTP && !p.raw) /* chunks end at a multiple of four */
            pad = (4 - payload % 4) % 4;
        total = head + payload + pad;
    } else {
        total = SIZE_MAX;
    }
    if (total > room || total - (p.v4 ? 0 : 40) > 65535 ||
        room - total < p.trail) {
        fprintf(stderr, "packet: no room, or bad payload, in '%s'\n", text);
        return 0;
    }
    memset(buf + head + payload, 0, pad);
    write_l4(&p, buf + l4, head - l4, payload);
    write_ip(&p, buf, l4, total);
    write_sum(&p, buf, total);
    memset(buf + total, 0xee, p.trail);
    return total + p.trail;
}
