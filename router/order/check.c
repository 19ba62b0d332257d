/* check.c - may the privileged process do what it is ordered? */
#include "order/check.h"

#include "gateway/setting.h"
#include "kernel/netlink/forward.h"
#include "order/route.h"
#include "order/tables.h"

#include <linux/if_tun.h>
#include <string.h>

enum { MOST_OF_SETTING = 2 };

static bool is_name(const char *name, size_t room)
{
    return memchr(name, '\0', room) != NULL;
}

static bool is_tun(uint32_t flags)
{
    return (flags & ~(uint32_t)IFF_MULTI_QUEUE) ==
           (IFF_TUN | IFF_NO_PI | IFF_VNET_HDR);
}

/* IPv6's forwarding of all devices is one switch: each that had it on by itself
 * gets it back. */
static bool setting(const struct order_devices *devices,
                    const struct order_head *head)
{
    enum gateway_setting s;
    char device[16];

    return head->value <= MOST_OF_SETTING &&
           is_name(head->name, sizeof head->name) &&
           gateway_kind_of_path(head->name, &s, device) &&
           (device[0] == '\0' || s == GATEWAY_FORWARD6 ||
            order_devices_known(devices, 0, device) != NULL);
}

bool order_check(const struct order_limits *limits,
                 const struct order_devices *devices, const struct order *order,
                 size_t len)
{
    const struct order_head *head = &order->head;

    switch (head->kind) {
    case ORDER_ROUTE:
        return order_route_may(limits, devices, (const void *)order->body, len);
    case ORDER_COUNT:
        return limits->gateway && is_name(head->name, sizeof head->name);
    case ORDER_FORWARD:
        return limits->gateway &&
               len == sizeof(struct netlink_forward_question);
    case ORDER_CLASH:
        return limits->gateway && len == 0;
    case ORDER_NFTABLES:
        return limits->gateway &&
               order_tables_may(limits, devices, order->body, len);
    case ORDER_SYSCTL:
        return limits->gateway && setting(devices, head);
    case ORDER_ATTACH:
        return is_name(head->name, sizeof head->name) &&
               order_devices_named(limits, head->name) && is_tun(head->value);
    default:
        return false;
    }
}
