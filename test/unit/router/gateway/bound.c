/* bound.c - ports of the host's own sockets, and reserved ones */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "gateway/bound.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct bound is;
static struct ct_reserved lost;
static struct talks talks;

static bool in(const struct ct_reserved *set, unsigned port)
{
    return set->word[port >> 6] >> (port & 63) & 1;
}

static bool has(unsigned port)
{
    return in(&is.reserved, port);
}

static void update(struct netlink *diag, uint8_t proto)
{
    bound_update(&is, &(struct bound_question){
                          .diag = diag, .folder = "/proc/net", .proto = proto});
}

static unsigned count(const struct ct_reserved *set)
{
    unsigned n = 0;

    for (unsigned p = 0; p < 65536; p++)
        n += in(set, p);
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

/* As what comes from port 9 of ::1 or 127.0.0.1. */
static struct ct_tuple from_nine(int family, uint8_t proto, unsigned port)
{
    struct ct_tuple t = {.sport = 9,
                         .dport = (uint16_t)port,
                         .family = family == AF_INET ? CT_IPV4 : CT_IPV6,
                         .proto = proto};

    if (family == AF_INET)
        memcpy(t.src.b, (const uint8_t[]){127, 0, 0, 1}, 4);
    else
        t.src.b[15] = 1;
    t.dst = t.src;
    return t;
}

/* Whatever they do.  One with a peer is known by both ends and does not have
 * the port towards others; so is an IPv6 one that speaks IPv4. */
static void all_of_them(struct netlink *diag)
{
    unsigned has_port, speaks[2];
    int fd[] = {bound(AF_INET, SOCK_STREAM, &has_port),
                bound(AF_INET6, SOCK_DGRAM, &speaks[0]),
                socket(AF_INET6, SOCK_DGRAM, 0)};
    struct sockaddr_in6 to = {.sin6_family = AF_INET6,
                              .sin6_port = htons(9),
                              .sin6_addr = in6addr_loopback};
    socklen_t len = sizeof to;
    struct ct_tuple six, four;

    assert_int_equal(connect(fd[1], (void *)&to, sizeof to), 0);
    assert_int_equal(inet_pton(AF_INET6, "::ffff:127.0.0.1", &to.sin6_addr), 1);
    assert_int_equal(connect(fd[2], (void *)&to, sizeof to), 0);
    assert_int_equal(getsockname(fd[2], (struct sockaddr *)&to, &len), 0);
    speaks[1] = ntohs(to.sin6_port);
    update(diag, CT_PROTO_UDP);
    assert_false(has(speaks[0]) || has(speaks[1]));
    memset(&lost, 0, sizeof lost);
    talks_free(&talks);
    bound_add(&lost, &talks, diag, "/proc/net", CT_PROTO_UDP);
    assert_false(in(&lost, speaks[0]) || in(&lost, speaks[1]));
    assert_int_equal(listen(fd[0], 1), 0);
    bound_add(&lost, &talks, diag, "/proc/net", CT_PROTO_TCP);
    assert_true(in(&lost, has_port));
    talks_sort(&talks);
    six = from_nine(AF_INET6, IPPROTO_UDP, speaks[0]);
    four = from_nine(AF_INET, IPPROTO_UDP, speaks[1]);
    assert_true(talks_has(&talks, &six) && talks_has(&talks, &four));
    six.sport = 10;
    four.proto = IPPROTO_TCP;
    assert_false(talks_has(&talks, &six) || talks_has(&talks, &four));
    for (unsigned i = 0; i < 3; i++)
        close(fd[i]);
    talks_free(&talks);
}

static void connections_by_tuple(void **state)
{
    struct ct_tuple t = from_nine(AF_INET, IPPROTO_TCP, 0);

    (void)state;
    assert_false(talks_has(&talks, &t));
    for (unsigned i = 0; i < 1000; i++) {
        t.dport = (uint16_t)(i * 7919 % 1000 * 2);
        assert_true(talks_add(&talks, &t));
    }
    talks_sort(&talks);
    for (unsigned i = 0; i < 2000; i++) {
        t.dport = (uint16_t)i;
        assert_int_equal(talks_has(&talks, &t), i % 2 == 0);
    }
    talks_free(&talks);
    assert_false(talks_has(&talks, &t));
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
    update(diag, CT_PROTO_TCP);
    assert_true(has(listens));
    assert_true(has(six));
    assert_false(has(not_yet));
    update(diag, CT_PROTO_UDP);
    assert_true(has(asks));
    assert_false(has(listens));
    for (unsigned i = 0; i < 4; i++)
        close(fd[i]);
    update(diag, CT_PROTO_TCP);
    assert_false(has(listens));
    update(diag, CT_PROTO_UDP);
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

static void count_port(void *ctx, const struct netlink_socket *s)
{
    (void)s;
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

/* ---- from text, as it is asked for ---- */

static char folder[32];

static int make_folder(void **state)
{
    (void)state;
    memset(&is, 0, sizeof is);
    strcpy(folder, "/tmp/weir-bound.XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    static const char *const names[] = {"tcp", "udp", "udp6"};
    char path[256];

    (void)state;
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", folder, names[i]);
        unlink(path);
    }
    return rmdir(folder);
}

static void update_text(uint8_t proto, const struct config_facts *facts)
{
    bound_update(&is, &(struct bound_question){.folder = folder,
                                               .proto = proto,
                                               .facts = facts,
                                               .workers = 2});
}

static void only_listeners_and_those_without_peer(void **state)
{
    static const struct ct_number_range ranges[] = {{22, 22}, {65530, 65535}};

    (void)state;
    write_table(folder, "tcp",
                "  sl  local_address rem_address   st tx_queue\n"
                "   0: 00000000:1F90 00000000:0000 0A 00000000:00000000\n"
                "   1: 0100007F:1F91 0100007F:8000 01 00000000:00000000\n"
                "   2: nonsense\n"
                "   3: 0100007F:0001\n");
    write_table(folder, "udp",
                "   77: 00000000:0035 00000000:0000 07 00000000:00000000\n"
                "   78: 0100007F:0036 0200007F:0035 01 00000000:00000000\n");
    bound_update(&is, &(struct bound_question){.folder = folder,
                                               .proto = CT_PROTO_TCP,
                                               .ranges = ranges,
                                               .n_ranges = 2});
    assert_true(has(8080));
    assert_true(has(22));
    assert_true(has(65530));
    assert_true(has(65535));
    assert_int_equal(count(&is.reserved), 8);
    update_text(CT_PROTO_UDP, NULL);
    assert_true(has(53));
    assert_int_equal(count(&is.reserved), 1);
    write_table(folder, "udp", "");
    update_text(CT_PROTO_UDP, NULL);
    assert_int_equal(count(&is.reserved), 0);
}

#define ZEROES "00000000"
#define LINE(addr, port, peer)                                                 \
    "  1: " addr ":" port " " peer ":0000 07 00000000:00000000 "               \
    "00:00000000 00000000  1000        0 1\n"
#define UDP(addr, port)  LINE(addr, port, ZEROES)
#define UDP6(addr, port) LINE(addr, port, ZEROES ZEROES ZEROES ZEROES)

/* What comes to W can be for a socket of W's, of lan's address, and of any. */
static void addresses_of_others_do_not_count(void **state)
{
    static struct config_facts facts = {.n = 2};

    (void)state;
    facts.device[0].n_addrs = facts.device[1].n_addrs = 1;
    facts.device[0].addr[0].family = facts.device[1].addr[0].family = CT_IPV4;
    memcpy(facts.device[0].addr[0].addr.b, "\x0a\0\1\1", 4);
    memcpy(facts.device[1].addr[0].addr.b, "\xc6\x33\x64\1", 4);
    write_table(folder, "udp",
                UDP("0100007F", "0001") UDP("00000000", "0002")
                    UDP("016433C6", "0003") UDP("0101000A", "0004")
                        UDP("0101A8C0", "0005"));
    write_table(folder, "udp6",
                UDP6(ZEROES ZEROES ZEROES ZEROES, "0006")
                    UDP6(ZEROES ZEROES "FFFF0000"
                                       "0100007F",
                         "0007") UDP6(ZEROES ZEROES "FFFF0000"
                                                    "016433C6",
                                      "0008")
                        UDP6(ZEROES ZEROES ZEROES "01000000", "0009"));
    update_text(CT_PROTO_UDP, &facts);
    assert_int_equal(is.reserved.word[0], 0x15c);
    assert_int_equal(is.ports, 5);
}

static void write_udp(unsigned from, unsigned to, unsigned step, unsigned uid)
{
    char path[64];
    FILE *f;

    snprintf(path, sizeof path, "%s/udp", folder);
    f = fopen(path, "a");
    assert_non_null(f);
    for (unsigned p = from; p <= to; p += step)
        fprintf(f,
                " 1: 00000000:%04X 00000000:0000 07 00000000:00000000 "
                "00:00000000 00000000 %u 0 1\n",
                p, uid);
    fclose(f);
}

/* Half of each worker's ports, whichever are chosen. */
static void users_get_half(void **state)
{
    unsigned odd = 0;

    (void)state;
    write_udp(60001, 60001, 1, 1000);
    update_text(CT_PROTO_UDP, NULL);
    assert_true(has(60001));
    write_udp(1025, 60000, 2, 1000); /* all of one worker's */
    write_udp(60003, 65535, 2, 1000);
    write_udp(53, 53, 1, 0);
    update_text(CT_PROTO_UDP, NULL);
    for (unsigned p = 1025; p < 65536; p += 2)
        odd += has(p);
    assert_int_equal(odd, BOUND_PORTS / 4);
    assert_true(has(53) && has(60001)); /* root's, and who was there first */
    assert_int_equal(is.ports, BOUND_PORTS / 2 + 1);
    assert_int_equal(is.left_out, BOUND_PORTS / 4);
    assert_true(is.ports >= BOUND_WARN);
}

/* A port that stays bound is taken from flows; one that is left is given back
 * at once, and one that is bound for a moment is not taken. */
static void what_stays_bound_is_taken(void **state)
{
    (void)state;
    write_udp(1194, 1194, 1, 0);
    update_text(CT_PROTO_UDP, NULL);
    assert_true(has(1194));
    assert_false(in(&is.taken, 1194));
    for (int i = 1; i < BOUND_ROUND; i++)
        update_text(CT_PROTO_UDP, NULL);
    assert_int_equal(count(&is.taken), 0);
    write_udp(1195, 1195, 1, 0);
    update_text(CT_PROTO_UDP, NULL);
    assert_true(in(&is.taken, 1194));
    assert_int_equal(count(&is.taken), 1);
    write_table(folder, "udp", "");
    update_text(CT_PROTO_UDP, NULL);
    assert_int_equal(count(&is.taken) + count(&is.reserved), 0);
}

/* Who binds many ends nothing by it. */
static void many_take_nothing(void **state)
{
    (void)state;
    write_udp(2000, 2000 + BOUND_FEW, 1, 1000);
    write_udp(1194, 1194, 1, 0);
    for (int i = 0; i <= BOUND_ROUND; i++)
        update_text(CT_PROTO_UDP, NULL);
    assert_int_equal(count(&is.reserved), BOUND_FEW + 2);
    assert_int_equal(count(&is.taken), 1);
    assert_true(in(&is.taken, 1194));
}

static void what_is_asked_for_is_taken_at_once(void **state)
{
    const uint16_t now[] = {40000};

    (void)state;
    write_table(folder, "udp", "");
    bound_update(&is, &(struct bound_question){.folder = folder,
                                               .proto = CT_PROTO_UDP,
                                               .now = now,
                                               .n_now = 1});
    assert_true(has(40000) && in(&is.taken, 40000));
    update_text(CT_PROTO_UDP, NULL);
    assert_false(has(40000) || in(&is.taken, 40000));
}

#define TEXT(name)                                                             \
    cmocka_unit_test_setup_teardown(name, make_folder, remove_folder)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(connections_by_tuple),
        cmocka_unit_test(the_kernels_own_tables),
        cmocka_unit_test(the_kernel_is_asked),
        cmocka_unit_test(the_connected_are_not_listed),
        TEXT(only_listeners_and_those_without_peer),
        TEXT(addresses_of_others_do_not_count),
        TEXT(users_get_half),
        TEXT(what_stays_bound_is_taken),
        TEXT(many_take_nothing),
        TEXT(what_is_asked_for_is_taken_at_once),
    };

    return cmocka_run_group_tests_name("bound", tests, NULL, NULL);
}
