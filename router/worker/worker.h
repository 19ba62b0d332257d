/* worker.h - one thread, one loop, one shard, one queue of each device
 *
 *   control --orders--> worker        worker --events, flags--> control
 *   worker  --packets-> other worker  and the empty buffers back again
 *
 * Everything between threads is a ring and a wake-up; no thread waits for
 * another. Life: worker_new() for all, worker_link() for all, worker_start()
 * for all; worker_stop() for all, then worker_free(). */
#ifndef WORKER_H
#define WORKER_H

#include "worker/setup.h"

struct worker;

/* NULL, with a sentence in err: no memory, or an impossible ct_config. */
struct worker *worker_new(const struct worker_config *config, char err[256]);
void worker_link(struct worker *w, struct worker *const all[]);
/* 0 or a negative errno.  setup is in force before the first packet. */
int worker_start(struct worker *w, struct worker_setup *setup);
/* End the thread and wait for it: a loop's turn or two. */
void worker_stop(struct worker *w);
void worker_free(struct worker *w);

/* ---- control's side ---- */

const struct ct *worker_ct(const struct worker *w);

/* Packets for user programs; control's side of it.  worker_wake(): some came
 * back. */
struct held *worker_held(struct worker *w);
void worker_wake(struct worker *w);

/* In force behind those before, one a turn; it never fails. */
void worker_use(struct worker *w, struct worker_setup *setup);
/* Orders.  False: the mailbox is full. */
bool worker_delete(struct worker *w, uint32_t ticket, uint32_t slot,
                   uint32_t gen);
bool worker_flush(struct worker *w, uint32_t ticket);
/* The events wanted from now on; it never fails. */
void worker_subscribe(struct worker *w, uint32_t mask);
/* The device of iface is attached again; clears worker_lost(). */
bool worker_resume(struct worker *w, unsigned iface);

/* Orders are numbered: the last one; has that one been obeyed; is the table
 * flushed as that one said; how many flows went by all orders of a ticket. */
uint64_t worker_ordered(const struct worker *w);
bool worker_obeyed(const struct worker *w, uint64_t number);
bool worker_flushed(const struct worker *w, uint64_t number);
uint64_t worker_removed(const struct worker *w, uint32_t ticket);

/* Serial of the setup in use. */
uint64_t worker_taken(const struct worker *w);
/* Serial of the setup that all workers use, as far as this one saw: it borrows
 * nothing of older ones any more. */
uint64_t worker_settled(const struct worker *w);
/* Serial of the setup whose rules all flows have been held against, or 0. */
uint64_t worker_revalidated(const struct worker *w);
/* Has the device of iface gone away, as far as this worker saw? */
bool worker_lost(const struct worker *w, unsigned iface);
/* Kinds of super-packets that it refused; see offload_words(). */
uint8_t worker_refused(const struct worker *w, unsigned iface);
void worker_count(const struct worker *w, unsigned iface,
                  struct worker_counts *sum);
/* What a rule logged; those that found no room are in the next one's
 * suppressed. */
bool worker_next_log(struct worker *w, struct ct_log *log);
bool worker_next_event(struct worker *w, struct worker_event *event);

#endif
