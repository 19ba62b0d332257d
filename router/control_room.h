/* control_room.h - what the control loop's files share: control.c, devices.c,
 * hostnet.c, reload.c, rights.c */
#ifndef CONTROL_ROOM_H
#define CONTROL_ROOM_H

#include "bound.h"
#include "gateway.h"
#include "generation.h"
#include "health.h"
#include "queue.h"
#include "removal.h"
#include "shortage.h"
#include "steerkey.h"
#include "tun.h"

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

/* devices.c */
int devices_open(struct control *c); /* 0 or -1; says why */
void devices_close(struct control *c);
void devices_look(struct control *c); /* has one gone away? */
/* Try what is due; answers ms until it wants to be called again. */
uint64_t devices_tend(struct control *c);

/* reload.c: configurations are read by a thread of their own.  What is asked
 * for while one is at work, or while a worker lags, is done next. */
int reload_start(struct control *c, reload_done *done); /* 0 or an error; says
                                                           why */
/* Waits for what is at work; nothing is put in force any more. */
void reload_stop(struct control *c);
void reload_file(struct control *c); /* what SIGHUP asks for */
/* The same text with these facts, which are c->reload.facts when it is done.
 * False: not now, and the caller keeps them. */
bool reload_facts(struct control *c, struct config_facts *facts);
/* c->facts and c->now, with all that hangs on it, must stay as they are. */
bool reload_busy(const struct control *c);
/* Once all workers have taken c->now, free what came before.  Does nothing
 * while busy. */
void reload_settle(struct control *c);
/* Once all flows have been held against the new rules, say what became of it.
 */
void reload_tell(struct control *c);
/* For the start: the text of from, read with these facts.  NULL: it says why.
 */
struct config *reload_remake(const struct config_facts *facts,
                             const struct config *from);

/* hostnet.c: nothing is done unless in gateway mode.
 * open: before the first generation; replaces *config by one that knows the
 * facts; 0, or the exit code, and it says why.  start: when workers walk; 0 or
 * -1, and it says why.  end: before they stop. */
int hostnet_open(struct control *c, struct config **config);
int hostnet_start(struct control *c);
void hostnet_end(struct control *c);
void hostnet_changed(struct control *c); /* look again, soon */
reload_done hostnet_loaded;
void hostnet_tend(struct control *c); /* once a second: the host's own ports */
/* Say in the log whom the input rules keep from the host, ssh included. */
void hostnet_say_closed(const struct control *c);

/* checks.c: what /readyz answers; looked at each second, and when the kernel
 * says that something changed */
void checks_look(struct control *c);

/* control_web.c */
int control_web_start(struct control *c); /* 0 or -1; says why */
void control_web_announce(const struct control *c);
/* Ask for the token of next from now on.  False: the old one stays, and it
 * says why. */
bool control_web_token(struct control *c, const struct config *before,
                       const struct config *next);

/* rights.c: the folder of the socket; one made here is the user's */
void rights_make_folder(const struct config *config);
/* 0 or -1, and it says why.  settle: set-up is over, before another
 * thread; watch: of the process that is ordered; limit: last of all. */
int rights_settle(const struct control *c);
int rights_watch(struct control *c);
int rights_limit(void);

#endif
