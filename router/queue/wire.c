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
    const struct queue_wire_subscribe *m = queue_wire_subscribe_view(data);

    if (n != sizeof *m)
        return QUEUE_WIRE_E_LENGTH;
    said->copy = ct_load32(m->copy);
    return ct_load32(m->zero) == 0 ? QUEUE_WIRE_OK : QUEUE_WIRE_E_VALUE;
}

static enum queue_wire_error read_verdict(const uint8_t *data, size_t n,
                                          struct queue_wire_verdict *v)
{
    const struct queue_wire_answer *m = queue_wire_answer_view(data);
    uint8_t flags;

    if (n < sizeof *m)
        return QUEUE_WIRE_E_LENGTH;
    flags = m->flags;
    *v = (struct queue_wire_verdict){
        .id = ct_load64(m->id),
        .verdict = (enum ct_verdict)m->verdict,
        .has_mark = flags & QUEUE_WIRE_MARK,
        .has_bytes = flags & QUEUE_WIRE_BYTES,
        .mark = ct_load32(m->mark),
        .bytes = data + sizeof *m,
        .len = (uint32_t)(n - sizeof *m),
    };
    if (m->verdict != CT_DROP && m->verdict != CT_ACCEPT &&
        m->verdict != CT_REPEAT)
        return QUEUE_WIRE_E_VALUE;
    if (flags > (QUEUE_WIRE_MARK | QUEUE_WIRE_BYTES) || ct_load16(m->zero) != 0)
        return QUEUE_WIRE_E_VALUE;
    if ((v->len != 0) != v->has_bytes)
        return QUEUE_WIRE_E_LENGTH;
    return QUEUE_WIRE_OK;
}

enum queue_wire_error queue_wire_read(const uint8_t *data, size_t n,
                                      struct queue_wire_said *said)
{
    const struct queue_wire_head *head = queue_wire_head_view(data);

    memset(said, 0, sizeof *said);
    if (n < sizeof *head || n > QUEUE_WIRE_LONGEST)
        return QUEUE_WIRE_E_LENGTH;
    if (head->version != QUEUE_WIRE_VERSION)
        return QUEUE_WIRE_E_VERSION;
    if (ct_load32(head->len) != n)
        return QUEUE_WIRE_E_LENGTH;
    said->type = (enum queue_wire_type)head->type;
    said->queue = ct_load16(head->queue);
    switch (head->type) {
    case QUEUE_WIRE_SUBSCRIBE:
        return read_subscribe(data, n, said);
    case QUEUE_WIRE_VERDICT:
        return read_verdict(data, n, &said->verdict);
    default:
        return QUEUE_WIRE_E_TYPE;
    }
}

/* ---- what weir says ---- */

static struct queue_wire_head begin(enum queue_wire_type type, uint16_t queue,
                                    uint32_t len)
{
    struct queue_wire_head head = {.version = QUEUE_WIRE_VERSION,
                                   .type = (uint8_t)type};

    ct_store16(&head.queue, queue);
    ct_store32(&head.len, len);
    return head;
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

static void put_name(char out[QUEUE_WIRE_IFNAME], const char *name)
{
    memcpy(out, name, strnlen(name, QUEUE_WIRE_IFNAME - 1));
}

uint32_t queue_wire_packet(uint8_t head[QUEUE_WIRE_PACKET_LEN],
                           const struct queue_wire_about *about,
                           const struct ct_pkt *pkt, uint32_t copy)
{
    struct queue_wire_packet *m = queue_wire_packet_edit(head);

    *m = (struct queue_wire_packet){
        .head =
            begin(QUEUE_WIRE_PACKET, about->queue, (uint32_t)sizeof *m + copy),
        .in = pkt->in,
        .out = pkt->out,
        .hook = pkt->hook,
        .info = pkt->info,
        .dir = pkt->dir,
        .family = ct_ip_version(pkt->data),
    };
    ct_store64(&m->id, about->id);
    ct_store64(&m->wall_ms, about->wall_ms);
    ct_store32(&m->flow, about->flow);
    ct_store32(&m->flow_gen, about->flow_gen);
    ct_store32(&m->mark, pkt->mark);
    ct_store32(&m->len, pkt->len);
    ct_store16(&m->flags, flags_of(pkt, copy));
    ct_store16(&m->gso_size, pkt->gso_size);
    ct_store16(&m->frag_max, pkt->frag_max);
    put_name(m->name_in, about->in);
    put_name(m->name_out, about->out);
    return sizeof *m;
}

uint32_t queue_wire_subscribed(uint8_t out[QUEUE_WIRE_SUBSCRIBED_LEN],
                               uint16_t queue, uint32_t max, uint32_t options,
                               uint32_t timeout_ms)
{
    struct queue_wire_subscribed *m = queue_wire_subscribed_edit(out);

    m->head = begin(QUEUE_WIRE_SUBSCRIBED, queue, sizeof *m);
    ct_store32(&m->max, max);
    ct_store32(&m->options, options);
    ct_store32(&m->timeout_ms, timeout_ms);
    return sizeof *m;
}

uint32_t queue_wire_refusal(uint8_t out[128], uint16_t queue, uint64_t id,
                            enum queue_wire_error error)
{
    const char *text = queue_wire_text(error);
    struct queue_wire_refusal *m = queue_wire_refusal_edit(out);
    uint32_t n = (uint32_t)strnlen(text, 128 - sizeof *m);

    *m = (struct queue_wire_refusal){
        .head = begin(QUEUE_WIRE_ERROR, queue, (uint32_t)sizeof *m + n)};
    ct_store64(&m->id, id);
    ct_store16(&m->error, error);
    memcpy(out + sizeof *m, text, n);
    return (uint32_t)sizeof *m + n;
}
