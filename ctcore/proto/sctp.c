/* sctp.c - the tracker of SCTP (RFC 9260)
 *
 * A packet is a common header and chunks.  Its verification tag is what a
 * stranger must guess: in each direction it is the one that the receiver chose
 * in its INIT or INIT ACK.  So st->vtag[dir] is what packets of dir must bear,
 * and INIT of one side sets the other's.  RFC 9260 8.5.1 names the chunks that
 * are sent before both ends know it, or after one has forgotten it.
 *
 * A bundle is weighed chunk by chunk, and is all or nothing: if one of them is
 * refused the others have had no effect.
 *
 * When both ends send INIT at once (5.2.1), or one sends it again after a
 * restart (5.2.2), tags that are in use come into doubt: init[] remembers who
 * has sent one.  If both have, an INIT ACK must name the tag that its sender's
 * INIT named. */
#include "proto/sctp.def"
#include "proto/l4proto.h"
#include <ctcore/event.h>
#include <ctcore/wire.h>
#include <string.h>

/* A HEARTBEAT with a tag that is not its direction's was seen last. */
enum { HEARTBEAT_DOUBTED = 1 };

/* The sender has no tag of its own and reflects the one it got. */
enum { FLAG_T = 1 };

enum sctp_state {
#define S(name, timeout) SCTP_##name,
    SCTP_STATES(S)
#undef S
        N_SCTP_STATES,
    SCTP_INVALID = N_SCTP_STATES
};

enum sctp_chunk {
#define C(name, number) CHUNK_##name = number,
    SCTP_CHUNKS(C)
#undef C
        N_SCTP_CHUNKS
};

