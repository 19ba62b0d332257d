/* stats.h - /api/v1/stats: counters and gauges */
#ifndef STATS_H
#define STATS_H

#include "request.h"

request_fn stats_get;

/* Packets dropped, all reasons of kind D. */
uint64_t stats_dropped(const struct web_source *src);

#endif
