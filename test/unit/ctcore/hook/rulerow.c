/* rulerow.c - what a rule's action makes of a packet */
#include "corerig.h"

#include "bytes.h"

#define UDP "10.0.1.2:4000 > 198.51.100.2:80 udp 'a'"

static enum ct_verdict take(void *ctx, struct ct_pkt *pkt)
{
    *(struct ct_pkt *)ctx = *pkt;
    return CT_QUEUE;
}

/* Before the rule in question two stand that count and go on. */
struct filter {
    struct ct_rule rule[3];
    struct ct_ruleset rules;
    struct ct_rule_count count[3];
};

static void put_filter(struct corerig *r, struct filter *f,
                       const struct ct_rule *last, uint8_t hook,
                       enum ct_stage stage)
{
    *f = (struct filter){.rules = {.rules = f->rule, .n = 3}};
    for (int i = 0; i < 3; i++) {
        if (i == 2)
            f->rule[i] = *last;
        f->rule[i].hook = hook;
        f->rule[i].stage = (uint8_t)stage;
    }
    for (int h = 0; h < CT_N_HOOKS; h++)
        f->rules.policy[h] = CT_ACCEPT;
    for (unsigned later = stage + 1u; later <= CT_N_STAGES; later++)
        f->rules.start[hook][later] = 3;
    for (int h = hook + 1; h < CT_N_HOOKS; h++)
        for (int s = 0; s <= CT_N_STAGES; s++)
            f->rules.start[h][s] = 3;
    ct_set_rules(r->ct, &f->rules, f->count);
}

/* The rule that decides is named, and those before it have counted. */
static void verdicts_and_their_rule(void **state)
{
    static const struct {
        struct ct_rule rule;
        enum ct_verdict verdict;
        enum ct_reason why;
        bool tell;
    } rows[] = {
        {{.action = CT_ACT_ACCEPT}, CT_ACCEPT, CT_REASON_NONE, false},
        {{.action = CT_ACT_COUNT}, CT_ACCEPT, CT_REASON_NONE, false},
        {{.action = CT_ACT_DROP}, CT_DROP, CT_REASON_RULE, false},
        {{.action = CT_ACT_REJECT, .reject = CT_REJECT_NET},
         CT_DROP,
         CT_REASON_REJECTED,
         true},
        {{.action = CT_ACT_QUEUE, .queue = 7}, CT_QUEUE, CT_REASON_NONE, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ct_pkt taken = {.queue = 0};
        struct ct_config c = {.max = 64, .queue = take, .ctx = &taken};
        struct corerig r;
        struct filter f;

        corerig_open(&r, &c);
        put_filter(&r, &f, &rows[i].rule, CT_FORWARD, CT_STAGE_FILTER);
        assert_int_equal(walk(&r, LAN, WAN, UDP), rows[i].verdict);
        assert_int_equal(r.pkt.why, rows[i].why);
        assert_int_equal(r.pkt.tell, rows[i].tell);
        if (rows[i].verdict == CT_DROP)
            assert_int_equal(r.pkt.rule, 2);
        if (rows[i].rule.action == CT_ACT_REJECT)
            assert_int_equal(r.pkt.reject, CT_REJECT_NET);
        if (rows[i].rule.action == CT_ACT_QUEUE) {
            assert_int_equal(taken.queue, 7);
            taken.held = true;
            assert_int_equal(ct_resume(r.ct, &taken, CT_DROP), CT_DROP);
            ct_done(r.ct, &taken);
        }
        for (int k = 0; k < 3; k++)
            assert_int_equal(f.count[k].packets, 1);
        corerig_close(&r);
    }
}

/* "pmtu": the smaller link of both decides, of those that are known. */
static void mss_is_of_the_smaller_link(void **state)
{
    static const struct {
        uint16_t lan, wan, mss; /* 0: not known */
    } rows[] = {
        {1500, 1400, 1360}, {1400, 1500, 1360}, {0, 1400, 1360},
        {1400, 0, 1360},    {0, 0, 9000},       {41, 1500, 1},
        {40, 1500, 9000},   {9041, 9050, 9000}, {9039, 9050, 8999},
    };
    static const struct ct_rule pmtu = {.action = CT_ACT_MSS, .mss = 0};

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ct_config c = {.max = 64};
        struct ct_ifaces ifaces;
        struct corerig r;
        struct filter f;

        corerig_open(&r, &c);
        ifaces = r.ct->ifaces;
        ifaces.iface[LAN].mtu = rows[i].lan;
        ifaces.iface[WAN].mtu = rows[i].wan;
        ct_set_ifaces(r.ct, &ifaces);
        put_filter(&r, &f, &pmtu, CT_POSTROUTING, CT_STAGE_MANGLE);
        assert_int_equal(walk(&r, LAN, WAN,
                              "10.0.1.2:4000 > 198.51.100.2:80 tcp S seq 1 "
                              "mss 9000"),
                         CT_ACCEPT);
        if (bytes_get16(r.pkt.data + 42) != rows[i].mss)
            fail_msg("%u, %u: %u", rows[i].lan, rows[i].wan,
                     bytes_get16(r.pkt.data + 42));
        corerig_close(&r);
    }
}

/* Of all options only a whole MSS is one, the rest stays as it is. */
static void other_options_are_left(void **state)
{
    static const char *const options[] = {"fd042328", "04042328", "0203ff01",
                                          "02052328ff010101", "01010101"};
    static const struct ct_rule low = {.action = CT_ACT_MSS, .mss = 100};

    (void)state;
    for (size_t i = 0; i < sizeof options / sizeof *options; i++) {
        struct ct_config c = {.max = 64};
        uint8_t was[2048];
        struct corerig r;
        struct filter f;
        char spec[120];

        corerig_open(&r, &c);
        put_filter(&r, &f, &low, CT_POSTROUTING, CT_STAGE_MANGLE);
        snprintf(spec, sizeof spec,
                 "10.0.1.2:4000 > 198.51.100.2:80 tcp S seq 1 tcpopt %s",
                 options[i]);
        memset(was, 0, sizeof was);
        assert_true(packet_build(was, sizeof was, spec) > 0);
        assert_int_equal(walk(&r, LAN, WAN, spec), CT_ACCEPT);
        assert_memory_equal(r.pkt.data, was, r.pkt.len);
        corerig_close(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(verdicts_and_their_rule),
        cmocka_unit_test(other_options_are_left),
        cmocka_unit_test(mss_is_of_the_smaller_link),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
