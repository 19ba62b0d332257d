/* world_config.h - statements of a world to the router's JSON */
#ifndef WORLD_CONFIG_H
#define WORLD_CONFIG_H

#include <stdbool.h>

/* malloc()ed JSON; aborts on a statement it does not know. */
char *world_config(const char *statements, bool *masquerade);

#endif
