/* ifaces.c - interfaces and the router's own addresses */
#include "config/ifaces.h"

#include "config/section.h"
#include "system/addr.h"

#include <string.h>

/* ---- one interface ---- */

/* dev_valid_name() of the kernel; % would make it choose a number. */
bool config_ifaces_device_ok(const char *s)
{
    size_t n = strlen(s);

    return n > 0 && n < 16 && strpbrk(s, "/:% \t\n\r\v\f") == NULL &&
           strcmp(s, ".") != 0 && strcmp(s, "..") != 0;
}

const char *config_ifaces_expected(const struct config *config)
{
    if (!config->gateway.set)
        return "a key of \"interfaces\"";
    return config->gateway.n > 2
               ? "\"lan\", \"wan\" or a key of \"gateway.more\""
               : "\"lan\" or \"wan\"";
}

static void read_tun(struct config_read *r, json_t *v, void *into)
{
    struct config_iface *iface = into;
    const char *s = config_read_string(r, v, 15, "a device name");

    if (s == NULL)
        return;
    if (!config_ifaces_device_ok(s)) {
        config_read_fail(r,
                         "%s is not allowed as the name of a device; use 1 to "
                         "15 bytes without space, /, : and %%",
                         config_read_show(r, s));
        return;
    }
    for (uint32_t i = 0; i < r->config->n_ifaces; i++)
        if (strcmp(r->config->iface[i].tun, s) == 0)
            config_read_fail(
                r, "interface \"%s\" already has device %s; use another device",
                r->config->iface[i].name, config_read_show(r, s));
    strcpy(iface->tun, s);
}

bool config_ifaces_inside(struct config_read *r, json_t *v)
{
    static const char *const names[] = {"inside", "outside"};

    return config_read_choice(r, v, names, 2) == 0;
}

static void read_side(struct config_read *r, json_t *v, void *into)
{
    ((struct config_iface *)into)->inside = config_ifaces_inside(r, v);
}

static void read_mtu(struct config_read *r, json_t *v, void *into)
{
    struct config_iface *iface = into;
    uint64_t mtu;

    if (config_read_uint(r, v, 68, 65535, &mtu))
        iface->mtu = (uint16_t)mtu;
}

/* ADDRESS/LENGTH that a host may have in that network. */
static bool read_prefix(struct config_read *r, const json_t *v,
                        union ct_addr *addr, uint8_t *family, uint8_t *len)
{
    struct ct_addr_range span;
    const char *unfit, *s;
    char text[CONFIG_ADDR_TEXT];

    s = config_read_string(r, v, 64, "ADDRESS/LENGTH");
    if (s == NULL)
        return false;
    if (!system_addr_prefix(s, addr, family, len)) {
        config_read_fail(r,
                         "%s is not an address with its prefix length; use "
                         "ADDRESS/LENGTH, like 10.0.1.1/24",
                         config_read_show(r, s));
        return false;
    }
    if ((unfit = system_addr_unfit(addr, *family)) != NULL || *len == 0) {
        config_read_fail(r, "%s is %s; use a host's address",
                         config_read_show(r, s),
                         unfit != NULL ? unfit : "no network");
        return false;
    }
    span = system_addr_span(addr, *family, *len);
    if (*family == CT_IPV4 && *len < 31 &&
        (ct_addr_eq(addr, &span.lo) || ct_addr_eq(addr, &span.hi))) {
        config_read_fail(r,
                         "%s is the first or last address of %s; use one that "
                         "a host may have",
                         config_read_show(r, s),
                         system_addr_text(&span.lo, *family, *len, text));
        return false;
    }
    return true;
}

/* Which interface has this address already?  mine: the interface being read. */
static const char *find_addr_holder(const struct config_read *r,
                                    const struct config_iface *mine,
                                    const union ct_addr *addr, uint8_t family)
{
    for (uint32_t i = 0; i <= r->config->n_ifaces; i++) {
        const struct config_iface *iface =
            i < r->config->n_ifaces ? &r->config->iface[i] : mine;

        for (unsigned a = 0; a < iface->n_addrs; a++)
            if (iface->addr[a].family == family &&
                ct_addr_eq(&iface->addr[a].addr, addr))
                return iface->name;
        if (iface->kernel_address_set && iface->kernel_family == family &&
            ct_addr_eq(&iface->kernel_address, addr))
            return iface->name;
    }
    return NULL;
}

static bool is_addr_free(struct config_read *r,
                         const struct config_iface *iface,
                         const union ct_addr *addr, uint8_t family)
{
    const char *name = find_addr_holder(r, iface, addr, family);
    char text[CONFIG_ADDR_TEXT];

    if (name != NULL)
        config_read_fail(
            r, "interface \"%s\" already has address %s; use another address",
            name, system_addr_text(addr, family, 255, text));
    return name == NULL;
}

static void read_one_address(struct config_read *r, const json_t *v,
                             struct config_iface *iface)
{
    union ct_addr addr;
    uint8_t family, len;

