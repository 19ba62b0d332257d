/* ftp.c - FTP with its helper (nf_conntrack_ftp.c; RFC 959, 2428, 2577) */
#include "helper_talk.h"
#include "packet.h"

#define HELPER                                                                 \
    "tune extensions 64; prerouting "                                          \
    "{\"proto\":\"tcp\",\"dport\":21,\"helper\":\"ftp\"}"
#define S  "198.51.100.2"
#define W  "198.51.100.1"
#define C  "10.0.1.2"
#define C6 "[fd00:1::2]"
#define S6 "[2001:db8::2]"
#define W6 "[2001:db8::1]"

/* These two have greeted each other. */
static struct talk talk(struct world *w, const char *client, const char *server,
                        const char *back, bool server_inside)
{
    struct talk t = {
        .w = w,
        .from = client,
        .to = server_inside ? back : server,
        .server = server,
        .back = server_inside ? client : back,
        .by = server_inside ? "lan" : "wan",
        .at = server_inside ? "wan" : "lan",
    };

    w->quiet = true;
    shake_hands(&t);
    assert_true(tell(&t, 1, "220 hello\r\n"));
    assert_true(tell(&t, 0, "USER anonymous\r\n"));
    assert_true(tell(&t, 1, "230 in\r\n"));
    return t;
}

/* A client inside, its server outside. */
static struct talk out(struct world *w)
{
    return talk(w, C ":4000", S ":21", W ":4000", false);
}

/* PORT: the address and port are the outside's, four bytes longer; the data
 * connection comes from the server, is RELATED and goes to the client. */
static void active_v4(void **state)
{
    struct world *w = WORLD(HELPER);
    struct talk t = out(w);

    (void)state;
    assert_true(tell(&t, 0, "PORT 10,0,1,2,19,137\r\n"));
    assert_string_equal(payload(w), "PORT 198,51,100,1,19,137\r\n");
    assert_int_equal(waiting(w), 1);
    w->quiet = false;
    say(w, S ":20 > " W ":5001 tcp S seq 1");
    say(w, C ":5001 > " S ":20 tcp S. seq 7 ack 2");
    TRACE(w, "[  0] " S ":20 > " W ":5001 tcp S: RELATED\n"
             "      out lan " S ":20 > " C ":5001 tcp S\n"
             "[  0] " C ":5001 > " S ":20 tcp S.: ESTABLISHED\n"
             "      out wan " W ":5001 > " S ":20 tcp S.\n");
    assert_int_equal(waiting(w), 0);
    assert_int_equal(stat_of(w, CT_STAT_expect_new), 1);
    assert_int_equal(stat_of(w, CT_STAT_expect_create), 1);
    assert_int_equal(stat_of(w, CT_STAT_expect_delete), 1);
    w->quiet = true;
    say(w, S ":21 > " W ":5001 tcp S seq 1"); /* it is consumed */
    assert_int_equal(w->info, CT_NEW);
    END(w);
}

/* Behind it all numbers are shifted: the client's up, what the server
 * acknowledges down, in ACK and SACK; each end sees its own. */
static void numbers_behind_a_longer_line(void **state)
{
    struct world *w = WORLD(HELPER);
    struct talk t = out(w);
    uint32_t before = t.seq[0];

    (void)state;
    assert_true(tell(&t, 0, "PORT 10,0,1,2,19,137\r\n"));
    assert_int_equal(word_at(w, 4), before);
    assert_int_equal(t.seq[0], before + 22);
    assert_int_equal(t.got[1], before + 26);
    assert_true(tell(&t, 1, "200 ok\r\n"));
    assert_int_equal(word_at(w, 8), before + 22);
    assert_true(tell(&t, 0, "LIST\r\n"));
    assert_int_equal(word_at(w, 4), before + 26);
    /* lost behind it, and the rest acknowledged: SACK, at an odd place too */
    assert_true(segment(&t, 0, "P.", "NOOP\r\n", ""));
    for (unsigned odd = 0; odd < 2; odd++) {
        char sack[80];
        uint32_t left = t.got[1];

        snprintf(sack, sizeof sack, "%ssack %u-%u", odd ? "nop " : "", left,
                 left + 6);
        t.got[1] = before + 26;
        assert_true(segment(&t, 1, ".", "", sack));
        assert_int_equal(word_at(w, 8), before + 22);
        assert_int_equal(word_at(w, 20 + 2 + odd), left - 4);
        assert_int_equal(word_at(w, 24 + 2 + odd), left + 2);
        t.got[1] = left;
    }
    /* the old number again: up to the line nothing is shifted */
    t.seq[0] = before - 8;
    assert_true(segment(&t, 0, "P.", "rl\r\n", ""));
    assert_int_equal(word_at(w, 4), before - 8);
    assert_int_equal(stat_of(w, CT_STAT_invalid), 0);
    END(w);
}

