/* dccp.c - the tracker of DCCP (RFC 4340)
 *
 * Every packet has a number of 48 bits, one higher than its sender's last, and
 * all but REQUEST and DATA acknowledge one of the other side's.  Between the
 * ends the tracker sees what was sent, so for each direction it keeps the first
 * and the highest number, and believes a packet only if
 *
 *   its own number lies within WINDOW of the highest of its direction,
 *   it acknowledges what was sent, and nothing older than WINDOW.
 *
 * The windows that ends agree upon are smaller by far (7.5.2: 100 packets
 * unless they say otherwise); this one is so wide that losses before the router
 * never pass it, and so narrow that a stranger can't guess into it.  DATA, ACK
 * and DATAACK may bear the low 24 bits only (7.6): they mean the nearest
 * number.  SYNCs repair what went wrong between the ends, may bear
 * any number (7.5.4), and change nothing here.
 *
 * Roles are those of client and server, not directions: either end may open the
 * next connection, and a server behind the router may invite one (RFC 5596). */
#include "proto/dccp.def"
#include "proto/l4proto.h"
#include <ctcore/event.h>
#include <ctcore/wire.h>

#define WINDOW    (INT64_C(1) << 24)
#define LOW_48    ((UINT64_C(1) << 48) - 1)
#define SIGN_BITS 16 /* of a word above the number's */

enum dccp_state {
#define S(name, timeout) DCCP_##name,
    DCCP_STATES(S)
#undef S
        N_DCCP_STATES,
    /* As targets only: nothing leads back to NONE. */
    DCCP_INVALID = DCCP_NONE,
    DCCP_IGNORE = N_DCCP_STATES
};

enum dccp_type {
#define Y(name) TYPE_##name,
    DCCP_TYPES(Y)
#undef Y
        N_DCCP_TYPES
};

enum role { ROLE_CLIENT, ROLE_SERVER, N_ROLES };

