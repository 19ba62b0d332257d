#include "pair.h"

#include "kernel.h"
#include "rig.h"
#include "walk.h"
#include "world_config.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct events {
    char text[16384];
    size_t len;
};

struct pair {
    struct kernel *kernel;
    struct rig rig;
    struct pair_calls calls;
    struct timespec began;
    struct pair_flow flow[PAIR_N_SUBJECTS][PAIR_FLOWS];
    unsigned n_flows[PAIR_N_SUBJECTS];
    struct events events[PAIR_N_SUBJECTS];
    char nft[4096]; /* the ruleset that stands in the kernel */
    char set[256];  /* what was set there beside the defaults */
    bool deaf;      /* events are of no interest */
};

const char pair_masquerade[] =
    " chain out { type nat hook postrouting priority "
    "srcnat;\n"
    "  oifname kwan masquerade\n"
    " }\n"
    " chain leak { type filter hook postrouting "
    "priority 200;\n"
    "  oifname kwan ip saddr 10.0.1.0/24 drop\n"
    "  oifname kwan ip6 saddr fd00:1::/64 drop\n"
    " }\n";

/* The sentinel (192.0.2.1) is not tracked.  INVALID packets for the router
 * itself are dropped by both: the kernel's own sockets would answer some. */
static const char always[] =
    "table inet pair {\n"
    " chain quiet { type filter hook prerouting priority raw;\n"
    "  ip saddr 192.0.2.1 notrack\n"
    " }\n"
    " chain own { type filter hook input priority 0;\n"
    "  ct state invalid drop\n"
    " }\n"
    "%s}\n";

static const char statements_always[] =
    "max 1024; buckets 1024; input {\"ct_state\":[\"invalid\"],"
    "\"verdict\":\"drop\"}; ";

/* ---- text ---- */

void pair_blank_id(uint8_t *d, size_t len)
{
    bool error = len > 28 && d[0] == 0x45 && d[1] == 0xc0 && d[9] == 1;
    uint32_t sum;

    if (len < 20 || d[0] >> 4 != 4)
        return;
    sum = (uint32_t)(~(d[10] << 8 | d[11]) & 0xffff);
    sum += ~(uint32_t)(d[4] << 8 | d[5]) & 0xffff;
    d[4] = d[5] = 0;
    if (error && d[6] & 0x40) {
        sum += ~0x4000u & 0xffff;
        d[6] &= 0xbf;
    }
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    d[10] = (uint8_t)(~sum >> 8);
    d[11] = (uint8_t)~sum;
}

static void tuple_text(char *out, size_t room, const struct ct_tuple *t)
{
    char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
    int af = t->family == CT_IPV4 ? AF_INET : AF_INET6;

    inet_ntop(af, t->src.b, src, sizeof src);
    inet_ntop(af, t->dst.b, dst, sizeof dst);
    if (t->proto == 1 || t->proto == 58)
        snprintf(out, room, "%s > %s %u/%u id %u", src, dst, t->dport >> 8,
                 t->dport & 255, t->sport);
    else
        snprintf(out, room,
                 t->family == CT_IPV4 ? "%s:%u > %s:%u" : "[%s]:%u > [%s]:%u",
                 src, t->sport, dst, t->dport);
}

/* Bits that only one of the two has a use for are left out: offload, helper
 * templates. */
#define COMPARED 0x7ffu

static void flow_text(struct pair *p, enum pair_subject who, char *out,
                      size_t room, const struct ct_tuple tuple[2],
                      uint32_t status, const char *state)
{
    char orig[128], reply[128];

    tuple_text(orig, sizeof orig, &tuple[0]);
    tuple_text(reply, sizeof reply, &tuple[1]);
    snprintf(out, room, "%u %s / %s status %x %s", tuple[0].proto, orig, reply,
             status & COMPARED, state);
    p->calls.name(p->calls.ctx, who, out, room);
}

static const char *kernel_state(const struct kernel_flow *f)
{
    static const char *const states[] = {
        "NONE",       "SYN_SENT", "SYN_RECV",  "ESTABLISHED", "FIN_WAIT",
        "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",       "SYN_SENT2"};

    return f->tuple[0].proto == 6 && f->tcp_state < 10 ? states[f->tcp_state]
                                                       : "";
}

static const char *weir_state(const struct ct_view *v)
{
    return v->tuple[0].proto == 6 ? v->state : "";
}

/* ---- events ---- */

