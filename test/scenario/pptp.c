/* pptp.c - PPTP's control connection and its GRE (Linux nf_conntrack_pptp.c;
 * RFC 2637) */
#include "helper_talk.h"

#include "bytes.h"

#define HELPER                                                                 \
    "tune extensions 64; prerouting "                                          \
    "{\"proto\":\"tcp\",\"dport\":1723,\"helper\":\"pptp\"}"
#define S "198.51.100.2"
#define W "198.51.100.1"
#define C "10.0.1.2"

/* Bytes of each message, by type. */
static const unsigned size_of[] = {0,  156, 156, 16, 16, 16,  20, 168,
                                   32, 220, 24,  28, 16, 148, 40, 24};

/* A control message whose body begins with these three words. */
static bool message(struct talk *t, int side, unsigned type, unsigned a,
                    unsigned b, unsigned c)
{
    char hex[512];
    unsigned n = size_of[type];

    snprintf(hex, sizeof hex, "hex %04x00011a2b3c4d%04x0000%04x%04x%04x%0*d", n,
             type, a, b, c, (int)(n > 18 ? (n - 18) * 2 : 1), 0);
    hex[4 + n * 2] = '\0';
    if (!segment(t, side, "P.", "", hex))
        return false;
    t->seq[side] += n;
    t->got[!side] += n;
    return true;
}

/* The 16-bit word of the last message, from its body on. */
static unsigned body(const struct world *w, unsigned word)
{
    return word_at(w, 20 + 12 + 2 * word) >> 16;
}

/* GRE version 1, carrying PPP, for this call. */
static void gre(struct world *w, const char *ends, unsigned call)
{
    sayf(w, "%s proto 47 hex 3001880b0002%04x00000001abcd", ends, call);
}

static unsigned call_of(const struct world *w)
{
    return bytes_get16(w->last + 26);
}

static struct talk session(struct world *w, const char *from, const char *back)
{
    struct talk t = {
        .w = w,
        .from = from,
        .to = S ":1723",
        .server = S ":1723",
        .back = back,
        .by = "wan",
        .at = "lan",
    };

    w->quiet = true;
    shake_hands(&t);
    assert_true(message(&t, 0, 1, 0x100, 0, 0));
    assert_true(message(&t, 1, 2, 0x100, 0x100, 0));
    return t;
}

/* Outgoing call: the client's id is the outside port outside, its own inside.
 * The GRE packets of both sides are one flow, whichever side begins, and it has
 * a long timeout. */
static void outgoing_call(void **state)
{
    (void)state;
    for (int server_first = 0; server_first < 2; server_first++) {
        struct world *w = WORLD("profile weir; " HELPER);
        struct talk t = session(w, C ":4000", W ":4000");

        assert_true(message(&t, 0, 7, 111, 1, 0));
        assert_int_equal(body(w, 0), 4000);
        assert_true(message(&t, 1, 8, 222, 4000, 0x100));
        assert_int_equal(body(w, 0), 222);
        assert_int_equal(body(w, 1), 111);
        assert_int_equal(stat_of(w, CT_STAT_expectations), 2);
        for (int i = 0; i < 4; i++)
            if (i % 2 == server_first) {
                gre(w, C " > " S, 222);
                assert_int_equal(call_of(w), 222);
            } else {
                gre(w, S " > " W, 4000);
                assert_int_equal(call_of(w), 111);
            }
        assert_int_equal(w->dropped, 0);
        assert_int_equal(stat_of(w, CT_STAT_expectations), 0);
        assert_int_equal(count_flows(w), 2);
        FLOWS(w, server_first
                     ? "tcp 300 ESTABLISHED " C ":4000 > " S ":1723 / " S
                       ":1723 > " W ":4000 ASSURED\n"
                       "gre 18000 " S " > " W " / " C " > " S " ASSURED\n"
                     : "tcp 300 ESTABLISHED " C ":4000 > " S ":1723 / " S
                       ":1723 > " W ":4000 ASSURED\n"
                       "gre 18000 " C " > " S " / " S " > " W " ASSURED\n");
        END(w);
    }
}

/* Two clients with the same id to one server, at the same time. */
static void two_clients_one_id(void **state)
{
    struct world *w = WORLD("profile weir; " HELPER);
    struct talk a = session(w, C ":4000", W ":4000");
    struct talk b = session(w, "10.0.1.3:4001", W ":4001");

    (void)state;
    assert_true(message(&a, 0, 7, 111, 1, 0));
    assert_true(message(&b, 0, 7, 111, 1, 0));
    assert_int_equal(body(w, 0), 4001);
    assert_true(message(&a, 1, 8, 222, 4000, 0x100));
    assert_true(message(&b, 1, 8, 223, 4001, 0x100));
    gre(w, C " > " S, 222);
    gre(w, "10.0.1.3 > " S, 223);
    w->quiet = false;
    gre(w, S " > " W, 4001);
    gre(w, S " > " W, 4000);
    TRACE(w, "[  0] " S " > " W " proto 47: ESTABLISHED\n"
             "      out lan " S " > 10.0.1.3 proto 47\n"
             "[  0] " S " > " W " proto 47: ESTABLISHED\n"
             "      out lan " S " > " C " proto 47\n");
    assert_int_equal(call_of(w), 111);
    assert_int_equal(w->dropped, 0);
    END(w);
}

