#include "connlimit.h"

#include "hash.h"
#include "tcp_segment.h"

struct counter {
    union ct_addr source; /* masked */
    uint32_t n;           /* flows; or the pool's link */
    uint32_t next;        /* number + 1, or 0 */
    uint8_t number, family;
};

struct connlimit *connlimit_init(struct block *b, uint32_t max,
                                 const struct ct_ruleset *rules)
{
    struct connlimit *made = block_take(b, sizeof *made), scratch;
    struct connlimit *l = made ? made : &scratch;

    l->n_heads = pool_power_of_two(max);
    l->heads = block_take(b, l->n_heads * sizeof *l->heads);
    l->counted = block_take(b, max * sizeof *l->counted);
    pool_init(&l->counters, b, max * rules->n_connlimits,
              sizeof(struct counter), offsetof(struct counter, n));
    for (uint32_t i = 0; made && i < rules->n; i++)
        if (rules->rules[i].connlimit.number)
            made->rule[rules->rules[i].connlimit.number - 1] =
                rules->rules[i].connlimit;
    return made;
}

bool connlimit_is_over(const struct ct_conn *c, const union ct_proto_state *st)
{
    return c->tuple[CT_DIR_ORIGINAL].proto == 6 &&
           (st->tcp.state == TCP_TIME_WAIT || st->tcp.state == TCP_CLOSE);
}

static struct counter *counter_at(const struct connlimit *l, uint32_t i)
{
    return (struct counter *)(void *)l->counters.items + i;
}

static void mask(union ct_addr *a, unsigned bits)
{
    for (unsigned i = 0; i<16; i++, bits = bits> 8 ? bits - 8 : 0)
        if (bits < 8)
            a->b[i] &= (uint8_t)(0xff00u >> bits);
}

/* What its counter is found by. */
static struct counter want_of(const struct ct_connlimit *rule,
                              const struct ct_conn *c)
{
    const struct ct_tuple *orig = &c->tuple[CT_DIR_ORIGINAL];
    struct counter want = {
        .source = orig->src, .number = rule->number, .family = orig->family};

    mask(&want.source, orig->family == CT_IPV4 ? rule->prefix4 : rule->prefix6);
    return want;
}

static uint32_t *head_of(const struct connlimit *l, const struct counter *want)
{
    uint64_t w[3] = {want->source.w64[0], want->source.w64[1],
                     (uint64_t)want->family << 8 | want->number};

    return &l->heads[hash_words(w, 3, l->key) & (l->n_heads - 1)];
}

/* Where that counter is named, or where its chain ends. */
static uint32_t *find(const struct connlimit *l, const struct counter *want)
{
    uint32_t *at = head_of(l, want);

    for (; *at; at = &counter_at(l, *at - 1)->next) {
        const struct counter *is = counter_at(l, *at - 1);

        if (is->number == want->number && is->family == want->family &&
            ct_addr_eq(&is->source, &want->source))
            break;
    }
    return at;
}

uint32_t connlimit_look(const struct connlimit *l,
                        const struct ct_connlimit *rule,
                        const struct ct_conn *c)
{
    struct counter want = want_of(rule, c);
    uint32_t at = *find(l, &want);

    return at ? counter_at(l, at - 1)->n : 0;
}

uint32_t connlimit_count(struct connlimit *l, const struct ct_connlimit *rule,
                         uint32_t slot, const struct ct_conn *c)
{
    struct counter want = want_of(rule, c);
    uint32_t *at = find(l, &want);

    if (!connlimit_has(l, rule->number, slot)) {
        if (!*at) {
            /* Never CT_NONE: there is one for each entry and rule. */
            uint32_t i = pool_get(&l->counters);

            *counter_at(l, i) = want;
            *at = i + 1;
        }
        counter_at(l, *at - 1)->n++;
        l->counted[slot] |= (uint16_t)(1u << (rule->number - 1));
    }
    return counter_at(l, *at - 1)->n;
}

static void uncount(struct connlimit *l, const struct ct_connlimit *rule,
                    const struct ct_conn *c)
{
    struct counter want = want_of(rule, c);
    uint32_t *at = find(l, &want), i = *at - 1;
    struct counter *is = counter_at(l, i);

    if (--is->n > 0)
        return;
    *at = is->next;
    pool_put(&l->counters, i);
}

void connlimit_forget(struct connlimit *l, uint32_t slot,
                      const struct ct_conn *c)
{
    uint16_t bits = l->counted[slot];

    l->counted[slot] = 0;
    for (unsigned i = 0; bits; i++, bits >>= 1)
        if (bits & 1)
            uncount(l, &l->rule[i], c);
}
