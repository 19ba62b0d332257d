/* tcp_window.c - follow both windows of a TCP connection
 *
 * After G. van Rooij, "Real stateful TCP packet filtering in IP Filter", 2000.
 * Between the ends the tracker sees what was sent, not what arrived, so for
 * each direction it keeps bounds (struct ct_tcp_peer):
 *
 *   end     what this side has sent up to (SYN and FIN count one each)
 *   maxend  what the other side allowed it to send up to: highest ack + window
 *   maxwin  the largest window this side ever offered; 0: never seen to send
 *   maxack  the highest acknowledgement this side has sent
 *
 * A segment fits when
 *   (I)   seq  <= sender.maxend                   not beyond what is allowed
 *   (II)  end  >= sender.end - receiver.maxwin    not before what can be wanted
 *   (III) sack <= receiver.end                    acknowledges what was sent
 *   (IV)  sack >= receiver.end - MAXACK           and not what is long past
 * sack is the highest SACK edge if the receiver of the SACK agreed to SACK,
 * else the acknowledgement.  (I) and (III) broken is INVALID.  (II) or (IV)
 * broken is old news, an ACK or data already known: IGNORE. */
#include "proto/tcp_window.h"
#include "proto/tcp_options.h"
#include <ctcore/pkt.h>

/* An ACK may lag behind by a window, or by the largest unscaled one. */
#define MAXACK_WINDOW 66000u

/* The flags that a side's SYN decides. */
#define OFFER_FLAGS (CT_TCP_WINDOW_SCALE | CT_TCP_SACK_PERM)

/* What a segment claims; seg itself stays what the wire said. */
struct claim {
    uint32_t seq, end, ack, sack;
};

/* A window of 0 would say "never seen to send". */
static uint32_t at_least_1(uint32_t win)
{
    return win ? win : 1;
}

static uint32_t scaled_window(const union ct_proto_state *st, enum ct_dir dir,
                              uint16_t win)
{
    /* The mask changes no legal shift (0..14) and makes every one defined. */
    return (uint32_t)win << (st->tcp.scale[dir] & 15);
}

static void take_offer(union ct_proto_state *st, const struct tcp_segment *seg,
                       enum ct_dir dir)
{
    struct tcp_offer offer;

    /* Linux 6.18: a SYN sent again without any option leaves the first one's
     * offer as it is. */
    if (seg->options_len == 0)
        return;
    offer = tcp_options_offer(seg);
    st->tcp.scale[dir] = offer.scale;
    st->tcp.flags[dir] = (uint8_t)((st->tcp.flags[dir] & CT_TCP_BE_LIBERAL) |
                                   (offer.has_scale ? CT_TCP_WINDOW_SCALE : 0) |
                                   (offer.sack_perm ? CT_TCP_SACK_PERM : 0));
}

void tcp_window_open(union ct_proto_state *st, const struct tcp_segment *seg)
{
    struct ct_tcp_peer *sender = &st->tcp.peer[CT_DIR_ORIGINAL];

    sender->end = seg->end;
    sender->maxend = seg->end;
    sender->maxwin = at_least_1(seg->win);
    take_offer(st, seg, CT_DIR_ORIGINAL);
}

void tcp_window_pickup(union ct_proto_state *st, const struct tcp_segment *seg)
{
    struct ct_tcp_peer *sender = &st->tcp.peer[CT_DIR_ORIGINAL];

    sender->end = seg->end;
    sender->maxwin = at_least_1(seg->win);
    sender->maxend = sender->end + sender->maxwin;
    /* The SYNs are gone, and with them the scales: no bound can be trusted. */
    st->tcp.flags[CT_DIR_ORIGINAL] = CT_TCP_SACK_PERM | CT_TCP_BE_LIBERAL;
    st->tcp.flags[CT_DIR_REPLY] = CT_TCP_SACK_PERM | CT_TCP_BE_LIBERAL;
}

void tcp_window_resync(union ct_proto_state *st, enum ct_dir answering)
{
    enum ct_dir opening = !answering;
    struct ct_tcp_peer *opener = &st->tcp.peer[opening];

    opener->end = st->tcp.last_end;
    opener->maxend = st->tcp.last_end;
    opener->maxwin = at_least_1(st->tcp.last_win);
    st->tcp.scale[opening] = st->tcp.last_wscale;
    st->tcp.last_flags &= OFFER_FLAGS;
    st->tcp.flags[opening] = st->tcp.last_flags;
    st->tcp.peer[answering] = (struct ct_tcp_peer){0};
    st->tcp.scale[answering] = 0;
    /* Linux 6.18: of a flow picked up in the middle, that side stays free. */
    st->tcp.flags[answering] &= CT_TCP_BE_LIBERAL;
}

/* A SYN or SYN-ACK begins its sender's window.  RFC 7323 2.2: windows are
 * scaled only if both SYNs said so, which is known at the second. */
