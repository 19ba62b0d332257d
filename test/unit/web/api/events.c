/* events.c - server-sent events: ids, gaps, resync, limits */
#include "web_client.h"
#include "web_world.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static int start(void **state)
{
    struct world *w = web_world_new(NULL);

    *state = w;
    web_world_flow(w, 0, 0, 't');
    return w->result;
}

static int stop(void **state)
{
    web_world_free(*state);
    return 0;
}

struct told {
    struct world *w;
    struct ct_event ev;
    unsigned times;
    uint64_t lost;
};

static void tell(void *arg)
{
    struct told *t = arg;
    unsigned i;

    for (i = 0; i < t->times; i++)
        web_event(t->w->web, 0, &t->ev, i == 0 ? t->lost : 0);
}

/* Its flow had so many seconds left then; now it has others. */
static void event_of(struct world *w, uint32_t mask, unsigned times,
                     uint64_t lost, unsigned left)
{
    struct told t = {.w = w, .times = times, .lost = lost};

    t.ev.mask = mask;
    t.ev.view = w->view[0][0];
    t.ev.at.ms = t.ev.view.expires.ms - left * 1000u;
    web_world_do(w, tell, &t);
}

static void event(struct world *w, uint32_t mask, unsigned times, uint64_t lost)
{
    event_of(w, mask, times, lost, 77);
}

static int listen_for(struct world *w, const char *more)
{
    int fd = web_client_tcp("127.0.0.1", w->port);
    char request[256], text[1024] = "";
    int n = snprintf(request, sizeof(request),
                     "GET /api/v1/events?topics=flow HTTP/1.1\r\n"
                     "Host: localhost\r\n%s\r\n",
                     more);

    assert_int_equal(write(fd, request, (size_t)n), n);
    /* byte by byte: what follows the greeting is the test's */
    for (n = 0; n < 1000 && !strstr(text, "retry: 2000\n\n"); n++) {
        assert_int_equal(read(fd, text + n, 1), 1);
        text[n + 1] = '\0';
    }
    assert_non_null(strstr(text, "text/event-stream"));
    return fd;
}

static void events_come_with_growing_ids(void **state)
{
    struct world *w = *state;
    char text[8192], *first, *second;
    int fd = listen_for(w, "");

    assert_int_equal(w->wanted, 1);
    event(w, CT_EVENT_NEW, 1, 0);
    event_of(w, CT_EVENT_DESTROY, 1, 0, 0);
    web_client_read(fd, text, sizeof(text), 3000, "\"type\":\"DESTROY\"");
    first = strstr(text, "id: ");
    assert_non_null(first);
    second = strstr(first + 1, "\nid: ");
    assert_non_null(second);
    assert_true(strtoull(second + 5, NULL, 10) ==
                strtoull(first + 4, NULL, 10) + 1);
    assert_non_null(strstr(first, "\"type\":\"NEW\",\"bits\":[\"NEW\"],"
                                  "\"flow\":{\"id\":\"0-7\""));
    assert_null(strstr(second, "\"timeout\"")); /* it has ended */
    (void)close(fd);
}

/* As the kernel: how long it would still have lived. */
static void ended_before_its_time(void **state)
{
    struct world *w = *state;
    char text[8192];
    int fd = listen_for(w, "");

    event(w, CT_EVENT_DESTROY, 1, 0);
    web_client_read(fd, text, sizeof(text), 3000, "\"type\":\"DESTROY\"");
    assert_non_null(strstr(text, "\"timeout\":77,"));
    (void)close(fd);
}

static void gaps_are_told_exactly(void **state)
{
    struct world *w = *state;
    static char text[1 << 16];
    int fd = listen_for(w, "");

    event(w, CT_EVENT_NEW, 1, 5);
    web_client_read(fd, text, sizeof(text), 3000, "\"type\":\"NEW\"");
    assert_non_null(strstr(text, "event: gap\ndata: {\"lost\":5}\n\n"));
    /* 10,000 at once: the ring keeps 4,096 of them */
    event(w, CT_EVENT_PROTOINFO, 10000, 3);
    web_client_read(fd, text, sizeof(text), 3000, "{\"lost\":5907}");
    assert_non_null(strstr(text, "{\"lost\":5907}"));
    (void)close(fd);
}

static void unknown_ids_are_told_to_resync(void **state)
{
    struct world *w = *state;
    char text[8192], head[64];
    int fd, again;
    uint64_t id;

    fd = listen_for(w, "");
    event(w, CT_EVENT_NEW, 2, 0);
    web_client_read(fd, text, sizeof(text), 3000, "\n\nid: ");
    id = strtoull(strstr(text, "id: ") + 4, NULL, 10);

    (void)snprintf(head, sizeof(head), "Last-Event-ID: %llu\r\n",
                   (unsigned long long)id);
    again = listen_for(w, head); /* goes on behind the first */
    web_client_read(again, text, sizeof(text), 3000, "event: flow");
    assert_null(strstr(text, "resync"));
    assert_int_equal(strtoull(strstr(text, "id: ") + 4, NULL, 10), id + 1);
    (void)close(again);

    again = listen_for(w, "Last-Event-ID: 17\r\n");
    web_client_read(again, text, sizeof(text), 2000, "event: resync");
    assert_non_null(strstr(text, "event: resync"));
    (void)close(again);
    (void)close(fd);
}

static void the_33rd_listener_is_refused(void **state)
{
    struct world *w = *state;
    struct answer a;
    int fd[32];
    unsigned i;

    for (i = 0; i < 32; i++)
        fd[i] = listen_for(w, "");
    web_client_ask(web_client_tcp("127.0.0.1", w->port), "GET",
                   "/api/v1/events", "", &a);
    assert_int_equal(a.status, 503);
    assert_non_null(strstr(a.head, "Retry-After"));
    web_client_free(&a);
    for (i = 0; i < 16; i++)
        (void)close(fd[i]);
    /* the other half is open, asleep, when the router stops */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, start, stop)
    const struct CMUnitTest tests[] = {
        T(events_come_with_growing_ids), T(ended_before_its_time),
        T(gaps_are_told_exactly),        T(unknown_ids_are_told_to_resync),
        T(the_33rd_listener_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
