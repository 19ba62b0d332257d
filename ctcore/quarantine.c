#include "quarantine.h"

#include "hash.h"

#define WAYS 4u

void quarantine_init(struct quarantine *q, struct block *b, uint32_t max)
{
    uint32_t lines = max ? pool_power_of_two(max / 16 < 16 ? 16 : max / 16) : 0;

    *q = (struct quarantine){.n_lines = lines};
    if (lines)
        q->rows = block_take(b, (size_t)lines * WAYS * sizeof *q->rows);
}

void quarantine_start(struct quarantine *q, const uint64_t key[2], ct_time now)
{
    q->birth_ms = now.ms;
    q->key[0] = key[0];
    q->key[1] = key[1];
}

static struct quarantined *line_of(const struct quarantine *q, uint64_t tuple)
{
    return &q->rows[(tuple & (q->n_lines - 1)) * WAYS];
}

static uint32_t host_of(const struct quarantine *q, const union ct_addr *inside)
{
    return (uint32_t)hash_two(inside->w64[0], inside->w64[1], q->key);
}

static uint32_t tenths(const struct quarantine *q, ct_time t)
{
    return (uint32_t)((t.ms - q->birth_ms) / 100);
}

/* Tenths wrap after 13 years: compare by difference. */
static bool is_over(uint32_t until, uint32_t now)
{
    return (int32_t)(until - now) <= 0;
}

void quarantine_note(struct quarantine *q, uint64_t tuple,
                     const union ct_addr *inside, ct_time now, uint32_t s)
{
    struct quarantined *line, *to;
    uint32_t ds;

    if (!q->n_lines || s == 0)
        return;
    line = to = line_of(q, tuple);
    ds = tenths(q, now);
    for (unsigned i = 0; i < WAYS; i++) {
        if (line[i].tuple == tuple || line[i].tuple == 0 ||
            is_over(line[i].until_ds, ds)) {
            to = &line[i];
            break;
        }
        if ((int32_t)(line[i].until_ds - to->until_ds) < 0)
            to = &line[i];
    }
    *to = (struct quarantined){tuple, host_of(q, inside), ds + s * 10};
}

bool quarantine_holds(const struct quarantine *q, uint64_t tuple,
                      const union ct_addr *inside, ct_time now)
{
    const struct quarantined *line;

    if (!q->n_lines)
        return false;
    line = line_of(q, tuple);
    for (unsigned i = 0; i < WAYS; i++)
        if (line[i].tuple == tuple)
            return !is_over(line[i].until_ds, tenths(q, now)) &&
                   line[i].host != host_of(q, inside);
    return false;
}
