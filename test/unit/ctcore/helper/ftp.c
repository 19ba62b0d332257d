/* ftp.c - how FTP writes addresses and ports, letter by letter (RFC 2428) */
#include "helper_talk.h"

#include <arpa/inet.h>

#define HELPER                                                                 \
    "tune extensions 64; prerouting "                                          \
    "{\"proto\":\"tcp\",\"dport\":21,\"helper\":\"ftp\"}"

/* A client inside and its server outside, who have greeted each other. */
static struct talk open_talk(struct world *w, const char *client,
                             const char *server, const char *back)
{
    struct talk t = {.w = w,
                     .from = client,
                     .to = server,
                     .server = server,
                     .back = back,
                     .by = "wan",
                     .at = "lan"};

    w->quiet = true;
    shake_hands(&t);
    assert_true(tell(&t, 1, "220 hello\r\n"));
    assert_true(tell(&t, 0, "USER anonymous\r\n"));
    assert_true(tell(&t, 1, "230 in\r\n"));
    return t;
}

/* Each of the four numbers of such a tail is a byte of the address. */
static void the_tail_is_four_bytes(void **state)
{
    static const char *const spelled[] = {
        "EPRT |2|fd00:1::1.2.3.4|5001|\r\n",
        "EPRT |2|fd00:1::0102:304|5001|\r\n",
        "EPRT |2|fd00:0001:0:0:0:0:1.2.3.4|5001|\r\n",
    };

    (void)state;
    for (unsigned i = 0; i < sizeof spelled / sizeof *spelled; i++) {
        struct world *w = WORLD(HELPER);
        struct talk t = open_talk(w, "[fd00:1::102:304]:4000",
                                  "[2001:db8::2]:21", "[2001:db8::1]:4000");

        assert_true(tell(&t, 0, spelled[i]));
        assert_string_equal(
            payload(w) + 4,
            " |2|2001:0db8:0000:0000:0000:0000:0000:0001|5001|\r\n");
        END(w);
    }
}

/* RFC 2428 2: a port is one number, of 16 bits and not 0. */
static void a_port_of_eprt_is_one_number(void **state)
{
    static const struct {
        const char *rest;
        bool may;
    } says[] = {
        {"|1|10.0.1.2|1|", true},
        {"|1|10.0.1.2|65535|", true},
        {"|1|10.0.1.2|65536|", false},
        {"|1|10.0.1.2|0|", false},
        {"|1|10.0.1.2|165536|", false},
        {"1", false},
        {"|1", false},
        {"|1|", false},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof says / sizeof *says; i++) {
        struct world *w = WORLD(HELPER);
        struct talk t = open_talk(w, "10.0.1.2:4000", "198.51.100.2:21",
                                  "198.51.100.1:4000");
        char text[80];

        snprintf(text, sizeof text, "EPRT %s\r\n", says[i].rest);
        if (segment(&t, 0, "P.", text, "") != says[i].may ||
            waiting(w) != says[i].may)
            fail_msg("%s: %u", says[i].rest, waiting(w));
        END(w);
    }
}

static void g1_garbled_answers(void **state)
{
    static const char *const says[] = {
        "229 Entering (|!|5001|)\r\n", "229 Entering (||!5001|)\r\n",
        "229 Entering (a||5001|)\r\n", "229 Entering (|||5001!)\r\n",
        "229 Entering (|||0|)\r\n",    "229 Entering (|||65536|)\r\n",
    };
    struct world *w = WORLD(HELPER);
    struct talk t =
        open_talk(w, "10.0.1.2:4000", "198.51.100.2:21", "198.51.100.1:4000");

    (void)state;
    for (unsigned i = 0; i < sizeof says / sizeof *says; i++) {
        assert_false(segment(&t, 1, "P.", says[i], ""));
        assert_int_equal(w->why, CT_REASON_HELPER_PARTIAL);
        assert_int_equal(waiting(w), 0);
    }
    END(w);
}

/* RFC 2428 2: marks are 33 to 126, and no digits. */
static void marks_have_their_bounds(void **state)
{
    struct world *w = WORLD(HELPER);
    struct talk t =
        open_talk(w, "10.0.1.2:4000", "198.51.100.2:21", "198.51.100.1:4000");
    char text[80];

    (void)state;
    for (unsigned mark = 1; mark < 256; mark++) {
        bool may = mark >= 33 && mark <= 126 && (mark < '0' || mark > '9') &&
                   mark != '.';

        if (mark == '\r' || mark == '\n' || mark == '.' || mark == '\'')
            continue;
        snprintf(text, sizeof text, "EPRT %c1%c10.0.1.2%c5001%c\r\n", (int)mark,
                 (int)mark, (int)mark, (int)mark);
        if (segment(&t, 0, "P.", text, "") != may)
            fail_msg("mark %u", mark);
        if (may)
            t.seq[0] += (uint32_t)strlen(text);
    }
    END(w);
}

