/* run.c - weir run: who to be, which configuration, then the control loop
 *
 * The configuration is read as the user that weir becomes: what can be read at
 * the start can then be read at every reload, too.  What may be root's alone is
 * opened with root's rights: /dev/net/tun here, sockets in control.c. */
#include "cli/run.h"

#include "config/config.h"
#include "config/load.h"
#include "config/print.h"
#include "control/control.h"
#include "gateway/facts.h"
#include "gateway/gateway.h"
#include "kernel/tun_node.h"
#include "order/start.h"
#include "system/descriptors.h"
#include "system/order.h"
#include "system/sandbox.h"

#include <errno.h>
#include <getopt.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char usage[] =
    "usage: weir run [-c FILE] [--user USER] [--sandbox WORD] "
    "[--print-config]\n";

static const char help[] =
    "  -c, --config FILE  the configuration; without it $WEIR_CONFIG, else\n"
    "                     " CONFIG_PLACE " if that is there, else what\n"
    "                     the environment's WEIR_* options say\n"
    "  --user USER        become NAME or UID, with :GROUP or :GID behind it "
    "if\n"
    "                     need be; without it $WEIR_USER, else root becomes\n"
    "                     user weir (65532 if there is none): root stays "
    "root\n"
    "                     by --user root\n"
    "  --sandbox WORD     a system call that weir has no use for: kill weir, "
    "log\n"
    "                     it and go on, or off, no limit to calls and files;\n"
    "                     without it $WEIR_SANDBOX, else kill\n"
    "  --print-config     show each value and where it came from, and end\n"
    "Exit status: 0 after SIGTERM or SIGINT, 1 failed, 2 a bad configuration "
    "or\n"
    "wrong arguments.\n";

struct wish {
    const char *path, *user, *sandbox;
    bool print;
};

/* -1: go on; else the exit code. */
static int read_arguments(int argc, char **argv, struct wish *wish)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"user", required_argument, NULL, 'u'},
        {"sandbox", required_argument, NULL, 's'},
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
        case 's':
            wish->sandbox = optarg;
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
    config_load_free(config);
    return whole;
}

/* As the user, until it comes to the devices. */
static int read_and_run(struct wish *wish)
{
    struct config *config;
    char err[256];
    int code;

    wish->path = config_load_where(wish->path, environ);
    code = config_load(wish->path, &(struct config_input){.env = environ},
                       &config, stderr);
    if (code != 0)
        return code;
    if (wish->print) {
        config = with_facts(config, wish->path);
        config_print(config, stdout);
        config_load_free(config);
        if (fflush(stdout) == 0 && !ferror(stdout))
            return 0;
        fprintf(stderr, "weir run: cannot write: %s\n", strerror(errno));
        return 1;
    }
    sandbox_act_as_begun();
    tun_node_store(config->n_ifaces * config->workers);
    if (order_start(config, err) < 0) {
        fprintf(stderr, "weir: %s\n", err);
        config_load_free(config);
        return 1;
    }
    sandbox_act_as_user();
    code = control_run(wish->path, config);
    system_order_end();
    return code;
}

int cli_run(int argc, char **argv)
{
    struct wish wish = {0};
    char err[256];
    int code = read_arguments(argc, argv, &wish);

    if (code >= 0)
        return code;
    descriptors_close();
    if (wish.user == NULL)
        wish.user = getenv("WEIR_USER");
    if (wish.user != NULL && *wish.user == '\0')
        wish.user = NULL; /* as `docker run -e WEIR_USER=` means it */
    if (wish.sandbox == NULL)
        wish.sandbox = getenv("WEIR_SANDBOX");
    if (wish.sandbox == NULL || *wish.sandbox == '\0')
        wish.sandbox = "kill";
    if (!sandbox_choose(wish.sandbox)) {
        fprintf(stderr,
                "weir: unknown sandbox \"%.40s\"; valid: kill, log, off\n",
                wish.sandbox);
        return 2;
    }
    (void)mallopt(M_ARENA_MAX, 1); /* threads' own heaps take more calls */
    if ((code = sandbox_begin(wish.user, err)) != 0) {
        fprintf(stderr, "weir: %s\n", err);
        return code;
    }
    if (err[0] != '\0' && !wish.print)
        fprintf(stderr, "weir: %s; it stays root, without capabilities\n", err);
    sandbox_act_as_user();
    code = read_and_run(&wish);
    sandbox_act_as_begun(); /* where it did not come to be for good */
    return code;
}
