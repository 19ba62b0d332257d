/* connlimit.c - count flows up and down, by source, as rules with a
 * connlimit ask */
#include "rules/connlimit.h"

#include "proto/tcp_segment.h"

struct connlimit *connlimit_init(struct block *b, uint32_t max,
                                 const struct ct_ruleset *rules)
{
    struct connlimit *made = block_take(b, sizeof *made), scratch;
    struct connlimit *l = made ? made : &scratch;

    tally_init_heads(&l->tally, b, max);
    l->counted = block_take(b, max * sizeof *l->counted);
    tally_init_counters(&l->tally, b, max * rules->n_connlimits);
    for (uint32_t i = 0; made && i < rules->n; i++)
        if (rules->rules[i].connlimit.number)
            made->rule[rules->rules[i].connlimit.number - 1] =
                rules->rules[i].connlimit;
    return made;
}

bool connlimit_is_over(const struct ct_conn *c, const union ct_proto_state *st)
{
    return c->tuple[CT_DIR_ORIGINAL].proto == CT_PROTO_TCP &&
           (st->tcp.state == TCP_TIME_WAIT || st->tcp.state == TCP_CLOSE);
}

struct tally_key connlimit_key(const struct ct_connlimit *rule,
                               const struct ct_conn *c)
{
    const struct ct_tuple *orig = &c->tuple[CT_DIR_ORIGINAL];
    struct tally_key key = {.source = orig->src,
                            .zone = orig->zone,
                            .what = rule->number,
                            .family = orig->family};

    tally_mask(&key.source,
               orig->family == CT_IPV4 ? rule->prefix4 : rule->prefix6);
    return key;
}

static uint32_t count_in_shard(const struct connlimit *l,
                               const struct ct_connlimit *rule,
                               const struct ct_conn *c)
{
    struct tally_key key = connlimit_key(rule, c);

    return tally_count(&l->tally, tally_find(&l->tally, &key));
}

uint32_t connlimit_peek(const void *block, const struct connlimit *own,
                        const struct ct_connlimit *rule,
                        const struct ct_conn *c)
{
    const struct connlimit *l = block;
    struct tally_key key = connlimit_key(rule, c);

    if (!l || !__atomic_load_n(&l->ready, __ATOMIC_ACQUIRE))
        return 0;
    return tally_peek(&l->tally, &key, &own->tally);
}

uint32_t connlimit_look(const struct connlimit *l,
                        const struct ct_connlimit *rule,
                        const struct ct_conn *c)
{
    uint8_t old = l->was ? l->from[rule->number - 1] : 0;

    return count_in_shard(l, rule, c) +
           (old ? count_in_shard(l->was, &l->was->rule[old - 1], c) : 0);
}

static bool has_counted(const struct connlimit *l, uint8_t number,
                        uint32_t slot)
{
    return number && (l->counted[slot] >> (number - 1) & 1);
}

static void count_flow(struct connlimit *l, const struct ct_connlimit *rule,
                       uint32_t slot, const struct ct_conn *c)
{
    struct tally_key key = connlimit_key(rule, c);

    if (has_counted(l, rule->number, slot))
        return;
    l->counted[slot] |= (uint16_t)(1u << (rule->number - 1));
    (void)tally_add(&l->tally, &key);
}

/* What the rules before have counted of one slot. */
static void move_counts(struct connlimit *l, uint32_t slot,
                        const struct ct_conn *c)
{
    if (!l->was || !l->was->counted[slot])
        return;
    for (unsigned i = 0; i < CT_MAX_CONNLIMITS; i++)
        if (has_counted(l->was, l->from[i], slot)) {
            work_step(l->tally.work, 1);
            count_flow(l, &l->rule[i], slot, c);
        }
    connlimit_forget(l->was, slot, c);
}

void connlimit_follow(struct connlimit *l, uint8_t number,
                      struct connlimit *was, uint8_t old)
{
    l->from[number - 1] = old;
    if (old)
        l->was = was;
}

bool connlimit_move_some(struct connlimit *l, const struct ct_conn *conns,
                         uint32_t n, uint32_t budget, struct work *work)
{
    uint32_t begin = work->steps, slots = budget;

    if (!l->was)
        return true;
    for (; l->at < n; l->at++, budget--) {
        if (budget == 0 || !work_may_go_on(work, begin, slots))
            return false;
        work_step(work, 1);
        move_counts(l, l->at, &conns[l->at]);
    }
    l->was = NULL;
    return true;
}

uint32_t connlimit_count(struct connlimit *l, const struct ct_connlimit *rule,
                         uint32_t slot, const struct ct_conn *c)
{
    move_counts(l, slot, c);
    count_flow(l, rule, slot, c);
    return connlimit_look(l, rule, c);
}

void connlimit_forget(struct connlimit *l, uint32_t slot,
                      const struct ct_conn *c)
{
    uint16_t bits = l->counted[slot];

    if (l->was)
        connlimit_forget(l->was, slot, c);
    l->counted[slot] = 0;
    for (unsigned i = 0; bits; i++, bits >>= 1)
        if (bits & 1) {
            struct tally_key key = connlimit_key(&l->rule[i], c);

            tally_take(&l->tally, tally_find(&l->tally, &key));
        }
}
