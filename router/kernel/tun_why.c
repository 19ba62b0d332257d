/* tun_why.c - a device that can't be had: why, and what to do
 *
 * Without CAP_NET_ADMIN a device must have been made beforehand, just as it is
 * wanted: weir then changes nothing, and whatever is not as wanted is told with
 * the command that mends it.  The kernel's answers to TUNSETIFF, in its order:
 *
 *   EINVAL  no TUN, or it has IFF_MULTI_QUEUE and we do not, or the reverse
 *   EPERM   it is another user's; or there is none, and we may not make one
 *   EBUSY   its only queue is taken */
#include "kernel/tun_why.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROOM = 256 };

static const char node[] = "/dev/net/tun";

void tun_why_node(int err, char text[256])
{
    struct stat st;

    switch (-err) {
    case EACCES:
        if (stat(node, &st) < 0)
            st = (struct stat){.st_mode = 0600};
        (void)snprintf(text, ROOM,
                       "no permission to open %s: it has mode %04o and owner "
                       "%u, weir runs as user %u; say: chmod 0666 %s",
                       node, (unsigned)st.st_mode & 07777u, (unsigned)st.st_uid,
                       (unsigned)geteuid(), node);
        break;
    case EPERM: /* a container's list of devices */
        (void)snprintf(text, ROOM,
                       "no permission to open %s: this container was not given "
                       "the device; start it with --device %s",
                       node, node);
        break;
    case ENOENT:
    case ENODEV:
    case ENXIO:
        (void)snprintf(text, ROOM,
                       "there is no %s: load the kernel module tun, or start "
                       "the container with --device %s",
                       node, node);
        break;
    default:
        (void)snprintf(text, ROOM, "can't open %s: %s", node, strerror(-err));
    }
}

/* The command that makes it as weir wants it. */
static const char *make(const struct tun_config *config, char room[128])
{
    (void)snprintf(room, 128,
                   "ip tuntap add dev %s mode tun user %u multi_queue",
                   config->name, (unsigned)geteuid());
    return room;
}

static void why_refused(const struct tun_config *config,
                        const struct netlink_link *link, char text[256])
{
    char how[128];

    if (link == NULL)
        (void)snprintf(text, ROOM,
                       "no permission to make TUN device %s: give weir "
                       "CAP_NET_ADMIN, or make the device beforehand: %s",
                       config->name, make(config, how));
    else if (link->owned && link->owner != geteuid())
        (void)snprintf(text, ROOM,
                       "no permission for device %s: it belongs to user %u and "
                       "weir runs as user %u; delete it, then: %s",
                       config->name, link->owner, (unsigned)geteuid(),
                       make(config, how));
    else if (link->grouped)
        (void)snprintf(text, ROOM,
                       "no permission for device %s: it belongs to group %u, "
                       "in which weir is not; delete it, then: %s",
                       config->name, link->group, make(config, how));
    else
        (void)snprintf(text, ROOM,
                       "no permission for device %s: give weir CAP_NET_ADMIN, "
                       "or delete it, then: %s",
                       config->name, make(config, how));
}

static void why_unfit(const struct tun_config *config,
                      const struct netlink_link *link, char text[256])
{
    char how[128];

    if (link == NULL || !link->is_tun || link->is_tap)
        (void)snprintf(text, ROOM,
                       "device %s exists and is %s, not a TUN device; delete "
                       "it, or give the interface another \"tun\"",
                       config->name,
                       link != NULL && link->is_tap ? "a TAP device"
                                                    : "no TUN device");
    else if (config->queues > 1 && !link->multi_queue)
        (void)snprintf(text, ROOM,
                       "device %s has one queue and there are %u workers: set "
                       "\"workers\" to 1, or delete it, then: %s",
                       config->name, config->queues, make(config, how));
    else
        (void)snprintf(text, ROOM,
                       "device %s does not take %u queue(s) as weir wants "
                       "them: delete it, then: %s",
                       config->name, config->queues, make(config, how));
}

void tun_why_claim(const struct tun_config *config,
                   const struct netlink_link *link, int err, char text[256])
{
    switch (-err) {
    case EBUSY:
        (void)snprintf(text, ROOM, "device %s is in use by another program",
                       config->name);
        break;
    case EINVAL:
        why_unfit(config, link, text);
        break;
    case EPERM:
        why_refused(config, link, text);
        break;
    default:
        (void)snprintf(text, ROOM, "can't make TUN device %s: %s", config->name,
                       strerror(-err));
    }
}

void tun_why_dress(const struct tun_config *config,
                   const struct netlink_link *link, int err, char text[256])
{
    const struct tun_config *c = config;
    char address[INET6_ADDRSTRLEN], mtu[32] = "";

    if (err != -EPERM) {
        (void)snprintf(text, ROOM, "can't set up device %s: %s", config->name,
                       strerror(-err));
    } else if (link->mtu != c->mtu || !link->up) {
        if (link->mtu != c->mtu)
            (void)snprintf(mtu, sizeof mtu, " mtu %u", c->mtu);
        (void)snprintf(text, ROOM,
                       "device %s is %s with mtu %u, not up with mtu %u, and "
                       "weir may not change it; run: ip link set %s%s up",
                       config->name, link->up ? "up" : "down", link->mtu,
                       c->mtu, config->name, mtu);
    } else {
        (void)inet_ntop(c->family == CT_IPV4 ? AF_INET : AF_INET6, c->address.b,
                        address, sizeof address);
        (void)snprintf(text, ROOM,
                       "device %s has no address %s/%u, and there is no "
                       "permission to give it; say: ip addr add %s/%u dev %s",
                       config->name, address, c->prefix, address, c->prefix,
                       config->name);
    }
}
