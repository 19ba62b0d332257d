/* helper.h - the contract of a helper, and what helpers share
 *
 * A helper reads the payload of its flows' packets, before they are confirmed,
 * and says which other flow they announce: an expectation (expect.h).  Where
 * the flow is translated it also rewrites the announcement, so that what is
 * announced can be reached.  It sees sequence numbers as the ends count them
 * (seqadj.h), and may keep a few words beside the flow.
 *
 * A rule gives a flow its helper; no port alone ever does.  Helpers answer NONE
 * or the reason why the packet must not go on.
 *
 * All helpers are declared here: each is one object, and its file has nothing
 * else to declare. */
#ifndef HELPER_H
#define HELPER_H

#include "core/core.h"

struct helper_call {
    struct ct *ct;
    struct ct_pkt *pkt;
    struct ct_conn *c;
    struct ext *x; /* of c, EXT_HELPER */
    enum ct_dir dir;
    uint32_t at; /* of the payload, from the transport header on */
};

struct helper {
    uint8_t id;                     /* enum ct_helper */
    struct expect_policy policy[2]; /* by class */
    enum ct_reason (*help)(const struct helper_call *h);
};

extern const struct helper helper_ftp, helper_tftp, helper_pptp;

/* The packet's payload, and how many bytes of it there are. */
static inline const uint8_t *helper_text(const struct helper_call *h,
                                         uint32_t *len)
{
    *len = h->pkt->l4_len - h->at;
    return h->pkt->data + h->pkt->l4_off + h->at;
}

/* What packets of the other direction are when they arrive: where announced
 * flows come from, and where to. */
static inline const struct ct_tuple *helper_other(const struct helper_call *h)
{
    return &h->c->tuple[!h->dir];
}

static inline bool helper_translated(const struct helper_call *h)
{
    return h->c->status & CT_NAT_MASK;
}

/* Expect this.  If the flow is translated, what comes will be translated as it
 * is, and to the port that ask->tuple.dport is now; outside that port is given
 * if it can be had, else another one: ask->tuple.dport then.
 * => NONE, or EXPECT_FULL or NO_PORT. */
enum ct_reason helper_expect(const struct helper_call *h,
                             const struct helper *by, struct expect_ask *ask);

/* Put len bytes in place of was bytes of the payload, from at on; TCP only.
 * => NONE, or HELPER_ROOM, and nothing changed. */
enum ct_reason helper_replace(const struct helper_call *h, uint32_t at,
                              uint32_t was, const uint8_t *is, uint32_t len);

#endif
