/* print.h - a configuration for people */
#ifndef CONFIG_PRINT_H
#define CONFIG_PRINT_H

#include "config/config.h"

/* --print-config: each value and where it came from (default, file, env NAME,
 * kernel), as aligned text.  Never the token. */
void config_print(const struct config *config, FILE *out);

#endif
