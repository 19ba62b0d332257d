/* options.h - conntrack(8)'s command line as a question to the API */
#ifndef CLI_OPTIONS_H
#define CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum {
    CLI_OPTIONS_NEW = 1u << 0, /* events to show */
    CLI_OPTIONS_UPDATE = 1u << 1,
    CLI_OPTIONS_DESTROY = 1u << 2
};

enum { CLI_OPTIONS_GIVEN = 32 }; /* the API takes no more conditions */

struct cli_options {
    char command;               /* L G C S E D F, or h, V */
    const char *option, *value; /* being read: its long name, as typed */
    const char *socket;         /* NULL: not given */
    unsigned output;            /* enum in format.h */
    unsigned events;
    bool expect;      /* -L expect: what is announced, not what is there */
    bool filtered;    /* something chooses flows */
    unsigned ends;    /* of the tuple, that were given: for -G */
    char query[4096]; /* "" or "?key=value&..." */
    struct {
        const char *key, *option, *value;
    } given[CLI_OPTIONS_GIVEN]; /* what query was made from, as it was typed */
    unsigned n_given;
};

/* 0, or the exit code 2 after a sentence on stderr. */
int cli_options_read(struct cli_options *o, int argc, char **argv);

/* The option and its value that became the API's key; false: none did. */
bool cli_options_find(const struct cli_options *o, const char *key,
                      const char **option, const char **value);

/* The help text. */
extern const char cli_options_help[];

#endif
