/* saved.h - the file that says how the kernel's settings were */
#ifndef GATEWAY_SAVED_H
#define GATEWAY_SAVED_H

#include "gateway/changes.h"

/* As a whole or not at all.  0 (also if there is to be no file), or a negative
 * errno. */
int gateway_saved_write(const struct gateway_settings *all);

/* What a killed predecessor has left; nothing if it can't be believed. */
void gateway_saved_read(struct gateway_settings *all);

/* Where it stands: beside the socket; NULL: that has no folder. */
const char *gateway_saved_path(const char *socket, char path[128]);

/* The devices whose settings a killed predecessor has left, without those of
 * which any may be set; how many. */
uint32_t gateway_saved_left(const char *path, char (*left)[16], uint32_t room);

#endif
