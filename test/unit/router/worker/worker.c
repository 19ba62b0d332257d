/* worker.c - two workers: each flow one owner, whatever queue it comes by
 *
 * The devices are sockets that keep packets apart.  Flows go in at one worker's
 * queue, their answers at the other's. */
#include "control/generation.h"

#include "config_rig.h"
#include "control/removal.h"
#include "packet.h"
#include "system/pktbuf.h"

#include "bytes.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

enum { LAN, WAN, N_WORKERS = 2, N_FLOWS = 400, CHUNK = 40 };

static const uint8_t key[16] = {9, 8, 7};

struct pair {
    struct generation *g;
    struct worker *w[N_WORKERS];
    int dev[N_WORKERS][2]; /* our ends */
    int own[N_WORKERS][2]; /* theirs */
    uv_loop_t loop;
    uv_async_t control;
};

static void make(struct pair *p)
{
    struct config *c = NULL;
    struct told told;
    char err[256];

    if (parse("{" IFACES "\"workers\": 2, \"routes\": [{\"to\": \"default\", "
              "\"interface\": \"wan\"}], \"rules\": {\"postrouting\": "
              "[{\"out\": \"wan\", \"masquerade\": true}]}}",
              &c, &told) != 0)
        fail_msg("%s: %s", told.pointer, told.message);
    p->g = generation_new(c, NULL, key);
    assert_non_null(p->g);
    assert_int_equal(uv_loop_init(&p->loop), 0);
    assert_int_equal(uv_async_init(&p->loop, &p->control, NULL), 0);
    for (unsigned i = 0; i < N_WORKERS; i++) {
        struct worker_config w = {.index = i,
                                  .n_workers = N_WORKERS,
                                  .n_ifaces = 2,
                                  .control = &p->control};

        w.ct = (struct ct_config){
            .max = 1024, .shard = i, .n_shards = N_WORKERS, .seed = i};
        memcpy(w.ct.key, key, sizeof key);
        ct_params_default(&w.ct.params, CT_PROFILE_LINUX);
        for (unsigned k = 0; k < 2; k++) {
            int sv[2];

            assert_int_equal(
                socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0, sv), 0);
            p->dev[i][k] = sv[0];
            p->own[i][k] = w.fd[k] = sv[1];
        }
        p->w[i] = worker_new(&w, err);
        if (p->w[i] == NULL)
            fail_msg("%s", err);
    }
}

static void begin(struct pair *p)
{
    for (unsigned i = 0; i < N_WORKERS; i++)
        worker_link(p->w[i], p->w);
    for (unsigned i = 0; i < N_WORKERS; i++)
        assert_int_equal(worker_start(p->w[i], &p->g->setup[i]), 0);
}

static void start(struct pair *p)
{
    make(p);
    begin(p);
}

static void stop(struct pair *p)
{
    for (unsigned i = 0; i < N_WORKERS; i++)
        worker_stop(p->w[i]);
    for (unsigned i = 0; i < N_WORKERS; i++) {
        worker_free(p->w[i]);
        for (unsigned k = 0; k < 2; k++) {
            close(p->dev[i][k]);
            close(p->own[i][k]);
        }
    }
    uv_close((uv_handle_t *)&p->control, NULL);
    uv_run(&p->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&p->loop), 0);
    generation_free(p->g);
}

static void give(struct pair *p, unsigned worker, unsigned iface,
                 const char *spec)
{
    uint8_t data[PKTBUF_LINK + 512] = {0};
    size_t n = packet_build(data + PKTBUF_LINK, 512, spec);

    assert_true(n > 0);
    assert_int_equal(send(p->dev[worker][iface], data, PKTBUF_LINK + n, 0),
                     PKTBUF_LINK + n);
}

/* The next packet that leaves by iface, and at which worker; 5 s at most. */
static unsigned take(struct pair *p, unsigned iface, uint8_t data[512])
{
    struct pollfd fds[N_WORKERS];
    uint8_t raw[PKTBUF_LINK + 512];

    for (unsigned i = 0; i < N_WORKERS; i++)
        fds[i] = (struct pollfd){.fd = p->dev[i][iface], .events = POLLIN};
    assert_true(poll(fds, N_WORKERS, 5000) > 0);
    for (unsigned i = 0; i < N_WORKERS; i++)
        if (fds[i].revents & POLLIN) {
            ssize_t n = recv(fds[i].fd, raw, sizeof raw, 0);

            assert_true(n > PKTBUF_LINK + 28);
            assert_true(
                packet_sums_ok(raw + PKTBUF_LINK, (uint32_t)n - PKTBUF_LINK));
            memcpy(data, raw + PKTBUF_LINK, (size_t)n - PKTBUF_LINK);
            return i;
        }
    fail_msg("no packet");
    return 0;
}

