/* gateway_conf.h - settings of the kernel that gateway mode needs */
#ifndef GATEWAY_CONF_H
#define GATEWAY_CONF_H

#include "gateway_setting.h"
#include "netlink_device.h"

struct gateway_conf_needs {
    struct netlink_device device[2]; /* lan, wan; index 0: not there */
    bool has_ipv6[2];                /* a global address */
};

/* All answer 0, or -1 with a sentence in err about the first that could not be
 * set. */
int gateway_conf_apply(struct gateway_settings *all,
                       const struct gateway_conf_needs *needs, char err[256]);

/* Give wan's device a group that no other has; *group: which. */
int gateway_conf_group(struct gateway_settings *all,
                       const struct netlink_device *wan, uint32_t *group,
                       char err[256]);

/* Of one of the TUN pair.  Not remembered: it goes with weir. */
int gateway_conf_tun(struct gateway_settings *all,
                     const struct netlink_device *tun, char err[256]);

/* Of the inside one. */
int gateway_conf_dummy(struct gateway_settings *all,
                       const struct netlink_device *tun, char err[256]);

#endif
