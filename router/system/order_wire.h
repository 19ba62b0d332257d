/* order_wire.h - an order and its answer, one message each of a socket pair
 *
 * Behind the head stands what is to be sent to the kernel: of ORDER_ROUTE one
 * message, of ORDER_NFTABLES a batch; of ORDER_FORWARD a question. ORDER_ATTACH
 * brings a descriptor. */
#ifndef ORDER_WIRE_H
#define ORDER_WIRE_H

#include <stdint.h>

enum order_kind {
    ORDER_ROUTE,
    ORDER_NFTABLES,
    ORDER_SYSCTL,
    ORDER_ATTACH,
    ORDER_COUNT,
    ORDER_FORWARD,
    ORDER_CLASH
};

enum { ORDER_BODY = 65536, ORDER_NAME = 116, ORDER_FOUND = 160 };

struct order_head {
    uint32_t kind, seq;
    uint32_t value; /* of a setting; flags of a device */
    char name[ORDER_NAME];
};

struct order {
    struct order_head head;
    _Alignas(8) char body[ORDER_BODY];
};

_Static_assert(sizeof(struct order_head) % 8 == 0, "the body follows at once");

struct order_answer {
    uint32_t seq;
    int32_t code;            /* 0 or a negative errno */
    uint32_t port;           /* of the process's netlink socket */
    uint32_t tables_port;    /* of the one for nf_tables; 0: none yet */
    uint64_t value;          /* of a counter */
    char found[ORDER_FOUND]; /* of FORWARD, CLASH */
};

#endif
