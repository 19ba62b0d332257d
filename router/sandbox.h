/* sandbox.h - the user weir runs as, and the capabilities its threads keep */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>

/* Before anything else, with one thread: become user, "NAME|UID[:GROUP|:GID]",
 * with no supplementary groups, keeping CAP_NET_ADMIN alone if it is there.
 * NULL: identity and capabilities stay.  Either way no program run from here on
 * gains rights, and this one is closed to other processes of its user.
 * 0, or the exit code with a sentence in err: 2 there is no such user, 1 not
 * possible here. */
int sandbox_become(const char *user, char err[256]);

/* First thing in a worker's thread: it keeps no capability at all, whoever it
 * runs as.  Ends the program if the kernel should refuse. */
void sandbox_worker(void);

/* May this thread change the network? */
bool sandbox_may_net_admin(void);

/* The one thread that there is keeps CAP_NET_ADMIN, if it has it, or nothing.
 * 0, or -1 with a sentence in err. */
int sandbox_settle(bool keep_net_admin, char err[256]);

#endif
