/* pptp.c - the calls that a PPTP control connection sets up (RFC 2637)
 *
 * Who opened the control connection is the PNS, the other side the PAC.  Each
 * gives the call an id of its own, and GRE packets bear the id of whom they are
 * sent to.  Two inside hosts may choose the same one, so outside the PNS's id
 * is replaced by the control connection's own outside port, which no other
 * host has towards that PAC.
 *
 *     PNS -> PAC   outgoing call request   its id           -> the port
 *     PAC -> PNS   outgoing call reply     id of the PNS    <- the port
 *     then GRE both ways: expected in both directions, and both of its tuples
 *     get their source key from the keymap
 *
 * Incoming calls are the same the other way round.  Only the message that
 * begins a segment is read.  One call at a time: a new one ends the old. */
#include "helper/helper.h"

#include "core/gc.h"
#include "packet/parse.h"

#include <ctcore/wire.h>

#include <string.h>

enum { CONTROL = 1, MAGIC = 0x1a2b3c4d, GOOD = 1 };
enum {
    AT_ID = offsetof(struct ct_pptp_header, id),
    AT_PEERS_ID = offsetof(struct ct_pptp_header, peers_id)
};

enum message {
    START_REQUEST = 1,
    START_REPLY,
    STOP_REQUEST,
    STOP_REPLY,
    ECHO_REQUEST,
    ECHO_REPLY,
    OUT_REQUEST,
    OUT_REPLY,
    IN_REQUEST,
    IN_REPLY,
    IN_CONNECTED,
    CLEAR_REQUEST,
    DISCONNECTED,
    WAN_ERROR,
    SET_LINK,
    N_MESSAGES
};

/* Bytes of a whole message (RFC 2637 section 2). */
static const uint8_t size_of[N_MESSAGES] = {
    0, 156, 156, 16, 16, 16, 20, 168, 32, 220, 24, 28, 16, 148, 40, 24,
};

enum session { NO_SESSION, ASKED_SESSION, SESSION };
enum call { NO_CALL, OUT_ASKED, IN_ASKED, IN_ANSWERED, CALL };

/* What is kept in union ext_help. */
struct state {
    uint8_t session, call;
    uint16_t pac, pns; /* ids as they are seen outside of the PNS */
    uint16_t pns_own;  /* as the PNS itself knows it */
};
_Static_assert(sizeof(struct state) <= sizeof(union ext_help),
               "as much as a flow has for its helper");

/* ---- GRE to come ---- */

static void end_call(const struct helper_call *h, struct state *st)
{
    st->call = NO_CALL;
    expect_forget(&h->ct->expects, table_slot(&h->ct->table, h->c));
    gc_end_calls(h->ct, h->x);
}

static bool expect_gre(const struct helper_call *h, enum ct_dir dir,
                       uint16_t from, uint16_t to, uint16_t inside)
{
    struct expect_ask ask = {.tuple = h->c->tuple[dir],
                             .dir = (uint8_t)dir,
                             .helper = CT_HELPER_pptp,
                             .translated = helper_translated(h),
                             .port = inside};
    uint32_t i;

    ask.tuple.proto = CT_PROTO_GRE;
    ask.tuple.sport = from;
    ask.tuple.dport = to;
    i = keymap_add(&h->ct->keymap, &ask.tuple);
    if (i == CT_NONE)
        return false;
    h->x->call[dir] = i;
    return expect_add(&h->ct->expects, table_slot(&h->ct->table, h->c), &ask,
                      &helper_pptp.policy[0], h->ct->now) == EXPECT_MADE;
}

/* Both ids are known. */
static enum ct_reason begin_call(const struct helper_call *h, struct state *st)
{
    end_call(h, st);
    st->call = CALL;
    if (expect_gre(h, CT_DIR_ORIGINAL, st->pns_own, st->pac, st->pns) &&
        expect_gre(h, CT_DIR_REPLY, st->pac, st->pns, st->pns_own))
        return CT_REASON_NONE;
    end_call(h, st);
    return CT_REASON_EXPECT_FULL;
}

/* ---- messages ---- */

static enum ct_reason put_id(const struct helper_call *h, uint32_t at,
                             uint16_t id)
{
    ct_be16 word;

    ct_store16(&word, id);
    return helper_replace(h, at, sizeof word, word.b, sizeof word);
}

