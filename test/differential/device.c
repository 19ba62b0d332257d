/* device.c - start weir in its namespace, and talk to its devices and its
 * API */
#include "device.h"

#include "packet.h"

#include "bytes.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { LAN, WAN, N_SIDES };

struct device {
    char folder[32], socket[48], weir[4096];
    pid_t pid;
    int fd[N_SIDES];
    unsigned probes;
};

static const char *const names[N_SIDES] = {"weirlan", "weirwan"};

/* The probes (192.0.2.1) are not tracked, as the kernel's sentinel. */
static const char config[] =
    "{\"interfaces\":{"
    "\"lan\":{\"tun\":\"weirlan\",\"side\":\"inside\","
    "\"address\":[\"10.0.1.1/24\",\"fd00:1::1/64\"]},"
    "\"wan\":{\"tun\":\"weirwan\",\"side\":\"outside\","
    "\"address\":[\"198.51.100.1/24\",\"172.16.5.1/24\","
    "\"2001:db8::1/64\",\"2001:db8:5::1/64\"]}},"
    "\"routes\":[{\"to\":\"default\",\"interface\":\"wan\"}],"
    "\"conntrack\":{%s\"max\":4096},"
    "\"rules\":{"
    "\"prerouting\":[%s{\"src\":\"192.0.2.1\",\"verdict\":\"notrack\"}],"
    "\"input\":[{\"ct_state\":[\"invalid\"],\"verdict\":\"drop\"}],"
    "\"postrouting\":[{\"out\":\"wan\",\"masquerade\":true}]},"
    "\"api\":{\"listen\":null,\"socket\":\"%s\"},"
    "\"log\":{\"level\":\"error\"}}";

/* ---- life ---- */

static bool write_config(const struct device *d,
                         const struct device_setup *setup)
{
    char path[64];
    FILE *f;

    snprintf(path, sizeof path, "%s/weir.json", d->folder);
    f = fopen(path, "w");
    if (!f)
        return false;
    fprintf(f, config, setup ? setup->conntrack : "",
            setup ? setup->prerouting : "", d->socket);
    return fclose(f) == 0;
}

static void run(const struct device *d)
{
    char path[64];

    snprintf(path, sizeof path, "%s/weir.json", d->folder);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWNET) < 0 ||
        system("ip link set lo up; sysctl -qw net.ipv6.conf.default."
               "disable_ipv6=1") != 0)
        _exit(1);
    execl(d->weir, d->weir, "run", "-c", path, (char *)NULL);
    _exit(1);
}

FILE *device_ask(const struct device *d, const char *command)
{
    char line[8192];

    snprintf(line, sizeof line, "%s %s --socket %s 2>/dev/null", d->weir,
             command, d->socket);
    return popen(line, "r");
}

bool device_told(FILE *f)
{
    while (f && fgetc(f) != EOF)
        ;
    return f != NULL && pclose(f) == 0;
}

const char *device_weir(const struct device *d)
{
    return d->weir;
}

const char *device_socket(const struct device *d)
{
    return d->socket;
}

static bool ready(const struct device *d)
{
    for (int i = 0; i < 100; i++) {
        if (device_told(device_ask(d, "health")))
            return true;
        if (waitpid(d->pid, NULL, WNOHANG) == d->pid)
            return false;
        usleep(50000);
    }
    return false;
}

