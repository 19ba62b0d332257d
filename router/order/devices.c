/* devices.c - whom the privileged process may touch */
#include "order/devices.h"

#include "kernel/netlink/addr.h"
#include "kernel/netlink/device.h"
#include "system/addr.h"

#include <string.h>

const struct order_device *order_devices_known(const struct order_devices *all,
                                               uint32_t index, const char *name)
{
    for (uint32_t i = 0; i < all->n_known; i++) {
        const struct order_device *d = &all->known[i];

        if (index != 0 ? d->index == index
                       : name != NULL && strcmp(d->name, name) == 0)
            return d;
    }
    return NULL;
}

bool order_devices_named(const struct order_limits *limits, const char *name)
{
    for (uint32_t i = 0; i < limits->n_tuns; i++)
        if (strcmp(limits->tun[i], name) == 0)
            return true;
    return false;
}

int order_devices_tun(const struct order_devices *all, uint32_t index)
{
    for (int i = 0; i < CT_MAX_IFACES; i++)
        if (index != 0 && all->tun[i] == index)
            return i;
    return -1;
}

/* When there is no room the oldest goes. */
static void know(struct order_devices *all, const struct netlink_device *is,
                 uint32_t beside)
{
    struct order_device *d = NULL;

    for (uint32_t i = 0; i < all->n_known && d == NULL; i++)
        if (all->known[i].index == is->index)
            d = &all->known[i];
    if (d == NULL && all->n_known == ORDER_DEVICES_KNOWN) {
        all->n_known--;
        memmove(all->known, all->known + 1, all->n_known * sizeof *all->known);
    }
    if (d == NULL)
        d = &all->known[all->n_known++];
    d->index = is->index;
    d->beside = beside;
    memcpy(d->name, is->name, sizeof d->name);
}

static void follow_names(struct order_devices *all, struct netlink *nl)
{
    struct netlink_device is;

    for (uint32_t i = 0; i < all->n_known; i++) {
        struct order_device *d = &all->known[i];

        if (netlink_device_find(nl, d->index, NULL, &is) == 0)
            memcpy(d->name, is.name, sizeof d->name);
    }
}

struct seeking {
    const struct order_devices *all;
    union ct_addr addr;
    uint8_t family, len;
    uint32_t before, found;
};

/* The first, or the one it was before.  Addresses of weir's devices are
 * ordered, too, and make them no devices of the gateway's. */
static void compare(void *ctx, const struct netlink_addr *a)
{
    struct seeking *s = ctx;
    struct ct_addr_range r = system_addr_span(&s->addr, s->family, s->len);

    if (a->family == s->family && system_addr_compare(&r.lo, &a->addr) <= 0 &&
        system_addr_compare(&a->addr, &r.hi) <= 0 &&
        order_devices_tun(s->all, a->index) < 0 &&
        (s->found == 0 || a->index == s->before))
        s->found = a->index;
}

/* Number i of the gateway's; 0: it is not there. */
static uint32_t find(struct order_devices *all, const char *text, uint32_t i,
                     struct netlink *nl)
{
    struct seeking s = {.all = all, .before = all->now[i]};
    struct netlink_device is;

    if (text[0] == '\0')
        return 0;
    if (!system_addr_prefix_or_one(text, &s.addr, &s.family, &s.len)) {
        if (netlink_device_find(nl, 0, text, &is) < 0)
            return 0;
    } else if (netlink_addr_each(nl, compare, &s) < 0 || s.found == 0 ||
               netlink_device_find(nl, s.found, NULL, &is) < 0) {
        return 0;
    }
    if (is.loopback || order_devices_tun(all, is.index) >= 0)
        return 0;
    know(all, &is, i);
    return is.index;
}

void order_devices_begin(struct order_devices *devices,
                         const struct order_limits *limits, struct netlink *nl)
{
    struct netlink_device is;

    for (uint32_t i = 0; i < limits->n_left; i++)
        if (netlink_device_find(nl, 0, limits->left[i], &is) == 0)
            know(devices, &is, CT_MAX_IFACES);
}

void order_devices_find(struct order_devices *devices,
                        const struct order_limits *limits, struct netlink *nl)
{
    struct netlink_link link;

    memset(devices->tun, 0, sizeof devices->tun);
    for (uint32_t i = 0; i < limits->n_tuns; i++)
        if (netlink_link(nl, limits->tun[i], &link) == 0 && link.is_tun)
            devices->tun[i] = link.index;
    if (!limits->gateway)
        return;
    for (uint32_t i = 0; i < limits->n_tuns; i++)
        devices->now[i] = find(devices, limits->device[i], i, nl);
    follow_names(devices, nl);
}
