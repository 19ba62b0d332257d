/* tcp.c - the tracker of TCP
 *
 * Three questions to a segment, in this order:
 *   1. are its flags possible?                       read_segment()
 *   2. what does it mean in this state?              tcp.def, and the steps
 *      below where one segment alone doesn't tell
 *   3. do its numbers fit the windows?               tcp_window.c
 * Only what passes all three changes the flow.  What the table calls IGNORE
 * passes unbelieved, but is remembered (last_*): the next segment may show that
 * it was meant, and conntrack is then the one that gets in step again.
 *
 * A new flow: opens() admits the segment and begins its sender's window, state
 * stays NONE; track() then makes the step NONE -> SYN_SENT, or NONE ->
 * ESTABLISHED for a flow picked up in the middle, whose two sides are liberal
 * for good.
 *
 * last_kind (last_index) is the kind of the last segment believed or ignored,
 * or of a refused FIN or RST of an assured flow.  last_seq, last_ack, last_end
 * and last_win belong to the last ACK or ignored segment. */
#include "proto/l4proto.h"
#include "proto/tcp_options.h"
#include "proto/tcp_window.h"
#include <ctcore/event.h>
#include <ctcore/wire.h>

/* A flow with less left than this is not worth lowering. */
#define LOWER_FROM_MS (120u * 1000)

