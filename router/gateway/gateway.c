/* gateway.c - gateway mode's side of the kernel
 *
 * Here the parts meet: facts (gateway_facts), settings (gateway_conf), the plan
 * (gateway_plan) and what makes the kernel hold it (gateway_apply).  Of what
 * stands in the kernel nothing is remembered: each sync compares again. */
#include "gateway/gateway.h"

#include "gateway/apply.h"
#include "gateway/conf.h"
#include "gateway/forward.h"
#include "gateway/guard/guard.h"
#include "kernel/netlink/nftables.h"
#include "kernel/netlink/watch.h"
#include "system/log.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

enum { LOOPBACK_INDEX = 1, STRICT = 1 };

struct gateway {
    struct config_gateway want;
    struct netlink *nl;
    struct netlink_watch *watch;
    struct gateway_file saved;
    bool ours; /* the kernel's routing: from the first sync on */
    struct gateway_settings settings;
    struct gateway_facts_choice choice;
    struct gateway_order order;
    /* As they were last seen and given. */
    uint32_t index[CONFIG_DEVICES], tun[CONFIG_DEVICES];
    struct gateway_guard *guard;
    const struct ct_ruleset *rules;    /* or NULL */
    uint32_t proxies, planned_proxies; /* neighbours; there, and ours */
    bool follows;                      /* a killed one */
    bool heir; /* of it, and it has left no word of the settings */
    bool ipv6; /* was planned: goes on, while devices are away */
    bool device_ipv6, tun_ipv6[CONFIG_DEVICES]; /* a device has it; TUNs had */
    struct gateway_health_memory memory;
    bool filtered; /* others may have changed nf_tables since forward */
    bool routed;   /* routes may have changed since back */
    struct gateway_finding forward, back;
};

static int open_sockets(struct gateway *gw, char err[256])
{
    int code = netlink_open(&gw->nl);

    if (code == 0)
        code = netlink_watch_open(&gw->watch);
    if (code == 0)
        code = gateway_guard_open(&gw->guard);
    if (code == 0)
        return 0;
    snprintf(err, 256, "can't talk to the kernel by netlink: %s",
             strerror(-code));
    return -1;
}

static void free_gateway(struct gateway *gw)
{
    gateway_file_leave(&gw->saved);
    gateway_guard_close(gw->guard);
    netlink_watch_close(gw->watch);
    netlink_close(gw->nl);
    free(gw);
}

int gateway_open(struct gateway **out, const struct config_gateway *want,
                 const char *saved, char err[256])
{
    struct gateway *gw = calloc(1, sizeof *gw);
    struct config_facts facts;

    if (gw == NULL) {
        snprintf(err, 256, "no memory");
        return -1;
    }
    gw->want = *want;
    gw->saved.fd = -1; /* no file yet */
    if (open_sockets(gw, err) < 0 ||
        gateway_facts_look(gw->nl, want, true, &gw->choice, &facts, err) < 0) {
        free_gateway(gw);
        return -1;
    }
    gateway_facts_free(&facts);
    gateway_file_open(&gw->saved, saved);
    *out = gw;
    return 0;
}

bool gateway_may_save(struct gateway *gw)
{
    char path[PATH_MAX];

    if (gw->saved.fd < 0 && gw->saved.path[0] != '\0') {
        memcpy(path, gw->saved.path, sizeof path);
        gateway_file_open(&gw->saved, path);
    }
    return gw->saved.fd >= 0 || gw->saved.path[0] == '\0';
}

bool gateway_watches_tables(struct gateway *gw)
{
    return netlink_watch_tables(gw->watch);
}

static void find_ours(void *ctx, const struct netlink_rule *rule,
                      const struct netlink_rule_told *told)
{
    (void)told;
    if (rule->protocol == GATEWAY_PLAN_PROTOCOL)
        *(bool *)ctx = true;
}

/* What stands there may be another weir's, who is running, until it is sure
 * that we do. */
bool gateway_begin(struct gateway *gw)
{
    if (gw->ours)
        return gw->follows;
    gateway_setting_open(&gw->settings, gw->nl, &gw->saved);
    (void)netlink_rule_each(gw->nl, CT_IPV4, find_ours, &gw->follows);
    gw->heir = gw->follows && gw->settings.n == 0;
    gw->follows = gw->follows || gw->settings.n > 0; /* in a new namespace */
    gw->saved.made = false; /* it stays if not all can be given back */
    gw->ours = true;
    return gw->follows;
}

