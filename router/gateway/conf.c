/* conf.c - settings of the kernel that gateway mode needs */
#include "gateway/conf.h"

#include "gateway/plan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TRIES = 16, STRICT = 1, LOOSE = 2 };

/* ---- what must be ---- */

/* Not weir's to change if the next one could not give it back. */
static int tell_unsaved(const struct gateway_settings *all, char err[256])
{
    snprintf(err, 256,
             "can't write %.96s: %s; it says how the kernel's settings were, "
             "for the next start if weir is killed: make room or mend the "
             "folder's rights",
             all->saved->path, strerror(-all->unsaved));
    return -1;
}

static int format_setting_error(enum gateway_setting s, const char *device,
                                uint32_t value, const char *why, int code,
                                char err[256])
{
    char name[48];

    gateway_kind_name(s, device, name);
    snprintf(err, 256,
             "%s must be %u (%s) and can't be set here: %s; compose: "
             "`sysctls: [%s=%u]`, docker run: --sysctl %s=%u",
             name, value, why, strerror(-code), name, value, name, value);
    return -1;
}

static int require_setting(struct gateway_settings *all, enum gateway_setting s,
                           const char *device, uint32_t value, const char *why,
                           char err[256])
{
    int code = gateway_setting_change(all, s, device, value);

    if (code < 0 && all->unsaved < 0)
        return tell_unsaved(all, err);
    return code < 0 ? format_setting_error(s, device, value, why, code, err)
                    : 0;
}

/* One switch for all, or one for each of the protocols. */
static int early_demux(struct gateway_settings *all, char err[256])
{
    uint32_t tcp = 1, udp = 1;

    (void)gateway_setting_sysctl("net/ipv4/tcp_early_demux", &tcp);
    (void)gateway_setting_sysctl("net/ipv4/udp_early_demux", &udp);
    if (tcp == 0 && udp == 0)
        return 0;
    return require_setting(
        all, GATEWAY_EARLY_DEMUX, "", 0,
        "else packets for the host's own sockets pass by weir", err);
}

/* A router ignores router advertisements unless told not to, and forgets what
 * it had from them the moment it becomes one. */
static void keep_advertisements(struct gateway_settings *all,
                                const struct gateway_conf_needs *needs)
{
    uint32_t forwarding = 0, ra;

    (void)gateway_setting_get(all, GATEWAY_FORWARD6_ALL, "", &forwarding);
    for (uint32_t i = 0; forwarding == 0 && i < needs->n; i++) {
        const struct netlink_device *d = &needs->device[i];

        if (!needs->inside[i] && d->index != 0 &&
            gateway_setting_get(all, GATEWAY_ACCEPT_RA, d->name, &ra) == 0 &&
            ra == 1)
            (void)gateway_setting_change(all, GATEWAY_ACCEPT_RA, d->name, 2);
    }
}

static bool has_ipv6_device(const struct gateway_conf_needs *needs)
{
    for (uint32_t i = 0; i < needs->n; i++)
        if (needs->has_ipv6[i])
            return true;
    return false;
}

static int require_ipv6_settings(struct gateway_settings *all,
                                 const struct gateway_conf_needs *needs,
                                 char err[256])
{
    if (!has_ipv6_device(needs))
        return 0;
    keep_advertisements(all, needs);
    if (require_setting(all, GATEWAY_FORWARD6_ALL, "", 1,
                        "IPv6 is to be routed", err) < 0)
        return -1;
    if (require_setting(all, GATEWAY_PROXY_NDP_ALL, "", 1,
                        "neighbours ask for weir's addresses", err) < 0)
        return -1;
    for (uint32_t i = 0; i < needs->n; i++) {
        const struct netlink_device *d = &needs->device[i];

        if (d->index == 0 || !needs->has_ipv6[i])
            continue;
        (void)gateway_setting_change(all, GATEWAY_DELAY6, d->name, 0);
        if (require_setting(all, GATEWAY_FORWARD6, d->name, 1,
                            "IPv6 is to be routed", err) < 0)
            return -1;
    }
    return 0;
}

static int tell_device(const struct gateway_settings *all, const char *what,
                       const char *device, int code, char err[256])
{
    if (all->unsaved < 0)
        return tell_unsaved(all, err);
    snprintf(err, 256, "can't set %s of device %s: %s%s", what, device,
             strerror(-code),
             code == -EPERM ? "; run as root or with CAP_NET_ADMIN" : "");
    return -1;
}

static uint32_t rp_filter_of_all(void)
{
    uint32_t value = 0;

    (void)gateway_setting_sysctl("net/ipv4/conf/all/rp_filter", &value);
    return value;
}

/* What weir sends by wan's own address would be routed into its TUN: a packet
 * that comes from there is on the wrong device for a strict filter.  The one
 * that counts is the higher of the device's and of all's. */
