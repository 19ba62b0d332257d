/* world.c - see world.h */
#include "world.h"

#include "journey/output.h"
#include "packet.h"
#include "world_config.h"
#include "world_text.h"

#include "bytes.h"

#include <arpa/inet.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- the trace ---- */

static void keep(struct world *w, const char *s)
{
    size_t n = strlen(s);

    if (w->quiet)
        return;
    if (w->text_len + n + 1 > w->text_room) {
        w->text_room = (w->text_len + n + 1) * 2;
        w->text = realloc(w->text, w->text_room);
        assert_non_null(w->text);
    }
    memcpy(w->text + w->text_len, s, n + 1);
    w->text_len += n;
}

static void __attribute__((format(printf, 2, 3)))
line(struct world *w, const char *fmt, ...)
{
    va_list ap;
    int n;

    if (w->quiet)
        return;
    va_start(ap, fmt);
    n = vsnprintf(w->lines + w->lines_len, sizeof w->lines - w->lines_len, fmt,
                  ap);
    va_end(ap);
    assert_true(n >= 0 && (size_t)n < sizeof w->lines - w->lines_len);
    w->lines_len += (size_t)n;
}

static uint64_t seconds(const struct world *w)
{
    return (w->rig.now.ms - w->start.ms) / 1000;
}

static void event(void *ctx, const struct ct_event *ev)
{
    struct world *w = ctx;
    char tuple[200], number[8], when[24] = "     ";
    const char *what = "UPDATE";

    if (w->twin)
        twin_told(w->twin, ev);
    w->told = ev->mask;
    if (ev->mask & CT_EVENT_DESTROY)
        what = "DESTROY";
    else if (ev->mask & (CT_EVENT_NEW | CT_EVENT_RELATED))
        what = "CREATE";
    if (!w->events && !(ev->mask & CT_EVENT_DESTROY))
        return;
    world_text_tuple(tuple, sizeof tuple, &ev->view.tuple[0]);
    if (!w->walking)
        snprintf(when, sizeof when, "[%3" PRIu64 "]", seconds(w));
    line(w, "%s %s %s %s%s%s\n", when, what,
         world_text_proto(ev->view.tuple[0].proto, number), tuple,
         w->events && ev->view.state[0] ? " " : "",
         w->events ? ev->view.state : "");
}

static void flush_lines(struct world *w)
{
    w->lines[w->lines_len] = '\0';
    keep(w, w->lines);
    w->lines_len = 0;
    w->lines[0] = '\0';
}

/* ---- what leaves ---- */

static bool in_prefix(const struct world *w, uint8_t iface, const uint8_t *addr,
                      uint8_t family)
{
    const struct config_iface *f = &w->rig.config->iface[iface];

    for (unsigned i = 0; i < f->n_addrs; i++) {
        unsigned whole = f->addr[i].len / 8u, rest = f->addr[i].len % 8u;
        const uint8_t *b = f->addr[i].addr.b;

        if (f->addr[i].family == family && memcmp(b, addr, whole) == 0 &&
            (rest == 0 || ((b[whole] ^ addr[whole]) >> (8 - rest)) == 0))
            return true;
    }
    return false;
}

static bool is_own(const struct world *w, const uint8_t *addr, uint8_t family)
{
    for (uint32_t i = 0; i < w->rig.config->n_ifaces; i++)
        for (unsigned k = 0; k < w->rig.config->iface[i].n_addrs; k++)
            if (w->rig.config->iface[i].addr[k].family == family &&
                memcmp(w->rig.config->iface[i].addr[k].addr.b, addr,
                       family == 4 ? 4 : 16) == 0)
                return true;
    return false;
}

