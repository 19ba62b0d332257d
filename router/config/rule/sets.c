/* sets.c - sets of addresses
 *
 * Whatever is written becomes ranges, sorted and merged, one row a family, as
 * the core searches them, with an index where there are many.  A rule that
 * names one set alone shares the set's rows. */
#include "config/rule/sets.h"

#include <stdlib.h>
#include <string.h>

#include "system/addr.h"

#define EXPECTED                                                               \
    "an address, a prefix, a range A-B or the name of a set or an interface"

/* What is gathered before it is sorted. */
struct heap {
    struct ct_addr_range *r[2]; /* IPv4, IPv6 */
    uint32_t n[2], room[2];
    bool own;                      /* has addresses that the kernel gives */
    bool alone;                    /* one text only, so ... */
    const struct config_set *only; /* ... a set's own rows will do */
};

static void add_addr_range(struct config_read *r, struct heap *h, unsigned six,
                           struct ct_addr_range range)
{
    if (h->n[six] == h->room[six]) {
        uint32_t room = h->room[six] == 0 ? 4 : 2 * h->room[six];
        struct ct_addr_range *more =
            config_read_scratch(r, room, sizeof(*more));

        if (h->n[six] > 0)
            memcpy(more, h->r[six], h->n[six] * sizeof(*more));
        h->r[six] = more;
        h->room[six] = room;
    }
    h->r[six][h->n[six]++] = range;
}

static int compare_addr_ranges(const void *a, const void *b)
{
    const struct ct_addr_range *x = a, *y = b;
    int c = system_addr_compare(&x->lo, &y->lo);

    return c != 0 ? c : system_addr_compare(&x->hi, &y->hi);
}

/* Does b begin at or before the address behind a's end? */
static bool can_join_ranges(const struct ct_addr_range *a,
                            const struct ct_addr_range *b, unsigned six)
{
    union ct_addr next = a->hi;

    for (int i = six ? 15 : 3; i >= 0; i--)
        if (++next.b[i] != 0)
            return system_addr_compare(&b->lo, &next) <= 0;
    return true; /* a ends with the last address there is */
}

static uint32_t merge_addr_ranges(struct ct_addr_range *r, uint32_t n,
                                  unsigned six)
{
    uint32_t last = 0;

    qsort(r, n, sizeof(*r), compare_addr_ranges);
    for (uint32_t i = 1; i < n; i++) {
        if (!can_join_ranges(&r[last], &r[i], six))
            r[++last] = r[i];
        else if (system_addr_compare(&r[i].hi, &r[last].hi) > 0)
            r[last].hi = r[i].hi;
    }
    return last + 1;
}

static const struct ct_addr_range *
store_addr_ranges(struct config_read *r, struct ct_addr_range *gathered,
                  uint32_t *n, unsigned six)
{
    struct ct_addr_range *kept;

    if (*n == 0)
        return NULL;
    *n = merge_addr_ranges(gathered, *n, six);
    kept = config_read_alloc(r, *n, sizeof(*kept));
    return memcpy(kept, gathered, *n * sizeof(*kept));
}

static void make_index(struct config_read *r, struct ct_addr_index *index,
                       const struct ct_addr_range *ranges, uint32_t n, bool v4)
{
    uint32_t words = ct_addr_index_words(n);

    if (words > 0)
        ct_addr_index_make(index, config_read_alloc(r, words, sizeof(uint32_t)),
                           ranges, n, v4);
}

static void finish_addr_set(struct config_read *r, struct heap *h,
                            struct ct_addr_set *out)
{
    if (h->only != NULL) {
        bool negate = out->negate;

        *out = h->only->set;
        out->negate = negate;
    } else {
        out->v4 = store_addr_ranges(r, h->r[0], &h->n[0], 0);
        out->v6 = store_addr_ranges(r, h->r[1], &h->n[1], 1);
        out->n_v4 = h->n[0];
        out->n_v6 = h->n[1];
        make_index(r, &out->index4, out->v4, out->n_v4, true);
        make_index(r, &out->index6, out->v6, out->n_v6, false);
    }
    out->both = h->own;
    out->present = true;
}

bool config_sets_span(struct config_read *r, const char *s,
                      const union ct_addr *addr, uint8_t family, uint8_t len,
                      struct ct_addr_range *span)
{
    char text[CONFIG_ADDR_TEXT];