static unsigned sport_of(const uint8_t *data)
{
    return bytes_get16(data + 20);
}

static unsigned dport_of(const uint8_t *data)
{
    return bytes_get16(data + 22);
}

static uint64_t sum(const struct pair *p, enum ct_stat stat)
{
    uint64_t n = 0;

    for (unsigned i = 0; i < N_WORKERS; i++)
        n += ct_stat(worker_ct(p->w[i]), stat);
    return n;
}

/* All inside hosts use one port towards one remote: outside ports are unique
 * over both workers, and of the owner's slice. */
static void flows_have_one_owner(void **state)
{
    static bool used[65536];
    unsigned owner_of[N_FLOWS], port_of[N_FLOWS], at_two = 0;
    struct pair p;
    uint8_t data[512];
    char spec[128];

    (void)state;
    start(&p);
    for (unsigned i = 0; i < N_FLOWS; i++) {
        snprintf(spec, sizeof spec, "10.0.1.%u:%u > 198.51.100.2:53 udp 'who'",
                 2 + i % 200, 4000 + i / 200);
        give(&p, 0, LAN, spec);
        owner_of[i] = take(&p, WAN, data);
        port_of[i] = sport_of(data);
        assert_memory_equal(data + 12, "\xc6\x33\x64\x01", 4);
        assert_int_equal(port_of[i] % N_WORKERS, owner_of[i]);
        assert_false(used[port_of[i]]);
        used[port_of[i]] = true;
        at_two += owner_of[i];
    }
    assert_in_range(at_two, N_FLOWS / 4, N_FLOWS * 3 / 4);
    assert_int_equal(sum(&p, CT_STAT_handed_over), at_two);
    for (unsigned i = 0; i < N_FLOWS; i += CHUNK) { /* many at once */
        for (unsigned k = i; k < i + CHUNK; k++) {
            snprintf(spec, sizeof spec,
                     "198.51.100.2:53 > 198.51.100.1:%u udp 'me'", port_of[k]);
            give(&p, 1 - owner_of[k], WAN, spec);
        }
        for (unsigned k = i; k < i + CHUNK; k++) {
            unsigned owner = take(&p, LAN, data), flow;

            flow = (dport_of(data) - 4000) * 200 + data[19] - 2u;
            assert_in_range(flow, i, i + CHUNK - 1);
            assert_int_equal(owner, owner_of[flow]);
        }
    }
    assert_int_equal(sum(&p, CT_STAT_handed_over), at_two + N_FLOWS);
    assert_int_equal(sum(&p, CT_STAT_entries), N_FLOWS);
    stop(&p);
}

/* What the core says comes to control byte by byte: a compiler once cleared
 * what it took for padding in an event's addresses. */
static void events_come_whole(void **state)
{
    struct worker_event e;
    struct ct_view v;
    struct pair p;
    uint8_t data[512];
    unsigned owner, tries = 0;

    (void)state;
    start(&p);
    for (unsigned i = 0; i < N_WORKERS; i++)
        worker_subscribe(p.w[i], CT_EVENT_NEW);
    do { /* until the order has come */
        char spec[128];

        snprintf(spec, sizeof spec,
                 "[2001:db8:9:8:7:6:5:%x]:53 > [fd00:1::7:6:5:4]:4000 udp",
                 ++tries);
        give(&p, 0, WAN, spec);
        owner = take(&p, LAN, data);
    } while (!worker_next_event(p.w[owner], &e) && tries < 1000);
    assert_true(tries < 1000);
    assert_true(
        ct_read(worker_ct(p.w[owner]), e.event.view.slot, (ct_time){0}, &v));
    assert_memory_equal(e.event.view.tuple, v.tuple, sizeof v.tuple);
    assert_memory_equal(e.event.view.tuple[0].dst.b,
                        "\xfd\x00\x00\x01\x00\x00\x00\x00\x00\x07\x00\x06"
                        "\x00\x05\x00\x04",
                        16);
    stop(&p);
}

/* Not even with a mailbox that takes no order. */
static void no_subscription_is_lost(void **state)
{
    struct worker_event e;
    struct pair p;
    uint8_t data[512];
    unsigned owner;

    (void)state;
    make(&p);
    for (unsigned i = 0; i < N_WORKERS; i++) {
        while (worker_delete(p.w[i], 0, 1, 1))
            ;
        worker_subscribe(p.w[i], CT_EVENT_NEW);
    }
    begin(&p);
    for (unsigned i = 0; i < N_WORKERS; i++) /* or the test times out */
        while (!worker_delete(p.w[i], 0, 1, 1))
            uv_sleep(1);
    give(&p, 0, LAN, "10.0.1.2:4000 > 198.51.100.2:53 udp 'who'");
    owner = take(&p, WAN, data);
    assert_true(worker_next_event(p.w[owner], &e));
    stop(&p);
}

