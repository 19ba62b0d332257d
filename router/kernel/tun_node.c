/* tun_node.c - /dev/net/tun, opened while one may
 *
 * udev gives it mode 0666, but a kernel or a container's engine that makes it
 * alone leaves it to root; so root opens it for each queue before weir acts as
 * an ordinary user.  What a descriptor may do is asked again at TUNSETIFF, of
 * the process that calls it. */
#include "kernel/tun_node.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <linux/major.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <ctcore/types.h>

enum { STORE = CT_MAX_IFACES * CT_MAX_SHARDS, TUN_MINOR = 200 };

static int store[STORE];
static int n_store; /* one thread: the control's */

static int open_node(void)
{
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

void tun_node_store(unsigned n)
{
    while (n_store < STORE && n_store < (int)n &&
           (store[n_store] = open_node()) >= 0)
        n_store++;
}

int tun_node_open(void)
{
    return n_store > 0 ? store[--n_store] : open_node();
}

static bool is_node(int fd)
{
    struct stat st;

    return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
           st.st_rdev == makedev(MISC_MAJOR, TUN_MINOR);
}

/* Other drivers mean something else by the same number. */
int tun_node_attach(int fd, const char *name, int flags)
{
    struct ifreq ifr;

    if (!is_node(fd))
        return -EBADF;
    memset(&ifr, 0, sizeof ifr);
    (void)snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", name);
    ifr.ifr_flags = (short)flags;
    return ioctl(fd, TUNSETIFF, &ifr) < 0 ? -errno : 0;
}

void tun_node_empty(void)
{
    while (n_store > 0)
        close(store[--n_store]);
}
