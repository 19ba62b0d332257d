/* hostnet.c - gateway mode's life, as the control loop sees it
 *
 *     look at the devices -> configuration -> TUNs (no other program has them:
 * from here on the kernel is ours to change), workers
 *         -> only then it is told to send packets our way
 *     an address, a link, a route or a rule changed -> a short wait, since
 *         changes come in swarms -> look again -> a new configuration if facts
 *         differ -> the kernel's rules made right again in any case
 *     the end: the kernel first, workers after it
 */
#include "control/hostnet.h"

#include "config/load.h"
#include "control/checks.h"
#include "control/private.h"
#include "control/reload.h"
#include "gateway/facts.h"
#include "gateway/saved.h"
#include "kernel/netlink/sockets.h"
#include "system/clock.h"
#include "system/log.h"
#include "system/sandbox.h"

#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

enum {
    LOST_TCP_MS = 7500000, /* RFC 5382 REQ-5: more than 2 hours */
    LOST_UDP_MS = 300000,  /* RFC 4787 REQ-5 */
    SETTLE_MS = 50,
    RETRY_MS = 1000,
    RESERVE_MS = 1000,
    LOOK_MS = 60000, /* for what the kernel does not tell of */
    NOT_POSSIBLE = 1,
    BAD_CONFIG = 2
};

static void on_settled(uv_timer_t *timer);

static int fail(const char *err)
{
    log_error("gateway", "%s", err);
    return -1;
}

int hostnet_open(struct control *c, struct config **config)
{
    char err[256], path[128];
    struct config *whole;

    if (!(*config)->gateway.set)
        return 0;
    if (gateway_open(&c->gateway, &(*config)->gateway,
                     gateway_saved_path((*config)->web.socket, path),
                     err) < 0 ||
        gateway_look(c->gateway, &c->facts, err) < 0) {
        (void)fail(err);
        return NOT_POSSIBLE;
    }
    if (!gateway_may_save(c->gateway) || !gateway_watches_tables(c->gateway)) {
        sandbox_act_as_begun();
        (void)gateway_may_save(c->gateway);
        (void)gateway_watches_tables(c->gateway);
        sandbox_act_as_user();
    }
    (void)netlink_sockets_open(&c->diag); /* else the kernel's text is read */
    whole = reload_remake(&c->facts, *config);
    if (whole == NULL)
        return BAD_CONFIG;
    config_load_free(*config);
    *config = whole;
    return 0;
}

static void reserve(struct control *c, int at, uint8_t proto)
{
    const struct config_gateway *g = &c->now->config->gateway;
    uint16_t now[sizeof c->clash.at / sizeof *c->clash.at];
    struct bound_question q = {.diag = c->diag,
                               .folder = "/proc/net",
                               .proto = proto,
                               .facts = &c->facts,
                               .ranges = g->reserved.range,
                               .n_ranges = g->reserved.n,
                               .workers = c->now->config->workers,
                               .now = now};

    for (uint32_t i = 0; i < c->clash.n; i++)
        if (c->clash.at[i].proto == proto)
            now[q.n_now++] = c->clash.at[i].port;
    bound_update(&c->bound[at], &q);
}

static void reserve_all(struct control *c)
{
    if (c->gateway == NULL)
        return;
    gateway_clash(c->gateway, &c->clash);
    reserve(c, 0, CT_PROTO_TCP);
    reserve(c, 1, CT_PROTO_UDP);
}

/* What a killed predecessor knew is not known here: until the inside has
 * spoken, what comes for one of its flows looks like one for the host.  Sockets
 * of before are noted here, later ones as they listen, and what those ask for
 * begins a flow. */
static void note_sockets(struct control *c, struct talks *talks)
{
    bound_add(&c->lost.tcp, talks, c->diag, "/proc/net", CT_PROTO_TCP);
    bound_add(&c->lost.udp, talks, c->diag, "/proc/net", CT_PROTO_UDP);
    talks_sort(talks);
    __atomic_store_n(&c->lost.talks, talks, __ATOMIC_RELEASE);
}

static void begin_lost(struct control *c)
{
    uint64_t now = clock_now().ms;

    note_sockets(c, &c->talks[0]);
    __atomic_store_n(&c->lost.until_tcp, now + LOST_TCP_MS, __ATOMIC_RELAXED);
    __atomic_store_n(&c->lost.until_udp, now + LOST_UDP_MS, __ATOMIC_RELAXED);
    log_info("gateway",
             "it goes on where another one was killed: %d minutes "
             "(UDP: %d) long what may be of its flows is not answered",
             LOST_TCP_MS / 60000, LOST_UDP_MS / 60000);
}

static void tend_lost(struct control *c)
{
    if (c->lost.until_tcp <= clock_now().ms)
        return;
    bound_join(&c->lost.tcp, c->bound[0].reserved.word);
    bound_join(&c->lost.udp, c->bound[1].reserved.word);
}

/* The timer runs faster while a device is lost. */
void hostnet_tend(struct control *c)
{
    uint64_t now = uv_now(&c->loop);

    if (now < c->reserve_at)
        return;
    c->reserve_at = now + RESERVE_MS;
    reserve_all(c);
    tend_lost(c);
    if (c->gateway != NULL && gateway_tend(c->gateway))
        hostnet_changed(c);
    if (now < c->look_at)
        return;
    c->look_at = now + LOOK_MS;
    hostnet_changed(c);
}