static int loosen_rp_filter(struct gateway_settings *all,
                            const struct netlink_device *wan)
{
    uint32_t every = rp_filter_of_all(), its = wan->inet[NETLINK_RP_FILTER];

    if ((every > its ? every : its) != STRICT)
        return 0;
    return gateway_setting_change(all, GATEWAY_RP_FILTER, wan->name, LOOSE);
}

int gateway_conf_apply(struct gateway_settings *all,
                       const struct gateway_conf_needs *needs, char err[256])
{
    uint32_t there = 0;
    int code;

    if (early_demux(all, err) < 0 || require_ipv6_settings(all, needs, err) < 0)
        return -1;
    for (uint32_t i = 0; i < needs->n; i++)
        there += needs->device[i].index != 0;
    for (uint32_t i = 0; i < needs->n; i++) {
        const struct netlink_device *d = &needs->device[i];

        if (d->index == 0)
            continue;
        /* A kernel that is no router yet need not become one for one device. */
        if (there > 1 && (code = gateway_setting_change(all, GATEWAY_FORWARD4,
                                                        d->name, 1)) < 0)
            return tell_device(all, "forwarding", d->name, code, err);
        if ((code = gateway_setting_change(all, GATEWAY_VALID_MARK, d->name,
                                           1)) < 0)
            return tell_device(all, "src_valid_mark", d->name, code, err);
        (void)gateway_setting_change(all, GATEWAY_DELAY4, d->name, 0);
        if (!needs->inside[i] && (code = loosen_rp_filter(all, d)) < 0)
            return tell_device(all, "rp_filter", d->name, code, err);
    }
    return 0;
}

/* ---- the group ---- */

struct sharing {
    const struct netlink_device *wan;
    bool shared;
};

static void compare_group(void *ctx, const struct netlink_device *device)
{
    struct sharing *s = ctx;

    if (device->index != s->wan->index && device->group == s->wan->group)
        s->shared = true;
}

static bool is_shared(struct netlink *nl, const struct netlink_device *wan)
{
    struct sharing s = {.wan = wan};
    int err = -EAGAIN;

    for (int i = 0; i < TRIES && err == -EAGAIN; i++)
        err = netlink_device_each(nl, compare_group, &s);
    return s.shared;
}

int gateway_conf_group(struct gateway_settings *all,
                       const struct netlink_device *wan, bool only,
                       uint32_t *group, char err[256])
{
    int code;

    *group = wan->group;
    if (wan->group == GATEWAY_PLAN_GROUP) {
        /* A predecessor's, who has left no word of it. */
        gateway_setting_guess(all, GATEWAY_GROUP, wan->name, 0,
                              GATEWAY_PLAN_GROUP);
        return 0;
    }
    if (only && wan->group != 0 && !is_shared(all->nl, wan))
        return 0;
    *group = GATEWAY_PLAN_GROUP;
    code = gateway_setting_change(all, GATEWAY_GROUP, wan->name,
                                  GATEWAY_PLAN_GROUP);
    return code < 0 ? tell_device(all, "the group", wan->name, code, err) : 0;
}

/* ---- weir's TUNs ---- */

/* A device without an address has no source that the kernel's loose check
 * believes but those it leads to: errors of the host's that bear lan's address,
 * and what the host says to an address of its own, would be dropped.  The dummy
 * address of RFC 7600 belongs to no host. */
int gateway_conf_dummy(struct gateway_settings *all,
                       const struct netlink_device *tun, char err[256])
{
    static const union ct_addr dummy = {.b = {192, 0, 0, 8}};
    int code = netlink_address(all->nl, tun->index, CT_IPV4, &dummy, 32, true);

    return code < 0 ? tell_device(all, "an address", tun->name, code, err) : 0;
}

/* Packets that weir writes bear the host's addresses and any sender's. */
int gateway_conf_tun(struct gateway_settings *all,
                     const struct netlink_device *tun, char err[256])
{
    const uint32_t want[NETLINK_N_INET] = {
        [NETLINK_FORWARDING] = 1,
        [NETLINK_RP_FILTER] = rp_filter_of_all() == STRICT ? LOOSE : 0,
        [NETLINK_ACCEPT_LOCAL] = 1,
        [NETLINK_SEND_REDIRECTS] = 0,
    };

    int code;

    for (unsigned i = 0; i < NETLINK_N_INET; i++) {
        if (tun->inet[i] == want[i])
            continue;
        code = netlink_device_set(all->nl, tun->index,
                                  (enum netlink_device_inet)i, want[i]);
        if (code < 0)
            return tell_device(all, "IPv4's settings", tun->name, code, err);
    }
    if (tun->group != GATEWAY_PLAN_TUNS &&
        (code = netlink_device_group(all->nl, tun->index, GATEWAY_PLAN_TUNS)) <
            0)
        return tell_device(all, "the group", tun->name, code, err);
    return 0;
}
