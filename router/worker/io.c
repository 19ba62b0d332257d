/* io.c - a worker's packets: from devices, from other workers, and out
 *
 * A batch is what waits now, 64 packets at most: under load batches fill up by
 * themselves, and a lone packet never waits for company.  A packet whose flow
 * belongs to another worker goes there by a ring, in the buffer it came in; if
 * the ring is full it is dropped here, since waiting would stop everybody. */
#include "worker/io.h"

#include "journey/journey.h"
#include "kernel/tun.h"
#include "system/clock.h"
#include "worker/private.h"

#include <ctcore/bits.h>

#include <errno.h>
#include <stdio.h>

void worker_io_tell(struct worker *w)
{
    if (!w->tell_control)
        return;
    w->tell_control = false;
    uv_async_send(w->config.control);
}

/* Slots of a ring between two workers. */
static uint32_t ring_room(unsigned n_workers)
{
    return n_workers <= 4 ? 256 : n_workers <= 16 ? 128 : 32;
}

/* Enough buffers for every ring to be full, every taker to hold a batch and
 * this worker to read one more, or to send on what it put together. */
bool worker_io_setup(struct worker *w, char err[256])
{
    unsigned n = w->config.n_workers;
    uint32_t room = ring_room(n), bufs = WORKER_BATCH;
    uint32_t back = room < 128 ? 256 : 512; /* > room + two batches */
    bool ok;

    bufs += (n - 1) * (room + WORKER_BATCH) + (n > 1 ? WORKER_BATCH : 0);
    ok = pktbuf_setup(&w->pool, bufs, (uint8_t)w->config.index);
    for (unsigned i = 0; ok && i < n; i++)
        if (i != w->config.index)
            ok = ring_setup(&w->to[i], room, sizeof(struct pktbuf *)) &&
                 ring_setup(&w->home[i], back, sizeof(struct pktbuf *));
    if (!ok)
        snprintf(err, 256, "not enough memory for packet buffers");
    return ok;
}

void worker_io_free(struct worker *w)
{
    pktbuf_free(&w->pool);
    for (unsigned i = 0; i < w->config.n_workers; i++) {
        ring_free(&w->to[i]);
        ring_free(&w->home[i]);
    }
}

static int write_one(void *ctx, struct ct_pkt *pkt)
{
    struct worker_port *port = ctx;
    int err = tun_write(port->fd, pkt);

    if (err == 0) {
        ct_add(&port->tx_packets, 1);
        ct_add(&port->tx_bytes, pkt->len);
    }
    return err;
}

enum ct_reason worker_io_tx(void *ctx, struct ct_pkt *pkt)
{
    struct worker *w = ctx;
    struct worker_port *port = &w->port[pkt->out];
    uint8_t refused = port->offload.refused;
    enum ct_reason why = offload_send(&port->offload, pkt, write_one, port);

    if (why != CT_REASON_NONE)
        ct_add(&port->tx_errors, 1);
    else if (port->offload.refused != refused)
        w->tell_control = true;
    return why;
}

/* Buffers that other workers are done with. */
static void reclaim(struct worker *w)
{
    struct pktbuf *buf;

    for (unsigned i = 0; i < w->config.n_workers; i++)
        if (i != w->config.index)
            while (ring_take(&w->all[i]->home[w->config.index], &buf))
                pktbuf_put(&w->pool, buf);
}

static void release(struct worker *w, struct pktbuf *buf)
{
    if (buf->home == w->config.index)
        pktbuf_put(&w->pool, buf);
    else /* there is room for every buffer that can be out */
        (void)ring_put(&w->home[buf->home], &buf);
}

static void drop_here(struct worker *w, struct pktbuf *buf)
{
    ct_count(w->ct, CT_STAT_pkts_in, 1);
    ct_count(w->ct, CT_STAT_bytes_in, buf->pkt.len);
    ct_drop(w->ct, &buf->pkt, CT_REASON_HANDOVER_FULL);
    ct_done(w->ct, &buf->pkt);
    pktbuf_put(&w->pool, buf);
}

