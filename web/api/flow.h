/* flow.h - one flow as JSON: the FLOW of the interface */
#ifndef FLOW_H
#define FLOW_H

#include "http/json_out.h"

#include <web/flows.h>

enum { FLOW_TEXT_MAX = 2048 }; /* no flow's JSON is longer */

/* As it was at that instant.  ended: the flow is no more; it has a timeout if
 * it did not wait for that. */
void flow_write(struct json_out *j, const char *key,
                const struct web_flows *flows, uint32_t shard,
                const struct ct_view *v, ct_time at, bool ended);

/* "slot-gen", slot counted over all shards. */
void flow_id(char text[24], const struct web_flows *flows, uint32_t shard,
             uint32_t slot, uint32_t gen);
/* False: no id, or no such place. */
bool flow_id_read(const char *text, const struct web_flows *flows,
                  uint32_t *shard, uint32_t *slot, uint32_t *gen);

/* RFC 3339 in UTC, with a second's precision. */
void flow_time(char text[32], int64_t wall_ms);

#endif