static void undo_kernel_changes(struct gateway *gw)
{
    struct gateway_plan *nothing = calloc(1, sizeof *nothing);
    char err[256];

    /* First, so that nothing is forwarded untranslated when the rules go. */
    if (gateway_setting_restore(&gw->settings) < 0)
        log_warn("gateway", "some of the kernel's settings could not be "
                            "restored");
    if (nothing == NULL || gateway_apply(gw->nl, nothing, &gw->order, err) < 0)
        log_warn("gateway", "%s", nothing == NULL ? "no memory" : err);
    free(nothing);
    gateway_guard_notrack(gw->guard, NULL);
    gateway_guard_remove(gw->guard);
}

void gateway_close(struct gateway *gw)
{
    if (gw == NULL)
        return;
    if (gw->ours)
        undo_kernel_changes(gw);
    free_gateway(gw);
}

/* ---- what the kernel tells ---- */

int gateway_fd(const struct gateway *gw)
{
    return netlink_watch_fd(gw->watch);
}

struct draining {
    struct gateway *gw;
    bool changed;
};

/* By name too: one that had vanished may be there again. */
static bool is_gateway_device(const struct gateway *gw,
                              const struct netlink_watch_event *e)
{
    for (uint32_t i = 0; i < gw->want.n; i++)
        if (e->index == gw->index[i] ||
            strcmp(e->name, gw->choice.name[i]) == 0)
            return true;
    return false;
}

static bool is_gateway_tun(const struct gateway *gw, uint32_t index)
{
    for (uint32_t i = 0; i < gw->want.n; i++)
        if (index != 0 && index == gw->tun[i])
            return true;
    return false;
}

static bool is_watched(const struct gateway *gw, uint32_t index, bool outside)
{
    for (uint32_t i = 0; i < gw->want.n; i++)
        if (index == gw->index[i] && !(outside && gw->want.inside[i]))
            return true;
    return false;
}

static bool is_watched_table(uint32_t table)
{
    for (unsigned i = 0; i < GATEWAY_PLAN_TABLES; i++)
        if (table == gateway_plan_table(i))
            return true;
    return table == RT_TABLE_MAIN;
}

/* Is it a value that stops packets?  What weir sets by itself never is: it is
 * told of those, too, without a name. */
static bool is_blocking_setting(const struct gateway *gw,
                                const struct netlink_watch_event *e)
{
    bool all = e->index == (uint32_t)NETLINK_WATCH_ALL;
    bool device =
        is_watched(gw, e->index, false) || is_gateway_tun(gw, e->index);

    if (e->family == CT_IPV6)
        return (all && (e->forwarding == 0 || e->proxy_neigh == 0)) ||
               (is_watched(gw, e->index, true) && e->forwarding == 0);
    return (device && e->forwarding == 0) ||
           ((device || all) && e->rp_filter == STRICT);
}

static void on_watch_event(void *ctx, const struct netlink_watch_event *e)
{
    struct draining *d = ctx;
    struct gateway *gw = d->gw;
    bool of_tun = is_gateway_tun(gw, e->index);

    if (e->port == netlink_port(gw->nl))
        return;
    switch (e->what) {
    case NETLINK_WATCH_DEVICE:
        d->changed = d->changed || is_gateway_device(gw, e);
        break;
    case NETLINK_WATCH_ADDR:
        d->changed = d->changed || e->index != LOOPBACK_INDEX;
        break;
    case NETLINK_WATCH_ROUTE:
        d->changed = d->changed || is_watched_table(e->table);
        break;
    case NETLINK_WATCH_RULE:
        d->changed = true;
        break;
    case NETLINK_WATCH_SETTING:
        d->changed = d->changed || is_blocking_setting(gw, e);
        break;
    case NETLINK_WATCH_TABLE:
        d->changed =
            gateway_guard_hears(gw->guard, e->port, e->name) || d->changed;
        gw->filtered = gw->filtered || e->port != netlink_nftables_port();
        break;
    case NETLINK_WATCH_QUEUE:
        if (of_tun)
            gateway_guard_again(gw->guard);
        d->changed = d->changed || of_tun;
        break;
    }
}

