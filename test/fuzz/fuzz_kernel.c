/* fuzz_kernel.c - see fuzz_kernel.h
 *
 * An answer is the usual one, or the input's.  That is built by orders, so that
 * most of it is well formed: messages with headers, attributes with numbers,
 * addresses and names of the right length, nested ones, but also shorter ones,
 * and lengths that are wrong.  The bytes behind it are out of bounds for the
 * sanitizer. */
#include "fuzz_kernel.h"

#include "fuzz_message.h"
#include "fuzz_usual.h"

#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

enum { SOCKETS = 8, QUESTION = 512, MOST_ASKED = 20000, USUAL = 128 };

void (*fuzz_kernel_sent)(int bus, const void *bytes, size_t len);

struct mnl_socket {
    int fd, bus;
    bool open, watch, asked, said;
    _Alignas(8) uint8_t question[QUESTION]; /* the last message sent */
};

static struct {
    const uint8_t *at;
    size_t n;
    uint32_t n_asked;
} input;
static struct mnl_socket sockets[SOCKETS];

/* ---- the input ---- */

void fuzz_kernel_begin(const uint8_t *data, size_t size)
{
    input.at = data;
    input.n = size;
    input.n_asked = 0;
    for (int i = 0; i < SOCKETS; i++)
        sockets[i].asked = false;
}

uint8_t fuzz_kernel_byte(void)
{
    if (input.n == 0)
        return 0;
    input.n--;
    return *input.at++;
}

bool fuzz_kernel_is_used_up(void)
{
    return input.n == 0;
}

/* ---- the input's answers ---- */

static const char *const texts[] = {
    "eth0",        "eth1",
    "wan0",        "weir-lan",
    "weir-wan",    "lo",
    "tun",         "weir",
    "filter",      "FORWARD",
    "DOCKER-USER", "cmp",
    "meta",        "payload",
    "ct",          "bitwise",
    "immediate",   "lookup",
    "reject",      "match",
    "target",      "conntrack",
    "icmp",        "REJECT",
    "NFQUEUE",     "comment",
    "counter",     "a_name_that_is_longer_than_a_device's",
};

static bool attr_input(struct fuzz_message *b, uint16_t type, size_t n)
{
    uint8_t bytes[256];

    for (size_t i = 0; i < n; i++)
        bytes[i] = fuzz_kernel_byte();
    return fuzz_message_attr(b, type, bytes, n);
}

static bool put_attr(struct fuzz_message *b, uint8_t how)
{
    uint16_t type = fuzz_kernel_byte();
    uint64_t value;
    const char *text;

    switch (how % 10) {
    case 0:
    case 2:
        value = fuzz_kernel_byte();
        return fuzz_message_attr(b, type, &value, how % 10 == 0 ? 1 : 8);
    case 1:
        return fuzz_message_u32(b, type, fuzz_kernel_byte());
    case 3:
        return fuzz_message_be32(b, type, fuzz_kernel_byte());
    case 4:
        return attr_input(b, type, 4);
    case 5:
        return attr_input(b, type, 16);
    case 6:
        text = texts[fuzz_kernel_byte() % (sizeof texts / sizeof *texts)];
        return fuzz_message_attr(b, type, text, strlen(text) + (how < 160));
    case 7:
        return fuzz_message_u32(b, type, 0u - fuzz_kernel_byte());
    case 8: /* weir's tables, groups */
        return fuzz_message_u32(b, type, 0x77656900 + fuzz_kernel_byte());
    default:
        return attr_input(b, type, fuzz_kernel_byte());
    }
}

/* The length that the last attribute or the message says. */
static void lie(struct fuzz_message *b, bool message)
{
    uint16_t len = fuzz_kernel_byte();
    uint32_t wide = len;

    if (message)
        memcpy(b->p + b->message, &wide, sizeof wide);
    else if (b->attr > b->message)
        memcpy(b->p + b->attr, &len, sizeof len);
}

