/* rulewalk.c - readers of rules that don't know all facts
 *
 * A flow's review does not know what its first packet had of its own, and the
 * guard of NAT not what conntrack would have said. */
#include "corerig.h"
#include "hook/natask.h"
#include "matchexamples.h"

#define UDP "10.0.1.2:4000 > 198.51.100.2:80 udp 'x'"
#define TCP "10.0.1.2:4000 > 198.51.100.2:80 tcp . seq 1 ack 1"
/* Without an entry. */
#define NONE   "10.0.1.2:4000 > 198.51.100.2:80 tcp F seq 1"
#define SYN    "10.0.1.2:4000 > 198.51.100.2:80 tcp SF seq 1"
#define ANSWER "10.0.1.2 > 198.51.100.2 icmp reply id 7 seq 1"

/* ---- a core with a few rules ---- */

struct few {
    struct corerig rig;
    struct ct_rule rule[4];
    struct ct_rule_count count[4];
    struct ct_ruleset rules;
};

/* In the order of hooks and stages. */
static void few_add(struct few *f, const struct ct_rule *like,
                    enum ct_hook hook, enum ct_stage stage,
                    enum ct_action_kind action)
{
    struct ct_rule *r = &f->rule[f->rules.n++];

    *r = *like;
    r->hook = (uint8_t)hook;
    r->stage = (uint8_t)stage;
    r->action = (uint8_t)action;
    r->mark_mask = UINT32_MAX;
    r->mark = 5;
    for (int h = 0; h < CT_N_HOOKS; h++)
        for (int s = 0; s <= CT_N_STAGES; s++)
            f->rules.start[h][s] +=
                h > (int)hook || (h == (int)hook && s > (int)stage);
}

static const struct ct_rule any = {.action = CT_ACT_COUNT};

/* Nothing is refused, nothing translated. */
static void few_open(struct few *f)
{
    struct ct_config c = {.max = 16};

    memset(f, 0, sizeof *f);
    corerig_open(&f->rig, &c);
    f->rules.rules = f->rule;
    for (int h = 0; h < CT_N_HOOKS; h++)
        f->rules.policy[h] = CT_ACCEPT;
    ct_set_rules(f->rig.ct, NULL, NULL);
}

/* How many flows are left under these rules. */
static uint64_t few_review(struct few *f)
{
    uint32_t from = 0;

    ct_set_rules(f->rig.ct, &f->rules, f->count);
    assert_true(ct_revalidate_some(f->rig.ct, &from, 16));
    return ct_stat(f->rig.ct, CT_STAT_entries);
}

/* ---- the list ---- */

static bool is_of(const char *list, const struct match_example *r)
{
    char word[32];

    snprintf(word, sizeof word, " %s ", r->name);
    return strstr(list, word);
}

static void each_match_has_its_facts(void **state)
{
    (void)state;
    FOR_MATCHES(r)
    {
        uint32_t whose = CT_FACT_FLOW;

        assert_int_equal(ruleset_reads(r->rule), r->facts);
        if (is_of(" syn dscp limit connlimit ", r))
            whose = CT_FACT_PACKET;
        if (is_of(" info ", r))
            whose = CT_FACT_STATE;
        if (is_of(" status mark labels ", r))
            whose = CT_FACT_CT;
        if (is_of(" icmp_type syn sport dport ", r))
            whose |= CT_FACT_L4;
        if (is_of(" dst dport ", r))
            whose |= CT_FACT_TO;
        if (is_of(" src proto ", r))
            whose |= CT_FACT_QUOTE;
        assert_int_equal(r->facts, whose);
    }
    assert_int_equal(ruleset_reads(&any), 0);
}

static void unknown_facts_hold(void **state)
{
    struct ct_ruleset rules = {.n = 1};
    struct few f;

    (void)state;
    few_open(&f);
    walk(&f.rig, LAN, WAN, UDP);
    FOR_MATCHES(r)
    {
        rules.rules = r->rule;
        if (r->limit)
            continue;
        for (uint32_t bit = 0; bit <= CT_FACT_QUOTE; bit = bit ? bit * 2 : 1) {
            const struct ruleset_unknown unknown = {.facts = bit};

            if ((ruleset_match(&rules, 0, 1, &f.rig.pkt, &unknown) == 0) !=
                ((r->facts & bit) != 0))
                fail_msg("%s, 0x%x unknown", r->name, bit);
        }
    }
    corerig_close(&f.rig);
}

/* ---- flows under new rules ---- */

