/* stats.h - /api/v1/stats: counters and gauges */
#ifndef STATS_H
#define STATS_H

#include "http/request.h"

request_fn stats_get;

#endif
