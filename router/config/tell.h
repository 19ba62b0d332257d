/* tell.h - telling the errors of a configuration */
#ifndef CONFIG_TELL_H
#define CONFIG_TELL_H

#include "config/read.h"

struct config_teller {
    config_error_fn *fn;
    void *ctx;
};

/* All errors of r in the order of the text, those of the environment first. */
void config_tell(struct config_read *r, const char *text, const char *clean,
                 size_t len, const struct config_teller *t);

/* A config_error_fn; ctx is a struct config_printer. */
struct config_printer {
    const char *path; /* NULL: no file */
    FILE *err;
};
void config_tell_print(void *ctx, const struct config_error *error);

#endif
