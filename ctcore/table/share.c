/* share.c - count entries and mappings of each source, and refuse beyond its
 * share */
#include "table/share.h"

/* What is counted; below, mappings of a protocol. */
enum { ENTRIES = 256, FEW, PREFIX = 0x8000 };

void share_init(struct share *s, struct block *b, uint32_t max)
{
    *s = (struct share){.of_flow = NULL};
    if (max == 0)
        return;
    tally_init_heads(&s->tally, b, max);
    s->of_flow = block_take(b, (size_t)max * sizeof *s->of_flow);
    s->of_mapping = block_take(b, (size_t)max * sizeof *s->of_mapping);
}

/* Each entry and mapping, and each of the few, has one source and one prefix at
 * most. */
void share_init_counters(struct share *s, struct block *b, uint32_t max,
                         uint32_t few)
{
    tally_init_counters(&s->tally, b, 4 * max + 2 * few);
}

/* alone: an address is a source, in IPv6, too. */
static struct tally_key share_source(const struct ct_tuple *orig, bool alone,
                                     uint16_t what)
{
    struct tally_key key = {.source = orig->src,
                            .zone = orig->zone,
                            .what = what,
                            .family = orig->family};

    if (orig->family == CT_IPV6 && !alone)
        tally_mask(&key.source, 64);
    return key;
}

/* False: it has none beside itself. */
static bool share_prefix(const struct ct_tuple *orig, bool alone, uint16_t what,
                         struct tally_key *key)
{
    *key = share_source(orig, false, what | PREFIX);
    return orig->family == CT_IPV6 && alone;
}

/* more: what it has beside what is counted. */
static bool has_less(const struct share *s, const struct tally_key *key,
                     uint32_t most, uint32_t least, uint32_t more)
{
    return (uint64_t)tally_count(&s->tally, tally_find(&s->tally, key)) + more <
           (most < least ? least : most);
}

static bool has_share_room(const struct share *s, const struct ct_tuple *orig,
                           bool alone, uint16_t what, uint32_t of,
                           uint32_t least, uint32_t more)
{
    struct tally_key key = share_source(orig, alone, what);

    if (!has_less(s, &key, of / s->part, least, more))
        return false;
    return !share_prefix(orig, alone, what, &key) ||
           has_less(s, &key, of - of / s->part, least, 0);
}

static void take_place(struct share *s, struct share_place *place,
                       const struct ct_tuple *orig, bool alone, uint16_t what)
{
    struct tally_key key = share_source(orig, alone, what);

    place->source = tally_add(&s->tally, &key);
    place->prefix =
        share_prefix(orig, alone, what, &key) ? tally_add(&s->tally, &key) : 0;
}

static void leave_place(struct share *s, struct share_place *place)
{
    if (place->source)
        tally_take(&s->tally, place->source);
    if (place->prefix)
        tally_take(&s->tally, place->prefix);
    *place = (struct share_place){0, 0};
}

bool share_has_entry(const struct share *s, const struct ct_tuple *orig,
                     bool inside, uint32_t max)
{
    return !s->part ||
           has_share_room(s, orig, inside, ENTRIES, max, SHARE_LEAST, 0);
}

bool share_has_port(const struct share *s, const struct ct_tuple *orig,
                    uint32_t n, uint32_t resting)
{
    return !s->part ||
           has_share_room(s, orig, true, orig->proto, n, SHARE_LEAST, resting);
}

void share_take_entry(struct share *s, uint32_t slot,
                      const struct ct_tuple *orig, bool inside)
{
    take_place(s, &s->of_flow[slot], orig, inside, ENTRIES);
}

void share_take_port(struct share *s, uint32_t mapping,
                     const struct ct_tuple *orig)
{
    take_place(s, &s->of_mapping[mapping], orig, true, orig->proto);
}

void share_leave_entry(struct share *s, uint32_t slot)
{
    leave_place(s, &s->of_flow[slot]);
}

void share_leave_port(struct share *s, uint32_t mapping)
{
    leave_place(s, &s->of_mapping[mapping]);
}

bool share_has_few(const struct share *s, enum share_few few,
                   const struct ct_tuple *orig, uint32_t used, uint32_t n)
{
    uint16_t what = (uint16_t)(FEW + few);

    if (used >= n)
        return true;
    return s && share_is_on(s) && s->part && used >= n / 2 &&
           !has_share_room(s, orig, true, what, n, 1, 0);
}

bool share_take_few(struct share *s, enum share_few few,
                    const struct ct_tuple *orig, uint32_t used, uint32_t n,
                    struct share_place *place)
{
    *place = (struct share_place){0, 0};
    if (share_has_few(s, few, orig, used, n))
        return false;
    if (s && share_is_on(s))
        take_place(s, place, orig, true, (uint16_t)(FEW + few));
    return true;
}

void share_leave_few(struct share *s, struct share_place *place)
{
    if (s)
        leave_place(s, place);
}
