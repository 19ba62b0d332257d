/* nat.h - choose the translation of a new flow, and remember who shares it
 *
 * A flow's reply tuple, inverted, is its translated original: so "is this
 * translation unique?" is the question "is that reply tuple in the table?",
 * asked before confirm; between nat_setup() and table_confirm() nothing else
 * runs in this shard, so what was unique stays so.
 *
 * Who shares a translation is remembered by the mapping: (zone, protocol,
 * source, source port) -> its outside address and port -> its flows.  A source
 * may have several; the oldest that fits is asked first, so a mapping that met
 * a clash once is still the one that other remotes see (the kernel's drifts).
 * A mapping lives as long as its last flow; gc lets go of it, above both. */
#ifndef NAT_H
#define NAT_H

#include "conn.h"
#include "l4proto.h"
#include "mangle.h"
#include "peers.h"
#include "pool.h"
#include "portmap.h"
#include "quarantine.h"
#include "remote.h"
#include "share.h"
#include "table.h"

#include <ctcore/ct.h>

struct mapping {
    uint8_t inside[16]; /* bytes: an aligned address would cost 4 more */
    uint16_t inside_port, outside_port;
    uint16_t zone;
    uint8_t proto, family;
    uint32_t flows; /* head of its list: their map_next */
    struct {
        uint32_t next, prev;
    } chain[2]; /* enum nat_chain */
};

/* The two ways to find a mapping. */
enum nat_chain { NAT_BY_SOURCE, NAT_BY_OUTSIDE };

struct nat {
    struct table *table;
    struct portmaps *ports;
    const struct peers *peers;       /* other shards' tables */
    struct pool maps;                /* struct mapping */
    uint32_t *heads[2];              /* enum nat_chain */
    uint32_t n_heads;                /* of each; a power of two */
    uint64_t seed, draws;            /* of the port choice: see natport.c */
    bool exclusive_first;            /* profiles weir and rfc */
    const struct ct_steer *forwards; /* whose ports are not to be given */
    const struct ct_reserved *reserved_tcp, *reserved_udp; /* or NULL */
    const struct ct_reserved *taken_tcp, *taken_udp;       /* the same */
    struct remotes remotes;
    struct quarantine resting; /* outside ports of ended flows, */
    uint32_t rest_s;           /* for so long; 0: not at all */
    struct share *share;       /* of the outside ports; NULL: no limit */
    struct work *work;
    uint64_t *stats; /* enum ct_stat */
};

void nat_init(struct nat *n, struct block *b, uint32_t max);
void nat_start(struct nat *n, uint64_t seed);

/* What nat_setup() needs to know of one packet's flow. */
struct nat_ask {
    const struct ct_pkt *pkt;
    const struct l4proto *proto;
    const struct ct_nat_range *range; /* NULL: null binding */
    ct_time now;
    uint32_t victim; /* out: see below */
    bool keyed;      /* range's port is a GRE key, to be taken as it is */
    uint32_t begin;  /* its own: steps before the search */
    bool hidden;     /* its own: the source gets another's address */
};

/* Choose one side of an unconfirmed flow's translation and write it into its
 * reply tuple and status.  NONE, NO_PORT or SOURCE_PORTS; then ask->victim is
 * the slot of a flow in TIME_WAIT or CLOSE that the caller may destroy and ask
 * again, or CT_NONE. */
enum ct_reason nat_setup(struct nat *n, struct ct_conn *c,
                         enum mangle_side side, struct nat_ask *ask);

/* The flow has been confirmed: hang it on its mapping, and count its ports.
 * False: no room for a mapping; nothing was changed. */
bool nat_bind(struct nat *n, struct ct_conn *c);
/* It is gone: the same back.  Its outside port may rest. */
void nat_release(struct nat *n, struct ct_conn *c, ct_time now);

/* Is its originator hidden behind another address? */
static inline bool nat_hides(const struct ct_conn *c)
{
    return (c->status & CT_SRC_NAT) &&
           !ct_addr_eq(&c->tuple[CT_DIR_REPLY].dst,
                       &c->tuple[CT_DIR_ORIGINAL].src);
}

/* Does its outside port rest when it ends?  One that was never answered
 * has no late packets to come. */
static inline bool nat_rests(const struct ct_conn *c)
{
    return (c->status & CT_SEEN_REPLY) && nat_hides(c);
}

static inline bool nat_same_host(const struct ct_tuple *a,
                                 const struct ct_tuple *b)
{
    return a->zone == b->zone && ct_addr_eq(&a->src, &b->src);
}

/* Of one source, how many mappings are looked at: one that has more was given
 * them by rules that say `random`. */
#define NAT_MAP_DEPTH 16

/* The outside endpoints that orig's source has, oldest first.  *at begins with
 * CT_NONE.  False: no more. */
bool nat_mapping_next(const struct nat *n, const struct ct_tuple *orig,
                      uint32_t *at, union ct_addr *addr, uint16_t *port);

/* A mapping that the outside knows by this address and port.  NULL: there is
 * none, or it stands behind hundreds that share their endpoint. */
const struct mapping *nat_by_outside(const struct nat *n, uint16_t zone,
                                     uint8_t proto, const union ct_addr *addr,
                                     uint16_t port);

/* Rewrite one side of a packet as its flow says. */
void nat_rewrite(const struct ct_conn *c, struct ct_pkt *pkt,
                 enum mangle_side side);

/* Is that side of packets in that direction rewritten? */
static inline bool nat_wanted(const struct ct_conn *c, enum ct_dir dir,
                              enum mangle_side side)
{
    uint32_t bit = ((side == MANGLE_SRC) == (dir == CT_DIR_ORIGINAL))
                       ? CT_SRC_NAT
                       : CT_DST_NAT;

    return c->status & bit;
}

/* Rewrite it, if that side of that direction is translated. */
static inline void nat_translate(const struct ct_conn *c, struct ct_pkt *pkt,
                                 enum mangle_side side)
{
    if (nat_wanted(c, (enum ct_dir)pkt->dir, side))
        nat_rewrite(c, pkt, side);
}

#endif
