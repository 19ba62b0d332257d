/* packet_sctp.c - SCTP in a line of text: chunks by name; see packet.h
 *
 * RFC 9260 3: each chunk is type, flags, length, and what it always has; the
 * payload belongs to the last one. */
#include "packet_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER = 12, CHUNK = 4 };

static const struct {
    const char *name;
    uint8_t type, fixed; /* bytes behind the chunk's header */
} chunks[] = {
    {"DATA", 0, 12},
    {"INIT", 1, 16},
    {"INIT_ACK", 2, 16},
    {"SACK", 3, 12},
    {"HEARTBEAT", 4, 8},
    {"HEARTBEAT_ACK", 5, 8},
    {"ABORT", 6, 0},
    {"SHUTDOWN", 7, 4},
    {"SHUTDOWN_ACK", 8, 0},
    {"ERROR", 9, 0},
    {"COOKIE_ECHO", 10, 0},
    {"COOKIE_ACK", 11, 0},
    {"SHUTDOWN_COMPLETE", 14, 0},
};

enum { N_CHUNKS = sizeof chunks / sizeof chunks[0] };

static size_t fixed_of(uint8_t type)
{
    for (size_t i = 0; i < N_CHUNKS; i++)
        if (chunks[i].type == type)
            return chunks[i].fixed;
    return 0;
}

static bool has_itag(uint8_t type)
{
    return type == 1 || type == 2;
}

/* A name or a number. */
static bool one_chunk(const char *word, size_t n, uint8_t *type)
{
    char text[8] = "", *end;
    unsigned long v;

    for (size_t i = 0; i < N_CHUNKS; i++)
        if (strlen(chunks[i].name) == n &&
            memcmp(word, chunks[i].name, n) == 0) {
            *type = chunks[i].type;
            return true;
        }
    if (n == 0 || n >= sizeof text)
        return false;
    memcpy(text, word, n);
    v = strtoul(text, &end, 10);
    *type = (uint8_t)v;
    return *end == '\0' && v < 256;
}

/* "INIT", "COOKIE_ECHO+DATA", "ABORT/T", "-" */
bool packet_sctp_read(struct spec *p, struct slice w)
{
    if (w.n == 1 && w.s[0] == '-')
        return true;
    while (w.n > 0) {
        const char *plus = memchr(w.s, '+', w.n);
        size_t n = plus ? (size_t)(plus - w.s) : w.n, name = n;

        if (p->n_chunks == sizeof p->chunk)
            return false;
        if (n > 2 && memcmp(w.s + n - 2, "/T", 2) == 0) {
            name -= 2;
            p->chunk_flags[p->n_chunks] = 1;
        }
        if (!one_chunk(w.s, name, &p->chunk[p->n_chunks++]))
            return false;
        n += plus != NULL;
        w = (struct slice){w.s + n, w.n - n};
    }
    return p->n_chunks > 0;
}

size_t packet_sctp_len(const struct spec *p)
{
    size_t n = HEADER;

    for (size_t i = 0; i < p->n_chunks; i++)
        n += CHUNK + fixed_of(p->chunk[i]);
    return n;
}

void packet_sctp_write(const struct spec *p, uint8_t *h, size_t payload)
{
    uint8_t *at = h + HEADER;

    bytes_put16(h, p->sport);
    bytes_put16(h + 2, p->dport);
    bytes_put32(h + 4, p->vtag);
    for (size_t i = 0; i < p->n_chunks; i++) {
        size_t n = CHUNK + fixed_of(p->chunk[i]);

        at[0] = p->chunk[i];
        at[1] = p->chunk_flags[i];
        bytes_put16(at + 2,
                    (unsigned)(n + (i + 1 == p->n_chunks ? payload : 0)));
        if (has_itag(p->chunk[i])) {
            bytes_put32(at + 4, p->itag);
            bytes_put32(at + 8, 65535); /* a_rwnd */
            bytes_put16(at + 12, 1);    /* streams each way */
            bytes_put16(at + 14, 1);
        }
        at += n;
    }
}

/* Bit by bit, the field counting as zero (RFC 9260 appendix A). */
uint32_t packet_sctp_crc(const uint8_t *p, size_t n)
{
    uint32_t crc = 0xffffffff;

    for (size_t i = 0; i < n; i++) {
        crc ^= i >= 8 && i < 12 ? 0 : p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
    }
    crc = ~crc; /* goes out with its lowest byte first */
    return crc << 24 | (crc & 0xff00) << 8 | (crc >> 8 & 0xff00) | crc >> 24;
}

static size_t print_chunk(char *out, size_t room, const uint8_t *c, bool first)
{
    char name[32];
    int n;

    snprintf(name, sizeof name, "%u", c[0]);
    for (size_t i = 0; i < N_CHUNKS; i++)
        if (chunks[i].type == c[0])
            snprintf(name, sizeof name, "%s", chunks[i].name);
    n = snprintf(out, room, "%s%s%s", first ? "" : "+", name,
                 c[1] & 1 && (c[0] == 6 || c[0] == 14) ? "/T" : "");
    return n < 0 || (size_t)n >= room ? room - 1 : (size_t)n;
}

/* Where the payload of the last chunk begins, and how long it is; chunks and
 * their words go to out. */
size_t packet_sctp_print(char *out, size_t room, const uint8_t *sctp, size_t n,
                         bool brief, size_t *payload)
{
    char itag[24] = "";
    size_t at = HEADER, begins = n, len = 0;

    out[0] = '\0';
    *payload = 0;
    while (at + CHUNK <= n) {
        size_t c = bytes_get16(sctp + at + 2);

        len += print_chunk(out + len, room - len, sctp + at, at == HEADER);
        if (c < CHUNK + fixed_of(sctp[at]) || c > n - at) {
            snprintf(out + len, room - len, " <chunk of %zu>", c);
            return n;
        }
        if (has_itag(sctp[at]))
            snprintf(itag, sizeof itag, " itag %u", bytes_get32(sctp + at + 4));
        begins = at + CHUNK + fixed_of(sctp[at]);
        *payload = at + c - begins;
        at += (c + 3) / 4 * 4;
    }
    if (len == 0)
        len = (size_t)snprintf(out, room, "-");
    if (!brief)
        snprintf(out + len, room - len, " vtag %u%s", bytes_get32(sctp + 4),
                 itag);
    return begins;
}
