/* resize.c - a user program changes how long a line of a TCP stream is
 *
 * The program is rewrite() below.  A stream is a word of letters; each letter
 * is a line, by itself: b becomes bBBBB, dddd becomes d, all others stay. */
#include "world.h"

#include "packet.h"
#include "queue/change.h"

#include "bytes.h"

#include <stdlib.h>
#include <string.h>

#define C "10.0.1.2:4000"
#define S "198.51.100.2:80"
#define W "198.51.100.1:4000"
#define Q                                                                      \
    "tune extensions 16; forward {\"proto\":\"tcp\",\"ct_state\":"             \
    "[\"established\"],\"verdict\":\"queue 0\"}"

enum { ROOM = 4096, HEADERS = 40 };

/* What the program makes of n letters; answers how many there are then. */
static uint32_t rewrite(const uint8_t *is, uint32_t n, uint8_t *out)
{
    uint32_t m = 0;

    for (uint32_t i = 0; i < n; i++) {
        out[m++] = is[i];
        if (is[i] == 'b')
            for (unsigned k = 0; k < 4; k++)
                out[m++] = 'B';
        if (is[i] == 'd')
            i += 3;
    }
    return m;
}

/* All that is held goes to the program, which accepts. */
static void program(struct world *w)
{
    for (unsigned i = 0; i < w->n_kept; i++) {
        struct ct_pkt *pkt = &w->kept[i];
        uint32_t head = pkt->l4_off + (pkt->data[pkt->l4_off + 12] >> 4) * 4u;
        struct ct_resize resize = {.by = 0};
        enum ct_reason why = CT_REASON_NONE;
        uint8_t bytes[ROOM];
        uint32_t n;

        memcpy(bytes, pkt->data, head);
        n = head + rewrite(pkt->data + head, pkt->len - head, bytes + head);
        bytes_put16(bytes + 2, n);
        assert_true(queue_change(pkt, bytes, n, ROOM, &resize));
        if (resize.by != 0)
            why = ct_resized(w->rig.ct, pkt, &resize);
        pkt->why = (uint8_t)why;
        resume(w, i, why == CT_REASON_NONE ? CT_ACCEPT : CT_DROP);
    }
    w->n_kept = 0;
}

static void talk(struct world *w, const char *spec)
{
    say(w, spec);
    program(w);
}

static struct world *open_stream(const char *statements)
{
    struct world *w = WORLD(statements);

    w->resize = true;
    w->quiet = true;
    talk(w, C " > " S " tcp S seq 1000 sackok");
    talk(w, S " > " W " tcp S. seq 5000 ack 1001 sackok");
    talk(w, C " > " S " tcp . seq 1001 ack 5001");
    return w;
}

/* Longer, then shorter: what follows is shifted, and what is acknowledged, by
 * ACK and SACK, is as the sender counts. */
static void numbers_follow(void **state)
{
    static const char *const rows[][2] = {
        {C " > " S " tcp P. seq 1001 ack 5001 'abc'",
         W " > " S " tcp P. ttl 63 seq 1001 ack 5001 'abBBBBc'"},
        {C " > " S " tcp P. seq 1004 ack 5001 'ef'",
         W " > " S " tcp P. ttl 63 seq 1008 ack 5001 'ef'"},
        {S " > " W " tcp . seq 5001 ack 1001 sack 1008-1010",
         S " > " C " tcp . ttl 63 seq 5001 ack 1001 sack 1004-1006"},
        {S " > " W " tcp . seq 5001 ack 1008",
         S " > " C " tcp . ttl 63 seq 5001 ack 1004"},
        {S " > " W " tcp P. seq 5001 ack 1010 'answer'",
         S " > " C " tcp P. ttl 63 seq 5001 ack 1006 'answer'"},
        {C " > " S " tcp P. seq 1006 ack 5007 'adddda'",
         W " > " S " tcp P. ttl 63 seq 1010 ack 5007 'ada'"},
        {S " > " W " tcp . seq 5007 ack 1013",
         S " > " C " tcp . ttl 63 seq 5007 ack 1012"},
        {C " > " S " tcp F. seq 1012 ack 5007",
         W " > " S " tcp F. ttl 63 seq 1013 ack 5007"},
        {S " > " W " tcp F. seq 5007 ack 1014",
         S " > " C " tcp F. ttl 63 seq 5007 ack 1013"},
    };
    struct world *w = open_stream(Q);
    char text[256];

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        talk(w, rows[i][0]);
        packet_print(text, sizeof text, w->last, w->last_len);
        assert_string_equal(text, rows[i][1]);
    }
    FLOWS(w, "tcp 30 LAST_ACK " C " > " S " / " S " > " W " ASSURED\n");
    END(w);
}

