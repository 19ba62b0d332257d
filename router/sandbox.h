/* sandbox.h - the user weir runs as, and the capabilities its threads keep */
#ifndef SANDBOX_H
#define SANDBOX_H

#include <stdbool.h>

/* Before anything else, with one thread: become user, "NAME|UID[:GROUP|:GID]",
 * with no supplementary groups, keeping CAP_NET_ADMIN alone if it is there,
 * and be closed to other processes of that user.  NULL: identity and
 * capabilities stay.  No program run from here on gains rights either way.
 * 0, or the exit code with a sentence in err: 2 there is no such user, 1 not
 * possible here. */
int sandbox_become(const char *user, char err[256]);

/* First thing in a worker's thread: it keeps no capability at all, whoever it
 * runs as.  Ends the program if the kernel should refuse. */
void sandbox_worker(void);

/* The control thread, when all is set up: if sandbox_become() was given a user,
 * keeps CAP_NET_ADMIN alone or nothing; if not, all stays as it is.  0, or -1
 * with a sentence in err. */
int sandbox_settle(bool keep_net_admin, char err[256]);

#endif