/* What the kernel says unasked, and what it says at the end. */
static uint16_t other_type(uint8_t which)
{
    static const uint16_t types[] = {
        RTM_NEWLINK,    RTM_DELLINK,  RTM_NEWADDR,
        RTM_DELADDR,    RTM_NEWROUTE, RTM_DELROUTE,
        RTM_NEWRULE,    RTM_DELRULE,  RTM_NEWNETCONF,
        RTM_DELQDISC,   NLMSG_ERROR,  NLMSG_DONE,
        RTM_DELTFILTER, RTM_NEWNEIGH, NFNL_SUBSYS_NFTABLES << 8,
    };

    if (which == 15)
        return (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | fuzz_kernel_byte());
    return types[which];
}

static bool put_header(struct fuzz_message *b, const struct mnl_socket *s,
                       uint8_t how)
{
    const struct nlmsghdr *asked = (const void *)s->question;
    uint8_t header[32];
    uint16_t type = s->watch || (how & 0xf0) == 0xf0
                        ? other_type(how & 15)
                        : fuzz_usual_type(asked->nlmsg_type);
    size_t n = fuzz_message_header(type);

    if ((how & 0xf0) == 0xd0)
        n = fuzz_kernel_byte() % n;
    for (size_t i = 0; i < n; i++)
        header[i] = fuzz_kernel_byte();
    return fuzz_message_begin(b, type,
                              (how & 0xf0) == 0xe0 ? NLM_F_DUMP_INTR : 0,
                              asked->nlmsg_seq, s->watch ? how >> 6 : 0) &&
           fuzz_message_put(b, header, n);
}

void fuzz_kernel_attrs(struct fuzz_message *b)
{
    bool fits = true;
    uint8_t order;

    while (fits && (order = fuzz_kernel_byte()) != 0) {
        if (order < 200)
            fits = put_attr(b, order);
        else if (order < 230)
            fits = fuzz_message_nest(b, fuzz_kernel_byte());
        else if (order < 245 && b->n_nests > 0)
            fuzz_message_end_nest(b);
        else if (order < 254)
            lie(b, order == 253);
    }
    fuzz_message_end(b);
}

static void put_message(struct fuzz_message *b, const struct mnl_socket *s)
{
    if (b->len + 64 < FUZZ_ROOM && put_header(b, s, fuzz_kernel_byte()))
        fuzz_kernel_attrs(b);
}

static void put_done(struct fuzz_message *b, const struct mnl_socket *s)
{
    const struct nlmsghdr *asked = (const void *)s->question;
    const int32_t code = 0;

    (void)fuzz_message_begin(b, NLMSG_DONE, 0, asked->nlmsg_seq, 0);
    (void)fuzz_message_put(b, &code, sizeof code);
    fuzz_message_end(b);
}

/* ---- libmnl's sockets ---- */

struct mnl_socket *mnl_socket_open2(int bus, int flags)
{
    for (int i = 0; i < SOCKETS; i++) {
        struct mnl_socket *s = &sockets[i];

        if (s->open)
            continue;
        if (s->fd == 0) /* stays, for who wants to wait for it */
            s->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        s->open = true;
        s->bus = bus;
        s->watch = (flags & SOCK_NONBLOCK) != 0;
        s->asked = false;
        return s;
    }
    abort(); /* they were not closed */
}

int mnl_socket_close(struct mnl_socket *s)
{
    s->open = false;
    return 0;
}

int mnl_socket_bind(struct mnl_socket *s, unsigned groups, pid_t pid)
{
    (void)s;
    (void)groups;
    (void)pid;
    return 0;
}

int mnl_socket_get_fd(const struct mnl_socket *s)
{
    return s->fd;
}

unsigned mnl_socket_get_portid(const struct mnl_socket *s)
{
    return (unsigned)(s - sockets) + 1;
}

int mnl_socket_setsockopt(const struct mnl_socket *s, int type, void *p,
                          socklen_t len)
{
    (void)s;
    (void)type;
    (void)p;
    (void)len;
    return 0;
}