static const uint8_t dccp_next[N_DCCP_STATES][N_ROLES][N_DCCP_TYPES] = {
#define T(from, role, type, to, why)                                           \
    [DCCP_##from][ROLE_##role][TYPE_##type] = DCCP_##to,
    DCCP_TRANSITIONS(T)
#undef T
};

/* ---- one packet ---- */

struct packet {
    uint64_t seq, ack;
    uint8_t type;
    bool has_ack;
    bool is_short; /* seq and ack are their low 24 bits */
};

/* Generic header, acknowledgement, and what the type has of its own (5.1). */
static uint32_t dccp_header_len(const struct packet *p)
{
    size_t n = p->is_short ? sizeof(struct ct_dccp_header)
                           : sizeof(struct ct_dccp_long_header);

    if (p->has_ack)
        n += p->is_short ? sizeof(struct ct_dccp_ack_header)
                         : sizeof(struct ct_dccp_long_ack_header);
    if (p->type <= TYPE_RESPONSE || p->type == TYPE_RESET ||
        p->type == TYPE_LISTEN)
        n += 4; /* service code; reset code and data */
    return (uint32_t)n;
}

/* => dccp_header_len() bytes are there. */
static void read_dccp_numbers(const uint8_t *dccp, struct packet *p)
{
    p->ack = 0;
    if (p->is_short) {
        const uint8_t *behind = dccp + sizeof(struct ct_dccp_header);

        p->seq = ct_load24(ct_dccp_view(dccp)->seq);
        if (p->has_ack)
            p->ack = ct_load24(ct_dccp_ack_view(behind)->ack);
    } else {
        const uint8_t *behind = dccp + sizeof(struct ct_dccp_long_header);

        p->seq = ct_load48(ct_dccp_long_view(dccp)->seq);
        if (p->has_ack)
            p->ack = ct_load48(ct_dccp_long_ack_view(behind)->ack);
    }
}

static enum ct_reason read_dccp_packet(const struct ct_pkt *pkt,
                                       struct packet *p)
{
    const uint8_t *bytes = pkt->data + pkt->l4_off;
    const struct ct_dccp_header *dccp = ct_dccp_view(bytes);
    uint32_t offset;

    if (pkt->l4_len < sizeof *dccp)
        return CT_REASON_L4_TRUNCATED;
    p->type = dccp->type >> 1 & 15;
    p->is_short = !(dccp->type & 1);
    p->has_ack = p->type != TYPE_REQUEST && p->type != TYPE_DATA &&
                 p->type != TYPE_LISTEN;
    if (p->type >= N_DCCP_TYPES ||
        (p->is_short && (p->type < TYPE_DATA || p->type > TYPE_DATAACK)))
        return CT_REASON_DCCP_TYPE;
    offset = ct_dccp_size(dccp);
    if (offset < dccp_header_len(p) || offset > pkt->l4_len)
        return CT_REASON_L4_BAD_LENGTH;

    read_dccp_numbers(bytes, p);
    return CT_REASON_NONE;
}

/* ---- numbers ---- */

/* How far a is ahead of b on the ring; less than 0: behind. */
static int64_t seq_distance(uint64_t a, uint64_t b)
{
    return (int64_t)((a - b) << SIGN_BITS) / (INT64_C(1) << SIGN_BITS);
}

/* The number nearest to near that has these low 24 bits. */
static uint64_t widen_seq(uint64_t low, uint64_t near)
{
    uint64_t base = near & ~UINT64_C(0xffffff), half = UINT64_C(1) << 23;
    uint64_t n = base | low;

    if (seq_distance(n, near) > (int64_t)half)
        n -= half * 2;
    else if (seq_distance(near, n) > (int64_t)half)
        n += half * 2;
    return n & LOW_48;
}

static bool is_direction_known(const union ct_proto_state *st, enum ct_dir dir)
{
    return st->dccp.known >> dir & 1;
}

/* Begin to follow a direction at this number, the oldest one being first. */
static void follow_direction(union ct_proto_state *st, enum ct_dir dir,
                             uint64_t seq, uint64_t first)
{
    st->dccp.seq[dir] = seq;
    st->dccp.first[dir] = first & LOW_48;
    st->dccp.known |= (uint8_t)(1u << dir);
}

static bool numbers_fit(union ct_proto_state *st, struct packet *p,
                        enum ct_dir dir)
{
    uint64_t mine = st->dccp.seq[dir], other = st->dccp.seq[!dir];
    /* Sent by an end that knows nothing but the packet it refuses (8.3.1). */
    bool bare = p->type == TYPE_RESET && p->seq == 0;

    if (is_direction_known(st, dir)) {
        int64_t d;

        if (p->is_short)
            p->seq = widen_seq(p->seq, mine);
        d = seq_distance(p->seq, mine);
        if (!bare && (d > WINDOW || d < -WINDOW))
            return false;
    }
    if (p->has_ack && is_direction_known(st, !dir)) {
        if (p->is_short)
            p->ack = widen_seq(p->ack, other);
        if (seq_distance(p->ack, other) > 0 ||
            seq_distance(p->ack, other) < -WINDOW ||
            seq_distance(p->ack, st->dccp.first[!dir]) < 0)
            return false;
    }
    return true;
}

/* The packet is believed: its sender has come so far. */
static void learn_numbers(union ct_proto_state *st, const struct packet *p,
                          enum ct_dir dir)
{
    if (!is_direction_known(st, dir))
        follow_direction(st, dir, p->seq, p->seq);
    else if (seq_distance(p->seq, st->dccp.seq[dir]) > 0)
        st->dccp.seq[dir] = p->seq;
    /* picked up: what is acknowledged was sent */
    if (p->has_ack && !p->is_short && !is_direction_known(st, !dir))
        follow_direction(st, !dir, p->ack, p->ack - WINDOW);
}

/* ---- the first packet ---- */

static enum ct_reason dccp_opens(union ct_proto_state *st, struct track *t)
{
    struct packet p;
    enum ct_reason why = read_dccp_packet(t->pkt, &p);

    if (why != CT_REASON_NONE)
        return why;
    switch (dccp_next[DCCP_NONE][ROLE_CLIENT][p.type]) {
    case DCCP_REQUEST:
        return CT_REASON_NONE;
    case DCCP_OPEN:
        if (!t->params->v[CT_PARAM_dccp_loose])
            return CT_REASON_DCCP_NO_FLOW;
        if (!p.is_short)
            follow_direction(st, CT_DIR_ORIGINAL, p.seq, p.seq - WINDOW);
        st->dccp.picked_up = 1;
        return CT_REASON_NONE;
    default:
        return CT_REASON_DCCP_NO_FLOW;
    }
}

/* ---- each packet ---- */

static const uint8_t dccp_timeouts[N_DCCP_STATES] = {
#define S(name, timeout) [DCCP_##name] = CT_PARAM_##timeout,
    DCCP_STATES(S)
#undef S
};

static enum role role_of(const union ct_proto_state *st, enum ct_dir dir)
{
    return st->dccp.client == dir ? ROLE_CLIENT : ROLE_SERVER;
}

/* A connection begins in this entry, whatever was in it before. */
static void begin_connection(union ct_proto_state *st, enum ct_dir client)
{
    *st = (union ct_proto_state){.dccp = {.client = (uint8_t)client}};
}

/* A REQUEST that was ignored, and then answered: the ends have begun again. */
static bool resync_after_reset(union ct_proto_state *st, const struct packet *p,
                               enum ct_dir dir)
{
    if (p->type != TYPE_RESPONSE || !st->dccp.asked ||
        st->dccp.asked_dir == dir || p->ack != st->dccp.asked_seq)
        return false;
    begin_connection(st, !dir);
    follow_direction(st, !dir, p->ack, p->ack);
    follow_direction(st, dir, p->seq, p->seq);
    st->dccp.state = DCCP_RESPOND;
    return true;
}

static void ignore_packet(union ct_proto_state *st, struct packet *p,
                          struct track *t)
{
    t->act = TRACK_IGNORE;
    if (p->type != TYPE_REQUEST)
        return;
    st->dccp.asked = 1;
    st->dccp.asked_dir = (uint8_t)t->dir;
    st->dccp.asked_seq = p->seq;
    /* sent again: the answer may be to this one */
    if (st->dccp.state == DCCP_REQUEST && role_of(st, t->dir) == ROLE_CLIENT &&
        numbers_fit(st, p, t->dir))
        learn_numbers(st, p, t->dir);
}

static enum ct_reason accept_packet(union ct_proto_state *st, struct track *t,
                                    uint8_t next)
{
    uint8_t was = st->dccp.state;

    st->dccp.state = next;
    t->act = TRACK_REFRESH;
    t->timeout = dccp_timeouts[next];
    if (was != next)
        t->events = CT_EVENT_PROTOINFO;
    if (next >= DCCP_CLOSEREQ)
        t->act |= TRACK_CLOSING;
    /* the handshake's ACK, whose number fits; or both sides speak */
    if ((was == DCCP_RESPOND && next == DCCP_PARTOPEN) ||
        (was == DCCP_OPEN && next == DCCP_OPEN && t->status & CT_SEEN_REPLY &&
         !(t->status & CT_ASSURED)))
        t->act |= TRACK_ASSURED;
    return CT_REASON_NONE;
}

static enum ct_reason dccp_track(union ct_proto_state *st, struct track *t)
{
    struct packet p;
    uint8_t next;
    enum ct_reason why = read_dccp_packet(t->pkt, &p);

    if (why != CT_REASON_NONE)
        return why;
    /* Of a connection picked up, only this tells who is the server. */
    if (st->dccp.picked_up && p.type == TYPE_CLOSEREQ)
        st->dccp.client = !t->dir;
    next = dccp_next[st->dccp.state][role_of(st, t->dir)][p.type];
    if (next == DCCP_INVALID)
        return CT_REASON_DCCP_STATE;
    if (next == DCCP_IGNORE) {
        if (resync_after_reset(st, &p, t->dir)) {
            t->events = CT_EVENT_PROTOINFO;
            return accept_packet(st, t, DCCP_RESPOND);
        }
        ignore_packet(st, &p, t);
        return CT_REASON_NONE;
    }
    if (next == DCCP_REQUEST)
        begin_connection(st, p.type == TYPE_LISTEN ? !t->dir : t->dir);
    if (!numbers_fit(st, &p, t->dir))
        return CT_REASON_DCCP_SEQUENCE;
    if (p.type == TYPE_RESET && !(t->status & CT_SEEN_REPLY)) {
        t->act = TRACK_KILL; /* refused at once: nothing to remember */
        return CT_REASON_NONE;
    }
    if (p.type != TYPE_LISTEN) /* whose number means nothing */
        learn_numbers(st, &p, t->dir);
    return accept_packet(st, t, next);
}

static uint8_t dccp_state(const union ct_proto_state *st)
{
    return st->dccp.state;
}

static const char *const dccp_states[N_DCCP_STATES] = {
#define S(name, timeout) [DCCP_##name] = #name,
    DCCP_STATES(S)
#undef S
};

const struct l4proto proto_dccp = {
    .states = dccp_states,
    .timeouts = dccp_timeouts,
    .n_states = N_DCCP_STATES,
    .first_timeout = CT_PARAM_dccp_request,
    .n_timeouts = 7,
    .opens = dccp_opens,
    .track = dccp_track,
    .state = dccp_state,
};
