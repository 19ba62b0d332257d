/* held.c - packets of a worker that wait for a user program's verdict */
#include "queue/held.h"

#include <ctcore/bits.h>

#include <assert.h>
#include <stdlib.h>
#include <sys/mman.h>

static_assert((int)CT_STAT_queue_verdicts > (int)HELD_FIRST &&
                  (int)CT_STAT_queue_full > (int)HELD_FIRST &&
                  (int)CT_STAT_queue_timeout > (int)HELD_FIRST &&
                  (int)CT_STAT_queue_bypassed > (int)HELD_FIRST &&
                  (int)CT_STAT_queue_fail_opened > (int)HELD_FIRST &&
                  HELD_COUNTS == 7,
              "the rows stand together");

static bool make_buffers(struct held *h)
{
    size_t size = h->n * sizeof *h->packet;

    h->free = calloc(h->n, sizeof *h->free);
    h->packet = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (h->packet == MAP_FAILED)
        h->packet = NULL;
    if (h->free == NULL || h->packet == NULL)
        return false;
    for (uint32_t i = h->n; i-- > 0;)
        h->free[h->n_free++] = i;
    return ring_setup(&h->taken, ct_power_of_two(h->n), sizeof(uint32_t)) &&
           ring_setup(&h->back, ct_power_of_two(h->n), sizeof(uint32_t));
}

bool held_setup(struct held *h, struct ct *ct, const struct config_queue *list,
                uint32_t n, uint32_t n_workers)
{
    memset(h, 0, sizeof *h);
    h->ct = ct;
    h->n_queues = n;
    for (uint32_t i = 0; i < n; i++) {
        h->queue[i].limit = (list[i].max + n_workers - 1) / n_workers;
        h->n += h->queue[i].limit;
    }
    if (h->n == 0 || make_buffers(h))
        return true;
    held_free(h);
    return false;
}

void held_free(struct held *h)
{
    ring_free(&h->taken);
    ring_free(&h->back);
    if (h->packet != NULL)
        munmap(h->packet, h->n * sizeof *h->packet);
    free(h->free);
    h->packet = NULL;
    h->free = NULL;
}

/* ---- the worker ---- */

static void count(struct held *h, uint32_t queue, enum ct_stat stat)
{
    ct_add(&h->queue[queue].count[(int)stat - (int)HELD_FIRST], 1);
    ct_count(h->ct, stat, 1);
}

static enum ct_verdict alone(struct held *h, const struct config_queue *list,
                             uint32_t queue, struct ct_pkt *pkt)
{
    if (!list[queue].bypass)
        return ct_refuse(pkt, CT_REASON_NO_QUEUE);
    count(h, queue, CT_STAT_queue_bypassed);
    return CT_ACCEPT;
}

static enum ct_verdict fail(struct held *h, const struct config_queue *list,
                            uint32_t queue, struct ct_pkt *pkt,
                            enum ct_reason why)
{
    if (!list[queue].fail_open)
        return ct_refuse(pkt, why);
    count(h, queue, CT_STAT_queue_fail_opened);
    return CT_ACCEPT;
}

static void copy(struct held_packet *p, const struct ct_pkt *pkt)
{
    uint8_t *data = p->buf.room + CT_HEADROOM;

    memcpy(data, pkt->data, pkt->len);
    p->buf.pkt = *pkt;
    p->buf.pkt.data = data;
    if (pkt->cuts != NULL) {
        memcpy(p->buf.cuts, pkt->cuts, sizeof p->buf.cuts);
        p->buf.pkt.cuts = p->buf.cuts;
    }
}

enum ct_verdict held_take(struct held *h, const struct config_queue *list,
                          struct ct_pkt *pkt, ct_time now)
{
    struct held_packet *p;
    struct held_queue *q;
    uint32_t i = 0;

    while (i < h->n_queues && list[i].number != pkt->queue)
        i++;
    if (i == h->n_queues || pkt->len > PKTBUF_DATA)
        return ct_refuse(pkt, CT_REASON_NO_QUEUE);
    q = &h->queue[i];
    if (!atomic_load_explicit(&q->listens, memory_order_acquire))
        return alone(h, list, i, pkt);
    if (q->holds >= q->limit || h->n_free == 0) {
        count(h, i, CT_STAT_queue_full);
        return fail(h, list, i, pkt, CT_REASON_QUEUE_FULL);
    }
    p = &h->packet[h->free[--h->n_free]];
    copy(p, pkt);
    p->index = (uint32_t)(p - h->packet);
    p->queue = i;
    p->since_ms = now.ms;
    p->resize = (struct ct_resize){.by = 0};
    p->resizable = list[i].resize && ct_resizable(h->ct, pkt);
    if (!ct_flow_of(h->ct, pkt, &p->flow_slot, &p->flow_gen))
        p->flow_slot = CT_NONE;
    ct_add(&q->holds, 1);
    count(h, i, CT_STAT_queued);
    (void)ring_put(&h->taken, &p->index); /* there is room for all */
    return CT_QUEUE;
}

static enum ct_verdict judge(struct held *h, const struct config_queue *list,
                             struct held_packet *p)
{
    struct ct_pkt *pkt = &p->buf.pkt;
    enum ct_reason why;

    switch (p->cause) {
    case HELD_VERDICT:
        count(h, p->queue, CT_STAT_queue_verdicts);
        if (p->marked)
            ct_set_mark(pkt, p->mark);
        if (p->verdict == CT_REPEAT)
            pkt->accepted = false; /* ask the rules again */
        if (p->verdict == CT_DROP)
            return ct_refuse(pkt, CT_REASON_QUEUE_VERDICT);
        why = p->resize.by == 0 ? CT_REASON_NONE
                                : ct_resized(h->ct, pkt, &p->resize);
        return why == CT_REASON_NONE ? p->verdict : ct_refuse(pkt, why);
    case HELD_TIMEOUT:
        count(h, p->queue, CT_STAT_queue_timeout);
        return fail(h, list, p->queue, pkt, CT_REASON_QUEUE_TIMEOUT);
    case HELD_REFUSED:
        count(h, p->queue, CT_STAT_queue_bad_verdict);
        return ct_refuse(pkt, CT_REASON_BAD_VERDICT);
    default:
        return alone(h, list, p->queue, pkt);
    }
}

struct held_packet *held_back(struct held *h, const struct config_queue *list,
                              enum ct_verdict *verdict)
{
    struct held_packet *p;
    uint32_t i;

    if (h->n == 0 || !ring_take(&h->back, &i))
        return NULL;
    p = &h->packet[i];
    *verdict = judge(h, list, p);
    return p;
}

void held_release(struct held *h, struct held_packet *p)
{
    ct_add(&h->queue[p->queue].holds, (uint64_t)-1);
    h->free[h->n_free++] = p->index;
}

/* ---- control ---- */

struct held_packet *held_next(struct held *h)
{
    uint32_t i;

    return h->n > 0 && ring_take(&h->taken, &i) ? &h->packet[i] : NULL;
}

void held_answer(struct held *h, const struct held_packet *p)
{
    (void)ring_put(&h->back, &p->index); /* there is room for all */
}