/* The policy is to drop, and this may have let the first packet in. */
static void a_maybe_lets_in(void **state)
{
    static const enum ct_action_kind ways[] = {CT_ACT_ACCEPT, CT_ACT_QUEUE};

    (void)state;
    for (unsigned i = 0; i < 2; i++)
        FOR_MATCHES(r)
        {
            bool stays = r->facts & CT_FACT_PACKET;
            struct few f;

            few_open(&f);
            walk(&f.rig, LAN, WAN, UDP);
            few_add(&f, r->rule, CT_FORWARD, CT_STAGE_FILTER, ways[i]);
            f.rules.policy[CT_FORWARD] = CT_DROP;
            if (few_review(&f) != stays)
                fail_msg("%s: the flow %s", r->name,
                         stays ? "is gone" : "has stayed");
            corerig_close(&f.rig);
        }
}

static void a_maybe_ends_nothing(void **state)
{
    static const struct {
        enum ct_hook hook;
        enum ct_stage stage;
        enum ct_action_kind action;
    } ends[] = {{CT_FORWARD, CT_STAGE_FILTER, CT_ACT_DROP},
                {CT_FORWARD, CT_STAGE_FILTER, CT_ACT_REJECT},
                {CT_PREROUTING, CT_STAGE_RAW, CT_ACT_NOTRACK},
                {CT_PREROUTING, CT_STAGE_RAW, CT_ACT_ZONE},
                {CT_PREROUTING, CT_STAGE_NAT, CT_ACT_REDIRECT},
                {CT_POSTROUTING, CT_STAGE_NAT, CT_ACT_MASQUERADE}};

    (void)state;
    for (unsigned i = 0; i < sizeof ends / sizeof *ends; i++)
        FOR_MATCHES(r)
        {
            struct ct_rule rule = *r->rule;
            struct few f;

            if (!(r->facts & CT_FACT_PACKET))
                continue;
            few_open(&f);
            walk(&f.rig, LAN, WAN, TCP);
            rule.zone = 3;
            rule.zone_dirs = 1u << CT_DIR_ORIGINAL;
            few_add(&f, &rule, ends[i].hook, ends[i].stage, ends[i].action);
            if (few_review(&f) != 1)
                fail_msg("%s: action %d has ended it", r->name, ends[i].action);
            corerig_close(&f.rig);
        }
}

/* A translation that a maybe gives, and one that it leaves as it is. */
static void a_maybe_translates_or_not(void **state)
{
    (void)state;
    for (unsigned hidden = 0; hidden < 2; hidden++)
        FOR_MATCHES(r)
        {
            struct few f;

            if (!(r->facts & CT_FACT_PACKET))
                continue;
            few_open(&f);
            if (hidden) /* the rig's own rule */
                ct_set_rules(f.rig.ct, &f.rig.rules, f.rig.count);
            walk(&f.rig, LAN, WAN, UDP);
            few_add(&f, r->rule, CT_POSTROUTING, CT_STAGE_NAT, CT_ACT_NO_NAT);
            few_add(&f, r->rule, CT_POSTROUTING, CT_STAGE_NAT,
                    CT_ACT_MASQUERADE);
            assert_int_equal(few_review(&f), 1);
            few_add(&f, &any, CT_POSTROUTING, CT_STAGE_NAT, CT_ACT_NO_NAT);
            assert_int_equal(few_review(&f), 1);
            corerig_close(&f.rig);
        }
}

/* The same of an accept that stands before the translation. */
static void a_maybe_exempts_or_not(void **state)
{
    (void)state;
    for (unsigned hidden = 0; hidden < 2; hidden++)
        FOR_MATCHES(r)
        {
            bool stays = hidden || (r->facts & CT_FACT_PACKET);
            struct few f;

            few_open(&f);
            if (hidden)
                ct_set_rules(f.rig.ct, &f.rig.rules, f.rig.count);
            walk(&f.rig, LAN, WAN, UDP);
            few_add(&f, &any, CT_POSTROUTING, CT_STAGE_NAT, CT_ACT_MASQUERADE);
            f.rule[0].accepts_before = 1;
            few_add(&f, r->rule, CT_POSTROUTING, CT_STAGE_FILTER,
                    CT_ACT_ACCEPT);
            if (few_review(&f) != stays)
                fail_msg("%s: a flow that is %shidden", r->name,
                         hidden ? "" : "not ");
            corerig_close(&f.rig);
        }
}