/* The same change of the same bytes passes again, another is refused: some of
 * them may have arrived. */
static void sent_again(void **state)
{
    struct world *w = open_stream(Q);

    (void)state;
    talk(w, C " > " S " tcp P. seq 1001 ack 5001 'acbc'");
    assert_int_equal(bytes_get32(w->last + 24), 1001);
    talk(w, C " > " S " tcp P. seq 1001 ack 5001 'acbc'");
    talk(w, C " > " S " tcp P. seq 1002 ack 5001 'cbcc'");
    assert_int_equal(bytes_get32(w->last + 24), 1002);
    talk(w, C " > " S " tcp P. seq 1001 ack 5001 'ac'");
    talk(w, C " > " S " tcp P. seq 1004 ack 5001 'cc'");
    assert_int_equal(bytes_get32(w->last + 24), 1008);
    assert_int_equal(w->dropped, 0);
    talk(w, C " > " S " tcp P. seq 1003 ack 5001 'bb'");
    assert_int_equal(drops_of(w, CT_REASON_SEQADJ_BUSY), 1);
    END(w);
}

/* A second change waits until the first has arrived. */
static void one_change_at_a_time(void **state)
{
    struct world *w = open_stream(Q);

    (void)state;
    talk(w, C " > " S " tcp P. seq 1001 ack 5001 'b'");
    talk(w, C " > " S " tcp P. seq 1002 ack 5001 'b'");
    assert_int_equal(drops_of(w, CT_REASON_SEQADJ_BUSY), 1);
    talk(w, S " > " W " tcp . seq 5001 ack 1006");
    assert_int_equal(bytes_get32(w->last + 28), 1002);
    talk(w, C " > " S " tcp P. seq 1002 ack 5001 'b'");
    assert_int_equal(bytes_get32(w->last + 24), 1006);
    talk(w, C " > " S " tcp P. seq 1003 ack 5001 'c'");
    assert_int_equal(bytes_get32(w->last + 24), 1011);
    /* again, though it has arrived: it would stand at another place now */
    talk(w, C " > " S " tcp P. seq 1001 ack 5001 'b'");
    assert_int_equal(drops_of(w, CT_REASON_SEQADJ_BUSY), 2);
    assert_int_equal(stat_of(w, CT_STAT_extensions), 1);
    END(w);
}

/* What comes before its predecessors may have to be shifted by them. */
static void bytes_leave_in_order(void **state)
{
    struct world *w = open_stream(Q);

    (void)state;
    talk(w, C " > " S " tcp P. seq 1001 ack 5001 'a'");
    talk(w, C " > " S " tcp P. seq 1003 ack 5001 'c'");
    talk(w, C " > " S " tcp F. seq 1004 ack 5001");
    assert_int_equal(drops_of(w, CT_REASON_SEQADJ_BUSY), 2);
    talk(w, C " > " S " tcp . seq 1005 ack 5001"); /* takes no number */
    talk(w, C " > " S " tcp P. seq 1002 ack 5001 'b'");
    assert_int_equal(bytes_get32(w->last + 24), 1002);
    talk(w, C " > " S " tcp P. seq 1003 ack 5001 'c'");
    assert_int_equal(bytes_get32(w->last + 24), 1007);
    assert_int_equal(drops_of(w, CT_REASON_SEQADJ_BUSY), 2);
    END(w);
}

