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

static void the_kernels_own_tables(void **state)
{
    unsigned listens, not_yet, six, asks;
    int fd[] = {bound(AF_INET, SOCK_STREAM, &listens),
                bound(AF_INET, SOCK_STREAM, &not_yet),
                bound(AF_INET6, SOCK_STREAM, &six),
                bound(AF_INET, SOCK_DGRAM, &asks)};

    (void)state;
    assert_int_equal(listen(fd[0], 1), 0);
    assert_int_equal(listen(fd[2], 1), 0);
    bound_update(&set, "/proc/net", "tcp", NULL, 0);
    assert_true(has(listens));
    assert_true(has(six));
    assert_false(has(not_yet));
    bound_update(&set, "/proc/net", "udp", NULL, 0);
    assert_true(has(asks));
    assert_false(has(listens));
    for (unsigned i = 0; i < 4; i++)
        close(fd[i]);
    bound_update(&set, "/proc/net", "tcp", NULL, 0);
    assert_false(has(listens));
    bound_update(&set, "/proc/net", "udp", NULL, 0);
    assert_false(has(asks));
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
    bound_update(&set, folder, "tcp", ranges, 2);
    assert_true(has(8080));
    assert_true(has(22));
    assert_true(has(65530));
    assert_true(has(65535));
    assert_int_equal(count(), 8);
    bound_update(&set, folder, "udp", NULL, 0);
    assert_true(has(53));
    assert_int_equal(count(), 1);
    snprintf(path, sizeof path, "%s/tcp", folder);
    unlink(path);
    snprintf(path, sizeof path, "%s/udp", folder);
    unlink(path);
    rmdir(folder);
    bound_update(&set, folder, "tcp", NULL, 0);
    assert_int_equal(count(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_kernels_own_tables),
        cmocka_unit_test(only_listeners_and_those_without_peer),
    };

    return cmocka_run_group_tests_name("bound", tests, NULL, NULL);
}