/* The fragments of a datagram meet at one worker, who sends the whole on. */
static uint32_t owner_of(const struct worker *w, struct ct_pkt *pkt)
{
    enum ct_reason why = ct_parse_packet(pkt);

    if (why == CT_REASON_FRAGMENT)
        return ct_fragment_owner(&w->setup->steer->view, pkt);
    if (why != CT_REASON_NONE)
        return w->config.index; /* any shard may refuse it */
    return ct_owner(&w->setup->steer->view, pkt);
}

/* False: it was handed over or dropped. */
static bool mine(struct worker *w, struct pktbuf *buf)
{
    uint32_t owner;

    if (w->config.n_workers == 1)
        return true;
    owner = owner_of(w, &buf->pkt);
    buf->pkt.steered = w->setup->steer->view.serial;
    if (owner == w->config.index || owner >= w->config.n_workers)
        return true;
    if (!ring_put(&w->to[owner], &buf)) {
        drop_here(w, buf);
        return false;
    }
    ct_count(w->ct, CT_STAT_handed_over, 1);
    w->wake_up[owner] = true;
    return false;
}

/* A packet that is not in a buffer of its own, into a buffer.  NULL: none is
 * left.  The rest of buf->pkt is the caller's to fill. */
static struct pktbuf *copy_of(struct worker *w, const struct ct_pkt *pkt)
{
    struct pktbuf *buf;

    reclaim(w);
    buf = pktbuf_get(&w->pool);
    if (buf == NULL)
        return NULL;
    memcpy(buf->room + CT_HEADROOM, pkt->data, pkt->len);
    if (pkt->cuts != NULL)
        memcpy(buf->cuts, pkt->cuts, sizeof buf->cuts);
    return buf;
}

/* False: the ring is full, and the buffer is back. */
static bool hand(struct worker *w, struct pktbuf *buf, uint32_t to)
{
    if (!ring_put(&w->to[to], &buf)) {
        pktbuf_put(&w->pool, buf);
        return false;
    }
    w->wake_up[to] = true;
    return true;
}

bool worker_io_steer(void *ctx, struct ct_pkt *pkt)
{
    struct worker *w = ctx;
    const struct ct_steer *steer = &w->setup->steer->view;
    uint32_t owner = ct_owner(steer, pkt);
    struct pktbuf *buf;

    pkt->steered = steer->serial;
    if (owner == w->config.index || owner >= w->config.n_workers)
        return false;
    buf = copy_of(w, pkt);
    if (buf != NULL) {
        buf->pkt = (struct ct_pkt){.data = buf->room + CT_HEADROOM,
                                   .len = pkt->len,
                                   .in = pkt->in,
                                   .self = pkt->self,
                                   .rule = CT_NONE,
                                   .frag_max = pkt->frag_max,
                                   .steered = steer->serial,
                                   .cuts = buf->cuts};
        if (hand(w, buf, owner)) {
            ct_count(w->ct, CT_STAT_handed_over, 1);
            return true;
        }
    }
    ct_drop(w->ct, pkt, CT_REASON_HANDOVER_FULL);
    return true;
}

bool worker_io_pass(void *ctx, struct ct_pkt *pkt, uint32_t shard)
{
    struct worker *w = ctx;
    struct pktbuf *buf = copy_of(w, pkt);

    if (buf == NULL)
        return false;
    buf->pkt = *pkt;
    buf->pkt.data = buf->room + CT_HEADROOM;
    buf->pkt.cuts = pkt->cuts != NULL ? buf->cuts : NULL;
    buf->pkt.labels = NULL;
    buf->pkt.passed = true;
    return hand(w, buf, shard);
}

static void walk(struct worker *w, struct pktbuf *bufs[], unsigned n,
                 ct_time now)
{
    struct ct_pkt *pkts[WORKER_BATCH];

    if (n == 0)
        return;
    for (unsigned i = 0; i < n; i++)
        pkts[i] = &bufs[i]->pkt;
    journey_batch(w->journey, pkts, n, now);
    for (unsigned i = 0; i < n; i++)
        release(w, bufs[i]);
}

