/* hostnet.h - gateway mode's side of control; without it nothing is done */
#ifndef HOSTNET_H
#define HOSTNET_H

#include "control/private.h"

/* open: before the first generation; replaces *config by one that knows the
 * facts; 0, or the exit code, and it says why.  start: when workers walk; 0 or
 * -1, and it says why.  end: before they stop. */
int hostnet_open(struct control *c, struct config **config);
int hostnet_start(struct control *c);
void hostnet_end(struct control *c);
void hostnet_changed(struct control *c); /* look again, soon */
reload_done hostnet_loaded;
void hostnet_tend(struct control *c); /* once a second: the host's own ports */
/* Say in the log whom the input rules keep from the host, ssh included. */
void hostnet_say_closed(const struct control *c);

#endif
