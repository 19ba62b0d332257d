/* ifaces.h - the key interfaces */
#ifndef CONFIG_IFACES_H
#define CONFIG_IFACES_H

#include "config/read.h"

/* May a device have this name?  As the kernel sees it. */
bool config_ifaces_device_ok(const char *s);
/* May an interface be called that? */
bool config_ifaces_name_ok(const char *s);

/* "side": is it "inside"? */
bool config_ifaces_inside(struct config_read *r, json_t *v);

void config_ifaces_read(struct config_read *r, json_t *v, void *into);

/* What interfaces there are to name, for "expected ...". */
const char *config_ifaces_expected(const struct config *config);

#endif
