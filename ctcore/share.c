#include "share.h"

enum { ENTRIES = 256 }; /* what is counted; below, mappings of a protocol */

void share_init(struct share *s, struct block *b, uint32_t max)
{
    *s = (struct share){.of_flow = NULL};
    if (max == 0)
        return;
    tally_init_heads(&s->tally, b, max);
    s->of_flow = block_take(b, (size_t)max * sizeof *s->of_flow);
    s->of_mapping = block_take(b, (size_t)max * sizeof *s->of_mapping);
}

/* Each entry has one source and one mapping at most. */
void share_init_counters(struct share *s, struct block *b, uint32_t max)
{
    tally_init_counters(&s->tally, b, 2 * max);
}

static struct tally_key entries_of(const struct ct_tuple *orig, bool inside)
{
    struct tally_key key = {.source = orig->src,
                            .zone = orig->zone,
                            .what = ENTRIES,
                            .family = orig->family};

    if (orig->family == CT_IPV6 && !inside)
        tally_mask(&key.source, 64);
    return key;
}

static struct tally_key ports_of(const struct ct_tuple *orig)
{
    return (struct tally_key){.source = orig->src,
                              .zone = orig->zone,
                              .what = orig->proto,
                              .family = orig->family};
}

static bool has_room(const struct share *s, const struct tally_key *key,
                     uint32_t of)
{
    uint32_t most = of / s->part;

    return tally_count(&s->tally, tally_find(&s->tally, key)) <
           (most < SHARE_LEAST ? SHARE_LEAST : most);
}

bool share_has_entry(const struct share *s, const struct ct_tuple *orig,
                     bool inside, uint32_t max)
{
    struct tally_key key = entries_of(orig, inside);

    return !s->part || has_room(s, &key, max);
}

bool share_has_port(const struct share *s, const struct ct_tuple *orig,
                    uint32_t n)
{
    struct tally_key key = ports_of(orig);

    return !s->part || has_room(s, &key, n);
}

void share_take_entry(struct share *s, uint32_t slot,
                      const struct ct_tuple *orig, bool inside)
{
    struct tally_key key = entries_of(orig, inside);

    s->of_flow[slot] = tally_add(&s->tally, &key);
}

void share_take_port(struct share *s, uint32_t mapping,
                     const struct ct_tuple *orig)
{
    struct tally_key key = ports_of(orig);

    s->of_mapping[mapping] = tally_add(&s->tally, &key);
}

static void leave(struct share *s, uint32_t *where)
{
    if (*where)
        tally_take(&s->tally, *where);
    *where = 0;
}

void share_leave_entry(struct share *s, uint32_t slot)
{
    leave(s, &s->of_flow[slot]);
}

void share_leave_port(struct share *s, uint32_t mapping)
{
    leave(s, &s->of_mapping[mapping]);
}