    *span = system_addr_span(addr, family, len);
    if (ct_addr_eq(&span->lo, addr))
        return true;
    config_read_fail(r, "%s has bits set behind its prefix; use %s",
                     config_read_show(r, s),
                     system_addr_text(&span->lo, family, len, text));
    return false;
}

static bool add_prefix(struct config_read *r, const char *s, struct heap *h)
{
    struct ct_addr_range span;
    union ct_addr addr;
    uint8_t family, len;

    if (!system_addr_prefix_or_one(s, &addr, &family, &len)) {
        config_read_fail(
            r, "%s is not an address, a set or an interface; use " EXPECTED,
            config_read_show(r, s));
        return false;
    }
    if (!config_sets_span(r, s, &addr, family, len, &span))
        return false;
    add_addr_range(r, h, family == CT_IPV6, span);
    return true;
}

static bool add_range(struct config_read *r, const char *s, const char *dash,
                      struct heap *h)
{
    struct ct_addr_range range;
    uint8_t family, other;
    char first[CONFIG_ADDR_TEXT];

    if ((size_t)(dash - s) >= sizeof(first))
        dash = s;
    memcpy(first, s, (size_t)(dash - s));
    first[dash - s] = '\0';
    if (!system_addr_one(first, &range.lo, &family) ||
        !system_addr_one(dash + 1, &range.hi, &other)) {
        config_read_fail(r, "%s is not a range of addresses; use " EXPECTED,
                         config_read_show(r, s));
        return false;
    }
    if (family != other || system_addr_compare(&range.lo, &range.hi) > 0) {
        config_read_fail(r,
                         "%s ends before it begins; use two addresses of one "
                         "family, the lower one first",
                         config_read_show(r, s));
        return false;
    }
    add_addr_range(r, h, family == CT_IPV6, range);
    return true;
}

static const struct config_set *find_addr_set(const struct config_read *r,
                                              const char *name)
{
    for (uint32_t i = 0; i < r->memory->n_sets; i++)
        if (strcmp(r->memory->sets[i].name, name) == 0)
            return &r->memory->sets[i];
    return NULL;
}

static bool add_set(struct config_read *r, const char *s, struct heap *h)
{
    const struct config_set *set = find_addr_set(r, s[0] == '@' ? s + 1 : s);

    if (set == NULL) {
        config_read_fail(r, "unknown set %s; use a key of \"sets\"",
                         config_read_show(r, s + 1));
        return false;
    }
    if (h->alone) {
        h->only = set;
        return true;
    }
    for (uint32_t i = 0; i < set->set.n_v4; i++)
        add_addr_range(r, h, 0, set->set.v4[i]);
    for (uint32_t i = 0; i < set->set.n_v6; i++)
        add_addr_range(r, h, 1, set->set.v6[i]);
    return true;
}

static void add_iface_addrs(struct config_read *r,
                            const struct config_iface *iface, struct heap *h)
{
    for (unsigned i = 0; i < iface->n_addrs; i++)
        add_addr_range(
            r, h, iface->addr[i].family == CT_IPV6,
            (struct ct_addr_range){iface->addr[i].addr, iface->addr[i].addr});
}

/* In gateway mode addresses come and go: none at the moment is no error. */
static bool add_iface(struct config_read *r, uint8_t i, struct heap *h)
{
    const struct config_iface *iface = &r->config->iface[i];

    h->own |= r->config->gateway.set;
    if (iface->n_addrs == 0 && !h->own) {
        config_read_fail(r, "interface \"%s\" has no address; use one that has",
                         iface->name);
        return false;
    }
    add_iface_addrs(r, iface, h);
    return true;
}

/* named: inside "sets", where sets are not known yet. */
static bool add_text(struct config_read *r, const char *s, bool named,
                     struct heap *h)
{
    const char *dash = strchr(s, '-');
    uint8_t iface = named ? CT_NO_IFACE : config_iface_find(r->config, s);

    if (!named && (s[0] == '@' || find_addr_set(r, s) != NULL))
        return add_set(r, s, h);
    if (iface != CT_NO_IFACE)
        return add_iface(r, iface, h);
    return dash != NULL ? add_range(r, s, dash, h) : add_prefix(r, s, h);
}