static void tell(struct pair *p, enum pair_subject who, const char *kind,
                 const char *flow)
{
    struct events *e = &p->events[who];
    int n;

    n = snprintf(e->text + e->len, sizeof e->text - e->len, "    %s %s\n", kind,
                 flow);

    if (n > 0 && e->len + (size_t)n < sizeof e->text)
        e->len += (size_t)n;
}

/* A NEW one's state is told; an UPDATE's only where it changed, and then its
 * event says so by itself. */
static void kernel_event(void *ctx, const char *kind,
                         const struct kernel_flow *f)
{
    struct pair *p = ctx;
    char text[320];

    if (p->deaf)
        return;
    flow_text(p, PAIR_KERNEL, text, sizeof text, f->tuple, f->status,
              kernel_state(f));
    tell(p, PAIR_KERNEL, kind, text);
}

static void weir_event(void *ctx, const struct ct_event *ev)
{
    struct pair *p = ctx;
    const unsigned begins = (unsigned)CT_EVENT_NEW | (unsigned)CT_EVENT_RELATED;
    const unsigned says = begins | (unsigned)CT_EVENT_PROTOINFO;
    const char *kind = "UPDATE", *state = "";
    char text[320];

    if (p->deaf)
        return;
    if (ev->mask & (unsigned)CT_EVENT_DESTROY)
        kind = "DESTROY";
    else if (ev->mask & begins)
        kind = "NEW";
    if (ev->mask & says || ev->mask & (unsigned)CT_EVENT_DESTROY)
        state = weir_state(&ev->view);
    flow_text(p, PAIR_WEIR, text, sizeof text, ev->view.tuple, ev->view.status,
              state);
    tell(p, PAIR_WEIR, kind, text);
}

const char *pair_events(struct pair *p, enum pair_subject who)
{
    if (who == PAIR_KERNEL)
        kernel_events(p->kernel, kernel_event, p);
    return p->events[who].text;
}

void pair_forget_events(struct pair *p)
{
    p->deaf = true;
    kernel_events(p->kernel, kernel_event, p);
    p->deaf = false;
    for (int s = 0; s < PAIR_N_SUBJECTS; s++) {
        p->events[s].len = 0;
        p->events[s].text[0] = '\0';
    }
}

/* ---- packets ---- */

static enum ct_reason tx(void *ctx, struct ct_pkt *pkt)
{
    struct pair *p = ctx;
    uint8_t copy[4096];
    uint32_t len = pkt->len < sizeof copy ? pkt->len : sizeof copy;

    memcpy(copy, pkt->data, len);
    p->calls.left(p->calls.ctx, PAIR_WEIR,
                  !p->rig.ifaces.iface[pkt->out].inside, copy, len);
    return CT_REASON_NONE;
}

static void nothing(void *ctx, const struct ct_pkt *pkt)
{
    (void)ctx;
    (void)pkt;
}

static void clock_now(struct pair *p)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    p->rig.now.ms = 1000000 + (uint64_t)(t.tv_sec - p->began.tv_sec) * 1000 +
                    (uint64_t)(t.tv_nsec / 1000000);
}

static void put_kernel(struct pair *p, bool wan, const uint8_t *d, size_t len)
{
    static const enum kernel_side sides[] = {KERNEL_LAN, KERNEL_WAN};
    uint8_t out[4096];
    size_t n;

    kernel_put(p->kernel, wan ? KERNEL_WAN : KERNEL_LAN, d, len);
    for (int s = 0; s < 2; s++)
        while ((n = kernel_get(p->kernel, sides[s], out, sizeof out)) > 0)
            p->calls.left(p->calls.ctx, PAIR_KERNEL, sides[s] == KERNEL_WAN,
                          out, n);
}

static void put_weir(struct pair *p, bool wan, const uint8_t *d, size_t len)
{
    uint8_t room[CT_HEADROOM + 4096 + CT_HEADROOM];
    struct ct_pkt pkt = {
        .data = room + CT_HEADROOM,
        .len = (uint32_t)len,
        .in = config_iface_find(p->rig.config, wan ? "wan" : "lan"),
    };
    struct ct_pkt *pkts[1] = {&pkt};

    memcpy(pkt.data, d, len);
    clock_now(p);
    journey_batch(p->rig.journey, pkts, 1, p->rig.now);
}

void pair_put(struct pair *p, enum pair_subject who, bool wan, const uint8_t *d,
              size_t len, bool fresh)
{
    if (who == PAIR_KERNEL) {
        put_kernel(p, wan, d, len);
        return;
    }
    if (fresh)
        ratelimit_setup(&p->rig.journey->limit, 1);
    put_weir(p, wan, d, len);
}

