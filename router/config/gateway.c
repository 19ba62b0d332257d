/* gateway.c - gateway mode: devices become interfaces, lan, wan and more
 *
 * What the kernel says of the devices at the moment is an input like the text:
 * whenever it changes, the same text is read again.  So nothing that is only
 * true of the kernel's part may be an error here: what contradicts itself is
 * settled, always in the same way. */
#include "config/gateway.h"

#include "config/ifaces.h"
#include "config/rule/sets.h"
#include "config/section.h"
#include "system/addr.h"

#include <stdlib.h>
#include <string.h>

enum { FIRST_FREE_PORT = 1024, LONGEST_NAME = 10 };

#define LAN CONFIG_GATEWAY_LAN
#define WAN CONFIG_GATEWAY_WAN

static const char *const names[2] = {"lan", "wan"};

/* ---- the devices ---- */

#define EXPECTED                                                               \
    "the name of a network device, an address that it has, or the "            \
    "prefix of one"

static bool is_device_prefix(struct config_read *r, const char *s)
{
    union ct_addr addr;
    uint8_t family, len;
    struct ct_addr_range span;

    if (!system_addr_prefix(s, &addr, &family, &len) || len == 0) {
        config_read_fail(r, "%s is not a prefix; use " EXPECTED,
                         config_read_show(r, s));
        return false;
    }
    return config_sets_span(r, s, &addr, family, len, &span);
}

static bool is_tun_name(const struct config *config, const char *s)
{
    char tun[16];

    for (uint32_t i = 0; i < config->gateway.n; i++) {
        config_gateway_tun(config->gateway.name[i], tun);
        if (strcmp(tun, s) == 0)
            return true;
    }
    return false;
}

static bool is_device_text(struct config_read *r, const char *s)
{
    union ct_addr addr;
    uint8_t family;
    const char *unfit;

    if (strchr(s, '/') != NULL)
        return is_device_prefix(r, s);
    if (system_addr_one(s, &addr, &family)) {
        unfit = system_addr_unfit(&addr, family);
        if (unfit != NULL)
            config_read_fail(r, "%s is %s; use " EXPECTED,
                             config_read_show(r, s), unfit);
        return unfit == NULL;
    }
    if (!config_ifaces_device_ok(s)) {
        config_read_fail(r, "%s is not a device; use " EXPECTED,
                         config_read_show(r, s));
        return false;
    }
    if (is_tun_name(r->config, s)) {
        config_read_fail(
            r, "%s is made by weir itself; use a device that exists already",
            config_read_show(r, s));
        return false;
    }
    return true;
}

/* Two texts for one thing? */
static bool is_same_device(const char *a, const char *b)
{
    union ct_addr x, y;
    uint8_t fx, fy, lx, ly;

    if (system_addr_prefix_or_one(a, &x, &fx, &lx) &&
        system_addr_prefix_or_one(b, &y, &fy, &ly))
        return fx == fy && lx == ly && ct_addr_eq(&x, &y);
    return strcmp(a, b) == 0;
}

/* One that no device has that was read before. */
static bool is_device_free(struct config_read *r, const char *s)
{
    const struct config_gateway *g = &r->config->gateway;

    for (uint32_t i = 0; i < g->n; i++) {
        if (g->device[i][0] == '\0' || !is_same_device(g->device[i], s))
            continue;
        config_read_fail(r, "%s is already %s; use another device", g->name[i],
                         config_read_show(r, s));
        return false;
    }
    return true;
}

static void read_device_text(struct config_read *r, const json_t *v,
                             char to[64])
{
    const char *s = config_read_string(r, v, 63, EXPECTED);

    if (s != NULL && is_device_text(r, s) && is_device_free(r, s))
        strcpy(to, s);
}

static void read_lan(struct config_read *r, json_t *v, void *into)
{
    read_device_text(r, v, ((struct config *)into)->gateway.device[LAN]);
}

static void read_wan(struct config_read *r, json_t *v, void *into)
{
    read_device_text(r, v, ((struct config *)into)->gateway.device[WAN]);
}

/* ---- further devices ---- */

struct further {
    char device[64];
    bool inside;
};

static void read_further_device(struct config_read *r, json_t *v, void *into)
{
    read_device_text(r, v, ((struct further *)into)->device);
}

static void read_further_side(struct config_read *r, json_t *v, void *into)
{
    ((struct further *)into)->inside = config_ifaces_inside(r, v);
}

static const struct config_key further_keys[] = {
    {"device", read_further_device},
    {"side", read_further_side},
};

/* In the order of names, whatever the file's: a reload then finds them again.
 */
static void insert_further_device(struct config_gateway *g, const char *name,
                                  const struct further *f)
{
    uint32_t i = g->n++;

    for (; i > WAN + 1 && strcmp(g->name[i - 1], name) > 0; i--) {
        memcpy(g->name[i], g->name[i - 1], sizeof g->name[i]);
        memcpy(g->device[i], g->device[i - 1], sizeof g->device[i]);
        g->inside[i] = g->inside[i - 1];
    }
    memset(g->name[i], 0, sizeof g->name[i]);
    strcpy(g->name[i], name);
    memcpy(g->device[i], f->device, sizeof f->device);
    g->inside[i] = f->inside;
}

