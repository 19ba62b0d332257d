/* setting.c - one setting of the kernel at a time, and what it was
 *
 * A setting is changed only if it is not as it must be, and what it was is
 * remembered first, in memory and in a file (saved.c).  It is given
 * back only if it still is what it was made to be.
 *
 * Some settings have a master: who writes that writes all devices' (conf/all
 * of IPv6's forwarding; ip_forward).  A master that was changed while weir ran
 * is the newer wish for each of its devices.
 *
 * IPv4's settings of a device can be set by netlink also where /proc/sys is
 * read-only.  IPv6's, and those of no device, can't. */
#include "gateway/setting.h"

#include "gateway/saved.h"
#include "kernel/netlink/device.h"
#include "kernel/netlink/neigh.h"
#include "system/log.h"
#include "system/order.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char root[] = "/proc/sys/";

/* ---- one setting, read and written ---- */

static int read_setting_file(const char *path, uint32_t *value)
{
    char text[16];
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return -errno;
    n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = '\0';
    return sscanf(text, "%u", value) == 1 ? 0 : -EIO;
}

int gateway_setting_write(const char *path, uint32_t value)
{
    char text[16], whole[160];
    int n = snprintf(text, sizeof text, "%u\n", value), err = 0, fd;

    (void)snprintf(whole, sizeof whole, "%s%s", root, path);
    fd = open(whole, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    if (write(fd, text, (size_t)n) != n)
        err = -errno;
    close(fd);
    return err;
}

/* path: of /proc/sys/..., as gateway_kind_file() makes it. */
static int write_file(const char *path, uint32_t value)
{
    path += sizeof root - 1;
    return system_order_given() ? system_order_sysctl(path, value)
                                : gateway_setting_write(path, value);
}

int gateway_setting_get(struct gateway_settings *all, enum gateway_setting s,
                        const char *device, uint32_t *value)
{
    struct netlink_device d;
    char path[128];
    int err;

    if (gateway_kinds[s].how == GATEWAY_BY_FILE) {
        gateway_kind_file(s, device, path);
        return read_setting_file(path, value);
    }
    if ((err = netlink_device_find(all->nl, 0, device, &d)) < 0)
        return err;
    if (gateway_kinds[s].how == GATEWAY_BY_DELAY)
        return netlink_neigh_delay(all->nl, (uint8_t)gateway_kinds[s].detail,
                                   d.index, value);
    *value = gateway_kinds[s].how == GATEWAY_BY_INET
                 ? d.inet[gateway_kinds[s].detail]
                 : d.group;
    return 0;
}

/* Of IPv4's settings the file comes first: the kernel does more then, as giving
 * up receive offload that is not for a router. */
static int write_kernel_setting(struct netlink *nl, enum gateway_setting s,
                                const char *device, uint32_t value)
{
    struct netlink_device d;
    char path[128];
    int err;

    if (gateway_kinds[s].before != NULL) {
        gateway_kind_file(s, device, path);
        err = write_file(path, value);
        if (err == 0 || gateway_kinds[s].how == GATEWAY_BY_FILE)
            return err;
    }
    if ((err = netlink_device_find(nl, 0, device, &d)) < 0)
        return err;
    if (gateway_kinds[s].how == GATEWAY_BY_DELAY)
        return netlink_neigh_set_delay(nl, (uint8_t)gateway_kinds[s].detail,
                                       d.index, value);
    if (gateway_kinds[s].how == GATEWAY_BY_GROUP)
        return netlink_device_group(nl, d.index, value);
    return netlink_device_set(
        nl, d.index, (enum netlink_device_inet)gateway_kinds[s].detail, value);
}

/* ---- what was before ---- */

static uint32_t master_of(enum gateway_setting s)
{
    uint32_t value = GATEWAY_NOT_KNOWN;

    if (gateway_kinds[s].master != NULL)
        (void)gateway_setting_sysctl(gateway_kinds[s].master, &value);
    return value;
}

/* 0, or a negative errno: then it is as if nothing had been said. */
static int record_setting_change(struct gateway_settings *all,
                                 enum gateway_setting s, const char *device,
                                 uint32_t was, uint32_t is)
{
    uint32_t n = all->n;
    struct gateway_setting_change *c = gateway_changes_add(all, s, device);
    struct gateway_setting_change before;
    struct netlink_device d;
    int err;

    if (c == NULL)
        return -ENOMEM;
    before = *c;
    c->was = was;
    c->is = is;
    c->master = master_of(s);
    if (gateway_kinds[s].after != NULL &&
        netlink_device_find(all->nl, 0, device, &d) == 0)
        c->index = d.index;
    if (all->n == n && memcmp(c, &before, sizeof *c) == 0)
        return 0;
    err = gateway_saved_write(all);
    all->unsaved = err;
    if (err == 0)
        return 0;
    *c = before;
    all->n = n;
    return err;
}

/* ---- changes ---- */

static void log_setting_reset(enum gateway_setting s, const char *device,
                              uint32_t now, uint32_t value)
{
    log_warn("gateway",
             "%s of %s was set to %u while weir runs, which needs %u: set back",
             gateway_kinds[s].key, device[0] != '\0' ? device : "the host", now,
             value);
}

struct names {
    char (*name)[16];
    uint32_t n;
    bool no_memory;
};

static void take_name(void *ctx, const struct netlink_device *device)
{
    struct names *l = ctx;
    void *grown = l->n % 64 != 0
                      ? l->name
                      : realloc(l->name, (l->n + 64) * sizeof *l->name);

    if (grown == NULL) {
        l->no_memory = true;
        return;
    }
    l->name = grown;
    memcpy(l->name[l->n++], device->name, sizeof *l->name);
}

static int list_device_names(struct netlink *nl, struct names *l)
{
    static const struct netlink_device every = {.name = "default"};
    int err = -EAGAIN;

    while (err == -EAGAIN) {
        l->n = 0;
        take_name(l, &every);
        err = netlink_device_each(nl, take_name, l);
    }
    return l->no_memory ? -ENOMEM : err;
}

/* Who turns IPv6's forwarding on or off for all does so for each device: which
 * had it on by themselves? */
static int note_each(struct gateway_settings *all)
{
    struct names l = {.name = NULL};
    int err = list_device_names(all->nl, &l);

    for (uint32_t i = all->n; i-- > 0;)
        if (all->change[i].setting == GATEWAY_FORWARD6 &&
            all->change[i].was == all->change[i].is)
            gateway_changes_forget(all, i);
    for (uint32_t i = 0; i < l.n && err == 0; i++) {
        uint32_t value = 0;

        if (gateway_setting_get(all, GATEWAY_FORWARD6, l.name[i], &value) ==
                0 &&
            value != 0)
            err = record_setting_change(all, GATEWAY_FORWARD6, l.name[i], value,
                                        value);
    }
    free(l.name);
    return err;
}

int gateway_setting_change(struct gateway_settings *all, enum gateway_setting s,
                           const char *device, uint32_t value)
{
    const struct gateway_setting_change *c;
    uint32_t now;
    int err = gateway_setting_get(all, s, device, &now);

    if (err < 0 || now == value)
        return err;
    c = gateway_changes_find(all, s, device);
    if (c != NULL && c->is == value)
        log_setting_reset(s, device, now, value);
    if (s == GATEWAY_FORWARD6_ALL && (err = note_each(all)) < 0)
        return err;
    /* Before it is done: if it should fail, the line says what isn't so. */
    if ((err = record_setting_change(all, s, device, now, value)) < 0)
        return err;
    return write_kernel_setting(all->nl, s, device, value);
}

void gateway_setting_guess(struct gateway_settings *all, enum gateway_setting s,
                           const char *device, uint32_t was, uint32_t is)
{
    if (gateway_changes_find(all, s, device) == NULL)
        (void)record_setting_change(all, s, device, was, is);
}

void gateway_setting_follow(struct gateway_settings *all)
{
    struct netlink_device d = {.index = 0};
    bool changed = false;

    for (uint32_t i = all->n; i-- > 0;) {
        struct gateway_setting_change *c = &all->change[i];

        if (c->index == 0)
            continue;
        if (d.index != c->index &&
            netlink_device_find(all->nl, c->index, NULL, &d) < 0) {
            d.index = 0;
            gateway_changes_forget(all, i);
            changed = true;
        } else if (strcmp(c->device, d.name) != 0) {
            snprintf(c->device, sizeof c->device, "%s", d.name);
            changed = true;
        }
    }
    if (changed)
        (void)gateway_saved_write(all);
}

int gateway_setting_sysctl(const char *path, uint32_t *value)
{
    char whole[128];

    snprintf(whole, sizeof whole, "/proc/sys/%s", path);
    return read_setting_file(whole, value);
}

/* ---- a predecessor's, and back ---- */

void gateway_setting_open(struct gateway_settings *all, struct netlink *nl,
                          struct gateway_file *saved)
{
    memset(all, 0, sizeof *all);
    all->nl = nl;
    all->saved = saved;
    gateway_saved_read(all);
}

/* What it is to be in the end; false: it belongs to another program now. */
static bool find_restore_value(struct gateway_settings *all,
                               const struct gateway_setting_change *c,
                               uint32_t *value)
{
    uint32_t now, master = master_of(c->setting);

    if (gateway_setting_get(all, c->setting, c->device, &now) < 0 ||
        now != c->is)
        return false;
    *value = c->master != GATEWAY_NOT_KNOWN && master != c->master &&
                     master <= 1 &&
                     gateway_kinds[c->setting].how == GATEWAY_BY_INET
                 ? master
                 : c->was;
    return true;
}

/* All is decided before anything is written: what is written for all devices
 * changes each.  Then single devices', after those. */
int gateway_setting_restore(struct gateway_settings *all)
{
    int failed = 0;

    gateway_setting_follow(all);
    for (uint32_t i = 0; i < all->n; i++)
        all->change[i].ours =
            find_restore_value(all, &all->change[i], &all->change[i].was);
    for (int of_device = 0; of_device <= 1; of_device++)
        for (uint32_t i = 0; i < all->n; i++) {
            const struct gateway_setting_change *c = &all->change[i];

            if (c->ours &&
                (gateway_kinds[c->setting].after != NULL) == of_device &&
                write_kernel_setting(all->nl, c->setting, c->device, c->was) <
                    0)
                failed = -1;
        }
    if (failed == 0)
        gateway_file_remove(all->saved);
    free(all->change);
    all->change = NULL;
    all->n = all->room = 0;
    return failed;
}
