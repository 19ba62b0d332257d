/* protos.c - the registry of trackers: one row a protocol
 *
 * To add a protocol: write its file and its row of words.def. */
#include "proto/protos.h"

#include <ctcore/ct.h>

static const struct l4proto *const registry[256] = {
#define P(NAME, name, number, header, ids, sum_at, sum, content)               \
    [number] = &proto_##name,
    CT_PROTOS(P)
#undef P
};

const struct l4proto *protos_find(uint8_t proto)
{
    const struct l4proto *found = registry[proto];

    return found ? found : &proto_generic;
}

bool protos_invert(const struct ct_tuple *t, struct ct_tuple *reply)
{
    const struct l4proto *proto = protos_find(t->proto);
    struct ct_tuple r;

    if (proto->invert)
        return proto->invert(t, reply);
    r = *t;
    r.src = t->dst;
    r.dst = t->src;
    r.sport = t->dport;
    r.dport = t->sport;
    *reply = r;
    return true;
}

bool ct_timeout_is_of(unsigned param, uint8_t proto)
{
    const struct l4proto *p = protos_find(proto);

    return param >= p->first_timeout &&
           param < p->first_timeout + p->n_timeouts;
}

const char *ct_state_name(uint8_t proto, unsigned state)
{
    const struct l4proto *p = protos_find(proto);

    return p->states && state < p->n_states ? p->states[state] : NULL;
}
