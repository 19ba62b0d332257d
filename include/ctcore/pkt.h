/* pkt.h - a packet on its journey: a view of bytes that the caller owns
 *
 * The caller fills the first block and calls ct_parse(), which fills the
 * second; the hooks fill the third.  data points at the IP header; at least
 * CT_HEADROOM bytes before it and behind data + len are the caller's to lend.
 */
#ifndef CTCORE_PKT_H
#define CTCORE_PKT_H

#include <ctcore/lists.h>
#include <ctcore/types.h>
#include <ctcore/wire.h>

#define CT_HEADROOM 64u
#define CT_CUTS     128u /* bits for 64 KiB, one for 8 bytes */

struct ct_conn;

/* Kinds of packet that the router itself makes. */
enum ct_kind { CT_KIND_NONE, CT_KIND_ECHO, CT_KIND_RST, CT_KIND_ERROR };

struct ct_pkt {
    /* from the caller */
    uint8_t *data;
    uint32_t len;      /* bytes from the IP header on */
    uint16_t gso_size; /* payload bytes a segment; 0: not a super-packet */
    uint8_t gso_type;  /* virtio_net_hdr's, for the caller's own use */
    bool csum_partial; /* L4 field holds the pseudo header's sum only */
    bool csum_ok;      /* the L4 checksum has been checked */
    bool self;         /* may be from an address to itself: a host's loopback */
    uint8_t in;        /* interface it came by, CT_NO_IFACE: made here */
    uint8_t kind;      /* enum ct_kind */
    uint16_t frag_max; /* it came in fragments, the largest this long; or 0 */
    bool passed;       /* another shard gave it here: ct_take_over() */
    uint32_t steered;  /* serial of the steering by which this shard owns it; 0:
                          not asked */
    /* Where they began: bit i of word i / 64 for byte 8 * i of what was cut;
     * CT_CUTS words.  NULL: not known. */
    uint64_t *cuts;

    /* from ct_parse() */
    uint8_t l4_flags; /* TCP: the flag byte */
    uint8_t icmp_type, icmp_code;
    bool icmp_error;       /* an error message, so it is about another flow */
    bool l4_bad;           /* transport header unusable: why in l4_why */
    uint8_t l4_why;        /* enum ct_reason, kind I */
    uint16_t queue;        /* from the hooks: the queue that a rule said */
    uint32_t l4_off;       /* from data to the transport header */
    uint32_t l4_len;       /* bytes of transport header and payload */
    uint64_t hash;         /* of tuple, keyed by this shard's table */
    struct ct_tuple tuple; /* as the packet stands on arrival */

    /* from the hooks */
    struct ct_conn *conn;   /* only ctcore may look inside; NULL: no entry */
    uint8_t info;           /* enum ct_info */
    uint8_t dir;            /* enum ct_dir */
    uint8_t why;            /* enum ct_reason: of the drop, or of INVALID */
    uint8_t out;            /* interface it is to leave by; the route sets it */
    uint8_t helper;         /* enum ct_helper that a rule gives its flow */
    uint16_t zone_reply;    /* of a flow it begins; its own is tuple.zone */
    bool notrack;           /* a rule said so: exempt from `untranslated` */
    bool tracked;           /* conntrack has seen it on this journey */
    bool nat_known;         /* INVALID, but of a flow that is translated */
    bool made_conn;         /* conn was made for it: confirmed or discarded */
    bool held;              /* QUEUEd or STOLEN: only ct_resume() goes on */
    bool resized;           /* its payload is as ct_resized() was told */
    bool heir;              /* held, and conn, never confirmed, lasts as long */
    bool accepted;          /* a rule of FORWARD said so */
    bool unanswered;        /* the caller: its receiver will say nothing, so a
                               flow that it begins is not confirmed */
    bool tell;              /* dropped, and the sender is to be told: reject */
    uint8_t elsewhere;      /* STOLEN: shard + 1 that is to have it, or 0 */
    uint8_t hook, row;      /* where QUEUE or STOLEN left it: see ct_resume() */
    uint8_t reject;         /* enum ct_reject, when tell is set */
    const uint64_t *labels; /* its flow's two words, or NULL: none, or no rule
                               asks for them */
    uint32_t conn_gen;      /* of conn: a held packet's flow may be gone */
    uint32_t events;        /* enum ct_event_bit, sent by ct_done() */
    uint32_t mark;
    uint32_t rule; /* index of the rule that dropped it, or CT_NONE */
};

/* The one form of a refusal in a hook's function or in ct_config.queue; the
 * walk over the hooks counts it.  Outside of them: ct_drop(). */
static inline enum ct_verdict ct_refuse(struct ct_pkt *pkt, enum ct_reason why)
{
    pkt->why = (uint8_t)why;
    return CT_DROP;
}

#endif