/* A mark that a maybe gives, or a queue's program, may be what lets it in. */
static void a_mark_may_have_been_given(void **state)
{
    static const struct ct_rule marked = {
        .match.mark = {&example_bits, 1, false}};
    struct few f;

    (void)state;
    FOR_MATCHES(r)
    {
        bool stays = r->facts & CT_FACT_PACKET;

        few_open(&f);
        walk(&f.rig, LAN, WAN, UDP);
        few_add(&f, r->rule, CT_PREROUTING, CT_STAGE_MANGLE, CT_ACT_MARK);
        few_add(&f, &marked, CT_FORWARD, CT_STAGE_FILTER, CT_ACT_ACCEPT);
        f.rules.policy[CT_FORWARD] = CT_DROP;
        assert_int_equal(few_review(&f), stays);
        corerig_close(&f.rig);
    }
    few_open(&f);
    walk(&f.rig, LAN, WAN, UDP);
    few_add(&f, &any, CT_FORWARD, CT_STAGE_FILTER, CT_ACT_QUEUE);
    few_add(&f, &marked, CT_POSTROUTING, CT_STAGE_FILTER, CT_ACT_ACCEPT);
    f.rules.policy[CT_POSTROUTING] = CT_DROP;
    assert_int_equal(few_review(&f), 1);
    corerig_close(&f.rig);
}

/* What a sure rule gives is known, whether a maybe stands before or behind. */
static void a_label_that_is_given_is_known(void **state)
{
    static const struct ct_rule sure = {.labels = {8}},
                                maybe = {.match.syn = true, .labels = {8}},
                                labelled = {.match.labels = {{8}}};
    static const struct {
        const struct ct_rule *first, *then;
        uint64_t left;
    } cases[] = {{&sure, &maybe, 0}, {&maybe, &sure, 0}, {&maybe, &maybe, 1}};

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct few f;

        few_open(&f);
        walk(&f.rig, LAN, WAN, UDP);
        few_add(&f, cases[i].first, CT_PREROUTING, CT_STAGE_MANGLE,
                CT_ACT_LABEL);
        few_add(&f, cases[i].then, CT_PREROUTING, CT_STAGE_MANGLE,
                CT_ACT_LABEL);
        few_add(&f, &labelled, CT_FORWARD, CT_STAGE_FILTER, CT_ACT_DROP);
        assert_int_equal(few_review(&f), cases[i].left);
        corerig_close(&f.rig);
    }
}

/* ---- a packet without an entry ---- */

/* What conntrack would have said of it is unknown, and what the first packet of
 * its flow had of its own. */
#define OPEN (CT_FACT_STATE | CT_FACT_CT | CT_FACT_PACKET)

/* It may be what the rule translates, so it does not leave as it is.  All else
 * is known. */
static void what_may_be_translated_does_not_leave(void **state)
{
    (void)state;
    FOR_MATCHES(r)
    {
        bool leaves = !(r->facts & OPEN);
        struct few f;

        few_open(&f);
        few_add(&f, r->rule, CT_POSTROUTING, CT_STAGE_NAT, CT_ACT_MASQUERADE);
        ct_set_rules(f.rig.ct, &f.rules, f.count);
        if (walk(&f.rig, LAN, WAN, NONE) != (leaves ? CT_ACCEPT : CT_DROP))
            fail_msg("%s: it has %s", r->name, leaves ? "stayed" : "left");
        assert_null(f.rig.pkt.conn);
        assert_int_equal(ct_drops(f.rig.ct, CT_REASON_UNTRANSLATED), !leaves);
        corerig_close(&f.rig);
    }
}

/* An accept that stands before the translation, or a "nat": "none". */
static enum ct_verdict guard(const struct ct_rule *rule, bool accept,
                             const char *packet)
{
    struct few f;
    enum ct_verdict verdict;

    few_open(&f);
    if (!accept)
        few_add(&f, rule, CT_POSTROUTING, CT_STAGE_NAT, CT_ACT_NO_NAT);
    few_add(&f, &any, CT_POSTROUTING, CT_STAGE_NAT, CT_ACT_MASQUERADE);
    f.rule[f.rules.n - 1].accepts_before = accept;
    if (accept)
        few_add(&f, rule, CT_POSTROUTING, CT_STAGE_FILTER, CT_ACT_ACCEPT);
    ct_set_rules(f.rig.ct, &f.rules, f.count);
    verdict = walk(&f.rig, LAN, WAN, packet);
    assert_null(f.rig.pkt.conn);
    assert_int_equal(ct_drops(f.rig.ct, CT_REASON_UNTRANSLATED),
                     verdict == CT_DROP);
    corerig_close(&f.rig);
    return verdict;
}