static int open_side(const char *name)
{
    struct sockaddr_ll at = {.sll_family = AF_PACKET,
                             .sll_protocol = htons(ETH_P_ALL),
                             .sll_ifindex = (int)if_nametoindex(name)};
    int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int on = 1;

    if (fd >= 0 && at.sll_ifindex != 0 &&
        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof on) ==
            0 &&
        bind(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Sockets stay in the namespace in which they were made. */
static bool open_sides(struct device *d)
{
    char path[64];
    int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC), its;
    bool good;

    snprintf(path, sizeof path, "/proc/%d/ns/net", (int)d->pid);
    its = open(path, O_RDONLY | O_CLOEXEC);
    good = own >= 0 && its >= 0 && setns(its, CLONE_NEWNET) == 0;
    if (good) {
        for (int s = 0; s < N_SIDES; s++)
            good &= (d->fd[s] = open_side(names[s])) >= 0;
        good &= setns(own, CLONE_NEWNET) == 0;
    }
    close(own);
    close(its);
    return good;
}

struct device *device_open(const char *weir, const struct device_setup *setup,
                           char err[256])
{
    struct device *d = calloc(1, sizeof *d);

    if (!d)
        return NULL;
    d->fd[LAN] = d->fd[WAN] = -1;
    snprintf(d->weir, sizeof d->weir, "%s", weir);
    snprintf(d->folder, sizeof d->folder, "/tmp/weir-devices-XXXXXX");
    if (!mkdtemp(d->folder) ||
        chmod(d->folder, 0755) < 0 || /* root's weir becomes another user */
        snprintf(d->socket, sizeof d->socket, "%s/weir.sock", d->folder) < 0 ||
        !write_config(d, setup)) {
        snprintf(err, 256, "no folder in /tmp: %s", strerror(errno));
        free(d);
        return NULL;
    }
    d->pid = fork();
    if (d->pid == 0)
        run(d);
    if (d->pid > 0 && ready(d) && open_sides(d))
        return d;
    snprintf(err, 256, "%s run does not become ready", weir);
    device_close(d);
    return NULL;
}

void device_close(struct device *d)
{
    static const char *const files[] = {"weir.json", "weir.sock"};
    char path[64];

    if (d->pid > 0) {
        kill(d->pid, SIGTERM);
        waitpid(d->pid, NULL, 0);
    }
    for (int s = 0; s < N_SIDES; s++)
        if (d->fd[s] >= 0)
            close(d->fd[s]);
    for (int i = 0; i < 2; i++) {
        snprintf(path, sizeof path, "%s/%s", d->folder, files[i]);
        unlink(path);
    }
    rmdir(d->folder);
    free(d);
}

/* ---- packets ---- */

/* A packet that crosses whatever comes before it: by its number, to the other
 * side's address .250. */
static size_t probe(uint8_t *data, size_t room, bool wan, unsigned n)
{
    char line[128];

    snprintf(line, sizeof line, "192.0.2.1:9 > %s:%u udp nosum",
             wan ? "10.0.1.250" : "198.51.100.250", n);
    return packet_build(data, room, line);
}

static bool is_probe(const uint8_t *data, size_t len, unsigned n)
{
    return len == 28 && data[0] == 0x45 && data[19] == 250 &&
           bytes_get16(data + 22) == n;
}

/* Read a side until it is empty; true: the probe was there. */
static bool drain(struct device *d, int side, unsigned n,
                  void (*left)(void *ctx, bool wan, uint8_t *data, size_t len),
                  void *ctx)
{
    uint8_t data[4096];
    bool met = false;
    ssize_t len;

    while ((len = recv(d->fd[side], data, sizeof data, 0)) > 0)
        if (is_probe(data, (size_t)len, n))
            met = true;
        else
            left(ctx, side == WAN, data, (size_t)len);
    return met;
}

bool device_put(struct device *d, bool wan, const uint8_t *data, size_t len,
                void (*left)(void *ctx, bool wan, uint8_t *data, size_t len),
                void *ctx)
{
    struct pollfd out = {.fd = d->fd[!wan], .events = POLLIN};
    uint8_t behind[64];
    unsigned n = 1 + d->probes++ % 60000;
    size_t behind_len = probe(behind, sizeof behind, wan, n);
    bool met = false;

    if (send(d->fd[wan], data, len, 0) < 0 ||
        send(d->fd[wan], behind, behind_len, 0) < 0)
        return false;
    for (int i = 0; i < 100 && !met; i++) {
        poll(&out, 1, 50);
        met = drain(d, !wan, n, left, ctx);
    }
    drain(d, wan, 0, left, ctx);
    return met;
}

/* ---- the table ---- */

static uint16_t number(const json_t *o, const char *key)
{
    return (uint16_t)json_integer_value(json_object_get(o, key));
}

static void read_tuple(const json_t *o, uint8_t proto, struct ct_tuple *t)
{
    const char *src = json_string_value(json_object_get(o, "src"));
    const char *dst = json_string_value(json_object_get(o, "dst"));
    bool v6 = src && strchr(src, ':') != NULL;

    t->family = v6 ? CT_IPV6 : CT_IPV4;
    t->proto = proto;
    inet_pton(v6 ? AF_INET6 : AF_INET, src ? src : "", t->src.b);
    inet_pton(v6 ? AF_INET6 : AF_INET, dst ? dst : "", t->dst.b);
    t->sport = number(o, "sport");
    t->dport = number(o, "dport");
    if (json_object_get(o, "id")) {
        t->sport = number(o, "id");
        t->dport = (uint16_t)(number(o, "type") << 8 | number(o, "code"));
    }
}

static uint32_t status_bit(const char *name)
{
    static const char *const bits[] = {
        "EXPECTED",     "SEEN_REPLY", "ASSURED",      "CONFIRMED",
        "SRC_NAT",      "DST_NAT",    "SEQ_ADJUST",   "SRC_NAT_DONE",
        "DST_NAT_DONE", "DYING",      "FIXED_TIMEOUT"};

    for (unsigned i = 0; i < sizeof bits / sizeof *bits; i++)
        if (strcmp(name, bits[i]) == 0)
            return 1u << i;
    return 1u << 31; /* an unknown word: the two sides will differ */
}

static void read_flow(const json_t *o, struct device_flow *f)
{
    const char *state = json_string_value(json_object_get(o, "state"));
    const json_t *word;
    uint8_t proto = (uint8_t)number(o, "protonum");
    size_t i;

    memset(f, 0, sizeof *f);
    read_tuple(json_object_get(o, "original"), proto, &f->tuple[0]);
    read_tuple(json_object_get(o, "reply"), proto, &f->tuple[1]);
    f->timeout = (uint32_t)json_integer_value(json_object_get(o, "timeout"));
    f->mark = (uint32_t)json_integer_value(json_object_get(o, "mark"));
    snprintf(f->state, sizeof f->state, "%s", state ? state : "");
    json_array_foreach(json_object_get(o, "status"), i, word) f->status |=
        status_bit(json_string_value(word));
}

bool device_flows(struct device *d,
                  void (*each)(void *ctx, const struct device_flow *flow),
                  void *ctx)
{
    FILE *out = device_ask(d, "conntrack -L -o json");
    struct device_flow f;
    char line[4096];

    while (out && fgets(line, sizeof line, out)) {
        json_t *o = json_loads(line, 0, NULL);

        if (o) {
            read_flow(o, &f);
            each(ctx, &f);
        }
        json_decref(o);
    }
    return device_told(out);
}

bool device_flush(struct device *d)
{
    return device_told(device_ask(d, "conntrack -F"));
}