/* A call that comes in: the server's id first. */
static void incoming_call(void **state)
{
    struct world *w = WORLD("profile weir; " HELPER);
    struct talk t = session(w, C ":4000", W ":4000");

    (void)state;
    assert_true(message(&t, 1, 9, 222, 1, 0));
    assert_true(message(&t, 0, 10, 111, 222, 0x100));
    assert_int_equal(body(w, 0), 4000);
    assert_true(message(&t, 1, 11, 4000, 0, 0));
    assert_int_equal(body(w, 0), 111);
    gre(w, S " > " W, 4000);
    assert_int_equal(w->info, CT_RELATED);
    assert_int_equal(call_of(w), 111);
    END(w);
}

/* The end of a call, and of the connection: its GRE ends with it. */
static void calls_end(void **state)
{
    (void)state;
    for (int how = 0; how < 3; how++) {
        struct world *w = WORLD("profile weir; " HELPER);
        struct talk t = session(w, C ":4000", W ":4000");

        assert_true(message(&t, 0, 7, 111, 1, 0));
        assert_true(message(&t, 1, 8, 222, 4000, 0x100));
        gre(w, C " > " S, 222);
        gre(w, S " > " W, 4000);
        assert_int_equal(count_flows(w), 2);
        if (how == 0)
            assert_true(message(&t, 1, 13, 222, 0, 0));
        else if (how == 1)
            assert_true(message(&t, 0, 3, 0x100, 0, 0));
        else
            assert_true(ct_delete(w->rig.ct, 0, 0));
        assert_int_equal(count_flows(w), how == 2 ? 0 : 1);
        w->sent = 0;
        gre(w, S " > " W, 4000);
        assert_int_equal(w->sent, 0);
        END(w);
    }
}

/* A refused call announces nothing, nor does a reply to no request, or with a
 * call id that the client did not send. */
static void only_what_was_asked(void **state)
{
    struct world *w = WORLD("profile weir; " HELPER);
    struct talk t = session(w, C ":4000", W ":4000");

    (void)state;
    assert_true(message(&t, 1, 8, 222, 4000, 0x100)); /* no request */
    assert_true(message(&t, 0, 7, 111, 1, 0));
    assert_true(message(&t, 1, 8, 222, 4001, 0x100)); /* not our id */
    assert_true(message(&t, 1, 8, 222, 4000, 0x400)); /* busy */
    assert_int_equal(body(w, 1), 111);
    assert_int_equal(stat_of(w, CT_STAT_expect_create), 0);
    w->sent = 0;
    gre(w, S " > " W, 4000);
    assert_int_equal(w->sent, 0);
    /* too short for what it says it is */
    assert_true(segment(&t, 0, "P.", "", "hex 000c00011a2b3c4d00070000006f"));
    assert_int_equal(body(w, 0), 111);
    END(w);
}

/* What each message makes of the session and its call, behind NAT: the word of
 * its body that may have been translated, and what is announced then. */
struct step {
    int side;
    unsigned type, a, b, c;
    unsigned word, is, announced;
};

#define START_                                                                 \
    {0, 1, 0x100, 0, 0, 0, 0x100, 0},                                          \
    {                                                                          \
        1, 2, 0x100, 0x100, 0, 0, 0x100, 0                                     \
    }
#define CALL_                                                                  \
    START_, {0, 7, 111, 1, 0, 0, 4000, 0},                                     \
    {                                                                          \
        1, 8, 222, 4000, 0x100, 1, 111, 2                                      \
    }

