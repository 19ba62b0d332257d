/* gen.h - plausible and hostile packets, the same for the same seed
 *
 * Conversations are not kept: the generator remembers what the router sent
 * lately and answers it, quotes it in errors, or sends it again, so that live,
 * dead and foreign flows all occur.  Then some packets are spoilt. */
#ifndef GEN_H
#define GEN_H

#include <ctcore/pkt.h>

#include "base/hash.h"

#define GEN_MAX  2048u
#define GEN_SEEN 256u

enum { GEN_LAN, GEN_WAN };

struct gen_packet {
    uint8_t data[GEN_MAX];
    uint32_t len;
    uint16_t gso_size;
    uint8_t in;
    bool partial, ok; /* what the device says of the transport checksum */
};

struct gen_seen {
    uint8_t data[256];
    uint16_t len;
    uint8_t out;
};

struct gen {
    struct rng rng;
    struct gen_seen seen[GEN_SEEN];
    uint32_t n_seen;
};

void gen_init(struct gen *g, uint64_t seed);
void gen_next(struct gen *g, struct gen_packet *p);

/* The router sent this. */
void gen_saw(struct gen *g, const struct ct_pkt *pkt);

/* ---- reference answers, written apart from the core's ---- */

enum gen_sum { GEN_SUM_NONE, GEN_SUM_RIGHT, GEN_SUM_WRONG };

/* Is the transport checksum of this whole, unfragmented packet right?  NONE:
 * it has none, or it can't be told. */
enum gen_sum gen_l4_sum(const uint8_t *p, uint32_t len);
/* The same for a field that holds the pseudo header's sum only. */
enum gen_sum gen_partial_sum(const uint8_t *p, uint32_t len);
bool gen_ip_sum_ok(const uint8_t *p);

/* Offset of the transport header, its protocol; 0: none. */
uint32_t gen_l4(const uint8_t *p, uint32_t len, uint8_t *proto);

#endif
