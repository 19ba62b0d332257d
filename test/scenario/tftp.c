/* tftp.c - TFTP with its helper (RFC 1350) */
#include "world.h"

#define HELPER                                                                 \
    "tune extensions 64; prerouting "                                          \
    "{\"proto\":\"udp\",\"dport\":69,\"helper\":\"tftp\"}"
#define S "198.51.100.2"
#define W "198.51.100.1"
#define C "10.0.1.2"

/* "a" in octet */
#define READ                                                                   \
    "hex 00016100"                                                             \
    "6f6374657400"
#define WRITE                                                                  \
    "hex 00026100"                                                             \
    "6f6374657400"
#define DATA "hex 000300016869"

static void transfer(void **state)
{
    static const char *const requests[] = {READ, WRITE};

    (void)state;
    for (int i = 0; i < 2; i++) {
        struct world *w = WORLD("profile weir; " HELPER);

        sayf(w, C ":4000 > " S ":69 udp %s", requests[i]);
        say(w, S ":1069 > " W ":4000 udp " DATA);
        say(w, C ":4000 > " S ":1069 udp hex 00040001");
        TRACE(w, "[  0] " C ":4000 > " S ":69 udp: NEW\n"
                 "      out wan " W ":4000 > " S ":69 udp\n"
                 "[  0] " S ":1069 > " W ":4000 udp: RELATED\n"
                 "      out lan " S ":1069 > " C ":4000 udp\n"
                 "[  0] " C ":4000 > " S ":1069 udp: ESTABLISHED\n"
                 "      out wan " W ":4000 > " S ":1069 udp\n");
        END(w);
    }
}

/* As the kernel: the first event of a flow that a rule gave a helper is NEW,
 * that of an announced flow RELATED. */
static void linux_events(void **state)
{
    struct world *w = WORLD(HELPER);

    (void)state;
    w->quiet = true;
    say(w, C ":4001 > " S ":70 udp " READ);
    assert_int_equal(w->told, CT_EVENT_NEW);
    say(w, C ":4000 > " S ":69 udp " READ);
    assert_int_equal(w->told, CT_EVENT_NEW | CT_EVENT_HELPER);
    say(w, S ":1069 > " W ":4000 udp " DATA);
    assert_int_equal(w->told, CT_EVENT_RELATED);
    say(w, C ":4000 > " S ":1069 udp hex 00040001");
    assert_int_equal(w->told, CT_EVENT_REPLY);
    END(w);
}

/* The outside port is another one: the answer finds the client all the same.
 */
static void behind_another_port(void **state)
{
    struct world *w = WORLD(HELPER);
    uint16_t port;

    (void)state;
    w->quiet = true;
    say(w, "10.0.1.9:4000 > " S ":69 udp " READ);
    say(w, C ":4000 > " S ":69 udp " READ);
    port = last_sport(w);
    assert_int_not_equal(port, 4000);
    sayf(w, S ":1069 > " W ":%u udp " DATA, port);
    assert_int_equal(w->info, CT_RELATED);
    assert_int_equal(last_dport(w), 4000);
    END(w);
}

static void server_inside(void **state)
{
    struct world *w = WORLD(HELPER "; dnat udp " W ":69 -> " C ":69");

    (void)state;
    say(w, S ":4000 > " W ":69 udp " READ);
    say(w, C ":1069 > " S ":4000 udp " DATA);
    say(w, S ":4000 > " W ":1069 udp hex 00040001");
    TRACE(w, "[  0] " S ":4000 > " W ":69 udp: NEW\n"
             "      out lan " S ":4000 > " C ":69 udp\n"
             "[  0] " C ":1069 > " S ":4000 udp: RELATED\n"
             "      out wan " W ":1069 > " S ":4000 udp\n"
             "[  0] " S ":4000 > " W ":1069 udp: ESTABLISHED\n"
             "      out lan " S ":4000 > " C ":1069 udp\n");
    END(w);
}

/* Only requests announce, only the server that was asked may answer, and only
 * once for each request. */
static void requests_admit_no_other(void **state)
{
    struct world *w = WORLD("profile weir; " HELPER);

    (void)state;
    w->quiet = true;
    say(w, C ":4000 > " S ":69 udp " DATA);
    say(w, C ":4000 > " S ":69 udp hex 00");
    say(w, C ":4000 > " S ":69 udp");
    assert_int_equal(stat_of(w, CT_STAT_expect_create), 0);
    say(w, C ":4000 > " S ":69 udp " READ);
    w->sent = 0;
    say(w, "198.51.100.9:1069 > " W ":4000 udp " DATA);
    assert_int_equal(w->sent, 0);
    say(w, S ":1069 > " W ":4000 udp " DATA);
    assert_int_equal(w->sent, 1);
    say(w, S ":1070 > " W ":4000 udp " DATA);
    assert_int_equal(w->sent, 1);
    END(w);
}

/* A first packet that was dropped leaves no expectation behind. */
static void dropped_on_the_way(void **state)
{
    struct world *w = WORLD(HELPER "; forward {\"dport\":69,\"proto\":\"udp\","
                                   "\"verdict\":\"drop\"}");

    (void)state;
    w->quiet = true;
    say(w, C ":4000 > " S ":69 udp " READ);
    assert_int_equal(stat_of(w, CT_STAT_expectations), 0);
    assert_int_equal(stat_of(w, CT_STAT_extensions), 0);
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(transfer),
        STORY(linux_events),
        STORY(behind_another_port),
        STORY(server_inside),
        STORY(requests_admit_no_other),
        STORY(dropped_on_the_way),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
