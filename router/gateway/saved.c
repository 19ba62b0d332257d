/* saved.c - the file that says how the kernel's settings were
 *
 * One line a setting:
 *
 *   KEY DEVICE WAS IS MASTER INDEX        DEVICE is - for a setting of none
 *
 * so that the successor of a killed weir, who finds all as it must be, still
 * knows how it was.  Older files lack the last two.  Only known keys are read.
 */
#include "gateway/saved.h"

#include "kernel/netlink/device.h"
#include "kernel/netlink/netlink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_OF_SWITCH = 2 };

/* ---- written ---- */

int gateway_saved_write(const struct gateway_settings *all)
{
    char *text = NULL;
    size_t len = 0;
    FILE *f;
    int err;

    if (all->saved->path[0] == '\0')
        return 0;
    f = open_memstream(&text, &len);
    if (f == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < all->n; i++) {
        const struct gateway_setting_change *c = &all->change[i];

        fprintf(f, "%s %s %u %u %u %u\n", gateway_kinds[c->setting].key,
                c->device[0] != '\0' ? c->device : "-", c->was, c->is,
                c->master, c->index);
    }
    err = fclose(f) == 0 ? gateway_file_write(all->saved, text, len) : -ENOMEM;
    free(text);
    return err;
}

/* ---- read ---- */

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

static bool is_valid_setting(enum gateway_setting s, const char *key,
                             const char *device, uint32_t was)
{
    bool of_device = gateway_kind_of_device(s);

    return strcmp(gateway_kinds[s].key, key) == 0 &&
           of_device == (strcmp(device, "-") != 0) &&
           (!of_device || gateway_kind_names(s, device)) &&
           (!gateway_kind_is_switch(s) || was <= MOST_OF_SWITCH);
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
        if (!is_valid_setting((enum gateway_setting)s, key, device, was))
            continue;
        c = gateway_changes_add(all, (enum gateway_setting)s,
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
    char *text = gateway_file_read(all->saved), *line, *rest = NULL;

    if (text == NULL)
        return;
    for (line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        take_line(all, line);
    free(text);
}

const char *gateway_saved_path(const char *socket, char path[128])
{
    const char *slash = strrchr(socket, '/');

    if (slash == NULL)
        return NULL;
    snprintf(path, 128, "%.*s/gateway.saved", (int)(slash - socket), socket);
    return path;
}

uint32_t gateway_saved_left(const char *path, char (*left)[16], uint32_t room)
{
    struct gateway_file file = {
        .fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
    struct gateway_settings all = {.saved = &file};
    uint32_t n = 0;

    if (file.fd < 0)
        return 0;
    if (netlink_open(&all.nl) == 0)
        gateway_saved_read(&all);
    for (uint32_t i = 0; i < all.n && n < room; i++)
        if (all.change[i].setting != GATEWAY_FORWARD6 &&
            all.change[i].device[0] != '\0')
            memcpy(left[n++], all.change[i].device, sizeof *left);
    free(all.change);
    netlink_close(all.nl);
    close(file.fd);
    return n;
}