static const struct {
    const char *what;
    struct step steps[8];
} talks[] = {
    {"a call without a session", {{0, 7, 111, 1, 0, 0, 111, 0}}},
    {"a session that was not asked for",
     {{1, 2, 0x100, 0x100, 0, 0, 0x100, 0}, {0, 7, 111, 1, 0, 0, 111, 0}}},
    {"a session that is refused",
     {{0, 1, 0x100, 0, 0, 0, 0x100, 0},
      {1, 2, 0x100, 0x200, 0, 0, 0x100, 0},
      {0, 7, 111, 1, 0, 0, 111, 0}}},
    {"the answer comes again", {CALL_, {1, 8, 222, 4000, 0x100, 1, 111, 2}}},
    {"the session ends", {CALL_, {1, 4, 0x100, 0, 0, 0, 0x100, 0}}},
    {"the session does not end", {CALL_, {1, 4, 0x200, 0, 0, 0, 0x200, 2}}},
    {"the client ends the session", {CALL_, {0, 3, 0x100, 0, 0, 0, 0x100, 0}}},
    {"the call is over", {CALL_, {1, 13, 222, 0, 0, 0, 222, 0}}},
    {"the call is busy after all",
     {CALL_, {1, 8, 222, 4000, 0x400, 1, 111, 0}}},
    {"the client clears the call", {CALL_, {0, 12, 111, 0, 0, 0, 4000, 2}}},
    {"the client clears another", {CALL_, {0, 12, 112, 0, 0, 0, 112, 2}}},
    {"errors of the line", {CALL_, {1, 14, 4000, 0, 0, 0, 111, 2}}},
    {"errors of another line", {CALL_, {1, 14, 4001, 0, 0, 0, 4001, 2}}},
    {"errors of a line before its call",
     {START_, {0, 7, 111, 1, 0, 0, 4000, 0}, {1, 14, 4000, 0, 0, 0, 4000, 0}}},
    {"a call that comes in",
     {START_,
      {1, 9, 222, 1, 0, 0, 222, 0},
      {0, 10, 111, 222, 0x100, 0, 4000, 0},
      {1, 11, 4000, 0, 0, 0, 111, 2}}},
    {"one that comes in without a session",
     {{1, 9, 222, 1, 0, 0, 222, 0}, {0, 10, 111, 222, 0x100, 0, 111, 0}}},
    {"one that comes in is refused",
     {START_,
      {1, 9, 222, 1, 0, 0, 222, 0},
      {0, 10, 111, 222, 0x200, 0, 111, 0},
      {1, 11, 4000, 0, 0, 0, 4000, 0}}},
    {"the answer is to another",
     {START_,
      {1, 9, 222, 1, 0, 0, 222, 0},
      {0, 10, 111, 223, 0x100, 0, 111, 0}}},
    {"it is connected, but not by our id",
     {START_,
      {1, 9, 222, 1, 0, 0, 222, 0},
      {0, 10, 111, 222, 0x100, 0, 4000, 0},
      {1, 11, 4001, 0, 0, 0, 4001, 0}}},
    {"it is connected before it was answered",
     {START_, {1, 9, 222, 1, 0, 0, 222, 0}, {1, 11, 0, 0, 0, 0, 0, 0}}},
};

static void each_message_in_its_place(void **state)
{
    (void)state;
    for (unsigned i = 0; i < sizeof talks / sizeof *talks; i++) {
        struct world *w = WORLD("profile weir; " HELPER);
        struct talk t = {.w = w,
                         .from = C ":4000",
                         .to = S ":1723",
                         .server = S ":1723",
                         .back = W ":4000",
                         .by = "wan",
                         .at = "lan"};

        w->quiet = true;
        shake_hands(&t);
        for (const struct step *s = talks[i].steps; s->type; s++) {
            assert_true(message(&t, s->side, s->type, s->a, s->b, s->c));
            if (body(w, s->word) != s->is || waiting(w) != s->announced)
                fail_msg("%s, message %d: %u, %u announced", talks[i].what,
                         (int)(s - talks[i].steps) + 1, body(w, s->word),
                         waiting(w));
        }
        END(w);
    }
}

/* Without NAT the ids stay, and the two directions still are one flow.  (Behind
 * NAT an error shows one id and no way to the other: INVALID, as in the
 * kernel.)
 */
static void without_nat(void **state)
{
    struct world *w = WORLD("masquerade off; " HELPER);
    struct talk t = session(w, C ":4000", C ":4000");

    (void)state;
    assert_true(message(&t, 0, 7, 111, 1, 0));
    assert_int_equal(body(w, 0), 111);
    assert_true(message(&t, 1, 8, 222, 111, 0x100));
    assert_int_equal(body(w, 1), 111);
    gre(w, C " > " S, 222);
    gre(w, S " > " C, 111);
    assert_int_equal(count_flows(w), 2);
    /* and an error about the one finds it */
    say(w, "192.0.2.9 > " C " icmp 3/3 about {" C " > " S
           " proto 47 hex 3001880b000200de00000001abcd}");
    assert_int_equal(w->info, CT_RELATED);
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(outgoing_call),
        STORY(two_clients_one_id),
        STORY(incoming_call),
        STORY(calls_end),
        STORY(only_what_was_asked),
        STORY(without_nat),
        STORY(each_message_in_its_place),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
