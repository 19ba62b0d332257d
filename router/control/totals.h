/* totals.h - what several workers counted, together */
#ifndef TOTALS_H
#define TOTALS_H

#include "worker/worker.h"

/* The sum, or the largest where the counter is a maximum. */
uint64_t totals_stat(struct worker *const w[], uint32_t n, enum ct_stat stat);
uint64_t totals_drops(struct worker *const w[], uint32_t n,
                      enum ct_reason reason);

#endif