    if (!read_prefix(r, v, &addr, &family, &len) ||
        !is_addr_free(r, iface, &addr, family))
        return;
    if (family == CT_IPV6 && addr.b[0] == 0xfe && (addr.b[1] & 0xc0) == 0x80) {
        config_read_fail(
            r,
            "%s is a link-local address; use a global or unique local address",
            config_read_show(r, json_string_value(v)));
        return;
    }
    if (iface->n_addrs == CONFIG_READ_N(iface->addr)) {
        config_read_fail(r, "too many addresses: 9; at most 8 per interface");
        return;
    }
    iface->addr[iface->n_addrs].addr = addr;
    iface->addr[iface->n_addrs].family = family;
    iface->addr[iface->n_addrs++].len = len;
}

static void read_address(struct config_read *r, json_t *v, void *into)
{
    if (!json_is_array(v)) {
        read_one_address(r, v, into);
        return;
    }
    for (size_t i = 0; i < json_array_size(v); i++) {
        size_t was = config_read_enter_at(r, i);

        read_one_address(r, json_array_get(v, i), into);
        config_read_leave(r, was);
    }
}

static void read_offloads(struct config_read *r, json_t *v, void *into)
{
    (void)config_read_bool(r, v, &((struct config_iface *)into)->offloads);
}

/* As gateway mode's devices have it. */
static void read_txqueuelen(struct config_read *r, json_t *v, void *into)
{
    config_section_value(r, v, config_option_find("/gateway/txqueuelen"),
                         &((struct config_iface *)into)->txqueuelen);
}

static void read_kernel_address(struct config_read *r, json_t *v, void *into)
{
    struct config_iface *iface = into;
    union ct_addr addr;
    uint8_t family, len;

    if (json_is_null(v) || !read_prefix(r, v, &addr, &family, &len) ||
        !is_addr_free(r, iface, &addr, family))
        return;
    iface->kernel_address = addr;
    iface->kernel_family = family;
    iface->kernel_len = len;
    iface->kernel_address_set = true;
}

static void read_unnumbered(struct config_read *r, json_t *v, void *into)
{
    struct config_iface *iface = into;

    (void)config_read_bool(r, v, &iface->unnumbered);
}

static const struct config_key iface_keys[] = {
    {"tun", read_tun},
    {"side", read_side},
    {"address", read_address},
    {"mtu", read_mtu},
    {"offloads", read_offloads},
    {"kernel_address", read_kernel_address},
    {"txqueuelen", read_txqueuelen},
    {"unnumbered", read_unnumbered},
};

/* ---- all interfaces ---- */

bool config_ifaces_name_ok(const char *s)
{
    size_t n = strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                         "0123456789_.-");

    return n > 0 && n < 16 && s[n] == '\0';
}

static void read_iface_section(struct config_read *r, json_t *v,
                               struct config_iface *iface)
{
    bool six = false;

    iface->mtu = 1500;
    iface->offloads = true;
    iface->txqueuelen = r->config->gateway.txqueuelen; /* its default */
    config_read_object(r, v, iface_keys, CONFIG_READ_N(iface_keys), NULL,
                       iface);
    if (!json_is_object(v))
        return;
    for (unsigned i = 0; i < 2; i++)
        if (json_object_get(v, iface_keys[i].name) == NULL)
            config_read_fail(r, "\"%s\" is missing; use %s", iface_keys[i].name,
                             i == 0 ? "the device's name"
                                    : "\"inside\" or \"outside\"");
    for (unsigned i = 0; i < iface->n_addrs; i++)
        six |= iface->addr[i].family == CT_IPV6;
    if (six && iface->mtu < 1280)
        config_read_fail_in(
            r, "mtu", false,
            "mtu %u is too small for IPv6; use at least 1280 (RFC 8200)",
            iface->mtu);
}

void config_ifaces_read(struct config_read *r, json_t *v, void *into)
{
    struct config *config = into;
    const char *name;
    json_t *member;
    size_t n = json_object_size(v);

    if (!json_is_object(v) || n < 2 || n > CT_MAX_IFACES) {
        config_read_fail(r,
                         "%s with %zu entries is not allowed here; use an "
                         "object of 2 to %d interfaces",
                         json_is_object(v) ? "an object"
                                           : config_read_kind(r, v),
                         n, CT_MAX_IFACES);
        if (n > CT_MAX_IFACES)
            return;
    }
    json_object_foreach(v, name, member)
    {
        struct config_iface *iface = &config->iface[config->n_ifaces];
        size_t was;

        if (!config_ifaces_name_ok(name)) {
            config_read_fail_in(r, name, true,
                                "%s is not allowed as the name of an "
                                "interface; use 1 to 15 of A-Z a-z 0-9 _ . -",
                                config_read_show(r, name));
            continue;
        }
        strcpy(iface->name, name);
        was = config_read_enter(r, name);
        read_iface_section(r, member, iface);
        config_read_leave(r, was);
        config->n_ifaces++;
    }
}