static void begin_by_syn(union ct_proto_state *st,
                         const struct tcp_segment *seg, enum ct_dir dir)
{
    struct ct_tcp_peer *sender = &st->tcp.peer[dir];

    sender->end = seg->end;
    sender->maxend = seg->end;
    sender->maxwin = at_least_1(seg->win);
    take_offer(st, seg, dir);

    if (dir == CT_DIR_REPLY &&
        !(st->tcp.flags[CT_DIR_ORIGINAL] & st->tcp.flags[CT_DIR_REPLY] &
          CT_TCP_WINDOW_SCALE)) {
        st->tcp.scale[CT_DIR_ORIGINAL] = 0;
        st->tcp.scale[CT_DIR_REPLY] = 0;
    }
}

/* The first segment of a side whose SYN was not seen: believe it. */
static void begin_by_guess(union ct_proto_state *st,
                           const struct tcp_segment *seg, enum ct_dir dir,
                           uint32_t sack)
{
    struct ct_tcp_peer *sender = &st->tcp.peer[dir];
    struct ct_tcp_peer *receiver = &st->tcp.peer[!dir];

    sender->end = seg->end;
    sender->maxwin = at_least_1(scaled_window(st, dir, seg->win));
    sender->maxend = seg->end + sender->maxwin;

    if (receiver->maxwin == 0) {
        /* Nothing is known of the other side: (III), (IV) must hold. */
        receiver->end = sack;
        receiver->maxend = sack;
    } else if (sack == receiver->end + 1) {
        /* Answer to a keep-alive, whose seq is one below. */
        receiver->end++;
    }
}

/* Begin the sender's window where that is due.  True: nothing to compare. */
static bool begin_window(union ct_proto_state *st,
                         const struct tcp_segment *seg, enum ct_dir dir,
                         uint32_t sack)
{
    bool syn = seg->flags & CT_TCP_SYN;
    bool ack = seg->flags & CT_TCP_ACK;

    if (st->tcp.peer[dir].maxwin == 0) {
        if (!syn) {
            begin_by_guess(st, seg, dir, sack);
            return false;
        }
        begin_by_syn(st, seg, dir);
        return !ack; /* simultaneous open */
    }
    /* Before the handshake is done a later SYN of the same side is the one
     * that counts, if its number is above the old one's. */
    if (syn && tcp_after(seg->end, st->tcp.peer[dir].end) &&
        (st->tcp.state == TCP_SYN_SENT || st->tcp.state == TCP_SYN_RECV)) {
        begin_by_syn(st, seg, dir);
        return dir == CT_DIR_REPLY && !ack;
    }
    return false;
}

/* From here on, plain: a segment with ACK and without SYN or RST, whose
 * sender's window has begun.  Nearly all are; told as a constant, it leaves out
 * every question that only the others raise. */
static inline struct claim read_claim(const union ct_proto_state *st,
                                      const struct tcp_segment *seg,
                                      enum ct_dir dir, uint32_t sack,
                                      bool plain)
{
    struct claim c = {seg->seq, seg->end, seg->ack, sack};
    bool ack = plain || seg->flags & CT_TCP_ACK;
    bool rst = !plain && seg->flags & CT_TCP_RST;

    /* No ACK is no lie; and some stacks set ACK in a RST but fill in 0. */
    if (!ack || (rst && seg->ack == 0))
        c.ack = c.sack = st->tcp.peer[!dir].end;
    /* Refusal of a SYN without ACK: RFC 9293 3.10.7.1 asks for seq 0. */
    if (rst && seg->seq == 0 && st->tcp.state == TCP_SYN_SENT)
        c.seq = c.end = st->tcp.peer[dir].end;
    return c;
}

static inline enum tcp_fit judge_claim(const struct ct_tcp_peer *sender,
                                       const struct ct_tcp_peer *receiver,
                                       const struct claim *c)
{
    uint32_t lag =
        sender->maxwin > MAXACK_WINDOW ? sender->maxwin : MAXACK_WINDOW;
    bool wanted = receiver->maxwin == 0 ||
                  !tcp_before(c->end, sender->end - receiver->maxwin);
    bool fresh = !tcp_before(c->sack, receiver->end - lag);
    bool known = !tcp_after(c->sack, receiver->end);

    if (tcp_after(c->seq, sender->maxend)) {
        /* A sender may overshoot by what the receiver can hold at most; if it
         * is delivered, its ACK must not be refused later. */
        uint32_t excess = c->end - sender->maxend + 1;

        return wanted && fresh && known && excess <= receiver->maxwin
                   ? TCP_FIT_IGNORE
                   : TCP_FIT_INVALID;
    }
    if (!known)
        return TCP_FIT_INVALID;
    return wanted && fresh ? TCP_FIT_YES : TCP_FIT_IGNORE;
}