ssize_t mnl_socket_sendto(const struct mnl_socket *socket, const void *p,
                          size_t len)
{
    struct mnl_socket *s = &sockets[socket - sockets];
    const struct nlmsghdr *h = p, *last = p;
    int left = (int)len;

    if (++input.n_asked > MOST_ASKED)
        abort(); /* it would never end */
    for (; mnl_nlmsg_ok(h, left); h = mnl_nlmsg_next(h, &left))
        last = h;
    if (left != 0)
        abort();
    fuzz_kernel_sent(s->bus, p, len);
    memset(s->question, 0, sizeof s->question);
    memcpy(s->question, last,
           last->nlmsg_len < QUESTION ? last->nlmsg_len : QUESTION);
    s->asked = true;
    s->said = false;
    return (ssize_t)len;
}

/* Until the end: the usual answer, or what the input says. */
static void answer(struct mnl_socket *s, struct fuzz_message *b, uint8_t n)
{
    if (s->said) {
        put_done(b, s);
        s->asked = false;
    } else if (n < USUAL) {
        fuzz_usual(b, (const void *)s->question);
        s->said = true;
    } else {
        s->said = (n & 1) == 0;
        for (n = n / 2 % 8; n > 0 && !fuzz_kernel_is_used_up(); n--)
            put_message(b, s);
    }
    if (b->len == 0) {
        put_done(b, s);
        s->asked = false;
    }
}

ssize_t mnl_socket_recvfrom(const struct mnl_socket *socket, void *p,
                            size_t room)
{
    struct mnl_socket *s = &sockets[socket - sockets];
    static _Alignas(8) uint8_t bytes[FUZZ_ROOM];
    struct fuzz_message b = {.p = bytes};
    uint8_t n = s->said ? 0 : fuzz_kernel_byte();

    __asan_unpoison_memory_region(p, room);
    if (s->watch && n < USUAL) {
        errno = n == 16 ? ENOBUFS : n == 32 ? EINTR : EAGAIN;
        return -1;
    }
    if (!s->watch && !s->asked)
        abort(); /* it would wait for ever */
    if (n == 0xff) {
        errno = fuzz_kernel_byte() % 2 ? EINTR : ENOBUFS;
        return -1;
    }
    answer(s, &b, n);
    if (b.len > room)
        b.len = room;
    memcpy(p, bytes, b.len);
    __asan_poison_memory_region((uint8_t *)p + b.len, room - b.len);
    return (ssize_t)b.len;
}

/* ---- what is read of an attribute is in it ---- */

static const void *held(const struct nlattr *a, size_t n)
{
    if (mnl_attr_get_payload_len(a) < n)
        abort();
    return mnl_attr_get_payload(a);
}

uint8_t mnl_attr_get_u8(const struct nlattr *a)
{
    return *(const uint8_t *)held(a, 1);
}

uint16_t mnl_attr_get_u16(const struct nlattr *a)
{
    uint16_t v;

    memcpy(&v, held(a, sizeof v), sizeof v);
    return v;
}

uint32_t mnl_attr_get_u32(const struct nlattr *a)
{
    uint32_t v;

    memcpy(&v, held(a, sizeof v), sizeof v);
    return v;
}

uint64_t mnl_attr_get_u64(const struct nlattr *a)
{
    uint64_t v;

    memcpy(&v, held(a, sizeof v), sizeof v);
    return v;
}

const char *mnl_attr_get_str(const struct nlattr *a)
{
    size_t n = mnl_attr_get_payload_len(a);
    const char *text = held(a, 0);

    if (memchr(text, 0, n) == NULL)
        abort();
    return text;
}

/* ---- /proc/sys is the input's, too (the linker's --wrap) ---- */

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, int mode);

int __wrap_open(const char *path, int flags, int mode)
{
    static int fd = -1;
    char digit = 0;

    if (strncmp(path, "/proc/sys/", 10) != 0)
        return __real_open(path, flags, mode);
    if (fd < 0)
        fd = memfd_create("proc", MFD_CLOEXEC);
    digit = (char)('0' + fuzz_kernel_byte() % 3);
    if (pwrite(fd, &digit, 1, 0) != 1 || lseek(fd, 0, SEEK_SET) != 0)
        abort();
    return fcntl(fd, F_DUPFD_CLOEXEC, 0);
}
