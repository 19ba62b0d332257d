/* tun.h - TUN devices: open, read and write packets with their offload header
 *
 * One device has as many queues as there are workers; a queue is one file
 * descriptor, read and written by its worker alone.  Setting up, losing and
 * winning back a device is the control thread's. */
#ifndef TUN_H
#define TUN_H

#include "kernel/tun_config.h"
#include "system/pktbuf.h"

struct netlink;

struct tun {
    struct tun_config config;
    char name[16];
    bool multi_queue;
    unsigned offload; /* TUN_F_*, as the kernel took them */
    unsigned n;       /* descriptors below */
    int fd[CT_MAX_SHARDS];
};

/* Make the device, or take the one of that name that is not in use, and give it
 * what it lacks.  One that is just as wanted needs no capability: it was made
 * with this user's number and, for several queues, with multi_queue.  A device
 * made here goes with its last descriptor, one made beforehand stays.  0, or -1
 * with a sentence in err. */
int tun_open(struct tun *tun, const struct tun_config *config,
             struct netlink *nl, char err[256]);
void tun_close(struct tun *tun);

/* The device was deleted: attach the same descriptors to a device of that name
 * again, making it if need be, and restore what it had.  0, or a negative
 * errno: try again later.  May be called while workers read and write. */
int tun_attach(struct tun *tun, struct netlink *nl);

/* One packet into buf: pkt's first block is set but for `in`.
 * 1: there is one.  0: none waits.  -errno: -EBADFD is a lost device. */
int tun_read(int fd, struct pktbuf *buf);

/* pkt has PKTBUF_LINK bytes of room before its data.  0 or -errno: -EIO is a
 * device that is down, -EBADFD a lost one. */
int tun_write(int fd, struct ct_pkt *pkt);

/* The two directions of the offload header, bare: for tests.  tun_decode()
 * marks a header that contradicts the packet with gso_type TUN_GSO_BAD and
 * gso_size 0, which the journey refuses as BAD_GSO. */
enum { TUN_GSO_BAD = 0x7f };
void tun_decode(struct ct_pkt *pkt, const uint8_t header[PKTBUF_LINK]);
void tun_encode(const struct ct_pkt *pkt, uint8_t header[PKTBUF_LINK]);

#endif
