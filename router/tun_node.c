/* tun_node.c - /dev/net/tun, opened while one may
 *
 * udev gives it mode 0666, but a kernel or a container's engine that makes it
 * alone leaves it to root.  How many queues are wanted stands in the
 * configuration, which is read as the ordinary user that weir becomes; so root
 * opens more than enough before, and that user closes what is left over.  What
 * a descriptor may do is asked again at TUNSETIFF, of whoever asks then. */
#include "tun_node.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include <ctcore/types.h>

enum { STORE = 2 * CT_MAX_SHARDS };

static int store[STORE];
static int n_store; /* one thread: the control's */

static int open_node(void)
{
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

    return fd < 0 ? -errno : fd;
}

void tun_node_store(void)
{
    while (n_store < STORE && (store[n_store] = open_node()) >= 0)
        n_store++;
}

int tun_node_open(void)
{
    return n_store > 0 ? store[--n_store] : open_node();
}

void tun_node_empty(void)
{
    while (n_store > 0)
        close(store[--n_store]);
}