/* RFC 5508 REQ-4 a: an error about what was shifted quotes it as its sender
 * knows it, numbers and checksum; in profile weir, too, where a number that was
 * never sent is no error of that flow. */
static void errors_about_shifted_numbers(void **state)
{
    static const char *const profiles[] = {HELPER, "profile weir; " HELPER};

    (void)state;
    for (unsigned i = 0; i < 2; i++)
        for (unsigned quote = 8; quote <= 28; quote += 20) {
            struct world *w = WORLD(profiles[i]);
            struct talk t = out(w);
            uint32_t before = t.seq[0];
            char about[200], want[64];

            assert_true(tell(&t, 0, "PORT 10,0,1,2,19,137\r\n"));
            assert_true(segment(&t, 0, "P.", "x", ""));
            assert_int_equal(word_at(w, 4), before + 26);
            snprintf(about, sizeof about,
                     "192.0.2.9 > " W " icmp 3/4 mtu 1400 about {" W
                     ":4000 > " S ":21 tcp P. seq %u ack %u 'x'} quote %u",
                     before + 26, t.got[0], quote);
            w->text_len = 0;
            w->quiet = false;
            w->full = true;
            say(w, about);
            assert_int_equal(w->info, CT_RELATED);
            snprintf(want, sizeof want, " seq %u", before + 22);
            if (!strstr(w->text, want))
                fail_msg("%s not in %s", want, w->text);
            assert_true(packet_sums_ok(w->last, w->last_len));
            END(w);
        }
}

/* The same command sent again is changed the same way, once. */
static void sent_again(void **state)
{
    struct world *w = WORLD(HELPER);
    struct talk t = out(w);
    uint32_t before = t.seq[0];

    (void)state;
    for (int i = 0; i < 3; i++) {
        t.seq[0] = before;
        assert_true(tell(&t, 0, "PORT 10,0,1,2,19,137\r\n"));
        assert_string_equal(payload(w), "PORT 198,51,100,1,19,137\r\n");
        assert_int_equal(word_at(w, 4), before);
        assert_int_equal(waiting(w), 1);
    }
    assert_true(tell(&t, 0, "LIST\r\n"));
    assert_int_equal(word_at(w, 4), before + 26);
    END(w);
}

static void passive_v4(void **state)
{
    struct world *w = WORLD(HELPER);
    struct talk t = out(w);

    (void)state;
    assert_true(tell(&t, 0, "PASV\r\n"));
    assert_true(tell(&t, 1, "227 Entering (198,51,100,2,195,80)\r\n"));
    assert_string_equal(payload(w), "227 Entering (198,51,100,2,195,80)\r\n");
    say(w, C ":4001 > " S ":50000 tcp S seq 1");
    assert_int_equal(w->info, CT_RELATED);
    assert_int_equal(last_sport(w), 4001);
    assert_int_equal(stat_of(w, CT_STAT_expect_new), 1);
    assert_true(tell(&t, 0, "EPSV\r\n"));
    assert_true(tell(&t, 1, "229 Passive (|||50001|)\r\n"));
    assert_string_equal(payload(w), "229 Passive (|||50001|)\r\n");
    say(w, C ":4002 > " S ":50001 tcp S seq 1");
    assert_int_equal(w->info, CT_RELATED);
    assert_true(tell(&t, 0, "PASV\r\n")); /* RFC 1123 4.1.2.6 */
    assert_true(tell(&t, 1, "227 Entering 198,51,100,2,195,82\r\n"));
    say(w, C ":4003 > " S ":50002 tcp S seq 1");
    assert_int_equal(w->info, CT_RELATED);
    END(w);
}

/* The server is inside, behind a static forward: it tells its own address, the
 * outside hears the forward's. */
