/* reload.c - a configuration read anew, and put in force whole
 *
 * Three things make a new one: the file (SIGHUP), the facts of gateway mode (an
 * address came or went: the same text is read with other facts), and the start,
 * which knows no facts until it has looked.  Whatever is wrong with it, the old
 * one stays. */
#include "control_room.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct config_input input(const struct control *c)
{
    return (struct config_input){
        .facts = c->gateway != NULL ? &c->facts : NULL,
        .env = environ,
        .bounded = true, /* this is the control thread */
    };
}

/* config_load() writes its errors to a stream, one a line: log each. */
static struct config *load(const struct control *c)
{
    struct config_input in = input(c);
    struct config *config = NULL;
    char *text = NULL, *line, *rest = NULL;
    size_t size = 0;
    FILE *err = open_memstream(&text, &size);
    int code;

    if (err == NULL)
        return NULL;
    code = config_load(c->path, &in, &config, err);
    fclose(err);
    for (line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        log_error("config", "%s", line);
    free(text);
    return code == 0 ? config : NULL;
}

static void tell(void *ctx, const struct config_error *e)
{
    (void)ctx;
    log_error("config", "line %u: %s: %s", e->line, e->pointer, e->message);
}

struct config *reload_remake(const struct control *c, const struct config *from)
{
    struct config_input in = input(c);
    struct config *config = NULL;

    if (from->token[0] != '\0') /* an address must not ask for its file */
        in.token = from->token;
    if (config_parse(from->text, from->text_len, &in, &config, tell, NULL) != 0)
        return NULL;
    return config;
}

/* Of all workers. */
static uint64_t sum(const struct control *c, enum ct_stat stat)
{
    return c->source.stat(c->source.ctx, CT_NONE, stat);
}

void reload_tell(struct control *c)
{
    if (!c->revalidating)
        return;
    for (uint32_t i = 0; i < c->n_workers; i++)
        if (worker_revalidated(c->worker[i]) < c->now->serial)
            return;
    c->revalidating = false;
    log_info("control",
             "revalidated: %" PRIu64 " flows ended, %" PRIu64 " kept",
             sum(c, CT_STAT_revoked) - c->revoked, sum(c, CT_STAT_entries));
}

bool reload_adopt(struct control *c, struct config *config)
{
    struct generation *g = NULL;

    if (config != NULL && generation_freeze(c->now->config, config) &&
        (c->web == NULL || control_web_token(c, c->now->config, config)))
        g = generation_new(config, c->now, c->steer_key);
    if (g == NULL) {
        config_free(config);
        log_error("control", "the old configuration stays");
        return false;
    }
    log_setup(config->log_level, config->log_json);
    c->now = g;
    c->revalidating = config->revalidate && c->n_workers > 0;
    c->revoked = sum(c, CT_STAT_revoked);
    if (c->queue != NULL)
        queue_use(c->queue, config->queue);
    for (uint32_t i = 0; i < c->n_workers; i++)
        while (!worker_use(c->worker[i], &g->setup[i]))
            uv_sleep(1); /* a full mailbox empties within a turn */
    return true;
}

void reload_file(struct control *c)
{
    if (!reload_adopt(c, load(c)))
        return;
    hostnet_reserve(c);
    hostnet_say_closed(c);
    log_info("control", "reloaded %s: %u rules, flows %s",
             c->path != NULL ? c->path : "the environment",
             c->now->config->rules.n,
             c->revalidating ? "are held against them" : "kept");
}
