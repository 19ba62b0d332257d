/* notify.c - from the bits that a packet set to one event for the subscriber */
#include "core/notify.h"

#include "core/dump.h"

void notify_view(const struct ct *ct, const struct ct_conn *c,
                 struct ct_view *view)
{
    struct dump_copy copy;

    dump_copy(ct, table_slot(&ct->table, c), &copy);
    dump_view(ct, &copy, view);
}

void notify_send(struct ct *ct, const struct ct_conn *c, uint32_t mask)
{
    struct ct_event ev;

    mask &= ct->subscribed;
    if (!mask || !ct->event)
        return;
    ev.mask = mask;
    ev.at = ct->now;
    notify_view(ct, c, &ev.view);
    core_stat(ct, CT_STAT_events);
    ct->event(ct->ctx, &ev);
}
