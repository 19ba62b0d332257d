/* job.c - requests whose answer takes several turns of the loop */
#include "http/job.h"

#include <stdlib.h>

static void free_job(uv_handle_t *timer)
{
    free(timer);
}

static void drop_job(void *work)
{
    struct job *j = work;

    if (j->end)
        j->end(j);
    uv_close((uv_handle_t *)&j->timer, free_job);
}

static void on_job_timer(uv_timer_t *timer)
{
    struct job *j = timer->data;
    struct site *site = j->site;
    int wait = j->step(j);

    if (wait >= 0) {
        (void)uv_timer_start(timer, on_job_timer, (uint64_t)wait, 0);
        return;
    }
    j->done = true;
    conn_wake(j->conn);
    site->run(site->arg); /* the job may be gone afterwards */
}

enum MHD_Result job_start(struct job *j, struct request *r,
                          int (*step)(struct job *j), request_fn *again,
                          void (*end)(struct job *j))
{
    struct conn *c = r->conn;
    int wait;

    j->conn = c;
    j->site = r->site;
    j->step = step;
    j->end = end;
    (void)uv_timer_init(r->site->loop, &j->timer);
    j->timer.data = j;
    c->work = j;
    c->drop = drop_job;
    c->again = again;
    wait = step(j);
    if (wait < 0) {
        j->done = true;
        return again(r);
    }
    (void)uv_timer_start(&j->timer, on_job_timer, (uint64_t)wait, 0);
    conn_sleep(c);
    return MHD_YES;
}
