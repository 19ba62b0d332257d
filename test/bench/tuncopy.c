/* tuncopy.c - the baseline: two TUN devices, and every packet of one is written
 * to the other as it came
 *
 * The same queues and offloads as weir's (virtio header, checksums, TSO, USO),
 * one thread, no look at the packet.  What weir costs is what it takes longer.
 *
 *     tuncopy TUN1 TUN2
 *
 * It prints "ready" and copies until SIGTERM or SIGINT. */
#include <errno.h>
#include <fcntl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Newer than Debian 12's headers. */
#define OFFLOAD_USO4 0x20u
#define OFFLOAD_USO6 0x40u

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
    (void)sig;
    stopped = 1;
}

static void die(const char *what, const char *name)
{
    fprintf(stderr, "tuncopy: %s %s: %s\n", what, name, strerror(errno));
    exit(1);
}

static int open_tun(const char *name)
{
    unsigned offload = TUN_F_CSUM | TUN_F_TSO4 | TUN_F_TSO6;
    struct ifreq ifr;
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        die("open", "/dev/net/tun");
    memset(&ifr, 0, sizeof ifr);
    ifr.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
    if (strlen(name) >= sizeof ifr.ifr_name) {
        errno = ENAMETOOLONG;
        die("name", name);
    }
    strcpy(ifr.ifr_name, name);
    if (ioctl(fd, TUNSETIFF, &ifr) < 0)
        die("TUNSETIFF", name);
    if (ioctl(fd, TUNSETOFFLOAD,
              (unsigned long)(offload | OFFLOAD_USO4 | OFFLOAD_USO6)) < 0 &&
        ioctl(fd, TUNSETOFFLOAD, (unsigned long)offload) < 0)
        die("TUNSETOFFLOAD", name);
    return fd;
}

/* As many packets as a batch of weir's holds, so that neither side starves. */
static void copy(int from, int to)
{
    static uint8_t buf[70000];

    for (int i = 0; i < 64; i++) {
        ssize_t n = read(from, buf, sizeof buf);

        if (n <= 0)
            return;
        /* what the other device refuses is lost, as on any wire */
        if (write(to, buf, (size_t)n) < 0 && errno == EBADFD)
            return;
    }
}

int main(int argc, char **argv)
{
    struct sigaction sa = {.sa_handler = stop};
    struct pollfd fds[2];

    if (argc != 3) {
        fprintf(stderr, "usage: tuncopy TUN1 TUN2\n");
        return 2;
    }
    for (int i = 0; i < 2; i++)
        fds[i] = (struct pollfd){.fd = open_tun(argv[i + 1]), .events = POLLIN};
    sigaction(SIGTERM, &sa, NULL);
    sigaction(SIGINT, &sa, NULL);
    puts("ready");
    fflush(stdout);
    while (!stopped) {
        if (poll(fds, 2, 1000) <= 0)
            continue;
        for (int i = 0; i < 2; i++)
            if (fds[i].revents & POLLIN)
                copy(fds[i].fd, fds[1 - i].fd);
    }
    return 0;
}
