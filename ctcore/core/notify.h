/* notify.h - events to the one who subscribed
 *
 * Trackers and hooks only set bits; a packet's bits go out together when its
 * journey ends, a flow's end when gc lets it go. */
#ifndef NOTIFY_H
#define NOTIFY_H

#include "core/core.h"

/* Copy an entry out.  Owner only: no other writes meanwhile. */
void notify_view(const struct ct *ct, const struct ct_conn *c,
                 struct ct_view *view);

void notify_send(struct ct *ct, const struct ct_conn *c, uint32_t mask);

#endif
