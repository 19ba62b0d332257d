/* bound.c: ports of the host's own sockets, and reserved ones */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "bound.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct ct_reserved set;

static bool has(unsigned port)
{
    return set.word[port >> 6] >> (port & 63) & 1;
}

static unsigned count(void)
{
    unsigned n = 0;

    for (unsigned p = 0; p < 65536; p++)
        n += has(p);
    return n;
}

/* A socket of this kind bound to any port of 127.0.0.1 or ::1. */
static int bound(int family, int type, unsigned *port)
{
    struct sockaddr_storage ss = {.ss_family = (sa_family_t)family};
    socklen_t len = sizeof ss;
    int fd = socket(family, type, 0);

    if (family == AF_INET)
        ((struct sockaddr_in *)&ss)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    else
        ((struct sockaddr_in6 *)&ss)->sin6_addr = in6addr_loopback;
    assert_int_equal(bind(fd, (struct sockaddr *)&ss, sizeof ss), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&ss, &len), 0);
    *port = ntohs(((struct sockaddr_in *)&ss)->sin_port);
    return fd;
}

/* Whatever they do: one that only has its port, one with a peer. */
static void all_of_them(struct netlink *diag)
{
    unsigned has_port, talks;
    int fd[] = {bound(AF_INET, SOCK_STREAM, &has_port),
                bound(AF_INET6, SOCK_DGRAM, &talks)};
    struct sockaddr_in6 to = {.sin6_family = AF_INET6,
                              .sin6_port = htons(9),
                              .sin6_addr = in6addr_loopback};
    unsigned n;

    assert_int_equal(connect(fd[1], (void *)&to, sizeof to), 0);
    bound_update(&set, diag, "/proc/net", "udp", NULL, 0);
    assert_false(has(talks));
    n = count();
    bound_add(&set, diag, "/proc/net", "udp");
    assert_true(has(talks));
    assert_true(count() > n);
    assert_int_equal(listen(fd[0], 1), 0);
    bound_add(&set, diag, "/proc/net", "tcp");
    assert_true(has(has_port) && has(talks));
    for (unsigned i = 0; i < 2; i++)
        close(fd[i]);
}

static void kernel_says(struct netlink *diag)
{
    unsigned listens, not_yet, six, asks;
    int fd[] = {bound(AF_INET, SOCK_STREAM, &listens),
                bound(AF_INET, SOCK_STREAM, &not_yet),
                bound(AF_INET6, SOCK_STREAM, &six),
                bound(AF_INET, SOCK_DGRAM, &asks)};

    assert_int_equal(listen(fd[0], 1), 0);
    assert_int_equal(listen(fd[2], 1), 0);
    bound_update(&set, diag, "/proc/net", "tcp", NULL, 0);
    assert_true(has(listens));
    assert_true(has(six));
    assert_false(has(not_yet));
    bound_update(&set, diag, "/proc/net", "udp", NULL, 0);
    assert_true(has(asks));
    assert_false(has(listens));
    for (unsigned i = 0; i < 4; i++)
        close(fd[i]);
    bound_update(&set, diag, "/proc/net", "tcp", NULL, 0);
    assert_false(has(listens));
    bound_update(&set, diag, "/proc/net", "udp", NULL, 0);
    assert_false(has(asks));
}

static void the_kernels_own_tables(void **state)
{
    (void)state;
    kernel_says(NULL);
    all_of_them(NULL);
}

static void the_kernel_is_asked(void **state)
{
    struct netlink *diag;

    (void)state;
    assert_int_equal(netlink_sockets_open(&diag), 0);
    kernel_says(diag);
    all_of_them(diag);
    netlink_close(diag);
}

static void count_port(void *ctx, uint16_t port)
{
    (void)port;
    ++*(unsigned *)ctx;
}

/* Connections, of whichever number, cost nothing. */
static void the_connected_are_not_listed(void **state)
{
    unsigned before[2] = {0, 0}, after[2] = {0, 0}, port[2];
    struct netlink *diag;
    int fd[2] = {bound(AF_INET, SOCK_STREAM, &port[0]),
                 bound(AF_INET, SOCK_DGRAM, &port[1])};
    int more[200];

    (void)state;
    assert_int_equal(listen(fd[0], 200), 0);
    assert_int_equal(netlink_sockets_open(&diag), 0);
    for (int tcp = 0; tcp <= 1; tcp++)
        (void)netlink_sockets_each(diag, CT_IPV4, tcp, NETLINK_SOCKETS_OPEN,
                                   count_port, &before[tcp]);
    for (int i = 0; i < 200; i++) {
        struct sockaddr_in to = {.sin_family = AF_INET,
                                 .sin_port = htons((uint16_t)port[i & 1]),
                                 .sin_addr = {htonl(INADDR_LOOPBACK)}};

        more[i] = socket(AF_INET, i & 1 ? SOCK_DGRAM : SOCK_STREAM, 0);
        assert_int_equal(connect(more[i], (void *)&to, sizeof to), 0);
    }
    for (int tcp = 0; tcp <= 1; tcp++) {
        (void)netlink_sockets_each(diag, CT_IPV4, tcp, NETLINK_SOCKETS_OPEN,
                                   count_port, &after[tcp]);
        assert_in_range(after[tcp], 1, before[tcp] + 50); /* others' */
    }
    for (int i = 0; i < 200; i++)
        close(more[i]);
    close(fd[0]);
    close(fd[1]);
    netlink_close(diag);
}

static void write_table(const char *folder, const char *name, const char *text)
{
    char path[256];
    FILE *f;

    snprintf(path, sizeof path, "%s/%s", folder, name);
    f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static void only_listeners_and_those_without_peer(void **state)
{
    char folder[] = "/tmp/weir-bound.XXXXXX", path[256];
    static const struct ct_port_range ranges[] = {{22, 22}, {65530, 65535}};

    (void)state;
    assert_non_null(mkdtemp(folder));
    write_table(folder, "tcp",
                "  sl  local_address rem_address   st tx_queue\n"
                "   0: 00000000:1F90 00000000:0000 0A 00000000:00000000\n"
                "   1: 0100007F:1F91 0100007F:8000 01 00000000:00000000\n"
                "   2: nonsense\n"
                "   3: 0100007F:0001\n");
    write_table(folder, "udp",
                "   77: 00000000:0035 00000000:0000 07 00000000:00000000\n"
                "   78: 0100007F:0036 0200007F:0035 01 00000000:00000000\n");
    bound_update(&set, NULL, folder, "tcp", ranges, 2);
    assert_true(has(8080));
    assert_true(has(22));
    assert_true(has(65530));
    assert_true(has(65535));
    assert_int_equal(count(), 8);
    bound_update(&set, NULL, folder, "udp", NULL, 0);
    assert_true(has(53));
    assert_int_equal(count(), 1);
    snprintf(path, sizeof path, "%s/tcp", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/udp", folder);
    unlink(path);
    rmdir(folder);
    bound_update(&set, NULL, folder, "tcp", NULL, 0);
    assert_int_equal(count(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernels_own_tables),
        cmocka_unit_test(the_kernel_is_asked),
        cmocka_unit_test(the_connected_are_not_listed),
        cmocka_unit_test(only_listeners_and_those_without_peer),
    };

    return cmocka_run_group_tests_name("bound", tests, NULL, NULL);
}
