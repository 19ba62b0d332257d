/* packet_print.c - one line of text from a packet; the grammar: packet.h */
#include "packet_impl.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct out {
    char *s;
    size_t n, room;
};

static void __attribute__((format(printf, 2, 3)))
say(struct out *o, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(o->s + o->n, o->room - o->n, format, args);
    va_end(args);
    if (n > 0)
        o->n += (size_t)n;
    if (o->n >= o->room)
        o->n = o->room - 1;
}

static void hex(struct out *o, const char *word, const uint8_t *p, size_t n)
{
    if (n > 0)
        say(o, " %s ", word);
    for (size_t i = 0; i < n; i++)
        say(o, "%02x", p[i]);
}

static void ends(struct out *o, const uint8_t *d, const struct layout *lay)
{
    bool ports =
        (lay->proto == TCP || lay->proto == UDP || lay->proto == UDPLITE ||
         lay->proto == SCTP || lay->proto == DCCP) &&
        lay->frag_offset == 0 && lay->end - lay->l4 >= 4;

    for (int i = 0; i < 2; i++) {
        char text[INET6_ADDRSTRLEN];

        inet_ntop(lay->v4 ? AF_INET : AF_INET6,
                  d + (i == 0 ? lay->src : lay->dst), text, sizeof text);
        if (ports && lay->v4)
            say(o, "%s:%u", text, bytes_get16(d + lay->l4 + 2 * i));
        else if (ports)
            say(o, "[%s]:%u", text, bytes_get16(d + lay->l4 + 2 * i));
        else
            say(o, "%s", text);
        say(o, "%s", i == 0 ? " > " : "");
    }
}

/* FNV-1a: two long payloads that differ are told apart. */
static uint32_t digest(const uint8_t *p, size_t n)
{
    uint32_t h = 0x811c9dc5;

    for (size_t i = 0; i < n; i++)
        h = (h ^ p[i]) * 0x01000193;
    return h;
}

static void payload(struct out *o, const uint8_t *p, size_t n)
{
    size_t letters = 0, plain = 0;

    while (letters < n && p[letters] == packet_letter(letters))
        letters++;
    while (plain < n && p[plain] >= 0x20 && p[plain] < 0x7f && p[plain] != '\'')
        plain++;
    if (n == 0)
        return;
    if (letters == n)
        say(o, " len %zu", n);
    else if (plain == n && n <= 64)
        say(o, " '%.*s'", (int)n, (const char *)p);
    else if (n <= 64)
        hex(o, "hex", p, n);
    else
        say(o, " <%zu bytes %08x>", n, digest(p, n));
}

static void tcp_sack(struct out *o, const uint8_t *p, size_t n)
{
    for (size_t i = 2; i + 8 <= n; i += 8)
        say(o, "%s%u-%u", i == 2 ? " sack " : ",", bytes_get32(p + i),
            bytes_get32(p + i + 4));
}

static void tcp_options(struct out *o, const uint8_t *p, size_t n)
{
    static const uint8_t zero[40];

    for (size_t i = 0; i < n;) {
        size_t len = n - i < 2 ? 0 : p[i + 1];

        if (n - i <= 3 && memcmp(p + i, zero, n - i) == 0)
            return; /* padding */
        if (p[i] == 1) {
            say(o, " nop");
            i++;
            continue;
        }
        if (p[i] == 0 || len < 2 || len > n - i) {
            hex(o, "tcpopt", p + i, n - i);
            return;
        }
        if (p[i] == 2 && len == 4)
            say(o, " mss %u", bytes_get16(p + i + 2));
        else if (p[i] == 3 && len == 3)
            say(o, " wscale %u", p[i + 2]);
        else if (p[i] == 4 && len == 2)
            say(o, " sackok");
        else if (p[i] == 5 && len >= 10 && len % 8 == 2)
            tcp_sack(o, p + i, len);
        else if (p[i] == 8 && len == 10)
            say(o, " ts %u:%u", bytes_get32(p + i + 2), bytes_get32(p + i + 6));
        else
            hex(o, "tcpopt", p + i, len);
        i += len;
    }
}

static void tcp_name(struct out *o, const uint8_t *l4)
{
    static const char letters[] = "FSRP.UEW";
    static const char order[] = {1, 0, 2, 3, 5, 6, 7, 4}; /* ACK last */

    say(o, " tcp ");
    for (size_t i = 0; i < sizeof order; i++)
        if (l4[13] >> order[i] & 1)
            say(o, "%c", letters[(int)order[i]]);
    if (l4[13] == 0)
        say(o, "-");
}

