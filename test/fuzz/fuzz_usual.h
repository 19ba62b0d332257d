/* fuzz_usual.h - what the kernel of an ordinary router says */
#ifndef FUZZ_USUAL_H
#define FUZZ_USUAL_H

#include "fuzz_message.h"

struct nlmsghdr;

/* The type of the message that answers a question. */
uint16_t fuzz_usual_type(uint16_t question);

/* All that answers it but for the end; nothing for a change. */
void fuzz_usual(struct fuzz_message *b, const struct nlmsghdr *question);

#endif
