/* hooks.c - the table of hooks, and functions that users add to it */
#include "helper_talk.h"

#define C "10.0.1.2:4000"
#define S "198.51.100.2:80"

/* The journey of a packet, row by row, in the kernel's order. */
static void the_table_in_order(void **state)
{
    static const char *const want[CT_N_HOOKS] = {
        "-300 raw, -200 conntrack, -200 labels, -150 mangle, -100 nat_dst, 0 "
        "filter",
        "-150 mangle, 0 filter, 100 nat_src, 300 helper, last confirm",
        "-150 mangle, 0 filter",
        "-300 raw, -200 conntrack, -200 labels, -150 mangle, -100 nat_dst, 0 "
        "filter",
        "0 filter, 100 nat_src, 100 ip_id, 150 mangle, 300 helper, last "
        "confirm",
    };
    struct world *w = WORLD("");

    (void)state;
    for (unsigned h = 0; h < CT_N_HOOKS; h++) {
        char text[512] = "";
        const char *name;
        int priority;

        for (unsigned r = 0;
             ct_hook_row(w->rig.ct, (enum ct_hook)h, r, &priority, &name);
             r++) {
            size_t n = strlen(text);

            if (priority == CT_PRI_CONFIRM)
                snprintf(text + n, sizeof text - n, "%slast %s", r ? ", " : "",
                         name);
            else
                snprintf(text + n, sizeof text - n, "%s%d %s", r ? ", " : "",
                         priority, name);
        }
        assert_string_equal(text, want[h]);
    }
    END(w);
}

/* A function that answers as it is told, and counts how often it is asked. */
struct probe {
    enum ct_verdict answer;
    enum ct_reason why;
    unsigned asked, repeats; /* REPEAT so often, then answer */
    struct ct_pkt copy;
};

static enum ct_verdict ask(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    struct probe *p = ctx;

    (void)ct;
    p->asked++;
    p->copy = *pkt;
    if (p->repeats > 0) {
        p->repeats--;
        return CT_REPEAT;
    }
    if (p->answer == CT_DROP)
        pkt->why = (uint8_t)p->why;
    return p->answer;
}

static struct world *with_probe(struct probe *p, enum ct_hook hook,
                                int priority)
{
    struct world *w = WORLD("");

    assert_true(ct_register_hook(w->rig.ct, hook, priority, "probe", ask, p));
    w->quiet = true;
    return w;
}

static void accept_goes_on(void **state)
{
    struct probe p = {.answer = CT_ACCEPT};
    struct world *w = with_probe(&p, CT_FORWARD, 10);

    (void)state;
    say(w, C " > " S " udp");
    assert_int_equal(p.asked, 1);
    assert_int_equal(w->sent, 1);
    assert_int_equal(count_flows(w), 1);
    assert_int_equal(last_sport(w), 4000);
    END(w);
}

static void drop_is_counted_with_its_reason(void **state)
{
    struct probe p = {.answer = CT_DROP, .why = CT_REASON_NONE};
    struct world *w = with_probe(&p, CT_FORWARD, 10);

    (void)state;
    say(w, C " > " S " udp");
    assert_int_equal(w->why, CT_REASON_HOOK);
    p.why = CT_REASON_SPOOFED;
    say(w, C " > " S " udp");
    assert_int_equal(w->why, CT_REASON_SPOOFED);
    assert_int_equal(drops_of(w, CT_REASON_HOOK), 1);
    assert_int_equal(drops_of(w, CT_REASON_SPOOFED), 1);
    assert_int_equal(w->sent, 0);
    assert_int_equal(count_flows(w), 0);
    END(w);
}

/* STOP is ACCEPT without asking the rows behind it. */
static void stop_skips_the_rest_of_the_hook(void **state)
{
    struct probe first = {.answer = CT_STOP}, second = {.answer = CT_DROP};
    struct world *w = with_probe(&first, CT_FORWARD, 10);

    (void)state;
    assert_true(
        ct_register_hook(w->rig.ct, CT_FORWARD, 20, "late", ask, &second));
    say(w, C " > " S " udp");
    assert_int_equal(first.asked, 1);
    assert_int_equal(second.asked, 0);
    assert_int_equal(w->sent, 1);
    END(w);
}

/* ... but a flow is translated and confirmed all the same: a registered hook
 * function must not make packets leave with their inside source. */