/* The egress assertion: true unless an inside address is about to be told. */
static bool hidden(const struct world *w, const struct ct_pkt *pkt)
{
    uint8_t family = pkt->data[0] >> 4;
    const uint8_t *src = pkt->data + (family == 4 ? 12 : 8);

    if (w->rig.host && is_own(w, pkt->data + (family == 4 ? 16 : 24), family))
        return true; /* handed to the kernel it sits in */
    if (!w->masquerade || pkt->notrack || pkt->out >= w->rig.config->n_ifaces ||
        w->rig.config->iface[pkt->out].inside)
        return true;
    for (uint8_t i = 0; i < w->rig.config->n_ifaces; i++)
        if (w->rig.config->iface[i].inside && in_prefix(w, i, src, family))
            return false;
    return true;
}

/* Packets that leave with partial sums are completed in a copy first. */
static bool sums_ok(const struct ct_pkt *pkt)
{
    static uint8_t copy[WORLD_PACKET];

    if (pkt->len > sizeof copy)
        return true;
    memcpy(copy, pkt->data, pkt->len);
    if (pkt->csum_partial) {
        char text[512];

        packet_print(text, sizeof text, copy, pkt->len);
        return strstr(text, " partial") != NULL;
    }
    return packet_sums_ok(copy, pkt->len);
}

static bool quotes(const struct ct_pkt *pkt)
{
    uint8_t v = pkt->data[0] >> 4, proto = pkt->data[v == 4 ? 9 : 6];
    uint32_t at = v == 4 ? (pkt->data[0] & 15u) * 4 : 40;

    if (at >= pkt->len)
        return false;
    if (v == 4)
        return proto == 1 && pkt->data[at] != 0 && pkt->data[at] != 8;
    return proto == 58 && pkt->data[at] < 128;
}

static enum ct_reason tx(void *ctx, struct ct_pkt *pkt)
{
    struct world *w = ctx;
    char text[1024];

    if (!output_ok(pkt, w->rig.config->iface[pkt->out].mtu))
        fail_msg("the last check was passed by without cause");
    if (!hidden(w, pkt)) {
        packet_print(text, sizeof text, pkt->data, pkt->len);
        fail_msg("left with an inside address: %s", text);
    }
    if (pkt != w->walking || w->sums_were_ok || pkt->kind != CT_KIND_NONE) {
        packet_print(text, sizeof text, pkt->data, pkt->len);
        if (!sums_ok(pkt))
            fail_msg("left with a wrong checksum: %s", text);
    }
    if (w->refuse_tx != CT_REASON_NONE)
        return w->refuse_tx;
    if (w->twin)
        twin_sent(w->twin, pkt);
    if (w->full || quotes(pkt))
        packet_print(text, sizeof text, pkt->data, pkt->len);
    else
        packet_print_brief(text, sizeof text, pkt->data, pkt->len);
    line(w, "      out %s %s\n", w->rig.config->iface[pkt->out].name, text);
    w->sent++;
    w->last_len = pkt->len < sizeof w->last ? pkt->len : sizeof w->last;
    memcpy(w->last, pkt->data, w->last_len);
    return CT_REASON_NONE;
}

static void dropped(void *ctx, const struct ct_pkt *pkt)
{
    struct world *w = ctx;

    if (w->twin)
        twin_dropped(w->twin, pkt);
    w->dropped++;
    w->why = (enum ct_reason)pkt->why;
    line(w, "      drop %s\n", ct_reason_name(pkt->why));
}

/* ---- what is held ---- */

static enum ct_verdict queue(void *ctx, struct ct_pkt *pkt)
{
    struct world *w = ctx;
    unsigned i = w->n_kept;
    uint8_t *data;

    if (w->deaf)
        return CT_DROP;
    if (w->resize)
        (void)ct_resizable(w->rig.ct, pkt);
    w->n_kept++;
    assert_true(i < WORLD_KEPT && pkt->len <= WORLD_KEPT_ROOM);
    data = w->kept_room[i] + CT_HEADROOM;
    memcpy(data, pkt->data, pkt->len);
    w->kept[i] = *pkt;
    w->kept[i].data = data;
    if (pkt->cuts) {
        memcpy(w->kept_cuts[i], pkt->cuts, sizeof w->kept_cuts[i]);
        w->kept[i].cuts = w->kept_cuts[i];
    }
    line(w, "      queue %u\n", pkt->queue);
    return CT_QUEUE;
}

