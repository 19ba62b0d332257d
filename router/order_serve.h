/* order_serve.h - the process that does what it is ordered */
#ifndef ORDER_SERVE_H
#define ORDER_SERVE_H

#include "order_check.h"

/* Serve orders that come by fd until the other end closes it.  Nothing is given
 * back then: an orderly end has ordered that before, and behind a weir that was
 * killed the rules stay that keep packets from leaving untranslated.  The
 * exit code. */
int order_serve(int fd, const struct order_limits *limits);

#endif
