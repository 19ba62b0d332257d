/* facts.c - what the kernel says of gateway mode's devices
 *
 * All devices and all their addresses are listed first, then those of gateway
 * mode are chosen: by name, or by an address that stands in the prefix that was
 * given.  Then the routes by inside devices are listed, and by outside ones if
 * there are several: else what does not lead inside leads to the only one.  A
 * list that the kernel changed while it was read is read again. */
#include "gateway/facts.h"

#include "kernel/netlink/addr.h"
#include "kernel/netlink/device.h"
#include "kernel/netlink/route.h"
#include "system/addr.h"

#include <ctcore/bits.h>

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>

enum { TRIES = 16 };

struct look {
    struct netlink_device *device;
    struct netlink_addr *addr;
    uint32_t n_devices, n_addrs;
    struct config_facts *facts;
    uint8_t at; /* number of the device whose routes are listed */
    bool all;   /* outside devices' routes are wanted, too */
    bool no_memory;
};

/* Room for one more of n things, doubling; false: none. */
static bool room_for(struct look *l, void **list, uint32_t n, size_t size)
{
    void *grown;

    if (n != 0 && ct_power_of_two(n) != n)
        return true;
    grown = realloc(*list, (n == 0 ? 1 : (size_t)n * 2) * size);
    if (grown == NULL) {
        l->no_memory = true;
        return false;
    }
    *list = grown;
    return true;
}

static void take_device(void *ctx, const struct netlink_device *device)
{
    struct look *l = ctx;

    if (!device->loopback &&
        room_for(l, (void **)&l->device, l->n_devices, sizeof *l->device))
        l->device[l->n_devices++] = *device;
}

static void take_addr(void *ctx, const struct netlink_addr *addr)
{
    struct look *l = ctx;

    if (room_for(l, (void **)&l->addr, l->n_addrs, sizeof *l->addr))
        l->addr[l->n_addrs++] = *addr;
}

static int list_kernel_devices(struct look *l, struct netlink *nl)
{
    int err = -EAGAIN;

    for (int i = 0; i < TRIES && err == -EAGAIN; i++) {
        l->n_devices = l->n_addrs = 0;
        err = netlink_device_each(nl, take_device, l);
        if (err == 0)
            err = netlink_addr_each(nl, take_addr, l);
    }
    return err == 0 && l->no_memory ? -ENOMEM : err;
}

/* ---- which device ---- */

struct wanted {
    const char *text;
    char key[32]; /* in the file */
    bool by_addr;
    union ct_addr addr;
    uint8_t family, len;
};

static struct wanted parse_wanted_device(const struct config_gateway *want,
                                         uint32_t i)
{
    struct wanted w = {.text = want->device[i]};

    config_gateway_key(i, want->name[i], w.key);
    w.by_addr = system_addr_prefix_or_one(w.text, &w.addr, &w.family, &w.len);
    return w;
}

static bool is_addr_wanted(const struct wanted *w, const struct netlink_addr *a)
{
    struct ct_addr_range r = system_addr_span(&w->addr, w->family, w->len);

    return a->family == w->family &&
           system_addr_compare(&r.lo, &a->addr) <= 0 &&
           system_addr_compare(&a->addr, &r.hi) <= 0;
}

static bool is_wanted_device(const struct look *l, const struct wanted *w,
                             const struct netlink_device *d)
{
    if (!w->by_addr)
        return strcmp(w->text, d->name) == 0;
    for (uint32_t i = 0; i < l->n_addrs; i++)
        if (l->addr[i].index == d->index && is_addr_wanted(w, &l->addr[i]))
            return true;
    return false;
}

/* The first that fits, or the one that was chosen before if it does.  *second:
 * another that fits, if the choice was free. */
static const struct netlink_device *
choose_device(const struct look *l, const struct wanted *w, const char *before,
              const struct netlink_device **second)
{
    const struct netlink_device *first = NULL;

    *second = NULL;
    for (uint32_t i = 0; i < l->n_devices; i++) {
        const struct netlink_device *d = &l->device[i];

        if (!is_wanted_device(l, w, d))
            continue;
        if (strcmp(before, d->name) == 0) {
            *second = NULL;
            return d;
        }
        if (first == NULL)
            first = d;
        else if (*second == NULL)
            *second = d;
    }
    return first;
}

/* ---- sentences ---- */

static void tell_missing(const struct look *l, const struct wanted *w,
                         char err[256])
{
    char addr[CONFIG_ADDR_TEXT];
    size_t at;

    at = (size_t)snprintf(err, 256, "%s: no network device %s %s; there %s",
                          w->key,
                          !w->by_addr                    ? "is called"
                          : strchr(w->text, '/') != NULL ? "has an address in"
                                                         : "has the address",
                          w->text, l->n_devices > 0 ? "are" : "is none");
    for (uint32_t i = 0; i < l->n_devices && at < 256; i++) {
        const struct netlink_device *d = &l->device[i];
        const char *first = "no address";

        for (uint32_t k = l->n_addrs; k-- > 0;)
            if (l->addr[k].index == d->index)
                first = system_addr_text(&l->addr[k].addr, l->addr[k].family,
                                         l->addr[k].len, addr);
        at += (size_t)snprintf(err + at, 256 - at, "%s %s (%s)",
                               i > 0 ? "," : "", d->name, first);
    }
    if (at >= 256)
        memcpy(err + 256 - sizeof "...", "...", sizeof "...");
}