bool pair_settle(struct pair *p)
{
    return kernel_settle(p->kernel);
}

/* ---- tables ---- */

static void enter(struct pair *p, enum pair_subject who,
                  const struct ct_tuple tuple[2], uint32_t status,
                  const char *state, uint32_t timeout)
{
    struct pair_flow *f = &p->flow[who][p->n_flows[who]];

    if (p->n_flows[who] == PAIR_FLOWS)
        return;
    p->n_flows[who]++;
    flow_text(p, who, f->text, sizeof f->text, tuple, status, state);
    f->timeout = timeout;
    f->status = status;
}

static void kernel_entry(void *ctx, const struct kernel_flow *f)
{
    enter(ctx, PAIR_KERNEL, f->tuple, f->status, kernel_state(f), f->timeout);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct pair_flow *)a)->text,
                  ((const struct pair_flow *)b)->text);
}

static void weir_entries(struct pair *p)
{
    for (uint32_t s = 0; s < ct_slots(p->rig.ct); s++) {
        struct ct_view v;

        if (ct_read(p->rig.ct, s, p->rig.now, &v))
            enter(p, PAIR_WEIR, v.tuple, v.status, weir_state(&v),
                  ct_time_left_s(v.expires, p->rig.now));
    }
}

/* Those that weir has, one by one; all of them, if there are others. */
static bool kernel_entries(struct pair *p)
{
    struct ct_view v;
    uint32_t known = 0;

    for (uint32_t s = 0; s < ct_slots(p->rig.ct); s++)
        if (ct_read(p->rig.ct, s, p->rig.now, &v))
            known += kernel_flow(p->kernel, &v.tuple[0], kernel_entry, p);
    if (kernel_count(p->kernel) == known)
        return true;
    p->n_flows[PAIR_KERNEL] = 0;
    return kernel_flows(p->kernel, kernel_entry, p) >= 0;
}

