/* mapping.h - who shares which translation, and which ports are in use
 *
 * A mapping remembers a source's translation: (zone, protocol, source, source
 * port) -> its outside address and port -> its flows.  A source may have
 * several; the oldest that fits is asked first, so a mapping that met a clash
 * once is still the one that other remotes see (the kernel's drifts).  A
 * mapping lives as long as its last flow; gc lets go of it, above both. */
#ifndef MAPPING_H
#define MAPPING_H

#include "base/pool.h"
#include "nat/portmap.h"
#include "nat/quarantine.h"
#include "nat/remote.h"
#include "table/conn.h"
#include "table/peers.h"
#include "table/share.h"
#include "table/table.h"

#include <ctcore/ct.h>

struct mapping {
    uint8_t inside[16]; /* bytes: an aligned address would cost 4 more */
    uint16_t inside_port, outside_port;
    uint16_t zone;
    uint8_t proto, family;
    uint32_t flows; /* head of its list: their map_next */
    struct {
        uint32_t next, prev;
    } chain[2]; /* enum mapping_chain */
};

/* The two ways to find a mapping. */
enum mapping_chain { MAPPING_BY_SOURCE, MAPPING_BY_OUTSIDE };

/* Of conn's `counted`, by direction: in a port map, as a use of its remote, and
 * marked there. */
enum { MAPPING_IN_MAP = 1, MAPPING_OF_REMOTE = 4, MAPPING_MARKED = 16 };

/* What a shard knows of its translations. */
struct nat {
    struct table *table;
    struct portmaps *ports;
    const struct peers *peers;       /* other shards' tables */
    struct pool maps;                /* struct mapping */
    uint32_t *heads[2];              /* enum mapping_chain */
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

static inline struct mapping *mapping_at(const struct nat *n, uint32_t i)
{
    return (struct mapping *)(void *)n->maps.items + i;
}

void mapping_init(struct nat *n, struct block *b, uint32_t max);
void mapping_start(struct nat *n, uint64_t seed);

/* The flow has been confirmed: hang it on its mapping, and count its ports.
 * False: no room for a mapping; nothing was changed. */
bool mapping_bind(struct nat *n, struct ct_conn *c);
/* It is gone: the same back.  Its outside port may rest. */
void mapping_release(struct nat *n, struct ct_conn *c, ct_time now);

/* Is its originator hidden behind another address? */
static inline bool mapping_hides(const struct ct_conn *c)
{
    return (c->status & CT_SRC_NAT) &&
           !ct_addr_eq(&c->tuple[CT_DIR_REPLY].dst,
                       &c->tuple[CT_DIR_ORIGINAL].src);
}

/* Does its outside port rest when it ends?  One that was never answered
 * has no late packets to come. */
static inline bool mapping_rests(const struct ct_conn *c)
{
    return (c->status & CT_SEEN_REPLY) && mapping_hides(c);
}

static inline bool mapping_same_host(const struct ct_tuple *a,
                                     const struct ct_tuple *b)
{
    return a->zone == b->zone && ct_addr_eq(&a->src, &b->src);
}

/* Of one source, how many mappings are looked at: one that has more was given
 * them by rules that say `random`. */
#define MAPPING_DEPTH 16

/* The outside endpoints that orig's source has, oldest first.  *at begins with
 * CT_NONE.  False: no more. */
bool mapping_next(const struct nat *n, const struct ct_tuple *orig,
                  uint32_t *at, union ct_addr *addr, uint16_t *port);

/* A mapping that the outside knows by this address and port.  NULL: there is
 * none, or it stands behind hundreds that share their endpoint. */
const struct mapping *mapping_by_outside(const struct nat *n, uint16_t zone,
                                         uint8_t proto,
                                         const union ct_addr *addr,
                                         uint16_t port);

#endif
