/* check.c - see check.h */
#include "rules/check.h"

#include "base/check.h"
#include "table/check.h"

const char *rules_check_connlimit(const struct connlimit *l,
                                  const struct pool *conns)
{
    uint64_t counted, noted = 0;
    const char *why = NULL;

    for (; l && !why; l = l->was, noted = 0) {
        why = table_check_tally(&l->tally, &counted);
        for (uint32_t i = 0; i < conns->fresh; i++)
            for (unsigned r = 0; r < CT_MAX_CONNLIMITS; r++) {
                const struct ct_conn *c = table_check_conn(conns, i);
                struct tally_key key;

                if (!(l->counted[i] >> r & 1))
                    continue;
                key = connlimit_key(&l->rule[r], c);
                noted += base_check_mark(tally_find(&l->tally, &key));
            }
        if (!why && noted != counted)
            why = "connlimit: counts are not what flows note";
    }
    return why;
}
