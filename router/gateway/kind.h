/* kind.h - the kernel's settings that gateway mode changes: what each
 * is called and where it stands */
#ifndef GATEWAY_KIND_H
#define GATEWAY_KIND_H

#include <stdbool.h>
#include <stdint.h>

enum gateway_setting {
    GATEWAY_EARLY_DEMUX, /* net.ipv4.ip_early_demux: IPv6 obeys it too */
    GATEWAY_ACCEPT_RA,   /* of a device, as all below but for two */
    GATEWAY_FORWARD6_ALL,
    GATEWAY_PROXY_NDP_ALL,
    GATEWAY_FORWARD6,
    GATEWAY_FORWARD4,
    GATEWAY_RP_FILTER,
    GATEWAY_VALID_MARK, /* src_valid_mark: rp_filter minds a packet's mark */
    GATEWAY_DELAY4,     /* of answers for proxy neighbours, ms */
    GATEWAY_DELAY6,
    GATEWAY_GROUP, /* the device's */
    GATEWAY_N
};

enum gateway_kind_how {
    GATEWAY_BY_FILE,
    GATEWAY_BY_INET,
    GATEWAY_BY_DELAY,
    GATEWAY_BY_GROUP
};

struct gateway_kind {
    const char *key; /* in the file that says how it was */
    enum gateway_kind_how how;
    const char *before, *after; /* /proc/sys/BEFORE[DEVICE AFTER] */
    int detail;         /* of BY_INET the setting, BY_DELAY the family */
    const char *master; /* /proc/sys/MASTER, or NULL */
};

extern const struct gateway_kind gateway_kinds[GATEWAY_N];

/* Is it a device's; is it off, on or 2? */
bool gateway_kind_of_device(enum gateway_setting s);
bool gateway_kind_is_switch(enum gateway_setting s);

/* May this be the name of a device that it is set of? */
bool gateway_kind_names(enum gateway_setting s, const char *device);

/* Where it stands, /proc/sys/...; for those that do. */
void gateway_kind_file(enum gateway_setting s, const char *device,
                       char path[128]);

/* As sysctl(8) calls it, without a device's dots as slashes; for those that
 * stand in /proc/sys. */
void gateway_kind_name(enum gateway_setting s, const char *device,
                       char name[48]);

/* Is it the path, below /proc/sys, of a setting above?  device: whose, "": the
 * host's. */
bool gateway_kind_of_path(const char *path, enum gateway_setting *s,
                          char device[16]);

#endif
