/* helper.c - an outside port for what is announced, and payload with that in
 * it */
#include "helper/helper.h"

#include "nat/natport.h"
#include "packet/mangle_payload.h"
#include "table/seqadj.h"

#include <ctcore/wire.h>

/* Ports that are tried when the announced one can't be had. */
#define MAX_PORTS 128u

/* Behind the last one; a well-known port is further from there than that. */
#define FIRST_PORT 1024u

/* May that port be announced to the outside?  Where the address stays the
 * flow's own no other host can have it. */
static bool may_announce(const struct helper_call *h, const struct ct_tuple *t)
{
    const struct ct_tuple *own = &h->c->tuple[h->dir];
    struct ct_tuple cur = *t;

    if (ct_addr_eq(&t->dst, &own->src))
        return true;
    cur.src = t->dst;
    cur.sport = t->dport;
    return natport_open(&h->ct->nat, &cur, &own->src);
}

/* The port to try behind that one: the next of this shard's slice, for the
 * others' answers come to them. */
static uint32_t next_port(const struct portmaps *ps, uint32_t port)
{
    uint32_t at = port + 1;

    at += (ps->n_shards + ps->shard - at % ps->n_shards) % ps->n_shards;
    return at > 65535 ? FIRST_PORT : at;
}

enum ct_reason helper_expect(const struct helper_call *h,
                             const struct helper *by, struct expect_ask *ask)
{
    const struct expect_policy *policy = &by->policy[ask->class];
    uint32_t master = table_slot(&h->ct->table, h->c);
    uint32_t tries = 1;

    ask->helper = by->id;
    ask->translated = helper_translated(h);
    ask->port = ask->tuple.dport;
    if (ask->translated)
        tries = MAX_PORTS;
    for (uint32_t port = ask->port; tries > 0;
         port = next_port(&h->ct->ports, port), tries--) {
        ask->tuple.dport = (uint16_t)port;
        work_step(&h->ct->work, 1);
        if (ask->translated && !may_announce(h, &ask->tuple))
            continue;
        switch (expect_add(&h->ct->expects, master, ask, policy, h->ct->now)) {
        case EXPECT_MADE:
            return CT_REASON_NONE;
        case EXPECT_FULL:
            return CT_REASON_EXPECT_FULL;
        case EXPECT_BUSY:
            break;
        }
    }
    return ask->translated ? CT_REASON_NO_PORT : CT_REASON_EXPECT_FULL;
}

enum ct_reason helper_replace(const struct helper_call *h, uint32_t at,
                              uint32_t was, const uint8_t *is, uint32_t len)
{
    const uint8_t *l4 = h->pkt->data + h->pkt->l4_off;
    uint32_t seq = ct_load32(ct_tcp_view(l4)->seq);

    if (!mangle_payload(h->pkt, h->at + at, was, is, len))
        return CT_REASON_HELPER_ROOM;
    if (len == was)
        return CT_REASON_NONE;
    conn_write_begin(h->c);
    conn_set(h->x->kinds, h->x->kinds | 1u << EXT_SEQADJ);
    seqadj_note(h->x, h->dir, seq, len - was);
    conn_set(h->c->status, h->c->status | CT_SEQ_ADJUST);
    conn_write_end(h->c);
    return CT_REASON_NONE;
}
