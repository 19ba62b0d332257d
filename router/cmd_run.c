/* cmd_run.c - weir run: who to be, which configuration, then the control loop
 *
 * The user is changed before the configuration is read: what can be read at
 * the start can then be read at every reload, too.  The one thing that may be
 * root's alone is opened before that: /dev/net/tun. */
#include "cmd.h"
#include "config.h"
#include "control.h"
#include "descriptors.h"
#include "gateway.h"
#include "gateway_facts.h"
#include "order.h"
#include "order_start.h"
#include "sandbox.h"
#include "tun_node.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: weir run [-c FILE] [--user USER] [--print-config]\n";

static const char help[] =
    "  -c, --config FILE  the configuration; without it $WEIR_CONFIG, else\n"
    "                     " CONFIG_PLACE " if that is there, else what\n"
    "                     the environment's WEIR_* options say\n"
    "  --user USER        become NAME or UID, with :GROUP or :GID behind it "
    "if\n"
    "                     need be, before anything else, and keep no more "
    "than\n"
    "                     CAP_NET_ADMIN; without it $WEIR_USER, else stay\n"
    "  --print-config     show each value and where it came from, and end\n"
    "Exit status: 0 after SIGTERM or SIGINT, 1 failed, 2 a bad configuration "
    "or\n"
    "wrong arguments.\n";

struct wish {
    const char *path, *user;
    bool print;
};

/* -1: go on; else the exit code. */
static int read_arguments(int argc, char **argv, struct wish *wish)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"user", required_argument, NULL, 'u'},
        {"print-config", no_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int opt;

    while ((opt = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (opt) {
        case 'c':
            wish->path = optarg;
            break;
        case 'u':
            wish->user = optarg;
            break;
        case 'p':
            wish->print = true;
            break;
        case 'h':
            fputs(usage, stdout);
            fputs(help, stdout);
            return 0;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    if (optind == argc)
        return -1;
    fputs(usage, stderr);
    return 2;
}

/* The same with what the kernel says of gateway mode's devices, if it can be
 * asked. */
static struct config *with_facts(struct config *config, const char *path)
{
    struct config_facts facts;
    struct config *whole = NULL;
    struct gateway *gw;
    char err[256];

    if (!config->gateway.set)
        return config;
    if (gateway_open(&gw, &config->gateway, NULL, err) < 0) {
        fprintf(stderr, "weir: %s\n", err);
        return config;
    }
    if (gateway_look(gw, &facts, err) == 0) {
        struct config_input in = {.facts = &facts, .env = environ};

        (void)config_load(path, &in, &whole, stderr);
        gateway_facts_free(&facts);
    }
    gateway_close(gw);
    if (whole == NULL)
        return config;
    config_free(config);
    return whole;
}

int cmd_run(int argc, char **argv)
{
    struct wish wish = {0};
    struct config *config;
    char err[256];
    int code = read_arguments(argc, argv, &wish);

    if (code >= 0)
        return code;
    descriptors_close();
    if (wish.user == NULL)
        wish.user = getenv("WEIR_USER");
    if (wish.user != NULL && *wish.user == '\0')
        wish.user = NULL; /* as `docker run -e WEIR_USER=` means it */
    if (wish.user != NULL)
        tun_node_store();
    if ((code = sandbox_become(wish.user, err)) != 0) {
        fprintf(stderr, "weir: %s\n", err);
        return code;
    }
    wish.path = config_where(wish.path, environ);
    code = config_load(wish.path, &(struct config_input){.env = environ},
                       &config, stderr);
    if (code != 0)
        return code;
    if (wish.print) {
        config = with_facts(config, wish.path);
        config_print(config, stdout);
        config_free(config);
        if (fflush(stdout) == 0 && !ferror(stdout))
            return 0;
        fprintf(stderr, "weir run: cannot write: %s\n", strerror(errno));
        return 1;
    }
    if (order_start(config, err) < 0) {
        fprintf(stderr, "weir: %s\n", err);
        config_free(config);
        return 1;
    }
    code = control_run(wish.path, config);
    order_end();
    return code;
}
