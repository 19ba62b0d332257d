#include "judge.h"

#include "packet.h"
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
#include <unistd.h>

enum { MOST_FLOWS = 64, MOST_OUT = 16 };
enum subject { KERNEL, WEIR, N_SUBJECTS };

/* What left, as comparable text. */
struct outputs {
    char text[4096];
    size_t len;
};

struct entry {
    char text[320];
    uint32_t timeout;
};

struct judge {
    struct kernel *kernel;
    struct rig rig;
    struct timespec began;
    struct talk_view view[N_SUBJECTS];
    /* of the step that is played */
    const struct talk *talk;
    const struct talk_step *step;
    struct outputs out[N_SUBJECTS];
    struct entry entry[N_SUBJECTS][MOST_FLOWS];
    unsigned n_entries[N_SUBJECTS];
    uint64_t stated[JUDGE_N_DIFFERENCES];
};

static const char rules[] =
    "table inet judge {\n"
    " chain out { type nat hook postrouting priority srcnat;\n"
    "  oifname kwan ip saddr 192.0.2.1 accept\n"
    "  oifname kwan masquerade\n"
    " }\n"
    " chain quiet { type filter hook prerouting priority raw;\n"
    "  ip saddr 192.0.2.1 notrack\n"
    " }\n"
    " chain own { type filter hook input priority 0;\n"
    "  ct state invalid drop\n"
    " }\n"
    " chain leak { type filter hook postrouting priority 200;\n"
    "  oifname kwan ip saddr 10.0.1.0/24 drop\n"
    "  oifname kwan ip6 saddr fd00:1::/64 drop\n"
    " }\n"
    "}\n";

static const char statements[] =
    "max 1024; buckets 1024; input {\"ct_state\":[\"invalid\"],"
    "\"verdict\":\"drop\"}";

/* ---- text ---- */

