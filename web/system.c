/* system.c - health and rules */
#include "system.h"
#include "flow.h"
#include "json_out.h"

#include <string.h>

/* A rule's row but for its text: names, a comment all of whose bytes are
 * escaped, numbers. */
enum { RULE_SIZE = 1024 };

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

static void write_checks(struct json_out *j, const struct web_source *src)
{
    for (uint32_t i = 0; i < src->checks(src->ctx); i++) {
        struct web_check c;
        char since[32];

        src->check(src->ctx, i, &c);
        flow_time(since, src->wall_ms(src->ctx, c.since));
        write_check(j, &c, since);
    }
}

/* A full table is told but is no reason to send traffic elsewhere: who acts on
 * readiness would take down the only router there is. */
static void write_table(struct json_out *j, const struct web_source *src)
{
    uint64_t entries = src->stat(src->ctx, CT_NONE, CT_STAT_entries);
    bool room = entries * 100 < (uint64_t)src->max(src->ctx) * 95;

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
    const struct web_source *src = r->site->src;
    const char *why = "";
    struct json_out j;
    struct buf b;
    bool ready = src->ready(src->ctx, &why);

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
    write_table(&j, src);
    write_checks(&j, src);
    json_out_end_array(&j);
    json_out_end_object(&j);
    return request_answer(r, ready ? 200 : 503, "application/json", &b);
}

static const char *hook_name(uint8_t hook)
{
    static const char *const names[CT_N_HOOKS] = {
        "prerouting", "input", "forward", "output", "postrouting"};

    return hook < CT_N_HOOKS ? names[hook] : "";
}

static const char *stage_name(uint8_t stage)
{
    static const char *const names[CT_N_STAGES] = {"raw", "mangle", "nat",
                                                   "filter"};

    return stage < CT_N_STAGES ? names[stage] : "";
}

static const char *action_name(uint8_t action)
{
    static const char *const names[] = {
        [CT_ACT_COUNT] = "count",     [CT_ACT_ACCEPT] = "accept",
        [CT_ACT_DROP] = "drop",       [CT_ACT_REJECT] = "reject",
        [CT_ACT_QUEUE] = "queue",     [CT_ACT_NOTRACK] = "notrack",
        [CT_ACT_ZONE] = "set_zone",   [CT_ACT_HELPER] = "helper",
        [CT_ACT_LABEL] = "set_label", [CT_ACT_MARK] = "set_mark",
        [CT_ACT_SNAT] = "snat",       [CT_ACT_MASQUERADE] = "masquerade",
        [CT_ACT_DNAT] = "dnat",       [CT_ACT_REDIRECT] = "redirect",
        [CT_ACT_MSS] = "mss",         [CT_ACT_TTL] = "set_ttl",
        [CT_ACT_DSCP] = "set_dscp",   [CT_ACT_NETMAP] = "netmap",
        [CT_ACT_NO_NAT] = "no_nat",   [CT_ACT_TIMEOUTS] = "timeouts"};

    return action < sizeof(names) / sizeof(names[0]) ? names[action] : "";
}

/* The most that all rules can take: a list of addresses in one may be long. */
static size_t rules_size(const struct web_source *src)
{
    size_t size = REQUEST_BODY_MAX;

    for (uint32_t i = 0; i < src->rules(src->ctx); i++) {
        struct web_rule w;

        src->rule(src->ctx, i, &w);
        size += RULE_SIZE + strlen(w.text);
    }
    return size;
}

enum MHD_Result system_rules(struct request *r)
{
    const struct web_source *src = r->site->src;
    struct json_out j;
    struct buf b;

    json_out_begin(&j, &b, rules_size(src));
    json_out_array(&j, "rules");
    for (uint32_t i = 0; i < src->rules(src->ctx); i++) {
        struct web_rule w;

        src->rule(src->ctx, i, &w);
        json_out_object(&j, NULL);
        json_out_string(&j, "id", w.rule->id);
        json_out_string(&j, "hook", hook_name(w.rule->hook));
        json_out_string(&j, "stage", stage_name(w.rule->stage));
        json_out_string(&j, "action", action_name(w.rule->action));
        json_out_string(&j, "comment", w.rule->comment);
        json_out_u64(&j, "packets", w.packets);
        json_out_u64(&j, "bytes", w.bytes);
        json_out_raw(&j, "rule", w.text);
        json_out_end_object(&j);
    }
    json_out_end_array(&j);
    json_out_end_object(&j);
    return request_answer(r, 200, "application/json", &b);
}
