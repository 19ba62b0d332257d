/* pour.c - packets of very many flows, at a rate, and how long one takes
 *
 *     pour fill DEVICE GROUP FLOWS RATE
 *     pour churn DEVICE FLOWS RATE NEAR FAR SCHEDSTAT...
 *
 * In both everything about a flow follows from its number, so that a reader of
 * the list recognizes a row that is made of two flows.  fill sends one SYN of
 * each flow of a group.  churn sends, of ten packets, seven SYNs of group 1
 * again and three datagrams of new flows, in slices of a millisecond; behind
 * each slice a datagram leaves by the socket NEAR, and until it has come out of
 * the socket FAR the next slice waits.  On SIGTERM it ends and prints, as JSON,
 * what it sent, how many microseconds those datagrams took (half of them, 99 of
 * 100, the longest), and how long a thread ran meanwhile at most: of the files
 * SCHEDSTAT, one a thread, the longest.  The first tells of the neighbours on
 * the same processors, too, the second only of what the thread did before it
 * came to the datagram. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    BATCH = 512,
    ROOM = 80,
    DATAGRAMS = 3,
    PATIENCE_MS = 2000,
    MAX_SLICES = 120000,
    MAX_THREADS = 16
};

static volatile sig_atomic_t stopped;

static void stop(int sig)
{
    (void)sig;
    stopped = 1;
}

struct pour {
    int fd;
    struct sockaddr_ll to;
    struct mmsghdr msg[BATCH];
    struct iovec iov[BATCH];
    uint8_t bytes[BATCH][ROOM];
    unsigned n;
};

static void die(const char *what)
{
    fprintf(stderr, "pour: %s: %s\n", what, strerror(errno));
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void sleep_until(uint64_t ns)
{
    struct timespec t = {.tv_sec = (time_t)(ns / 1000000000u),
                         .tv_nsec = (long)(ns % 1000000000u)};

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
}

/* ---- packets ---- */

static void put16(uint8_t *p, unsigned v)
{
    p[0] = (uint8_t)(v >> 8);
    p[1] = (uint8_t)v;
}

static uint32_t sum(uint32_t from, const uint8_t *p, unsigned n)
{
    for (unsigned i = 0; i < n; i += 2)
        from += (uint32_t)p[i] << 8 | p[i + 1];
    return from;
}

static unsigned closed(uint32_t s)
{
    s = (s & 0xffff) + (s >> 16);
    s = (s & 0xffff) + (s >> 16);
    return ~s & 0xffff;
}

/* Answers its length.  The list of what follows from what: cases_readers.py. */
static unsigned make(uint8_t *p, unsigned group, uint32_t flow)
{
    unsigned host = flow & 255, port = 10000 + (flow >> 8 & 4095);
    unsigned more = port % 10 * 4, len = 40 + more;

    memset(p, 0, ROOM);
    p[0] = 0x45;
    put16(p + 2, len);
    p[8] = 64;
    p[9] = group == DATAGRAMS ? IPPROTO_UDP : IPPROTO_TCP;
    memcpy(p + 12, (uint8_t[]){10, (uint8_t)group, (uint8_t)host, 2}, 4);
    memcpy(p + 16, (uint8_t[]){198, 18, (uint8_t)(port % 251), (uint8_t)host},
           4);
    put16(p + 10, closed(sum(0, p, 20)));
    put16(p + 20, port);
    put16(p + 22, port ^ 0x5555);
    if (group == DATAGRAMS) {
        put16(p + 24, len - 20); /* no checksum: allowed in IPv4 */
        return len;
    }
    put16(p + 24, flow >> 16);
    put16(p + 26, flow & 0xffff);
    p[32] = (uint8_t)((20 + more) / 4 << 4);
    p[33] = 0x02;
    put16(p + 34, 0xffff);
    memset(p + 40, 1, more); /* NOPs */
    put16(p + 36, closed(sum(IPPROTO_TCP + len - 20, p + 12, len - 12)));
    return len;
}

static void send_all(struct pour *o)
{
    for (unsigned at = 0; at < o->n;) {
        int n = sendmmsg(o->fd, o->msg + at, o->n - at, 0);

        if (n > 0)
            at += (unsigned)n;
        else if (errno != ENOBUFS && errno != EAGAIN && errno != EINTR)
            die("send");
    }
    o->n = 0;
}

static void add(struct pour *o, unsigned group, uint32_t flow)
{
    o->iov[o->n].iov_len = make(o->bytes[o->n], group, flow);
    if (++o->n == BATCH)
        send_all(o);
}

static void open_device(struct pour *o, const char *device)
{
    int on = 1;

    o->fd = socket(AF_PACKET, SOCK_DGRAM, 0);
    o->to = (struct sockaddr_ll){.sll_family = AF_PACKET,
                                 .sll_protocol = htons(ETHERTYPE_IP),
                                 .sll_ifindex = (int)if_nametoindex(device)};
    if (o->fd < 0 || o->to.sll_ifindex == 0)
        die(device);
    if (setsockopt(o->fd, SOL_PACKET, PACKET_QDISC_BYPASS, &on, sizeof on) < 0)
        die("PACKET_QDISC_BYPASS");
    for (unsigned i = 0; i < BATCH; i++) {
        o->iov[i].iov_base = o->bytes[i];
        o->msg[i].msg_hdr = (struct msghdr){.msg_name = &o->to,
                                            .msg_namelen = sizeof o->to,
                                            .msg_iov = &o->iov[i],
                                            .msg_iovlen = 1};
    }
}

