/* event.h - what subscribers are told */
#ifndef CTCORE_EVENT_H
#define CTCORE_EVENT_H

#include <ctcore/view.h>

/* The kernel's enum ip_conntrack_events, as far as it applies. */
enum ct_event_bit {
    CT_EVENT_NEW = 1u << 0,
    CT_EVENT_RELATED = 1u << 1, /* NEW, by an expectation */
    CT_EVENT_DESTROY = 1u << 2,
    CT_EVENT_REPLY = 1u << 3, /* SEEN_REPLY was set */
    CT_EVENT_ASSURED = 1u << 4,
    CT_EVENT_PROTOINFO = 1u << 5, /* TCP state changed */
    CT_EVENT_MARK = 1u << 7
};
#define CT_EVENT_UPDATE                                                        \
    ((unsigned)CT_EVENT_REPLY | (unsigned)CT_EVENT_ASSURED |                   \
     (unsigned)CT_EVENT_PROTOINFO | (unsigned)CT_EVENT_MARK)

struct ct_event {
    uint32_t mask; /* enum ct_event_bit */
    struct ct_view view;
};

#endif
