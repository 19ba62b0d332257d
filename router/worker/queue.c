/* queue.c - a worker's packets that wait for a user program: held.h */
#include "worker/queue.h"

#include "journey/journey.h"
#include "system/clock.h"
#include "worker/private.h"

/* The core's question; see ct_config.queue. */
enum ct_verdict worker_queue_take(void *ctx, struct ct_pkt *pkt)
{
    struct worker *w = ctx;
    enum ct_verdict v = held_take(&w->held, w->setup->queues, pkt, clock_now());

    w->tell_control |= v == CT_QUEUE;
    return v;
}

static bool one_back(struct worker *w, ct_time now)
{
    enum ct_verdict v;
    struct held_packet *p = held_back(&w->held, w->setup->queues, &v);

    if (p == NULL)
        return false;
    journey_resume(w->journey, &p->buf.pkt, v, now);
    held_release(&w->held, p);
    return true;
}

/* A share of them, then devices have their turn. */
void worker_queue_back(struct worker *w)
{
    unsigned left = WORKER_BATCH * WORKER_ROUNDS;
    ct_time now;

    if (w->held.n == 0)
        return;
    now = clock_now();
    while (left > 0 && one_back(w, now))
        left--;
    if (left == 0)
        uv_async_send(&w->wake);
}

void worker_queue_end(struct worker *w)
{
    struct held_packet *p;

    while ((p = held_next(&w->held)) != NULL) {
        p->cause = HELD_ALONE;
        held_answer(&w->held, p);
    }
    while (one_back(w, clock_now()))
        ;
}
