/* devices.c - the TUN devices' life, as the control loop sees it
 *
 * A device may be set down and up, be moved to another namespace, or be
 * deleted.  Down and moved need nothing: descriptors go on working.  Deleted
 * means that a worker read EBADFD: then the same descriptors are attached
 * again, ten times a second at first, later once a second, and workers go on.
 * One that had been moved away is not made again here, where it would not be
 * looked for: weir reattaches once a device of that name is made. */
#include "control/devices.h"

#include "control/hostnet.h"
#include "control/private.h"
#include "journey/offload.h"
#include "kernel/tun_node.h"
#include "system/clock.h"
#include "system/log.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

enum { FAST_MS = 100, FAST_TRIES = 10, SLOW_MS = 1000 };

static void choose(const struct control *c, uint32_t i, struct tun_config *t)
{
    const struct config_iface *f = &c->now->config->iface[i];

    *t = (struct tun_config){
        .name = f->tun,
        .mtu = f->mtu,
        .plain = !f->offloads,
        .queues = c->now->config->workers,
        .address_set = f->kernel_address_set,
        .family = f->kernel_family,
        .prefix = f->kernel_len,
        .address = f->kernel_address,
    };
}

/* A device that was made beforehand works without it. */
static void lengthen(struct control *c, uint32_t i)
{
    const char *name = c->device[i].tun.name;
    uint32_t want = c->now->config->iface[i].txqueuelen;
    struct netlink_link link;
    int err = netlink_link(c->nl, name, &link);

    if (err == 0 && link.txqueuelen != want)
        err = netlink_queue(c->nl, link.index, want);
    if (err < 0)
        log_warn("tun",
                 "device %s: its queue holds %u packets and not %u: %s; say: "
                 "ip link set %s txqueuelen %u",
                 name, link.txqueuelen, want, strerror(-err), name, want);
    c->device[i].dropped = link.tx_dropped;
}

int control_devices_open(struct control *c)
{
    char err[256];
    int code = netlink_open(&c->nl);

    if (code < 0) {
        log_error("control", "can't talk to the kernel by netlink: %s",
                  strerror(-code));
        return -1;
    }
    while (c->n_devices < c->now->config->n_ifaces) {
        struct tun_config t;

        choose(c, c->n_devices, &t);
        if (tun_open(&c->device[c->n_devices].tun, &t, c->nl, err) < 0) {
            log_error("tun", "%s", err);
            control_devices_close(c);
            return -1;
        }
        lengthen(c, c->n_devices++);
    }
    tun_node_empty();
    return 0;
}

void control_devices_close(struct control *c)
{
    while (c->n_devices > 0)
        tun_close(&c->device[--c->n_devices].tun);
    netlink_close(c->nl);
    c->nl = NULL;
}

/* New kinds of super-packets that it does not take. */
static void tell_refused(struct device *d, uint8_t refused)
{
    char text[64];

    if ((refused & ~d->refused) != 0)
        log_warn("tun",
                 "device %s refuses super-packets of %s: they leave segment by "
                 "segment from now on; \"offloads\": false asks for none",
                 d->tun.name,
                 offload_words((uint8_t)(refused & ~d->refused), text));
    d->refused |= refused;
}

void control_devices_look(struct control *c)
{
    for (uint32_t i = 0; i < c->n_devices; i++) {
        struct device *d = &c->device[i];
        bool lost = false;
        uint8_t refused = 0;

        for (uint32_t k = 0; k < c->n_workers; k++) {
            lost = lost || worker_lost(c->worker[k], i);
            refused |= worker_refused(c->worker[k], i);
        }
        tell_refused(d, refused);
        if (!lost || d->lost)
            continue;
        d->lost = true;
        d->tries = 0;
        d->retry_ms = 0;
        log_warn("tun", "device %s is gone: flows are kept, weir waits for it",
                 d->tun.name);
    }
}

static void try_again(struct control *c, uint32_t i)
{
    struct device *d = &c->device[i];
    struct netlink_link link;
    int err;

    d->tries++;
    d->retry_ms = clock_now().ms + (d->tries < FAST_TRIES ? FAST_MS : SLOW_MS);
    if (d->moved && netlink_link(c->nl, d->tun.name, &link) < 0)
        return;
    err = tun_attach(&d->tun, c->nl);
    if (err < 0) {
        if (err == -EPERM && d->tries == 1)
            log_warn("tun",
                     "device %s: weir may not make it; weir reattaches once "
                     "you run: ip tuntap add dev %s mode tun user %u "
                     "multi_queue",
                     d->tun.name, d->tun.name, (unsigned)geteuid());
        log_debug("tun", "device %s: %s", d->tun.name, strerror(-err));
        return;
    }
    lengthen(c, i);
    d->lost = false;
    d->moved = false;
    d->refused = 0;
    for (uint32_t k = 0; k < c->n_workers; k++)
        if (!worker_resume(c->worker[k], i))
            d->lost = true; /* its mailbox is full: once more */
    if (!d->lost)
        log_info("tun", "device %s is back", d->tun.name);
    hostnet_changed(c);
}

static void watch(struct control *c, struct device *d)
{
    struct netlink_link link;
    bool away = netlink_link(c->nl, d->tun.name, &link) < 0;
    bool was_down = d->down;

    if (away && !d->moved)
        log_info("tun",
                 "device %s is in another network namespace now: its link "
                 "state is unknown here",
                 d->tun.name);
    d->moved = away;
    if (!away && link.tx_dropped > d->dropped)
        log_warn("tun",
                 "device %s dropped %" PRIu64 " packet(s) that weir was to "
                 "read: it was being set up, or its queue of %u was full "
                 "(\"txqueuelen\")",
                 d->tun.name, link.tx_dropped - d->dropped, link.txqueuelen);
    if (!away)
        d->dropped = link.tx_dropped;
    d->down = !away && !link.up;
    if (was_down && !d->down) /* its routes went with it */
        hostnet_changed(c);
}

uint64_t control_devices_tend(struct control *c)
{
    uint64_t now = clock_now().ms, next = SLOW_MS;

    control_devices_look(c);
    for (uint32_t i = 0; i < c->n_devices; i++) {
        struct device *d = &c->device[i];

        if (d->lost && now >= d->retry_ms)
            try_again(c, i);
        if (!d->lost)
            watch(c, d);
        else if (d->retry_ms < now + next)
            next = d->retry_ms > now ? d->retry_ms - now : 1;
    }
    return next;
}
