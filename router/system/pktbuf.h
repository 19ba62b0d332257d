/* pktbuf.h - packet buffers, all there from the start
 *
 * A buffer belongs to the pool it was cut from; another worker that was handed
 * one sends it home by a ring, so each pool has one thread only.  Last in,
 * first out: the buffer used next is the one still in the cache. */
#ifndef PKTBUF_H
#define PKTBUF_H

#include <ctcore/pkt.h>

enum {
    PKTBUF_LINK = 10,         /* virtio_net_hdr */
    PKTBUF_DATA = 65536 + 64, /* the longest IPv6 packet, and more */
    PKTBUF_SIZE = (int)CT_HEADROOM + PKTBUF_DATA + (int)CT_HEADROOM
};

struct pktbuf {
    struct ct_pkt pkt;      /* first: a packet's address is its buffer's */
    uint8_t home;           /* worker whose pool it is of */
    uint64_t cuts[CT_CUTS]; /* of a datagram that was put together */
    _Alignas(64) uint8_t room[PKTBUF_SIZE];
};

struct pktbuf_pool {
    struct pktbuf *block;
    struct pktbuf **free;
    uint32_t n, n_free;
};

/* False: no memory. */
bool pktbuf_setup(struct pktbuf_pool *pool, uint32_t n, uint8_t home);
void pktbuf_free(struct pktbuf_pool *pool);

/* NULL: none left. */
struct pktbuf *pktbuf_get(struct pktbuf_pool *pool);
void pktbuf_put(struct pktbuf_pool *pool, struct pktbuf *buf);

#endif