/* The same pure ACK again and again: the answer does not arrive. */
static inline void count_repeats(union ct_proto_state *st,
                                 const struct tcp_segment *seg, enum ct_dir dir,
                                 const struct claim *c)
{
    if (st->tcp.last_dir == (unsigned)dir && st->tcp.last_seq == c->seq &&
        st->tcp.last_ack == c->ack && st->tcp.last_end == c->end &&
        st->tcp.last_win == seg->win) {
        if (st->tcp.retrans < UINT8_MAX)
            st->tcp.retrans++;
        return;
    }
    st->tcp.last_seq = c->seq;
    st->tcp.last_ack = c->ack;
    st->tcp.last_end = c->end;
    st->tcp.last_win = seg->win;
    st->tcp.retrans = 0;
}

static inline void advance_window(union ct_proto_state *st,
                                  const struct tcp_segment *seg,
                                  enum ct_dir dir, const struct claim *c,
                                  bool plain)
{
    struct ct_tcp_peer *sender = &st->tcp.peer[dir];
    struct ct_tcp_peer *receiver = &st->tcp.peer[!dir];
    uint8_t *flags = &st->tcp.flags[dir];
    /* RFC 7323 2.2: the window of a SYN is never scaled. */
    uint32_t win = !plain && seg->flags & CT_TCP_SYN
                       ? seg->win
                       : scaled_window(st, dir, seg->win);
    uint32_t offered = win + (c->sack - c->ack);

    if (sender->maxwin < offered)
        sender->maxwin = offered;
    if (tcp_after(c->end, sender->end)) {
        sender->end = c->end;
        *flags |= CT_TCP_UNACKED;
    }
    if ((plain || seg->flags & CT_TCP_ACK) &&
        (!(*flags & CT_TCP_MAXACK_SET) || tcp_after(c->ack, sender->maxack))) {
        sender->maxack = c->ack;
        *flags |= CT_TCP_MAXACK_SET;
    }

    if (receiver->maxwin && tcp_after(c->end, sender->maxend))
        receiver->maxwin += c->end - sender->maxend;
    if (!tcp_before(c->sack + win, receiver->maxend))
        /* A closed window still admits the one byte that probes it. */
        receiver->maxend = c->sack + at_least_1(win);
    if (c->ack == receiver->end)
        st->tcp.flags[!dir] &= (uint8_t)~CT_TCP_UNACKED;
}

static __attribute__((always_inline)) inline enum tcp_fit
check(union ct_proto_state *st, const struct tcp_segment *seg, enum ct_dir dir,
      bool liberal, bool plain)
{
    struct ct_tcp_peer *sender = &st->tcp.peer[dir];
    uint32_t sack = seg->ack;
    struct claim c;
    enum tcp_fit fit;
    bool began = false;

    if (seg->options_len && st->tcp.flags[!dir] & CT_TCP_SACK_PERM)
        sack = tcp_options_sack(seg, sack);
    if (!plain && (seg->flags & CT_TCP_SYN || sender->maxwin == 0)) {
        struct ct_tcp_peer was = *sender;

        if (begin_window(st, seg, dir, sack))
            return TCP_FIT_YES;
        began = was.maxwin != sender->maxwin || was.end != sender->end;
    }

    c = read_claim(st, seg, dir, sack, plain);
    fit = judge_claim(sender, &st->tcp.peer[!dir], &c);
    if (__builtin_expect(fit == TCP_FIT_YES, 1)) {
        advance_window(st, seg, dir, &c, plain);
        if (seg->kind == TCP_KIND_ACK)
            count_repeats(st, seg, dir, &c);
        return TCP_FIT_YES;
    }
    if (fit == TCP_FIT_IGNORE && tcp_after(c.seq, sender->maxend)) {
        sender->end = c.end;
        st->tcp.flags[dir] |= CT_TCP_UNACKED;
    }
    if (liberal || st->tcp.flags[dir] & CT_TCP_BE_LIBERAL)
        return TCP_FIT_YES;
    return fit == TCP_FIT_INVALID && began ? TCP_FIT_BEGUN : fit;
}

static __attribute__((noinline)) enum tcp_fit
check_any(union ct_proto_state *st, const struct tcp_segment *seg,
          enum ct_dir dir, bool liberal)
{
    return check(st, seg, dir, liberal, false);
}

enum tcp_fit tcp_window_look(const union ct_proto_state *st,
                             const struct tcp_segment *seg, enum ct_dir dir)
{
    union ct_proto_state copy = *st;

    return check_any(&copy, seg, dir, false);
}

enum tcp_fit tcp_window_check(union ct_proto_state *st,
                              const struct tcp_segment *seg, enum ct_dir dir,
                              bool liberal)
{
    enum { DECIDING = CT_TCP_SYN | CT_TCP_RST | CT_TCP_ACK };

    if ((seg->flags & DECIDING) != CT_TCP_ACK || st->tcp.peer[dir].maxwin == 0)
        return check_any(st, seg, dir, liberal);
    return check(st, seg, dir, liberal, true);
}
