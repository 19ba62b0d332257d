/* talk.c - steps of a conversation, drawn from a seed */
#include "talk_impl.h"

#include <ctcore/bits.h>

#include <stdio.h>
#include <string.h>

/* ---- chance ---- */

unsigned talk_below(uint64_t *state, unsigned n)
{
    return (unsigned)((ct_splitmix(state) >> 32) * n >> 32);
}

bool talk_chance(uint64_t *state, unsigned percent)
{
    return talk_below(state, 100) < percent;
}

/* ---- what both ends of a TCP connection believe ---- */

/* Sequence numbers tell whose they are: the flow, then the side. */
static uint32_t first_seq(unsigned flow, bool reply)
{
    return (uint32_t)(flow + 1) << 28 | (uint32_t)reply << 27 | 0x1000;
}

struct talk_step *talk_add(struct talk_writer *w, unsigned flow, bool reply)
{
    struct talk_step *s = &w->talk->step[w->talk->n_steps++];

    *s = (struct talk_step){.flow = (uint8_t)flow,
                            .kind = TALK_PLAIN,
                            .reply = reply,
                            .win = 65535};
    if (talk_chance(&w->chance, 1))
        s->wait_ms = (uint16_t)(1 + talk_below(&w->chance, 4));
    return s;
}

static void set_flags(struct talk_step *s, const char *flags)
{
    snprintf(s->flags, sizeof s->flags, "%s", flags);
}

/* The next packet by the book; false: this side has nothing to say. */
static bool by_the_book(struct talk_writer *w, unsigned flow, bool reply)
{
    struct talk_end *me = &w->end[flow][reply], *you = &w->end[flow][!reply];
    struct talk_step *s;

    if (me->rst || you->rst || (reply && !you->syn))
        return false;
    s = talk_add(w, flow, reply);
    s->seq = me->nxt;
    s->ack = me->got;
    if (!me->syn) {
        set_flags(s, reply ? "S." : "S");
        s->options = (uint8_t)talk_below(&w->chance, 8);
        me->syn = true;
        me->nxt++;
        if (!reply)
            s->ack = 0;
    } else if (me->fin || talk_chance(&w->chance, 35)) {
        set_flags(s, ".");
    } else if (talk_chance(&w->chance, 15)) {
        set_flags(s, "F.");
        me->fin = true;
        me->nxt++;
    } else if (talk_chance(&w->chance, 5)) {
        set_flags(s, talk_chance(&w->chance, 50) ? "R" : "R.");
        me->rst = true;
    } else {
        set_flags(s, talk_chance(&w->chance, 50) ? "P." : ".");
        s->len = (uint16_t)(1 + talk_below(&w->chance, 1200));
        me->nxt += s->len;
    }
    if (!talk_chance(&w->chance, 8)) /* it may be lost behind the router */
        you->got = me->nxt;
    return true;
}

/* What no honest end would send at this point, or only by mishap. */
static void off_the_book(struct talk_writer *w, unsigned flow, bool reply)
{
    static const char *const odd[] = {"S", "S.", "F",  "F.", "R",  "R.",  ".",
                                      "P", "-",  "SF", "SR", "U.", "FPU", "P."};
    static const uint32_t off[] = {0,
                                   1,
                                   (uint32_t)-1,
                                   66000,
                                   (uint32_t)-66000,
                                   70000,
                                   (uint32_t)-70000,
                                   1u << 30,
                                   1u << 31};
    struct talk_end *me = &w->end[flow][reply];
    struct talk_step *s = talk_add(w, flow, reply);

    set_flags(s, odd[talk_below(&w->chance, sizeof odd / sizeof *odd)]);
    s->seq = me->nxt + off[talk_below(&w->chance, 9)];
    s->ack = me->got + off[talk_below(&w->chance, 9)];
    s->win = talk_chance(&w->chance, 20) ? 0 : 65535;
    s->len =
        (uint16_t)(talk_chance(&w->chance, 50) ? talk_below(&w->chance, 1400)
                                               : 0);
}

void talk_repeat(struct talk_writer *w, unsigned flow, bool reply)
{
    struct talk *t = w->talk;

    for (unsigned i = t->n_steps; i-- > 0;)
        if (t->step[i].flow == flow && t->step[i].reply == reply) {
            struct talk_step again = t->step[i];

            again.wait_ms = 0;
            t->step[t->n_steps++] = again;
            return;
        }
}

static void tcp_step(struct talk_writer *w, unsigned flow, bool reply)
{
    unsigned dice = talk_below(&w->chance, 100);

    if (dice < 78)
        by_the_book(w, flow, reply);
    else if (dice < 90)
        off_the_book(w, flow, reply);
    else
        talk_repeat(w, flow, reply);
}

/* ---- datagrams ---- */

