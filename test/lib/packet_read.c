/* packet_read.c - what a line of text says; the grammar: packet.h */
#include "packet_impl.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

/* ---- words ---- */

static bool is(struct slice w, const char *text)
{
    return w.n == strlen(text) && memcmp(w.s, text, w.n) == 0;
}

/* The next word; 'text' and {packet} are one each. */
static struct slice next(const char **at)
{
    struct slice w;
    int depth = 0;

    *at += strspn(*at, " \t\n");
    w.s = *at;
    if (*w.s == '\'') {
        const char *end = strchr(w.s + 1, '\'');

        w.n = end != NULL ? (size_t)(end - w.s) + 1 : strlen(w.s);
    } else if (*w.s == '{') {
        for (w.n = 0; w.s[w.n] != '\0'; w.n++) {
            depth += (w.s[w.n] == '{') - (w.s[w.n] == '}');
            if (depth == 0)
                break;
        }
        w.n += w.s[w.n] != '\0';
    } else {
        w.n = strcspn(w.s, " \t\n");
    }
    *at += w.n;
    return w;
}

static bool number(struct slice w, uint32_t *value)
{
    char text[24], *end;
    unsigned long long v;

    if (w.n == 0 || w.n >= sizeof text || w.s[0] < '0' || w.s[0] > '9')
        return false;
    memcpy(text, w.s, w.n);
    text[w.n] = '\0';
    v = strtoull(text, &end, 0);
    *value = (uint32_t)v;
    return *end == '\0' && v <= UINT32_MAX;
}

/* "12<sep>34" */
static bool pair(struct slice w, char sep, uint32_t *a, uint32_t *b)
{
    const char *mid = memchr(w.s, sep, w.n);

    return mid != NULL && number((struct slice){w.s, (size_t)(mid - w.s)}, a) &&
           number((struct slice){mid + 1, w.n - (size_t)(mid - w.s) - 1}, b);
}

bool packet_hex(struct slice w, uint8_t *out, size_t room, size_t *n)
{
    if (w.n % 2 != 0 || w.n / 2 > room)
        return false;
    for (size_t i = 0; i < w.n; i += 2) {
        char two[3] = {w.s[i], w.s[i + 1], '\0'}, *end;
        unsigned long v = strtoul(two, &end, 16);

        if (end != two + 2)
            return false;
        out[i / 2] = (uint8_t)v;
    }
    *n = w.n / 2;
    return true;
}

/* ---- addresses and protocol ---- */

static bool address(const char *s, size_t n, uint8_t out[16], bool *v4)
{
    char text[48];

    if (n >= sizeof text)
        return false;
    memcpy(text, s, n);
    text[n] = '\0';
    *v4 = strchr(text, ':') == NULL;
    return inet_pton(*v4 ? AF_INET : AF_INET6, text, out) == 1;
}

static bool endpoint(struct slice w, uint8_t out[16], uint32_t *port, bool *v4)
{
    const char *end = w.s + w.n, *close, *colon;

    *port = 0;
    if (w.n > 0 && w.s[0] == '[') {
        close = memchr(w.s, ']', w.n);
        if (close == NULL ||
            !address(w.s + 1, (size_t)(close - w.s) - 1, out, v4))
            return false;
        if (close + 1 == end)
            return true;
        return close[1] == ':' &&
               number((struct slice){close + 2, (size_t)(end - close) - 2},
                      port);
    }
    colon = memchr(w.s, ':', w.n);
    if (colon == NULL || memchr(colon + 1, ':', (size_t)(end - colon) - 1))
        return address(w.s, w.n, out, v4);
    return address(w.s, (size_t)(colon - w.s), out, v4) &&
           number((struct slice){colon + 1, (size_t)(end - colon) - 1}, port);
}

static bool tcp_flags(struct slice w, uint8_t *flags)
{
    static const char letters[] = "FSRP.UEW"; /* by bit, from the lowest */

    *flags = 0;
    if (is(w, "-"))
        return true;
    for (size_t i = 0; i < w.n; i++) {
        const char *bit = strchr(letters, w.s[i]);

        if (bit == NULL)
            return false;
        *flags |= (uint8_t)(1 << (bit - letters));
    }
    return w.n > 0;
}