static void tcp(struct out *o, const uint8_t *l4, size_t n)
{
    size_t doff = (size_t)(l4[12] >> 4) * 4;

    say(o, " seq %u", bytes_get32(l4 + 4));
    if (l4[13] & 0x10 || bytes_get32(l4 + 8) != 0)
        say(o, " ack %u", bytes_get32(l4 + 8));
    if (bytes_get16(l4 + 14) != 65535)
        say(o, " win %u", bytes_get16(l4 + 14));
    if (bytes_get16(l4 + 18) != 0)
        say(o, " urg %u", bytes_get16(l4 + 18));
    if (doff < 20 || doff > n) {
        say(o, " <doff %zu>", doff);
        return;
    }
    tcp_options(o, l4 + 20, doff - 20);
    payload(o, l4 + doff, n - doff);
}

static void sctp(struct out *o, const uint8_t *l4, size_t n, bool brief)
{
    char text[256];
    size_t at, len;

    at = packet_sctp_print(text, sizeof text, l4, n, brief, &len);
    if (brief) {
        say(o, " sctp %s", text);
        return;
    }
    say(o, "%s", strchr(text, ' '));
    payload(o, l4 + at, len);
}

static void dccp(struct out *o, const uint8_t *l4, size_t n)
{
    char text[256];
    size_t at = packet_dccp_print(text, sizeof text, l4, n);

    say(o, "%s", text);
    payload(o, l4 + at, n - at);
}

static void icmp_name(struct out *o, const uint8_t *l4, bool v4)
{
    if (l4[0] == (v4 ? 8 : 128) && l4[1] == 0)
        say(o, " icmp echo");
    else if (l4[0] == (v4 ? 0 : 129) && l4[1] == 0)
        say(o, " icmp reply");
    else
        say(o, " icmp %u/%u", l4[0], l4[1]);
}

/* A quotation is seldom whole; say what its first bytes say. */
static void quoted(struct out *o, const uint8_t *p, size_t n)
{
    struct layout lay;
    uint8_t head[600];
    size_t there = n < sizeof head ? n : sizeof head;

    memset(head, 0, sizeof head);
    memcpy(head, p, there);
    if (there >= 20 && head[0] >> 4 == 4)
        bytes_put16(head + 2, sizeof head);
    else if (there >= 40 && head[0] >> 4 == 6)
        bytes_put16(head + 4, sizeof head - 40);
    if (!packet_layout(head, sizeof head, &lay) || lay.l4 + 8 > there) {
        say(o, " <%zu bytes quoted>", n);
        return;
    }
    say(o, " about {");
    ends(o, head, &lay);
    if (lay.proto == TCP && lay.l4 + 14 <= there) {
        tcp_name(o, head + lay.l4);
        say(o, " seq %u", bytes_get32(head + lay.l4 + 4));
    } else if (lay.proto == TCP) {
        say(o, " tcp - seq %u", bytes_get32(head + lay.l4 + 4));
    } else if (lay.proto == UDP || lay.proto == UDPLITE) {
        say(o, lay.proto == UDP ? " udp" : " udplite");
    } else if (lay.proto == SCTP) {
        say(o, " sctp - vtag %u", bytes_get32(head + lay.l4 + 4));
    } else if (lay.proto == DCCP && lay.l4 + 16 <= there) {
        say(o, " dccp %s", packet_dccp_name(head + lay.l4));
    } else if (lay.proto == ICMP || lay.proto == ICMPV6) {
        icmp_name(o, head + lay.l4, lay.v4);
        say(o, " id %u seq %u", bytes_get16(head + lay.l4 + 4),
            bytes_get16(head + lay.l4 + 6));
    } else {
        say(o, " proto %u", lay.proto);
    }
    say(o, "}");
}

static void icmp(struct out *o, const uint8_t *l4, size_t n, bool v4)
{
    if (packet_quotes(v4, l4[0])) {
        if (v4 && l4[0] == 3 && l4[1] == 4)
            say(o, " mtu %u", bytes_get16(l4 + 6));
        else if (!v4 && l4[0] == 2)
            say(o, " mtu %u", bytes_get32(l4 + 4));
        else if (bytes_get32(l4 + 4) != 0)
            say(o, " ptr %u", v4 ? l4[4] : bytes_get32(l4 + 4));
        quoted(o, l4 + 8, n - 8);
        return;
    }
    say(o, " id %u seq %u", bytes_get16(l4 + 4), bytes_get16(l4 + 6));
    payload(o, l4 + 8, n - 8);
}

