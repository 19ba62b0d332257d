/* limits.c - connections, descriptors, seats and slow readers: after
 * any burst, and during it, others are served */
#include "web_rig.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static void is_served(struct world *w)
{
    struct answer a;

    web_client_ask(web_client_tcp("127.0.0.1", w->port), "GET", "/livez", "",
                   &a);
    assert_int_equal(a.status, 200);
    web_client_free(&a);
}

/* Wait until text stands in /metrics, asked over the Unix socket. */
static void await_metric(struct world *w, const char *text)
{
    struct answer a;
    bool found;

    do {
        web_client_ask(web_client_unix(w->socket), "GET", "/metrics", "", &a);
        assert_int_equal(a.status, 200);
        found = strstr(a.body, text) != NULL;
        web_client_free(&a);
    } while (!found);
}

enum { IDLE = 320 };

static void open_idle(struct world *w, const char *const *from, size_t n,
                      int fd[IDLE])
{
    for (size_t i = 0; i < IDLE; i++) {
        fd[i] = web_client_tcp(from[i % n], w->port);
        assert_true(fd[i] >= 0);
    }
}

static void idle_clients_lock_no_other_out(void **state)
{
    static const char *const many[] = {"127.0.0.2", "127.0.0.3", "127.0.0.4",
                                       "127.0.0.5", "127.0.0.6"};
    static const char *const own[] = {"127.0.0.1"};
    int fd[IDLE];

    open_idle(*state, many, 5, fd);
    is_served(*state);
    for (size_t i = 0; i < IDLE; i++)
        (void)close(fd[i]);
    is_served(*state);

    open_idle(*state, own, 1, fd); /* as behind a published port of Docker */
    is_served(*state);
    for (size_t i = 0; i < IDLE; i++)
        (void)close(fd[i]);
    is_served(*state);
}

/* The few who have more go first. */
static void a_busy_address_gives_up_its_own_places(void **state)
{
    static const char *const busy[] = {"127.0.0.2"};
    struct world *w = *state;
    int other = web_client_tcp("127.0.0.3", w->port), fd[IDLE];
    static const char livez[] = "GET /livez HTTP/1.1\r\n"
                                "Host: localhost\r\n\r\n";
    char text[1024];

    open_idle(w, busy, 1, fd);
    is_served(w);
    assert_int_equal(write(other, livez, sizeof(livez) - 1), sizeof(livez) - 1);
    web_client_read(other, text, sizeof(text), 10000, "alive\"}");
    assert_non_null(strstr(text, "alive"));
    for (size_t i = 0; i < IDLE; i++)
        (void)close(fd[i]);
    (void)close(other);
}

static int connect_to(struct world *w, int fd)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons(w->port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};

    return connect(fd, (struct sockaddr *)&a, sizeof(a));
}

/* Our sockets exist before the limit falls: the other side alone meets it. */
static void running_out_of_descriptors_passes(void **state)
{
    struct rlimit limit, few;
    struct world *w = *state;
    struct answer a;
    int fd[60], last;

    for (size_t i = 0; i < 60; i++)
        fd[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    last = fcntl(fd[59], F_DUPFD_CLOEXEC, 0);
    (void)close(last);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
    few = limit;
    few.rlim_cur = (rlim_t)last + 10; /* three clients with a request, or ten */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &few), 0);
    for (size_t i = 0; i < 59; i++)
        assert_int_equal(connect_to(w, fd[i]), 0);
    assert_int_equal(connect_to(w, fd[59]), 0);
    web_client_ask(fd[59], "GET", "/livez", "", &a);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
    assert_int_equal(a.status, 200);
    web_client_free(&a);
    for (size_t i = 0; i < 59; i++)
        (void)close(fd[i]);
    is_served(w);
}

static int join_by(int fd)
{
    static const char ask_it[] = "GET /api/v1/events HTTP/1.1\r\n"
                                 "Host: localhost\r\n\r\n";
    char text[1024];

    assert_int_equal(write(fd, ask_it, sizeof(ask_it) - 1), sizeof(ask_it) - 1);
    web_client_read(fd, text, sizeof(text), 10000, "retry: 2000");
    assert_non_null(strstr(text, " 200 OK"));
    return fd;
}

