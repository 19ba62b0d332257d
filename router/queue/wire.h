/* wire.h - what a queue's program and weir say to each other
 *
 * A Unix socket of packets (SOCK_SEQPACKET): one message each, big endian, all
 * beginning with
 *
 *      0  u8   version, 1          1  u8   type, below
 *      2  u16  number of the queue 4  u32  length of the message, this included
 *
 * SUBSCRIBE, from the program: the queue's packets come to me.
 *      8  u32  of each packet at most so many bytes (0: the head only)
 *     12  u32  0
 * SUBSCRIBED, the answer:
 *      8  u32  packets that may wait
 *     12  u32  QUEUE_WIRE_BYPASS | _FAIL_OPEN | _RESIZE
 *     16  u32  milliseconds that each may wait
 * PACKET, one that waits for a verdict; names end with 0:
 *      8  u64  its id                 16  u64  wall clock, milliseconds
 *     24  u32  flow: number, or ~0    28  u32  flow: generation ("number-gen")
 *     32  u32  mark                   36  u32  its whole length
 *     40  u8   interface in, 255 none 41  u8   interface out, 255 none
 *     42  u8   hook, enum ct_hook     43  u8   enum ct_info
 *     44  u8   enum ct_dir            45  u8   4 or 6
 *     46  u16  flags, below           48  u16  payload bytes a segment (GSO)
 *     50  u16  the largest of the fragments it came in, or 0
 *     52  16 bytes  name of the interface in
 *     68  16 bytes  name of the interface out
 *     84  u32  0                      88  the packet, from its IP header on
 * VERDICT, from the program:
 *      8  u64  id of the packet       16  u32  mark, with MARK
 *     20  u8   0 drop, 1 accept, 4 repeat: the hook's rules are asked again
 *     21  u8   QUEUE_WIRE_MARK | QUEUE_WIRE_BYTES
 *     22  u16  0                      24  the packet's new bytes, with BYTES
 * ERROR: something was wrong; if it was the message itself weir hangs up.
 *      8  u64  id of the packet, or 0 16  u16  enum queue_wire_error
 *     18  u16  0                      20  a sentence, without 0
 *
 * A packet that was put together from fragments comes whole.  With GSO it is a
 * super-packet as the kernel made it, up to 64 KiB; with PARTIAL its transport
 * checksum holds the pseudo header's sum only. */
#ifndef QUEUE_WIRE_H
#define QUEUE_WIRE_H

#include <ctcore/pkt.h>
#include <ctcore/wire.h>

enum {
    QUEUE_WIRE_VERSION = 1,
    QUEUE_WIRE_HEAD = 8,
    QUEUE_WIRE_SUBSCRIBE_LEN = 16,
    QUEUE_WIRE_SUBSCRIBED_LEN = 20,
    QUEUE_WIRE_PACKET_LEN = 88,
    QUEUE_WIRE_VERDICT_LEN = 24,
    QUEUE_WIRE_ERROR_LEN = 20,
    QUEUE_WIRE_LONGEST = QUEUE_WIRE_PACKET_LEN + 65575,
    QUEUE_WIRE_IFNAME = 16
};

enum queue_wire_type {
    QUEUE_WIRE_SUBSCRIBE = 1,
    QUEUE_WIRE_SUBSCRIBED = 2,
    QUEUE_WIRE_PACKET = 3,
    QUEUE_WIRE_VERDICT = 4,
    QUEUE_WIRE_ERROR = 5
};

enum {
    QUEUE_WIRE_BYPASS = 1,
    QUEUE_WIRE_FAIL_OPEN = 2,
    QUEUE_WIRE_RESIZE = 4 /* TCP payloads may change their length */
};
enum { QUEUE_WIRE_MARK = 1, QUEUE_WIRE_BYTES = 2 };

/* flags of PACKET */
enum {
    QUEUE_WIRE_PARTIAL = 1, /* transport checksum not complete */
    QUEUE_WIRE_GSO = 2,     /* a super-packet */
    QUEUE_WIRE_CUT = 4,     /* not all of its bytes are here */
    QUEUE_WIRE_FIRST = 8,   /* it will open its flow */
    QUEUE_WIRE_OWN = 16     /* the router made it itself */
};

/* ---- messages ---- */

struct queue_wire_head {
    uint8_t version, type;
    ct_be16 queue;
    ct_be32 len;
};
CT_HEADER_AS(struct queue_wire_head, queue_wire_head, QUEUE_WIRE_HEAD);

