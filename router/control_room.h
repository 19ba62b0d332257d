/* control_room.h - what the control loop's files share: control.c, devices.c,
 * websource.c */
#ifndef CONTROL_ROOM_H
#define CONTROL_ROOM_H

#include "generation.h"
#include "tun.h"

#include <web/web.h>

struct device {
    struct tun tun;
    bool lost;         /* deleted; being won back */
    bool moved;        /* not in our namespace, yet alive */
    uint64_t retry_ms; /* when to try next */
    unsigned tries;
};

struct control {
    const char *path;
    uv_loop_t loop;
    uv_signal_t hup, term, interrupt;
    uv_async_t wake;
    uv_timer_t timer;
    uint8_t key[16];
    struct generation *now; /* the newest, older ones hang on it */
    struct netlink *nl;
    struct device device[CT_MAX_IFACES];
    uint32_t n_devices;
    struct worker *worker[CT_MAX_SHARDS];
    uint32_t n_workers;
    struct web *web;
    struct web_source source;
    char why[128]; /* not ready because */
};

/* devices.c */
int devices_open(struct control *c); /* 0 or -1; says why */
void devices_close(struct control *c);
void devices_look(struct control *c); /* has one gone away? */
/* Try what is due; answers ms until it wants to be called again. */
uint64_t devices_tend(struct control *c);

/* websource.c */
void websource_setup(struct control *c);

#endif
