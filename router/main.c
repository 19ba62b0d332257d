/* main.c - weir COMMAND: which subcommand is it? */
#include "cli/check.h"
#include "cli/conntrack.h"
#include "cli/health.h"
#include "cli/run.h"
#include "system/descriptors.h"

#include <stdio.h>
#include <string.h>

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *what;
} commands[] = {
    {"run", cli_run, "run the router in the foreground"},
    {"check", cli_check, "check a configuration file"},
    {"conntrack", cli_conntrack, "list, count, watch and delete flows"},
    {"health", cli_health, "is a running weir ready?"},
};

static void usage(FILE *out)
{
    fputs("usage: weir COMMAND [ARGUMENTS]\n\n", out);
    for (unsigned i = 0; i < sizeof commands / sizeof *commands; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].what);
    fputs("\nweir COMMAND --help tells more; weir --version says which.\n",
          out);
}

int main(int argc, char **argv)
{
    if (descriptors_fill() < 0)
        return 1; /* there is no place to say why */
    if (argc < 2) {
        usage(stderr);
        return 2;
    }
    for (unsigned i = 0; i < sizeof commands / sizeof *commands; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
    if (strcmp(argv[1], "--version") == 0) {
        puts("weir " WEIR_VERSION);
        return 0;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
        strcmp(argv[1], "help") == 0) {
        usage(stdout);
        return 0;
    }
    fprintf(stderr, "weir: no command \"%s\"\n\n", argv[1]);
    usage(stderr);
    return 2;
}
