/* guess.c - wrong tokens: counted, slowed down, logged at a bounded rate */
#include "http/guess.h"
#include "http/job.h"
#include "http/problem.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

static enum MHD_Result refuse_token(struct request *r)
{
    return problem_answer_with(r, 401, "a bearer token is needed",
                               "WWW-Authenticate", "Bearer");
}

static void report_guess(struct site *site, const char *peer, uint64_t now)
{
    struct guesses *g = &site->guesses;
    char line[160];

    if (g->logged_at && now - g->logged_at < GUESS_LOG_MS)
        return;
    (void)snprintf(line, sizeof(line),
                   "wrong API token from %s (%" PRIu64 " since the last line)",
                   peer, g->wrong - g->logged);
    g->logged = g->wrong;
    g->logged_at = now;
    if (site->warn)
        site->warn(site->warn_arg, line);
}

bool guess_may_pass(struct guesses *g, uint64_t now)
{
    uint64_t gained = (now - g->filled_at) * GUESS_PER_S / 1000;

    if (!g->filled_at || g->left + gained >= GUESS_BURST) {
        g->left = GUESS_BURST;
        g->filled_at = now;
    } else if (gained > 0) {
        g->left += gained;
        g->filled_at += gained * 1000 / GUESS_PER_S;
    }
    if (g->left == 0)
        return false;
    g->left--;
    return true;
}

struct waiting {
    struct job job; /* first */
    bool waited;
};

static int delay_answer_step(struct job *j)
{
    struct waiting *w = (struct waiting *)j;

    if (w->waited)
        return JOB_DONE;
    w->waited = true;
    return GUESS_WAIT_MS;
}

enum MHD_Result guess_refuse(struct request *r, bool shown)
{
    struct guesses *g = &r->site->guesses;
    uint64_t now = uv_now(r->site->loop);
    struct waiting *w;

    if (!shown) {
        g->missing++;
        return refuse_token(r);
    }
    g->wrong++;
    report_guess(r->site, r->conn->peer, now);
    if (guess_may_pass(g, now))
        return refuse_token(r);
    w = calloc(1, sizeof(*w));
    if (!w)
        return MHD_NO;
    conn_idle(r->conn);
    return job_start(&w->job, r, delay_answer_step, refuse_token, NULL);
}