/* What it may be, but is not, exempts it not. */
static void what_may_be_exempt_does_not_leave(void **state)
{
    (void)state;
    for (int accept = 0; accept < 2; accept++)
        FOR_MATCHES(r)
    assert_int_equal(guard(r->rule, accept, NONE), CT_DROP);
}

static const struct ct_number_range none_0 = {0, 0};
static const struct ct_mark no_bits = {0, 7};

/* One a row: what SYN, a packet without an entry, meets as it is. */
static const struct ct_rule
    met_family = {.match.family = CT_IPV4},
    met_in = {.match.in = {1u << LAN}}, met_out = {.match.out = {1u << WAN}},
    met_proto = {.match.proto = {1, {6}, false}},
    met_info = {.match.info = {1u << CT_NEW, true}},
    met_status = {.match.status = {CT_ASSURED, true}},
    met_mark = {.match.mark = {&no_bits, 1, false}},
    met_zone = {.match.zone = {&none_0, 1, false}},
    met_labels = {.match.labels = {{1}, true}},
    met_icmp_type = {.match.icmp_type = {&none_0, 1, false}},
    met_syn = {.match.syn = true},
    met_sport = {.match.sport = EXAMPLE_PORTS(1)},
    met_dport = {.match.dport = EXAMPLE_PORTS(1)},
    met_src = {.match.src = EXAMPLE_ADDRS(1)},
    met_dst = {.match.dst = EXAMPLE_ADDRS(1)},
    met_limit = {.limit = {.cost_ns = 1, .room_ns = UINT32_MAX}},
    met_dscp = {.match.dscp = EXAMPLE_PORTS(1)},
    met_connlimit = {.connlimit = {.number = 1, .over = true}};

/* What it is for sure exempts it: neither a mark that is not set, nor a label,
 * nor the state of what conntrack does not know, for its flow may have had
 * another. */
static void what_is_exempt_for_sure_leaves(void **state)
{
    static const struct {
        const char *name;
        uint32_t facts;
        const struct ct_rule *rule;
    } all[] = {
#define M(KIND, name, key, facts, words, top, help) {#name, facts, &met_##name},
#define L(name, facts, asked)                       {#name, facts, &met_##name},
        CT_MATCHES(M) CT_LIMITS(L)
#undef L
#undef M
    };

    (void)state;
    for (unsigned i = 0; i < sizeof all / sizeof *all; i++)
        for (int accept = 0; accept < 2; accept++) {
            bool icmp = all[i].rule == &met_icmp_type;
            enum ct_verdict v = guard(all[i].rule, accept, icmp ? ANSWER : SYN);

            if ((v == CT_ACCEPT) != !(all[i].facts & OPEN))
                fail_msg("%s: it has %s", all[i].name,
                         v == CT_ACCEPT ? "left" : "stayed");
        }
}

/* `invalid` is what conntrack says of a packet without an entry.  A rule that
 * names it means such packets; one that only excludes other states does not. */
static void invalid_is_a_word_of_the_operator(void **state)
{
    static const struct {
        uint8_t info, negate;
        uint16_t status;
        enum ct_verdict verdict;
    } cases[] = {
        {1u << CT_INVALID, false, 0, CT_ACCEPT},
        {1u << CT_INVALID | 1u << CT_NEW, false, 0, CT_ACCEPT},
        {1u << CT_NEW | 1u << CT_RELATED, false, 0, CT_DROP},
        {1u << CT_UNTRACKED, false, 0, CT_DROP},
        {1u << CT_ESTABLISHED, true, 0, CT_DROP},
        {1u << CT_INVALID, true, 0, CT_DROP},
        {1u << CT_INVALID, false, CT_ASSURED, CT_DROP},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++)
        for (int accept = 0; accept < 2; accept++) {
            struct ct_rule rule = any;

            rule.match.info =
                (struct ct_bit_set){cases[i].info, cases[i].negate};
            rule.match.status.of = cases[i].status;
            if (guard(&rule, accept, NONE) != cases[i].verdict)
                fail_msg("case %u", i);
        }
}

/* A full table may leave a packet untracked: what a rule says of `invalid` is
 * not about it. */
