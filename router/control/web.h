/* web.h - the HTTP side as control runs it */
#ifndef CONTROL_WEB_H
#define CONTROL_WEB_H

#include <stdbool.h>

struct config;
struct control;

int control_web_start(struct control *c); /* 0 or -1; says why */
void control_web_announce(const struct control *c);
/* Ask for the token of next from now on.  False: the old one stays, and it
 * says why. */
bool control_web_token(struct control *c, const struct config *before,
                       const struct config *next);

#endif
