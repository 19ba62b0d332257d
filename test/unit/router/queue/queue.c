/* queue.c - user programs that decide: limits, time, who comes and goes */
#include "queue/queue.h"
#include "queue/line.h"
#include "queue/wire.h"

#include "corerig.h"
#include "system/clock.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define UDP "10.0.1.2:4000 > 198.51.100.2:80 udp 'hello'"

/* ---- limits and time ---- */

static struct config_queue two[2] = {
    {.number = 3, .max = 2, .timeout_ms = 400},
    {.number = 9, .max = 1, .timeout_ms = 60000},
};

struct held_rig {
    struct corerig r;
    struct held held;
    unsigned wakes;
};

static void open_held(struct held_rig *h)
{
    struct ct_config c = {.max = 16};

    h->wakes = 0;
    two[0].bypass = two[0].fail_open = false;
    corerig_open(&h->r, &c);
    assert_true(held_setup(&h->held, h->r.ct, two, 2, 1));
    assert_int_equal(h->held.n, 3);
    assert_true(walk(&h->r, LAN, WAN, UDP) == CT_ACCEPT);
}

static void close_held(struct held_rig *h)
{
    held_free(&h->held);
    corerig_close(&h->r);
}

static enum ct_verdict take(struct held_rig *h, uint16_t number)
{
    h->r.pkt.queue = number;
    h->r.pkt.why = CT_REASON_NONE;
    return held_take(&h->held, two, &h->r.pkt, clock_now());
}

static void who_finds_no_place(void **state)
{
    struct held_packet *p, *first;
    enum ct_verdict v;
    struct held_rig h;

    (void)state;
    open_held(&h);
    assert_int_equal(take(&h, 3), CT_DROP); /* no program listens */
    assert_int_equal(h.r.pkt.why, CT_REASON_NO_QUEUE);
    two[0].bypass = true;
    assert_int_equal(take(&h, 3), CT_ACCEPT);
    assert_int_equal(take(&h, 4), CT_DROP); /* no such queue */
    h.held.queue[0].listens = true;
    assert_int_equal(take(&h, 3), CT_QUEUE);
    assert_int_equal(take(&h, 3), CT_QUEUE);
    assert_int_equal(take(&h, 3), CT_DROP); /* full: two may wait */
    assert_int_equal(h.r.pkt.why, CT_REASON_QUEUE_FULL);
    two[0].fail_open = true;
    assert_int_equal(take(&h, 3), CT_ACCEPT);
    h.held.queue[1].listens = true;
    assert_int_equal(take(&h, 9), CT_QUEUE); /* the other has its own place */
    assert_int_equal(take(&h, 9), CT_DROP);

    first = held_next(&h.held);
    assert_non_null(first);
    assert_memory_equal(first->buf.pkt.data, h.r.pkt.data, h.r.pkt.len);
    first->cause = HELD_VERDICT;
    first->verdict = CT_DROP;
    held_answer(&h.held, first);
    p = held_back(&h.held, two, &v);
    assert_ptr_equal(p, first);
    assert_int_equal(v, CT_DROP);
    assert_int_equal(p->buf.pkt.why, CT_REASON_QUEUE_VERDICT);
    assert_int_equal(take(&h, 3), CT_ACCEPT); /* still here: fail open */
    held_release(&h.held, p);
    assert_int_equal(take(&h, 3), CT_QUEUE);
    assert_int_equal(ct_stat(h.r.ct, CT_STAT_queued), 4);
    assert_int_equal(ct_stat(h.r.ct, CT_STAT_queue_full), 4);
    assert_int_equal(ct_stat(h.r.ct, CT_STAT_queue_fail_opened), 2);
    assert_int_equal(ct_stat(h.r.ct, CT_STAT_queue_bypassed), 1);
    assert_int_equal(ct_stat(h.r.ct, CT_STAT_queue_verdicts), 1);
    close_held(&h);
}

