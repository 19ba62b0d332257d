/* rules.c - /api/v1/rules
 *
 * The list is made in slices, as walks are, in memory, which is counted for the
 * client from the start.  If the rules are replaced meanwhile it begins again:
 * all rows are of one configuration. */
#include "api/rules.h"
#include "api/rule.def"
#include "http/job.h"
#include "http/json_rows.h"
#include "http/pace.h"
#include "http/problem.h"

#include <stdlib.h>
#include <string.h>

enum {
    ROW = 192,         /* bytes of a row beside the rule's text, about */
    TEXT = 64,         /* bytes of a text that cost as much as a place */
    ALL_MAX = 1 << 30, /* of a configuration that is in memory, too */
};

struct listing {
    struct job job; /* first */
    struct pace pace;
    uint64_t serial;
    uint32_t at;
    size_t held; /* counted so far */
    struct json_out j;
    struct buf b;
};

static void hold_listing_memory(struct listing *l, size_t bytes)
{
    struct conn *c = l->job.conn;

    if (bytes <= l->held)
        return;
    c->held += bytes - l->held;
    c->host->held += bytes - l->held;
    l->held = bytes;
}

/* The answer counts what it has. */
static void let_go(struct listing *l)
{
    struct conn *c = l->job.conn;

    c->held -= l->held;
    c->host->held -= l->held;
    l->held = 0;
}

static void begin_listing(struct listing *l, const struct web_rules *rules)
{
    struct json_out *j = &l->j;
    size_t text;

    buf_free(&l->b);
    l->at = 0;
    l->serial = rules->serial(rules->ctx, &text);
    hold_listing_memory(l, text + (size_t)ROW * rules->n(rules->ctx));
    json_out_begin(j, &l->b, ALL_MAX);
    RULES(JSON_BEGIN)
}

static void write_rule_row(struct json_out *j, const struct web_rule *it)
{
    json_out_object(j, NULL);
    RULE(JSON_PUT)
    json_out_end_object(j);
}

static int list_rules_step(struct job *job)
{
    struct listing *l = (struct listing *)job;
    struct site *site = job->site;
    const struct web_rules *rules = site->from.rules;
    size_t text;

    if (rules->serial(rules->ctx, &text) != l->serial)
        begin_listing(l, rules);
    while (l->at < rules->n(rules->ctx) &&
           pace_take(site, &l->pace, PACE_ROW)) {
        struct web_rule w;

        rules->read(rules->ctx, l->at++, &w);
        (void)pace_take(site, &l->pace, (uint32_t)(strlen(w.text) / TEXT));
        write_rule_row(&l->j, &w);
    }
    hold_listing_memory(l, l->b.cap);
    return l->at < rules->n(rules->ctx) ? JOB_NEXT_MS : JOB_DONE;
}

static void end_rules_job(struct job *job)
{
    struct listing *l = (struct listing *)job;

    pace_end(job->site);
    buf_free(&l->b);
}

static enum MHD_Result answer_rules(struct request *r)
{
    struct listing *l = r->conn->work;

    let_go(l);
    json_out_end_array(&l->j);
    json_out_end_object(&l->j);
    return request_answer(r, 200, "application/json", &l->b);
}

enum MHD_Result api_rules_list(struct request *r)
{
    struct listing *l = calloc(1, sizeof(*l));

    if (!l)
        return problem_answer(r, 503, "out of memory");
    l->job.conn = r->conn;
    pace_begin(r->site, &l->pace);
    begin_listing(l, r->site->from.rules);
    return job_start(&l->job, r, list_rules_step, answer_rules, end_rules_job);
}
