/* timeouts.c - a rule's durations, copied into a flow's extension record */
#include "core/timeouts.h"

#include "proto/protos.h"

const struct ct_params *core_timeouts_params(struct ct *ct,
                                             const struct ct_conn *c)
{
    const struct l4proto *proto = protos_find(c->tuple[CT_DIR_ORIGINAL].proto);
    const struct ext *x = ext_find(&ct->ext, table_slot(&ct->table, c));

    ct->own = ct->params;
    for (unsigned i = 0; i < proto->n_timeouts; i++)
        if (x->timeouts[i])
            ct->own.v[proto->first_timeout + i] = x->timeouts[i];
    return &ct->own;
}

void core_timeouts_refresh_own(struct ct *ct, uint32_t slot, uint8_t param,
                               enum expiry_class class)
{
    const struct ct_params *own = core_timeouts_params(ct, core_conn(ct, slot));

    expiry_refresh_own(&ct->expiry, slot, own->v[param], class, ct->now);
}

void core_timeouts_set(struct ct *ct, const struct ct_pkt *pkt,
                       const uint32_t *s)
{
    const struct l4proto *proto = protos_find(pkt->tuple.proto);
    struct ct_conn *c = pkt->conn;
    struct ext *x = NULL;

    if (!c || !pkt->made_conn || (c->status & CT_CONFIRMED))
        return;
    s += proto->first_timeout;
    for (unsigned i = 0; i < proto->n_timeouts; i++) {
        if (!s[i])
            continue;
        if (!x)
            x = core_extend(ct, table_slot(&ct->table, c), EXT_TIMEOUTS);
        if (!x)
            return;
        conn_set(x->timeouts[i], s[i]);
    }
    if (x)
        conn_set(c->status, c->status | CT_OWN_TIMEOUTS);
}
