/* devices.h - the TUN devices: opened, watched, won back */
#ifndef DEVICES_H
#define DEVICES_H

#include <stdint.h>

struct control;

int control_devices_open(struct control *c); /* 0 or -1; says why */
void control_devices_close(struct control *c);
void control_devices_look(struct control *c); /* has one gone away? */
/* Try what is due; answers ms until it wants to be called again. */
uint64_t control_devices_tend(struct control *c);

#endif
