/* kind.c - see kind.h */
#include "gateway/kind.h"

#include "kernel/netlink/device.h"

#include <ctcore/types.h>

#include <stdio.h>
#include <string.h>

const struct gateway_kind gateway_kinds[GATEWAY_N] = {
    [GATEWAY_EARLY_DEMUX] = {"early_demux", GATEWAY_BY_FILE,
                             "net/ipv4/ip_early_demux", NULL, 0, NULL},
    [GATEWAY_ACCEPT_RA] = {"accept_ra", GATEWAY_BY_FILE, "net/ipv6/conf/",
                           "/accept_ra", 0, NULL},
    [GATEWAY_FORWARD6_ALL] = {"forwarding6_all", GATEWAY_BY_FILE,
                              "net/ipv6/conf/all/forwarding", NULL, 0, NULL},
    [GATEWAY_PROXY_NDP_ALL] = {"proxy_ndp_all", GATEWAY_BY_FILE,
                               "net/ipv6/conf/all/proxy_ndp", NULL, 0, NULL},
    [GATEWAY_FORWARD6] = {"forwarding6", GATEWAY_BY_FILE, "net/ipv6/conf/",
                          "/forwarding", 0, "net/ipv6/conf/all/forwarding"},
    [GATEWAY_FORWARD4] = {"forwarding4", GATEWAY_BY_INET, "net/ipv4/conf/",
                          "/forwarding", NETLINK_FORWARDING,
                          "net/ipv4/ip_forward"},
    [GATEWAY_RP_FILTER] = {"rp_filter", GATEWAY_BY_INET, "net/ipv4/conf/",
                           "/rp_filter", NETLINK_RP_FILTER, NULL},
    [GATEWAY_VALID_MARK] = {"src_valid_mark", GATEWAY_BY_INET, "net/ipv4/conf/",
                            "/src_valid_mark", NETLINK_VALID_MARK, NULL},
    [GATEWAY_DELAY4] = {"proxy_delay4", GATEWAY_BY_DELAY, NULL, "", CT_IPV4,
                        NULL},
    [GATEWAY_DELAY6] = {"proxy_delay6", GATEWAY_BY_DELAY, NULL, "", CT_IPV6,
                        NULL},
    [GATEWAY_GROUP] = {"group", GATEWAY_BY_GROUP, NULL, "", 0, NULL},
};

bool gateway_kind_of_device(enum gateway_setting s)
{
    return gateway_kinds[s].after != NULL;
}

bool gateway_kind_is_switch(enum gateway_setting s)
{
    return gateway_kinds[s].how <= GATEWAY_BY_INET;
}

bool gateway_kind_names(enum gateway_setting s, const char *device)
{
    static const char *const none[] = {".", "..", "all", "default"};

    if (s == GATEWAY_FORWARD6 && strcmp(device, "default") == 0)
        return true;
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (strcmp(device, none[i]) == 0)
            return false;
    return strchr(device, '/') == NULL;
}

void gateway_kind_file(enum gateway_setting s, const char *device,
                       char path[128])
{
    if (gateway_kinds[s].after == NULL)
        snprintf(path, 128, "/proc/sys/%s", gateway_kinds[s].before);
    else
        snprintf(path, 128, "/proc/sys/%s%s%s", gateway_kinds[s].before, device,
                 gateway_kinds[s].after);
}

void gateway_kind_name(enum gateway_setting s, const char *device,
                       char name[48])
{
    char path[128];

    gateway_kind_file(s, device, path);
    snprintf(name, 48, "%.47s", path + sizeof "/proc/sys/" - 1);
    for (char *p = name; *p != '\0'; p++)
        if (*p == '/')
            *p = '.';
        else if (*p == '.')
            *p = '/';
}

/* What stands for the device is one name. */
static bool is_path_of(const char *path, enum gateway_setting s,
                       char device[16])
{
    const char *before = gateway_kinds[s].before,
               *after = gateway_kinds[s].after;
    size_t n = strlen(path), head = strlen(before), tail = strlen(after);

    if (n <= head + tail || n - head - tail >= 16 ||
        strncmp(path, before, head) != 0 || strcmp(path + n - tail, after) != 0)
        return false;
    (void)snprintf(device, 16, "%.*s", (int)(n - head - tail), path + head);
    return gateway_kind_names(s, device);
}

bool gateway_kind_of_path(const char *path, enum gateway_setting *s,
                          char device[16])
{
    for (int i = 0; i < GATEWAY_N; i++) {
        const char *before = gateway_kinds[i].before;

        *s = (enum gateway_setting)i;
        device[0] = '\0';
        if (before != NULL &&
            (gateway_kinds[i].after == NULL ? strcmp(path, before) == 0
                                            : is_path_of(path, *s, device)))
            return true;
    }
    return false;
}
