/* routes.h - the key routes */
#ifndef CONFIG_ROUTES_H
#define CONFIG_ROUTES_H

#include "config/read.h"

/* Needs the interfaces. */
void config_routes_read(struct config_read *r, json_t *v, void *into);

/* Interfaces and routes together: what no single key can tell.  Makes
 * config->routes, the connected ones included. */
void config_routes_finish(struct config_read *r);

#endif