/* What each cause makes of it, by the options of now. */
static void why_it_comes_back(void **state)
{
    static const struct {
        enum held_cause cause;
        bool bypass, fail_open;
        enum ct_verdict want;
        enum ct_reason why;
    } rows[] = {
        {HELD_TIMEOUT, true, false, CT_DROP, CT_REASON_QUEUE_TIMEOUT},
        {HELD_TIMEOUT, false, true, CT_ACCEPT, CT_REASON_NONE},
        {HELD_ALONE, false, true, CT_DROP, CT_REASON_NO_QUEUE},
        {HELD_ALONE, true, false, CT_ACCEPT, CT_REASON_NONE},
        {HELD_REFUSED, true, true, CT_DROP, CT_REASON_BAD_VERDICT},
    };
    struct held_rig h;

    (void)state;
    open_held(&h);
    h.held.queue[0].listens = true;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct held_packet *p;
        enum ct_verdict v;

        assert_int_equal(take(&h, 3), CT_QUEUE);
        p = held_next(&h.held);
        p->cause = rows[i].cause;
        two[0].bypass = rows[i].bypass;
        two[0].fail_open = rows[i].fail_open;
        held_answer(&h.held, p);
        assert_ptr_equal(held_back(&h.held, two, &v), p);
        assert_int_equal(v, rows[i].want);
        assert_int_equal(p->buf.pkt.why, rows[i].why);
        held_release(&h.held, p);
    }
    assert_int_equal(h.held.queue[0].holds, 0);
    assert_int_equal(ct_stat(h.r.ct, CT_STAT_queue_timeout), 2);
    assert_int_equal(ct_stat(h.r.ct, CT_STAT_queue_bad_verdict), 1);
    close_held(&h);
}

/* An id is good for one stay, and only for what its program was sent. */
static void ids_are_not_guessed(void **state)
{
    struct queue_lines lines;
    struct queue_ticket *t;
    struct held *all[1];
    struct held_rig h;
    uint64_t id;

    (void)state;
    open_held(&h);
    all[0] = &h.held;
    assert_true(queue_line_setup(&lines, all, 1));
    h.held.queue[0].listens = true;
    assert_int_equal(take(&h, 3), CT_QUEUE);
    assert_true(queue_line_join(&lines, 0));
    assert_false(queue_line_join(&lines, 0));
    t = lines.line[0].head;
    id = queue_line_id(t);
    assert_null(queue_line_find(&lines, id)); /* not sent yet */
    queue_line_sent(&lines.line[0]);
    assert_ptr_equal(queue_line_find(&lines, id), t);
    for (unsigned bit = 0; bit < 64; bit++)
        assert_null(queue_line_find(&lines, id ^ UINT64_C(1) << bit));
    queue_line_answer(&lines, t, HELD_TIMEOUT);
    assert_null(lines.line[0].head);
    assert_null(lines.line[0].tail);
    assert_null(queue_line_find(&lines, id));
    queue_line_free(&lines);
    close_held(&h);
}

/* ---- the socket ---- */

static void wake(void *ctx, unsigned worker)
{
    assert_int_equal(worker, 0);
    ((struct held_rig *)ctx)->wakes++;
}

static const char *iface_name(void *ctx, uint8_t iface)
{
    (void)ctx;
    return iface == LAN ? "lan" : "wan";
}

struct queue_rig {
    struct held_rig rig;
    uv_loop_t loop;
    struct queue *queue;
    struct sockaddr_un at;
};

static void open_queue(struct queue_rig *h)
{
    struct queue_config c = {.loop = &h->loop,
                             .list = two,
                             .n_queues = 2,
                             .n_workers = 1,
                             .held = {&h->rig.held},
                             .slots = 16,
                             .wake = wake,
                             .iface_name = iface_name,
                             .ctx = &h->rig};
    char err[256] = "";

    open_held(&h->rig);
    assert_int_equal(uv_loop_init(&h->loop), 0);
    h->at = (struct sockaddr_un){.sun_family = AF_UNIX};
    snprintf(h->at.sun_path, sizeof h->at.sun_path,
             "/tmp/weir-test-queue-%d.sock", (int)getpid());
    c.path = h->at.sun_path;
    h->queue = queue_start(&c, err);
    if (h->queue == NULL)
        fail_msg("%s", err);
}

static void close_queue(struct queue_rig *h)
{
    struct held_packet *p;
    enum ct_verdict v;

    queue_stop(h->queue);
    uv_run(&h->loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&h->loop), 0);
    assert_int_equal(access(h->at.sun_path, F_OK), -1);
    while ((p = held_back(&h->rig.held, two, &v)) != NULL)
        held_release(&h->rig.held, p);
    assert_int_equal(h->rig.held.n_free, h->rig.held.n);
    close_held(&h->rig);
}

