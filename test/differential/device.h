/* device.h - weir as it runs: the daemon, its TUN devices, its API
 *
 * `weir run` in a network namespace of its own, with the addresses of world.h,
 * masquerade, and an API that listens on a socket only.  Packets enter and are
 * seen to leave at the kernel's side of its two devices, by packet sockets.
 *
 * Needs root.  The daemon ends with device_close(), or with its parent. */
#ifndef DEVICE_H
#define DEVICE_H

#include <ctcore/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct device;

/* One flow as the API tells it. */
struct device_flow {
    struct ct_tuple tuple[CT_N_DIRS];
    uint32_t status; /* enum ct_status */
    uint32_t timeout, mark;
    char state[16]; /* "": none */
};

/* Beside what stands: rules of prerouting, and keys of conntrack, as JSON, each
 * with a comma behind it. */
struct device_setup {
    const char *prerouting, *conntrack;
};

/* weir: the program's path; setup: NULL for none.  NULL, and why in err. */
struct device *device_open(const char *weir, const struct device_setup *setup,
                           char err[256]);
void device_close(struct device *d);

/* A command of weir's, asked at its socket: what it prints, to be closed by
 * device_told(), which is true if it ended well; the rest of it is dropped. */
FILE *device_ask(const struct device *d, const char *command);
bool device_told(FILE *f);
/* For who starts it himself: the program's path, and its socket's. */
const char *device_weir(const struct device *d);
const char *device_socket(const struct device *d);

/* A packet enters by wan, or by lan; left is called for each that leaves
 * before a packet that follows behind does.  False: that did not come out. */
bool device_put(struct device *d, bool wan, const uint8_t *data, size_t len,
                void (*left)(void *ctx, bool wan, uint8_t *data, size_t len),
                void *ctx);

/* Call back for each flow of the table.  False: the API did not answer. */
bool device_flows(struct device *d,
                  void (*each)(void *ctx, const struct device_flow *flow),
                  void *ctx);
bool device_flush(struct device *d);

#endif
