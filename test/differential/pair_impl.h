/* pair_impl.h - what the parts of pair.c share */
#ifndef PAIR_IMPL_H
#define PAIR_IMPL_H

#include "device.h"
#include "kernel.h"
#include "pair.h"
#include "rig.h"
#include "twin.h"

#include <time.h>

struct events {
    char text[16384];
    size_t len;
};

/* With these many workers weir must do the same as with one. */
enum { PAIR_TWINS = 2 };

struct pair {
    struct kernel *kernel;
    struct rig rig;
    struct twin *twin[PAIR_TWINS]; /* NULL: its workers refuse the rules */
    char twins[8192];              /* in which way they differ */
    struct device *device;         /* in place of rig; NULL: none */
    struct pair_calls calls;
    struct timespec began;
    struct pair_flow flow[PAIR_N_SUBJECTS][PAIR_FLOWS];
    unsigned n_flows[PAIR_N_SUBJECTS];
    struct events events[PAIR_N_SUBJECTS];
    struct kernel_counters counted[PAIR_N_SUBJECTS];
    char count[PAIR_N_SUBJECTS][256];
    char nft[4096]; /* the ruleset that stands in the kernel */
    char set[256];  /* what was set there beside the defaults */
    bool deaf;      /* events are of no interest */
};

/* How many slots weir's own table has; 0: it is behind a device. */
static inline uint32_t pair_slots(const struct pair *p)
{
    return p->device ? 0 : ct_slots(p->rig.ct);
}

/* Weir's clock to now. */
void pair_clock(struct pair *p);

void pair_end_twins(struct pair *p);

/* Whom weir's rig calls. */
void pair_weir_event(void *ctx, const struct ct_event *ev);
enum ct_reason pair_weir_left(void *ctx, struct ct_pkt *pkt);

/* Append to what is there. */
void pair_say(char *report, size_t room, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#endif