static int enter(struct queue_rig *h)
{
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK, 0);

    assert_true(fd >= 0);
    assert_int_equal(connect(fd, (const struct sockaddr *)&h->at, sizeof h->at),
                     0);
    return fd;
}

/* Turn the loop until something can be read; its length. */
static ssize_t hear(struct queue_rig *h, int fd, uint8_t *data, size_t room)
{
    for (int i = 0; i < 1000; i++) {
        ssize_t n;

        uv_run(&h->loop, UV_RUN_NOWAIT);
        n = recv(fd, data, room, 0);
        if (n >= 0 || errno != EAGAIN)
            return n;
        usleep(1000);
    }
    fail_msg("nothing to be heard");
    return -1;
}

static const uint8_t subscribe_3[16] = {1, 1, 0,   3,   0, 0, 0, 16,
                                        0, 0, 255, 255, 0, 0, 0, 0};

/* What workers see while a program is told that it has subscribed. */
static const _Atomic bool *is_listening;
static bool told_too_early;

/* In place of the C library's. */
ssize_t send(int fd, const void *data, size_t n, int flags)
{
    if (is_listening != NULL && n == QUEUE_WIRE_SUBSCRIBED_LEN)
        told_too_early = !*is_listening;
    return sendto(fd, data, n, flags, NULL, 0);
}

static int subscribed(struct queue_rig *h)
{
    int fd = enter(h);
    uint8_t got[128];

    is_listening = &h->rig.held.queue[0].listens;
    told_too_early = true;
    assert_int_equal(send(fd, subscribe_3, 16, 0), 16);
    assert_int_equal(hear(h, fd, got, sizeof got), QUEUE_WIRE_SUBSCRIBED_LEN);
    assert_int_equal(got[1], QUEUE_WIRE_SUBSCRIBED);
    assert_true(h->rig.held.queue[0].listens);
    assert_false(told_too_early);
    is_listening = NULL;
    return fd;
}

static void a_verdict_and_none(void **state)
{
    uint8_t got[256], verdict[24] = {1, 4, 0, 3, 0, 0, 0, 24};
    struct held_packet *p;
    struct web_queue row;
    struct queue_rig h;
    enum ct_verdict v;
    int fd;

    (void)state;
    open_queue(&h);
    fd = subscribed(&h);
    assert_int_equal(take(&h.rig, 3), CT_QUEUE);
    queue_pump(h.queue);
    assert_int_equal(hear(&h, fd, got, sizeof got),
                     QUEUE_WIRE_PACKET_LEN + h.rig.r.pkt.len);
    assert_memory_equal(got + 88, h.rig.r.pkt.data, h.rig.r.pkt.len);
    assert_string_equal((char *)got + 52, "lan");
    memcpy(verdict + 8, got + 8, 8);
    verdict[20] = CT_ACCEPT;
    assert_int_equal(send(fd, verdict, 24, 0), 24);
    assert_int_equal(send(fd, verdict, 24, 0), 24); /* once too often */
    assert_int_equal(hear(&h, fd, got, sizeof got),
                     QUEUE_WIRE_ERROR_LEN +
                         strlen(queue_wire_text(QUEUE_WIRE_E_NO_PACKET)));
    assert_int_equal(got[17], QUEUE_WIRE_E_NO_PACKET);
    p = held_back(&h.rig.held, two, &v);
    assert_int_equal(v, CT_ACCEPT);
    held_release(&h.rig.held, p);

    assert_int_equal(take(&h.rig, 3), CT_QUEUE); /* never answered */
    queue_pump(h.queue);
    for (int i = 0; i < 1000; i++) {
        uv_run(&h.loop, UV_RUN_NOWAIT);
        if ((p = held_back(&h.rig.held, two, &v)) != NULL)
            break;
        usleep(1000);
    }
    assert_non_null(p);
    assert_int_equal(p->cause, HELD_TIMEOUT);
    held_release(&h.rig.held, p);
    queue_list(h.queue, 0, &row);
    assert_int_equal(row.pid, getpid());
    assert_int_equal(row.queued, 2);
    assert_int_equal(row.verdicts, 1);
    assert_int_equal(row.timeout, 1);
    assert_int_equal(row.late, 1);
    close(fd);
    close_queue(&h);
}

