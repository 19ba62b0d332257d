/* gateway_setting.c - one setting of the kernel at a time, and what it was
 *
 * A setting is changed only if it is not as it must be, and what it was is
 * remembered first, in memory and in a file, one line a setting:
 *
 *   KEY DEVICE WAS IS        DEVICE is - for a setting of none
 *
 * so that the successor of a killed weir, who finds all as it must be, still
 * knows how it was.  Only the keys below are read from there, from a file that
 * nobody else can have written, and a setting is given back only if it still is
 * what the line says it was made to be.
 *
 * IPv4's settings of a device can be set by netlink also where /proc/sys is
 * read-only.  IPv6's, and those of no device, can't. */
#include "gateway_setting.h"

#include "log.h"
#include "netlink_device.h"
#include "netlink_neigh.h"
#include "order.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char root[] = "/proc/sys/";

enum how { BY_FILE, BY_INET, BY_DELAY, BY_GROUP };

enum { MOST_OF_SWITCH = 2 }; /* of what is set BY_FILE or BY_INET */

static const struct {
    const char *key;
    enum how how;
    const char *before, *after; /* /proc/sys/BEFORE[DEVICE AFTER] */
    int detail; /* of BY_INET the setting, BY_DELAY the family */
} rows[GATEWAY_N] = {
    [GATEWAY_EARLY_DEMUX] = {"early_demux", BY_FILE, "net/ipv4/ip_early_demux",
                             NULL, 0},
    [GATEWAY_ACCEPT_RA] = {"accept_ra", BY_FILE, "net/ipv6/conf/", "/accept_ra",
                           0},
    [GATEWAY_FORWARD6_ALL] = {"forwarding6_all", BY_FILE,
                              "net/ipv6/conf/all/forwarding", NULL, 0},
    [GATEWAY_PROXY_NDP_ALL] = {"proxy_ndp_all", BY_FILE,
                               "net/ipv6/conf/all/proxy_ndp", NULL, 0},
    [GATEWAY_FORWARD6] = {"forwarding6", BY_FILE, "net/ipv6/conf/",
                          "/forwarding", 0},
    [GATEWAY_FORWARD4] = {"forwarding4", BY_INET, "net/ipv4/conf/",
                          "/forwarding", NETLINK_FORWARDING},
    [GATEWAY_RP_FILTER] = {"rp_filter", BY_INET, "net/ipv4/conf/", "/rp_filter",
                           NETLINK_RP_FILTER},
    [GATEWAY_DELAY4] = {"proxy_delay4", BY_DELAY, NULL, "", CT_IPV4},
    [GATEWAY_DELAY6] = {"proxy_delay6", BY_DELAY, NULL, "", CT_IPV6},
    [GATEWAY_GROUP] = {"group", BY_GROUP, NULL, "", 0},
};

/* ---- one setting, read and written ---- */