/* Another number that means the same device; n: none. */
static uint32_t
find_duplicate_choice(const struct netlink_device *const chosen[], uint32_t n,
                      uint32_t i)
{
    for (uint32_t k = 0; k < n; k++)
        if (k != i && chosen[k] != NULL && chosen[k] == chosen[i])
            return k;
    return n;
}

/* wait: what is missing may come. */
static int check_device_choices(const struct look *l, const struct wanted *w,
                                bool wait,
                                const struct netlink_device *const chosen[],
                                const struct netlink_device *const second[],
                                char err[256])
{
    const uint32_t n = l->facts->n;

    for (uint32_t i = 0; i < n; i++) {
        if (chosen[i] == NULL && !wait) {
            tell_missing(l, &w[i], err);
            return -1;
        }
        if (second[i] != NULL) {
            snprintf(err, 256,
                     "%s: %s fits %s and %s: give one device's name or address",
                     w[i].key, w[i].text, chosen[i]->name, second[i]->name);
            return -1;
        }
    }
    for (uint32_t i = 0; i < n; i++) {
        uint32_t k = find_duplicate_choice(chosen, n, i);

        if (k == n)
            continue;
        snprintf(
            err, 256,
            "%s (%s) and %s (%s) are the same device, %s; use one for each",
            w[i].key, w[i].text, w[k].key, w[k].text, chosen[i]->name);
        return -1;
    }
    return 0;
}

/* ---- what of them ---- */

/* In which of the rounds an address is taken. */
static int rank_address(const struct netlink_addr *a)
{
    if (a->family == CT_IPV4)
        return 0;
    return 1 + (a->temporary ? 1 : 0) + (a->deprecated ? 2 : 0);
}

static void fill_device_facts(const struct look *l,
                              const struct netlink_device *d,
                              struct config_facts_device *out)
{
    out->index = d->index;
    out->mtu = (uint16_t)(d->mtu > UINT16_MAX ? UINT16_MAX : d->mtu);
    for (int round = 0; round <= 4; round++)
        for (uint32_t i = 0; i < l->n_addrs; i++) {
            const struct netlink_addr *a = &l->addr[i];

            if (a->index != d->index || rank_address(a) != round)
                continue;
            if (out->n_addrs == CONFIG_ADDRS) {
                out->n_more++;
                continue;
            }
            out->addr[out->n_addrs].addr = a->addr;
            out->addr[out->n_addrs].family = a->family;
            out->addr[out->n_addrs++].len = a->len;
        }
}

static void on_device_route(void *ctx, const struct netlink_route *route)
{
    struct look *l = ctx;
    struct config_facts *f = l->facts;

    if (route->index != f->device[l->at].index ||
        netlink_route_is_link_local(route) ||
        (route->dst_len == 0 && f->device[l->at].inside) ||
        !room_for(l, (void **)&f->routes, f->n_routes, sizeof *f->routes))
        return;
    f->routes[f->n_routes++] =
        (struct config_facts_route){.addr = route->dst,
                                    .family = route->family,
                                    .len = route->dst_len,
                                    .device = l->at,
                                    .metric = route->metric};
}

static int compare_prefix(const struct config_facts_route *x,
                          const struct config_facts_route *y)
{
    int addrs = system_addr_compare(&x->addr, &y->addr);

    if (x->family != y->family)
        return x->family - y->family;
    return addrs != 0 ? addrs : x->len - y->len;
}

static int compare_facts_routes(const void *a, const void *b)
{
    const struct config_facts_route *x = a, *y = b;
    int prefix = compare_prefix(x, y);

    if (prefix != 0)
        return prefix;
    if (x->metric != y->metric)
        return x->metric < y->metric ? -1 : 1;
    return x->device - y->device;
}

/* Of one prefix there may be several, of different metrics. */
static void sort_facts_routes(struct config_facts *f)
{
    uint32_t n = 0;

    if (f->n_routes == 0)
        return;
    qsort(f->routes, f->n_routes, sizeof *f->routes, compare_facts_routes);
    for (uint32_t i = 0; i < f->n_routes; i++)
        if (i == 0 || compare_prefix(&f->routes[n - 1], &f->routes[i]) != 0)
            f->routes[n++] = f->routes[i];
    f->n_routes = n;
}

