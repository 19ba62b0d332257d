/* sandbox.h - the user weir runs as, and what its threads may do */
#ifndef SANDBOX_H
#define SANDBOX_H

#include "system/sandbox_calls.h"
#include "system/sandbox_files.h"

#include <stdbool.h>

/* Before anything else, with one thread: who is weir to be?  user:
 * "NAME|UID[:GROUP|:GID]"; NULL: root becomes the default one where it can (or
 * err says why it stays root), others stay.  No program run from here on gains
 * rights, and this one is closed to other processes of its user.  0, or the
 * exit code with a sentence in err: 2 there is no such user, 1 not possible
 * here. */
int sandbox_begin(const char *user, char err[256]);

/* Until sandbox_settle(), and nothing afterwards: act with no more rights than
 * it will leave, or with all that weir was started with, as after
 * sandbox_begin(). */
void sandbox_act_as_user(void);
void sandbox_act_as_begun(void);

/* A file is to be the user's own; that one may be it already. */
void sandbox_give(const char *path);

/* May this thread change the network? */
bool sandbox_may_net_admin(void);

/* The one thread that there is becomes the user, with no supplementary groups,
 * and keeps CAP_NET_ADMIN, if it has it, or nothing.  0, or -1 with a sentence
 * in err. */
int sandbox_settle(bool keep_net_admin, char err[256]);

/* "kill", "log" or "off": of system calls and files.  Until it is called,
 * "off"; a build with sanitizers, which call what they like, stays "off".
 * false: it is none of these. */
bool sandbox_choose(const char *word);

/* The one thread that there is, settled: it and those it makes open nothing but
 * files below n places, and no memory that can be written to becomes code.  0;
 * err has a sentence if this kernel can't do all.  -1: err says why not. */
int sandbox_confine(const struct sandbox_place *place, size_t n, char err[256]);

/* Last of all in a thread's start: it makes no system calls but those of
 * syscalls.def.  0; err and -1 as above. */
int sandbox_limit_calls(enum sandbox_caller who, char err[256]);

/* First thing in another thread of weir's: it keeps no capability at all,
 * whichever user it runs as, and calls are limited.  Ends the program if the
 * kernel should refuse. */
void sandbox_worker(void);

#endif
