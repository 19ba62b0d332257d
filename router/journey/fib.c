/* fib.c - longest prefix match by a path-compressed binary trie
 *
 * Nodes stand in one array, a family has its own root.  A node is a prefix;
 * its children are longer prefixes that begin with it and differ in the bit
 * behind it, so a walk is at most one node a bit, and far fewer as only
 * routes and the points where they part have nodes: 2n - 1 for n routes.
 *
 * A key is the address as a big-endian number of 128 bits; IPv4 stands in the
 * topmost 32, so that a prefix length means the same in both families. */
#include "journey/fib.h"

#include <ctcore/wire.h>

#include <stdlib.h>
#include <string.h>

enum { NO_NODE = 0 }; /* index 0 is never a node */

struct key {
    uint64_t hi, lo;
};

struct node {
    struct key key; /* bits behind len are zero */
    uint32_t child[2];
    uint8_t len;
    uint8_t iface; /* CT_NO_IFACE: a point where routes part */
    uint16_t ways; /* of a shared one */
};

/* What a route says. */
struct way {
    uint8_t iface;
    uint16_t ways;
};

struct fib {
    uint32_t root[2]; /* IPv4, IPv6 */
    uint32_t n;       /* nodes used, node 0 included */
    struct node nodes[];
};

static struct key make_key(unsigned family, const union ct_addr *addr)
{
    struct key k = {__builtin_bswap64(addr->w64[0]),
                    __builtin_bswap64(addr->w64[1])};

    if (family == CT_IPV4)
        k = (struct key){k.hi >> 32 << 32, 0};
    return k;
}

static struct key cut(struct key k, unsigned len)
{
    if (len == 0)
        return (struct key){0, 0};
    if (len < 64)
        return (struct key){k.hi & ~(UINT64_MAX >> len), 0};
    if (len < 128)
        k.lo &= len == 64 ? 0 : ~(UINT64_MAX >> (len - 64));
    return k;
}

static unsigned bit(struct key k, unsigned i)
{
    return (unsigned)(i < 64 ? k.hi >> (63 - i) : k.lo >> (127 - i)) & 1;
}

static bool begins_with(struct key k, const struct node *node)
{
    struct key c = cut(k, node->len);

    return c.hi == node->key.hi && c.lo == node->key.lo;
}

/* Leading bits that a and b have in common, 128 at most. */
static unsigned common(struct key a, struct key b)
{
    uint64_t hi = a.hi ^ b.hi, lo = a.lo ^ b.lo;

    if (hi != 0)
        return (unsigned)__builtin_clzll(hi);
    return lo != 0 ? 64 + (unsigned)__builtin_clzll(lo) : 128;
}

static uint32_t add_node(struct fib *fib, struct key key, unsigned len,
                         struct way way)
{
    struct node *node = &fib->nodes[fib->n];

    node->key = cut(key, len);
    node->len = (uint8_t)len;
    node->iface = way.iface;
    node->ways = way.ways;
    return fib->n++;
}

static void insert(struct fib *fib, struct key key, unsigned len,
                   struct way way, uint32_t *link)
{
    static const struct way part = {CT_NO_IFACE, 0};

    for (;;) {
        struct node *node = &fib->nodes[*link];
        uint32_t old = *link, fresh;
        unsigned same;

        if (old == NO_NODE) {
            *link = add_node(fib, key, len, way);
            return;
        }
        same = common(key, node->key);
        if (same > len)
            same = len;
        if (same >= node->len) {
            if (node->len == len) {
                node->iface = way.iface;
                node->ways = way.ways;
                return;
            }
            link = &node->child[bit(key, node->len)];
            continue;
        }
        /* The paths part inside this node's prefix: a node for that point,
         * which is the new route itself when it ends there. */
        fresh = add_node(fib, key, same, same == len ? way : part);
        *link = fresh;
        fib->nodes[fresh].child[bit(node->key, same)] = old;
        if (same < len)
            fib->nodes[fresh].child[bit(key, same)] =
                add_node(fib, key, len, way);
        return;
    }
}

static struct way way_of(const struct fib_route *r)
{
    if (r->others == 0)
        return (struct way){r->iface, 0};
    return (struct way){FIB_SHARED, (uint16_t)(r->others | 1u << r->iface)};
}

struct fib *fib_new(const struct fib_route *routes, uint32_t n)
{
    struct fib *fib =
        calloc(1, sizeof(*fib) + sizeof(struct node) * (2 * (size_t)n + 1));

    if (fib == NULL)
        return NULL;
    fib->n = 1;
    fib->nodes[NO_NODE].iface = CT_NO_IFACE;
    for (uint32_t i = 0; i < n; i++) {
        const struct fib_route *r = &routes[i];
        struct key key = make_key(r->family, &r->addr);

        insert(fib, cut(key, r->len), r->len, way_of(r),
               &fib->root[r->family == CT_IPV6]);
    }
    return fib;
}

void fib_free(struct fib *fib)
{
    free(fib);
}

/* The node of the longest matching prefix; node 0 if there is none. */
static const struct node *find(const struct fib *fib, enum ct_family family,
                               const union ct_addr *addr)
{
    struct key key = make_key(family, addr);
    uint32_t i = fib->root[family == CT_IPV6], best = NO_NODE;
    unsigned bits = family == CT_IPV6 ? 128 : 32;

    while (i != NO_NODE) {
        const struct node *node = &fib->nodes[i];

        if (!begins_with(key, node))
            break;
        if (node->iface != CT_NO_IFACE)
            best = i;
        if (node->len >= bits)
            break;
        i = node->child[bit(key, node->len)];
    }
    return &fib->nodes[best];
}

uint8_t fib_lookup(const struct fib *fib, enum ct_family family,
                   const union ct_addr *addr)
{
    return find(fib, family, addr)->iface;
}

uint32_t fib_ways(const struct fib *fib, enum ct_family family,
                  const union ct_addr *addr)
{
    const struct node *node = find(fib, family, addr);

    return node->iface == FIB_SHARED    ? node->ways
           : node->iface == CT_NO_IFACE ? 0
                                        : 1u << node->iface;
}
