/* sandbox_calls.h - which system calls are left, by seccomp(2) */
#ifndef SANDBOX_CALLS_H
#define SANDBOX_CALLS_H

#include <stdbool.h>

enum sandbox_caller { SANDBOX_WEIR = 1, SANDBOX_ORDERS = 2 };

enum sandbox_mode {
    SANDBOX_KILL, /* a call that is not listed ends the process */
    SANDBOX_LOG,  /* it is done, and the kernel logs it */
    SANDBOX_OFF
};

/* This thread, and those it makes, make the calls of syscalls.def alone.  0, or
 * a negative errno: this kernel can't. */
int sandbox_calls_limit(enum sandbox_caller who, enum sandbox_mode mode);

/* How many calls are let through on this machine. */
unsigned sandbox_calls_count(enum sandbox_caller who);

#endif
