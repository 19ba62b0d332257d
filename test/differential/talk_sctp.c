/* talk_sctp.c - SCTP associations, by the book and otherwise (RFC 9260) */
#include "talk_impl.h"

#include <stdio.h>
#include <string.h>

/* What an end has said: phases of its own, in their order. */
enum { SILENT, INIT, INIT_ACK, COOKIE_ECHO, OPEN, SHUTDOWN, ACKED, OVER };

static void say(struct talk_writer *w, unsigned flow, bool reply,
                const char *chunks, uint32_t vtag)
{
    struct talk_step *s = talk_add(w, flow, reply);

    snprintf(s->chunks, sizeof s->chunks, "%s", chunks);
    s->ack = vtag;
    s->seq = w->peer[flow][reply].tag;
}

static void opened(struct talk_writer *w, unsigned flow, bool reply)
{
    static const char *const said[] = {
        "DATA", "SACK",      "SACK+DATA",     "DATA+DATA",     "HEARTBEAT",
        "SACK", "HEARTBEAT", "HEARTBEAT_ACK", "HEARTBEAT_ACK", "ERROR"};
    struct talk_peer *me = &w->peer[flow][reply];
    unsigned dice = talk_below(&w->chance, 100);

    if (dice < 15) {
        say(w, flow, reply, "SHUTDOWN", me->other);
        me->phase = SHUTDOWN;
    } else if (dice < 20) {
        bool t = talk_chance(&w->chance, 40);

        say(w, flow, reply, t ? "ABORT/T" : "ABORT", t ? me->tag : me->other);
        me->phase = OVER;
    } else {
        say(w, flow, reply, said[talk_below(&w->chance, 10)], me->other);
        w->talk->step[w->talk->n_steps - 1].len =
            (uint16_t)talk_below(&w->chance, 500);
    }
}

/* Both ends are followed as if each packet arrived. */
static void by_the_book(struct talk_writer *w, unsigned flow, bool reply)
{
    struct talk_peer *me = &w->peer[flow][reply], *you = &w->peer[flow][!reply];

    if (me->phase == SILENT && you->phase == INIT && reply) {
        me->other = you->tag;
        say(w, flow, reply, "INIT_ACK", me->other);
        me->phase = INIT_ACK;
    } else if (me->phase == SILENT && (!reply || you->phase == SILENT)) {
        say(w, flow, reply, "INIT", 0);
        me->phase = INIT;
    } else if (me->phase == INIT && you->phase == INIT) { /* they crossed */
        me->other = you->tag;
        say(w, flow, reply, "INIT_ACK", me->other);
        me->phase = INIT_ACK;
    } else if (me->phase == INIT && you->phase == INIT_ACK) {
        me->other = you->tag;
        say(w, flow, reply,
            talk_chance(&w->chance, 50) ? "COOKIE_ECHO" : "COOKIE_ECHO+DATA",
            me->other);
        me->phase = COOKIE_ECHO;
    } else if (me->phase == INIT_ACK && you->phase == COOKIE_ECHO) {
        say(w, flow, reply, "COOKIE_ACK", me->other);
        me->phase = you->phase = OPEN;
    } else if (you->phase == SHUTDOWN &&
               (me->phase == OPEN || me->phase == SHUTDOWN)) {
        say(w, flow, reply, "SHUTDOWN_ACK", me->other);
        me->phase = ACKED;
    } else if (me->phase == SHUTDOWN && you->phase == ACKED) {
        bool t = talk_chance(&w->chance, 30);

        say(w, flow, reply, t ? "SHUTDOWN_COMPLETE/T" : "SHUTDOWN_COMPLETE",
            t ? me->tag : me->other);
        me->phase = you->phase = OVER;
    } else if (me->phase == OPEN) {
        opened(w, flow, reply);
    } else if (me->phase == OVER && talk_chance(&w->chance, 30)) {
        me->tag += 0x100; /* a new association on the same ports */
        me->phase = SILENT;
        you->phase = you->phase == OVER ? SILENT : you->phase;
    }
}

/* What no honest end would send at this point: any chunks, any of the tags. */
static void off_the_book(struct talk_writer *w, unsigned flow, bool reply)
{
    static const char *const any[] = {
        "DATA",        "INIT",       "INIT_ACK",      "SACK",
        "HEARTBEAT",   "ABORT",      "HEARTBEAT_ACK", "SHUTDOWN",
        "ERROR",       "COOKIE_ACK", "SHUTDOWN_ACK",  "SHUTDOWN_COMPLETE",
        "COOKIE_ECHO", "ABORT/T",    "192",           "SHUTDOWN_COMPLETE/T",
        "13",          "-"};
    struct talk_peer *me = &w->peer[flow][reply], *you = &w->peer[flow][!reply];
    const uint32_t tags[] = {you->tag,   you->tag, me->other, me->tag,
                             you->other, 0,        77};
    const uint32_t itags[] = {me->tag, me->tag, you->other, 0, 78};
    unsigned n = talk_chance(&w->chance, 80) ? 1 : 2;
    char chunks[sizeof w->talk->step[0].chunks] = "";
    size_t len = 0;

    for (unsigned i = 0; i < n; i++) {
        const char *one = any[talk_below(&w->chance, n == 1 ? 18 : 17)];

        len += (size_t)snprintf(chunks + len, sizeof chunks - len, "%s%s",
                                i ? "+" : "", one);
    }
    /* a bundle under a foreign tag ends the talk: difference sctp_bundle */
    say(w, flow, reply, chunks,
        tags[n > 1 && talk_chance(&w->chance, 95) ? 0
                                                  : talk_below(&w->chance, 7)]);
    if (strcmp(chunks, "INIT") == 0 && talk_chance(&w->chance, 60))
        w->talk->step[w->talk->n_steps - 1].ack = 0;
    w->talk->step[w->talk->n_steps - 1].seq = itags[talk_below(&w->chance, 5)];
}

void talk_sctp(struct talk_writer *w, unsigned flow, bool reply)
{
    unsigned dice = talk_below(&w->chance, 100);

    if (dice < 75)
        by_the_book(w, flow, reply);
    else if (dice < 90)
        off_the_book(w, flow, reply);
    else
        talk_repeat(w, flow, reply);
}
