/* rights.h - what weir may still do once it is set up */
#ifndef RIGHTS_H
#define RIGHTS_H

struct config;
struct control;

/* Of the socket; one that is made here is the user's. */
void rights_make_folder(const struct config *config);
/* 0 or -1, and it says why.  settle: set-up is over, before another
 * thread; watch: of the process that is ordered; limit: last of all. */
int rights_settle(const struct control *c);
int rights_watch(struct control *c);
int rights_limit(void);

#endif