static void ip6_headers(struct out *o, const uint8_t *d,
                        const struct layout *lay)
{
    unsigned kind = d[6];

    for (size_t at = 40; at < lay->l4;) {
        size_t n = kind == FRAGMENT ? 8 : ((size_t)d[at + 1] + 1) * 8;

        if (kind == FRAGMENT)
            say(o, " frag %zu%s", lay->frag_offset + (size_t)0,
                lay->more_frags ? "+" : "");
        else if (kind == ROUTING)
            say(o, " routing %u", d[at + 2]);
        else
            say(o, " %s %zu", kind == HOPOPT ? "hbh" : "dstopt", n);
        kind = d[at];
        at += n;
    }
}

static void ip_words(struct out *o, const uint8_t *d, const struct layout *lay)
{
    unsigned ttl = d[lay->v4 ? 8 : 7];
    unsigned tos = lay->v4 ? d[1] : bytes_get32(d) >> 20 & 0xff;

    if (ttl != 64)
        say(o, " ttl %u", ttl);
    if (tos != 0)
        say(o, " tos %u", tos);
    if (!lay->v4) {
        ip6_headers(o, d, lay);
        return;
    }
    if (bytes_get16(d + 4) != 0)
        say(o, " ipid %u", bytes_get16(d + 4));
    if (d[6] & 0x40)
        say(o, " df");
    if (lay->frag_offset != 0 || lay->more_frags)
        say(o, " frag %u%s", lay->frag_offset, lay->more_frags ? "+" : "");
    hex(o, "ipopt", d + 20, lay->l4 - 20);
    if (bytes_get16(d + 10) != packet_ip_sum(d))
        say(o, " badipsum");
}

static void sum_words(struct out *o, const uint8_t *d, const struct layout *lay)
{
    unsigned field = packet_l4_field(d, lay);

    if (field == packet_l4_sum(d, lay, false))
        return;
    if (lay->proto == UDP && field == 0)
        say(o, " nosum");
    else if (lay->proto != ICMP && lay->proto != SCTP &&
             field == packet_l4_sum(d, lay, true))
        say(o, " partial");
    else
        say(o, " badsum");
}

/* The name of what it is; false: there is no whole transport header. */
static bool protocol(struct out *o, const uint8_t *d, const struct layout *lay)
{
    const uint8_t *l4 = d + lay->l4;
    size_t n = lay->end - lay->l4;
    bool has_icmp = lay->proto == (lay->v4 ? ICMP : ICMPV6);

    if (lay->frag_offset == 0 && lay->proto == TCP && n >= 20)
        tcp_name(o, l4);
    else if (lay->frag_offset == 0 && lay->proto == UDP && n >= 8)
        say(o, " udp");
    else if (lay->frag_offset == 0 && lay->proto == UDPLITE && n >= 8)
        say(o, " udplite");
    else if (lay->frag_offset == 0 && lay->proto == SCTP && n >= 12)
        sctp(o, l4, n, true);
    else if (lay->frag_offset == 0 && lay->proto == DCCP && n >= 12)
        say(o, " dccp %s", packet_dccp_name(l4));
    else if (lay->frag_offset == 0 && has_icmp && n >= 8)
        icmp_name(o, l4, lay->v4);
    else {
        say(o, " proto %u", lay->proto);
        return false;
    }
    return true;
}

static bool begin(struct out *o, char *out, size_t room, const uint8_t *data,
                  size_t len, struct layout *lay)
{
    *o = (struct out){out, 0, room};
    out[0] = '\0';
    if (packet_layout(data, len, lay)) {
        ends(o, data, lay);
        return true;
    }
    say(o, "<malformed, %zu bytes:", len);
    hex(o, "", data, len < 40 ? len : 40);
    say(o, ">");
    return false;
}

void packet_print_brief(char *out, size_t room, const uint8_t *data, size_t len)
{
    struct layout lay;
    struct out o;

    if (begin(&o, out, room, data, len, &lay))
        protocol(&o, data, &lay);
}

void packet_print(char *out, size_t room, const uint8_t *data, size_t len)
{
    struct layout lay;
    struct out o;
    const uint8_t *l4;
    size_t n;
    bool whole;

    if (!begin(&o, out, room, data, len, &lay))
        return;
    l4 = data + lay.l4;
    n = lay.end - lay.l4;
    whole = protocol(&o, data, &lay);
    ip_words(&o, data, &lay);
    if (!whole)
        payload(&o, l4, n);
    else if (lay.proto == TCP)
        tcp(&o, l4, n);
    else if (lay.proto == UDP || lay.proto == UDPLITE)
        payload(&o, l4 + 8, n - 8);
    else if (lay.proto == SCTP)
        sctp(&o, l4, n, false);
    else if (lay.proto == DCCP)
        dccp(&o, l4, n);
    else
        icmp(&o, l4, n, lay.v4);
    if (whole && !lay.more_frags)
        sum_words(&o, data, &lay);
    if (lay.end < len)
        say(&o, " trail %zu", len - lay.end);
}
