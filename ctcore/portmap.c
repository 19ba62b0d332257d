#include "portmap.h"

#include "parse.h"
#include "tuple.h"

#include <string.h>

/* Queries have an id where others have ports. */
static bool is_query(const struct ct_tuple *t)
{
    return t->proto == PROTO_ICMP || t->proto == PROTO_ICMPV6;
}

void portmaps_init(struct portmaps *ps, struct block *b, uint32_t n,
                   uint32_t max, uint32_t shard, uint32_t n_shards)
{
    *ps = (struct portmaps){.n = n, .shard = shard, .n_shards = n_shards};
    ps->n_index = (65536 - shard + n_shards - 1) / n_shards;
    ps->map = block_take(b, n * sizeof(struct portmap));
    for (uint32_t i = 0; i < n; i++) {
        uint32_t *use = block_take(b, ps->n_index * sizeof(uint32_t));

        if (b->base)
            ps->map[i].use = use;
    }
    ps->n_remote = pool_power_of_two(max);
    ps->remote = block_take(b, ps->n_remote * sizeof(uint32_t));
}

void portmaps_start(struct portmaps *ps)
{
    for (uint32_t i = 0; i < ps->n; i++)
        ps->map[i].active = false;
    memset(ps->remote, 0, ps->n_remote * sizeof(uint32_t));
}

uint16_t portmap_port(const struct ct_tuple *t)
{
    return is_query(t) ? t->sport : t->dport;
}

static void set_bit(struct portmap *pm, uint32_t i)
{
    pm->free_[i >> 6] |= 1ull << (i & 63);
    pm->mid[i >> 12] |= 1ull << (i >> 6 & 63);
    pm->top |= 1ull << (i >> 12);
}

static void clear_bit(struct portmap *pm, uint32_t i)
{
    pm->free_[i >> 6] &= ~(1ull << (i & 63));
    if (pm->free_[i >> 6])
        return;
    pm->mid[i >> 12] &= ~(1ull << (i >> 6 & 63));
    if (!pm->mid[i >> 12])
        pm->top &= ~(1ull << (i >> 12));
}

/* Bits at or above at, of a word. */
static uint64_t from(uint64_t word, uint32_t at)
{
    return at > 63 ? 0 : word & ~0ull << at;
}

/* First set bit at or after i, or UINT32_MAX. */
static uint32_t find_bit(const struct portmap *pm, uint32_t i)
{
    uint64_t m;
    uint32_t w = i >> 6;

    if (i > 0xffff)
        return UINT32_MAX;
    m = from(pm->free_[w], i & 63);
    if (m)
        return w << 6 | (uint32_t)__builtin_ctzll(m);
    m = from(pm->mid[w >> 6], (w & 63) + 1);
    if (!m) {
        m = from(pm->top, (w >> 6) + 1);
        if (!m)
            return UINT32_MAX;
        w = (uint32_t)__builtin_ctzll(m) << 6;
        m = pm->mid[w >> 6];
    }
    w = (w & ~63u) | (uint32_t)__builtin_ctzll(m);
    return w << 6 | (uint32_t)__builtin_ctzll(pm->free_[w]);
}

static void begin(struct portmaps *ps, struct portmap *pm,
                  const union ct_addr *addr, uint8_t family, uint8_t proto)
{
    pm->addr = *addr;
    pm->family = family;
    pm->proto = proto;
    pm->active = true;
    pm->total = 0;
    pm->top = 0;
    memset(pm->mid, 0, sizeof pm->mid);
    memset(pm->free_, 0, sizeof pm->free_);
    memset(pm->use, 0, ps->n_index * sizeof(uint32_t));
    for (uint32_t i = 0; i < ps->n_index; i++)
        set_bit(pm, i);
}

struct portmap *portmap_find(struct portmaps *ps, const union ct_addr *addr,
                             uint8_t family, uint8_t proto, bool make)
{
    struct portmap *spare = NULL;

    for (uint32_t i = 0; i < ps->n; i++) {
        struct portmap *pm = &ps->map[i];

        if (!pm->active)
            spare = pm;
        else if (pm->proto == proto && pm->family == family &&
                 ct_addr_eq(&pm->addr, addr))
            return pm;
        else if (pm->total == 0 && (!spare || spare->active))
            spare = pm;
    }
    if (!make || !spare)
        return NULL;
    begin(ps, spare, addr, family, proto);
    return spare;
}

