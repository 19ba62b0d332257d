/* rig.h - a router without devices: configuration, core and journey
 *
 * Made from the same JSON that the real router reads.  The clock is a number;
 * what the router sends is handed to a function.  World, soak and others build
 * on it. */
#ifndef RIG_H
#define RIG_H

#include "config.h"
#include "journey.h"
#include "steer.h"

struct rig_calls {
    bool (*log)(void *ctx, const struct ct_log *log);
    enum ct_reason (*tx)(void *ctx, struct ct_pkt *pkt);
    bool (*local)(void *ctx, struct ct_pkt *pkt);
    void (*dropped)(void *ctx, const struct ct_pkt *pkt);
    void (*event)(void *ctx, const struct ct_event *ev);
    enum ct_verdict (*queue)(void *ctx, struct ct_pkt *pkt);
    void *ctx;
    bool host; /* gateway mode: see struct journey_config */
};

struct rig {
    struct config *config;
    struct ct *ct;
    struct journey *journey;
    struct fib *fib;
    struct steer *steer;
    struct ct_ifaces ifaces;
    struct journey_iface more[CT_MAX_IFACES];
    struct ct_rule_count *counts;
    void *connlimit;
    void *block;
    ct_time now;
    bool host;
};

/* Make a router that begins at start.  Ends the program with the
 * configuration's own error lines when json is refused. */
void rig_open(struct rig *rig, const char *json, ct_time start,
              const struct rig_calls *calls);
void rig_close(struct rig *rig);

/* Swap the rules as SIGHUP does; flows stay. */
void rig_reload(struct rig *rig, const char *json);

/* Run what is due until rig->now. */
void rig_tick(struct rig *rig);

/* NULL, or a static text: which of the promised sums does not hold.
 *   in = forwarded + local + drops + held + merged fragments
 *   out = forwarded + originated
 *   entries = created - destroyed, and as many are to be read (when asked
 *   between packets and behind rig_tick()). */
const char *rig_check(const struct rig *rig);

/* Sum of all drops by reason of kind D. */
uint64_t rig_drops(const struct rig *rig);

#endif