static void server_inside(void **state)
{
    struct world *w = WORLD(HELPER "; dnat tcp " W ":21 -> " C ":21");
    struct talk t = talk(w, S ":4000", C ":21", W ":21", true);

    (void)state;
    assert_true(tell(&t, 0, "PASV\r\n"));
    assert_true(tell(&t, 1, "227 Entering (10,0,1,2,195,80).\r\n"));
    assert_string_equal(payload(w), "227 Entering (198,51,100,1,195,80).\r\n");
    w->quiet = false;
    say(w, S ":4001 > " W ":50000 tcp S seq 1");
    TRACE(w, "[  0] " S ":4001 > " W ":50000 tcp S: RELATED\n"
             "      out lan " S ":4001 > " C ":50000 tcp S\n");
    w->quiet = true;
    /* active: the server calls from its own port */
    assert_true(tell(&t, 0, "PORT 198,51,100,2,19,137\r\n"));
    assert_string_equal(payload(w), "PORT 198,51,100,2,19,137\r\n");
    w->quiet = false;
    say(w, C ":20 > " S ":5001 tcp S seq 1");
    TRACE(w, "[  0] " C ":20 > " S ":5001 tcp S: RELATED\n"
             "      out wan " W ":20 > " S ":5001 tcp S\n");
    END(w);
}

static struct talk out6(struct world *w)
{
    return talk(w, C6 ":4000", S6 ":21", W6 ":4000", false);
}

/* EPRT over IPv6, in any spelling: what leaves is the kernel's. */
static void active_v6(void **state)
{
    static const char *const spelled[] = {
        "EPRT |2|fd00:1::2|5001|\r\n",
        "eprt !2!FD00:0001:0:0:0:0:0:2!5001!\r\n",
        "EPRT |2|fd00:1:0:0::2|5001|\r\n",
        "EPRT |2|fd00:1::0.0.0.2|5001|\r\n",
        "EPRT |2|fd00:1:0:0:0:0:0.0.0.2|5001|\r\n",
    };

    (void)state;
    for (unsigned i = 0; i < sizeof spelled / sizeof *spelled; i++) {
        struct world *w = WORLD(HELPER);
        struct talk t = out6(w);

        assert_true(tell(&t, 0, spelled[i]));
        assert_string_equal(
            payload(w) + 4,
            " |2|2001:0db8:0000:0000:0000:0000:0000:0001|5001|\r\n");
        w->quiet = false;
        say(w, S6 ":20 > " W6 ":5001 tcp S seq 1");
        TRACE(w, "[  0] " S6 ":20 > " W6 ":5001 tcp S: RELATED\n"
                 "      out lan " S6 ":20 > " C6 ":5001 tcp S\n");
        END(w);
    }
}

/* An address that is not the sender's is left alone, however it is written; one
 * that is none is garbled. */
static void dotted_v6(void **state)
{
    static const struct {
        const char *says;
        bool passes;
    } rows[] = {
        {"EPRT |2|::ffff:10.0.1.2|5001|\r\n", true},
        {"EPRT |2|64:ff9b::10.0.1.2|5001|\r\n", true},
        {"EPRT |2|::10.0.1.2|5001|\r\n", true},
        {"EPRT .2.fd00:1::9.5001.\r\n", true},
        {"EPRT |2|fd00:1::0.0.2|5001|\r\n", false},
        {"EPRT |2|fd00:1::0.0.0.256|5001|\r\n", false},
        {"EPRT |2|fd00:1::0.0.0.2.1|5001|\r\n", false},
        {"EPRT |2|fd00:1::0.0.0.2:1|5001|\r\n", false},
        {"EPRT |2|fd00:1:0:0:0:0:0:0.0.0.2|5001|\r\n", false},
        {"EPRT |2|fd00:1:0:0:0:0.0.0.2|5001|\r\n", false},
        {"EPRT |2|fd00:1::a.0.0.2|5001|\r\n", false},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world *w = WORLD(HELPER);
        struct talk t = out6(w);

        print_message("%s", rows[i].says);
        assert_int_equal(segment(&t, 0, "P.", rows[i].says, ""),
                         rows[i].passes);
        if (rows[i].passes)
            assert_string_equal(payload(w), rows[i].says);
        else
            assert_int_equal(w->why, CT_REASON_HELPER_PARTIAL);
        assert_int_equal(waiting(w), 0);
        END(w);
    }
}