static bool may_be_called(struct config_read *r, const char *name)
{
    const struct config_gateway *g = &r->config->gateway;
    char tun[16];

    if (!config_ifaces_name_ok(name) || strlen(name) > LONGEST_NAME ||
        strcmp(name, names[LAN]) == 0 || strcmp(name, names[WAN]) == 0) {
        config_read_fail_in(r, name, true,
                            "%s is not allowed as the name of a device; use 1 "
                            "to %d of A-Z a-z 0-9 _ . -, not lan or wan",
                            config_read_show(r, name), LONGEST_NAME);
        return false;
    }
    config_gateway_tun(name, tun);
    for (uint32_t i = 0; i < g->n; i++)
        if (strcmp(g->device[i], tun) == 0) {
            config_read_fail_in(r, name, true,
                                "weir makes a device %s, and %s is one "
                                "already; use another name",
                                tun, g->name[i]);
            return false;
        }
    return true;
}

static void read_further(struct config_read *r, json_t *v, const char *name)
{
    struct further f = {.device = ""};
    size_t was = config_read_enter(r, name);

    config_read_object(r, v, further_keys, CONFIG_READ_N(further_keys), NULL,
                       &f);
    for (unsigned i = 0; json_is_object(v) && i < 2; i++)
        if (json_object_get(v, further_keys[i].name) == NULL)
            config_read_fail(r, "\"%s\" is missing; use %s",
                             further_keys[i].name,
                             i == 0 ? EXPECTED : "\"inside\" or \"outside\"");
    config_read_leave(r, was);
    insert_further_device(&r->config->gateway, name, &f);
}

static void read_more(struct config_read *r, json_t *v, void *into)
{
    const size_t most = CONFIG_DEVICES - 2;
    const char *name;
    json_t *member;

    (void)into;
    if (!json_is_object(v) || json_object_size(v) > most) {
        config_read_fail(
            r,
            "%s is not allowed here; use an object of at most %zu devices, "
            "like {\"dmz\": {\"device\": \"eth2\", \"side\": \"inside\"}}",
            json_is_object(v) ? "too large" : config_read_kind(r, v), most);
        return;
    }
    json_object_foreach(v, name, member)
    {
        if (may_be_called(r, name))
            read_further(r, member, name);
    }
}

/* ---- ports ---- */

static bool read_range(struct config_read *r, const json_t *v,
                       struct ct_number_range *out)
{
    const char *s = json_string_value(v);
    uint64_t port;

    if (s != NULL && system_addr_ports(s, out) && out->lo > 0)
        return true;
    if (s == NULL && json_is_integer(v)) {
        if (!config_read_uint(r, v, 1, 65535, &port))
            return false;
        *out = (struct ct_number_range){(uint16_t)port, (uint16_t)port};
        return true;
    }
    config_read_fail(
        r, "%s is not a port; use 1 to 65535, or a range \"A-B\" with A <= B",
        config_read_kind(r, v));
    return false;
}

static int compare_port_ranges(const void *a, const void *b)
{
    const struct ct_number_range *x = a, *y = b;

    return x->lo != y->lo ? (int)x->lo - (int)y->lo : (int)x->hi - (int)y->hi;
}

/* Sorted, without overlap. */
static void merge_port_ranges(struct config_ports *p)
{
    uint32_t last = 0;

    qsort(p->range, p->n, sizeof(p->range[0]), compare_port_ranges);
    for (uint32_t i = 1; i < p->n; i++) {
        if (p->range[i].lo > p->range[last].hi + 1)
            p->range[++last] = p->range[i];
        else if (p->range[i].hi > p->range[last].hi)
            p->range[last].hi = p->range[i].hi;
    }
    if (p->n > 0)
        p->n = last + 1;
}

static void read_reserved(struct config_read *r, json_t *v, void *into)
{
    struct config_ports *p = &((struct config *)into)->gateway.reserved;

    if (!json_is_array(v)) {
        config_read_fail(
            r, "%s is not allowed here; use a list of ports and ranges",
            config_read_kind(r, v));
        return;
    }
    if (json_array_size(v) > CONFIG_READ_N(p->range)) {
        config_read_fail(r, "too many entries: %zu; use at most %zu",
                         json_array_size(v), CONFIG_READ_N(p->range));
        return;
    }
    for (size_t i = 0; i < json_array_size(v); i++) {
        size_t was = config_read_enter_at(r, i);

        if (read_range(r, json_array_get(v, i), &p->range[p->n]))
            p->n++;
        config_read_leave(r, was);
    }
    merge_port_ranges(p);
    for (uint32_t i = 0; i < p->n; i++)
        if (p->range[i].lo <= FIRST_FREE_PORT && p->range[i].hi == 65535)
            config_read_fail(
                r,
                "no port from %d to 65535 is left for mappings; reserve fewer",
                FIRST_FREE_PORT);
}

/* ---- interfaces of it ---- */