static int join(struct world *w)
{
    return join_by(web_client_tcp("127.0.0.1", w->port));
}

/* Listeners that read all they get. */
static void one_address_does_not_keep_all_seats(void **state)
{
    struct world *w = *state;
    int fd[32], other, local;
    char text[1024];

    for (size_t i = 0; i < 32; i++)
        fd[i] = join_by(web_client_tcp("127.0.0.2", w->port));
    other = join(w);
    local = join_by(web_client_unix(w->socket));
    web_client_read(fd[31], text, sizeof(text), 10000, "never comes");
    for (size_t i = 0; i < 31; i++) { /* the others go on */
        assert_int_equal(recv(fd[i], text, 1, MSG_DONTWAIT), -1);
        (void)close(fd[i]);
    }
    (void)close(fd[31]);
    (void)close(other);
    (void)close(local);
}

static void nothing(void *arg)
{
    (void)arg;
}

/* At once, not at the next heartbeat. */
static void a_closed_listener_gives_up_its_seat(void **state)
{
    struct world *w = *state;
    int fd[32];

    for (size_t i = 0; i < 32; i++)
        fd[i] = join(w);
    for (size_t i = 0; i < 32; i++)
        (void)close(fd[i]);
    for (size_t i = 0; i < 4; i++) /* turns of the loop */
        web_world_do(w, nothing, NULL);
    for (size_t i = 0; i < 32; i++)
        fd[i] = join(w);
    for (size_t i = 0; i < 32; i++)
        (void)close(fd[i]);
}

static int start_impatient(void **state)
{
    struct world *w = web_world_with((struct web_config){
        .patience = {.head_ms = 300, .stall_ms = 100, .stall_bytes = 100}});

    *state = w;
    for (uint32_t i = 0; i < WORLD_SLOTS; i++) {
        web_world_flow(w, 0, i, 't');
        web_world_flow(w, 1, i, '6');
    }
    return w->result;
}

static void ask_for_all(int fd)
{
    static const char ask_it[] = "GET /api/v1/flows HTTP/1.1\r\n"
                                 "Host: localhost\r\nConnection: close\r\n"
                                 "Accept: application/x-ndjson\r\n\r\n";
    int small = 4096;

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
    assert_int_equal(write(fd, ask_it, sizeof(ask_it) - 1), sizeof(ask_it) - 1);
}

static void slow_readers_over_tcp_are_ended(void **state)
{
    struct world *w = *state;
    int fd[8];

    for (size_t i = 0; i < 8; i++) {
        fd[i] = web_client_tcp("127.0.0.1", w->port);
        ask_for_all(fd[i]);
    }
    await_metric(w, "weir_http_connections_closed_total{reason=\"slow\"} 8\n");
    for (size_t i = 0; i < 8; i++)
        (void)close(fd[i]);
}

/* `weir conntrack -L | less`: root may look at a page as long as it likes. */
static void a_reader_on_the_unix_socket_may_pause(void **state)
{
    struct world *w = *state;
    int fd = web_client_unix(w->socket),
        slow = web_client_tcp("127.0.0.1", w->port);
    struct answer a;

    ask_for_all(fd);
    ask_for_all(slow);
    await_metric(w, "weir_http_connections_closed_total{reason=\"slow\"} 1\n");
    web_client_raw(fd, "", 0, 20000, &a);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.body + a.n - 64, "}\n"));
    assert_true(a.n > (size_t)2 * WORLD_SLOTS * 200);
    web_client_free(&a);
    (void)close(slow);
}

/* A byte now and then never ends a head, and never stops its clock. */
static void slow_heads_meet_a_deadline(void **state)
{
    struct world *w = *state;
    int idle = web_client_tcp("127.0.0.1", w->port);
    int slow = web_client_tcp("127.0.0.1", w->port);
    int ear = join(w);
    struct pollfd end = {.fd = slow, .events = POLLIN};
    char byte;

    while (poll(&end, 1, 20) == 0)
        (void)send(slow, "G", 1, MSG_NOSIGNAL);
    assert_true(read(slow, &byte, 1) <= 0);
    assert_int_equal(read(idle, &byte, 1), 0);
    is_served(w);
    end.fd = ear; /* lives on */
    assert_int_equal(poll(&end, 1, 0), 0);
    (void)close(slow);
    (void)close(idle);
    (void)close(ear);
}

