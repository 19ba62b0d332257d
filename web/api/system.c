/* system.c - health */
#include "api/system.h"
#include "api/flow.h"
#include "api/system.def"
#include "http/json_rows.h"

#include <string.h>

/* since: NULL: not known. */
static void write_check(struct json_out *j, const struct web_check *it,
                        const char *since)
{
    json_out_object(j, NULL);
    CHECK(JSON_PUT)
    json_out_end_object(j);
}

static void write_told(struct json_out *j, const struct web_health *health)
{
    for (uint32_t i = 0; i < health->n(health->ctx); i++) {
        struct web_check c;
        char since[32];

        health->check(health->ctx, i, &c);
        flow_time(since, c.since_ms);
        write_check(j, &c, since);
    }
}

/* A full table is told but is no reason to send traffic elsewhere: who acts on
 * readiness would take down the only router there is. */
static void write_table(struct json_out *j, const struct web_flows *flows)
{
    uint64_t entries = flows->count(flows->ctx);
    bool room = entries * 100 < (uint64_t)flows->max(flows->ctx) * 95;

    write_check(j,
                &(struct web_check){
                    .name = "table",
                    .level = room ? "ok" : "warn",
                    .detail = room ? "" : "the table is more than 95 % full"},
                NULL);
}

static void write_checks(struct json_out *j, const char *key,
                         const struct site *site, bool ready, const char *why)
{
    json_out_array(j, key);
    write_check(j,
                &(struct web_check){.name = "router",
                                    .level = ready ? "ok" : "fail",
                                    .detail = why},
                NULL);
    write_table(j, site->from.flows);
    write_told(j, site->from.health);
    json_out_end_array(j);
}

/* An answer proves that the loop turns. */
enum MHD_Result system_livez(struct request *r)
{
    struct json_out out, *j = &out;
    struct buf b;

    json_out_begin(j, &b, 4096);
    ALIVE(JSON_PUT)
    json_out_end_object(j);
    return request_answer(r, 200, "application/json", &b);
}

enum MHD_Result system_readyz(struct request *r)
{
    const struct web_health *health = r->site->from.health;
    struct json_out out, *j = &out;
    const char *why = "";
    struct buf b;
    bool ready = health->ready(health->ctx, &why);

    if (ready)
        why = "";
    else if (!why || !*why)
        why = "not ready";
    json_out_begin(j, &b, 16384);
    READY(JSON_PUT)
    json_out_end_object(j);
    return request_answer(r, ready ? 200 : 503, "application/json", &b);
}