bool gateway_drain(struct gateway *gw)
{
    struct draining d = {.gw = gw};

    if (netlink_watch_read(gw->watch, on_watch_event, &d) == 0)
        return d.changed;
    gateway_guard_again(gw->guard); /* something may have been missed */
    gw->filtered = true;
    return true;
}

int gateway_look(struct gateway *gw, struct config_facts *facts, char err[256])
{
    if (gateway_facts_look(gw->nl, &gw->want, false, &gw->choice, facts, err) <
        0)
        return -1;
    for (uint32_t i = 0; i < facts->n; i++)
        gw->index[i] = facts->device[i].index;
    return 0;
}

/* ---- what it is told ---- */

/* One that is not there, or an answer about another: index 0. */
static struct netlink_device find_kernel_device(struct gateway *gw,
                                                uint32_t index)
{
    struct netlink_device d = {0};

    if (index != 0 &&
        (netlink_device_find(gw->nl, index, NULL, &d) < 0 || d.index != index))
        d = (struct netlink_device){0};
    return d;
}

static bool has_ipv6_addr(const struct config_facts_device *d)
{
    for (unsigned i = 0; i < d->n_addrs; i++)
        if (d->addr[i].family == CT_IPV6)
            return true;
    return false;
}

/* One device forwards and the host as a whole doesn't: a killed weir made it
 * so. Given back, or the host would forward untranslated after our end. */
static void guess_forwarding_change(struct gateway *gw,
                                    const struct netlink_device *d)
{
    uint32_t all = 1;

    if (gw->heir && d->index != 0 && d->inet[NETLINK_FORWARDING] == 1 &&
        gateway_setting_sysctl("net/ipv4/ip_forward", &all) == 0 && all == 0)
        gateway_setting_guess(&gw->settings, GATEWAY_FORWARD4, d->name, 0, 1);
}

/* Settings of the kernel that facts make necessary; of weir's TUNs nothing. */
static int set_kernel(struct gateway *gw, const struct config_facts *facts,
                      char err[256])
{
    struct gateway_conf_needs needs = {.n = facts->n};

    for (uint32_t i = 0; i < facts->n; i++) {
        const struct config_facts_device *f = &facts->device[i];

        needs.device[i] = find_kernel_device(gw, f->index);
        needs.inside[i] = f->inside;
        needs.has_ipv6[i] = f->index != 0 && has_ipv6_addr(f);
        guess_forwarding_change(gw, &needs.device[i]);
    }
    return gateway_conf_apply(&gw->settings, &needs, err);
}

static bool is_only_outside(const struct config_facts *facts)
{
    uint32_t outside = 0;

    for (uint32_t i = 0; i < facts->n; i++)
        outside += !facts->device[i].inside;
    return outside == 1;
}

static int gather_device(struct gateway *gw, struct gateway_plan_input *in,
                         uint32_t i, char err[256])
{
    const struct config_facts_device *f = &in->facts->device[i];
    struct netlink_device d = find_kernel_device(gw, f->index);

    gw->ipv6 = gw->ipv6 || d.ipv6;
    gw->device_ipv6 = gw->device_ipv6 || d.ipv6;
    if (f->inside || d.index == 0)
        return 0;
    return gateway_conf_group(&gw->settings, &d, is_only_outside(in->facts),
                              &in->group, err);
}

/* The kernel does not tell when it is switched on again: an error is tried
 * again each second. */
static int check_ipv6(struct gateway *gw, const struct netlink_device *tun,
                      uint32_t i, char err[256])
{
    if (gw->tun_ipv6[i] && gw->device_ipv6 && !tun->ipv6) {
        snprintf(err, 256,
                 "IPv6 is switched off on weir's device %s; say: sysctl -w "
                 "net.ipv6.conf.%s.disable_ipv6=0",
                 tun->name, tun->name);
        return -1;
    }
    gw->tun_ipv6[i] = tun->ipv6;
    return 0;
}

static int gather_tun(struct gateway *gw, struct gateway_plan_input *in,
                      uint32_t i, char err[256])
{
    struct netlink_device d = find_kernel_device(gw, gw->tun[i]);

    in->tun[i] = d.index;
    in->tun_ipv6[i] = d.ipv6;
    if (d.index == 0)
        return 0;
    if (gateway_conf_tun(&gw->settings, &d, err) < 0 ||
        gateway_conf_dummy(&gw->settings, &d, err) < 0)
        return -1;
    return check_ipv6(gw, &d, i, err);
}

