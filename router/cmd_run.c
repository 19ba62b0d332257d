/* cmd_run.c - weir run -c FILE [--print-config] */
#include "cmd.h"
#include "config.h"
#include "control.h"

#include <getopt.h>
#include <stdio.h>

static const char usage[] = "usage: weir run -c FILE [--print-config]\n";

int cmd_run(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"print-config", no_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *path = NULL;
    struct config *config;
    bool print = false;
    int opt, code;

    while ((opt = getopt_long(argc, argv, "c:h", options, NULL)) != -1) {
        switch (opt) {
        case 'c':
            path = optarg;
            break;
        case 'p':
            print = true;
            break;
        case 'h':
            fputs(usage, stdout);
            return 0;
        default:
            fputs(usage, stderr);
            return 2;
        }
    }
    if (path == NULL || optind != argc) {
        fputs(usage, stderr);
        return 2;
    }
    code = config_load(path, &config, stderr);
    if (code != 0)
        return code;
    if (print) {
        config_print(config, stdout);
        config_free(config);
        return 0;
    }
    return control_run(path, config);
}