static struct config *forwarding(void)
{
    struct config *c = NULL;
    struct told told;

    if (parse("{" IFACES "\"workers\": 2, \"routes\": [{\"to\": \"default\", "
              "\"interface\": \"wan\"}], \"rules\": {\"prerouting\": "
              "[{\"in\": \"wan\", \"proto\": \"udp\", \"dport\": "
              "\"1024-65535\", \"dnat\": \"10.0.1.250\"}], \"postrouting\": "
              "[{\"out\": \"wan\", \"masquerade\": true}]}}",
              &c, &told) != 0)
        fail_msg("%s: %s", told.pointer, told.message);
    return c;
}

/* While one worker has taken the new rules and the other may not have, and
 * behind that: each answer comes to the host that asked. */
static void living_flows_win_over_new_rows(void **state)
{
    unsigned port[N_FLOWS];
    struct pair p;
    uint8_t data[512];
    char spec[128];

    (void)state;
    start(&p);
    for (unsigned i = 0; i < CHUNK; i++) {
        snprintf(spec, sizeof spec, "10.0.1.%u:4000 > 198.51.100.2:53 udp 'w'",
                 2 + i);
        give(&p, 0, LAN, spec);
        (void)take(&p, WAN, data);
        port[i] = sport_of(data);
    }
    p.g = generation_new(forwarding(), p.g, key);
    assert_non_null(p.g);
    for (unsigned i = 0; i < N_WORKERS; i++)
        worker_use(p.w[i], &p.g->setup[i]);
    for (unsigned round = 0; round < 4; round++)
        for (unsigned i = 0; i < CHUNK; i++) {
            snprintf(spec, sizeof spec,
                     "198.51.100.2:53 > 198.51.100.1:%u udp 'me'", port[i]);
            give(&p, round % 2, WAN, spec);
            (void)take(&p, LAN, data);
            assert_int_equal(data[19], 2 + i);
        }
    for (unsigned i = 0; i < N_WORKERS; i++) /* or the test times out */
        while (worker_settled(p.w[i]) != p.g->serial)
            uv_sleep(1);
    generation_free(generation_settle(p.g));
    assert_int_equal(sum(&p, CT_STAT_entries), CHUNK);
    stop(&p);
}

static uint64_t await_removal(struct pair *p, struct removal *all,
                              uint32_t ticket)
{
    uint64_t n;

    while (!removal_done(all, ticket, p->w, N_WORKERS, &n))
        uv_sleep(1); /* or the test times out */
    removal_end(all, ticket);
    return n;
}

static void open_flows(struct pair *p, unsigned n, unsigned port)
{
    uint8_t data[512];
    char spec[128];

    for (unsigned i = 0; i < n; i++) {
        snprintf(spec, sizeof spec, "10.0.1.%u:%u > 198.51.100.2:53 udp 'w'",
                 2 + i % 200, port + i / 200);
        give(p, 0, LAN, spec);
        (void)take(p, WAN, data);
    }
}

/* When it is done it is done: what begins then is not taken away, and the
 * number is that of the flows that went. */
static void deletions_end_and_are_counted(void **state)
{
    static struct removal all[WORKER_TICKETS];
    uint32_t t, tickets[WORKER_TICKETS];
    static uint32_t gen[N_WORKERS][2048];
    struct ct_view v;
    struct pair p;

    (void)state;
    memset(all, 0, sizeof all);
    start(&p);
    open_flows(&p, N_FLOWS, 4000);
    t = removal_begin(all, p.w, N_WORKERS);
    assert_true(removal_flush(all, t, p.w, N_WORKERS));
    assert_int_equal(await_removal(&p, all, t), N_FLOWS);
    assert_int_equal(sum(&p, CT_STAT_entries), 0);
    open_flows(&p, N_FLOWS, 5000);
    for (unsigned round = 0; round < 2; round++) { /* all are named twice */
        t = removal_begin(all, p.w, N_WORKERS);
        for (unsigned i = 0; i < N_WORKERS; i++)
            for (uint32_t s = 0; s < ct_slots(worker_ct(p.w[i])); s++) {
                if (round == 0) {
                    gen[i][s] = 0;
                    if (ct_read(worker_ct(p.w[i]), s, (ct_time){0}, &v))
                        gen[i][s] = v.gen;
                }
                while (gen[i][s] != 0 &&
                       !removal_one(all, t, p.w, i, s, gen[i][s]))
                    uv_sleep(1);
            }
        assert_int_equal(await_removal(&p, all, t), round == 0 ? N_FLOWS : 0);
    }
    for (unsigned i = 0; i < WORKER_TICKETS; i++)
        assert_int_not_equal(tickets[i] = removal_begin(all, p.w, N_WORKERS),
                             CT_NONE);
    assert_int_equal(removal_begin(all, p.w, N_WORKERS), CT_NONE);
    removal_end(all, tickets[3]);
    assert_int_equal(removal_begin(all, p.w, N_WORKERS), 3);
    stop(&p);
}

