/* twin.h - the same conversation with several shards
 *
 * A world that has a twin tells it each packet, and both must do the same: send
 * the same packets by the same interfaces, drop the same for the same reasons,
 * tell the same events, count the same, and have the same flows.  Only outside
 * ports (and query ids) may be others: the twin learns which one stands for
 * which when a flow begins, and what comes to the one is said to the other. */
#ifndef TWIN_H
#define TWIN_H

#include "rig.h"

struct twin;

/* NULL: the configuration is refused for that many workers. */
struct twin *twin_open(const char *json, ct_time start, bool host,
                       unsigned workers);
void twin_close(struct twin *t);
void twin_reload(struct twin *t, const char *json);

/* What the world's own router does with the packet at hand. */
void twin_sent(struct twin *t, const struct ct_pkt *pkt);
void twin_dropped(struct twin *t, const struct ct_pkt *pkt);
void twin_told(struct twin *t, const struct ct_event *ev);
/* And a packet that it will hold, or not. */
void twin_deaf(struct twin *t, bool deaf);
void twin_refuse(struct twin *t, enum ct_reason why);

/* Now the twin; NULL, or in which way it differs from ref. */
const char *twin_say(struct twin *t, const struct rig *ref, const uint8_t *data,
                     uint32_t len, uint8_t in, bool partial);
const char *twin_resume(struct twin *t, const struct rig *ref, unsigned nth,
                        enum ct_verdict verdict);
/* Time passes as in the world, tick by tick; then what became of it. */
void twin_tick(struct twin *t, ct_time now);
const char *twin_elapsed(struct twin *t, const struct rig *ref);
/* The end: whole tables, and the twin's own sums. */
const char *twin_end(struct twin *t, const struct rig *ref);
/* As the world was flushed: both begin as equals. */
void twin_flush(struct twin *t, const struct rig *ref);
/* The errors that it may send are as many as at the start. */
void twin_forget_limits(struct twin *t);

#endif
