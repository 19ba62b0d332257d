/* assert.c - a broken promise ends the program, where it was given
 *
 * A row a promise that a header of the core asks for, broken in a process of
 * its own.  Those that cost a compare are in every build. */
#include "base/assert.h"

#include "core/elsewhere.h"
#include "hook/rulewalk.h"
#include "packet/mangle_field.h"
#include "packet/mangle_payload.h"

#include "corerig.h"
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#define TCP "10.0.1.2:4000 > 198.51.100.2:80 tcp P. seq 1 ack 1 'abc'"
#define UDP "10.0.1.2:4000 > 198.51.100.2:53 udp 'abc'"

/* Where a TCP payload begins that follows no options. */
enum { PAYLOAD = 20 };

static void put_packet(struct corerig *r, const char *spec)
{
    uint8_t *data = r->bytes + CT_HEADROOM;
    size_t n = packet_build(data, sizeof r->bytes - 2 * CT_HEADROOM, spec);

    r->pkt = (struct ct_pkt){.data = data, .len = (uint32_t)n, .in = LAN};
    assert_int_equal(ct_parse(r->ct, &r->pkt), CT_REASON_NONE);
}

static void time_goes_back(struct corerig *r)
{
    ct_begin(r->ct, (ct_time){r->now.ms - 1});
}

static void an_item_comes_twice(struct corerig *r)
{
    uint32_t item = pool_get(&r->ct->conns);

    pool_put(&r->ct->conns, item);
    pool_put(&r->ct->conns, item);
}

static void a_change_ends_behind_its_segment(struct corerig *r)
{
    put_packet(r, TCP);
    (void)mangle_payload(&r->pkt, PAYLOAD + 1, 3, r->bytes, 1);
}

static void a_change_begins_in_the_header(struct corerig *r)
{
    put_packet(r, TCP);
    (void)mangle_payload(&r->pkt, PAYLOAD - 1, 1, r->bytes, 1);
}

static void a_change_is_of_nothing(struct corerig *r)
{
    put_packet(r, TCP);
    (void)ct_resized(r->ct, &r->pkt,
                     &(struct ct_resize){.at = 1, .end = 1, .by = 1});
}

static void shards_know_each_other_twice(struct corerig *r)
{
    struct ct_config c = {.max = 64, .buckets = 64, .n_shards = 2};
    struct corerig two;
    const struct ct *all[2];

    (void)r;
    corerig_open(&two, &c);
    all[0] = all[1] = two.ct;
    ct_set_peers(two.ct, all);
    ct_set_peers(two.ct, all);
}

static void shards_have_other_sizes(struct corerig *r)
{
    struct ct_config c = {.max = 64, .buckets = 64, .n_shards = 2};
    struct corerig two;
    const struct ct *all[2] = {NULL, r->ct};

    corerig_open(&two, &c);
    all[0] = two.ct;
    ct_set_peers(two.ct, all);
}

static void an_mss_is_not_of_tcp(struct corerig *r)
{
    put_packet(r, UDP);
    mangle_field_mss(&r->pkt, 1000);
}

static void a_ttl_is_used_up(struct corerig *r)
{
    put_packet(r, UDP " ttl 0");
    ct_ttl_down(&r->pkt);
}

static void a_write_begins_twice(struct corerig *r)
{
    struct ct_conn *c = core_conn(r->ct, 0);

    conn_write_begin(c);
    conn_write_begin(c);
}

static void a_write_ends_that_never_began(struct corerig *r)
{
    conn_write_end(core_conn(r->ct, 0));
}

static void a_flow_counts_while_it_is_read(struct corerig *r)
{
    put_packet(r, UDP);
    core_account(r->ct, 0, &r->pkt);
}

static void a_flow_is_extended_while_it_is_read(struct corerig *r)
{
    (void)core_extend(r->ct, 0, EXT_LABELS);
}

static void a_hash_is_another_tuples(struct corerig *r)
{
    put_packet(r, UDP);
    r->pkt.hash = tuple_hash(&r->pkt.tuple, r->ct->table.key) + 1;
    (void)elsewhere_place(r->ct, &r->pkt, false);
}

static void no_rules_are_walked(struct corerig *r)
{
    struct rulewalk w = {.end = 1};

    put_packet(r, UDP);
    ct_set_rules(r->ct, NULL, NULL);
    (void)rulewalk_next(r->ct, &r->pkt, &w);
}

static const struct {
    const char *what;
    void (*breaks)(struct corerig *r);
    bool slow; /* in tests alone */
} promises[] = {
#define P(name, slow)                                                          \
    {                                                                          \
#name, name, slow                                                      \
    }
    P(time_goes_back, false),
    P(an_item_comes_twice, false),
    P(a_change_ends_behind_its_segment, false),
    P(a_change_begins_in_the_header, false),
    P(a_change_is_of_nothing, false),
    P(shards_know_each_other_twice, false),
    P(shards_have_other_sizes, false),
    P(an_mss_is_not_of_tcp, true),
    P(a_ttl_is_used_up, true),
    P(a_write_begins_twice, true),
    P(a_write_ends_that_never_began, true),
    P(a_flow_counts_while_it_is_read, true),
    P(a_flow_is_extended_while_it_is_read, true),
    P(a_hash_is_another_tuples, true),
    P(no_rules_are_walked, true),
#undef P
};

/* By the trap, and by nothing else that goes wrong. */
static bool is_ended(void (*breaks)(struct corerig *r), struct corerig *r)
{
    pid_t child = fork();
    int status = 0;

    assert_true(child >= 0);
    if (child == 0) {
        (void)signal(SIGILL, SIG_DFL);
        (void)signal(SIGTRAP, SIG_DFL);
        breaks(r);
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) &&
           (WTERMSIG(status) == SIGILL || WTERMSIG(status) == SIGTRAP);
}

static void each_broken_promise_ends_it(void **state)
{
#ifdef WEIR_ASSERT
    const bool all = true;
#else
    const bool all = false;
#endif
    struct ct_config c = {.max = 128, .buckets = 128, .acct = true};
    struct corerig r;

    (void)state;
    corerig_open(&r, &c);
    for (size_t i = 0; i < sizeof promises / sizeof *promises; i++)
        if ((all || !promises[i].slow) && !is_ended(promises[i].breaks, &r))
            fail_msg("%s, and nothing happens", promises[i].what);
    corerig_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_broken_promise_ends_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