static int list_routes_of(struct look *l, struct netlink *nl)
{
    const uint32_t n = l->facts->n_routes;
    const uint32_t index = l->facts->device[l->at].index;
    int err = -EAGAIN;

    if (index == 0)
        return 0;
    for (int i = 0; i < TRIES && err == -EAGAIN; i++) {
        l->facts->n_routes = n;
        err = netlink_route_each(nl, CT_IPV4, RT_TABLE_MAIN, index,
                                 on_device_route, l);
        if (err == 0)
            err = netlink_route_each(nl, CT_IPV6, RT_TABLE_MAIN, index,
                                     on_device_route, l);
    }
    return err;
}

static int list_routes(struct look *l, struct netlink *nl)
{
    int err = 0;

    for (l->at = 0; l->at < l->facts->n && err == 0; l->at++)
        if (l->all || l->facts->device[l->at].inside)
            err = list_routes_of(l, nl);
    sort_facts_routes(l->facts);
    return err == 0 && l->no_memory ? -ENOMEM : err;
}

/* One that never was there is called what it will be called; or, if only its
 * address is known, as no device can be: rules that name it mean none. */
static void name_it(const struct wanted *w, const struct netlink_device *chosen,
                    char name[16])
{
    if (chosen != NULL)
        memcpy(name, chosen->name, sizeof chosen->name);
    else if (name[0] == '\0')
        snprintf(name, 16, "%s", w->by_addr ? GATEWAY_FACTS_NONE : w->text);
}

static int read_kernel_facts(struct look *l, struct netlink *nl, bool all,
                             bool wait, const struct wanted w[],
                             struct gateway_facts_choice *choice, char err[256])
{
    const struct netlink_device *chosen[CONFIG_DEVICES],
        *second[CONFIG_DEVICES];
    const uint32_t n = l->facts->n;
    int code = list_kernel_devices(l, nl);

    if (code == 0) {
        for (uint32_t i = 0; i < n; i++)
            chosen[i] = choose_device(l, &w[i], choice->name[i], &second[i]);
        if (all && check_device_choices(l, w, wait, chosen, second, err) < 0)
            return -1;
        for (uint32_t i = 0; i < n; i++) {
            struct config_facts_device *d = &l->facts->device[i];

            name_it(&w[i], chosen[i], choice->name[i]);
            memcpy(d->name, choice->name[i], sizeof d->name);
            if (chosen[i] != NULL && find_duplicate_choice(chosen, n, i) == n)
                fill_device_facts(l, chosen[i], d);
        }
        code = list_routes(l, nl);
    }
    if (code == 0)
        return 0;
    snprintf(err, 256,
             "can't list the kernel's devices, addresses and routes: %s",
             strerror(-code));
    return -1;
}

int gateway_facts_look(struct netlink *nl, const struct config_gateway *want,
                       bool all, struct gateway_facts_choice *choice,
                       struct config_facts *facts, char err[256])
{
    struct wanted w[CONFIG_DEVICES];
    struct look l = {.facts = facts};
    uint32_t outside = 0;
    int code;

    memset(facts, 0, sizeof *facts);
    facts->n = want->n;
    for (uint32_t i = 0; i < want->n; i++) {
        struct config_facts_device *d = &facts->device[i];

        w[i] = parse_wanted_device(want, i);
        outside += !want->inside[i];
        d->inside = want->inside[i];
        memcpy(d->label, want->name[i], sizeof d->label);
        config_gateway_tun(want->name[i], d->tun);
    }
    l.all = outside > 1;
    code = read_kernel_facts(&l, nl, all, want->wait, w, choice, err);
    free(l.device);
    free(l.addr);
    if (code < 0)
        gateway_facts_free(facts);
    return code;
}

void gateway_facts_free(struct config_facts *facts)
{
    free(facts->routes);
    memset(facts, 0, sizeof *facts);
}

static bool has_equal_facts(const struct config_facts_device *a,
                            const struct config_facts_device *b)
{
    if (strcmp(a->name, b->name) != 0 || a->index != b->index ||
        a->mtu != b->mtu || a->n_addrs != b->n_addrs || a->n_more != b->n_more)
        return false;
    for (unsigned i = 0; i < a->n_addrs; i++)
        if (!ct_addr_eq(&a->addr[i].addr, &b->addr[i].addr) ||
            a->addr[i].family != b->addr[i].family ||
            a->addr[i].len != b->addr[i].len)
            return false;
    return true;
}

bool gateway_facts_equal(const struct config_facts *a,
                         const struct config_facts *b)
{
    if (a->n != b->n || a->n_routes != b->n_routes)
        return false;
    for (uint32_t i = 0; i < a->n; i++)
        if (!has_equal_facts(&a->device[i], &b->device[i]))
            return false;
    for (uint32_t i = 0; i < a->n_routes; i++)
        if (compare_prefix(&a->routes[i], &b->routes[i]) != 0 ||
            a->routes[i].device != b->routes[i].device)
            return false;
    return true;
}