/* Its program is gone: what waits comes back, sent or not. */
static void a_program_leaves(void **state)
{
    struct queue_rig h;
    struct held_packet *p;
    enum ct_verdict v;
    int fd;

    (void)state;
    open_queue(&h);
    fd = subscribed(&h);
    assert_int_equal(take(&h.rig, 3), CT_QUEUE);
    queue_pump(h.queue);
    assert_int_equal(take(&h.rig, 3), CT_QUEUE);
    close(fd);
    for (int i = 0; i < 1000 && h.rig.held.queue[0].listens; i++)
        uv_run(&h.loop, UV_RUN_NOWAIT);
    queue_pump(h.queue);
    for (unsigned i = 0; i < 2; i++) {
        p = held_back(&h.rig.held, two, &v);
        assert_non_null(p);
        assert_int_equal(p->cause, HELD_ALONE);
        held_release(&h.rig.held, p);
    }
    assert_true(h.rig.wakes > 0);
    close_queue(&h);
}

/* A second one, and one too many. */
static void others_may_not(void **state)
{
    uint8_t got[256];
    struct queue_rig h;
    int fd, more[33];

    (void)state;
    open_queue(&h);
    fd = subscribed(&h);
    for (unsigned i = 0; i < 33; i++)
        more[i] = enter(&h);
    assert_int_equal(send(more[0], subscribe_3, 16, 0), 16);
    assert_true(hear(&h, more[0], got, sizeof got) > 0);
    assert_int_equal(got[17], QUEUE_WIRE_E_TAKEN);
    assert_true(hear(&h, more[32], got, sizeof got) > 0);
    assert_int_equal(got[17], QUEUE_WIRE_E_CROWDED);
    assert_int_equal(hear(&h, more[32], got, sizeof got), 0);
    for (unsigned i = 0; i < 33; i++)
        close(more[i]);
    assert_int_equal(take(&h.rig, 3), CT_QUEUE);
    queue_pump(h.queue);
    assert_true(hear(&h, fd, got, sizeof got) > 0); /* as if nothing was */
    close(fd);
    close_queue(&h);
}

/* What hangs up and what does not. */
static void refusals(void **state)
{
    static const struct {
        uint8_t bytes[32], len;
        enum queue_wire_error want;
    } rows[] = {
        {{2, 1, 0, 3, 0, 0, 0, 16}, 16, QUEUE_WIRE_E_VERSION},
        {{1, 1, 0, 3, 0, 0, 0, 17}, 16, QUEUE_WIRE_E_LENGTH},
        {{1}, 1, QUEUE_WIRE_E_LENGTH},
        {{1, 3, 0, 3, 0, 0, 0, 8}, 8, QUEUE_WIRE_E_TYPE},
        {{1, 4, 0, 3, 0, 0, 0, 24, [20] = 2}, 24, QUEUE_WIRE_E_VALUE},
        {{1, 1, 0, 4, 0, 0, 0, 16}, 16, QUEUE_WIRE_E_NO_QUEUE},
        {{1, 4, 0, 3, 0, 0, 0, 24}, 24, QUEUE_WIRE_E_NO_PACKET},
    };
    uint8_t got[256];
    struct queue_rig h;

    (void)state;
    open_queue(&h);
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fd = enter(&h);

        assert_int_equal(send(fd, rows[i].bytes, rows[i].len, 0), rows[i].len);
        assert_true(hear(&h, fd, got, sizeof got) > QUEUE_WIRE_ERROR_LEN);
        assert_int_equal(got[1], QUEUE_WIRE_ERROR);
        assert_int_equal(got[17], rows[i].want);
        if (queue_wire_fatal(rows[i].want)) {
            assert_int_equal(hear(&h, fd, got, sizeof got), 0);
        } else { /* it may go on */
            assert_int_equal(send(fd, subscribe_3, 16, 0), 16);
            assert_int_equal(hear(&h, fd, got, sizeof got),
                             QUEUE_WIRE_SUBSCRIBED_LEN);
        }
        close(fd);
    }
    close_queue(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_finds_no_place),
        cmocka_unit_test(why_it_comes_back),
        cmocka_unit_test(ids_are_not_guessed),
        cmocka_unit_test(a_verdict_and_none),
        cmocka_unit_test(a_program_leaves),
        cmocka_unit_test(others_may_not),
        cmocka_unit_test(refusals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
