/* serve.h - the process that does what it is ordered */
#ifndef ORDER_SERVE_H
#define ORDER_SERVE_H

#include "order/check.h"

/* What takes more rights than serving does: -1 or 0. */
int order_serve_begin(int fd, const struct order_limits *limits);

/* Serve orders until the other end closes it.  Nothing is given
 * back then: an orderly end has ordered that before, and behind a weir that was
 * killed the rules stay that keep packets from leaving untranslated.  The
 * exit code. */
int order_serve(void);

#endif
