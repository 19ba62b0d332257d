/* portmap.c - three levels of bitmap an address, and the maps found by hash */
#include "nat/portmap.h"

#include "packet/parse.h"
#include "packet/tuple.h"

#include <ctcore/bits.h>

#include <string.h>

void portmap_init_all(struct portmaps *ps, struct block *b, uint32_t n,
                      uint32_t shard, uint32_t n_shards)
{
    *ps = (struct portmaps){
        .n_heads = ct_power_of_two(n), .shard = shard, .n_shards = n_shards};
    ps->n_index = (65536 - shard + n_shards - 1) / n_shards;
    ps->heads = block_take(b, ps->n_heads * sizeof(uint32_t));
}

void portmap_init_maps(struct portmaps *ps, struct block *b, uint32_t n)
{
    pool_init(&ps->maps, b, n, sizeof(struct portmap),
              offsetof(struct portmap, next));
    ps->use = block_take(b, (size_t)n * ps->n_index * sizeof(uint16_t));
}

bool portmap_is_for(const struct ct_tuple *t)
{
    return ct_proto_has_ports(t->proto) || ct_proto_is_icmp(t->proto);
}

uint16_t portmap_port(const struct ct_tuple *t)
{
    return ct_proto_is_icmp(t->proto) ? t->sport : t->dport;
}

/* ---- bits ---- */

static void portmap_set_bit(struct portmap *pm, uint32_t i)
{
    pm->used[i >> 6] |= 1ull << (i & 63);
    if (pm->used[i >> 6] != UINT64_MAX)
        return;
    pm->mid[i >> 12] |= 1ull << (i >> 6 & 63);
    if (pm->mid[i >> 12] == UINT64_MAX)
        pm->top |= 1ull << (i >> 12);
}

static void portmap_clear_bit(struct portmap *pm, uint32_t i)
{
    pm->used[i >> 6] &= ~(1ull << (i & 63));
    pm->mid[i >> 12] &= ~(1ull << (i >> 6 & 63));
    pm->top &= ~(1ull << (i >> 12));
}

/* Bits at or above at, of a word. */
static uint64_t bits_from(uint64_t word, uint32_t at)
{
    return at > 63 ? 0 : word & ~0ull << at;
}

uint32_t portmap_open(const struct portmap *pm, uint32_t i)
{
    uint64_t m;
    uint32_t w = i >> 6;

    if (i > 0xffff)
        return i;
    m = bits_from(~pm->used[w], i & 63);
    if (m)
        return w << 6 | (uint32_t)__builtin_ctzll(m);
    m = bits_from(~pm->mid[w >> 6], (w & 63) + 1);
    if (!m) {
        m = bits_from(~pm->top & 0xffff, (w >> 6) + 1);
        if (!m)
            return 65536;
        w = (uint32_t)__builtin_ctzll(m) << 6;
        m = ~pm->mid[w >> 6];
    }
    w = (w & ~63u) | (uint32_t)__builtin_ctzll(m);
    return w << 6 | (uint32_t)__builtin_ctzll(~pm->used[w]);
}

/* ---- maps ---- */

static struct portmap *portmap_of_link(const struct portmaps *ps, uint32_t link)
{
    return (struct portmap *)(void *)ps->maps.items + (link - 1);
}

/* Where that map is named, or where its chain ends. */
static uint32_t *find_portmap_link(const struct portmaps *ps,
                                   const union ct_addr *addr, uint8_t family,
                                   uint8_t proto)
{
    uint64_t w[3] = {addr->w64[0], addr->w64[1], (uint64_t)family << 8 | proto};
    uint32_t *link = &ps->heads[hash_words(w, 3, ps->key) & (ps->n_heads - 1)];

    while (*link) {
        struct portmap *pm = portmap_of_link(ps, *link);

        if (pm->proto == proto && pm->family == family &&
            ct_addr_eq(&pm->addr, addr))
            break;
        work_step(ps->work, 1);
        link = &pm->next;
    }
    return link;
}

