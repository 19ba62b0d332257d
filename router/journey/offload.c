/* offload.c - learn from refused writes what a device can't take */
#include "journey/offload.h"

#include "journey/fragment.h"
#include "journey/segment.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { GSO_ECN = 0x80, GSO_KINDS = 8 };

static enum ct_reason reason_of(int err)
{
    if (err == 0)
        return CT_REASON_NONE;
    return err == -EIO || err == -EBADFD ? CT_REASON_TX_LINK_DOWN
                                         : CT_REASON_TX_ERROR;
}

struct writer {
    offload_write *write;
    void *ctx;
    bool complete;
};

static enum ct_reason write_segment(void *ctx, struct ct_pkt *seg)
{
    const struct writer *w = ctx;

    if (w->complete && seg->csum_partial)
        fragment_complete(seg);
    return reason_of(w->write(w->ctx, seg));
}

static enum ct_reason send_super(struct offload *o, struct ct_pkt *pkt,
                                 struct writer *w)
{
    uint8_t refused = atomic_load_explicit(&o->refused, memory_order_relaxed);
    uint8_t kind = (uint8_t)(1u << (pkt->gso_type & ~GSO_ECN) % GSO_KINDS);
    enum ct_reason why;
    int err;

    if (o->off || (refused & kind) != 0)
        return segment_send(pkt, write_segment, w);
    err = w->write(w->ctx, pkt);
    if (err != -EINVAL && err != -EIO)
        return reason_of(err);
    why = segment_send(pkt, write_segment, w);
    if (why == CT_REASON_NONE) /* else it is not its size that was refused */
        atomic_store_explicit(&o->refused, refused | kind,
                              memory_order_relaxed);
    return why;
}

enum ct_reason offload_send(struct offload *o, struct ct_pkt *pkt,
                            offload_write *write, void *ctx)
{
    struct writer w = {write, ctx, o->off};

    if (pkt->gso_size != 0)
        return send_super(o, pkt, &w);
    return write_segment(&w, pkt);
}

const char *offload_words(uint8_t refused, char text[64])
{
    static const char *const words[GSO_KINDS] = {
        [1] = "TCP over IPv4", [4] = "TCP over IPv6", [5] = "UDP"};

    text[0] = '\0';
    for (unsigned i = 0; i < GSO_KINDS; i++)
        if (words[i] != NULL && (refused >> i & 1) != 0)
            snprintf(text + strlen(text), 64 - strlen(text), "%s%s",
                     text[0] != '\0' ? ", " : "", words[i]);
    return text;
}
