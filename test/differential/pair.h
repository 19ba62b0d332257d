/* pair.h - the kernel and weir side by side
 *
 * Both have the addresses of world.h, profile linux, and rules that say the
 * same.  A packet is put into one and then the other; what leaves, which flows
 * stand in the tables and which events were told is kept as text of one form,
 * so that two texts that are equal mean the same.  What both were free to
 * choose (the port of a flow whose own was taken) is first made a word by the
 * caller. */
#ifndef PAIR_H
#define PAIR_H

#include "differences.def"

#include <ctcore/lists.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pair_subject { PAIR_KERNEL, PAIR_WEIR, PAIR_N_SUBJECTS };

enum { PAIR_FLOWS = 64 };

struct pair;

/* left: a packet left by wan, or by lan, of the one that was put into.
 * name: words for what is free, in place, in a line of at most room bytes. */
struct pair_calls {
    void (*left)(void *ctx, enum pair_subject who, bool wan, uint8_t *d,
                 size_t len);
    void (*name)(void *ctx, enum pair_subject who, char *line, size_t room);
    void *ctx;
};

/* A flow as comparable text; its time and status apart. */
struct pair_flow {
    char text[320];
    uint32_t timeout, status;
};

/* NULL, and why in err.  Both begin with masquerade and nothing else. */
struct pair *pair_open(const struct pair_calls *calls, char err[256]);
/* The same with weir as a program that runs: its path.  It has no other rules
 * than these, and its events are not compared. */
struct pair *pair_open_device(const struct pair_calls *calls, const char *weir,
                              char err[256]);
void pair_close(struct pair *p);

/* Other rules, and empty tables.  nft: chains of nft(8) inside one inet table;
 * statements: of world.h; set: "NAME N; ..." of params.def, for both.
 * => false: one of the two refused it, or the kernel lacks the setting. */
bool pair_setup(struct pair *p, const char *nft, const char *statements,
                const char *set);
/* The chains that pair_open() begins with. */
extern const char pair_masquerade[];

/* Empty both tables, and forget events. */
void pair_clear(struct pair *p);

/* A packet enters by wan, or by lan.  With fresh, weir's limit of errors is
 * forgotten before: the kernel's are switched off. */
void pair_put(struct pair *p, enum pair_subject who, bool wan, const uint8_t *d,
              size_t len, bool fresh);

/* IP ids of what a router makes itself are its own affair, and so is whether
 * its errors may be cut (difference icmp_df). */
void pair_blank_id(uint8_t *d, size_t len);

/* Whether the kernel looks at checksums: difference udplite_sum. */
void pair_look_at_sums(struct pair *p, bool look);
/* How often weir has refused a packet for this. */
uint64_t pair_refused(const struct pair *p, enum ct_reason why);

/* All packets before have been walked by the kernel. */
bool pair_settle(struct pair *p);

/* Read both tables again; what differs is appended to report. */
bool pair_same_tables(struct pair *p, char *report, size_t room);
/* As last read. */
const struct pair_flow *pair_flows(const struct pair *p, enum pair_subject who,
                                   unsigned *n);

/* Weir with 2 and with 4 workers has done the same as with one; what differs is
 * appended to report. */
bool pair_same_twins(struct pair *p, char *report, size_t room);

/* Events told since the last look, a line each: kind, flow, status, state. */
const char *pair_events(struct pair *p, enum pair_subject who);
void pair_forget_events(struct pair *p);

/* What was counted since the last call, of the counters that bear the kernel's
 * names, as text; the same for all of them. */
void pair_count(struct pair *p);
const char *pair_counted(const struct pair *p, enum pair_subject who);

/* Run what is due of weir's. */
void pair_tick(struct pair *p);
/* NULL, or which of weir's promised sums does not hold. */
const char *pair_check(struct pair *p);

/* ---- differences.def ---- */

enum pair_difference {
#define D(id, kernel, weir, why) PAIR_##id,
    JUDGE_DIFFERENCES(D)
#undef D
        PAIR_N_DIFFERENCES
};

const char *pair_difference_name(enum pair_difference d);

#endif