/* ---- the twin ---- */

static void judge(const char *wrong)
{
    if (wrong)
        fail_msg("%s", wrong);
}

/* What it cannot see for itself. */
static bool prepare(struct world *w)
{
    if (!w->twin)
        return false;
    twin_deaf(w->twin, w->deaf);
    twin_refuse(w->twin, w->refuse_tx);
    return true;
}

void alone(struct world *w)
{
    if (w->twin)
        twin_close(w->twin);
    w->twin = NULL;
}

/* ---- what enters ---- */

static uint8_t entry_of(const struct world *w, const uint8_t *data)
{
    uint8_t family = data[0] >> 4;
    const uint8_t *src = data + (family == 4 ? 12 : 8);

    for (uint8_t i = 0; i < w->rig.config->n_ifaces; i++)
        if (in_prefix(w, i, src, family))
            return i;
    return config_iface_find(w->rig.config, "wan");
}

static const char *info_text(const struct ct_pkt *pkt)
{
    static const char *const names[CT_N_INFO] = {
        "INVALID", "NEW", "ESTABLISHED", "RELATED", "UNTRACKED"};

    if (pkt->kind == CT_KIND_ECHO) /* it was turned into its own answer */
        return "ECHO";
    return pkt->tracked ? names[pkt->info] : "-";
}

/* Why conntrack said INVALID: the one counter of that kind that went up, since
 * pkt->why is overwritten when the packet is dropped later. */
static const char *invalid_why(const struct world *w, const uint64_t *before)
{
    for (unsigned r = 0; r < CT_N_REASONS; r++)
        if (ct_reason_kind(r) == 'I' &&
            ct_drops(w->rig.ct, (enum ct_reason)r) != before[r])
            return ct_reason_name(r);
    return NULL;
}

static void walk(struct world *w, const uint8_t *data, uint32_t len, uint8_t in,
                 bool partial)
{
    static uint8_t room[CT_HEADROOM + WORLD_PACKET + CT_HEADROOM];
    struct ct_pkt pkt = {.data = room + CT_HEADROOM,
                         .len = len,
                         .in = in,
                         .csum_partial = partial};
    struct ct_pkt *pkts[1] = {&pkt};
    uint64_t before[CT_N_REASONS];
    char text[1024], head[1200];
    const char *why;

    assert_true(len <= WORLD_PACKET);
    memcpy(pkt.data, data, len);
    packet_print_brief(text, sizeof text, data, len);
    for (unsigned r = 0; r < CT_N_REASONS; r++)
        before[r] = ct_drops(w->rig.ct, (enum ct_reason)r);
    w->sums_were_ok = partial || packet_sums_ok(data, len);
    w->walking = &pkt;
    w->why = CT_REASON_NONE; /* it says so of this one */
    journey_batch(w->rig.journey, pkts, 1, w->rig.now);
    w->walking = NULL;
    w->info = (enum ct_info)pkt.info;
    why =
        pkt.tracked && pkt.info == CT_INVALID && pkt.why != CT_REASON_TABLE_FULL
            ? invalid_why(w, before)
            : NULL;
    snprintf(head, sizeof head, "[%3" PRIu64 "] %s: %s%s%s\n", seconds(w), text,
             info_text(&pkt), why ? " " : "", why ? why : "");
    keep(w, head);
    flush_lines(w);
    judge(rig_look(&w->rig));
    if (prepare(w))
        judge(twin_say(w->twin, &w->rig, data, len, in, partial));
}