static void passive_v6(void **state)
{
    struct world *w = WORLD(HELPER);
    struct talk t = out6(w);

    (void)state;
    assert_true(tell(&t, 0, "EPSV\r\n"));
    assert_true(tell(&t, 1, "229 Passive (|||50001|)\r\n"));
    say(w, C6 ":4002 > " S6 ":50001 tcp S seq 1");
    assert_int_equal(w->info, CT_RELATED);
    END(w);
}

static void extended_port_v4(void **state)
{
    struct world *w = WORLD(HELPER);
    struct talk t = out(w);

    (void)state;
    assert_true(tell(&t, 0, "EPRT |1|10.0.1.2|5001|\r\n"));
    assert_string_equal(payload(w), "EPRT |1|198.51.100.1|5001|\r\n");
    say(w, S ":20 > " W ":5001 tcp S seq 1");
    assert_int_equal(w->info, CT_RELATED);
    END(w);
}

/* Cut anywhere, the part that could be the begin of a command is dropped; the
 * whole of it, sent again as TCP does, passes. */
static void commands_in_pieces(void **state)
{
    static const char command[] = "PORT 10,0,1,2,19,137\r\n";

    (void)state;
    for (size_t cut = 1; cut < strlen(command) - 1; cut++) {
        struct world *w = WORLD(HELPER);
        struct talk t = out(w);
        char part[32];

        memcpy(part, command, cut);
        part[cut] = '\0';
        assert_false(segment(&t, 0, "P.", part, ""));
        assert_int_equal(w->why, CT_REASON_HELPER_PARTIAL);
        assert_int_equal(waiting(w), 0);
        assert_true(tell(&t, 0, command));
        assert_string_equal(payload(w), "PORT 198,51,100,1,19,137\r\n");
        assert_int_equal(waiting(w), 1);
        END(w);
    }
}

/* What is not at the begin of a line that was seen to begin is no command. */
static void g1_only_behind_a_newline(void **state)
{
    struct world *w = WORLD(HELPER);
    struct talk t = out(w);

    (void)state;
    assert_true(tell(&t, 0, "SITE "));
    assert_true(tell(&t, 0, "PORT 10,0,1,2,19,137\r\n"));
    assert_string_equal(payload(w), "PORT 10,0,1,2,19,137\r\n");
    assert_true(tell(&t, 0, "NOOP PORT 10,0,1,2,19,137\r\n"));
    /* only the side that may say it */
    assert_true(tell(&t, 1, "PORT 198,51,100,2,19,137\r\n"));
    assert_true(tell(&t, 0, "227 Entering (10,0,1,2,195,80)\r\n"));
    assert_int_equal(waiting(w), 0);
    assert_int_equal(stat_of(w, CT_STAT_expect_create), 0);
    END(w);
}

/* Another's address (RFC 2577, the bounce attack): left as it is, and nothing
 * is opened. */
static void g1_foreign_addresses(void **state)
{
    static const char *const says[] = {
        "PORT 10,0,1,3,19,137\r\n",
        "PORT 198,51,100,1,19,137\r\n",
        "EPRT |1|10.0.1.9|5001|\r\n",
    };
    struct world *w = WORLD(HELPER);
    struct talk t = out(w);

    (void)state;
    for (unsigned i = 0; i < sizeof says / sizeof *says; i++) {
        assert_true(tell(&t, 0, says[i]));
        assert_string_equal(payload(w), says[i]);
    }
    assert_true(tell(&t, 1, "227 Entering (198,51,100,3,195,80)\r\n"));
    assert_int_equal(stat_of(w, CT_STAT_expect_create), 0);
    END(w);
}

/* Lines that are no announcement and never will be one.  (The kernel takes 258
 * for 2, nothing for 0, and 70000 for 4464.) */