static void say(char *report, size_t room, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
static void say(char *report, size_t room, const char *fmt, ...)
{
    size_t n = strlen(report);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(report + n, room - n, fmt, ap);
    va_end(ap);
}

static void compare(struct pair *p, char *report, size_t room)
{
    unsigned k = 0, w = 0, n_k = p->n_flows[PAIR_KERNEL],
             n_w = p->n_flows[PAIR_WEIR];

    while (k < n_k || w < n_w) {
        const struct pair_flow *a = &p->flow[PAIR_KERNEL][k];
        const struct pair_flow *b = &p->flow[PAIR_WEIR][w];
        int c = k == n_k ? 1 : w == n_w ? -1 : strcmp(a->text, b->text);

        if (c == 0 &&
            (a->timeout > b->timeout + 1 || b->timeout > a->timeout + 1))
            say(report, room, "  time: kernel %u, weir %u: %s\n", a->timeout,
                b->timeout, a->text);
        if (c < 0)
            say(report, room, "  only the kernel has: %s (%u s)\n", a->text,
                a->timeout);
        if (c > 0)
            say(report, room, "  only weir has:       %s (%u s)\n", b->text,
                b->timeout);
        k += c <= 0;
        w += c >= 0;
    }
}

bool pair_same_tables(struct pair *p, char *report, size_t room)
{
    size_t before = strlen(report);

    p->n_flows[PAIR_KERNEL] = p->n_flows[PAIR_WEIR] = 0;
    clock_now(p);
    if (!kernel_entries(p))
        say(report, room, "the kernel's table can't be read\n");
    weir_entries(p);
    for (int s = 0; s < PAIR_N_SUBJECTS; s++)
        qsort(p->flow[s], p->n_flows[s], sizeof(struct pair_flow), by_text);
    compare(p, report, room);
    return strlen(report) == before;
}

const struct pair_flow *pair_flows(const struct pair *p, enum pair_subject who,
                                   unsigned *n)
{
    *n = p->n_flows[who];
    return p->flow[who];
}

void pair_tick(struct pair *p)
{
    clock_now(p);
    rig_tick(&p->rig);
}

const char *pair_check(struct pair *p)
{
    return rig_check(&p->rig);
}

void pair_clear(struct pair *p)
{
    struct ct_view v;

    p->deaf = true;
    for (uint32_t s = 0; s < ct_slots(p->rig.ct); s++)
        if (ct_read(p->rig.ct, s, p->rig.now, &v))
            kernel_forget(p->kernel, &v.tuple[0]);
    if (kernel_count(p->kernel) != 0)
        kernel_flush(p->kernel);
    ct_flush(p->rig.ct);
    pair_forget_events(p);
}

/* ---- rules and settings ---- */

static const struct {
    const char *name;
    int kernel; /* its default, which profile linux has, too */
} params[] = {
#define P(name, linux_, weir, rfc, min, max, unit, help) {#name, linux_},
    CT_PARAMS(P)
#undef P
};
enum { N_PARAMS = sizeof params / sizeof *params };

/* Which row of params.def the "NAME N" at text is; N_PARAMS: none. */
static unsigned setting(const char *text, char name[64], int *value)
{
    unsigned i = N_PARAMS;

    if (sscanf(text, " %63s %d", name, value) == 2)
        for (i = 0; i < N_PARAMS && strcmp(params[i].name, name) != 0; i++)
            ;
    return i;
}

/* "udp_stream" is udp_timeout_stream there. */
static bool kernel_set(struct pair *p, unsigned param, int value)
{
    const char *name = params[param].name, *rest = strchr(name, '_');
    char path[128];

    if (strcmp(name, "tcp_max_retrans_nr") == 0)
        name = "tcp_max_retrans";
    if (param >= CT_N_TIMEOUTS)
        snprintf(path, sizeof path, "netfilter/nf_conntrack_%s", name);
    else
        snprintf(path, sizeof path, "netfilter/nf_conntrack_%.*s_timeout%s",
                 (int)strcspn(name, "_"), name, rest ? rest : "");
    return kernel_sysctl(p->kernel, path, value);
}

static const char *behind(const char *text)
{
    const char *end = strchr(text, ';');

    return end ? end + 1 : text + strlen(text);
}

/* The kernel back to its defaults, and then to set; statements for weir. */
static bool apply(struct pair *p, const char *set, char *statements,
                  size_t room)
{
    char name[64];
    int value;

    for (const char *s = p->set; *s; s = behind(s)) {
        unsigned i = setting(s, name, &value);

        if (i < N_PARAMS)
            kernel_set(p, i, params[i].kernel);
    }
    snprintf(p->set, sizeof p->set, "%s", set);
    for (const char *s = set; *s; s = behind(s)) {
        unsigned i = setting(s, name, &value);

        if (i == N_PARAMS || !kernel_set(p, i, value))
            return false;
        say(statements, room, "%s %s %d; ",
            i < CT_N_TIMEOUTS ? "timeout" : "tune", name, value);
    }
    return true;
}

bool pair_setup(struct pair *p, const char *nft, const char *statements,
                const char *set)
{
    char text[sizeof p->nft + 1024], all[4096];
    bool masquerade;
    char *json;

    if (strcmp(p->nft, nft) != 0) {
        snprintf(text, sizeof text, always, nft);
        if (!kernel_rules(p->kernel, text))
            return false;
        snprintf(p->nft, sizeof p->nft, "%s", nft);
    }
    snprintf(all, sizeof all, "%s", statements_always);
    if (!apply(p, set, all, sizeof all))
        return false;
    say(all, sizeof all, "%s", statements);
    p->deaf = true;
    if (p->rig.ct)
        rig_close(&p->rig);
    json = world_config(all, &masquerade);
    clock_now(p);
    rig_open(&p->rig, json, p->rig.now,
             &(struct rig_calls){
                 .tx = tx, .dropped = nothing, .event = weir_event, .ctx = p});
    free(json);
    pair_clear(p);
    return true;
}

struct pair *pair_open(const struct pair_calls *calls, char err[256])
{
    struct pair *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->calls = *calls;
    p->kernel = kernel_open(err);
    if (!p->kernel) {
        free(p);
        return NULL;
    }
    clock_gettime(CLOCK_MONOTONIC, &p->began);
    if (pair_setup(p, pair_masquerade, "", ""))
        return p;
    snprintf(err, 256, "nft refused the judge's rules");
    pair_close(p);
    return NULL;
}

void pair_close(struct pair *p)
{
    if (p->rig.ct)
        rig_close(&p->rig);
    kernel_close(p->kernel);
    free(p);
}

const char *pair_difference_name(enum pair_difference d)
{
    static const char *const names[] = {
#define D(id, kernel, weir, why) #id,
        JUDGE_DIFFERENCES(D)
#undef D
    };

    return names[d];
}