static void add(struct outputs *o, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void add(struct outputs *o, const char *fmt, ...)
{
    va_list ap;
    int n;

    va_start(ap, fmt);
    n = vsnprintf(o->text + o->len, sizeof o->text - o->len, fmt, ap);
    va_end(ap);
    if (n > 0 && o->len + (size_t)n < sizeof o->text)
        o->len += (size_t)n;
}

/* IP ids of what a router makes itself are its own affair, and so is whether
 * its errors may be cut (difference icmp_df). */
static void blank_id(uint8_t *d, size_t len)
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

/* A port or id that a router chose because the flow's own was taken, as a word
 * that says whose it is; NULL: none of these. */
static const char *word_of(const struct judge *j, enum subject who,
                           unsigned port)
{
    static char word[24];

    for (unsigned f = 0; f < j->talk->n_flows; f++) {
        unsigned own = j->talk->flow[f].sport;

        if (own == port)
            continue;
        if (j->view[who].port[f] == port)
            snprintf(word, sizeof word, "other%u", f);
        else if (j->view[who].stranger[f] == port)
            snprintf(word, sizeof word, "strange%u", f);
        else
            continue;
        return word;
    }
    return NULL;
}

/* The outside port of a flow as a word: its own, or which flow's other one. */
static void name_ports(const struct judge *j, enum subject who, char *line,
                       size_t room)
{
    static const char *const own[] = {"198.51.100.1:", "[2001:db8::1]:"};
    char out[2048], *at = line;
    size_t n = 0;

    while (*at && n + 64 < sizeof out) {
        bool met = false;

        for (unsigned i = 0; i < 2 && !met; i++) {
            size_t k = strlen(own[i]);
            const char *word;
            unsigned port = 0;
            int used = 0;

            if (strncmp(at, own[i], k) != 0 ||
                sscanf(at + k, "%u%n", &port, &used) != 1)
                continue;
            if ((word = word_of(j, who, port)) != NULL) {
                n += (size_t)snprintf(out + n, sizeof out - n, "%s%s", own[i],
                                      word);
                at += k + (size_t)used;
                met = true;
            }
        }
        if (!met)
            out[n++] = *at++;
    }
    out[n] = '\0';
    snprintf(line, room, "%s", out);
}

/* The same of a query's id. */
static void name_id(const struct judge *j, enum subject who, char *line,
                    size_t room)
{
    char *at = line, rest[1024];
    unsigned id;
    int used;

    while ((at = strstr(at, " id ")) != NULL) {
        const char *word;

        at += 4;
        if (sscanf(at, "%u%n", &id, &used) != 1 ||
            (word = word_of(j, who, id)) == NULL)
            continue;
        snprintf(rest, sizeof rest, "%s", at + used);
        snprintf(at, room - (size_t)(at - line), "%s%s", word, rest);
    }
}

static uint16_t outside_port(const struct talk_flow *f, const uint8_t *d,
                             size_t len)
{
    size_t l4 = d[0] >> 4 == 4 ? (d[0] & 15u) * 4u : 40;

    if (len < l4 + 8)
        return 0;
    if (f->proto == TALK_ECHO)
        return (uint16_t)(d[l4 + 4] << 8 | d[l4 + 5]);
    return (uint16_t)(d[l4] << 8 | d[l4 + 1]);
}

static uint8_t proto_of(const struct talk_flow *f)
{
    static const uint8_t protos[TALK_N_PROTOS] = {
        [TALK_TCP] = 6,       [TALK_UDP] = 17, [TALK_ECHO] = 1,
        [TALK_UDPLITE] = 136, [TALK_GRE] = 47,
    };

    return f->proto == TALK_ECHO && f->six ? 58 : protos[f->proto];
}

/* Is it the packet of this step, on its way out? */
static bool is_own_way(const struct judge *j, const uint8_t *d, size_t len)
{
    const struct talk_flow *f = &j->talk->flow[j->step->flow];
    bool v4 = d[0] >> 4 == 4;

    return !j->step->reply && f->proto != TALK_GRE &&
           j->step->kind != TALK_ERROR && len > 28 &&
           d[v4 ? 9 : 6] == proto_of(f) && v4 != f->six &&
           (f->proto != TALK_ECHO || d[v4 ? 20 : 40] == (v4 ? 8 : 128));
}

static void left(struct judge *j, enum subject who, bool wan, uint8_t *d,
                 size_t len)
{
    struct talk_view *v = &j->view[who];
    char line[1024];

    blank_id(d, len);
    if (wan && is_own_way(j, d, len)) {
        const struct talk_flow *f = &j->talk->flow[j->step->flow];
        uint16_t *port = j->step->kind == TALK_STRANGE
                             ? &v->stranger[j->step->flow]
                             : &v->port[j->step->flow];

        *port = outside_port(f, d, len);
    }
    packet_print(line, sizeof line, d, len);
    name_ports(j, who, line, sizeof line);
    name_id(j, who, line, sizeof line);
    add(&j->out[who], "    %s %s\n", wan ? "wan" : "lan", line);
}

/* ---- the two routers ---- */

static enum ct_reason tx(void *ctx, struct ct_pkt *pkt)
{
    struct judge *j = ctx;
    uint8_t copy[4096];
    uint32_t len = pkt->len < sizeof copy ? pkt->len : sizeof copy;

    memcpy(copy, pkt->data, len);
    left(j, WEIR, !j->rig.ifaces.iface[pkt->out].inside, copy, len);
    return CT_REASON_NONE;
}

static void nothing(void *ctx, const struct ct_pkt *pkt)
{
    (void)ctx;
    (void)pkt;
}

static void no_event(void *ctx, const struct ct_event *ev)
{
    (void)ctx;
    (void)ev;
}

static void clock_now(struct judge *j)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    j->rig.now.ms = 1000000 + (uint64_t)(t.tv_sec - j->began.tv_sec) * 1000 +
                    (uint64_t)(t.tv_nsec / 1000000);
}

struct judge *judge_open(char err[256])
{
    struct judge *j = calloc(1, sizeof *j);
    bool masquerade;
    char *json;

    if (!j)
        return NULL;
    j->kernel = kernel_open(err);
    if (!j->kernel) {
        free(j);
        return NULL;
    }
    if (!kernel_rules(j->kernel, rules)) {
        snprintf(err, 256, "nft refused the judge's rules");
        kernel_close(j->kernel);
        free(j);
        return NULL;
    }
    json = world_config(statements, &masquerade);
    clock_gettime(CLOCK_MONOTONIC, &j->began);
    rig_open(&j->rig, json, (ct_time){1000000},
             &(struct rig_calls){
                 .tx = tx, .dropped = nothing, .event = no_event, .ctx = j});
    free(json);
    return j;
}

void judge_close(struct judge *j)
{
    rig_close(&j->rig);
    kernel_close(j->kernel);
    free(j);
}

static void play_kernel(struct judge *j, bool reply, const uint8_t *d,
                        size_t len)
{
    static const enum kernel_side sides[] = {KERNEL_LAN, KERNEL_WAN};
    uint8_t out[4096];
    size_t n;

    kernel_put(j->kernel, reply ? KERNEL_WAN : KERNEL_LAN, d, len);
    for (int s = 0; s < 2; s++)
        while ((n = kernel_get(j->kernel, sides[s], out, sizeof out)) > 0)
            left(j, KERNEL, sides[s] == KERNEL_WAN, out, n);
}