struct portmap *portmap_find(const struct portmaps *ps,
                             const union ct_addr *addr, uint8_t family,
                             uint8_t proto)
{
    uint32_t link = *find_portmap_link(ps, addr, family, proto);

    return link ? portmap_of_link(ps, link) : NULL;
}

struct portmap *portmap_make(struct portmaps *ps, const union ct_addr *addr,
                             uint8_t family, uint8_t proto)
{
    uint32_t *link = find_portmap_link(ps, addr, family, proto),
             fresh = ps->maps.fresh;
    struct portmap *pm;

    if (*link)
        return portmap_of_link(ps, *link);
    *link = pool_get(&ps->maps) + 1; /* CT_NONE + 1: none */
    if (!*link)
        return NULL;
    pm = portmap_of_link(ps, *link);
    if (ps->maps.fresh != fresh) /* else it was left without a bit */
        memset(pm, 0, sizeof *pm);
    pm->addr = *addr;
    pm->family = family;
    pm->proto = proto;
    pm->next = 0;
    return pm;
}

static void give_back(struct portmaps *ps, struct portmap *pm)
{
    uint32_t *link = find_portmap_link(ps, &pm->addr, pm->family, pm->proto);
    uint32_t item = *link - 1;

    *link = pm->next;
    if (pm->stuck)
        memset(pm, 0, sizeof *pm);
    pool_put(&ps->maps, item);
}

/* ---- counts ---- */

static uint16_t *use_of(const struct portmaps *ps, const struct portmap *pm,
                        uint32_t index)
{
    size_t map = (size_t)(pm - portmap_of_link(ps, 1));

    return &ps->use[map * ps->n_index + index];
}

/* A count that has reached its end stays there until the map counts nothing. */
void portmap_count(struct portmaps *ps, struct portmap *pm, uint32_t index)
{
    uint16_t *use = use_of(ps, pm, index);
    bool is_used;

    ct_assert(index < ps->n_index);
    is_used = pm->used[index >> 6] >> (index & 63) & 1;
    pm->total++;
    if (!is_used) {
        *use = 1;
        portmap_set_bit(pm, index);
    } else if (*use == UINT16_MAX - 1) {
        *use = UINT16_MAX;
        pm->stuck = true;
    } else if (*use < UINT16_MAX) {
        ++*use;
    }
}

void portmap_uncount(struct portmaps *ps, struct portmap *pm, uint32_t index)
{
    uint16_t *use = use_of(ps, pm, index);

    ct_assert(pm->total > 0 && (pm->used[index >> 6] >> (index & 63) & 1));
    if (*use < UINT16_MAX && --*use == 0)
        portmap_clear_bit(pm, index);
    if (--pm->total == 0)
        give_back(ps, pm);
}

bool portmap_is_used(const struct portmaps *ps, const struct portmap *pm,
                     uint16_t port)
{
    uint32_t i = port / ps->n_shards;

    return !portmap_is_ours(ps, port) || (pm->used[i >> 6] >> (i & 63) & 1);
}

/* ---- ranges ---- */

uint32_t portmap_index(const struct portmaps *ps, uint32_t port)
{
    return port <= ps->shard
               ? 0
               : (port - ps->shard + ps->n_shards - 1) / ps->n_shards;
}

uint32_t portmap_size(const struct portmaps *ps, uint16_t lo, uint16_t hi)
{
    return lo > hi ? 0 : portmap_index(ps, hi + 1u) - portmap_index(ps, lo);
}

void portmap_class(bool id, uint16_t port, uint16_t *lo, uint16_t *hi)
{
    *lo = id ? 0 : port < 512 ? 1 : port < 1024 ? 600 : 1024;
    *hi = id ? 65535 : port < 512 ? 511 : port < 1024 ? 1023 : 65535;
}
