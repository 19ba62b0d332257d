/* gen_assoc.c - see gen_assoc.h
 *
 * Each side has fixed tags and first numbers, so that answers fit although no
 * state is kept between packets; one in ten does not fit. */
#include "gen_assoc.h"

#include "bytes.h"

#include <string.h>

static uint32_t below(struct gen *g, uint32_t n)
{
    return hash_rng_below(&g->rng, n);
}

static bool chance(struct gen *g, uint32_t percent)
{
    return below(g, 100) < percent;
}

/* ---- SCTP ---- */

enum { HEADER = 12 };
enum { INIT = 1, INIT_ACK, SACK, HEARTBEAT, HEARTBEAT_ACK, ABORT, SHUTDOWN };
enum { SHUTDOWN_ACK = 8, COOKIE_ECHO = 10, COOKIE_ACK, COMPLETE = 14 };

static uint32_t tag_of(struct gen *g, uint8_t side)
{
    return chance(g, 95) ? 0x7000u + side : below(g, 4);
}

static uint8_t next_chunk(struct gen *g, const uint8_t *was, uint32_t n)
{
    static const uint8_t answers[16] = {
        [0] = SACK,
        [INIT] = INIT_ACK,
        [INIT_ACK] = COOKIE_ECHO,
        [HEARTBEAT] = HEARTBEAT_ACK,
        [SHUTDOWN] = SHUTDOWN_ACK,
        [SHUTDOWN_ACK] = COMPLETE,
        [COOKIE_ECHO] = COOKIE_ACK,
        [COMPLETE] = INIT,
    };

    if (chance(g, 5))
        return (uint8_t)below(g, 256);
    if (!was || n < HEADER + 4)
        return chance(g, 85) ? INIT : HEARTBEAT;
    if (chance(g, 80) && answers[was[HEADER] & 15])
        return answers[was[HEADER] & 15];
    return (const uint8_t[]){0, SACK, SHUTDOWN, ABORT}[below(g, 4)];
}

uint32_t gen_sctp(struct gen *g, uint8_t *l4, uint8_t side, const uint8_t *was,
                  uint32_t n, uint32_t extra)
{
    uint8_t type = next_chunk(g, was, n);
    uint32_t fixed = type == INIT || type == INIT_ACK ? 20 : 4, len;
    uint8_t *c = l4 + HEADER;

    extra &= ~3u;
    len = fixed + extra;
    memset(l4 + 4, 0, 8 + fixed);
    bytes_put32(l4 + 4, type == INIT ? 0 : tag_of(g, side ^ 1));
    c[0] = type;
    c[1] = (uint8_t)(below(g, 8) == 0);
    bytes_put16(c + 2, (uint16_t)len);
    if (fixed == 20)
        bytes_put32(c + 4, tag_of(g, side));
    if (chance(g, 10)) { /* and a chunk behind it */
        memset(c + len, 0, 4);
        c[len] = (uint8_t)below(g, 16);
        c[len + 3] = (uint8_t)(chance(g, 80) ? 4 : below(g, 9));
        len += 4;
    }
    return HEADER + len;
}

uint32_t gen_sctp_crc(const uint8_t *l4, uint32_t n)
{
    uint32_t crc = 0xffffffff;

    for (uint32_t i = 0; i < n; i++) {
        crc ^= i - 8 < 4 ? 0 : l4[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
    }
    return __builtin_bswap32(~crc);
}

/* ---- DCCP ---- */

enum { REQUEST, RESPONSE, DATA, ACK, DATAACK, CLOSEREQ, CLOSE, RESET };

static uint8_t next_type(struct gen *g, const uint8_t *was, uint32_t n)
{
    static const uint8_t answers[16] = {
        [REQUEST] = RESPONSE, [RESPONSE] = ACK,  [DATA] = ACK,
        [ACK] = DATAACK,      [DATAACK] = DATA,  [CLOSEREQ] = CLOSE,
        [CLOSE] = RESET,      [RESET] = REQUEST,
    };

    if (chance(g, 8))
        return (uint8_t)below(g, 16);
    if (!was || n < HEADER)
        return chance(g, 90) ? REQUEST : ACK;
    if (chance(g, 10))
        return (uint8_t)(CLOSEREQ + below(g, 3));
    return answers[was[8] >> 1 & 15];
}

uint32_t gen_dccp(struct gen *g, uint8_t *l4, uint8_t side, const uint8_t *was,
                  uint32_t n, uint32_t extra)
{
    uint8_t type = next_type(g, was, n);
    uint32_t len = 28, seq = 0x1000u + ((uint32_t)side << 16) + below(g, 64),
             ack;

    if (type >= DATA && type <= DATAACK)
        len = type == DATA ? 16 : 24;
    ack = was && n >= 16 && chance(g, 90) ? bytes_get32(was + 12) : below(g, 9);
    memset(l4 + 4, 0, 24);
    l4[4] = (uint8_t)(len / 4);
    if (chance(g, 10))
        l4[5] = (uint8_t)below(g, 16);
    l4[8] = (uint8_t)(type << 1 | (below(g, 20) != 0));
    bytes_put32(l4 + 12,
                chance(g, 97) ? seq : (uint32_t)hash_rng_next(&g->rng));
    bytes_put32(l4 + 20, ack);
    return len + extra;
}