static void play_weir(struct judge *j, bool reply, const uint8_t *d, size_t len)
{
    uint8_t room[CT_HEADROOM + 4096 + CT_HEADROOM];
    struct ct_pkt pkt = {
        .data = room + CT_HEADROOM,
        .len = (uint32_t)len,
        .in = config_iface_find(j->rig.config, reply ? "wan" : "lan"),
    };
    struct ct_pkt *pkts[1] = {&pkt};

    memcpy(pkt.data, d, len);
    clock_now(j);
    /* As the kernel's, which are switched off: see kernel.c. */
    ratelimit_setup(&j->rig.journey->limit, 1);
    journey_batch(j->rig.journey, pkts, 1, j->rig.now);
}

/* ---- tables ---- */

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

static void enter(struct judge *j, enum subject who,
                  const struct ct_tuple tuple[2], uint32_t status,
                  const char *state, uint32_t timeout)
{
    struct entry *e = &j->entry[who][j->n_entries[who]];
    char orig[128], reply[128];

    if (j->n_entries[who] == MOST_FLOWS)
        return;
    j->n_entries[who]++;
    tuple_text(orig, sizeof orig, &tuple[0]);
    tuple_text(reply, sizeof reply, &tuple[1]);
    snprintf(e->text, sizeof e->text, "%u %s / %s status %x %s", tuple[0].proto,
             orig, reply, status & COMPARED, state);
    name_ports(j, who, e->text, sizeof e->text);
    name_id(j, who, e->text, sizeof e->text);
    e->timeout = timeout;
}

static void kernel_entry(void *ctx, const struct kernel_flow *f)
{
    static const char *const states[] = {
        "NONE",       "SYN_SENT", "SYN_RECV",  "ESTABLISHED", "FIN_WAIT",
        "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",       "SYN_SENT2"};
    bool tcp = f->tuple[0].proto == 6 && f->tcp_state < 10;

    enter(ctx, KERNEL, f->tuple, f->status, tcp ? states[f->tcp_state] : "",
          f->timeout);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct entry *)a)->text,
                  ((const struct entry *)b)->text);
}

static void weir_entries(struct judge *j)
{
    for (uint32_t s = 0; s < ct_slots(j->rig.ct); s++) {
        struct ct_view v;

        if (ct_read(j->rig.ct, s, j->rig.now, &v))
            enter(j, WEIR, v.tuple, v.status,
                  v.tuple[0].proto == 6 ? v.state : "",
                  ct_time_left_s(v.expires, j->rig.now));
    }
}

/* Those that weir has, one by one; all of them, if there are others. */
static bool kernel_entries(struct judge *j)
{
    struct ct_view v;
    uint32_t known = 0;

    for (uint32_t s = 0; s < ct_slots(j->rig.ct); s++)
        if (ct_read(j->rig.ct, s, j->rig.now, &v))
            known += kernel_flow(j->kernel, &v.tuple[0], kernel_entry, j);
    if (kernel_count(j->kernel) == known)
        return true;
    j->n_entries[KERNEL] = 0;
    return kernel_flows(j->kernel, kernel_entry, j) >= 0;
}

static void begin_anew(struct judge *j)
{
    struct ct_view v;

    for (uint32_t s = 0; s < ct_slots(j->rig.ct); s++)
        if (ct_read(j->rig.ct, s, j->rig.now, &v))
            kernel_forget(j->kernel, &v.tuple[0]);
    if (kernel_count(j->kernel) != 0)
        kernel_flush(j->kernel);
    ct_flush(j->rig.ct);
}

/* Appends what differs. */
static bool same_tables(struct judge *j, char *report, size_t room)
{
    unsigned k = 0, w = 0;
    size_t n = strlen(report), before = n;

    j->n_entries[KERNEL] = j->n_entries[WEIR] = 0;
    clock_now(j);
    if (!kernel_entries(j))
        n += (size_t)snprintf(report + n, room - n,
                              "the kernel's table can't "
                              "be read\n");
    weir_entries(j);
    for (int s = 0; s < N_SUBJECTS; s++)
        qsort(j->entry[s], j->n_entries[s], sizeof(struct entry), by_text);
    while ((k < j->n_entries[KERNEL] || w < j->n_entries[WEIR]) &&
           n + 800 < room) {
        const struct entry *a = &j->entry[KERNEL][k], *b = &j->entry[WEIR][w];
        int c = k == j->n_entries[KERNEL] ? 1
                : w == j->n_entries[WEIR] ? -1
                                          : strcmp(a->text, b->text);

        if (c == 0 &&
            (a->timeout > b->timeout + 1 || b->timeout > a->timeout + 1))
            n += (size_t)snprintf(report + n, room - n,
                                  "  time: kernel %u, weir %u: %s\n",
                                  a->timeout, b->timeout, a->text);
        if (c < 0)
            n += (size_t)snprintf(report + n, room - n,
                                  "  only the kernel has: %s (%u s)\n", a->text,
                                  a->timeout);
        if (c > 0)
            n += (size_t)snprintf(report + n, room - n,
                                  "  only weir has:       %s (%u s)\n", b->text,
                                  b->timeout);
        k += c <= 0;
        w += c >= 0;
    }
    return n == before;
}