/* A worker that has not begun does nothing of what is ordered, so each state
 * lasts: obeyed is not done, and a ticket of a flush that goes on is not free,
 * though who had it has given up. */
static void a_flush_is_done_when_it_has_looked_at_all(void **state)
{
    static struct removal all[WORKER_TICKETS];
    struct pair p;
    uint64_t n;
    uint32_t t;

    (void)state;
    memset(all, 0, sizeof all);
    make(&p);
    t = removal_begin(all, p.w, N_WORKERS);
    assert_int_equal(t, 0);
    assert_true(removal_flush(all, t, p.w, N_WORKERS));
    assert_false(removal_done(all, t, p.w, N_WORKERS, &n));
    for (unsigned i = 0; i < N_WORKERS; i++)
        all[t].last[i] = 0; /* as if the orders were obeyed */
    assert_false(removal_done(all, t, p.w, N_WORKERS, &n));
    removal_end(all, t);
    assert_int_equal(removal_begin(all, p.w, N_WORKERS), 1);
    begin(&p);
    while (!removal_done(all, t, p.w, N_WORKERS, &n))
        uv_sleep(1); /* or the test times out */
    assert_int_equal(removal_begin(all, p.w, N_WORKERS), t);
    stop(&p);
}

/* One worker has not begun, so it can't have taken a setup: the other, which
 * has, doesn't say that it is settled. */
static void a_setup_is_settled_when_all_have_it(void **state)
{
    struct pair p;

    (void)state;
    make(&p);
    for (unsigned i = 0; i < N_WORKERS; i++)
        worker_link(p.w[i], p.w);
    assert_int_equal(worker_start(p.w[0], &p.g->setup[0]), 0);
    for (unsigned i = 0; i < 3; i++) { /* turns of its loop */
        while (!worker_delete(p.w[0], 0, 1, 1))
            uv_sleep(1);
        while (!worker_obeyed(p.w[0], worker_ordered(p.w[0])))
            uv_sleep(1);
    }
    assert_int_equal(worker_taken(p.w[0]), p.g->serial);
    assert_int_not_equal(worker_settled(p.w[0]), p.g->serial);
    assert_int_equal(worker_start(p.w[1], &p.g->setup[1]), 0);
    for (unsigned i = 0; i < N_WORKERS; i++) /* or the test times out */
        while (worker_settled(p.w[i]) != p.g->serial)
            uv_sleep(1);
    stop(&p);
}

/* An error about a flow finds the flow's owner too. */
static void errors_find_the_owner(void **state)
{
    struct pair p;
    uint8_t data[512];
    char spec[160];

    (void)state;
    start(&p);
    for (unsigned i = 0; i < 40; i++) {
        unsigned owner;

        snprintf(spec, sizeof spec, "10.0.1.%u:4000 > 198.51.100.2:53 udp 'w'",
                 2 + i);
        give(&p, i % 2, LAN, spec);
        owner = take(&p, WAN, data);
        snprintf(spec, sizeof spec,
                 "198.51.100.9 > 198.51.100.1 icmp 3/3 about "
                 "{198.51.100.1:%u > 198.51.100.2:53 udp 'w'}",
                 sport_of(data));
        give(&p, 1 - owner, WAN, spec);
        assert_int_equal(take(&p, LAN, data), owner);
        assert_int_equal(data[19], 2 + i);
        assert_int_equal(data[28 + 15], 2 + i); /* quoted as it was sent */
    }
    stop(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(flows_have_one_owner),
        cmocka_unit_test(events_come_whole),
        cmocka_unit_test(no_subscription_is_lost),
        cmocka_unit_test(errors_find_the_owner),
        cmocka_unit_test(living_flows_win_over_new_rows),
        cmocka_unit_test(deletions_end_and_are_counted),
        cmocka_unit_test(a_flush_is_done_when_it_has_looked_at_all),
        cmocka_unit_test(a_setup_is_settled_when_all_have_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
