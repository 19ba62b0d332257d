/* env.h - options from the environment: WEIR_* */
#ifndef CONFIG_ENV_H
#define CONFIG_ENV_H

#include "config/read.h"

/* Put what r->env gives into r->memory->root, before it is read.  A name that
 * looks like an option and is none is an error; an empty value is as none. */
void config_env_merge(struct config_read *r);

/* The variable that gave the value at pointer, or a list that it stands in;
 * NULL: the file did, or it has its default. */
const char *config_env_source(const struct config_memory *memory,
                              const char *pointer);
/* The same of anything below pointer. */
const char *config_env_below(const struct config_memory *memory,
                             const char *pointer);

/* Value of a variable; NULL: none, or empty. */
const char *config_env_get(char *const *env, const char *name);

#endif