/* ---- named sets ---- */

static bool name_ok(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789_.-");

    return n > 0 && n < 64 && s[n] == '\0' &&
           strchr("0123456789.-", s[0]) == NULL;
}

static void read_config_set(struct config_read *r, json_t *v,
                            struct config_set *set)
{
    struct heap h = {.alone = false};

    if (!json_is_array(v)) {
        config_read_fail(r,
                         "%s is not allowed here; use a list of addresses, "
                         "prefixes and ranges",
                         config_read_kind(r, v));
        return;
    }
    set->given = (uint32_t)json_array_size(v);
    for (size_t i = 0; i < json_array_size(v); i++) {
        const char *s;
        size_t was = config_read_enter_at(r, i);

        s = config_read_string(r, json_array_get(v, i), 128,
                               "an address, a prefix or a range A-B");
        if (s != NULL)
            (void)add_text(r, s, true, &h);
        config_read_leave(r, was);
    }
    finish_addr_set(r, &h, &set->set);
}

void config_sets_read(struct config_read *r, json_t *v, void *into)
{
    const char *name;
    json_t *member;

    (void)into;
    if (!json_is_object(v)) {
        config_read_fail(r,
                         "%s is not allowed here; use an object: names of sets "
                         "and their lists",
                         config_read_kind(r, v));
        return;
    }
    r->memory->sets = config_read_alloc(r, json_object_size(v) + 1,
                                        sizeof(struct config_set));
    json_object_foreach(v, name, member)
    {
        struct config_set *set = &r->memory->sets[r->memory->n_sets];
        size_t was;

        if (!name_ok(name)) {
            config_read_fail_in(
                r, name, true,
                "%s is not allowed as the name of a set; use up to 63 of A-Z "
                "a-z 0-9 _ . -, beginning with a letter or _",
                config_read_show(r, name));
            continue;
        }
        set->name = name; /* lives in memory->root */
        was = config_read_enter(r, name);
        read_config_set(r, member, set);
        config_read_leave(r, was);
        r->memory->n_sets++;
    }
}

/* ---- matches ---- */

/* One text of a match; first: it decides whether the list is negated. */
static bool add_match(struct config_read *r, const json_t *v, bool first,
                      struct heap *h, bool *negate)
{
    const char *s = config_read_string(r, v, 128, EXPECTED);
    bool inverse;

    if (s == NULL)
        return false;
    inverse = s[0] == '!';
    if (!first && inverse != *negate) {
        config_read_fail(r, "only some entries begin with !; use ! before "
                            "every entry, or before none");
        return false;
    }
    *negate = inverse;
    for (s += inverse; *s == ' '; s++)
        ;
    return add_text(r, s, false, h);
}

void config_sets_own(struct config_read *r, uint32_t ifaces,
                     struct ct_addr_set *out)
{
    struct heap h = {.own = true};

    for (uint32_t i = 0; i < r->config->n_ifaces; i++)
        if (ifaces >> i & 1)
            add_iface_addrs(r, &r->config->iface[i], &h);
    finish_addr_set(r, &h, out);
}

bool config_sets_match(struct config_read *r, json_t *v,
                       struct ct_addr_set *out)
{
    struct heap h = {.alone = json_array_size(v) < 2};
    bool ok = true, first = true;

    if (!json_is_array(v)) {
        ok = add_match(r, v, true, &h, &out->negate);
        finish_addr_set(r, &h, out);
    } else {
        for (size_t i = 0; i < json_array_size(v); i++, first = false) {
            size_t was = config_read_enter_at(r, i);

            ok &= add_match(r, json_array_get(v, i), first, &h, &out->negate);
            config_read_leave(r, was);
        }
        if (first)
            config_read_fail(r, "an empty list; use " EXPECTED);
        finish_addr_set(r, &h, out);
        ok &= !first;
    }
    if (ok && out->negate && !h.own && config_sets_families(out) == 0) {
        config_read_fail(r,
                         "! before an empty set; use a set that has entries");
        ok = false;
    }
    return ok;
}

unsigned config_sets_families(const struct ct_addr_set *set)
{
    return (set->n_v4 > 0 ? 1u : 0u) | (set->n_v6 > 0 ? 2u : 0u);
}