static void stop_does_not_skip_nat_and_confirm(void **state)
{
    struct probe first = {.answer = CT_STOP};
    struct world *w = with_probe(&first, CT_POSTROUTING, -10);

    (void)state;
    say(w, C " > " S " udp");
    assert_int_equal(first.asked, 1);
    assert_int_equal(w->sent, 1);
    assert_int_equal(count_flows(w), 1);
    END(w);
}

/* ... and the addresses that its payload names, and the numbers behind them. */
static void stop_does_not_skip_helpers(void **state)
{
    struct probe first = {.answer = CT_STOP};
    struct world *w = WORLD("tune extensions 64; prerouting {\"proto\":\"tcp\","
                            "\"dport\":21,\"helper\":\"ftp\"}");
    struct talk t = {.w = w,
                     .from = C,
                     .to = "198.51.100.2:21",
                     .server = "198.51.100.2:21",
                     .back = "198.51.100.1:4000",
                     .by = "wan",
                     .at = "lan"};

    (void)state;
    w->quiet = true;
    assert_true(
        ct_register_hook(w->rig.ct, CT_POSTROUTING, -10, "probe", ask, &first));
    shake_hands(&t);
    assert_true(tell(&t, 1, "220 hello\r\n"));
    assert_true(tell(&t, 0, "USER anonymous\r\n"));
    assert_true(tell(&t, 1, "230 in\r\n"));
    assert_true(tell(&t, 0, "PORT 10,0,1,2,19,137\r\n"));
    assert_string_equal(payload(w), "PORT 198,51,100,1,19,137\r\n");
    assert_true(tell(&t, 1, "200 fine\r\n"));
    assert_true(tell(&t, 0, "PORT 10,0,1,2,19,138\r\n"));
    assert_string_equal(payload(w), "PORT 198,51,100,1,19,138\r\n");
    assert_int_equal(first.asked, 9);
    END(w);
}

/* Equal priorities: first come, first asked. */
static void equals_in_order_of_registration(void **state)
{
    struct probe first = {.answer = CT_DROP}, second = {.answer = CT_DROP};
    struct world *w = with_probe(&first, CT_FORWARD, 10);

    (void)state;
    assert_true(
        ct_register_hook(w->rig.ct, CT_FORWARD, 10, "twin", ask, &second));
    say(w, C " > " S " udp");
    assert_int_equal(first.asked, 1);
    assert_int_equal(second.asked, 0);
    END(w);
}

static void repeat_asks_again(void **state)
{
    struct probe p = {.answer = CT_ACCEPT, .repeats = 3};
    struct world *w = with_probe(&p, CT_FORWARD, 10);

    (void)state;
    say(w, C " > " S " udp");
    assert_int_equal(p.asked, 4);
    assert_int_equal(w->sent, 1);
    END(w);
}

static void repeat_ends(void **state)
{
    struct probe p = {.answer = CT_ACCEPT, .repeats = 1000000};
    struct world *w = with_probe(&p, CT_FORWARD, 10);

    (void)state;
    say(w, C " > " S " udp");
    assert_int_equal(w->why, CT_REASON_REPEATED);
    assert_int_equal(p.asked, 9); /* once and eight times more */
    assert_int_equal(count_flows(w), 0);
    END(w);
}

/* netfilter: QUEUE without a listener is a drop. */
static void queue_without_a_listener(void **state)
{
    struct probe p = {.answer = CT_QUEUE};
    struct world *w = with_probe(&p, CT_FORWARD, 10);

    (void)state;
    w->deaf = true;
    say(w, C " > " S " udp");
    assert_int_equal(w->why, CT_REASON_NO_QUEUE);
    assert_int_equal(drops_of(w, CT_REASON_NO_QUEUE), 1);
    assert_int_equal(stat_of(w, CT_STAT_held), 0);
    END(w);
}

/* A stolen packet is brought back and goes on behind the row that took it. */
struct thief {
    struct ct_pkt kept;
    uint8_t bytes[CT_HEADROOM + 256 + CT_HEADROOM];
    unsigned later;
};

static enum ct_verdict steal(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    struct thief *t = ctx;

    (void)ct;
    assert_true(pkt->len <= 256);
    t->kept = *pkt;
    t->kept.data = t->bytes + CT_HEADROOM;
    memcpy(t->kept.data, pkt->data, pkt->len);
    return CT_STOLEN;
}

static enum ct_verdict see(void *ctx, struct ct *ct, struct ct_pkt *pkt)
{
    (void)ct;
    (void)pkt;
    (*(unsigned *)ctx)++;
    return CT_ACCEPT;
}