static int start_patient(void **state)
{
    enum { HOUR_MS = 3600000 };
    struct world *w =
        web_world_with((struct web_config){.patience = {.head_ms = HOUR_MS}});

    *state = w;
    return w->result;
}

/* A connection whose client sends no more ends unless an answer is due. */
static void ends_without_a_request_are_no_wait(void **state)
{
    static const char *const sent[] = {"", "GET /livez HT"};
    struct world *w = *state;

    for (size_t i = 0; i < 4; i++) {
        int fd = i % 2 ? web_client_unix(w->socket)
                       : web_client_tcp("127.0.0.1", w->port);
        struct answer a;

        assert_int_equal(write(fd, sent[i / 2], strlen(sent[i / 2])),
                         strlen(sent[i / 2]));
        assert_return_code(shutdown(fd, SHUT_WR), errno);
        assert_true(web_client_ends(fd, 30000, &a));
        assert_int_equal(a.status, 0);
        web_client_free(&a);
    }
}

/* A connection that libmicrohttpd has closed may still wait for its client to
 * read: the number of its descriptor belongs to another then. */
static void a_number_used_again_is_its_new_owners(void **state)
{
    enum { OLD = 4, PAGES = 8 };
    static const char twice[] = "GET /livez HTTP/1.1\r\nHost: a\r\n\r\n";
    struct world *w = *state;
    int old[OLD], page[PAGES];
    char text[4096];

    for (uint32_t i = 0; i < WORLD_SLOTS; i++)
        web_world_flow(w, 0, i, 't');
    for (int i = 0; i < OLD; i++)
        old[i] = web_client_unix(w->socket);
    for (int i = 0; i < PAGES; i++)
        page[i] = web_client_unix(w->socket);
    for (int i = 0; i < PAGES; i++) {
        int n = snprintf(text, sizeof(text),
                         "GET /api/v1/flows?limit=%d HTTP/1.1\r\nHost: a\r\n"
                         "Connection: close\r\n\r\n",
                         300 + 100 * i);

        assert_int_equal(write(page[i], text, (size_t)n), n);
    }
    for (int i = 0; i < PAGES; i++)
        (void)web_client_read(page[i], text, 16, 20000, NULL);
    for (int i = 0; i < PAGES; i++)
        is_served(w);
    for (int i = 0; i < 2 * OLD; i++) {
        assert_int_equal(
            send(old[i % OLD], twice, sizeof(twice) - 1, MSG_NOSIGNAL),
            sizeof(twice) - 1);
        (void)web_client_read(old[i % OLD], text, sizeof(text), 20000,
                              "\r\n\r\n");
        assert_non_null(strstr(text, "HTTP/1.1 200"));
    }
    for (int i = 0; i < OLD; i++)
        (void)close(old[i]);
    for (int i = 0; i < PAGES; i++)
        (void)close(page[i]);
}

int main(void)
{
#define IMPATIENT(name)                                                        \
    cmocka_unit_test_setup_teardown(name, start_impatient, stop)
    const struct CMUnitTest tests[] = {
        WEB_TEST(idle_clients_lock_no_other_out),
        WEB_TEST(a_busy_address_gives_up_its_own_places),
        WEB_TEST(running_out_of_descriptors_passes),
        WEB_TEST(a_closed_listener_gives_up_its_seat),
        WEB_TEST(one_address_does_not_keep_all_seats),
        IMPATIENT(slow_readers_over_tcp_are_ended),
        IMPATIENT(a_reader_on_the_unix_socket_may_pause),
        IMPATIENT(slow_heads_meet_a_deadline),
        WEB_TEST(a_number_used_again_is_its_new_owners),
        cmocka_unit_test_setup_teardown(ends_without_a_request_are_no_wait,
                                        start_patient, stop),
    };

    web_client_descriptors(4096);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
