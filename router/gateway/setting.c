/* gateway_setting.c - one setting of the kernel at a time, and what it was
 *
 * A setting is changed only if it is not as it must be, and what it was is
 * remembered first, in memory and in a file (gateway_saved.c).  It is given
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

enum how { BY_FILE, BY_INET, BY_DELAY, BY_GROUP };

static const struct {
    const char *key;
    enum how how;
    const char *before, *after; /* /proc/sys/BEFORE[DEVICE AFTER] */
    int detail;         /* of BY_INET the setting, BY_DELAY the family */
    const char *master; /* /proc/sys/MASTER, or NULL */
} rows[GATEWAY_N] = {
    [GATEWAY_EARLY_DEMUX] = {"early_demux", BY_FILE, "net/ipv4/ip_early_demux",
                             NULL, 0, NULL},
    [GATEWAY_ACCEPT_RA] = {"accept_ra", BY_FILE, "net/ipv6/conf/", "/accept_ra",
                           0, NULL},
    [GATEWAY_FORWARD6_ALL] = {"forwarding6_all", BY_FILE,
                              "net/ipv6/conf/all/forwarding", NULL, 0, NULL},
    [GATEWAY_PROXY_NDP_ALL] = {"proxy_ndp_all", BY_FILE,
                               "net/ipv6/conf/all/proxy_ndp", NULL, 0, NULL},
    [GATEWAY_FORWARD6] = {"forwarding6", BY_FILE, "net/ipv6/conf/",
                          "/forwarding", 0, "net/ipv6/conf/all/forwarding"},
    [GATEWAY_FORWARD4] = {"forwarding4", BY_INET, "net/ipv4/conf/",
                          "/forwarding", NETLINK_FORWARDING,
                          "net/ipv4/ip_forward"},
    [GATEWAY_RP_FILTER] = {"rp_filter", BY_INET, "net/ipv4/conf/", "/rp_filter",
                           NETLINK_RP_FILTER, NULL},
    [GATEWAY_VALID_MARK] = {"src_valid_mark", BY_INET, "net/ipv4/conf/",
                            "/src_valid_mark", NETLINK_VALID_MARK, NULL},
    [GATEWAY_DELAY4] = {"proxy_delay4", BY_DELAY, NULL, "", CT_IPV4, NULL},
    [GATEWAY_DELAY6] = {"proxy_delay6", BY_DELAY, NULL, "", CT_IPV6, NULL},
    [GATEWAY_GROUP] = {"group", BY_GROUP, NULL, "", 0, NULL},
};

/* ---- one setting, read and written ---- */

bool gateway_setting_names(enum gateway_setting s, const char *device)
{
    static const char *const none[] = {".", "..", "all", "default"};

    if (s == GATEWAY_FORWARD6 && strcmp(device, "default") == 0)
        return true;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (strcmp(device, none[i]) == 0)
            return false;
    return strchr(device, '/') == NULL;
}

static void file_of(enum gateway_setting s, const char *device, char path[128])
{
    if (rows[s].after == NULL)
        snprintf(path, 128, "/proc/sys/%s", rows[s].before);
    else
        snprintf(path, 128, "/proc/sys/%s%s%s", rows[s].before, device,
                 rows[s].after);
}

static int read_file(const char *path, uint32_t *value)
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

/* path: of /proc/sys/..., as file_of() makes it. */
static int write_file(const char *path, uint32_t value)
{
    path += sizeof root - 1;
    return order_given() ? order_sysctl(path, value)
                         : gateway_setting_write(path, value);
}

/* What stands for the device is one name. */
static bool is_path_of(const char *path, enum gateway_setting s,
                       char device[16])
{
    const char *before = rows[s].before, *after = rows[s].after;
    size_t n = strlen(path), head = strlen(before), tail = strlen(after);

    if (n <= head + tail || n - head - tail >= 16 ||
        strncmp(path, before, head) != 0 || strcmp(path + n - tail, after) != 0)
        return false;
    (void)snprintf(device, 16, "%.*s", (int)(n - head - tail), path + head);
    return gateway_setting_names(s, device);
}

