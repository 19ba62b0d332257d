/* start.h - the process that changes the kernel, begun */
#ifndef ORDER_START_H
#define ORDER_START_H

#include "config/config.h"

/* With CAP_NET_ADMIN: fork the process that keeps it, which does not come back
 * from here.  Without it: nothing.  0, or -1 with a sentence in err. */
int order_start(const struct config *config, char err[256]);

#endif
