/* setting.h - single settings of the kernel: read, changed, and given
 * back as they were */
#ifndef GATEWAY_SETTING_H
#define GATEWAY_SETTING_H

#include "gateway/changes.h"

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

/* It is changed already, and its old value is not known: was, presumably. */
void gateway_setting_guess(struct gateway_settings *all, enum gateway_setting s,
                           const char *device, uint32_t was, uint32_t is);

/* Devices may have got other names, or be gone. */
void gateway_setting_follow(struct gateway_settings *all);

/* Write a number of /proc/sys here, in this process.  0 or a negative errno. */
int gateway_setting_write(const char *path, uint32_t value);

/* A number of /proc/sys; path without that.  0 or a negative errno. */
int gateway_setting_sysctl(const char *path, uint32_t *value);

/* Everything as it was, but what other programs have changed since; the file is
 * removed.  0, or -1 if something could not be. */
int gateway_setting_restore(struct gateway_settings *all);

#endif
