/* offload.h - what a device may be given whole, and what it may not
 *
 * A kernel older than a kind of super-packet, or a driver behind the device
 * that is broken, refuses the write (EINVAL, EIO).  The same bytes then go
 * segment by segment, and the device is not asked again.  Where the operator
 * has switched offloads off, nothing is left to the device: no segmentation, no
 * checksum. */
#ifndef OFFLOAD_H
#define OFFLOAD_H

#include <ctcore/pkt.h>

#include <stdatomic.h>

struct offload {
    bool off; /* by configuration */
    _Atomic uint8_t
        refused; /* 1 << virtio_net_hdr's gso_type; others read it */
};

/* Write one packet: 0 or a negative errno. */
typedef int offload_write(void *ctx, struct ct_pkt *pkt);

/* NONE, TX_LINK_DOWN or TX_ERROR: some or all of it was not written.
 * => pkt->data may be used up, see segment.h. */
enum ct_reason offload_send(struct offload *o, struct ct_pkt *pkt,
                            offload_write *write, void *ctx);

/* The kinds of a mask like `refused`, as words; at most 63 bytes. */
const char *offload_words(uint8_t refused, char text[64]);

#endif
