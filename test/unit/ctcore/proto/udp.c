/* udp.c - UDP in two stages, to the millisecond */
#include "oneflow.h"
#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

struct line {
    const char *what;
    uint32_t wait_ms;
    char dir;
    uint32_t left;
    bool assured;
};

static const struct line lines[][8] = {
    {
        {"request", 0, '>', 30, false},
        {"first reply", 100, '<', 30, false},
        {"within 2 s", 100, '>', 30, false},
        {"2 s to the tick", 1800, '<', 30, false},
        {"one tick later", 1, '>', 120, true},
        {"either side refreshes", 100000, '<', 120, true},
    },
    {
        {"request", 0, '>', 30, false},
        {"no answer", 3000, '>', 30, false},
        {"a late first reply is still short", 3000, '<', 30, false},
        {"then a stream", 0, '<', 120, true},
    },
    {
        {"request", 0, '>', 30, false},
        {"the last tick", 29999, '>', 30, false},
        {"expired: a new flow", 30000, '>', 30, false},
        {"its reply", 2500, '<', 30, false},
        {"its stream", 1, '>', 120, true},
    },
};

static void two_stages(void **state)
{
    uint8_t bytes[8] = {0};
    struct ct_pkt pkt = {.data = bytes, .len = 8, .l4_len = 8};

    (void)state;
    for (unsigned i = 0; i < sizeof lines / sizeof *lines; i++) {
        struct flow f = flow_new(&proto_udp);

        for (const struct line *l = lines[i]; l->what; l++) {
            f.now_ms += l->wait_ms;
            flow_packet(&f, &pkt, l->dir == '<');
            if (f.why || flow_left_ms(&f) != l->left * 1000 ||
                !!(f.status & CT_ASSURED) != l->assured)
                fail_msg("%s: %u ms", l->what, (unsigned)flow_left_ms(&f));
            assert_true(f.said.act & TRACK_REFRESH);
            assert_int_equal(proto_udp.timeouts[proto_udp.state(&f.st)],
                             f.said.timeout);
        }
    }
}

static void timeouts_are_tunable(void **state)
{
    uint8_t bytes[8] = {0};
    struct ct_pkt pkt = {.data = bytes, .len = 8, .l4_len = 8};
    struct flow f = flow_new(&proto_udp);

    (void)state;
    f.params.v[CT_PARAM_udp] = 7;
    f.params.v[CT_PARAM_udp_stream] = 11;
    flow_packet(&f, &pkt, CT_DIR_ORIGINAL);
    assert_int_equal(flow_left_ms(&f), 7000);
    flow_packet(&f, &pkt, CT_DIR_REPLY);
    f.now_ms += 2001;
    flow_packet(&f, &pkt, CT_DIR_REPLY);
    assert_int_equal(flow_left_ms(&f), 11000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_stages),
        cmocka_unit_test(timeouts_are_tunable),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
