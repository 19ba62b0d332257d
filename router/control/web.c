/* web.c - the HTTP side as control runs it: start, address, token */
#include "control/web.h"

#include "control/private.h"
#include "control/websource.h"
#include "system/log.h"
#include "system/sandbox.h"
#include "system/token.h"

#include <string.h>

static void warn(void *arg, const char *line)
{
    (void)arg;
    log_warn("web", "%s", line);
}

static bool make_token(struct config *f, char err[256])
{
    return !f->token_make || token_make(f->token_file, f->token, err) == 0;
}

static bool open_web(struct control *c, char err[256])
{
    const struct config *f = c->now->config;

    return web_start(&c->web, &c->loop,
                     &(struct web_config){
                         .options = f->web,
                         .token = f->token,
                         .version = WEIR_VERSION,
                         .from = websource_all(c),
                         .warn = warn,
                     },
                     err) == 0;
}

/* First as the user, whose files they then are; a folder that is root's, or a
 * port that only root may have, takes what weir was started with. */
int control_web_start(struct control *c)
{
    struct config *f = c->now->config;
    char err[256];
    bool ok;

    websource_setup(c);
    ok = make_token(f, err) && open_web(c, err);
    if (!ok) {
        sandbox_act_as_begun();
        ok = make_token(f, err) && open_web(c, err);
        if (ok && f->token_make)
            sandbox_give(f->token_file);
        if (ok && f->web.socket[0] != '\0')
            sandbox_give(f->web.socket);
        sandbox_act_as_user();
    }
    if (!ok)
        log_error("web", "%s", err);
    return ok ? 0 : -1;
}

/* Where a browser of this machine finds us, unless the configuration says where
 * it does (a published port).  A wildcard is no place to go to. */
static void page_url(const struct control *c,
                     char out[sizeof c->now->config->url])
{
    const struct config *f = c->now->config;
    const char *host = f->web.listen.host;
    bool six;

    if (f->url[0] != '\0') {
        memcpy(out, f->url, sizeof f->url);
        return;
    }
    if (strcmp(host, "0.0.0.0") == 0)
        host = "127.0.0.1";
    else if (strcmp(host, "::") == 0)
        host = "::1";
    six = strchr(host, ':') != NULL;
    snprintf(out, sizeof f->url, "http://%s%s%s:%u/", six ? "[" : "", host,
             six ? "]" : "", (unsigned)web_port(c->web));
}

/* The token is shown once, when it is made: logs are kept and read by many. */
void control_web_announce(const struct control *c)
{
    const struct config *f = c->now->config;
    bool made = f->token_make;
    char url[sizeof f->url];

    page_url(c, url);
    log_info("web", "listening on %s port %u, open %s%s%s", f->web.listen.host,
             (unsigned)web_port(c->web), url, made ? "#token=" : "",
             made ? f->token : "");
    if (!made && f->token[0] != '\0')
        log_info("web", "a token is needed: append #token= and what %s holds",
                 f->token_file[0] != '\0' ? f->token_file : "WEIR_API_TOKEN");
}

bool control_web_token(struct control *c, const struct config *before,
                       const struct config *next)
{
    if (strcmp(before->token, next->token) == 0)
        return true;
    if (!web_set_token(c->web, next->token)) {
        log_error("web", "not enough memory for another token");
        return false;
    }
    log_info("web", "the API's token is another one now");
    return true;
}