/* The PNS gives its call an id: which one does the outside see? */
static enum ct_reason name_call(const struct helper_call *h, struct state *st,
                                uint16_t id)
{
    st->pns_own = st->pns = id;
    if (!helper_translated(h))
        return CT_REASON_NONE;
    st->pns = h->c->tuple[CT_DIR_REPLY].dport;
    return put_id(h, AT_ID, st->pns);
}

static enum ct_reason from_pns(const struct helper_call *h, struct state *st,
                               enum message type,
                               const struct ct_pptp_header *m)
{
    switch (type) {
    case START_REQUEST:
        st->session = ASKED_SESSION;
        break;
    case STOP_REQUEST:
        end_call(h, st);
        st->session = NO_SESSION;
        break;
    case OUT_REQUEST:
        if (st->session != SESSION)
            break;
        st->call = OUT_ASKED;
        return name_call(h, st, ct_load16(m->id));
    case IN_REPLY:
        if (st->call != IN_ASKED || ct_load16(m->peers_id) != st->pac ||
            m->result != GOOD)
            break;
        st->call = IN_ANSWERED;
        return name_call(h, st, ct_load16(m->id));
    case CLEAR_REQUEST:
        if (helper_translated(h) && st->call != NO_CALL &&
            ct_load16(m->id) == st->pns_own)
            return put_id(h, AT_ID, st->pns);
        break;
    default:
        break;
    }
    return CT_REASON_NONE;
}

/* The PAC names the PNS's id: give it the one that it knows. */
static enum ct_reason tell_pns(const struct helper_call *h,
                               const struct state *st, uint32_t at)
{
    return helper_translated(h) ? put_id(h, at, st->pns_own) : CT_REASON_NONE;
}

static enum ct_reason out_reply(const struct helper_call *h, struct state *st,
                                const struct ct_pptp_header *m)
{
    enum ct_reason why = CT_REASON_NONE;

    if ((st->call != OUT_ASKED && st->call != CALL) ||
        ct_load16(m->peers_id) != st->pns)
        return CT_REASON_NONE;
    if (m->result == GOOD) {
        st->pac = ct_load16(m->id);
        why = begin_call(h, st);
    } else {
        end_call(h, st);
    }
    return why == CT_REASON_NONE ? tell_pns(h, st, AT_PEERS_ID) : why;
}

static enum ct_reason from_pac(const struct helper_call *h, struct state *st,
                               enum message type,
                               const struct ct_pptp_header *m)
{
    enum ct_reason why;

    switch (type) {
    case START_REPLY:
        if (st->session == ASKED_SESSION && m->start_result == GOOD)
            st->session = SESSION;
        break;
    case STOP_REPLY:
        if (m->stop_result == GOOD) {
            end_call(h, st);
            st->session = NO_SESSION;
        }
        break;
    case OUT_REPLY:
        return out_reply(h, st, m);
    case IN_REQUEST:
        if (st->session == SESSION) {
            st->call = IN_ASKED;
            st->pac = ct_load16(m->id);
        }
        break;
    case IN_CONNECTED:
        if (st->call != IN_ANSWERED || ct_load16(m->id) != st->pns)
            break;
        why = begin_call(h, st);
        return why == CT_REASON_NONE ? tell_pns(h, st, AT_ID) : why;
    case DISCONNECTED: /* its id is the PAC's own */
        end_call(h, st);
        break;
    case WAN_ERROR:
        if (st->call == CALL && ct_load16(m->id) == st->pns)
            return tell_pns(h, st, AT_ID);
        break;
    default:
        break;
    }
    return CT_REASON_NONE;
}

static enum ct_reason pptp_help(const struct helper_call *h)
{
    enum ct_reason why;
    struct state st;
    uint32_t len;
    const struct ct_pptp_header *m = ct_pptp_view(helper_text(h, &len));
    uint16_t type;

    if (h->pkt->info != CT_ESTABLISHED || len < AT_ID)
        return CT_REASON_NONE;
    type = ct_load16(m->type);
    if (ct_load16(m->kind) != CONTROL || ct_load32(m->magic) != MAGIC ||
        type == 0 || type >= N_MESSAGES || len < size_of[type])
        return CT_REASON_NONE;
    memcpy(&st, &h->x->help, sizeof st);
    why = (h->dir == CT_DIR_ORIGINAL ? from_pns
                                     : from_pac)(h, &st, (enum message)type, m);
    memcpy(&h->x->help, &st, sizeof st);
    return why;
}

const struct helper helper_pptp = {
    .id = CT_HELPER_pptp,
    .policy = {{.max = 2, .seconds = 300}},
    .help = pptp_help,
};
