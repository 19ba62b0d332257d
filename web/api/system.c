/* system.c - health */
#include "api/system.h"
#include "api/flow.h"
#include "http/json_out.h"

#include <string.h>

/* since: NULL: not known. */
static void write_check(struct json_out *j, const struct web_check *c,
                        const char *since)
{
    json_out_object(j, NULL);
    json_out_string(j, "name", c->name);
    json_out_bool(j, "ok", strcmp(c->level, "ok") == 0);
    json_out_string(j, "level", c->level);
    json_out_string(j, "detail", c->detail);
    if (since)
        json_out_string(j, "since", since);
    else
        json_out_null(j, "since");
    json_out_end_object(j);
}

static void write_checks(struct json_out *j, const struct web_health *health)
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

/* Whoever is answered at all has met a loop that turns. */
enum MHD_Result system_livez(struct request *r)
{
    struct json_out j;
    struct buf b;

    buf_init(&b, 4096);
    json_out_init(&j, &b);
    json_out_object(&j, NULL);
    json_out_string(&j, "status", "alive");
    json_out_end_object(&j);
    return request_answer(r, 200, "application/json", &b);
}

enum MHD_Result system_readyz(struct request *r)
{
    const struct web_health *health = r->site->from.health;
    const char *why = "";
    struct json_out j;
    struct buf b;
    bool ready = health->ready(health->ctx, &why);

    if (ready)
        why = "";
    else if (!why || !*why)
        why = "not ready";
    buf_init(&b, 16384);
    json_out_init(&j, &b);
    json_out_object(&j, NULL);
    json_out_bool(&j, "ready", ready);
    json_out_string(&j, "detail", why);
    json_out_array(&j, "checks");
    write_check(&j,
                &(struct web_check){.name = "router",
                                    .level = ready ? "ok" : "fail",
                                    .detail = why},
                NULL);
    write_table(&j, r->site->from.flows);
    write_checks(&j, health);
    json_out_end_array(&j);
    json_out_end_object(&j);
    return request_answer(r, ready ? 200 : 503, "application/json", &b);
}
