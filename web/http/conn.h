/* conn.h - one client of a server, from accept to close
 *
 * The client's socket is ours.  libmicrohttpd has one end of a socket pair and
 * sees only heads that head.c has found well-formed, one at a time; its bytes
 * are passed on as the client takes them.  So limits, deadlines and the order
 * of requests are decided here, and a client that closes is noticed at once,
 * also while libmicrohttpd has suspended its end. */
#ifndef CONN_H
#define CONN_H

#include "http/head.h"

#include <microhttpd.h>
#include <netinet/in.h>
#include <stdint.h>
#include <uv.h>

enum {
    CONN_OUT = 16384 /* bytes of an answer held here */
};

enum conn_state {
    CONN_HEAD,   /* a request's head is awaited */
    CONN_READY,  /* it is whole and waits for its turn */
    CONN_ANSWER, /* libmicrohttpd has it */
    CONN_LINGER  /* all is sent; waiting for the client to close */
};

/* How long a client is waited for. */
struct patience {
    uint32_t head_ms;   /* for a whole head, from the last answer on */
    uint32_t linger_ms; /* for its close after the last answer */
    uint32_t stall_ms;  /* while an answer waits for it, it takes at least */
    uint32_t stall_bytes;
};

struct conn;
struct request;

/* What the server does for its connections. */
struct conn_host {
    uv_loop_t *loop;
    const struct patience *patience;
    uint64_t ticket; /* the next place in the queue */
    size_t held;     /* bytes of answers that wait in memory */
    void (*watch)(struct conn *c, bool pair, uint32_t events);
    void (*unwatch)(struct conn *c, bool pair); /* before it is closed */
    void (*count)(struct conn *c, int answers); /* in progress: more, less */
    void (*forget)(struct conn *c);             /* it closes */
    bool (*pair)(struct conn *c); /* make c->pair; false: no descriptor */
    /* The text of c->head.why as a whole answer. */
    size_t (*refusal)(struct conn *c, char *out, size_t room);
};

struct conn {
    struct conn *next, **link; /* of the server's list */
    struct server *server;
    struct conn_host *host;
    struct MHD_Connection *mhd;
    struct site *site;
    int fd;        /* the client's socket; -1: closed */
    int pair;      /* our end of libmicrohttpd's socket; -1: none */
    int far;       /* the other end, which libmicrohttpd owns */
    bool local;    /* by the Unix socket */
    bool stranger; /* ... and not allowed to */
    bool last;     /* no request follows the one that is being answered */
    bool asleep;   /* suspended: conn_sleep() */
    bool counted;  /* among the server's answers in progress */
    bool idle;     /* conn_idle() */
    bool walk;     /* the request that is being answered, see head.h */
    bool endless;  /* an event stream: ends when the client stops sending */
    enum conn_state state;
    struct head head;
    uint64_t since;    /* loop time in ms at which the state began */
    uint64_t deadline; /* loop time in ms; 0: none */
    uint64_t turn;     /* READY: its place in the queue */
    uint64_t requests; /* that have begun */
    /* Output that the client does not take: since when (0: none waits), and
     * what it took since. */
    uint64_t stalled;
    size_t taken;
    uint64_t took; /* when it last took some, or the answer began */
    char peer[INET6_ADDRSTRLEN]; /* "" over the Unix socket */
    uint32_t address;            /* a hash of the client's address */
    uint32_t watched[2];         /* epoll events of fd and pair */
    size_t held; /* bytes of the answer's memory, see host->held */

    /* A request that needs several turns (job.c): again is called when the
     * connection is resumed; drop frees what it keeps. */
    void *work;
    enum MHD_Result (*again)(struct request *r);
    void (*drop)(void *work);

    size_t n_in, out_at, n_out;
    char in[HEAD_MAX + 1]; /* one more: too long a head is seen to be */
    char out[CONN_OUT];
};

/* Suspend libmicrohttpd's end; resume it.  site->run() must follow a wake,
 * outside of libmicrohttpd's callbacks. */
void conn_sleep(struct conn *c);
void conn_wake(struct conn *c);

/* The answer takes its time and costs nothing: its place may be taken, and
 * others begin meanwhile. */
void conn_idle(struct conn *c);

void conn_enter(struct conn *c, enum conn_state state);

/* Bytes that came, or room that there is: read, parse, pass on. */
void conn_client(struct conn *c, uint32_t events);
void conn_answer(struct conn *c);

/* Give a READY request to libmicrohttpd.  False: no descriptor. */
bool conn_release(struct conn *c);

/* libmicrohttpd has answered; it has closed its end. */
void conn_completed(struct conn *c);

/* Refuse what the client asks, with a problem of our own, and close. */
void conn_refuse(struct conn *c, unsigned status, const char *why);

/* Close the client's socket at once.  The server frees c when libmicrohttpd
 * has let go of it too. */
void conn_close(struct conn *c);

#endif