static const uint8_t tcp_next[N_TCP_STATES][CT_N_DIRS][N_TCP_KINDS] = {
#define T(from, dir, kind, to, why)                                            \
    [TCP_##from][CT_DIR_##dir][TCP_KIND_##kind] = TCP_##to,
    TCP_TRANSITIONS(T)
#undef T
};

/* What a flag byte makes of a segment.  The sets are those that a stack may
 * send, PSH and the ECN bits aside (RFC 9293 3.5, 3.10); all others have kind
 * NONE and are refused.  FIN without ACK, or nothing, is a probe. */
#define SET(flags, kind)                                                       \
    [flags] = TCP_KIND_##kind, [(flags) | CT_TCP_PSH] = TCP_KIND_##kind
static const uint8_t kind_of[64] = {
    SET(CT_TCP_RST, RST),
    SET(CT_TCP_RST | CT_TCP_ACK, RST),
    SET(CT_TCP_SYN, SYN),
    SET(CT_TCP_SYN | CT_TCP_URG, SYN),
    SET(CT_TCP_SYN | CT_TCP_ACK, SYNACK),
    SET(CT_TCP_FIN | CT_TCP_ACK, FIN),
    SET(CT_TCP_FIN | CT_TCP_ACK | CT_TCP_URG, FIN),
    SET(CT_TCP_ACK, ACK),
    SET(CT_TCP_ACK | CT_TCP_URG, ACK),
};
#undef SET

static inline enum ct_reason read_segment(const struct ct_pkt *pkt,
                                          struct tcp_segment *seg)
{
    const uint8_t *bytes = pkt->data + pkt->l4_off;
    const struct ct_tcp_header *tcp = ct_tcp_view(bytes);
    uint32_t header_len;

    if (pkt->l4_len < sizeof *tcp)
        return CT_REASON_L4_TRUNCATED;
    header_len = ct_tcp_size(tcp);
    if (header_len < sizeof *tcp || header_len > pkt->l4_len)
        return CT_REASON_L4_BAD_LENGTH;

    seg->flags = tcp->flags & CT_TCP_FLAGS;
    seg->kind = kind_of[seg->flags];
    if (seg->kind == TCP_KIND_NONE)
        return CT_REASON_TCP_FLAGS;

    seg->options = bytes + sizeof *tcp;
    seg->options_len = header_len - (uint32_t)sizeof *tcp;
    seg->seq = ct_load32(tcp->seq);
    seg->ack = ct_load32(tcp->ack);
    seg->win = ct_load16(tcp->win);
    seg->end = seg->seq + (pkt->l4_len - header_len) + (seg->flags >> 1 & 1u) +
               (seg->flags & CT_TCP_FIN);
    return CT_REASON_NONE;
}

static enum ct_reason tcp_opens(union ct_proto_state *st, struct track *t)
{
    struct tcp_segment seg;
    enum ct_reason why = read_segment(t->pkt, &seg);

    if (why != CT_REASON_NONE)
        return why;

    switch (tcp_next[TCP_NONE][CT_DIR_ORIGINAL][seg.kind]) {
    case TCP_SYN_SENT:
        tcp_window_open(st, &seg);
        return CT_REASON_NONE;
    case TCP_ESTABLISHED:
        if (!t->params->v[CT_PARAM_tcp_loose])
            return CT_REASON_TCP_NO_FLOW;
        tcp_window_pickup(st, &seg);
        return CT_REASON_NONE;
    default:
        return CT_REASON_TCP_NO_FLOW;
    }
}

/* From where to where a segment leads. */
struct move {
    uint8_t was, next;
    bool unchecked; /* its numbers are not to be compared */
};

static bool last_was(const union ct_proto_state *st, enum tcp_kind kind,
                     enum ct_dir dir)
{
    return st->tcp.last_index == (unsigned)kind &&
           st->tcp.last_dir == (unsigned)dir;
}

static void remember_kind(union ct_proto_state *st,
                          const struct tcp_segment *seg, enum ct_dir dir)
{
    st->tcp.last_index = (unsigned)seg->kind & 0x7fu;
    st->tcp.last_dir = (unsigned)dir & 1u;
}

/* A SYN at the end of a flow makes a new one if the flow was closed by FIN, or
 * if this side itself reset it.  Else the reset may be the other side's view
 * of something older, and the mapping must live until that is clear. */
static bool may_reopen(const union ct_proto_state *st, enum ct_dir dir)
{
    return (st->tcp.flags[CT_DIR_ORIGINAL] | st->tcp.flags[CT_DIR_REPLY]) &
               CT_TCP_CLOSE_INIT ||
           last_was(st, TCP_KIND_RST, dir);
}

/* The SYN-ACK that answers the SYN ignored just before. */
static bool answers_ignored_syn(const union ct_proto_state *st,
                                const struct tcp_segment *seg, enum ct_dir dir)
{
    return seg->kind == TCP_KIND_SYNACK && last_was(st, TCP_KIND_SYN, !dir) &&
           seg->ack == st->tcp.last_end;
}

static void remember_ignored(union ct_proto_state *st,
                             const struct tcp_segment *seg, enum ct_dir dir)
{
    remember_kind(st, seg, dir);
    st->tcp.last_seq = seg->seq;
    st->tcp.last_end = seg->end;
    st->tcp.last_win = seg->win;

    if (seg->kind == TCP_KIND_SYN && dir == CT_DIR_ORIGINAL) {
        struct tcp_offer offer = tcp_options_offer(seg);

        st->tcp.last_wscale = offer.scale;
        st->tcp.last_flags =
            (uint8_t)((offer.has_scale ? CT_TCP_WINDOW_SCALE : 0) |
                      (offer.sack_perm ? CT_TCP_SACK_PERM : 0) |
                      /* The answer, RFC 5961 4.2, would look like the ACK of
                       * the last FIN. */
                      (st->tcp.state == TCP_LAST_ACK ? CT_TCP_CHALLENGE_ACK
                                                     : 0));
    }
    /* The client answers a challenge with a RST of this number. */
    if (seg->kind == TCP_KIND_ACK && dir == CT_DIR_REPLY &&
        st->tcp.state == TCP_SYN_SENT)
        st->tcp.last_ack = seg->ack;
}

/* The numbers of a flow may be those of a connection before when a SYN was let
 * through since, and the RST answers it.  A SYN from the RST's own side is no
 * excuse where guesses don't count: a stranger sends both. */
static bool after_ignored_syn(const union ct_proto_state *st,
                              const struct track *t, bool living)
{
    if (living && !t->params->v[CT_PARAM_tcp_inexact_rst])
        return last_was(st, TCP_KIND_SYN, !t->dir);
    return st->tcp.last_index == TCP_KIND_SYN;
}

/* RFC 9293 3.10.7.3: a client that has sent its SYN believes a RST only if it
 * acknowledges that. */
static bool is_no_answer(const union ct_proto_state *st,
                         const struct tcp_segment *seg, const struct track *t,
                         const struct move *m)
{
    return m->was == TCP_SYN_SENT && t->dir == CT_DIR_REPLY &&
           !t->params->v[CT_PARAM_tcp_inexact_rst] &&
           (!(seg->flags & CT_TCP_ACK) ||
            seg->ack != st->tcp.peer[CT_DIR_ORIGINAL].end);
}

/* A RST that would close the flow.  Strangers guess (RFC 5961 3): in a flow
 * that lives only the exact number closes, what is merely in the window passes
 * (inexact), what is below is refused. */
static enum ct_reason weigh_rst(const union ct_proto_state *st,
                                const struct tcp_segment *seg,
                                const struct track *t, struct move *m)
{
    const struct ct_tcp_peer *receiver = &st->tcp.peer[!t->dir];
    bool living = m->was == TCP_ESTABLISHED && t->status & CT_ASSURED;
    bool inexact = false;

    /* On its way out: ports may be in use again and our numbers be old. */
    if (m->was >= TCP_FIN_WAIT && m->was <= TCP_CLOSE) {
        m->unchecked = true;
        return CT_REASON_NONE;
    }

    if (is_no_answer(st, seg, t, m)) {
        m->next = TCP_IGNORE;
        return CT_REASON_NONE;
    }
    if (st->tcp.flags[!t->dir] & CT_TCP_MAXACK_SET &&
        !after_ignored_syn(st, t, living)) {
        /* Refusal of a SYN that was let through. */
        if (seg->seq == 0 && !living)
            return CT_REASON_NONE;
        if (tcp_before(seg->seq, receiver->maxack) &&
            !t->params->v[CT_PARAM_tcp_ignore_invalid_rst])
            return CT_REASON_TCP_RST;
        /* Exact, or right behind this side's own segment. */
        if (!living || seg->seq == receiver->maxack ||
            (last_was(st, TCP_KIND_ACK, t->dir) &&
             seg->seq == st->tcp.last_end))
            return CT_REASON_NONE;
        m->next = m->was;
        inexact = true;
    }

    /* Answer to the other side's SYN, or to an early ACK, that was let
     * through. */
    if (seg->ack == st->tcp.last_end &&
        ((t->status & CT_SEEN_REPLY && last_was(st, TCP_KIND_SYN, !t->dir)) ||
         (!(t->status & CT_ASSURED) && st->tcp.last_index == TCP_KIND_ACK)))
        m->unchecked = true;
    /* Answer to a challenge ACK. */
    if (m->was == TCP_SYN_SENT && last_was(st, TCP_KIND_ACK, CT_DIR_REPLY) &&
        seg->seq == st->tcp.last_ack)
        m->unchecked = true;
    /* A guess may be right by chance, and its receiver asks who sent it. */
    if (inexact && !t->params->v[CT_PARAM_tcp_inexact_rst] &&
        tcp_window_look(st, seg, t->dir) == TCP_FIT_YES)
        m->next = TCP_IGNORE;
    return CT_REASON_NONE;
}

/* Where the table's answer depends on what came before.  m->next TCP_IGNORE:
 * nothing more to do than to let it pass. */
static __attribute__((noinline)) enum ct_reason
settle_move(union ct_proto_state *st, const struct tcp_segment *seg,
            const struct track *t, struct move *m)
{
    switch (m->next) {
    case TCP_TIME_WAIT:
        if (m->was == TCP_LAST_ACK && seg->kind == TCP_KIND_ACK &&
            last_was(st, TCP_KIND_SYN, !t->dir) &&
            st->tcp.last_flags & CT_TCP_CHALLENGE_ACK) {
            st->tcp.last_flags &= (uint8_t)~CT_TCP_CHALLENGE_ACK;
            m->next = TCP_IGNORE;
        }
        break;
    case TCP_SYN_SENT2:
        st->tcp.last_flags |= CT_TCP_SIMULTANEOUS;
        break;
    case TCP_SYN_RECV:
        if (t->dir == CT_DIR_REPLY && seg->kind == TCP_KIND_ACK &&
            st->tcp.last_flags & CT_TCP_SIMULTANEOUS)
            m->next = TCP_ESTABLISHED;
        break;
    case TCP_CLOSE:
        if (seg->kind == TCP_KIND_RST)
            return weigh_rst(st, seg, t, m);
        break;
    case TCP_SYN_SENT: /* at the end of a flow, and not to be reopened */
    case TCP_IGNORE:
        if (m->next == TCP_SYN_SENT && m->was < TCP_TIME_WAIT)
            break;
        if (answers_ignored_syn(st, seg, t->dir)) {
            tcp_window_resync(st, t->dir);
            m->was = TCP_SYN_SENT;
            m->next = TCP_SYN_RECV;
            break;
        }
        remember_ignored(st, seg, t->dir);
        m->next = TCP_IGNORE;
        break;
    default:
        break;
    }
    return CT_REASON_NONE;
}

/* The numbers don't fit.  A FIN or RST from both sides that don't means that
 * conntrack has lost step with a connection that is over. */
static enum ct_reason refuse_segment(union ct_proto_state *st,
                                     const struct tcp_segment *seg,
                                     struct track *t)
{
    enum ct_reason why =
        seg->kind == TCP_KIND_RST ? CT_REASON_TCP_RST : CT_REASON_TCP_WINDOW;

    /* Linux 6.18: that both have sent a SYN is not forgotten. */
    if (seg->kind == TCP_KIND_SYN && t->dir == CT_DIR_REPLY &&
        st->tcp.last_flags & CT_TCP_SIMULTANEOUS &&
        t->params->v[CT_PARAM_tcp_refused_begins])
        t->act = TRACK_KEEP;
    if (seg->kind != TCP_KIND_RST && seg->kind != TCP_KIND_FIN)
        return why;
    if (!(t->status & CT_ASSURED) || t->status & CT_FIXED_TIMEOUT)
        return why;

    if (last_was(st, TCP_KIND_FIN, !t->dir) ||
        last_was(st, TCP_KIND_RST, !t->dir)) {
        if (t->left_ms >= LOWER_FROM_MS) {
            t->act = TRACK_LOWER;
            t->timeout = CT_PARAM_tcp_unacknowledged;
        }
        return why;
    }
    remember_kind(st, seg, t->dir);
    t->act = TRACK_KEEP;
    return why;
}

static const uint8_t tcp_timeouts[N_TCP_STATES] = {
#define S(name, timeout) [TCP_##name] = CT_PARAM_##timeout,
    TCP_STATES(S)
#undef S
};

/* b, where it is the shorter one. */
static bool lowers_timeout(const struct ct_params *p, uint8_t a, uint8_t b)
{
    return p->v[b] < p->v[a];
}

static uint8_t choose_timeout(const union ct_proto_state *st,
                              const struct tcp_segment *seg,
                              const struct ct_params *p)
{
    uint8_t by_state = tcp_timeouts[st->tcp.state];
    uint8_t flags =
        st->tcp.flags[CT_DIR_ORIGINAL] | st->tcp.flags[CT_DIR_REPLY];

    if (st->tcp.retrans >= p->v[CT_PARAM_tcp_max_retrans_nr] &&
        lowers_timeout(p, by_state, CT_PARAM_tcp_max_retrans))
        return CT_PARAM_tcp_max_retrans;
    /* Linux 6.18: also where the RST did not close. */
    if (seg->kind == TCP_KIND_RST &&
        lowers_timeout(p, by_state, CT_PARAM_tcp_close))
        return CT_PARAM_tcp_close;
    if (flags & CT_TCP_UNACKED &&
        lowers_timeout(p, by_state, CT_PARAM_tcp_unacknowledged))
        return CT_PARAM_tcp_unacknowledged;
    if (st->tcp.last_win == 0 &&
        lowers_timeout(p, by_state, CT_PARAM_tcp_max_retrans))
        return CT_PARAM_tcp_max_retrans;
    return by_state;
}

/* The segment is believed. */
static void accept_segment(union ct_proto_state *st,
                           const struct tcp_segment *seg, struct track *t,
                           const struct move *m)
{
    remember_kind(st, seg, t->dir);
    if (st->tcp.state != m->next)
        t->events = CT_EVENT_PROTOINFO;
    if (m->was != m->next && m->next == TCP_FIN_WAIT)
        st->tcp.flags[t->dir] |= CT_TCP_CLOSE_INIT;
    st->tcp.state = m->next;
    t->timeout = choose_timeout(st, seg, t->params);
    t->act = TRACK_REFRESH;
    if (m->next >= TCP_FIN_WAIT && m->next <= TCP_CLOSE)
        t->act |= TRACK_CLOSING;

    if (t->status & CT_SEEN_REPLY) {
        if (!(t->status & CT_ASSURED) && m->next == TCP_ESTABLISHED &&
            (m->was == TCP_SYN_RECV || m->was == TCP_ESTABLISHED))
            t->act |= TRACK_ASSURED;
        return;
    }
    /* Refused at once: there is nothing to remember. */
    if (seg->kind == TCP_KIND_RST)
        t->act = TRACK_KILL;
    /* SYNs alone must not keep an entry, or the rules that it was made by, for
     * ever: a second one changes the state at most. */
    if (seg->kind == TCP_KIND_SYN && m->was == TCP_SYN_SENT)
        t->act = TRACK_IGNORE;
    if (m->next == TCP_ESTABLISHED &&
        lowers_timeout(t->params, t->timeout, CT_PARAM_tcp_unacknowledged))
        t->timeout = CT_PARAM_tcp_unacknowledged;
}

static enum ct_reason tcp_track(union ct_proto_state *st, struct track *t)
{
    struct tcp_segment seg;
    struct move m = {.was = st->tcp.state};
    enum ct_reason why = read_segment(t->pkt, &seg);

    if (why != CT_REASON_NONE)
        return why;

    m.next = tcp_next[m.was][t->dir][seg.kind];
    if (m.next != TCP_ESTABLISHED) { /* else there is nothing to settle */
        if (m.next == TCP_INVALID)
            return CT_REASON_TCP_STATE;
        if (m.next == TCP_SYN_SENT && m.was >= TCP_TIME_WAIT &&
            may_reopen(st, t->dir)) {
            t->act = TRACK_REOPEN;
            return CT_REASON_NONE;
        }
        why = settle_move(st, &seg, t, &m);
        if (why != CT_REASON_NONE)
            return why;
        if (m.next == TCP_IGNORE) {
            t->act = TRACK_IGNORE;
            return CT_REASON_NONE;
        }
    }

    if (!m.unchecked) {
        bool liberal = t->params->v[CT_PARAM_tcp_be_liberal];

        switch (tcp_window_check(st, &seg, t->dir, liberal)) {
        case TCP_FIT_YES:
            break;
        case TCP_FIT_IGNORE:
            t->act = TRACK_IGNORE;
            return CT_REASON_NONE;
        case TCP_FIT_BEGUN:
            if (t->params->v[CT_PARAM_tcp_refused_begins])
                t->act = TRACK_KEEP;
            return refuse_segment(st, &seg, t);
        case TCP_FIT_INVALID:
            return refuse_segment(st, &seg, t);
        }
    }
    accept_segment(st, &seg, t, &m);
    return CT_REASON_NONE;
}

/* Both sides are done with it, and the SYN is numbered above all that the old
 * flow sent, so no straggler can be taken for the new one's (RFC 6191). */
static bool tcp_reusable(const union ct_proto_state *old,
                         const struct ct_pkt *pkt)
{
    struct tcp_segment seg;

    return (old->tcp.state == TCP_TIME_WAIT || old->tcp.state == TCP_CLOSE) &&
           read_segment(pkt, &seg) == CT_REASON_NONE &&
           seg.kind == TCP_KIND_SYN &&
           tcp_after(seg.end, old->tcp.peer[CT_DIR_ORIGINAL].end);
}

static uint8_t tcp_state(const union ct_proto_state *st)
{
    return st->tcp.state;
}

static const char *const tcp_states[N_TCP_STATES] = {
#define S(name, timeout) [TCP_##name] = #name,
    TCP_STATES(S)
#undef S
};

const struct l4proto proto_tcp = {
    .states = tcp_states,
    .timeouts = tcp_timeouts,
    .n_states = N_TCP_STATES,
    .first_timeout = CT_PARAM_tcp_syn_sent,
    .n_timeouts = 11,
    .opens = tcp_opens,
    .track = tcp_track,
    .reusable = tcp_reusable,
    .state = tcp_state,
};
