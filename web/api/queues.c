/* queues.c - queues to user programs: who listens, what waits, what became of
 * it
 */
#include "api/queues.h"
#include "http/json_out.h"

static void write_queue(struct json_out *j, const struct web_queue *q)
{
    json_out_object(j, NULL);
    json_out_u64(j, "number", q->number);
    json_out_u64(j, "max", q->max);
    json_out_bool(j, "bypass", q->bypass);
    json_out_bool(j, "fail_open", q->fail_open);
    json_out_bool(j, "resize", q->resize);
    json_out_u64(j, "timeout_ms", q->timeout_ms);
    if (q->listens) {
        json_out_object(j, "consumer");
        json_out_u64(j, "pid", q->pid);
        json_out_u64(j, "uid", q->uid);
        json_out_end_object(j);
    } else {
        json_out_null(j, "consumer");
    }
    json_out_u64(j, "held", q->held);
    json_out_u64(j, "queued", q->queued);
    json_out_u64(j, "verdicts", q->verdicts);
    json_out_u64(j, "full", q->full);
    json_out_u64(j, "timeout", q->timeout);
    json_out_u64(j, "bypassed", q->bypassed);
    json_out_u64(j, "fail_opened", q->fail_opened);
    json_out_u64(j, "bad_verdict", q->bad_verdict);
    json_out_u64(j, "late", q->late);
    json_out_end_object(j);
}

enum MHD_Result api_queues_list(struct request *r)
{
    const struct web_queues *queues = r->site->from.queues;
    struct json_out j;
    struct buf b;
    uint32_t i;

    json_out_begin(&j, &b, REQUEST_BODY_MAX);
    json_out_array(&j, "queues");
    for (i = 0; i < queues->n(queues->ctx); i++) {
        struct web_queue q = {0};

        queues->read(queues->ctx, i, &q);
        write_queue(&j, &q);
    }
    json_out_end_array(&j);
    json_out_end_object(&j);
    return request_answer(r, 200, "application/json", &b);
}
