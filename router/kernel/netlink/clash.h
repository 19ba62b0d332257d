/* clash.h - whose flows had a noted connection's addresses and ports
 *
 * What chain "clash" of the guard's table has dropped: see
 * gateway/guard/past.h. */
#ifndef NETLINK_CLASH_H
#define NETLINK_CLASH_H

#include <stdint.h>

#define NETLINK_CLASH_SET4    "clash4"
#define NETLINK_CLASH_SET6    "clash6"
#define NETLINK_CLASH_COUNTER "clash"
enum { NETLINK_CLASH_MOST = 16 }; /* of each family */

/* Plain bytes: it goes as it is from the process that may ask. */
struct netlink_clash {
    uint32_t n;
    struct netlink_clash_port {
        uint16_t port;  /* ours */
        uint16_t proto; /* IPPROTO_* */
    } at[2 * NETLINK_CLASH_MOST];
};

/* 0 or a negative errno; -EAGAIN: they change meanwhile. */
int netlink_clash_look(struct netlink_clash *found);

#endif