/* RFC 959 4.1.2: six decimal numbers, each of eight bits. */
static void each_number_of_port_is_a_byte(void **state)
{
    static const struct {
        const char *what;
        bool may;
    } says[] = {
        {"10,0,1,2,255,255", true}, {"10,0,1,2,0,1", true},
        {"10,0,1,2,255,0", true},   {"10,0,1,2,0,0", false},
        {"10,0,1,2,256,1", false},  {"10,0,1,2,1,256", false},
        {"266,0,1,2,1,1", false},   {"10,256,1,2,1,1", false},
        {"10,0,257,2,1,1", false},  {"10,0,1,258,1,1", false},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof says / sizeof *says; i++) {
        struct world *w = WORLD(HELPER);
        struct talk t = open_talk(w, "10.0.1.2:4000", "198.51.100.2:21",
                                  "198.51.100.1:4000");
        char text[80];

        snprintf(text, sizeof text, "PORT %s\r\n", says[i].what);
        (void)segment(&t, 0, "P.", text, "");
        if (waiting(w) != says[i].may)
            fail_msg("%s: %u", says[i].what, waiting(w));
        END(w);
    }
}

/* RFC 4291 2.2, as inet_pton(3) reads it: what is no address ends its line. */
static void addresses_are_as_the_system_reads_them(void **state)
{
    static const char *const parts[] = {"1", "ab0f", "12345",  "g",
                                        ":", "::",   "1.2.3.4"};
    enum { PARTS = sizeof parts / sizeof *parts, LONG = 5 };
    struct world *w = WORLD(HELPER);
    struct talk t = open_talk(w, "[fd00:1::102:304]:4000", "[2001:db8::2]:21",
                              "[2001:db8::1]:4000");
    unsigned all = 0;
    static const char *const whole[] = {"1:2:3:4:5:6:7:8",
                                        "1:2:3:4:5:6:7:8:9",
                                        "1:2:3:4:5:6:7",
                                        "1:2:3:4:5:6:1.2.3.4",
                                        "1:2:3:4:5:6:7:1.2.3.4",
                                        "::2:3:4:5:6:7:8",
                                        "1::3:4:5:6:7:8",
                                        "1:2:3:4:5:6:7::",
                                        "1:2:3:4:5:6::8",
                                        "1:2:3:4:5::1.2.3.4",
                                        "1:2:3:4:5:1.2.3.4",
                                        "1.2.3.4",
                                        "::",
                                        "1:2:3:4:5:6:7:8::",
                                        "::1:2:3:4:5:6:7:8",
                                        "1:2:3:4::5:6:7:8"};

    (void)state;
    for (unsigned n = 1; n <= LONG; n++) {
        unsigned many = 1;

        for (unsigned i = 0; i < n; i++)
            many *= PARTS;
        all += many;
    }
    for (unsigned k = 0, n = 1, many = PARTS, of = 0;
         k < all + sizeof whole / sizeof *whole; k++, of++) {
        char address[64] = "", text[128];
        uint8_t bytes[16];
        bool is;

        if (of == many && n < LONG)
            n++, many *= PARTS, of = 0;
        for (unsigned i = 0, rest = of; k < all && i < n; i++, rest /= PARTS)
            strcat(address, parts[rest % PARTS]);
        if (k >= all)
            strcpy(address, whole[k - all]);
        snprintf(text, sizeof text, "EPRT |2|%s|5001|\r\n", address);
        is = inet_pton(AF_INET6, address, bytes) == 1;
        if (segment(&t, 0, "P.", text, "") != is)
            fail_msg("%s", address);
        if (is)
            t.seq[0] += (uint32_t)strlen(text);
    }
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tail_is_four_bytes),
        cmocka_unit_test(g1_garbled_answers),
        cmocka_unit_test(each_number_of_port_is_a_byte),
        cmocka_unit_test(addresses_are_as_the_system_reads_them),
        cmocka_unit_test(a_port_of_eprt_is_one_number),
        cmocka_unit_test(marks_have_their_bounds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
