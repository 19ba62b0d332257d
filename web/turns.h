/* turns.h - which requests begin, and how many in one turn of the loop */
#ifndef TURNS_H
#define TURNS_H

#include "server_state.h"

/* Begin what may begin in this turn. */
void turns_release(struct server *s);

/* May a request begin in the next turn? */
bool turns_may_release(const struct server *s);

#endif
