/* queues.c - queues to user programs: who listens, what waits, what became of
 * it
 */
#include "api/queues.h"
#include "api/queue.def"
#include "http/json_rows.h"

static void write_consumer(struct json_out *j, const char *key,
                           const struct web_queue *it)
{
    if (!it->listens) {
        json_out_null(j, key);
        return;
    }
    json_out_object(j, key);
    CONSUMER(JSON_PUT)
    json_out_end_object(j);
}

static void write_queue(struct json_out *j, const struct web_queue *it)
{
    json_out_object(j, NULL);
    QUEUE(JSON_PUT)
    json_out_end_object(j);
}

static void write_queues(struct json_out *j, const char *key,
                         const struct web_queues *queues)
{
    uint32_t i;

    json_out_array(j, key);
    for (i = 0; i < queues->n(queues->ctx); i++) {
        struct web_queue q = {0};

        queues->read(queues->ctx, i, &q);
        write_queue(j, &q);
    }
    json_out_end_array(j);
}

enum MHD_Result api_queues_list(struct request *r)
{
    const struct web_queues *queues = r->site->from.queues;
    struct json_out out, *j = &out;
    struct buf b;

    json_out_begin(j, &b, REQUEST_BODY_MAX);
    QUEUES(JSON_PUT)
    json_out_end_object(j);
    return request_answer(r, 200, "application/json", &b);
}