/* What has left unchanged can't be changed when it comes again. */
static void too_late(void **state)
{
    struct world *w = open_stream(Q);

    (void)state;
    say(w, C " > " S " tcp P. seq 1001 ack 5001 'b'");
    resume(w, 0, CT_ACCEPT); /* as after a timeout */
    w->n_kept = 0;
    talk(w, C " > " S " tcp P. seq 1001 ack 5001 'b'");
    assert_int_equal(w->why, CT_REASON_SEQADJ_BUSY);
    talk(w, C " > " S " tcp P. seq 1002 ack 5001 'b'");
    assert_int_equal(bytes_get32(w->last + 24), 1002);
    END(w);
}

/* Without a record nothing is shifted, so nothing may change its length; what
 * keeps it passes. */
static void no_record(void **state)
{
    struct world *w = open_stream("forward {\"proto\":\"tcp\",\"ct_state\":"
                                  "[\"established\"],\"verdict\":\"queue 0\"}");

    (void)state;
    talk(w, C " > " S " tcp P. seq 1001 ack 5001 'b'");
    assert_int_equal(w->why, CT_REASON_SEQADJ_FULL);
    assert_true(stat_of(w, CT_STAT_ext_full) > 0);
    talk(w, C " > " S " tcp P. seq 1001 ack 5001 'c'");
    assert_int_equal(bytes_get32(w->last + 24), 1001);
    END(w);
}

/* The row that shifts is off until it is needed, and on with new rules. */
static void rules_may_change(void **state)
{
    struct world *w = open_stream(Q);

    (void)state;
    talk(w, C " > " S " tcp P. seq 1001 ack 5001 'b'");
    reload(w, "tune extensions 16");
    say(w, C " > " S " tcp P. seq 1002 ack 5001 'b'");
    assert_int_equal(bytes_get32(w->last + 24), 1006);
    say(w, S " > " W " tcp . seq 5001 ack 1007");
    assert_int_equal(bytes_get32(w->last + 28), 1003);
    END(w);
}

/* A segment that filled its link grows: it leaves as two, both fit. */
static void a_full_segment_grows(void **state)
{
    struct world *w = open_stream(Q);

    (void)state;
    talk(w, C " > " S " tcp P. seq 1001 ack 5001 len 1460 df");
    assert_int_equal(w->why, CT_REASON_NONE);
    assert_int_equal(drops_of(w, CT_REASON_TOO_BIG), 0);
    assert_true(w->last_len > 1500); /* a super-packet of segments that fit */
    END(w);
}

/* ---- any loss, any repetition ---- */

enum { LINES = 24, STEPS = 40000 };

struct stream {
    struct world *w;
    uint64_t rng;
    uint8_t was[LINES * 4], is[LINES * 5];
    uint32_t n_was, n_is;
    uint32_t at_was[LINES + 1], at_is[LINES + 1]; /* where lines begin */
    uint32_t sent, acked;                         /* of lines; of was */
    bool there[LINES * 5];                        /* of is: it arrived */
};

static uint32_t below(struct stream *s, uint32_t n)
{
    s->rng = s->rng * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(s->rng >> 33) % n;
}

static void make(struct stream *s)
{
    static const char *const lines[] = {"a", "c", "b", "dddd"};

    for (uint32_t i = 0; i < LINES; i++) {
        const char *line = lines[below(s, 4)];
        uint32_t n = (uint32_t)strlen(line);

        s->at_was[i] = s->n_was;
        s->at_is[i] = s->n_is;
        memcpy(s->was + s->n_was, line, n);
        s->n_is += rewrite(s->was + s->n_was, n, s->is + s->n_is);
        s->n_was += n;
    }
    s->at_was[LINES] = s->n_was;
    s->at_is[LINES] = s->n_is;
}

/* What left is what must stand there, or what the receiver has and overlooks;
 * some of it arrives. */
static void arrive(struct stream *s)
{
    const uint8_t *is = s->w->last + HEADERS;
    int64_t at = (int32_t)(bytes_get32(s->w->last + 24) - 1001);
    uint32_t n = s->w->last_len - HEADERS, got;

    got = below(s, 3) == 0 ? 0 : n; /* so small, it is never cut */
    for (uint32_t i = 0; i < n; i++, at++) {
        if (at < 0 || (at < s->n_is && s->there[at]))
            continue;
        if (at >= s->n_is || is[i] != s->is[at])
            fail_msg("'%.*s' of which %u is at %d of '%.*s'", (int)n,
                     (const char *)is, i, (int)at, (int)s->n_is,
                     (const char *)s->is);
        s->there[at] = i < got;
    }
}

