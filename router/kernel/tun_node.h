/* tun_node.h - /dev/net/tun, opened while one may */
#ifndef TUN_NODE_H
#define TUN_NODE_H

/* Open it so often, beforehand.  If it can't be opened, that is an error when a
 * device is wanted. */
void tun_node_store(unsigned n);

/* One more queue to be: from the store, else opened now.  A descriptor, or
 * negative with errno's number; see tun_why_node(). */
int tun_node_open(void);

/* Make the descriptor a queue of the device of that name, which is made if it
 * isn't there; flags: IFF_*.  0 or a negative errno. */
int tun_node_attach(int fd, const char *name, int flags);

/* Every device has its queues: close what the store still holds. */
void tun_node_empty(void);

#endif
