/* natfree.c - reasons why a new flow may not have a tuple, the cheapest
 * first */
#include "nat/natfree.h"

#include "packet/parse.h"
#include "packet/shard.h"
#include "packet/tuple.h"

#include <ctcore/bits.h>

bool natfree_invert(const struct l4proto *proto, const struct ct_tuple *t,
                    struct ct_tuple *reply)
{
    if (proto->invert)
        return proto->invert(t, reply);
    *reply = *t;
    reply->src = t->dst;
    reply->dst = t->src;
    reply->sport = t->dport;
    reply->dport = t->sport;
    return true;
}

/* Where ports rest only its own host may take over what it left. */
static bool may_take(const struct nat *n, const struct ct_conn *old,
                     enum ct_dir dir, const struct nat_ask *ask)
{
    return dir == CT_DIR_REPLY && ask->proto->reusable &&
           (old->status & CT_SRC_NAT) && !(old->status & CT_FIXED_TIMEOUT) &&
           (!n->rest_s || mapping_same_host(&old->tuple[CT_DIR_ORIGINAL],
                                            &ask->pkt->tuple)) &&
           ask->proto->reusable(&old->proto, ask->pkt);
}

const struct ct_steer_row *natfree_forward(const struct nat *n,
                                           const struct ct_tuple *cur)
{
    struct ct_tuple to = *cur;

    if (!n->forwards || !ct_proto_has_ports(cur->proto))
        return NULL;
    to.dst = cur->src;
    to.dport = cur->sport;
    return shard_forward(n->forwards, &to);
}

static bool is_router_address(const struct ct_ifaces *ifaces, uint8_t family,
                              const union ct_addr *addr)
{
    for (uint32_t i = 0; ifaces && i < ifaces->n; i++)
        for (unsigned k = 0; k < ifaces->iface[i].n_addrs; k++)
            if (ifaces->iface[i].family[k] == family &&
                ct_addr_eq(&ifaces->iface[i].addr[k], addr))
                return true;
    return false;
}

/* A forward of all ports of the router's own address leaves others something:
 * answers are known by their remote, as long as no steering stands before
 * that. */
bool natfree_is_others(const struct nat *n, const struct ct_tuple *cur,
                       const union ct_addr *host)
{
    const struct ct_steer_row *row = natfree_forward(n, cur);

    if (!row || ct_addr_eq(&row->target, host))
        return false;
    return row->port_lo > 1 || row->port_hi < 65535 ||
           n->forwards->n_shards > 1 ||
           !is_router_address(n->forwards->ifaces, row->family, &row->addr);
}

const struct ct_reserved *natfree_listeners(const struct nat *n, uint8_t proto)
{
    return proto == CT_PROTO_TCP   ? n->reserved_tcp
           : proto == CT_PROTO_UDP ? n->reserved_udp
                                   : NULL;
}

const struct ct_reserved *natfree_reserved(const struct nat *n,
                                           const struct ct_tuple *cur,
                                           const struct nat_ask *ask)
{
    return ask->hidden ? natfree_listeners(n, cur->proto) : NULL;
}

/* Another thread may be writing it: a word at a time. */
uint64_t natfree_reserved_word(const struct ct_reserved *set, uint32_t port)
{
    return __atomic_load_n(&set->word[port >> 6], __ATOMIC_RELAXED);
}

bool natfree_is_reserved(const struct ct_reserved *set, uint32_t port)
{
    return set && (natfree_reserved_word(set, port) >> (port & 63) & 1);
}

/* Is that reply tuple another host's yet, whose flow is over? */
static bool is_resting(const struct nat *n, const struct ct_tuple *reply,
                       uint64_t hash, const struct nat_ask *ask)
{
    const struct ct_tuple *orig = &ask->pkt->tuple;
    const struct ct_conn *late;

    if (!ask->hidden || !quarantine_is_on(&n->resting))
        return false;
    if (quarantine_holds(&n->resting, hash, orig, ask->now))
        return true;
    /* Its time is up, but it has not been collected yet. */
    late = table_find_late(n->table, reply, hash);
    return n->rest_s && late && mapping_rests(late) &&
           !mapping_same_host(&late->tuple[CT_DIR_ORIGINAL], orig);
}

bool natfree_is_free(struct nat *n, const struct ct_tuple *cur,
                     struct nat_ask *ask)
{
    struct ct_tuple reply;
    struct ct_conn *old;
    enum ct_dir dir;
    uint64_t hash;

    work_step(n->work, 1);
    if (natfree_is_others(n, cur, &ask->pkt->tuple.src) ||
        natfree_is_reserved(natfree_reserved(n, cur, ask), cur->sport) ||
        !natfree_invert(ask->proto, cur, &reply))
        return false;
    hash = tuple_hash(&reply, n->table->key);
    old = table_find(n->table, &reply, hash, ask->now, &dir);
    if (!old && n->peers->busy &&
        peers_find(n->peers, &reply, hash, ask->now) != CT_NONE)
        return false;
    if (!old)
        return !is_resting(n, &reply, hash, ask);
    ct_add(&n->stats[CT_STAT_found], 1);
    if (ask->victim == CT_NONE && may_take(n, old, dir, ask))
        ask->victim = table_slot(n->table, old);
    return false;
}
