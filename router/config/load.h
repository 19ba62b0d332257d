/* load.h - a configuration from a file, or from memory
 *
 * All is read and checked, and the answer is a whole configuration or none.
 * Nothing outside is touched: no device, no socket. */
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

#include "config/config.h"

#include <stdio.h>

/* 0, or the exit code (2: the file's fault, 1: could not be read).  Errors go
 * to err, one a line: FILE:LINE:COL: /json/pointer: what is wrong; expected
 * what; or NAME: what is wrong, if the environment's NAME said it.  A syntax
 * error is told alone, of errors of meaning all are.  path NULL: no file, as if
 * it were {}. */
int config_load(const char *path, const struct config_input *in,
                struct config **out, FILE *err);
void config_load_free(struct config *config);

/* The same without words for a terminal: each error by itself, in the order of
 * the text. */
int config_load_try(const char *path, const struct config_input *in,
                    struct config **out, config_error_fn *fn, void *ctx);
/* From memory instead of a file. */
int config_load_text(const char *text, size_t len,
                     const struct config_input *in, struct config **out,
                     config_error_fn *fn, void *ctx);

/* Where the file is: given, if not NULL, else WEIR_CONFIG of env, else
 * CONFIG_PLACE if it is there, else NULL: none. */
#define CONFIG_PLACE "/etc/weir/weir.json"
const char *config_load_where(const char *given, char *const *env);

#endif
