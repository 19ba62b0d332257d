/* admit.h - new clients of a server, and making room for them */
#ifndef ADMIT_H
#define ADMIT_H

#include "server_state.h"

/* The places that there are: one more is taken by the newest client. */
unsigned admit_room(const struct server *s);

/* Accept some of those that wait. */
void admit_some(struct server *s);

/* Accept none until a descriptor or memory is free; try again. */
void admit_pause(struct server *s, bool pause);

/* A socket pair for c; others make way if there is no descriptor. */
bool admit_pair(struct conn *c);

#endif