/* The devices' part of the plan's input; all of it, even if it answers -1. */
static int gather_plan_input(struct gateway *gw, struct gateway_plan_input *in,
                             const uint32_t tun[], char err[256])
{
    int code = 0;

    gw->device_ipv6 = false;
    for (uint32_t i = 0; i < in->facts->n; i++)
        if (gather_device(gw, in, i, err) < 0)
            code = -1;
    for (uint32_t i = 0; i < in->facts->n; i++) {
        gw->tun[i] = tun[i];
        if (gather_tun(gw, in, i, err) < 0)
            code = -1;
    }
    in->ipv6 = gw->ipv6;
    return code;
}

static void spare_tracking(struct gateway *gw, const struct config_facts *facts)
{
    struct netlink_notrack spared = {.out = gw->tun[CONFIG_GATEWAY_WAN]};

    for (uint32_t i = 0; i < facts->n; i++) {
        spared.in[2 * i] = facts->device[i].index;
        spared.in[2 * i + 1] = gw->tun[i];
    }
    gateway_guard_notrack(gw->guard, gw->want.notrack ? &spared : NULL);
}

void gateway_rules(struct gateway *gw, const struct ct_ruleset *rules)
{
    gw->rules = rules;
}

int gateway_sync(struct gateway *gw, const struct config_facts *facts,
                 const uint32_t tun[], char err[256])
{
    struct gateway_plan_input in = {.facts = facts};
    struct gateway_plan *plan = calloc(1, sizeof *plan);
    int code, guard;

    if (plan == NULL) {
        snprintf(err, 256, "no memory");
        return -1;
    }
    (void)gateway_begin(gw);
    gw->filtered = gw->routed = true;
    gateway_setting_follow(&gw->settings);
    code = gather_plan_input(gw, &in, tun, err);
    guard = gateway_guard_put(gw->guard, gw->nl, facts, tun, &in.marked);
    if (gw->rules != NULL)
        gateway_guard_rules(gw->guard, facts, gw->rules);
    gateway_plan_make(&in, plan);
    gw->planned_proxies = 0;
    for (uint32_t i = 0; i < plan->n; i++)
        gw->planned_proxies += plan->object[i].kind == GATEWAY_NEIGH;
    /* Behind the rules, so that nothing is forwarded before them, nor without;
     * and each time: a device may be new, or have got its first IPv6 address.
     */
    if (gateway_apply(gw->nl, plan, &gw->order, err) < 0 ||
        set_kernel(gw, facts, err) < 0)
        code = -1;
    if (guard == 0 && code == 0)
        guard = gateway_guard_ruled(gw->guard, gw->nl, facts, tun);
    if (guard < 0 && code == 0) {
        snprintf(err, 256, "can't put rules into nf_tables: %s",
                 strerror(-guard));
        code = -1;
    }
    spare_tracking(gw, facts);
    free(plan);
    return code;
}

void gateway_check(struct gateway *gw, const struct config_facts *facts,
                   struct gateway_health *out)
{
    gateway_health_look(gw->nl, &gw->want, facts, gw->tun[CONFIG_GATEWAY_WAN],
                        &gw->memory, out);
    if (gw->filtered)
        gw->filtered =
            !gateway_forward_look(&gw->want, facts, gw->tun, &gw->forward);
    out->forward = gw->forward;
    if (gw->routed)
        gw->routed = !gateway_health_back(gw->nl, facts, gw->tun, &gw->back);
    out->back = gw->back;
}

static void count_proxy(void *ctx, const struct netlink_neigh *neigh)
{
    struct gateway *gw = ctx;

    gw->proxies += neigh->protocol == GATEWAY_PLAN_PROTOCOL;
}

bool gateway_tend(struct gateway *gw)
{
    if (gateway_guard_tell(gw->guard))
        return true;
    gw->proxies = 0;
    return netlink_neigh_each(gw->nl, CT_IPV4, count_proxy, gw) == 0 &&
           netlink_neigh_each(gw->nl, CT_IPV6, count_proxy, gw) == 0 &&
           gw->proxies < gw->planned_proxies;
}

void gateway_clash(struct gateway *gw, struct netlink_clash *found)
{
    gateway_guard_clash(gw->guard, found);
}
