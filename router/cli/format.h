/* format.h - a flow, as JSON, in conntrack(8)'s words */
#ifndef CLI_FORMAT_H
#define CLI_FORMAT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

/* -o; the names are in cli_format_flag(). */
enum {
    CLI_FORMAT_EXTENDED = 1u << 0,
    CLI_FORMAT_ID = 1u << 1,
    CLI_FORMAT_TIMESTAMP = 1u << 2,
    CLI_FORMAT_KTIMESTAMP = 1u << 3,
    CLI_FORMAT_SAVE = 1u << 4,
    CLI_FORMAT_XML = 1u << 5,
    CLI_FORMAT_JSON = 1u << 6,
    CLI_FORMAT_LABELS = 1u << 7,
    CLI_FORMAT_USERSPACE = 1u << 8, /* changes nothing */
    /* no name of -o: the event is about the mark, which may be 0 now */
    CLI_FORMAT_MARKED = 1u << 9
};

/* 0: no such name. */
unsigned cli_format_flag(const char *name);

/* Is word one of an array's strings? */
bool cli_format_says(const json_t *words, const char *word);

/* What a line is for. */
enum cli_format_type {
    CLI_FORMAT_LIST,
    CLI_FORMAT_NEW,
    CLI_FORMAT_UPDATE,
    CLI_FORMAT_DESTROY
};

/* One line of text for flow; now is for ages and time stamps. */
void cli_format_flow(FILE *out, const json_t *flow, unsigned flags,
                     enum cli_format_type type, struct timespec now);

/* One line for an expectation. */
void cli_format_expect(FILE *out, const json_t *expect, unsigned flags);

/* What stands before the first and behind the last line; what: "conntrack" or
 * "expect". */
void cli_format_begin(FILE *out, unsigned flags, const char *what);
void cli_format_end(FILE *out, unsigned flags, const char *what);

/* conntrack -S: one line a shard, from GET /api/v1/stats. */
void cli_format_stats(FILE *out, const json_t *stats);

#endif
