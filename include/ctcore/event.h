/* event.h - what subscribers are told */
#ifndef CTCORE_EVENT_H
#define CTCORE_EVENT_H

#include <ctcore/events.def>
#include <ctcore/view.h>

enum ct_event_bit {
#define E(name, bit, text) CT_EVENT_##name = 1u << (bit),
    CT_EVENTS(E)
#undef E
};
/* What conntrack(8) calls an UPDATE. */
#define CT_EVENT_UPDATE                                                        \
    ((unsigned)CT_EVENT_REPLY | (unsigned)CT_EVENT_ASSURED |                   \
     (unsigned)CT_EVENT_PROTOINFO | (unsigned)CT_EVENT_HELPER |                \
     (unsigned)CT_EVENT_MARK | (unsigned)CT_EVENT_LABEL)

struct ct_event {
    uint32_t mask; /* enum ct_event_bit */
    ct_time at;    /* when it happened */
    struct ct_view view;
};

#endif
