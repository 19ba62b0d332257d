/* rows.h - which attributes a message to the kernel may have
 *
 * A list of rows, with ROW_END behind the last, names every attribute that weir
 * sends in a place.  Any other one, a second one, another length, a flag in the
 * type that weir does not set, or a byte behind the last one: the message is
 * not weir's.  The kernel reads more than that, and each kind of message in
 * another way: a number of eight bytes as one of four, the last of two, a
 * handle before the name beside it. */
#ifndef ORDER_ROWS_H
#define ORDER_ROWS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct nlmsghdr;
struct nlattr;

enum { ORDER_ROWS_TYPES = 64 };

enum order_rows_form {
    ROW_END,
    ROW_NUMBER,  /* size bytes */
    ROW_ADDRESS, /* as long as the family's */
    ROW_BYTES,   /* 1 to size */
    ROW_TEXT,    /* 1 to size characters, and one NUL at their end */
    ROW_NEST,    /* rows in */
    ROW_LIST     /* of nests of type size: of rows in, or of anything if in is
                    NULL */
};

struct order_rows {
    uint16_t type;
    uint8_t form; /* enum order_rows_form */
    uint8_t size;
    bool needed;
    const struct order_rows *in;
};

/* What is there, by type. */
struct order_rows_found {
    const struct nlattr *at[ORDER_ROWS_TYPES];
};

/* Those behind the message's own header of size bytes.  af: AF_INET, AF_INET6,
 * or anything else: no address is let through. */
bool order_rows_read(const struct order_rows *rows, const struct nlmsghdr *h,
                     size_t size, uint8_t af, struct order_rows_found *found);

/* Those of a nest. */
bool order_rows_within(const struct order_rows *rows, const struct nlattr *nest,
                       struct order_rows_found *found);

/* Of a list: the first one for NULL, the one behind at; NULL: it was the last.
 */
const struct nlattr *order_rows_next(const struct nlattr *list,
                                     const struct nlattr *at);

/* none: it is not there. */
uint32_t order_rows_number(const struct order_rows_found *found, uint16_t type,
                           uint32_t none);

/* "": it is not there. */
const char *order_rows_text(const struct order_rows_found *found,
                            uint16_t type);

/* Is it there, and just these bytes? */
bool order_rows_is(const struct order_rows_found *found, uint16_t type,
                   const void *bytes, size_t len);

#endif
