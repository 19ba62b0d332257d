/* metrics.h - /metrics: Prometheus text format 0.0.4 */
#ifndef METRICS_H
#define METRICS_H

#include "http/request.h"

/* Once, before any request. */
void metrics_begin(void);

request_fn metrics_get;

#endif
