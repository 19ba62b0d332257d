/* gateway_saved.c - the file that says how the kernel's settings were
 *
 * One line a setting:
 *
 *   KEY DEVICE WAS IS MASTER INDEX        DEVICE is - for a setting of none
 *
 * so that the successor of a killed weir, who finds all as it must be, still
 * knows how it was.  Older files lack the last two.  Only known keys are read,
 * from a file that nobody else can have written. */
#include "gateway_saved.h"

#include "log.h"
#include "netlink_device.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST_OF_SWITCH = 2 };

/* ---- written ---- */

static int write_all(const struct gateway_settings *all, const char *path)
{
    FILE *f;
    int fd, err;

    (void)unlink(path); /* a killed one's; nothing of others is written to */
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (fd < 0)
        return -errno;
    f = fdopen(fd, "w");
    if (f == NULL) {
        err = -errno;
        close(fd);
        return err;
    }
    for (uint32_t i = 0; i < all->n; i++) {
        const struct gateway_setting_change *c = &all->change[i];

        fprintf(f, "%s %s %u %u %u %u\n", gateway_setting_key(c->setting),
                c->device[0] != '\0' ? c->device : "-", c->was, c->is,
                c->master, c->index);
    }
    return fclose(f) == 0 ? 0 : -errno;
}

int gateway_saved_write(const struct gateway_settings *all)
{
    char fresh[PATH_MAX + 8];
    int err;

    if (all->saved[0] == '\0')
        return 0;
    snprintf(fresh, sizeof fresh, "%s.new", all->saved);
    err = write_all(all, fresh);
    if (err == 0 && rename(fresh, all->saved) < 0)
        err = -errno;
    if (err < 0)
        (void)unlink(fresh);
    return err;
}

/* ---- read ---- */

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

/* The number is worth something only with the name: that of another boot, or of
 * another life of this container, may be any device's. */
static uint32_t index_of(struct netlink *nl, const char *device, uint32_t index)
{
    struct netlink_device d;

    return index != 0 && netlink_device_find(nl, index, NULL, &d) == 0 &&
                   strcmp(d.name, device) == 0
               ? index
               : 0;
}

static bool fits(enum gateway_setting s, const char *key, const char *device,
                 uint32_t was)
{
    bool of_device = gateway_setting_of_device(s);

    return strcmp(gateway_setting_key(s), key) == 0 &&
           of_device == (strcmp(device, "-") != 0) &&
           (!of_device || gateway_setting_names(s, device)) &&
           (!gateway_setting_is_switch(s) || was <= MOST_OF_SWITCH);
}

static void take_line(struct gateway_settings *all, const char *line)
{
    uint32_t was, is, master = GATEWAY_NOT_KNOWN, index = 0;
    struct gateway_setting_change *c;
    char key[32], device[16];

    if (sscanf(line, "%31s %15s %u %u %u %u", key, device, &was, &is, &master,
               &index) < 4)
        return;
    for (int s = 0; s < GATEWAY_N; s++) {
        if (!fits((enum gateway_setting)s, key, device, was))
            continue;
        c = gateway_setting_add(all, (enum gateway_setting)s,
                                device[0] == '-' ? "" : device);
        if (c == NULL)
            return;
        c->was = was;
        c->is = is;
        c->master = master;
        c->index = index_of(all->nl, device, index);
    }
}

void gateway_saved_read(struct gateway_settings *all)
{
    char line[128];
    int fd = open(all->saved, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    FILE *f = fd < 0 || !is_trusted(fd, all->saved) ? NULL : fdopen(fd, "r");

    if (f == NULL) {
        if (fd >= 0)
            close(fd);
        return;
    }
    while (fgets(line, sizeof line, f) != NULL)
        take_line(all, line);
    fclose(f);
}