void resume(struct world *w, unsigned nth, enum ct_verdict verdict)
{
    static const char *const names[] = {"DROP",  "ACCEPT", "STOLEN",
                                        "QUEUE", "REPEAT", "STOP"};
    char head[128];

    assert_true(nth < w->n_kept);
    snprintf(head, sizeof head, "[%3" PRIu64 "] resume %s\n", seconds(w),
             names[verdict]);
    keep(w, head);
    w->walking = &w->kept[nth];
    w->sums_were_ok = true;
    journey_resume(w->rig.journey, &w->kept[nth], verdict, w->rig.now);
    w->walking = NULL;
    flush_lines(w);
    judge(rig_look(&w->rig));
    if (prepare(w))
        judge(twin_resume(w->twin, &w->rig, nth, verdict));
}

void say_bytes(struct world *w, const uint8_t *data, uint32_t len, uint8_t in)
{
    walk(w, data, len, in, false);
}

/* The word "partial" of the outer packet, not of one it quotes. */
static bool says_partial(const char *spec)
{
    const char *word = strstr(spec, " partial"), *brace = strchr(spec, '{');

    return word && (!brace || word < brace);
}

void say(struct world *w, const char *spec)
{
    uint8_t data[2048];
    char text[2048];
    const char *at = strrchr(spec, '@');
    size_t n = at ? (size_t)(at - spec) : strlen(spec), len;

    assert_true(n < sizeof text);
    memcpy(text, spec, n);
    text[n] = '\0';
    len = packet_build(data, sizeof data, text);
    if (len == 0)
        fail_msg("not a packet: %s", spec);
    walk(w, data, (uint32_t)len,
         at ? config_iface_find(w->rig.config, at + 1) : entry_of(w, data),
         says_partial(text));
}

void sayf(struct world *w, const char *fmt, ...)
{
    char spec[2048];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(spec, sizeof spec, fmt, ap);
    va_end(ap);
    say(w, spec);
}

void say_together(struct world *w, const char *a, const char *b)
{
    static uint8_t room[2][CT_HEADROOM + 2048 + CT_HEADROOM];
    const char *const specs[2] = {a, b};
    struct ct_pkt pkt[2], *pkts[2];

    alone(w);
    assert_true(w->quiet);
    w->sums_were_ok = true;
    for (int i = 0; i < 2; i++) {
        uint8_t *data = room[i] + CT_HEADROOM;
        size_t len = packet_build(data, 2048, specs[i]);

        assert_int_not_equal(len, 0);
        pkt[i] = (struct ct_pkt){
            .data = data, .len = (uint32_t)len, .in = entry_of(w, data)};
        pkts[i] = &pkt[i];
    }
    journey_batch(w->rig.journey, pkts, 2, w->rig.now);
    flush_lines(w);
}

/* ---- time ---- */

void elapse_ms(struct world *w, uint64_t ms)
{
    uint64_t end = w->rig.now.ms + ms;

    for (;;) {
        uint32_t wait = ct_tick(w->rig.ct, w->rig.now, 1024);

        if (!journey_tick(w->rig.journey, w->rig.now))
            wait = 0;
        flush_lines(w);
        if (wait == 0)
            continue;
        if (prepare(w))
            twin_tick(w->twin, w->rig.now);
        if (w->rig.now.ms >= end)
            break;
        if (wait > end - w->rig.now.ms)
            wait = (uint32_t)(end - w->rig.now.ms);
        w->rig.now.ms += wait;
    }
    judge(rig_look(&w->rig));
    if (w->twin)
        judge(twin_elapsed(w->twin, &w->rig));
}

void elapse(struct world *w, uint64_t s)
{
    elapse_ms(w, s * 1000);
}

/* ---- life ---- */

static bool note_log(void *ctx, const struct ct_log *log)
{
    struct world *w = ctx;

    if (w->log_full)
        return false;
    w->logged = *log;
    w->n_logged++;
    return true;
}

static struct world *make(const char *statements, ct_time start, bool host)
{
    struct world *w = calloc(1, sizeof *w);
    char *json;

