/* fuzz_queue.c - libFuzzer: whatever a queue's program sends, a packet stays of
 * its flow
 *
 * The input is a message.  Its new bytes, if it has any, are tried on packets
 * of several kinds: a change that is taken keeps the tuple and fits into the
 * room, one that is refused has changed nothing. */
#include "packet.h"
#include "queue/change.h"
#include "queue/wire.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ROOM = 2048 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const packets[] = {
    "10.0.1.2:4000 > 203.0.113.5:80 tcp . seq 101 ack 901 win 60000 'payload'",
    "10.0.1.2:4000 > 203.0.113.5:53 udp 'question'",
    "10.0.1.2 > 203.0.113.5 icmp echo id 7 seq 1 'ping'",
    "[fd00:1::2]:4000 > [2001:db8::5]:80 tcp . seq 101 ack 901 win 60000 'six'",
};

static void change(const char *spec, const struct queue_wire_verdict *v,
                   bool resize)
{
    uint8_t *room = malloc(CT_HEADROOM + ROOM), was[ROOM];
    struct ct_pkt pkt = {.rule = CT_NONE};
    struct ct_resize by = {0};
    struct ct_tuple tuple;
    uint32_t len;

    if (room == NULL)
        abort();
    pkt.data = room + CT_HEADROOM;
    pkt.len = (uint32_t)packet_build(pkt.data, ROOM, spec);
    if (pkt.len == 0 || ct_parse_packet(&pkt) != CT_REASON_NONE)
        abort();
    len = pkt.len;
    tuple = pkt.tuple;
    memcpy(was, pkt.data, len);
    if (!queue_change(&pkt, v->bytes, v->len, ROOM, resize ? &by : NULL)) {
        if (pkt.len != len || memcmp(pkt.data, was, len) != 0)
            abort();
    } else {
        struct ct_pkt seen = {
            .data = pkt.data, .len = pkt.len, .rule = CT_NONE};

        if (pkt.len > ROOM || ct_parse_packet(&seen) != CT_REASON_NONE ||
            memcmp(&seen.tuple, &tuple, sizeof tuple) != 0)
            abort();
    }
    free(room);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct queue_wire_said said;
    enum queue_wire_error error = queue_wire_read(data, size, &said);

    if (error != QUEUE_WIRE_OK) {
        if (*queue_wire_text(error) == '\0')
            abort();
        return 0;
    }
    if (said.type != QUEUE_WIRE_VERDICT || !said.verdict.has_bytes)
        return 0;
    if (said.verdict.bytes < data ||
        said.verdict.bytes + said.verdict.len > data + size)
        abort();
    for (unsigned i = 0; i < sizeof packets / sizeof *packets; i++) {
        change(packets[i], &said.verdict, false);
        change(packets[i], &said.verdict, true);
    }
    return 0;
}
