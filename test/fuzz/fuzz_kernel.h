/* fuzz_kernel.h - a kernel behind netlink that answers whatever the input says
 *
 * It stands in for libmnl's sockets.  What weir reads of an attribute must be
 * in it, what it reads of a message too; what it sends must be whole. */
#ifndef FUZZ_KERNEL_H
#define FUZZ_KERNEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Begin with these bytes.  They tell, datagram by datagram, what the kernel
 * answers; when they are used up every list is empty. */
void fuzz_kernel_begin(const uint8_t *data, size_t size);

/* Sees each datagram that weir sends, by the bus NETLINK_*: whole messages. */
extern void (*fuzz_kernel_sent)(int bus, const void *bytes, size_t len);

/* The attributes of a message that was begun, and its end. */
struct fuzz_message;
void fuzz_kernel_attrs(struct fuzz_message *b);

uint8_t fuzz_kernel_byte(void);
bool fuzz_kernel_is_used_up(void);

#endif