/* The kernel's three classes, and what lies outside of them. */
static uint32_t class_of(uint16_t port)
{
    if (port == 0)
        return 4;
    return port < 512 ? 0 : port < 600 ? 3 : port < 1024 ? 1 : 2;
}

static uint32_t *remote_of(const struct portmaps *ps, const struct ct_tuple *t,
                           uint32_t class)
{
    struct ct_tuple k = *t;

    k.dport = (uint16_t) class;
    if (is_query(t))
        k.sport = k.dport = 0;
    return &ps->remote[tuple_hash(&k, ps->key) & (ps->n_remote - 1)];
}

static uint32_t class_of_tuple(const struct ct_tuple *t)
{
    return is_query(t) ? 0 : class_of(t->dport);
}

bool portmap_count(struct portmaps *ps, const struct ct_tuple *t)
{
    struct portmap *pm = portmap_find(ps, &t->dst, t->family, t->proto, false);
    uint16_t port = portmap_port(t);

    if (!pm || port % ps->n_shards != ps->shard)
        return false;
    pm->total++;
    if (pm->use[port / ps->n_shards]++ == 0)
        clear_bit(pm, port / ps->n_shards);
    ++*remote_of(ps, t, class_of_tuple(t));
    return true;
}

void portmap_uncount(struct portmaps *ps, const struct ct_tuple *t)
{
    struct portmap *pm = portmap_find(ps, &t->dst, t->family, t->proto, false);
    uint32_t i = portmap_port(t) / ps->n_shards;

    pm->total--;
    pm->releases++;
    if (--pm->use[i] == 0)
        set_bit(pm, i);
    --*remote_of(ps, t, class_of_tuple(t));
}

void portmap_vacate(struct portmaps *ps, const struct ct_tuple *t)
{
    struct portmap *pm = portmap_find(ps, &t->dst, t->family, t->proto, false);

    if (pm)
        pm->releases++;
}

uint32_t portmap_use(const struct portmaps *ps, const struct portmap *pm,
                     uint16_t port)
{
    return port % ps->n_shards == ps->shard ? pm->use[port / ps->n_shards]
                                            : UINT32_MAX;
}

/* The smallest index whose port is at least port. */
static uint32_t index_from(const struct portmaps *ps, uint32_t port)
{
    return port <= ps->shard
               ? 0
               : (port - ps->shard + ps->n_shards - 1) / ps->n_shards;
}

bool portmap_exclusive(const struct portmaps *ps, const struct portmap *pm,
                       uint16_t lo, uint16_t hi, uint16_t start, uint16_t *port)
{
    uint32_t first = index_from(ps, lo), end = index_from(ps, hi + 1u);
    uint32_t i = find_bit(pm, index_from(ps, start < lo ? lo : start));

    if (i >= end)
        i = find_bit(pm, first);
    if (i >= end)
        return false;
    *port = (uint16_t)(i * ps->n_shards + ps->shard);
    return true;
}

uint32_t portmap_size(const struct portmaps *ps, uint16_t lo, uint16_t hi)
{
    return lo > hi ? 0 : index_from(ps, hi + 1u) - index_from(ps, lo);
}

uint16_t portmap_kth(const struct portmaps *ps, uint16_t lo, uint32_t k)
{
    return (uint16_t)((index_from(ps, lo) + k) * ps->n_shards + ps->shard);
}

bool portmap_full(const struct portmaps *ps, const struct ct_tuple *t,
                  uint16_t lo, uint16_t hi)
{
    uint32_t class = is_query(t) ? 0 : class_of(lo);

    return *remote_of(ps, t, class) >= portmap_size(ps, lo, hi);
}

void portmap_class(bool id, uint16_t port, uint16_t *lo, uint16_t *hi)
{
    *lo = id ? 0 : port < 512 ? 1 : port < 1024 ? 600 : 1024;
    *hi = id ? 65535 : port < 512 ? 511 : port < 1024 ? 1023 : 65535;
}