static bool protocol(struct spec *p, const char **at)
{
    struct slice w = next(at);

    if (is(w, "tcp")) {
        p->proto = TCP;
        return tcp_flags(next(at), &p->flags);
    }
    if (is(w, "udp")) {
        p->proto = UDP;
        return true;
    }
    if (is(w, "udplite")) {
        p->proto = UDPLITE;
        return true;
    }
    if (is(w, "sctp")) {
        p->proto = SCTP;
        return packet_sctp_read(p, next(at));
    }
    if (is(w, "dccp")) {
        p->proto = DCCP;
        return packet_dccp_read(p, next(at));
    }
    p->raw = is(w, "proto");
    if (p->raw)
        return number(next(at), &p->proto) && p->proto < 256;
    if (!is(w, "icmp"))
        return false;
    p->proto = p->v4 ? ICMP : ICMPV6;
    w = next(at);
    if (is(w, "echo"))
        p->type = p->v4 ? 8 : 128;
    else if (is(w, "reply"))
        p->type = p->v4 ? 0 : 129;
    else
        return pair(w, '/', &p->type, &p->code);
    return true;
}

/* ---- words behind the protocol ---- */

static bool add_tcpopt(struct spec *p, const uint8_t *bytes, size_t n)
{
    if (n > sizeof p->tcpopt - p->n_tcpopt)
        return false;
    memcpy(p->tcpopt + p->n_tcpopt, bytes, n);
    p->n_tcpopt += n;
    return true;
}

static bool sack_option(struct spec *p, struct slice w)
{
    uint8_t opt[34] = {5, 2};
    uint32_t a, b;

    while (w.n > 0) {
        const char *comma = memchr(w.s, ',', w.n);
        struct slice one = {w.s, comma ? (size_t)(comma - w.s) : w.n};

        if (opt[1] >= 34 || !pair(one, '-', &a, &b))
            return false;
        bytes_put32(opt + opt[1], a);
        bytes_put32(opt + opt[1] + 4, b);
        opt[1] = (uint8_t)(opt[1] + 8);
        one.n += comma != NULL;
        w = (struct slice){w.s + one.n, w.n - one.n};
    }
    return add_tcpopt(p, opt, opt[1]);
}

/* 1: done; 0: not a TCP option; -1: one that is wrong. */
static int tcp_option(struct spec *p, struct slice w, const char **at)
{
    uint8_t opt[40];
    uint32_t a, b;
    size_t n;
    bool ok;

    if (is(w, "nop")) {
        ok = add_tcpopt(p, (const uint8_t[]){1}, 1);
    } else if (is(w, "sackok")) {
        ok = add_tcpopt(p, (const uint8_t[]){4, 2}, 2);
    } else if (is(w, "mss")) {
        ok = number(next(at), &a) &&
             add_tcpopt(
                 p, (const uint8_t[]){2, 4, (uint8_t)(a >> 8), (uint8_t)a}, 4);
    } else if (is(w, "wscale")) {
        ok = number(next(at), &a) &&
             add_tcpopt(p, (const uint8_t[]){3, 3, (uint8_t)a}, 3);
    } else if (is(w, "ts")) {
        ok = pair(next(at), ':', &a, &b);
        opt[0] = 8;
        opt[1] = 10;
        bytes_put32(opt + 2, ok ? a : 0);
        bytes_put32(opt + 6, ok ? b : 0);
        ok = ok && add_tcpopt(p, opt, 10);
    } else if (is(w, "sack")) {
        ok = sack_option(p, next(at));
    } else if (is(w, "tcpopt")) {
        ok = packet_hex(next(at), opt, sizeof opt, &n) && add_tcpopt(p, opt, n);
    } else {
        return 0;
    }
    return ok ? 1 : -1;
}

/* Append an IPv6 extension header; the one before it must name it. */
static bool add_ext(struct spec *p, uint8_t kind, const uint8_t *h, size_t n)
{
    if (p->v4 || n > sizeof p->ext - p->n_ext)
        return false;
    if (p->has_ext)
        p->ext[p->last_ext] = kind;
    else
        p->first_ext = kind;
    p->has_ext = true;
    p->last_ext = p->n_ext;
    memcpy(p->ext + p->n_ext, h, n);
    p->n_ext += n;
    return true;
}

static bool padded_ext(struct spec *p, uint8_t kind, uint32_t n)
{
    uint8_t h[1024] = {0};

    if (n < 8 || n % 8 != 0 || n > sizeof h)
        return false;
    h[1] = (uint8_t)(n / 8 - 1);
    for (size_t i = 2; i < n;) { /* PadN, 257 bytes each at most */
        size_t take = n - i > 257 ? 200 : n - i;

        h[i] = take > 1;
        if (take > 1)
            h[i + 1] = (uint8_t)(take - 2);
        i += take;
    }
    return add_ext(p, kind, h, n);
}

