/* query.h - a target's query, escaped */
#ifndef CLI_QUERY_H
#define CLI_QUERY_H

#include <stdbool.h>
#include <stddef.h>

/* Append key=value to target, escaped.  False: no room. */
bool cli_query_add(char *target, size_t room, const char *key,
                   const char *value);

#endif