static bool names_device(const char *name)
{
    static const char *const none[] = {".", "..", "all", "default"};

    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (strcmp(name, none[i]) == 0)
            return false;
    return strchr(name, '/') == NULL;
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
    FILE *f = fopen(path, "re");
    int n;

    if (f == NULL)
        return -errno;
    n = fscanf(f, "%u", value);
    fclose(f);
    return n == 1 ? 0 : -EIO;
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
static bool is_path_of(const char *path, const char *before, const char *after)
{
    size_t n = strlen(path), head = strlen(before), tail = strlen(after);
    char device[16];

    if (n <= head + tail || n - head - tail >= sizeof device ||
        strncmp(path, before, head) != 0 || strcmp(path + n - tail, after) != 0)
        return false;
    (void)snprintf(device, sizeof device, "%.*s", (int)(n - head - tail),
                   path + head);
    return names_device(device);
}

bool gateway_setting_is_path(const char *path)
{
    for (int s = 0; s < GATEWAY_N; s++) {
        const char *before = rows[s].before, *after = rows[s].after;

        if (before != NULL && (after == NULL ? strcmp(path, before) == 0
                                             : is_path_of(path, before, after)))
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

static bool write_all(const struct gateway_settings *all, const char *path)
{
    FILE *f;
    int fd;

    (void)unlink(path); /* a killed one's; nothing of others is written to */
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    f = fd < 0 ? NULL : fdopen(fd, "w");
    if (f == NULL) {
        if (fd >= 0)
            close(fd);
        return false;
    }
    for (uint32_t i = 0; i < all->n; i++) {
        const struct gateway_setting_change *c = &all->change[i];

        fprintf(f, "%s %s %u %u\n", rows[c->setting].key,
                c->device[0] != '\0' ? c->device : "-", c->was, c->is);
    }
    return fclose(f) == 0;
}

static void save(struct gateway_settings *all)
{
    char fresh[PATH_MAX + 8];

    if (all->saved[0] == '\0')
        return;
    snprintf(fresh, sizeof fresh, "%s.new", all->saved);
    if (write_all(all, fresh) && rename(fresh, all->saved) == 0)
        return;
    log_warn("gateway",
             "can't write %s: %s; if weir should be killed, the kernel's "
             "settings stay as weir has made them",
             fresh, strerror(errno));
    all->saved[0] = '\0'; /* once is enough */
}

static struct gateway_setting_change *
find(struct gateway_settings *all, enum gateway_setting s, const char *device)
{
    for (uint32_t i = 0; i < all->n; i++)
        if (all->change[i].setting == s &&
            strcmp(all->change[i].device, device) == 0)
            return &all->change[i];
    return NULL;
}

static void remember(struct gateway_settings *all, enum gateway_setting s,
                     const char *device, uint32_t was, uint32_t is)
{
    struct gateway_setting_change *c = find(all, s, device);

    if (c == NULL) {
        if (all->n == GATEWAY_SETTING_CHANGES)
            return;
        c = &all->change[all->n++];
        c->setting = s;
        snprintf(c->device, sizeof c->device, "%s", device);
    }
    c->was = was;
    c->is = is;
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
        log_warn("gateway",
                 "%s of %s was set to %u while weir runs, which "
                 "needs %u: set back",
                 rows[s].key, device[0] != '\0' ? device : "the host", now,
                 value);
    /* Before it is done: if it should fail, the line says what isn't so. */
    remember(all, s, device, now, value);
    save(all);
    return set(all->nl, s, device, value);
}

void gateway_setting_guess(struct gateway_settings *all, enum gateway_setting s,
                           const char *device, uint32_t was, uint32_t is)
{
    if (find(all, s, device) != NULL)
        return;
    remember(all, s, device, was, is);
    save(all);
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

/* ---- a predecessor's ---- */

/* What it says will be done with rights that others lack. */
static bool is_trusted(int fd, const char *path)
{
    struct stat st = {0};

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) &&
        (st.st_uid == geteuid() || st.st_uid == 0) && (st.st_mode & 022) == 0)
        return true;
    log_warn("gateway",
             "%s is not believed: it belongs to user %u and has mode %04o, "
             "expected a file of user %u that nobody else can write; delete it",
             path, (unsigned)st.st_uid, (unsigned)st.st_mode & 07777u,
             (unsigned)geteuid());
    return false;
}

static void take_over(struct gateway_settings *all, const char *key,
                      const char *device, uint32_t was, uint32_t is)
{
    for (int s = 0; s < GATEWAY_N; s++) {
        bool of_device = rows[s].after != NULL;

        if (strcmp(rows[s].key, key) != 0 ||
            of_device != (strcmp(device, "-") != 0) ||
            (rows[s].how <= BY_INET && was > MOST_OF_SWITCH))
            continue;
        if (!of_device)
            device = "";
        remember(all, (enum gateway_setting)s, device, was, is);
        return;
    }
}

void gateway_setting_open(struct gateway_settings *all, struct netlink *nl,
                          const char *saved)
{
    char line[128], key[32], device[16];
    uint32_t was, is;
    int fd;
    FILE *f;

    memset(all, 0, sizeof *all);
    all->nl = nl;
    if (saved == NULL || strlen(saved) >= sizeof all->saved)
        return;
    snprintf(all->saved, sizeof all->saved, "%s", saved);
    fd = open(saved, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    f = fd < 0 || !is_trusted(fd, saved) ? NULL : fdopen(fd, "r");
    if (f == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while (fgets(line, sizeof line, f) != NULL)
        if (sscanf(line, "%31s %15s %u %u", key, device, &was, &is) == 4 &&
            names_device(device))
            take_over(all, key, device, was, is);
    fclose(f);
}

/* ---- back ---- */

int gateway_setting_restore(struct gateway_settings *all)
{
    int failed = 0;

    /* In the order of changing: what is written for all devices, before those
     * of one. */
    for (uint32_t i = 0; i < all->n; i++) {
        const struct gateway_setting_change *c = &all->change[i];
        uint32_t now;

        if (gateway_setting_get(all, c->setting, c->device, &now) == 0 &&
            now == c->is && set(all->nl, c->setting, c->device, c->was) < 0)
            failed = -1;
    }
    if (failed == 0 && all->saved[0] != '\0')
        (void)unlink(all->saved);
    all->n = 0;
    return failed;
}
