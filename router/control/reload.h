/* reload.h - other configurations, while packets flow
 *
 * They are read by a thread of their own.  What is asked for while one is at
 * work, or while a worker lags, is done next. */
#ifndef RELOAD_H
#define RELOAD_H

#include "control/private.h"

/* 0 or an error, and it says why. */
int reload_start(struct control *c, reload_done *done);
/* Waits for what is at work; nothing is put in force any more. */
void reload_stop(struct control *c);
void reload_file(struct control *c); /* what SIGHUP asks for */
/* The same text with these facts, which are c->reload.facts when it is done.
 * False: not now, and the caller keeps them. */
bool reload_facts(struct control *c, struct config_facts *facts);
/* c->facts and c->now, with all that hangs on it, must stay as they are. */
bool reload_busy(const struct control *c);
/* Once all workers have taken c->now, free what came before.  Does nothing
 * while busy. */
void reload_settle(struct control *c);
/* Once all flows have been held against the new rules, say what became of it.
 */
void reload_tell(struct control *c);
/* For the start: the text of from, read with these facts.  NULL: it says why.
 */
struct config *reload_remake(const struct config_facts *facts,
                             const struct config *from);

#endif
