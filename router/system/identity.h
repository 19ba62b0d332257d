/* identity.h - the user and the group that words mean */
#ifndef IDENTITY_H
#define IDENTITY_H

#include <stdbool.h>
#include <sys/types.h>

struct identity {
    uid_t uid;
    gid_t gid;
};

/* "NAME|UID[:GROUP|:GID]".  false: there is none, a sentence in err. */
bool identity_find(const char *user, struct identity *out, char err[256]);

/* Whom root becomes unless told otherwise: user "weir" where there is one, else
 * 65532. */
void identity_default(struct identity *out);

#endif
