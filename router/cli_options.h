/* cli_options.h - conntrack(8)'s command line as a question to the API */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum {
    CLI_OPTIONS_NEW = 1u << 0, /* events to show */
    CLI_OPTIONS_UPDATE = 1u << 1,
    CLI_OPTIONS_DESTROY = 1u << 2
};

struct cli_options {
    char command;       /* L G C S E D F, or h, V */
    const char *socket; /* NULL: not given */
    unsigned output;    /* enum in cli_format.h */
    unsigned events;
    bool expect;      /* -L expect: what is announced, not what is there */
    bool filtered;    /* something chooses flows */
    unsigned ends;    /* of the tuple, that were given: for -G */
    char query[4096]; /* "" or "?key=value&..." */
};

/* 0, or the exit code 2 after a sentence on stderr. */
int cli_options_read(struct cli_options *o, int argc, char **argv);

/* The help text. */
extern const char cli_options_help[];

#endif