bool gateway_setting_of_path(const char *path, enum gateway_setting *s,
                             char device[16])
{
    for (int i = 0; i < GATEWAY_N; i++) {
        const char *before = rows[i].before;

        *s = (enum gateway_setting)i;
        device[0] = '\0';
        if (before != NULL &&
            (rows[i].after == NULL ? strcmp(path, before) == 0
                                   : is_path_of(path, *s, device)))
            return true;
    }
    return false;
}

int gateway_setting_get(struct gateway_settings *all, enum gateway_setting s,
                        const char *device, uint32_t *value)
{
    struct netlink_device d;
    char path[128];
    int err;

    if (rows[s].how == BY_FILE) {
        file_of(s, device, path);
        return read_file(path, value);
    }
    if ((err = netlink_device_find(all->nl, 0, device, &d)) < 0)
        return err;
    if (rows[s].how == BY_DELAY)
        return netlink_neigh_delay(all->nl, (uint8_t)rows[s].detail, d.index,
                                   value);
    *value = rows[s].how == BY_INET ? d.inet[rows[s].detail] : d.group;
    return 0;
}

/* Of IPv4's settings the file comes first: the kernel does more then, as giving
 * up receive offload that is not for a router. */
static int set(struct netlink *nl, enum gateway_setting s, const char *device,
               uint32_t value)
{
    struct netlink_device d;
    char path[128];
    int err;

    if (rows[s].before != NULL) {
        file_of(s, device, path);
        err = write_file(path, value);
        if (err == 0 || rows[s].how == BY_FILE)
            return err;
    }
    if ((err = netlink_device_find(nl, 0, device, &d)) < 0)
        return err;
    if (rows[s].how == BY_DELAY)
        return netlink_neigh_set_delay(nl, (uint8_t)rows[s].detail, d.index,
                                       value);
    if (rows[s].how == BY_GROUP)
        return netlink_device_group(nl, d.index, value);
    return netlink_device_set(nl, d.index,
                              (enum netlink_device_inet)rows[s].detail, value);
}

/* ---- what was before ---- */

static struct gateway_setting_change *
find(struct gateway_settings *all, enum gateway_setting s, const char *device)
{
    for (uint32_t i = 0; i < all->n; i++)
        if (all->change[i].setting == s &&
            strcmp(all->change[i].device, device) == 0)
            return &all->change[i];
    return NULL;
}

struct gateway_setting_change *gateway_setting_add(struct gateway_settings *all,
                                                   enum gateway_setting s,
                                                   const char *device)
{
    struct gateway_setting_change *c = find(all, s, device);

    if (c == NULL && all->n == all->room) {
        uint32_t room = all->room == 0 ? 32 : all->room * 2;

        c = realloc(all->change, room * sizeof *c);
        if (c == NULL)
            return NULL;
        all->change = c;
        all->room = room;
        c = NULL;
    }
    if (c == NULL) {
        c = &all->change[all->n++];
        memset(c, 0, sizeof *c);
        c->setting = s;
        c->master = GATEWAY_NOT_KNOWN;
        snprintf(c->device, sizeof c->device, "%s", device);
    }
    return c;
}

static void forget(struct gateway_settings *all, uint32_t i)
{
    all->change[i] = all->change[--all->n];
}

static uint32_t master_of(enum gateway_setting s)
{
    uint32_t value = GATEWAY_NOT_KNOWN;

    if (rows[s].master != NULL)
        (void)gateway_setting_sysctl(rows[s].master, &value);
    return value;
}

