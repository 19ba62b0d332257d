/* twin_table.h - flows, events and counters of a world and its twin, compared
 *
 * As text of one form, in which the twin's ports are the world's. */
#ifndef TWIN_TABLE_H
#define TWIN_TABLE_H

#include "rig.h"
#include "twin_ports.h"

enum { TWIN_EVENTS = 64, TWIN_COUNTERS = 15 };

/* Of one packet; of more than TWIN_EVENTS the number alone counts. */
struct twin_events {
    unsigned n;
    struct ct_event v[TWIN_EVENTS];
    bool turned[TWIN_EVENTS]; /* its ports are the world's already */
};

/* ports: NULL for the world's own.  The ports of a flow that ends are turned at
 * once: the packet may open another by the same one. */
void twin_events_add(struct twin_events *e, const struct ct_event *ev,
                     const struct twin_ports *ports);

/* False, and why in text: they differ. */
bool twin_table_same_events(const struct twin_events *ref,
                            const struct twin_events *own,
                            const struct twin_ports *ports, char *text,
                            size_t room);
bool twin_table_same(const struct rig *ref, const struct rig *own,
                     const struct twin_ports *ports, char *text, size_t room);
/* Of the ports that flows of both sides have announced: which port of the
 * twin's stands for which. */
void twin_table_announce(const struct rig *ref, const struct rig *own,
                         struct twin_ports *ports);
void twin_table_read_counters(const struct rig *rig, uint64_t v[TWIN_COUNTERS]);
bool twin_table_same_counters(const uint64_t ref[TWIN_COUNTERS],
                              const uint64_t own[TWIN_COUNTERS], char *text,
                              size_t room);

#endif
