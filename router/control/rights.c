/* rights.c - what the control loop may do once it runs, and who does the rest
 */
#include "control/rights.h"

#include "control/private.h"
#include "system/log.h"
#include "system/order.h"
#include "system/sandbox.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* The folder that a file is in; "" if none is meant. */
static void folder_of(const char *path, char folder[PATH_MAX])
{
    const char *slash = strrchr(path, '/');

    if (path[0] == '\0')
        folder[0] = '\0';
    else if (slash == NULL)
        strcpy(folder, ".");
    else
        snprintf(folder, PATH_MAX, "%.*s",
                 slash == path ? 1 : (int)(slash - path), path);
}

void rights_make_folder(const struct config *config)
{
    char folder[PATH_MAX];

    folder_of(config->web.socket, folder);
    sandbox_act_as_begun();
    if (folder[0] != '\0' && mkdir(folder, 0755) == 0)
        sandbox_give(folder);
    sandbox_act_as_user();
}

/* What a reload, the state of the host and the end take. */
static int confine(const struct control *c, char err[256])
{
    enum { OF_FILES = 5 };
    const struct config *f = c->now->config;
    char real[PATH_MAX] = "", folder[OF_FILES][PATH_MAX];
    const struct sandbox_place place[] = {
        {folder[0], SANDBOX_READ},
        {folder[1], SANDBOX_READ}, /* a link's other end */
        {folder[2], SANDBOX_READ},
        {folder[3], SANDBOX_REMOVE},
        {folder[4], SANDBOX_REMOVE},
        {"/proc/self", SANDBOX_READ},
        {"/proc/sys/net", SANDBOX_READ},
    };

    if (c->path != NULL && realpath(c->path, real) == NULL)
        real[0] = '\0';
    folder_of(c->path != NULL ? c->path : "", folder[0]);
    folder_of(real, folder[1]);
    folder_of(f->token_file, folder[2]);
    folder_of(f->web.socket, folder[3]);
    folder_of(f->n_queues > 0 ? f->queue_socket : "", folder[4]);
    return sandbox_confine(place, sizeof place / sizeof *place, err);
}

/* Set-up is over, and there is no other thread yet: what needs a right from now
 * on is ordered. */
int rights_settle(const struct control *c)
{
    char err[256] = "";

    if (sandbox_settle(false, err) < 0 || confine(c, err) < 0) {
        log_error("control", "%s", err);
        return -1;
    }
    if (err[0] != '\0')
        log_warn("control", "%s", err);
    return 0;
}

int rights_limit(void)
{
    char err[256];

    if (sandbox_limit_calls(SANDBOX_WEIR, err) == 0)
        return 0;
    log_error("control", "%s", err);
    return -1;
}

/* Devices can do without it until one is deleted. */
static void on_orders(uv_poll_t *poll, int status, int events)
{
    struct control *c = poll->data;

    (void)status;
    (void)events;
    uv_close((uv_handle_t *)poll, NULL);
    if (c->gateway == NULL) {
        log_warn("control", "the process that makes devices has ended: one "
                            "that is deleted is not made again");
        system_order_end();
        return;
    }
    log_error("control", "the process that changes the kernel's routing has "
                         "ended: so does weir");
    c->code = 1;
    uv_stop(&c->loop);
}

int rights_watch(struct control *c)
{
    c->orders.data = c;
    if (system_order_end_fd() < 0 ||
        (uv_poll_init(&c->loop, &c->orders, system_order_end_fd()) == 0 &&
         uv_poll_start(&c->orders, UV_READABLE, on_orders) == 0))
        return 0;
    log_error("control", "can't watch the process that changes the kernel");
    return -1;
}