/* ---- what it is for ---- */

static void fill(struct pour *o, unsigned group, uint32_t flows, uint32_t rate)
{
    uint64_t begin = now_ns();

    for (uint32_t i = 0; i < flows; i++) {
        if (i % 100 == 0) {
            send_all(o);
            sleep_until(begin + (uint64_t)i * 1000000000u / rate);
        }
        add(o, group, i);
    }
    send_all(o);
}

/* Nanoseconds until a word that leaves now has arrived. */
static uint64_t probe(int near, int far, uint32_t word)
{
    uint64_t begin = now_ns();
    struct pollfd p = {.fd = far, .events = POLLIN};
    uint32_t got = ~word;

    if (send(near, &word, sizeof word, 0) < 0)
        die("the probe's socket");
    while (got != word) {
        if (poll(&p, 1, PATIENCE_MS) == 0)
            break;
        if (recv(far, &got, sizeof got, MSG_DONTWAIT) < 0 && errno != EAGAIN &&
            errno != EINTR)
            die("the probe's other socket");
    }
    return now_ns() - begin;
}

/* What the threads have run, in nanoseconds: the first number of each file. */
struct threads {
    int fd[MAX_THREADS];
    unsigned n;
    uint64_t ran[MAX_THREADS];
};

static void open_threads(struct threads *t, char **files, unsigned n)
{
    t->n = n > MAX_THREADS ? MAX_THREADS : n;
    for (unsigned i = 0; i < t->n; i++)
        if ((t->fd[i] = open(files[i], O_RDONLY)) < 0)
            die(files[i]);
}

/* Answers the most that one of them has run since the last call. */
static uint64_t look(struct threads *t)
{
    uint64_t most = 0;

    for (unsigned i = 0; i < t->n; i++) {
        char text[100] = "";
        uint64_t now;

        if (pread(t->fd[i], text, sizeof text - 1, 0) <= 0)
            die("schedstat");
        now = strtoull(text, NULL, 10);
        most = now - t->ran[i] > most ? now - t->ran[i] : most;
        t->ran[i] = now;
    }
    return most;
}

static void slice(struct pour *o, uint32_t flows, uint32_t n, uint64_t *sent)
{
    static uint32_t again, fresh;

    for (; n > 0; n--) {
        if ((*sent)++ % 10 < 7)
            add(o, 1, again++ % flows);
        else
            add(o, DATAGRAMS, fresh++);
    }
    send_all(o);
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return x < y ? -1 : x > y;
}

static void churn(struct pour *o, uint32_t flows, uint32_t rate, int near,
                  int far, struct threads *threads)
{
    static uint32_t took[MAX_SLICES];
    uint64_t begin = now_ns(), sent = 0, ran, longest = 0;
    uint32_t done = 0;

    while (!stopped && done < MAX_SLICES) {
        sleep_until(begin + done * UINT64_C(1000000));
        (void)look(threads);
        slice(o, flows, rate / 1000, &sent);
        took[done] = (uint32_t)(probe(near, far, done) / 1000);
        done++;
        ran = look(threads) / 1000;
        longest = ran > longest ? ran : longest;
    }
    if (done == 0)
        return;
    qsort(took, done, sizeof *took, by_size);
    printf("{\"sent\": %llu, \"seconds\": %.3f, \"probes\": %u, \"half\": %u, "
           "\"most\": %u, \"longest\": %u, \"ran\": %llu}\n",
           (unsigned long long)sent, (double)(now_ns() - begin) / 1e9, done,
           took[done / 2], took[done * 99 / 100], took[done - 1],
           (unsigned long long)longest);
}

static uint32_t number(const char *s)
{
    char *end;
    unsigned long n = strtoul(s, &end, 10);

    if (*s == '\0' || *end != '\0' || n > UINT32_MAX) {
        fprintf(stderr, "pour: %s is no number\n", s);
        exit(2);
    }
    return (uint32_t)n;
}

int main(int argc, char **argv)
{
    static struct pour o;
    static struct threads threads;

    if (argc == 6 && strcmp(argv[1], "fill") == 0) {
        open_device(&o, argv[2]);
        fill(&o, number(argv[3]), number(argv[4]), number(argv[5]));
        return 0;
    }
    if (argc > 7 && strcmp(argv[1], "churn") == 0) {
        open_device(&o, argv[2]);
        open_threads(&threads, argv + 7, (unsigned)argc - 7);
        signal(SIGTERM, stop);
        churn(&o, number(argv[3]), number(argv[4]), (int)number(argv[5]),
              (int)number(argv[6]), &threads);
        return 0;
    }
    fprintf(stderr, "usage: see the head of pour.c\n");
    return 2;
}