static void datagram_step(struct talk_writer *w, unsigned flow, bool reply)
{
    struct talk_step *s;

    if (reply && w->sent[flow][0] == 0 && !talk_chance(&w->chance, 10))
        return;
    s = talk_add(w, flow, reply);
    s->len = (uint16_t)(1 + talk_below(&w->chance, 600));
    w->sent[flow][reply]++;
}

/* ---- errors, broken sums, strangers ---- */

static const struct {
    uint8_t type, code;
} errors4[] = {{3, 0},  {3, 1},  {3, 3},  {3, 4}, {3, 13},
               {11, 0}, {11, 1}, {12, 0}, {4, 0}, {5, 1}},
  errors6[] = {{1, 0}, {1, 1}, {1, 3}, {1, 4}, {2, 0},
               {3, 0}, {3, 1}, {4, 0}, {4, 1}, {4, 2}};

/* Turn the step that was just made into a worse one. */
static void spoil(struct talk_writer *w)
{
    struct talk_step *s = &w->talk->step[w->talk->n_steps - 1];
    unsigned dice = talk_below(&w->chance, 100), e = talk_below(&w->chance, 10);

    if (dice < 4) {
        s->kind = TALK_BADSUM;
    } else if (dice < 7) {
        s->kind = TALK_STRANGE;
    } else if (dice < 16) {
        bool six = w->talk->flow[s->flow].six;

        s->kind = TALK_ERROR;
        s->type = six ? errors6[e].type : errors4[e].type;
        s->code = six ? errors6[e].code : errors4[e].code;
    }
}

static void make_flow(struct talk_writer *w, unsigned i)
{
    struct talk_flow *f = &w->talk->flow[i];

    f->proto = (uint8_t)(talk_chance(&w->chance, 40)   ? TALK_TCP
                         : talk_chance(&w->chance, 40) ? TALK_SCTP
                         : talk_chance(&w->chance, 50) ? TALK_UDP
                         : talk_chance(&w->chance, 60) ? TALK_ECHO
                         : talk_chance(&w->chance, 50) ? TALK_UDPLITE
                                                       : TALK_GRE);
    f->six = talk_chance(&w->chance, 25);
    f->client = (uint8_t)(2 + talk_below(&w->chance, 3));
    f->server = (uint8_t)(2 + talk_below(&w->chance, 2));
    /* from few, so that they meet */
    f->sport = (uint16_t)(20000 + talk_below(&w->chance, 4));
    f->dport = (uint16_t)(talk_chance(&w->chance, 50) ? 80 : 443);
    for (int side = 0; side < 2; side++) {
        w->end[i][side].nxt = first_seq(i, side);
        w->end[i][!side].got = first_seq(i, side);
        w->peer[i][side].tag = first_seq(i, side);
    }
}

/* Two flows of one tuple are one flow. */
static bool is_double(const struct talk *t, unsigned i)
{
    for (unsigned k = 0; k < i; k++) {
        const struct talk_flow *a = &t->flow[k], *b = &t->flow[i];

        if (a->proto == b->proto && a->six == b->six &&
            a->client == b->client && a->server == b->server &&
            (a->proto == TALK_GRE ||
             (a->sport == b->sport &&
              (a->dport == b->dport || a->proto == TALK_ECHO))))
            return true;
    }
    return false;
}

void talk_make(struct talk *t, uint64_t seed)
{
    struct talk_writer w = {.chance = seed, .talk = t};

    memset(t, 0, sizeof *t);
    t->seed = seed;
    t->n_flows = 1 + talk_below(&w.chance, TALK_FLOWS);
    for (unsigned i = 0; i < t->n_flows; i++)
        do
            make_flow(&w, i);
        while (is_double(t, i));
    for (unsigned tries = 0; tries < 200 && t->n_steps < TALK_STEPS; tries++) {
        unsigned flow = talk_below(&w.chance, t->n_flows), before = t->n_steps;
        bool reply = talk_chance(&w.chance, 45);

        if (t->flow[flow].proto == TALK_TCP)
            tcp_step(&w, flow, reply);
        else if (t->flow[flow].proto == TALK_SCTP)
            talk_sctp(&w, flow, reply);
        else
            datagram_step(&w, flow, reply);
        if (t->n_steps > before)
            spoil(&w);
    }
}

/* ---- lines ---- */

static void host(char out[32], bool six, bool inside, unsigned n)
{
    if (six)
        snprintf(out, 32, inside ? "fd00:1::%u" : "2001:db8::%u", n);
    else
        snprintf(out, 32, inside ? "10.0.1.%u" : "198.51.100.%u", n);
}

/* The two ends of a packet as its side of the router sees them. */
struct ends {
    char src[48], dst[48]; /* with ports */
    char from[32], to[32]; /* without */
};

static void with_port(char out[48], const char *addr, bool six, unsigned port)
{
    snprintf(out, 48, six ? "[%s]:%u" : "%s:%u", addr, port);
}

