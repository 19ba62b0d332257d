/* shortage.c - the counters of what can run out, and what to do about each */
#include "journey/shortage.h"

#include <inttypes.h>
#include <stdio.h>

static const struct {
    enum ct_stat stat;
    const char *what, *so;
} kinds[SHORTAGE_KINDS] = {
    {CT_STAT_table_full, "table full, dropping packet",
     "packet(s) refused; it holds conntrack.max flows, each for its "
     "conntrack.timeouts, and none that may be evicted"},
    {CT_STAT_source_share, "a source has its share",
     "flow(s) refused; conntrack.source_share says how much of the table and "
     "of the outside ports one may have"},
    {CT_STAT_no_port, "no outside port left",
     "flow(s) refused; more outside addresses, or a wider range of ports, "
     "would give more"},
    {CT_STAT_portmaps_full, "no port map left",
     "flow(s) whose outside port may be shared although others are unused; "
     "there are maps for 4096 pairs of outside address and protocol"},
    {CT_STAT_ext_full, "no extension record left",
     "flow(s) without the helper, labels or timeouts meant for them; "
     "conntrack.extensions says how many there are"},
};

bool shortage_next(struct shortage *s, uint64_t now_ms,
                   uint64_t (*stat)(void *ctx, enum ct_stat which), void *ctx,
                   char line[SHORTAGE_ROOM])
{
    if (now_ms < s->next_ms)
        return false;
    while (s->at < SHORTAGE_KINDS) {
        unsigned i = s->at++;
        uint64_t is = stat(ctx, kinds[i].stat), was = s->counted[i];

        s->counted[i] = is;
        if (is == was)
            continue;
        snprintf(line, SHORTAGE_ROOM, "%s: %" PRIu64 " %s", kinds[i].what,
                 is - was, kinds[i].so);
        return true;
    }
    s->at = 0;
    s->next_ms = now_ms + 1000;
    return false;
}