static struct world *with_thief(struct thief *t)
{
    struct world *w = WORLD("");

    memset(t, 0, sizeof *t);
    w->quiet = true;
    assert_true(ct_register_hook(w->rig.ct, CT_FORWARD, 10, "thief", steal, t));
    assert_true(
        ct_register_hook(w->rig.ct, CT_FORWARD, 20, "later", see, &t->later));
    say(w, C " > " S " udp 'x'");
    assert_int_equal(stat_of(w, CT_STAT_held), 1);
    assert_int_equal(w->dropped, 0);
    assert_int_equal(w->sent, 0);
    assert_int_equal(t->later, 0);
    assert_int_equal(count_flows(w), 0);
    t->kept.held = true;
    t->kept.hook = CT_FORWARD;
    return w;
}

static void stolen_and_resumed(void **state)
{
    struct thief t;
    struct world *w = with_thief(&t);

    (void)state;
    assert_int_equal(ct_resume(w->rig.ct, &t.kept, CT_ACCEPT), CT_ACCEPT);
    assert_int_equal(t.later, 1);
    assert_int_equal(stat_of(w, CT_STAT_held), 0);
    assert_int_equal(ct_hook(w->rig.ct, CT_POSTROUTING, &t.kept), CT_ACCEPT);
    ct_done(w->rig.ct, &t.kept);
    assert_int_equal(count_flows(w), 1);  /* confirmed now */
    assert_int_equal(t.kept.data[15], 1); /* and translated */
    assert_int_equal(t.kept.data[12], 198);
    ct_count(w->rig.ct, CT_STAT_forwarded, 1);
    ct_count(w->rig.ct, CT_STAT_pkts_out, 1);
    END(w);
}

static void stolen_and_dropped(void **state)
{
    struct thief t;
    struct world *w = with_thief(&t);

    (void)state;
    assert_int_equal(ct_resume(w->rig.ct, &t.kept, CT_DROP), CT_DROP);
    ct_done(w->rig.ct, &t.kept);
    assert_int_equal(stat_of(w, CT_STAT_held), 0);
    assert_int_equal(drops_of(w, CT_REASON_HOOK), 1);
    assert_int_equal(count_flows(w), 0);
    assert_int_equal(stat_of(w, CT_STAT_entries), 0);
    END(w);
}

/* Sixteen rows a hook, the core's own included; then it says no. */
static void the_table_is_bounded(void **state)
{
    struct probe p = {.answer = CT_ACCEPT};
    struct world *w = WORLD("");
    unsigned taken = 0;

    (void)state;
    w->quiet = true;
    while (taken < 100 && ct_register_hook(w->rig.ct, CT_FORWARD, (int)taken,
                                           "probe", ask, &p))
        taken++;
    assert_int_equal(taken, 14); /* beside mangle and filter */
    say(w, C " > " S " udp");
    assert_int_equal(p.asked, 14);
    assert_int_equal(w->sent, 1);
    END(w);
}

/* Flows are held against rules; a function is for packets, and there is none.
 * It ends what it does not want any more by ct_delete(). */
static void a_review_asks_no_function(void **state)
{
    struct probe p = {.answer = CT_ACCEPT};
    struct world *w = with_probe(&p, CT_FORWARD, 10);

    (void)state;
    say(w, C " > " S " udp");
    assert_int_equal(p.asked, 1);
    p.answer = CT_DROP;
    reload(w, "on_reload revalidate; forward {\"dport\":81,\"proto\":\"udp\","
              "\"verdict\":\"drop\"}");
    assert_int_equal(p.asked, 1);
    assert_int_equal(count_flows(w), 1);
    say(w, C " > " S " udp");
    assert_int_equal(p.asked, 2);
    assert_int_equal(w->why, CT_REASON_HOOK);
    assert_true(ct_delete(w->rig.ct, 0, 0));
    END(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(the_table_in_order),
        STORY(accept_goes_on),
        STORY(drop_is_counted_with_its_reason),
        STORY(stop_skips_the_rest_of_the_hook),
        STORY(stop_does_not_skip_nat_and_confirm),
        STORY(stop_does_not_skip_helpers),
        STORY(equals_in_order_of_registration),
        STORY(repeat_asks_again),
        STORY(repeat_ends),
        STORY(queue_without_a_listener),
        STORY(stolen_and_resumed),
        STORY(stolen_and_dropped),
        STORY(the_table_is_bounded),
        STORY(a_review_asks_no_function),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
