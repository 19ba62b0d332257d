/* fuzz_message.h - netlink messages, put together for the fuzzer's kernel */
#ifndef FUZZ_MESSAGE_H
#define FUZZ_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FUZZ_ROOM = 8192, FUZZ_NESTS = 6 };

struct fuzz_message {
    uint8_t *p;          /* a datagram of FUZZ_ROOM bytes */
    size_t len, message; /* where the message at hand begins */
    size_t attr, nest[FUZZ_NESTS];
    unsigned n_nests;
};

/* False: there is no room for it. */
bool fuzz_message_put(struct fuzz_message *b, const void *bytes, size_t n);
bool fuzz_message_attr(struct fuzz_message *b, uint16_t type, const void *bytes,
                       size_t n);
bool fuzz_message_text(struct fuzz_message *b, uint16_t type, const char *text);
bool fuzz_message_u32(struct fuzz_message *b, uint16_t type, uint32_t value);
bool fuzz_message_be32(struct fuzz_message *b, uint16_t type, uint32_t value);

bool fuzz_message_nest(struct fuzz_message *b, uint16_t type);
void fuzz_message_end_nest(struct fuzz_message *b);

bool fuzz_message_begin(struct fuzz_message *b, uint16_t type, uint16_t flags,
                        uint32_t seq, uint32_t port);
/* Its length, unless one stands there. */
void fuzz_message_end(struct fuzz_message *b);

/* How long the header behind struct nlmsghdr is. */
size_t fuzz_message_header(uint16_t type);

#endif
