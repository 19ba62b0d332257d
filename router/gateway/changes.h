/* changes.h - the settings that were changed, and what they were */
#ifndef GATEWAY_CHANGES_H
#define GATEWAY_CHANGES_H

#include "gateway/file.h"
#include "gateway/kind.h"

struct netlink;

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

/* The change of this setting; NULL: there is none. */
struct gateway_setting_change *
gateway_changes_find(struct gateway_settings *all, enum gateway_setting s,
                     const char *device);

/* The same, added if there is none; NULL: no memory. */
struct gateway_setting_change *gateway_changes_add(struct gateway_settings *all,
                                                   enum gateway_setting s,
                                                   const char *device);

/* Change i; the last one takes its place. */
void gateway_changes_forget(struct gateway_settings *all, uint32_t i);

#endif