static void wake_others(struct worker *w)
{
    for (unsigned i = 0; i < w->config.n_workers; i++)
        if (w->wake_up[i]) {
            w->wake_up[i] = false;
            uv_async_send(&w->all[i]->wake);
        }
}

/* A batch of those that worker i sent here; false: that were all. */
static bool handed_by(struct worker *w, unsigned i)
{
    struct pktbuf *bufs[WORKER_BATCH];
    unsigned n = 0;

    if (i == w->config.index)
        return false;
    while (n < WORKER_BATCH &&
           ring_take(&w->all[i]->to[w->config.index], &bufs[n]))
        n++;
    walk(w, bufs, n, clock_now());
    return n == WORKER_BATCH;
}

/* A few rounds, then devices, orders and the clock have their turn: a worker
 * that sends as fast as this one walks would have it for itself. */
void worker_io_handed(struct worker *w)
{
    bool more = true;

    for (int round = 0; more && round < WORKER_ROUNDS; round++) {
        more = false;
        for (unsigned i = 0; i < w->config.n_workers; i++)
            more |= handed_by(w, i);
    }
    wake_others(w); /* datagrams that became whole here */
    if (more)
        uv_async_send(&w->wake);
    worker_io_tell(w);
}

/* Control attaches the device again; packets for it are lost meanwhile. */
static void lose(struct worker_port *port)
{
    uv_poll_stop(&port->poll);
    atomic_store_explicit(&port->lost, true, memory_order_release);
    uv_async_send(port->worker->config.control);
}

/* Answers how many were read; sets *err if reading failed. */
static unsigned read_batch(struct worker_port *port, struct pktbuf *batch[],
                           unsigned *n_batch, int *err)
{
    struct worker *w = port->worker;
    uint64_t bytes = 0;
    unsigned n = 0;

    *n_batch = 0;
    while (n < WORKER_BATCH && *err == 0) {
        struct pktbuf *buf = pktbuf_get(&w->pool);

        if (buf == NULL)
            break;
        *err = tun_read(port->fd, buf);
        if (*err != 1) {
            pktbuf_put(&w->pool, buf);
            break;
        }
        *err = 0;
        buf->pkt.in = (uint8_t)port->iface;
        buf->pkt.self = w->config.host;
        bytes += buf->pkt.len;
        n++;
        if (mine(w, buf))
            batch[(*n_batch)++] = buf;
    }
    ct_add(&port->rx_packets, n);
    ct_add(&port->rx_bytes, bytes);
    return n;
}

static void readable(uv_poll_t *poll, int status, int events)
{
    struct worker_port *port = poll->data;
    struct worker *w = port->worker;
    struct pktbuf *batch[WORKER_BATCH];
    unsigned n, n_batch;
    int err = 0;

    (void)events;
    (void)status; /* what read says is more exact */
    for (int round = 0; round < WORKER_ROUNDS; round++) {
        reclaim(w);
        n = read_batch(port, batch, &n_batch, &err);
        walk(w, batch, n_batch, clock_now());
        wake_others(w);
        if (n < WORKER_BATCH)
            break;
    }
    worker_io_tell(w);
    if (err == -EBADFD)
        lose(port);
    else if (err < 0)
        ct_add(&port->rx_errors, 1);
    if (status < 0 && err != -EBADFD) /* libuv has stopped it: a false alarm */
        uv_poll_start(&port->poll, UV_READABLE, readable);
}

int worker_io_start(struct worker *w, struct worker_port *port)
{
    int err;

    port->poll.data = port;
    if (!port->polled) {
        err = uv_poll_init(&w->loop, &port->poll, port->fd);
        if (err < 0)
            return err;
        port->polled = true;
    }
    return uv_poll_start(&port->poll, UV_READABLE, readable);
}
