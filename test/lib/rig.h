/* rig.h - a router without devices: configuration, core and journey
 *
 * Made from the same JSON that the real router reads.  The clock is a number;
 * what the router sends is handed to a function.  World, soak and others build
 * on it. */
#ifndef RIG_H
#define RIG_H

#include "config/config.h"
#include "journey/journey.h"
#include "worker/steer.h"

enum { RIG_SHARDS = 8 };

/* No packet may cost more steps (CT_STAT_work_max), whatever was done to the
 * router: rig_check() holds every world, soak and life to it. */
enum { RIG_WORK_MAX = 6144 };

/* ... nor any call between packets (CT_STAT_work_call_max), with a budget of
 * 1,024 slots or less: a turn of the clock, a slice of a flush or of a review,
 * a change.  Each of what a turn sees to may use up the whole budget. */
enum { RIG_CALL_MAX = 8192 };

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

/* What each worker has for itself. */
struct rig_shard {
    struct rig *rig;
    struct ct *ct;
    struct journey *journey;
    const struct steer *steer; /* the one it has taken */
    struct ct_rule_count *counts;
    void *connlimit;
    void *block;
};

/* As many shards side by side as the configuration has workers; one thread
 * walks them all. */
struct rig {
    struct config *config;
    struct rig_calls calls;
    uint32_t n;
    struct rig_shard shard[RIG_SHARDS];
    struct ct_rule_count *all_counts[RIG_SHARDS];
    void *all_connlimits[RIG_SHARDS];
    struct ct *ct; /* shard 0's, as the next three */
    struct journey *journey;
    struct ct_rule_count *counts;
    void *connlimit;
    struct fib *fib;
    struct steer *steer, *older; /* older: not all shards use steer yet */
    struct rig_passed *passed;   /* on their way between shards */
    uint32_t at;                 /* the shard that walks */
    struct ct_ifaces ifaces;
    struct journey_iface more[CT_MAX_IFACES];
    ct_time now;
    uint64_t looks, next_look;       /* rig_look(): calls of it */
    uint64_t most_packet, most_call; /* steps: the two above, or fewer */
    bool host;
    struct journey_lost lost; /* gateway mode; set by tests */
};

/* Make a router that begins at start.  Ends the program with the
 * configuration's own error lines when json is refused. */
void rig_open(struct rig *rig, const char *json, ct_time start,
              const struct rig_calls *calls);
void rig_close(struct rig *rig);

/* Swap the rules as SIGHUP does; flows stay. */
void rig_reload(struct rig *rig, const char *json);

/* The same in steps: steering is ready, but each shard takes it when it is told
 * to, by rig_take(); until then it goes on by the one before. */
void rig_reload_later(struct rig *rig, const char *json);
void rig_adopt_later(struct rig *rig, struct config *next); /* takes it over */
void rig_take(struct rig *rig, uint32_t shard);
void rig_take_all(struct rig *rig);

/* A packet arrives: it is walked by the shard that owns it as shard `by` sees
 * it, and by those it is passed on to.  Answers the shard that ended it. */
uint32_t rig_walk(struct rig *rig, struct ct_pkt *pkt);
uint32_t rig_walk_by(struct rig *rig, uint32_t by, struct ct_pkt *pkt);
/* Of all shards. */
uint64_t rig_stat(const struct rig *rig, enum ct_stat stat);
uint64_t rig_reason(const struct rig *rig, enum ct_reason reason);

/* Run what is due until rig->now. */
void rig_tick(struct rig *rig);

/* NULL, or a static text: which of the promised sums does not hold.
 *   in = forwarded + local + drops + held + merged fragments
 *   out = forwarded + originated
 *   entries = created - destroyed + unconfirmed, and as many are to be read
 * (when asked between packets and behind rig_tick()). */
const char *rig_check(const struct rig *rig);

/* NULL, or in which way a shard contradicts itself: core/check.h.  What it
 * costs grows with the table. */
const char *rig_check_shards(const struct rig *rig);
/* The same behind each step at first, then ever more seldom. */
const char *rig_look(struct rig *rig);

/* Sum of all drops by reason of kind D. */
uint64_t rig_drops(const struct rig *rig);

#endif
