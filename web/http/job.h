/* job.h - requests whose answer takes several turns of the loop
 *
 * A job is the first member of what a handler allocates.  It is stepped once a
 * turn while its connection sleeps; when it is done the request is answered by
 * the function given at its start, and the job is freed. */
#ifndef JOB_H
#define JOB_H

#include "http/request.h"

enum {
    JOB_DONE = -1,
    JOB_NEXT_MS = 1, /* 0 would be this turn again, with libuv before 1.45 */
};

struct job {
    uv_timer_t timer; /* first: freed by its address */
    struct conn *conn;
    struct site *site;
    int (*step)(struct job *j); /* ms until the next one, or JOB_DONE */
    void (*end)(struct job *j); /* NULL, or frees what it holds */
    bool done;
};

/* j is freed by free() after end, in any case. */
enum MHD_Result job_start(struct job *j, struct request *r,
                          int (*step)(struct job *j), request_fn *again,
                          void (*end)(struct job *j));

#endif
