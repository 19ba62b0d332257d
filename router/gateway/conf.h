/* conf.h - settings of the kernel that gateway mode needs */
#ifndef GATEWAY_CONF_H
#define GATEWAY_CONF_H

#include "config/config.h"
#include "gateway/setting.h"
#include "kernel/netlink/device.h"

struct gateway_conf_needs {
    uint32_t n;
    struct netlink_device device[CONFIG_DEVICES]; /* index 0: not there */
    bool inside[CONFIG_DEVICES];
    bool has_ipv6[CONFIG_DEVICES]; /* a global address */
};

/* All answer 0, or -1 with a sentence in err about the first that could not be
 * set. */
int gateway_conf_apply(struct gateway_settings *all,
                       const struct gateway_conf_needs *needs, char err[256]);

/* Give an outside device a group that no other has, or, if it isn't the only
 * one outside, that of them all; *group: which. */
int gateway_conf_group(struct gateway_settings *all,
                       const struct netlink_device *wan, bool only,
                       uint32_t *group, char err[256]);

/* Of one of weir's TUNs.  Not remembered: it goes with weir. */
int gateway_conf_tun(struct gateway_settings *all,
                     const struct netlink_device *tun, char err[256]);

/* The same. */
int gateway_conf_dummy(struct gateway_settings *all,
                       const struct netlink_device *tun, char err[256]);

#endif