struct queue_wire_subscribe {
    struct queue_wire_head head;
    ct_be32 copy, zero;
};
CT_HEADER_AS(struct queue_wire_subscribe, queue_wire_subscribe,
             QUEUE_WIRE_SUBSCRIBE_LEN);

struct queue_wire_subscribed {
    struct queue_wire_head head;
    ct_be32 max, options, timeout_ms;
};
CT_HEADER_AS(struct queue_wire_subscribed, queue_wire_subscribed,
             QUEUE_WIRE_SUBSCRIBED_LEN);

struct queue_wire_packet {
    struct queue_wire_head head;
    ct_be64 id, wall_ms;
    ct_be32 flow, flow_gen, mark, len;
    uint8_t in, out, hook, info, dir, family;
    ct_be16 flags, gso_size, frag_max;
    char name_in[QUEUE_WIRE_IFNAME], name_out[QUEUE_WIRE_IFNAME];
    ct_be32 zero;
};
CT_HEADER_AS(struct queue_wire_packet, queue_wire_packet,
             QUEUE_WIRE_PACKET_LEN);

struct queue_wire_answer {
    struct queue_wire_head head;
    ct_be64 id;
    ct_be32 mark;
    uint8_t verdict, flags;
    ct_be16 zero;
};
CT_HEADER_AS(struct queue_wire_answer, queue_wire_answer,
             QUEUE_WIRE_VERDICT_LEN);

struct queue_wire_refusal {
    struct queue_wire_head head;
    ct_be64 id;
    ct_be16 error, zero;
};
CT_HEADER_AS(struct queue_wire_refusal, queue_wire_refusal,
             QUEUE_WIRE_ERROR_LEN);

/* W(NAME, number, hangs up, "text a person reads") */
#define QUEUE_WIRE_ERRORS(W)                                                   \
    W(VERSION, 1, true, "another version; expected 1")                         \
    W(LENGTH, 2, true, "a length that the message does not have")              \
    W(TYPE, 3, true, "a type that programs do not send")                       \
    W(VALUE, 4, true, "a verdict, flag or reserved field that means nothing")  \
    W(STRANGER, 5, true, "only root and the router's own user may be here")    \
    W(CROWDED, 6, true, "as many programs as may be are connected already")    \
    W(NO_QUEUE, 7, false, "no such queue; /queues/list of the configuration")  \
    W(TAKEN, 8, false, "another program has this queue")                       \
    W(NO_PACKET, 9, false, "no packet of that id waits for your verdict")      \
    W(BYTES, 10, false, "new bytes that are no such packet; it was dropped")

enum queue_wire_error {
    QUEUE_WIRE_OK,
#define W(name, number, fatal, text) QUEUE_WIRE_E_##name = (number),
    QUEUE_WIRE_ERRORS(W)
#undef W
};

/* "" and false for what is none. */
const char *queue_wire_text(enum queue_wire_error error);
bool queue_wire_fatal(enum queue_wire_error error);

struct queue_wire_verdict {
    uint64_t id;
    enum ct_verdict verdict; /* DROP, ACCEPT or REPEAT */
    bool has_mark, has_bytes;
    uint32_t mark;
    const uint8_t *bytes; /* within the message */
    uint32_t len;
};

/* What a program said, checked. */
struct queue_wire_said {
    enum queue_wire_type type; /* SUBSCRIBE or VERDICT */
    uint16_t queue;
    uint32_t copy; /* SUBSCRIBE */
    struct queue_wire_verdict verdict;
};

/* n bytes as they came: any. */
enum queue_wire_error queue_wire_read(const uint8_t *data, size_t n,
                                      struct queue_wire_said *said);

/* What of PACKET the packet itself does not know. */
struct queue_wire_about {
    uint16_t queue;
    uint64_t id, wall_ms;
    uint32_t flow, flow_gen;
    const char *in, *out; /* names; "" : none */
};

/* Write a head; answers its length.  copy: bytes of the packet that follow. */
uint32_t queue_wire_packet(uint8_t head[QUEUE_WIRE_PACKET_LEN],
                           const struct queue_wire_about *about,
                           const struct ct_pkt *pkt, uint32_t copy);
uint32_t queue_wire_subscribed(uint8_t out[QUEUE_WIRE_SUBSCRIBED_LEN],
                               uint16_t queue, uint32_t max, uint32_t options,
                               uint32_t timeout_ms);
/* With its text: room for 128 bytes. */
uint32_t queue_wire_refusal(uint8_t out[128], uint16_t queue, uint64_t id,
                            enum queue_wire_error error);

#endif