    assert_non_null(w);
    json = world_config(statements, &w->masquerade);
    w->start = start;
    rig_open(&w->rig, json, start,
             &(struct rig_calls){.tx = tx,
                                 .dropped = dropped,
                                 .event = event,
                                 .queue = queue,
                                 .log = note_log,
                                 .host = host,
                                 .ctx = w});
    if (getenv("WEIR_SHARDS"))
        w->twin =
            twin_open(json, start, host, (unsigned)atoi(getenv("WEIR_SHARDS")));
    free(json);
    keep(w, "");
    return w;
}

struct world *world_open(const char *statements, ct_time start)
{
    return make(statements, start, false);
}

struct world *world_open_host(const char *statements, ct_time start)
{
    return make(statements, start, true);
}

void reload(struct world *w, const char *statements)
{
    char *json = world_config(statements, &w->masquerade);

    rig_reload(&w->rig, json);
    if (w->twin)
        twin_reload(w->twin, json);
    free(json);
    flush_lines(w);
}

void world_close(struct world *w, const char *file, int at)
{
    const char *wrong;

    rig_tick(&w->rig);
    wrong = rig_check(&w->rig);
    if (!wrong && !(wrong = rig_check_shards(&w->rig)) && w->twin)
        wrong = twin_end(w->twin, &w->rig);
    if (wrong) {
        print_error("%s\n", wrong);
        _fail(file, at);
    }
    rig_close(&w->rig);
    alone(w);
    free(w->text);
    free(w);
}

void world_trace(struct world *w, const char *want, const char *file, int at)
{
    if (strcmp(w->text ? w->text : "", want) != 0) {
        print_error("--- wanted\n%s--- traced\n%s---\n", want, w->text);
        _fail(file, at);
    }
    w->text_len = 0;
    w->text[0] = '\0';
}

static void flow_text(char *out, size_t room, const struct world *w,
                      const struct ct_view *v)
{
    char o[200], r[200], number[8];
    const char *flag = "-";

    if (!(v->status & CT_SEEN_REPLY))
        flag = "UNREPLIED";
    if (v->status & CT_ASSURED)
        flag = "ASSURED";
    world_text_tuple(o, sizeof o, &v->tuple[0]);
    world_text_tuple(r, sizeof r, &v->tuple[1]);
    snprintf(out, room, "%s %u %s%s%s / %s %s\n",
             world_text_proto(v->tuple[0].proto, number),
             ct_time_left_s(v->expires, w->rig.now), v->state,
             v->state[0] ? " " : "", o, r, flag);
}

void world_flows(struct world *w, const char *want, const char *file, int at)
{
    char text[8192] = "";
    size_t n = 0;
    struct ct_view v;

    for (uint32_t s = 0; s < ct_slots(w->rig.ct); s++)
        if (ct_read(w->rig.ct, s, w->rig.now, &v) && n < sizeof text - 512) {
            flow_text(text + n, sizeof text - n, w, &v);
            n += strlen(text + n);
        }
    if (strcmp(text, want) != 0) {
        print_error("--- wanted\n%s--- table\n%s---\n", want, text);
        _fail(file, at);
    }
}

uint32_t count_flows(const struct world *w)
{
    struct ct_view v;
    uint32_t n = 0;

    for (uint32_t s = 0; s < ct_slots(w->rig.ct); s++)
        n += ct_read(w->rig.ct, s, w->rig.now, &v);
    return n;
}

uint64_t stat_of(const struct world *w, enum ct_stat stat)
{
    return ct_stat(w->rig.ct, stat);
}

uint64_t drops_of(const struct world *w, enum ct_reason reason)
{
    return ct_drops(w->rig.ct, reason);
}

static uint16_t port_at(const struct world *w, uint32_t off)
{
    uint32_t at = w->last[0] >> 4 == 4 ? (w->last[0] & 15u) * 4 : 40;

    assert_true(at + off + 2 <= w->last_len);
    return bytes_get16(w->last + at + off);
}

uint16_t last_sport(const struct world *w)
{
    return port_at(w, 0);
}

uint16_t last_dport(const struct world *w)
{
    return port_at(w, 2);
}
