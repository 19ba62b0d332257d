/* checks.h - what /readyz answers */
#ifndef CHECKS_H
#define CHECKS_H

struct control;

/* At each second, and when the kernel says that something changed. */
void checks_look(struct control *c);

#endif
