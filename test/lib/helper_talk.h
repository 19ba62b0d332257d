/* helper_talk.h - a TCP conversation with words: numbers keep themselves
 *
 * Each side counts its own bytes and what it has from the other, as it sees
 * them: the router between may change both. */
#ifndef HELPER_TALK_H
#define HELPER_TALK_H

#include "world.h"

#include <stdio.h>
#include <string.h>

struct talk {
    struct world *w;
    const char *from, *to;     /* the client's: its end, and the server's */
    const char *server, *back; /* the server's: its end, and the client's */
    const char *by;            /* where the server is: "wan" or "lan" */
    const char *at;            /* where the client is */
    uint32_t seq[2];           /* next of client and server */
    uint32_t got[2];           /* what each has of the other, as it sees it */
};

/* The payload of the last packet that left, zero-terminated. */
static inline const char *payload(const struct world *w)
{
    static char text[2048];
    uint32_t at = w->last[0] >> 4 == 4 ? 20 : 40;
    uint32_t n;

    at += (w->last[at + 12] >> 4) * 4u;
    n = w->last_len - at;
    memcpy(text, w->last + at, n);
    text[n] = '\0';
    return text;
}

static inline uint32_t word_at(const struct world *w, uint32_t off)
{
    const uint8_t *p = w->last + (w->last[0] >> 4 == 4 ? 20 : 40) + off;

    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

/* How many flows are announced. */
static inline uint32_t waiting(const struct world *w)
{
    return (uint32_t)stat_of(w, CT_STAT_expectations);
}

/* One segment of that side, with these options; answers whether it left. */
static inline bool segment(struct talk *t, int side, const char *flags,
                           const char *text, const char *more)
{
    uint64_t sent = t->w->sent;

    sayf(t->w, "%s > %s tcp %s seq %u ack %u %s%s%s%s @%s",
         side ? t->server : t->from, side ? t->back : t->to, flags,
         t->seq[side], strchr(flags, '.') ? t->got[side] : 0, more,
         *text ? " '" : "", text, *text ? "'" : "", side ? t->by : t->at);
    return t->w->sent > sent;
}

/* The same, and both sides go on behind it: what arrives is what is had. */
static inline bool tell(struct talk *t, int side, const char *text)
{
    if (!segment(t, side, "P.", text, ""))
        return false;
    t->seq[side] += (uint32_t)strlen(text);
    t->got[!side] = word_at(t->w, 4) + (uint32_t)strlen(payload(t->w));
    return true;
}

static inline void shake_hands(struct talk *t)
{
    t->seq[0] = 1000;
    t->seq[1] = 5000;
    assert_true(segment(t, 0, "S", "", "mss 1460 sackok"));
    t->seq[0]++;
    t->got[1] = 1001;
    assert_true(segment(t, 1, "S.", "", "mss 1460 sackok"));
    t->seq[1]++;
    t->got[0] = 5001;
    assert_true(segment(t, 0, ".", "", ""));
}

#endif
