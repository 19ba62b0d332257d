/* wire.c - what a queue's program and weir say to each other */
#include "queue/wire.h"

#include <ctcore/wire.h>

#include <string.h>

static const struct {
    bool fatal;
    const char *text;
} errors[] = {[QUEUE_WIRE_OK] = {false, ""},
#define W(name, number, is_fatal, says)                                        \
    [QUEUE_WIRE_E_##name] = {.fatal = is_fatal, .text = says},
              QUEUE_WIRE_ERRORS(W)
#undef W
};

const char *queue_wire_text(enum queue_wire_error error)
{
    return error < sizeof errors / sizeof *errors ? errors[error].text : "";
}

bool queue_wire_fatal(enum queue_wire_error error)
{
    return error < sizeof errors / sizeof *errors && errors[error].fatal;
}

/* ---- what programs say ---- */

static enum queue_wire_error read_subscribe(const uint8_t *data, size_t n,
                                            struct queue_wire_said *said)
{
    if (n != QUEUE_WIRE_SUBSCRIBE_LEN)
        return QUEUE_WIRE_E_LENGTH;
    said->copy = ct_get32(data + 8);
    return ct_get32(data + 12) == 0 ? QUEUE_WIRE_OK : QUEUE_WIRE_E_VALUE;
}

static enum queue_wire_error read_verdict(const uint8_t *data, size_t n,
                                          struct queue_wire_verdict *v)
{
    uint8_t flags;

    if (n < QUEUE_WIRE_VERDICT_LEN)
        return QUEUE_WIRE_E_LENGTH;
    flags = data[21];
    *v = (struct queue_wire_verdict){
        .id = ct_get64(data + 8),
        .verdict = (enum ct_verdict)data[20],
        .has_mark = flags & QUEUE_WIRE_MARK,
        .has_bytes = flags & QUEUE_WIRE_BYTES,
        .mark = ct_get32(data + 16),
        .bytes = data + QUEUE_WIRE_VERDICT_LEN,
        .len = (uint32_t)(n - QUEUE_WIRE_VERDICT_LEN),
    };
    if (data[20] != CT_DROP && data[20] != CT_ACCEPT && data[20] != CT_REPEAT)
        return QUEUE_WIRE_E_VALUE;
    if (flags > (QUEUE_WIRE_MARK | QUEUE_WIRE_BYTES) ||
        ct_get16(data + 22) != 0)
        return QUEUE_WIRE_E_VALUE;
    if ((v->len != 0) != v->has_bytes)
        return QUEUE_WIRE_E_LENGTH;
    return QUEUE_WIRE_OK;
}

enum queue_wire_error queue_wire_read(const uint8_t *data, size_t n,
                                      struct queue_wire_said *said)
{
    memset(said, 0, sizeof *said);
    if (n < QUEUE_WIRE_HEAD || n > QUEUE_WIRE_LONGEST)
        return QUEUE_WIRE_E_LENGTH;
    if (data[0] != QUEUE_WIRE_VERSION)
        return QUEUE_WIRE_E_VERSION;
    if (ct_get32(data + 4) != n)
        return QUEUE_WIRE_E_LENGTH;
    said->type = (enum queue_wire_type)data[1];
    said->queue = ct_get16(data + 2);
    switch (data[1]) {
    case QUEUE_WIRE_SUBSCRIBE:
        return read_subscribe(data, n, said);
    case QUEUE_WIRE_VERDICT:
        return read_verdict(data, n, &said->verdict);
    default:
        return QUEUE_WIRE_E_TYPE;
    }
}

/* ---- what weir says ---- */

static void begin(uint8_t *out, enum queue_wire_type type, uint16_t queue,
                  uint32_t len)
{
    out[0] = QUEUE_WIRE_VERSION;
    out[1] = (uint8_t)type;
    ct_put16(out + 2, queue);
    ct_put32(out + 4, len);
}

static uint16_t flags_of(const struct ct_pkt *pkt, uint32_t copy)
{
    unsigned flags = 0;

    flags |= pkt->csum_partial ? QUEUE_WIRE_PARTIAL : 0u;
    flags |= pkt->gso_size != 0 ? QUEUE_WIRE_GSO : 0u;
    flags |= copy < pkt->len ? QUEUE_WIRE_CUT : 0u;
    flags |= pkt->made_conn ? QUEUE_WIRE_FIRST : 0u;
    flags |= pkt->kind != CT_KIND_NONE ? QUEUE_WIRE_OWN : 0u;
    return (uint16_t)flags;
}

static void put_name(uint8_t *out, const char *name)
{
    memcpy(out, name, strnlen(name, QUEUE_WIRE_IFNAME - 1));
}

uint32_t queue_wire_packet(uint8_t head[QUEUE_WIRE_PACKET_LEN],
                           const struct queue_wire_about *about,
                           const struct ct_pkt *pkt, uint32_t copy)
{
    memset(head, 0, QUEUE_WIRE_PACKET_LEN);
    begin(head, QUEUE_WIRE_PACKET, about->queue, QUEUE_WIRE_PACKET_LEN + copy);
    ct_put64(head + 8, about->id);
    ct_put64(head + 16, about->wall_ms);
    ct_put32(head + 24, about->flow);
    ct_put32(head + 28, about->flow_gen);
    ct_put32(head + 32, pkt->mark);
    ct_put32(head + 36, pkt->len);
    head[40] = pkt->in;
    head[41] = pkt->out;
    head[42] = pkt->hook;
    head[43] = pkt->info;
    head[44] = pkt->dir;
    head[45] = pkt->data[0] >> 4;
    ct_put16(head + 46, flags_of(pkt, copy));
    ct_put16(head + 48, pkt->gso_size);
    ct_put16(head + 50, pkt->frag_max);
    put_name(head + 52, about->in);
    put_name(head + 68, about->out);
    return QUEUE_WIRE_PACKET_LEN;
}

uint32_t queue_wire_subscribed(uint8_t out[QUEUE_WIRE_SUBSCRIBED_LEN],
                               uint16_t queue, uint32_t max, uint32_t options,
                               uint32_t timeout_ms)
{
    begin(out, QUEUE_WIRE_SUBSCRIBED, queue, QUEUE_WIRE_SUBSCRIBED_LEN);
    ct_put32(out + 8, max);
    ct_put32(out + 12, options);
    ct_put32(out + 16, timeout_ms);
    return QUEUE_WIRE_SUBSCRIBED_LEN;
}

uint32_t queue_wire_refusal(uint8_t out[128], uint16_t queue, uint64_t id,
                            enum queue_wire_error error)
{
    const char *text = queue_wire_text(error);
    uint32_t n = (uint32_t)strnlen(text, 128 - QUEUE_WIRE_ERROR_LEN);

    begin(out, QUEUE_WIRE_ERROR, queue, QUEUE_WIRE_ERROR_LEN + n);
    ct_put64(out + 8, id);
    ct_put16(out + 16, error);
    ct_put16(out + 18, 0);
    memcpy(out + QUEUE_WIRE_ERROR_LEN, text, n);
    return QUEUE_WIRE_ERROR_LEN + n;
}