static void g1_garbled(void **state)
{
    static const char *const says[] = {
        "PORT 10,0,1,258,19,137\r\n",  "PORT 10,0,1,2,0,0\r\n",
        "PORT 10,0,1,2,19,393\r\n",    "EPRT |1|10.0.1.2|70000|\r\n",
        "PORT 10,0,1,2,19\r\n",        "PORT ten,0,1,2,19,137\r\n",
        "PORT 10,,1,2,19,137\r\n",     "PORT10,0,1,2,19,137\r\n",
        "EPRT |2|10.0.1.2|5001|\r\n",  "EPRT |1|10.0.1.2|0|\r\n",
        "EPRT |1|10.0.1.2|65536|\r\n", "EPRT 1|10.0.1.2|5001|\r\n",
    };
    struct world *w = WORLD(HELPER);
    struct talk t = out(w);

    (void)state;
    for (unsigned i = 0; i < sizeof says / sizeof *says; i++) {
        assert_false(segment(&t, 0, "P.", says[i], ""));
        assert_int_equal(w->why, CT_REASON_HELPER_PARTIAL);
    }
    assert_int_equal(waiting(w), 0);
    END(w);
}

/* Whole lines that announce nothing pass: if they were dropped, their sender
 * would repeat them.  The last line before a FIN passes, too, whole or not. */
static void lines_that_announce_nothing(void **state)
{
    static const struct {
        int side;
        const char *says, *flags;
        bool passes;
    } rows[] = {
        {1, "227 Logout.\r\n", "P.", true},     {1, "227 Logout.", "FP.", true},
        {1, "227 Logout.", "P.", false},        {1, "229 no\r\n", "P.", true},
        {1, "229 no\r\n220 a\r\n", "P.", true}, {0, "PORT\r\n", "P.", true},
        {0, "EPRT |\r\n", "P.", true},          {0, "POR", "FP.", true},
        {0, "PORT 10,0,1", "FP.", false},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct world *w = WORLD(HELPER);
        struct talk t = out(w);

        assert_int_equal(
            segment(&t, rows[i].side, rows[i].flags, rows[i].says, ""),
            rows[i].passes);
        if (rows[i].passes)
            assert_string_equal(payload(w), rows[i].says);
        else
            assert_int_equal(w->why, CT_REASON_HELPER_PARTIAL);
        assert_int_equal(waiting(w), 0);
        END(w);
    }
}

/* One at a time; the last one counts, and it waits 300 seconds. */
static void r8_policy(void **state)
{
    struct world *w = WORLD(HELPER);
    struct talk t = out(w);

    (void)state;
    assert_true(tell(&t, 0, "PORT 10,0,1,2,19,137\r\n"));
    assert_true(tell(&t, 0, "PORT 10,0,1,2,19,138\r\n"));
    assert_int_equal(waiting(w), 1);
    say(w, S ":20 > " W ":5001 tcp S seq 1");
    assert_int_equal(w->info, CT_NEW);
    elapse(w, 299);
    assert_int_equal(waiting(w), 1);
    elapse(w, 2);
    assert_int_equal(waiting(w), 0);
    say(w, S ":20 > " W ":5002 tcp S seq 1");
    assert_int_equal(w->info, CT_NEW);
    END(w);
}

/* What was announced dies with the connection that said so; what has begun
 * goes on. */
static void r8_dies_with_its_master(void **state)
{
    struct world *w = WORLD(HELPER);
    struct talk t = out(w);

    (void)state;
    alone(w); /* its flow is ended by hand */
    assert_true(tell(&t, 0, "PORT 10,0,1,2,19,137\r\n"));
    say(w, S ":20 > " W ":5001 tcp S seq 1");
    say(w, C ":5001 > " S ":20 tcp S. seq 7 ack 2");
    assert_true(tell(&t, 0, "PORT 10,0,1,2,19,138\r\n"));
    assert_int_equal(waiting(w), 1);
    assert_int_equal(stat_of(w, CT_STAT_extensions), 2);
    assert_true(ct_delete(w->rig.ct, 0, 0));
    assert_int_equal(waiting(w), 0);
    assert_int_equal(stat_of(w, CT_STAT_extensions), 1);
    say(w, S ":20 > " W ":5001 tcp . seq 2 ack 8");
    assert_int_equal(w->info, CT_ESTABLISHED);
    assert_int_equal(last_dport(w), 5001);
    END(w);
}