static void untracked_is_not_invalid(void **state)
{
    static const struct ct_rule invalid = {.match.info = {1u << CT_INVALID}};
    struct few f;

    (void)state;
    few_open(&f);
    few_add(&f, &invalid, CT_POSTROUTING, CT_STAGE_NAT, CT_ACT_NO_NAT);
    few_add(&f, &any, CT_POSTROUTING, CT_STAGE_NAT, CT_ACT_MASQUERADE);
    ct_set_rules(f.rig.ct, &f.rules, f.count);
    assert_int_equal(walk(&f.rig, LAN, WAN, NONE), CT_ACCEPT);
    assert_false(natask_is_hidden(f.rig.ct, &f.rig.pkt));
    f.rig.pkt.info = CT_UNTRACKED;
    assert_true(natask_is_hidden(f.rig.ct, &f.rig.pkt));
    corerig_close(&f.rig);
}

/* NAT takes limits to hold, and no token: a flow beyond one would leave as it
 * is, or be hidden where its neighbours are exempt. */
static void limits_do_not_translate(void **state)
{
    static const struct ct_rule never = {
        .limit = {.cost_ns = 1, .room_ns = UINT32_MAX, .over = true}};

    (void)state;
    for (unsigned accept = 0; accept < 2; accept++) {
        struct few f;

        few_open(&f);
        few_add(&f, accept ? &any : &never, CT_POSTROUTING, CT_STAGE_NAT,
                CT_ACT_MASQUERADE);
        f.rule[0].accepts_before = accept;
        if (accept)
            few_add(&f, &never, CT_POSTROUTING, CT_STAGE_FILTER, CT_ACT_ACCEPT);
        ct_set_rules(f.rig.ct, &f.rules, f.count);
        assert_int_equal(walk(&f.rig, LAN, WAN, UDP), CT_ACCEPT);
        assert_int_equal(f.rig.pkt.data[12], accept ? 10 : 198);
        corerig_close(&f.rig);
    }
}

/* A flow that leaves by another interface than before, where its first packet
 * may have been hidden, ends: this one is no first packet.  What may have been
 * exempt may have been hidden by the rule behind. */
static void a_moved_flow_is_asked_as_its_first_packet(void **state)
{
    static const struct ct_rule opens = {.match.info = {1u << CT_NEW}},
                                syn = {.match.syn = true},
                                unanswered = {.match.status = {CT_SEEN_REPLY,
                                                               true}},
                                other = {.match.info = {1u << CT_RELATED}};
    static const struct {
        const struct ct_rule *rule;
        enum ct_action_kind action;
        enum ct_verdict then;
    } cases[] = {{&opens, CT_ACT_MASQUERADE, CT_DROP},
                 {&syn, CT_ACT_MASQUERADE, CT_DROP},
                 {&unanswered, CT_ACT_MASQUERADE, CT_DROP},
                 {&other, CT_ACT_MASQUERADE, CT_ACCEPT},
                 {&any, CT_ACT_NO_NAT, CT_ACCEPT},
                 {&syn, CT_ACT_NO_NAT, CT_DROP}};

    (void)state;
    for (unsigned i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct few f;

        few_open(&f);
        walk(&f.rig, LAN, LAN, TCP);
        few_add(&f, cases[i].rule, CT_POSTROUTING, CT_STAGE_NAT,
                cases[i].action);
        if (cases[i].action == CT_ACT_NO_NAT)
            few_add(&f, &any, CT_POSTROUTING, CT_STAGE_NAT, CT_ACT_MASQUERADE);
        ct_set_rules(f.rig.ct, &f.rules, f.count);
        walk(&f.rig, LAN, LAN,
             "198.51.100.2:80 > 10.0.1.2:4000 tcp . seq 1 "
             "ack 1");
        assert_int_equal(walk(&f.rig, LAN, WAN, TCP), cases[i].then);
        corerig_close(&f.rig);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_match_has_its_facts),
        cmocka_unit_test(unknown_facts_hold),
        cmocka_unit_test(a_maybe_lets_in),
        cmocka_unit_test(a_maybe_ends_nothing),
        cmocka_unit_test(a_maybe_translates_or_not),
        cmocka_unit_test(a_maybe_exempts_or_not),
        cmocka_unit_test(a_mark_may_have_been_given),
        cmocka_unit_test(a_label_that_is_given_is_known),
        cmocka_unit_test(what_may_be_translated_does_not_leave),
        cmocka_unit_test(what_may_be_exempt_does_not_leave),
        cmocka_unit_test(what_is_exempt_for_sure_leaves),
        cmocka_unit_test(invalid_is_a_word_of_the_operator),
        cmocka_unit_test(untracked_is_not_invalid),
        cmocka_unit_test(limits_do_not_translate),
        cmocka_unit_test(a_moved_flow_is_asked_as_its_first_packet),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
