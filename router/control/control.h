/* control.h - the control loop: starts everything, ends everything
 *
 * The main thread's loop: signals, reload, the web, events on their way from
 * workers to subscribers, devices that go away and come back.  It never touches
 * a packet, and reads tables as anybody may. */
#ifndef CONTROL_H
#define CONTROL_H

#include "config/config.h"

/* Run until SIGTERM or SIGINT; answers the exit code.  config is taken over;
 * path is the file that SIGHUP reads again. */
int control_run(const char *path, struct config *config);

#endif