/* Two clients announce the same port to the same server: each has its own. */
static void two_clients_one_port(void **state)
{
    struct world *w = WORLD(HELPER);
    struct talk a = out(w), b = a;

    (void)state;
    b.from = "10.0.1.3:4001";
    b.back = W ":4001";
    shake_hands(&b);
    assert_true(tell(&b, 1, "220 hello\r\n"));
    assert_true(tell(&b, 0, "USER anonymous\r\n"));
    assert_true(tell(&a, 0, "PORT 10,0,1,2,19,137\r\n"));
    assert_true(tell(&b, 0, "PORT 10,0,1,3,19,137\r\n"));
    assert_string_equal(payload(w), "PORT 198,51,100,1,19,138\r\n");
    w->quiet = false;
    say(w, S ":20 > " W ":5002 tcp S seq 1");
    say(w, S ":20 > " W ":5001 tcp S seq 1");
    TRACE(w, "[  0] " S ":20 > " W ":5002 tcp S: RELATED\n"
             "      out lan " S ":20 > 10.0.1.3:5001 tcp S\n"
             "[  0] " S ":20 > " W ":5001 tcp S: RELATED\n"
             "      out lan " S ":20 > " C ":5001 tcp S\n");
    END(w);
}

/* What is announced admits no other host, port or protocol. */
static void g1_strangers_stay_outside(void **state)
{
    struct world *w = WORLD("profile weir; " HELPER);
    struct talk t = out(w);

    (void)state;
    assert_true(tell(&t, 0, "PORT 10,0,1,2,19,137\r\n"));
    w->sent = 0;
    say(w, "198.51.100.9:20 > " W ":5001 tcp S seq 1");
    say(w, S ":20 > " W ":5002 tcp S seq 1");
    say(w, S ":20 > " W ":5001 udp 'x'");
    assert_int_equal(w->sent, 0);
    assert_int_equal(waiting(w), 1);
    END(w);
}

/* A flow keeps its helper, and its numbers, when the rule that gave it goes. */
static void rules_may_go(void **state)
{
    struct world *w = WORLD(HELPER);
    struct talk t = out(w);
    uint32_t before = t.seq[0];

    (void)state;
    reload(w, "tune extensions 64");
    assert_true(tell(&t, 0, "PORT 10,0,1,2,19,137\r\n"));
    assert_string_equal(payload(w), "PORT 198,51,100,1,19,137\r\n");
    reload(w, "tune extensions 64");
    assert_true(tell(&t, 0, "LIST\r\n"));
    assert_int_equal(word_at(w, 4), before + 26);
    END(w);
}

/* Without a record left the flow has no helper, and that is counted. */
static void no_record_left(void **state)
{
    struct world *w = WORLD("tune extensions 1; prerouting "
                            "{\"proto\":\"tcp\",\"helper\":\"ftp\"}");
    struct talk t;

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.9:1 > " S ":80 tcp S seq 1");
    t = out(w);
    assert_int_equal(stat_of(w, CT_STAT_ext_full), 1);
    assert_true(tell(&t, 0, "PORT 10,0,1,2,19,137\r\n"));
    assert_string_equal(payload(w), "PORT 10,0,1,2,19,137\r\n");
    END(w);
}

/* No record for the data connection: then it is like any other. */
static void no_record_for_the_data(void **state)
{
    struct world *w = WORLD("tune extensions 1; prerouting "
                            "{\"proto\":\"tcp\",\"helper\":\"ftp\"}");
    struct talk t = out(w);

    (void)state;
    assert_true(tell(&t, 0, "PORT 10,0,1,2,19,137\r\n"));
    say(w, S ":20 > " W ":5001 tcp S seq 1");
    assert_int_equal(w->info, CT_NEW);
    assert_int_equal(waiting(w), 1);
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(active_v4),
        STORY(numbers_behind_a_longer_line),
        STORY(errors_about_shifted_numbers),
        STORY(sent_again),
        STORY(passive_v4),
        STORY(server_inside),
        STORY(active_v6),
        STORY(dotted_v6),
        STORY(passive_v6),
        STORY(extended_port_v4),
        STORY(commands_in_pieces),
        STORY(g1_only_behind_a_newline),
        STORY(g1_foreign_addresses),
        STORY(g1_garbled),
        STORY(lines_that_announce_nothing),
        STORY(r8_policy),
        STORY(r8_dies_with_its_master),
        STORY(two_clients_one_port),
        STORY(g1_strangers_stay_outside),
        STORY(rules_may_go),
        STORY(no_record_left),
        STORY(no_record_for_the_data),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