static bool fragment(struct spec *p, struct slice w)
{
    uint8_t h[8] = {0};

    p->more_frags = w.n > 0 && w.s[w.n - 1] == '+';
    w.n -= p->more_frags;
    if (!number(w, &p->frag) || p->frag % 8 != 0 || p->frag > 65528)
        return false;
    p->is_frag = true;
    bytes_put16(h + 2, p->frag | p->more_frags);
    bytes_put32(h + 4, p->ipid);
    return p->v4 || add_ext(p, FRAGMENT, h, 8);
}

/* As tcp_option(). */
static int ip_word(struct spec *p, struct slice w, const char **at)
{
    uint8_t h[8] = {0};
    uint32_t n;
    bool ok;

    if (is(w, "frag")) {
        ok = fragment(p, next(at));
    } else if (is(w, "hbh")) {
        ok = number(next(at), &n) && padded_ext(p, HOPOPT, n);
    } else if (is(w, "dstopt")) {
        ok = number(next(at), &n) && padded_ext(p, DSTOPTS, n);
    } else if (is(w, "routing")) {
        ok = number(next(at), &n) && n < 256;
        h[2] = (uint8_t)(ok ? n : 0);
        ok = ok && add_ext(p, ROUTING, h, 8);
    } else if (is(w, "ipopt")) {
        ok = p->v4 && packet_hex(next(at), p->ipopt, 40, &p->n_ipopt);
    } else {
        return 0;
    }
    return ok ? 1 : -1;
}

/* As tcp_option(). */
static int payload_word(struct spec *p, struct slice w, const char **at)
{
    bool ok = true;

    if (w.s[0] == '\'') {
        ok = w.n >= 2 && w.s[w.n - 1] == '\'';
        p->payload = PAY_TEXT;
        p->body = (struct slice){w.s + 1, ok ? w.n - 2 : 0};
    } else if (is(w, "hex")) {
        p->payload = PAY_HEX;
        p->body = next(at);
    } else if (is(w, "len")) {
        p->payload = PAY_LEN;
        ok = number(next(at), &p->len);
    } else if (is(w, "about")) {
        w = next(at);
        ok = w.n > 2 && w.s[0] == '{' && w.s[w.n - 1] == '}';
        p->payload = PAY_ABOUT;
        p->body = (struct slice){w.s + 1, ok ? w.n - 2 : 0};
    } else {
        return 0;
    }
    return ok ? 1 : -1;
}

/* As tcp_option(). */
static int plain_word(struct spec *p, struct slice w, const char **at)
{
    const struct {
        const char *word;
        uint32_t *field;
        bool flag;
    } words[] = {
        {"ttl", &p->ttl, false},         {"tos", &p->tos, false},
        {"ipid", &p->ipid, false},       {"seq", &p->seq, false},
        {"ack", &p->ack, false},         {"win", &p->win, false},
        {"urg", &p->urg, false},         {"id", &p->id, false},
        {"mtu", &p->mtu, false},         {"ptr", &p->ptr, false},
        {"quote", &p->quote, false},     {"trail", &p->trail, false},
        {"vtag", &p->vtag, false},       {"itag", &p->itag, false},
        {"service", &p->service, false}, {"cscov", &p->cscov, false},
        {"short", &p->is_short, true},   {"df", &p->df, true},
        {"badsum", &p->badsum, true},    {"badipsum", &p->badipsum, true},
        {"nosum", &p->nosum, true},      {"partial", &p->partial, true},
    };

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (!is(w, words[i].word))
            continue;
        if (words[i].flag) {
            *words[i].field = 1;
            return 1;
        }
        return number(next(at), words[i].field) ? 1 : -1;
    }
    return 0;
}

bool packet_read(struct spec *p, const char **at)
{
    bool src_v4 = false;

    *p = (struct spec){.ttl = 64, .win = 65535, .quote = UINT32_MAX};
    if (!endpoint(next(at), p->src, &p->sport, &src_v4) || !is(next(at), ">") ||
        !endpoint(next(at), p->dst, &p->dport, &p->v4) || src_v4 != p->v4 ||
        !protocol(p, at))
        return false;
    for (;;) {
        struct slice w = next(at);
        int got;

        if (w.n == 0)
            return true;
        got = plain_word(p, w, at);
        if (got == 0)
            got = ip_word(p, w, at);
        if (got == 0)
            got = payload_word(p, w, at);
        if (got == 0 && p->proto == TCP)
            got = tcp_option(p, w, at);
        if (got <= 0)
            return false;
    }
}
