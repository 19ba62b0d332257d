/* health.c - weir health: is the router ready?  For container checks */
#include "cli/health.h"

#include "cli/http.h"

#include <getopt.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

/* A router that is well answers within a millisecond. */
enum { PATIENCE_S = 3 };

static const char help[] =
    "usage: weir health [--socket PATH]\n"
    "Without --socket: $WEIR_SOCKET, $WEIR_API_SOCKET, /run/weir/weir.sock.\n"
    "Exit status: 0 ready, 1 not (one line says why), 2 wrong arguments.\n";

/* It hangs: so does the connection to it, whichever call we wait in. */
static void give_up(int number)
{
    static const char why[] = "not ready: no answer within 3 seconds\n";
    ssize_t said = write(STDOUT_FILENO, why, sizeof why - 1);

    (void)number;
    (void)said;
    _exit(1);
}

/* The answer's "detail", or a general word. */
static void say_why(struct cli_http *h)
{
    char *body = cli_http_body(h, 65536);
    json_t *j = body ? json_loads(body, 0, NULL) : NULL;
    const char *why = json_string_value(json_object_get(j, "detail"));

    printf("not ready: %s\n", why && *why ? why : "it does not say why");
    json_decref(j);
    free(body);
}

int cli_health(int argc, char **argv)
{
    static const struct option longs[] = {
        {"socket", required_argument, NULL, 's'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *socket = NULL;
    struct cli_http *h;
    int option, status;

    optind = 0;
    while ((option = getopt_long(argc, argv, "h", longs, NULL)) != -1) {
        if (option == 'h') {
            fputs(help, stdout);
            return 0;
        }
        if (option != 's') {
            fputs(help, stderr);
            return 2;
        }
        socket = optarg;
    }
    if (optind < argc) {
        fputs(help, stderr);
        return 2;
    }
    signal(SIGALRM, give_up);
    alarm(PATIENCE_S);
    h = malloc(sizeof(*h));
    if (!h || !cli_http_open(h, cli_http_path(socket))) {
        free(h);
        return 1;
    }
    status = cli_http_ask(h, "GET", "/readyz", "application/json");
    if (status == 200)
        puts("ready");
    else if (status > 0)
        say_why(h);
    cli_http_close(h);
    free(h);
    return status == 200 ? 0 : 1;
}