/* ---- differences that are stated ---- */

/* The port of the flow that walks, class by class, and of the others of its
 * source.  mapping_stays: of a source with two mappings the kernel takes the
 * newer one for the next remote, weir the older. */
static bool is_mapping_stays(const struct judge *j)
{
    const struct talk *t = j->talk;
    const struct talk_flow *f = &t->flow[j->step->flow];
    uint16_t kernel = j->view[KERNEL].port[j->step->flow];
    uint16_t weir = j->view[WEIR].port[j->step->flow];
    bool two = false;

    if (j->step->reply || j->step->kind != TALK_PLAIN || !kernel || !weir ||
        (kernel == f->sport) == (weir == f->sport))
        return false;
    for (unsigned i = 0; i < t->n_flows; i++) {
        const struct talk_flow *o = &t->flow[i];
        uint16_t port = j->view[KERNEL].port[i];

        if (i != j->step->flow && o->proto == f->proto && o->six == f->six &&
            o->client == f->client && o->sport == f->sport && port &&
            port != o->sport)
            two = true;
    }
    return two;
}

/* ---- a talk ---- */

enum played { PLAYED, STATED, DIFFERS };

static enum played play(struct judge *j, const struct talk *t, unsigned i,
                        char *report, size_t room)
{
    uint8_t data[4096];
    char line[N_SUBJECTS][1024];

    if (t->step[i].wait_ms)
        usleep(t->step[i].wait_ms * 1000u);
    j->step = &t->step[i];
    for (int s = 0; s < N_SUBJECTS; s++) {
        size_t len;
        char *side;

        j->out[s] = (struct outputs){.len = 0};
        talk_line(t, i, &j->view[s], line[s], sizeof line[s]);
        side = strrchr(line[s], '@');
        *side = '\0';
        len = packet_build(data, sizeof data, line[s]);
        if (len == 0) {
            snprintf(report, room, "step %u is no packet: %s\n", i, line[s]);
            return DIFFERS;
        }
        if (s == KERNEL)
            play_kernel(j, t->step[i].reply, data, len);
        else
            play_weir(j, t->step[i].reply, data, len);
    }
    if (strcmp(j->out[KERNEL].text, j->out[WEIR].text) == 0)
        return PLAYED;
    if (is_mapping_stays(j)) {
        j->stated[JUDGE_mapping_stays]++;
        return STATED;
    }
    snprintf(report, room,
             "step %u: %s\n  the kernel sent:\n%s  weir sent:\n%s", i,
             line[WEIR], j->out[KERNEL].text, j->out[WEIR].text);
    return DIFFERS;
}

bool judge_talk(struct judge *j, const struct talk *t, const bool *steps,
                char *report, size_t room)
{
    const char *wrong;

    report[0] = '\0';
    j->talk = t;
    memset(j->view, 0, sizeof j->view);
    begin_anew(j);
    for (unsigned i = 0; i < t->n_steps; i++) {
        enum played p = PLAYED;

        if (steps[i])
            p = play(j, t, i, report, room);
        if (p != PLAYED) /* from here on the two are not to be compared */
            return p == STATED;
    }
    if (!kernel_settle(j->kernel)) {
        snprintf(report, room, "the sentinel did not come out\n");
        return false;
    }
    if (!same_tables(j, report, room))
        return false;
    wrong = rig_check(&j->rig);
    if (wrong)
        snprintf(report, room, "%s\n", wrong);
    return wrong == NULL;
}

void judge_print(struct judge *j)
{
    static const char *const names[] = {"kernel", "weir  "};
    char report[16384] = "";

    same_tables(j, report, sizeof report);
    for (int s = 0; s < N_SUBJECTS; s++)
        for (unsigned i = 0; i < j->n_entries[s]; i++)
            printf("%s %s %u s\n", names[s], j->entry[s][i].text,
                   j->entry[s][i].timeout);
}

uint64_t judge_stated(const struct judge *j, enum judge_difference d)
{
    return j->stated[d];
}

const char *judge_difference_name(enum judge_difference d)
{
    static const char *const names[] = {
#define D(id, kernel, weir, why) #id,
        JUDGE_DIFFERENCES(D)
#undef D
    };

    return names[d];
}
