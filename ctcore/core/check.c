/* check.c - see check.h */
#include "core/check.h"

#include "frag/check.h"
#include "nat/check.h"
#include "rules/check.h"
#include "table/check.h"

/* What of each entry counts somewhere else. */
struct sums {
    uint32_t confirmed, strays, helped;
};

static struct sums sum_up(const struct ct *ct)
{
    struct sums s = {0};

    for (uint32_t i = 0; i < ct->conns.fresh; i++) {
        const struct ct_conn *c = core_conn(ct, i);

        s.confirmed += (c->status & CT_CONFIRMED) != 0;
        s.helped += (c->status & CORE_HELPED) != 0;
        s.strays += (c->status & CT_CONFIRMED) && c->stray;
    }
    return s;
}

static const char *check_gauges(const struct ct *ct)
{
    const uint64_t *is = ct->stats;
    struct sums s = sum_up(ct);

    if (is[CT_STAT_entries] != ct->conns.used ||
        is[CT_STAT_unconfirmed] != ct->conns.used - s.confirmed ||
        is[CT_STAT_created] - is[CT_STAT_destroyed] != s.confirmed)
        return "core: entries != created - destroyed + unconfirmed";
    if (is[CT_STAT_extensions] != ct->ext.pool.used)
        return "core: extensions are miscounted";
    if (is[CT_STAT_expectations] != ct->expects.pool.used ||
        is[CT_STAT_expect_create] - is[CT_STAT_expect_delete] !=
            ct->expects.pool.used)
        return "core: expectations are miscounted";
    if (is[CT_STAT_mappings] != ct->nat.maps.used)
        return "core: mappings are miscounted";
    if (s.strays != ct->peers.strays || is[CT_STAT_strays] != s.strays)
        return "core: strays are miscounted";
    if (s.helped != ct->helped)
        return "core: flows with a helper are miscounted";
    return NULL;
}

static const char *check_table(const struct ct *ct)
{
    const struct pool *conns = &ct->conns;
    const char *why = table_check_flows(&ct->table, conns, ct->now);

    if (!why)
        why = table_check_expiry(&ct->expiry, conns);
    if (!why)
        why = table_check_ext(&ct->ext, conns);
    if (!why)
        why = table_check_expect(&ct->expects, conns);
    if (!why)
        why = table_check_keymap(&ct->keymap, &ct->ext, conns);
    if (!why)
        why = table_check_share(&ct->share, &ct->expects, conns,
                                ct->nat.maps.fresh);
    return why;
}

static const char *check_nat(struct ct *ct)
{
    const struct pool *conns = &ct->conns;
    const char *why = nat_check_mappings(&ct->nat, conns);

    if (!why)
        why = nat_check_ports(&ct->ports, conns);
    if (!why)
        why = nat_check_rests(&ct->nat.resting); /* which remotes walk */
    if (!why)
        why = nat_check_remotes(&ct->nat, conns);
    return why;
}

const char *core_check(struct ct *ct)
{
    struct work *work = ct->table.work;
    uint32_t steps = work->steps;
    const char *why = check_gauges(ct);

    if (!why)
        why = check_table(ct);
    if (!why)
        why = check_nat(ct);
    if (!why)
        why = rules_check_connlimit(ct->connlimit, &ct->conns);
    if (!why)
        why = frag_check(&ct->frag);
    work->steps = steps; /* looking was no packet's */
    return why;
}
