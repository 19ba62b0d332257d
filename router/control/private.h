/* private.h - the control loop's state, which its files share */
#ifndef CONTROL_ROOM_H
#define CONTROL_ROOM_H

#include "control/generation.h"
#include "control/removal.h"
#include "gateway/bound.h"
#include "gateway/gateway.h"
#include "journey/shortage.h"
#include "kernel/tun.h"
#include "queue/queue.h"
#include "system/health.h"
#include "worker/steerkey.h"

#include <web/web.h>

struct device {
    struct tun tun;
    bool lost;         /* deleted; being won back */
    bool moved;        /* not in our namespace, yet alive */
    bool down;         /* it is here, and set down */
    uint64_t dropped;  /* by its queue, when it was last looked at */
    uint64_t retry_ms; /* when to try next */
    unsigned tries;
    uint8_t refused; /* super-packets: told once */
};

enum reload_work { /* of the loading thread */
                   RELOAD_NOTHING,
                   RELOAD_BEGIN,
                   RELOAD_FILE,
                   RELOAD_FACTS,
                   RELOAD_FREE
};

struct control;

/* FILE, FACTS: that load is over; the facts are the callee's to free.
 * NOTHING: facts that were refused before may be loaded now. */
typedef void reload_done(struct control *c, enum reload_work what,
                         bool adopted);

struct reload {
    uv_work_t work;
    reload_done *done;
    enum reload_work what;
    struct config_facts facts;    /* to load with; of RELOAD_FACTS, owned */
    struct generation *next;      /* what a load made; NULL: it said why */
    struct generation *elders;    /* to be freed */
    bool file_again, facts_again; /* asked for meanwhile */
    bool ending;
};

/* What the web asks us by. */
struct websource {
    struct web_flows flows;
    struct web_removal removal;
    struct web_expects expects;
    struct web_stats stats;
    struct web_ifaces ifaces;
    struct web_rules rules;
    struct web_queues queues;
    struct web_health health;
};

struct control {
    const char *path;
    uv_loop_t loop;
    uv_signal_t hup, term, interrupt;
    uv_async_t wake;
    uv_timer_t timer;
    uv_poll_t orders; /* of the process that changes the kernel, if there is */
    int code;         /* exit */
    uv_timer_t log_wait; /* rule lines wait until the log has room */
    uint8_t key[16], steer_key[STEERKEY_BYTES]; /* of tables; of owners */
    struct generation *now; /* the newest, older ones hang on it */
    struct reload reload;
    bool revalidating; /* its rules: not all workers have said so */
    uint64_t revoked;  /* flows ended by that, before */
    struct netlink *nl;
    struct device device[CT_MAX_IFACES];
    uint32_t n_devices;
    struct worker *worker[CT_MAX_SHARDS];
    uint32_t n_workers;
    /* gateway mode; NULL: we are not in it */
    struct gateway *gateway;
    struct config_facts facts;
    uv_poll_t watch;            /* of what the kernel says changes */
    uv_timer_t settle;          /* a short wait for more of it */
    struct netlink_clash clash; /* what clients may not have, the same */
    char complaint[256];        /* what it would not do, told once */
    struct bound bound[2];      /* tcp, udp; workers read them */
    struct journey_lost lost;   /* the same; see journey.h */
    struct talks talks[2];      /* of lost: one is read while one is filled */
    struct netlink *diag;       /* asks for the host's sockets; may be NULL */
    uint64_t reserve_at;        /* ms of the loop: /proc is not read before */
    uint64_t look_at; /* the same: the kernel is not looked at before */
    struct shortage shortage;
    struct queue *queue; /* user programs' socket; NULL: no queues */
    struct removal removal[WORKER_TICKETS];
    struct web *web;
    struct websource source;
    struct health health; /* checks of /readyz */
};

#endif