/* 0, or a negative errno: then it is as if nothing had been said. */
static int remember(struct gateway_settings *all, enum gateway_setting s,
                    const char *device, uint32_t was, uint32_t is)
{
    uint32_t n = all->n;
    struct gateway_setting_change *c = gateway_setting_add(all, s, device);
    struct gateway_setting_change before;
    struct netlink_device d;
    int err;

    if (c == NULL)
        return -ENOMEM;
    before = *c;
    c->was = was;
    c->is = is;
    c->master = master_of(s);
    if (rows[s].after != NULL &&
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

static void say(enum gateway_setting s, const char *device, uint32_t now,
                uint32_t value)
{
    log_warn("gateway",
             "%s of %s was set to %u while weir runs, which needs %u: set back",
             rows[s].key, device[0] != '\0' ? device : "the host", now, value);
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

static int list_names(struct netlink *nl, struct names *l)
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
    int err = list_names(all->nl, &l);

    for (uint32_t i = all->n; i-- > 0;)
        if (all->change[i].setting == GATEWAY_FORWARD6 &&
            all->change[i].was == all->change[i].is)
            forget(all, i);
    for (uint32_t i = 0; i < l.n && err == 0; i++) {
        uint32_t value = 0;

        if (gateway_setting_get(all, GATEWAY_FORWARD6, l.name[i], &value) ==
                0 &&
            value != 0)
            err = remember(all, GATEWAY_FORWARD6, l.name[i], value, value);
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
    c = find(all, s, device);
    if (c != NULL && c->is == value)
        say(s, device, now, value);
    if (s == GATEWAY_FORWARD6_ALL && (err = note_each(all)) < 0)
        return err;
    /* Before it is done: if it should fail, the line says what isn't so. */
    if ((err = remember(all, s, device, now, value)) < 0)
        return err;
    return set(all->nl, s, device, value);
}

void gateway_setting_guess(struct gateway_settings *all, enum gateway_setting s,
                           const char *device, uint32_t was, uint32_t is)
{
    if (find(all, s, device) == NULL)
        (void)remember(all, s, device, was, is);
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
            forget(all, i);
            changed = true;
        } else if (strcmp(c->device, d.name) != 0) {
            snprintf(c->device, sizeof c->device, "%s", d.name);
            changed = true;
        }
    }
    if (changed)
        (void)gateway_saved_write(all);
}

void gateway_setting_name(enum gateway_setting s, const char *device,
                          char name[48])
{
    char path[128];

    file_of(s, device, path);
    snprintf(name, 48, "%.47s", path + sizeof "/proc/sys/" - 1);
    for (char *p = name; *p != '\0'; p++)
        if (*p == '/')
            *p = '.';
        else if (*p == '.')
            *p = '/';
}

int gateway_setting_sysctl(const char *path, uint32_t *value)
{
    char whole[128];

    snprintf(whole, sizeof whole, "/proc/sys/%s", path);
    return read_file(whole, value);
}

const char *gateway_setting_key(enum gateway_setting s)
{
    return rows[s].key;
}

bool gateway_setting_of_device(enum gateway_setting s)
{
    return rows[s].after != NULL;
}

bool gateway_setting_is_switch(enum gateway_setting s)
{
    return rows[s].how <= BY_INET;
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

/* What it is to be in the end; false: it is somebody else's now. */
static bool final(struct gateway_settings *all,
                  const struct gateway_setting_change *c, uint32_t *value)
{
    uint32_t now, master = master_of(c->setting);

    if (gateway_setting_get(all, c->setting, c->device, &now) < 0 ||
        now != c->is)
        return false;
    *value = c->master != GATEWAY_NOT_KNOWN && master != c->master &&
                     master <= 1 && rows[c->setting].how == BY_INET
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
        all->change[i].ours = final(all, &all->change[i], &all->change[i].was);
    for (int of_device = 0; of_device <= 1; of_device++)
        for (uint32_t i = 0; i < all->n; i++) {
            const struct gateway_setting_change *c = &all->change[i];

            if (c->ours && (rows[c->setting].after != NULL) == of_device &&
                set(all->nl, c->setting, c->device, c->was) < 0)
                failed = -1;
        }
    if (failed == 0)
        gateway_file_remove(all->saved);
    free(all->change);
    all->change = NULL;
    all->n = all->room = 0;
    return failed;
}
