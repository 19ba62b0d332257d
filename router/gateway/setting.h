/* gateway_setting.h - single settings of the kernel: read, changed, and given
 * back as they were */
#ifndef GATEWAY_SETTING_H
#define GATEWAY_SETTING_H

#include "gateway/file.h"
#include "kernel/netlink/netlink.h"

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

#define GATEWAY_NOT_KNOWN UINT32_MAX

struct gateway_settings {
    struct netlink *nl;         /* not owned */
    struct gateway_file *saved; /* not owned */
    int unsaved;                /* why the file can't be written; 0: it can */
    uint32_t n, room;
    struct gateway_setting_change {
        enum gateway_setting setting;
        char device[16]; /* "": of none */
        uint32_t index;  /* the device's; 0: not known */
        uint32_t was, is;
        uint32_t master; /* of all devices, at that time; or NOT_KNOWN */
        bool ours;       /* at the end: to be given back */
    } * change;
};

/* Takes over what a killed predecessor has left in the file saved. */
void gateway_setting_open(struct gateway_settings *all, struct netlink *nl,
                          struct gateway_file *saved);

/* 0 or a negative errno. */
int gateway_setting_get(struct gateway_settings *all, enum gateway_setting s,
                        const char *device, uint32_t *value);

/* To value if it isn't; what it was is remembered.  0 or a negative errno:
 * nothing is changed if it can't be remembered (see unsaved). */
int gateway_setting_change(struct gateway_settings *all, enum gateway_setting s,
                           const char *device, uint32_t value);

/* It is changed already, nobody said from what: we think, from was. */
void gateway_setting_guess(struct gateway_settings *all, enum gateway_setting s,
                           const char *device, uint32_t was, uint32_t is);

/* Devices may have got other names, or be gone. */
void gateway_setting_follow(struct gateway_settings *all);

/* The change of this setting, added if there is none; NULL: no memory. */
struct gateway_setting_change *gateway_setting_add(struct gateway_settings *all,
                                                   enum gateway_setting s,
                                                   const char *device);

/* May this be the name of a device that it is set of? */
bool gateway_setting_names(enum gateway_setting s, const char *device);

/* As the file calls it; is it a device's; is it off, on or 2? */
const char *gateway_setting_key(enum gateway_setting s);
bool gateway_setting_of_device(enum gateway_setting s);
bool gateway_setting_is_switch(enum gateway_setting s);

/* As sysctl(8) calls it, without a device's dots as slashes; for those that
 * stand in /proc/sys. */
void gateway_setting_name(enum gateway_setting s, const char *device,
                          char name[48]);

/* Is it the path, below /proc/sys, of a setting above?  device: whose, "": the
 * host's. */
bool gateway_setting_of_path(const char *path, enum gateway_setting *s,
                             char device[16]);

/* Write a number of /proc/sys here, in this process.  0 or a negative errno. */
int gateway_setting_write(const char *path, uint32_t value);

/* A number of /proc/sys; path without that.  0 or a negative errno. */
int gateway_setting_sysctl(const char *path, uint32_t *value);

/* Everything as it was, but what somebody else has changed since; the file is
 * removed.  0, or -1 if something could not be. */
int gateway_setting_restore(struct gateway_settings *all);

#endif
