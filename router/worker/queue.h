/* queue.h - packets that wait for user programs, as a worker has them */
#ifndef WORKER_QUEUE_H
#define WORKER_QUEUE_H

#include "worker/private.h"

enum ct_verdict worker_queue_take(void *ctx, struct ct_pkt *pkt);
void worker_queue_back(struct worker *w); /* those that have their verdict */
void worker_queue_end(struct worker *w);  /* no thread is left: all of them */

#endif