/* One to three lines, none of which begins behind what was sent. */
static void send(struct stream *s)
{
    uint32_t first = below(s, s->sent + 1), n = 1 + below(s, 3);
    uint64_t before = s->w->sent;
    char text[64];

    while (first > 0 && s->at_was[first] > s->acked && below(s, 2) == 0)
        first--;
    if (first == LINES)
        return;
    n = first + n > LINES ? LINES - first : n;
    snprintf(text, sizeof text, "%.*s",
             (int)(s->at_was[first + n] - s->at_was[first]),
             (const char *)s->was + s->at_was[first]);
    if (first + n > s->sent)
        s->sent = first + n;
    sayf(s->w, C " > " S " tcp P. seq %u ack 5001 '%s'",
         1001 + s->at_was[first], text);
    program(s->w);
    if (s->w->sent > before)
        arrive(s);
}

/* Is all before this byte of was there? */
static bool has(const struct stream *s, uint32_t at_was)
{
    uint32_t line = 0, upto;

    while (line < LINES && s->at_was[line + 1] <= at_was)
        line++;
    upto = s->at_is[line];
    if (s->was[s->at_was[line]] == 'a' || s->was[s->at_was[line]] == 'c')
        upto += at_was - s->at_was[line];
    for (uint32_t i = 0; i < upto; i++)
        if (!s->there[i])
            return false;
    return true;
}

/* A receiver that says what it has: the sender must hear no more than that. */
static void acknowledge(struct stream *s)
{
    uint64_t before = s->w->sent;
    uint32_t n = 0, lo, hi, ack;

    while (n < s->n_is && s->there[n])
        n++;
    for (lo = n; lo < s->n_is && !s->there[lo]; lo++)
        ;
    for (hi = lo; hi < s->n_is && s->there[hi]; hi++)
        ;
    if (hi > lo)
        sayf(s->w, S " > " W " tcp . seq 5001 ack %u sack %u-%u", 1001 + n,
             1001 + lo, 1001 + hi);
    else
        sayf(s->w, S " > " W " tcp . seq 5001 ack %u", 1001 + n);
    program(s->w);
    if (s->w->sent == before)
        return;
    ack = bytes_get32(s->w->last + 28);
    if ((int32_t)(ack - 1001) > (int32_t)s->acked)
        s->acked = ack - 1001;
    assert_true(s->acked <= s->n_was && has(s, s->acked));
    if (hi > lo) {
        uint32_t from = bytes_get32(s->w->last + 44) - 1001;
        uint32_t upto = bytes_get32(s->w->last + 48) - 1001;

        for (uint32_t line = 0; line < LINES; line++)
            if ((int32_t)from <= (int32_t)s->at_was[line] &&
                (int32_t)upto >= (int32_t)s->at_was[line + 1])
                for (uint32_t i = s->at_is[line]; i < s->at_is[line + 1]; i++)
                    assert_true(s->there[i]);
    }
}

static void no_byte_goes_astray(void **state)
{
    (void)state;
    for (uint64_t seed = 1; seed <= 300; seed++) {
        struct stream s = {.rng = seed};
        unsigned step = 0;

        make(&s);
        s.w = open_stream(Q);
        for (; step < STEPS && s.acked < s.n_was; step++)
            below(&s, 3) == 0 ? acknowledge(&s) : send(&s);
        if (s.acked < s.n_was)
            fail_msg("seed %u: stuck at %u of %u", (unsigned)seed, s.acked,
                     s.n_was);
        END(s.w);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(numbers_follow),
        STORY(sent_again),
        STORY(one_change_at_a_time),
        STORY(bytes_leave_in_order),
        STORY(too_late),
        STORY(no_record),
        STORY(rules_may_change),
        STORY(a_full_segment_grows),
        STORY(no_byte_goes_astray),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
