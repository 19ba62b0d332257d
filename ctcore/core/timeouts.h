/* timeouts.h - flows to which a rule gave durations of their own
 *
 * They are copied into the flow's extension record, those of its tracker only,
 * so they outlive the rule that gave them.  The tracker sees them in place of
 * the tunables: where it takes the shorter of two, it compares the flow's own.
 * Such a flow bears CT_OWN_TIMEOUTS; all others pay one test of a bit that is
 * tested anyway. */
#ifndef TIMEOUTS_H
#define TIMEOUTS_H

#include "core/core.h"

/* The flow that pkt opens gets the durations of s that are not 0 and that its
 * tracker knows: CT_N_TIMEOUTS seconds.  Nothing for any other packet, and when
 * no record is left, which is counted. */
void core_timeouts_set(struct ct *ct, const struct ct_pkt *pkt,
                       const uint32_t *s);

/* The tunables as such a flow has them; true until the next one is asked. */
const struct ct_params *core_timeouts_params(struct ct *ct,
                                             const struct ct_conn *c);

/* expiry_refresh() of such a flow. */
void core_timeouts_refresh_own(struct ct *ct, uint32_t slot, uint8_t param,
                               enum expiry_class class);

/* Restart the flow's timeout, unless its status says that it is fixed.
 * => between conn_write_begin() and conn_write_end(). */
static inline __attribute__((always_inline)) void
timeouts_refresh(struct ct *ct, uint32_t slot, uint32_t status, uint8_t param,
                 enum expiry_class class)
{
    if (__builtin_expect(!(status & (CT_OWN_TIMEOUTS | CT_FIXED_TIMEOUT)), 1))
        expiry_refresh(&ct->expiry, slot, param, class, ct->now);
    else if (!(status & CT_FIXED_TIMEOUT))
        core_timeouts_refresh_own(ct, slot, param, class);
}

#endif