/* 0 is NONE, to which nothing leads: the state stays. */
static const uint8_t sctp_next[N_SCTP_STATES][CT_N_DIRS][N_SCTP_CHUNKS] = {
#define T(from, dir, chunk, to, why)                                           \
    [SCTP_##from][CT_DIR_##dir][CHUNK_##chunk] = SCTP_##to,
    SCTP_TRANSITIONS(T)
#undef T
};

#define BIT(chunk) (1u << CHUNK_##chunk)

/* These must not share a packet (6.10). */
#define ALONE (BIT(INIT) | BIT(INIT_ACK) | BIT(SHUTDOWN_COMPLETE))
/* These are first in theirs. */
#define FIRST (ALONE | BIT(COOKIE_ECHO) | BIT(COOKIE_ACK))
/* Out of the blue these are refused unseen (8.4). */
#define NEVER_OPENS (BIT(ABORT) | BIT(SHUTDOWN_COMPLETE) | BIT(COOKIE_ACK))
/* A packet with one of these has its own rule for the tag. */
#define OWN_RULE                                                               \
    (BIT(INIT) | BIT(SHUTDOWN_COMPLETE) | BIT(COOKIE_ECHO) | BIT(ABORT) |      \
     BIT(SHUTDOWN_ACK) | BIT(HEARTBEAT) | BIT(HEARTBEAT_ACK))

/* ---- chunks ---- */

struct packet {
    const uint8_t *bytes;
    uint32_t len, vtag;
    uint32_t has; /* bits: chunk types below 32 */
    uint32_t n;   /* chunks */
};

struct chunk {
    uint32_t at, len; /* from the SCTP header; at 0: before the first */
    uint8_t type, flags;
};

static bool next_sctp_chunk(const struct packet *p, struct chunk *c)
{
    const struct ct_sctp_chunk_header *chunk;

    c->at = c->at == 0 ? (uint32_t)sizeof(struct ct_sctp_header)
                       : c->at + ((c->len + 3) & ~3u);
    if (c->at >= p->len || p->len - c->at < sizeof *chunk)
        return false;
    chunk = ct_sctp_chunk_view(p->bytes + c->at);
    c->type = chunk->type;
    c->flags = chunk->flags;
    c->len = ct_load16(chunk->len);
    return true;
}

/* Everything that can be said of the packet alone.  What passes: every chunk
 * is inside of it, and INITs have their fixed part. */
static enum ct_reason read_sctp_packet(const struct ct_pkt *pkt,
                                       struct packet *p)
{
    struct chunk c = {.at = 0};

    if (pkt->l4_len < sizeof(struct ct_sctp_header))
        return CT_REASON_L4_TRUNCATED;
    *p = (struct packet){.bytes = pkt->data + pkt->l4_off, .len = pkt->l4_len};
    p->vtag = ct_load32(ct_sctp_view(p->bytes)->vtag);
    for (; next_sctp_chunk(p, &c); p->n++) {
        uint32_t bit = c.type < 32 ? 1u << c.type : 0;

        if (c.len < sizeof(struct ct_sctp_chunk_header) ||
            c.len > p->len - c.at)
            return CT_REASON_SCTP_CHUNK;
        if (p->n > 0 && ((bit & FIRST) || (p->has & ALONE)))
            return CT_REASON_SCTP_CHUNK;
        if ((bit & (BIT(INIT) | BIT(INIT_ACK))) &&
            c.len < sizeof(struct ct_sctp_init_header))
            return CT_REASON_SCTP_CHUNK;
        p->has |= bit;
    }
    return p->n > 0 ? CT_REASON_NONE : CT_REASON_SCTP_CHUNK;
}

static uint32_t init_tag(const struct packet *p, const struct chunk *c)
{
    return ct_load32(ct_sctp_init_view(p->bytes + c->at)->tag);
}

static uint8_t next_state(uint8_t state, enum ct_dir dir, uint8_t type)
{
    uint8_t next =
        type < N_SCTP_CHUNKS ? sctp_next[state][dir][type] : (uint8_t)SCTP_NONE;

    return next == SCTP_NONE ? state : next;
}

/* ---- the first packet ---- */

static enum ct_reason sctp_opens(union ct_proto_state *st, struct track *t)
{
    struct chunk c = {.at = 0};
    struct packet p;
    enum ct_reason why = read_sctp_packet(t->pkt, &p);

    if (why != CT_REASON_NONE)
        return why;
    if (p.has & NEVER_OPENS)
        return CT_REASON_SCTP_NO_FLOW;
    while (next_sctp_chunk(&p, &c)) {
        if (next_state(SCTP_NONE, CT_DIR_ORIGINAL, c.type) == SCTP_NONE)
            return CT_REASON_SCTP_NO_FLOW;
        if (c.type == CHUNK_INIT) {
            st->sctp.vtag[CT_DIR_REPLY] = init_tag(&p, &c);
            st->sctp.init[CT_DIR_ORIGINAL] = 1;
        } else if (c.type == CHUNK_HEARTBEAT)
            st->sctp.vtag[CT_DIR_ORIGINAL] = p.vtag;
        else if (c.type == CHUNK_SHUTDOWN_ACK) /* reflected by its answer */
            st->sctp.vtag[CT_DIR_REPLY] = p.vtag;
    }
    return CT_REASON_NONE;
}

/* ---- verification tags ---- */

/* A path may be used again after an association that this tracker has not seen
 * the beginning of: a HEARTBEAT and its answer, both with foreign tags, show
 * the new ones.  The first passes and is not believed (*doubted). */
static bool heartbeat_fits(union ct_proto_state *st, const struct packet *p,
                           const struct chunk *c, enum ct_dir dir,
                           bool *doubted)
{
    bool was_doubted = st->sctp.flags & HEARTBEAT_DOUBTED;

    if (st->sctp.vtag[dir] == 0) {
        st->sctp.vtag[dir] = p->vtag;
        return true;
    }
    if (st->sctp.vtag[dir] == p->vtag) {
        st->sctp.flags &= (uint8_t)~HEARTBEAT_DOUBTED;
        return true;
    }
    /* It is alone in its packet, else check_tag() refused the bundle. */
    if (c->type == CHUNK_HEARTBEAT) {
        st->sctp.flags |= HEARTBEAT_DOUBTED;
        st->sctp.last_dir = (uint8_t)dir;
        *doubted = true;
        return true;
    }
    if (!was_doubted || st->sctp.last_dir == dir)
        return false;
    st->sctp.flags &= (uint8_t)~HEARTBEAT_DOUBTED;
    st->sctp.vtag[dir] = p->vtag;
    st->sctp.vtag[!dir] = 0;
    return true;
}

/* Before any chunk is looked at.  In the kernel a chunk with its own rule lets
 * the others of its packet in, so a stranger's HEARTBEAT brings in a SHUTDOWN;
 * honest ends never send such a bundle. */
static enum ct_reason check_tag(const union ct_proto_state *st,
                                const struct packet *p, enum ct_dir dir)
{
    if (p->vtag == st->sctp.vtag[dir])
        return CT_REASON_NONE;
    if (!(p->has & OWN_RULE))
        return CT_REASON_SCTP_VTAG;
    return p->n > 1 && st->sctp.vtag[dir] != 0 ? CT_REASON_SCTP_BUNDLE
                                               : CT_REASON_NONE;
}

/* RFC 9260 8.5.1. */
static bool tag_fits(union ct_proto_state *st, const struct packet *p,
                     const struct chunk *c, enum ct_dir dir, bool *doubted)
{
    switch (c->type) {
    case CHUNK_INIT: /* A: there is no tag yet */
        return p->vtag == 0;
    case CHUNK_ABORT: /* B, C: its own, or the one it was sent */
    case CHUNK_SHUTDOWN_COMPLETE:
        return p->vtag == st->sctp.vtag[c->flags & FLAG_T ? !dir : dir];
    case CHUNK_COOKIE_ECHO: /* D */
        return p->vtag == st->sctp.vtag[dir];
    case CHUNK_HEARTBEAT:
    case CHUNK_HEARTBEAT_ACK:
        return heartbeat_fits(st, p, c, dir, doubted);
    default:
        return true;
    }
}

/* Learn what the sender of an INIT or INIT ACK wants to be sent from now on. */
static bool learn_tag(union ct_proto_state *st, const struct packet *p,
                      const struct chunk *c, enum ct_dir dir)
{
    uint32_t tag = init_tag(p, c), known = st->sctp.vtag[!dir];

    if (c->type == CHUNK_INIT) {
        if (known == tag) /* sent again, or forged: nothing new */
            return true;
        if (st->sctp.init[dir] && st->sctp.init[!dir])
            st->sctp.init[!dir] = 0;
        st->sctp.init[dir] = 1;
    } else {
        if (!st->sctp.init[!dir] && known != 0 && known != tag)
            return false;
        if (st->sctp.init[dir] && st->sctp.init[!dir] && known != tag)
            return false;
    }
    st->sctp.vtag[!dir] = tag;
    return true;
}

/* ---- an INIT into an association that lives ----
 *
 * With strict_sctp the tags that it names wait.  Its receiver answers by INIT
 * ACK (5.2.2), which names another; only who has got that can send the COOKIE
 * ECHO that bears it, and then both tags count. */

static void let_wait(union ct_proto_state *st, enum ct_dir dir, uint32_t tag)
{
    st->sctp.next[dir] = tag;
    st->sctp.waits |= (uint8_t)(1u << dir);
}

static bool waits_for_tag(const union ct_proto_state *st, enum ct_dir dir,
                          uint32_t tag)
{
    return (st->sctp.waits >> dir & 1) && st->sctp.next[dir] == tag;
}

/* True: it passes, and that was all. */
static bool is_restart(union ct_proto_state *st, const struct packet *p,
                       enum ct_dir dir)
{
    struct chunk c = {.at = 0};

    if (st->sctp.state != SCTP_ESTABLISHED || !next_sctp_chunk(p, &c))
        return false;
    if (c.type == CHUNK_INIT && p->vtag == 0) {
        if (init_tag(p, &c) != st->sctp.vtag[!dir])
            let_wait(st, !dir, init_tag(p, &c));
        return true;
    }
    if (p->vtag == st->sctp.vtag[dir] || !waits_for_tag(st, dir, p->vtag))
        return false;
    if (c.type == CHUNK_INIT_ACK)
        let_wait(st, !dir, init_tag(p, &c));
    else if (c.type == CHUNK_COOKIE_ECHO && st->sctp.waits == 3) {
        memcpy(st->sctp.vtag, st->sctp.next, sizeof st->sctp.vtag);
        st->sctp.waits = 0;
        return false;
    }
    return c.type == CHUNK_INIT_ACK || (c.type == CHUNK_ABORT && p->n == 1);
}

/* ---- each packet ---- */

static const uint8_t sctp_timeouts[N_SCTP_STATES] = {
#define S(name, timeout) [SCTP_##name] = CT_PARAM_##timeout,
    SCTP_STATES(S)
#undef S
};

/* One chunk.  *quiet: it passes, but does not refresh the flow. */
static enum ct_reason take_chunk(union ct_proto_state *st,
                                 const struct packet *p, const struct chunk *c,
                                 struct track *t, bool *quiet)
{
    uint8_t was = st->sctp.state, next;
    bool doubted = *quiet;

    if (!tag_fits(st, p, c, t->dir, &doubted))
        return CT_REASON_SCTP_VTAG;
    if (doubted && !*quiet) {
        *quiet = true;
        return CT_REASON_NONE;
    }
    next = next_state(was, t->dir, c->type);
    if (next == SCTP_INVALID)
        return CT_REASON_SCTP_STATE;
    if ((c->type == CHUNK_INIT || c->type == CHUNK_INIT_ACK) &&
        !learn_tag(st, p, c, t->dir))
        return CT_REASON_SCTP_VTAG;
    if (c->type == CHUNK_COOKIE_ACK) /* tags are agreed upon */
        st->sctp.init[CT_DIR_ORIGINAL] = st->sctp.init[CT_DIR_REPLY] = 0;
    /* INITs alone must not keep an entry, or the rules that it was made by, for
     * ever. */
    if (c->type == CHUNK_INIT && was == SCTP_CLOSED && next == SCTP_CLOSED)
        *quiet = true;
    st->sctp.state = next;
    if (next == was)
        return CT_REASON_NONE;
    t->events = CT_EVENT_PROTOINFO;
    if (next == SCTP_ESTABLISHED)
        t->act |= TRACK_ASSURED;
    return CT_REASON_NONE;
}

static enum ct_reason sctp_track(union ct_proto_state *st, struct track *t)
{
    struct chunk c = {.at = 0};
    struct packet p;
    bool quiet = false;
    enum ct_reason why = read_sctp_packet(t->pkt, &p);

    if (why != CT_REASON_NONE)
        return why;
    if (t->params->v[CT_PARAM_strict_sctp] && is_restart(st, &p, t->dir)) {
        t->act = TRACK_IGNORE;
        return CT_REASON_NONE;
    }
    why = check_tag(st, &p, t->dir);
    if (why != CT_REASON_NONE)
        return why;
    while (next_sctp_chunk(&p, &c)) {
        why = take_chunk(st, &p, &c, t, &quiet);
        if (why != CT_REASON_NONE) {
            t->act = t->events = 0;
            return why;
        }
    }
    if (quiet) {
        t->act = TRACK_IGNORE;
        return CT_REASON_NONE;
    }
    t->act |= TRACK_REFRESH;
    t->timeout = sctp_timeouts[st->sctp.state];
    if (st->sctp.state >= SCTP_SHUTDOWN_SENT &&
        st->sctp.state <= SCTP_SHUTDOWN_ACK_SENT)
        t->act |= TRACK_CLOSING;
    return CT_REASON_NONE;
}

static uint8_t sctp_state(const union ct_proto_state *st)
{
    return st->sctp.state;
}

static const char *const sctp_states[N_SCTP_STATES] = {
#define S(name, timeout) [SCTP_##name] = #name,
    SCTP_STATES(S)
#undef S
};

const struct l4proto proto_sctp = {
    .states = sctp_states,
    .timeouts = sctp_timeouts,
    .n_states = N_SCTP_STATES,
    .first_timeout = CT_PARAM_sctp_closed,
    .n_timeouts = 8,
    .opens = sctp_opens,
    .track = sctp_track,
    .state = sctp_state,
};
