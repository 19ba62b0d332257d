/* totals.c - what several workers counted, together */
#include "control/totals.h"

uint64_t totals_stat(struct worker *const w[], uint32_t n, enum ct_stat stat)
{
    bool largest = ct_stat_kind(stat) == 'M';
    uint64_t all = 0;

    for (uint32_t i = 0; i < n; i++) {
        uint64_t is = ct_stat(worker_ct(w[i]), stat);

        if (!largest)
            all += is;
        else if (is > all)
            all = is;
    }
    return all;
}

uint64_t totals_drops(struct worker *const w[], uint32_t n,
                      enum ct_reason reason)
{
    uint64_t all = 0;

    for (uint32_t i = 0; i < n; i++)
        all += ct_drops(worker_ct(w[i]), reason);
    return all;
}