static bool has_addr(const struct config_iface *f, uint8_t family,
                     const union ct_addr *addr)
{
    for (unsigned i = 0; i < f->n_addrs; i++)
        if (f->addr[i].family == family && ct_addr_eq(&f->addr[i].addr, addr))
            return true;
    return false;
}

/* Has an earlier one of the devices it?  Translation needs it outside. */
static bool is_addr_taken(const struct config *config, unsigned side,
                          uint8_t family, const union ct_addr *addr)
{
    for (unsigned i = 0; i < config->n_ifaces; i++)
        if ((i == side || !config->iface[i].inside) &&
            has_addr(&config->iface[i], family, addr))
            return true;
    return false;
}

static void take_facts(struct config *config, unsigned side,
                       const struct config_facts_device *device)
{
    struct config_iface *f = &config->iface[side];

    if (device->mtu >= 68)
        f->mtu = device->mtu;
    for (unsigned i = 0; i < device->n_addrs; i++) {
        uint8_t family = device->addr[i].family, len = device->addr[i].len;
        uint8_t most = family == CT_IPV6 ? 128 : 32;
        const union ct_addr *addr = &device->addr[i].addr;

        if (system_addr_unfit(addr, family) != NULL ||
            is_addr_taken(config, side, family, addr))
            continue;
        f->addr[f->n_addrs].addr = *addr;
        f->addr[f->n_addrs].family = family;
        f->addr[f->n_addrs++].len = len > most ? most : len;
    }
}

static void set_gateway_defaults(struct config_gateway *g)
{
    g->set = true;
    g->n = 2;
    for (unsigned i = 0; i < g->n; i++)
        strcpy(g->name[i], names[i]);
    g->inside[LAN] = true;
}

/* Outside ones take their addresses first. */
static void make_ifaces(struct config_read *r, struct config *config)
{
    const struct config_gateway *g = &config->gateway;

    config->n_ifaces = g->n;
    for (unsigned i = 0; i < g->n; i++) {
        struct config_iface *f = &config->iface[i];

        strcpy(f->name, g->name[i]);
        config_gateway_tun(f->name, f->tun);
        f->inside = g->inside[i];
        f->mtu = 1500;
        f->offloads = g->offloads;
        f->txqueuelen = g->txqueuelen;
    }
    r->memory->facts_known = r->facts != NULL;
    for (int inside = 0; r->facts != NULL && inside <= 1; inside++)
        for (unsigned i = 0; i < g->n && i < r->facts->n; i++)
            if (g->inside[i] == inside)
                take_facts(config, i, &r->facts->device[i]);
}

static const struct config_key keys[] = {
    {"lan", read_lan},
    {"wan", read_wan},
    {"more", read_more},
    {"reserved_ports", read_reserved},
};

void config_gateway_read(struct config_read *r, json_t *v, void *into)
{
    struct config *config = into;
    bool alone = json_object_get(r->memory->root, "interfaces") == NULL;

    if (alone)
        set_gateway_defaults(&config->gateway);
    config_section_read_with(r, v, keys, CONFIG_READ_N(keys), into);
    for (unsigned side = 0; json_is_object(v) && side < 2; side++)
        if (json_object_get(v, names[side]) == NULL)
            config_read_fail(r,
                             "\"%s\" is missing; name the device that leads "
                             "to %s: " EXPECTED,
                             names[side],
                             side == LAN ? "the hosts inside" : "the world");
    if (alone)
        make_ifaces(r, config);
}

void config_gateway_check(struct config_read *r)
{
    const json_t *root = r->memory->root;
    bool gateway = json_object_get(root, "gateway") != NULL;
    bool interfaces = json_object_get(root, "interfaces") != NULL;

    if (gateway && interfaces)
        config_read_fail_in(
            r, "gateway", true,
            "\"gateway\" and \"interfaces\" are both set; remove one of them");
    else if (!gateway && !interfaces)
        config_read_fail(r,
                         "\"gateway\" and \"interfaces\" are both missing; use "
                         "\"gateway\": {\"lan\": DEVICE, \"wan\": DEVICE}, or "
                         "\"interfaces\": an object of 2 to %d interfaces",
                         CT_MAX_IFACES);
}

/* ---- rules of it ---- */

/* Outside interfaces from which a packet may be asked this rule; bits. */
static uint32_t find_outside_ifaces(const struct config *config,
                                    const struct ct_match *m)
{
    uint32_t bits = 0;

    for (uint8_t i = 0; i < config->n_ifaces; i++)
        if (!config->iface[i].inside && ct_match_iface(&m->in, i))
            bits |= 1u << i;
    return bits;
}

void config_gateway_aim(struct config_read *r, struct config_rule *c)
{
    struct ct_rule *rule = &c->rule;
    uint32_t outside = find_outside_ifaces(r->config, &rule->match);

    if (!r->config->gateway.set || rule->hook != CT_PREROUTING ||
        (rule->action != CT_ACT_DNAT && rule->action != CT_ACT_REDIRECT) ||
        rule->match.dst.present || outside == 0)
        return;
    config_sets_own(r, outside, &rule->match.dst);
}