/* The kernel's rules as the facts and weir's devices want them. */
static int apply(struct control *c, char err[256])
{
    uint32_t tun[CONFIG_DEVICES];

    for (uint32_t i = 0; i < c->facts.n; i++) {
        struct netlink_link link;
        int code = netlink_link(c->nl, c->device[i].tun.name, &link);

        if (code < 0) {
            snprintf(err, 256, "device %s: %s", c->device[i].tun.name,
                     strerror(-code));
            return -1;
        }
        tun[i] = link.index;
    }
    gateway_rules(c->gateway, &c->now->config->rules);
    return gateway_sync(c->gateway, &c->facts, tun, err);
}

static void follow_mtu(struct control *c)
{
    for (uint32_t i = 0; i < c->facts.n; i++) {
        struct tun *tun = &c->device[i].tun;
        uint16_t mtu = c->now->config->iface[i].mtu;
        struct netlink_link link;

        if (tun->config.mtu == mtu ||
            netlink_link(c->nl, tun->name, &link) < 0 ||
            netlink_start(c->nl, link.index, mtu) < 0)
            continue;
        log_info("gateway", "device %s: mtu %u", tun->name, mtu);
        tun->config.mtu = mtu;
    }
}

/* What fails now will fail again each second: the check of it is logged once,
 * until it changes or works. */
static void settled(struct control *c, int code, const char *err)
{
    if (code < 0) {
        snprintf(c->complaint, sizeof c->complaint, "%s", err);
        uv_timer_start(&c->settle, on_settled, RETRY_MS, 0);
    } else {
        if (c->complaint[0] != '\0')
            log_info("gateway", "the kernel's routing is as it must be again");
        c->complaint[0] = '\0';
    }
    checks_look(c);
}

/* A load with facts of the kernel's is over: if it was adopted, they are
 * c->facts. */
static void followed(struct control *c, bool adopted)
{
    struct config_facts was = c->facts;
    char err[256];

    if (adopted) {
        c->facts = c->reload.facts;
        c->reload.facts = was;
        follow_mtu(c);
        log_info("gateway", "addresses, routes or devices changed: followed");
    }
    gateway_facts_free(&c->reload.facts);
    settled(c, apply(c, err), err);
}

static void on_settled(uv_timer_t *timer)
{
    struct control *c = timer->data;
    struct config_facts facts;
    char err[256];
    bool same;

    if (gateway_look(c->gateway, &facts, err) < 0) {
        settled(c, -1, err);
        return;
    }
    same = gateway_facts_equal(&facts, &c->facts);
    if (!same && reload_facts(c, &facts))
        return; /* hostnet_loaded() goes on */
    gateway_facts_free(&facts);
    if (same)
        settled(c, apply(c, err), err);
}

/* More than the socket holds is an error of the socket's, and libuv does not
 * ask again after one. */
static void on_change(uv_poll_t *poll, int status, int events)
{
    struct control *c = poll->data;

    (void)events;
    if (gateway_drain(c->gateway))
        hostnet_changed(c);
    if (status < 0 && uv_poll_start(poll, UV_READABLE, on_change) < 0)
        log_error("gateway", "can't watch the kernel's addresses and routes");
}

void hostnet_changed(struct control *c)
{
    if (c->gateway != NULL && !uv_is_active((uv_handle_t *)&c->settle))
        uv_timer_start(&c->settle, on_settled, SETTLE_MS, 0);
}

void hostnet_loaded(struct control *c, enum reload_work what, bool adopted)
{
    if (what == RELOAD_FACTS) {
        followed(c, adopted);
    } else if (what == RELOAD_NOTHING) {
        hostnet_changed(c);
    } else if (adopted) {
        reserve_all(c);
        hostnet_changed(c); /* input rules are asked by the kernel, too */
        hostnet_say_closed(c);
    }
}

/* Rules come before the settings that make the kernel a router (see
 * gateway_sync()): at no moment does a packet from inside leave as it is. */
int hostnet_start(struct control *c)
{
    char err[256];
    bool follows;

    if (c->gateway == NULL)
        return 0;
    reserve_all(c);
    c->look_at = uv_now(&c->loop) + LOOK_MS;
    c->watch.data = c->settle.data = c;
    if (uv_timer_init(&c->loop, &c->settle) < 0 ||
        uv_poll_init(&c->loop, &c->watch, gateway_fd(c->gateway)) < 0 ||
        uv_poll_start(&c->watch, UV_READABLE, on_change) < 0)
        return fail("can't watch the kernel's addresses and routes");
    follows = gateway_begin(c->gateway);
    if (follows)
        begin_lost(c);
    if (apply(c, err) < 0)
        return fail(err);
    if (follows) /* what has begun meanwhile began past weir */
        note_sockets(c, &c->talks[1]);
    return 0;
}

/* The host's own rules are not asked here, and none is added for ssh: what may
 * come in is the operator's choice. */
void hostnet_say_closed(const struct control *c)
{
    if (c->gateway != NULL && c->now->config->rules.policy[CT_INPUT] == CT_DROP)
        log_warn("gateway", "policy.input is drop: from lan and wan this host "
                            "is reached only by what an input rule accepts, "
                            "which ssh needs, too");
}

void hostnet_end(struct control *c)
{
    if (c->gateway == NULL)
        return;
    if (uv_is_active((uv_handle_t *)&c->watch))
        uv_poll_stop(&c->watch);
    gateway_close(c->gateway);
    netlink_close(c->diag);
    c->diag = NULL;
    gateway_facts_free(&c->facts);
    c->gateway = NULL;
}