static void ends_of(const struct talk *t, const struct talk_step *s,
                    const struct talk_view *v, bool stranger, struct ends *e)
{
    const struct talk_flow *f = &t->flow[s->flow];
    unsigned port = f->sport;

    if (!s->reply) {
        host(e->from, f->six, true, f->client + (stranger ? 10u : 0u));
        host(e->to, f->six, false, f->server);
        with_port(e->src, e->from, f->six, port);
        with_port(e->dst, e->to, f->six, f->dport);
        return;
    }
    if (v->port[s->flow])
        port = v->port[s->flow];
    host(e->from, f->six, false, f->server + (stranger ? 10u : 0u));
    host(e->to, f->six, false, 1); /* hidden behind the router's own */
    with_port(e->src, e->from, f->six, f->dport);
    with_port(e->dst, e->to, f->six, port);
}

/* The packet itself, plain. */
static void plain(const struct talk *t, const struct talk_step *s,
                  const struct talk_view *v, bool stranger, char *line,
                  size_t room)
{
    const struct talk_flow *f = &t->flow[s->flow];
    struct ends e;
    int n;

    ends_of(t, s, v, stranger, &e);
    switch (f->proto) {
    case TALK_TCP:
        n = snprintf(line, room, "%s > %s tcp %s seq %u ack %u win %u", e.src,
                     e.dst, s->flags, s->seq, s->ack, s->win);
        if (strchr(s->flags, 'S'))
            n += snprintf(line + n, room - (size_t)n, "%s%s%s",
                          s->options & 4 ? " mss 1460" : "",
                          s->options & 2 ? " sackok" : "",
                          s->options & 1 ? " wscale 7" : "");
        break;
    case TALK_UDP:
    case TALK_UDPLITE:
        n = snprintf(line, room, "%s > %s %s", e.src, e.dst,
                     f->proto == TALK_UDP ? "udp" : "udplite");
        break;
    case TALK_SCTP:
        n = snprintf(line, room, "%s > %s sctp %s vtag %u itag %u", e.src,
                     e.dst, s->chunks, s->ack, s->seq);
        break;
    case TALK_GRE:
        snprintf(line, room, "%s > %s proto 47 hex 0000080000000000%04x",
                 e.from, e.to, s->len);
        return;
    default:
        n = snprintf(line, room, "%s > %s icmp %s id %u seq %u", e.from, e.to,
                     s->reply ? "reply" : "echo",
                     s->reply && v->port[s->flow] ? v->port[s->flow] : f->sport,
                     s->flow);
    }
    if (s->len)
        snprintf(line + n, room - (size_t)n, " len %u", s->len);
}

/* The packet that an error is about: one that went the other way, as the side
 * that tells of it knows it. */
static void quoted(const struct talk *t, const struct talk_step *s,
                   const struct talk_view *v, char *line, size_t room)
{
    static const char *const quoted_as[TALK_N_PROTOS] = {
        [TALK_TCP] = "tcp .",
        [TALK_UDP] = "udp",
        [TALK_UDPLITE] = "udplite",
        [TALK_SCTP] = "sctp DATA vtag 5",
    };
    const struct talk_flow *f = &t->flow[s->flow];
    unsigned own = f->sport;
    char from[32], to[32];

    if (s->reply && v->port[s->flow])
        own = v->port[s->flow];
    host(from, f->six, false, s->reply ? 1 : f->server);
    host(to, f->six, !s->reply, s->reply ? f->server : f->client);
    if (f->proto == TALK_ECHO)
        snprintf(line, room, "%s > %s icmp %s id %u", from, to,
                 s->reply ? "echo" : "reply", own);
    else
        snprintf(line, room,
                 f->six ? "[%s]:%u > [%s]:%u %s" : "%s:%u > %s:%u %s", from,
                 s->reply ? own : f->dport, to, s->reply ? f->dport : own,
                 quoted_as[f->proto]);
}

void talk_line(const struct talk *t, unsigned step, const struct talk_view *v,
               char *line, size_t room)
{
    const struct talk_step *s = &t->step[step];
    char about[256];
    struct ends e;
    const char *side = s->reply ? "@wan" : "@lan";
    size_t n;

    if (s->kind == TALK_ERROR && t->flow[s->flow].proto != TALK_GRE) {
        quoted(t, s, v, about, sizeof about);
        ends_of(t, s, v, false, &e);
        snprintf(line, room, "%s > %s icmp %u/%u about {%s len 40} %s", e.from,
                 e.to, s->type, s->code, about, side);
        return;
    }
    plain(t, s, v, s->kind == TALK_STRANGE, line, room);
    n = strlen(line);
    snprintf(line + n, room - n, "%s %s",
             s->kind == TALK_BADSUM && t->flow[s->flow].proto != TALK_GRE
                 ? " badsum"
                 : "",
             side);
}
