/* twin_table.c - write flows, events and counters of both as text, and
 * compare */
#include "twin_table.h"

#include "world_text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct lines {
    char **v;
    size_t n, room;
};

static void add(struct lines *l, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static void add(struct lines *l, const char *fmt, ...)
{
    va_list ap;

    if (l->n == l->room) {
        l->room = l->room ? 2 * l->room : 64;
        l->v = realloc(l->v, l->room * sizeof *l->v);
    }
    va_start(ap, fmt);
    if (!l->v || vasprintf(&l->v[l->n++], fmt, ap) < 0)
        abort();
    va_end(ap);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void lines_free(struct lines *l)
{
    for (size_t i = 0; i < l->n; i++)
        free(l->v[i]);
    free(l->v);
}

static void say(char *text, size_t room, const char *who, const char *line)
{
    size_t n = strlen(text);

    snprintf(text + n, room - n, "  only %s: %s\n", who, line);
}

/* Consumes both. */
static bool same_lines(struct lines *a, struct lines *b, char *text,
                       size_t room)
{
    size_t i = 0, k = 0;
    bool same = true;

    if (a->n > 1)
        qsort(a->v, a->n, sizeof *a->v, by_text);
    if (b->n > 1)
        qsort(b->v, b->n, sizeof *b->v, by_text);
    while (i < a->n || k < b->n) {
        int c = i == a->n ? 1 : k == b->n ? -1 : strcmp(a->v[i], b->v[k]);

        if (c < 0)
            say(text, room, "one", a->v[i]);
        if (c > 0)
            say(text, room, "the other", b->v[k]);
        same &= c == 0;
        i += c <= 0;
        k += c >= 0;
    }
    lines_free(a);
    lines_free(b);
    return same;
}

/* ports: NULL for the world's own. */
static void tuple_text(char *out, size_t room, struct ct_tuple t,
                       const struct twin_ports *ports)
{
    if (ports)
        twin_ports_turn_tuple(ports, &t);
    world_text_tuple(out, room, &t);
}

/* A source that changed its port alone: whether it had to is not compared. */
static uint32_t status_of(const struct ct_view *v)
{
    bool moved = !ct_addr_eq(&v->tuple[0].src, &v->tuple[1].dst);

    return moved ? v->status : v->status & ~(uint32_t)CT_SRC_NAT;
}

static void add_flow(struct lines *l, const char *what, const struct ct_view *v,
                     const struct twin_ports *ports)
{
    char orig[200], reply[200], number[8];

    tuple_text(orig, sizeof orig, v->tuple[0], ports);
    tuple_text(reply, sizeof reply, v->tuple[1], ports);
    add(l,
        "%s%s %s / %s zone %u/%u status %x mark %u %s until %" PRIu64
        " since %" PRIu64 " packets %" PRIu64 "/%" PRIu64 " bytes %" PRIu64
        "/%" PRIu64 " labels %" PRIx64 " %" PRIx64 " helper %u%s",
        what, world_text_proto(v->tuple[0].proto, number), orig, reply,
        v->tuple[0].zone, v->tuple[1].zone, status_of(v), v->mark, v->state,
        v->expires.ms, v->has_start ? v->start.ms : 0, v->packets[0],
        v->packets[1], v->bytes[0], v->bytes[1], v->labels[0], v->labels[1],
        v->helper, v->has_master ? " expected" : "");
}

/* ---- events ---- */

void twin_events_add(struct twin_events *e, const struct ct_event *ev,
                     const struct twin_ports *ports)
{
    unsigned i = e->n++;

    if (i >= TWIN_EVENTS)
        return;
    e->v[i] = *ev;
    e->turned[i] = ports && ev->mask & (uint32_t)CT_EVENT_DESTROY;
    for (int d = 0; e->turned[i] && d < CT_N_DIRS; d++)
        twin_ports_turn_tuple(ports, &e->v[i].view.tuple[d]);
}

static void add_events(struct lines *l, const struct twin_events *e,
                       const struct twin_ports *ports)
{
    char what[24];

    for (unsigned i = 0; i < e->n; i++) {
        snprintf(what, sizeof what, "event %x ", e->v[i].mask);
        add_flow(l, what, &e->v[i].view, e->turned[i] ? NULL : ports);
    }
}

bool twin_table_same_events(const struct twin_events *ref,
                            const struct twin_events *own,
                            const struct twin_ports *ports, char *text,
                            size_t room)
{
    struct lines a = {.n = 0}, b = {.n = 0};

    if (ref->n > TWIN_EVENTS || own->n > TWIN_EVENTS)
        return ref->n == own->n;
    add_events(&a, ref, NULL);
    add_events(&b, own, ports);
    return same_lines(&a, &b, text, room);
}

/* ---- flows ---- */

static void add_flows(struct lines *l, const struct rig *rig, ct_time now,
                      const struct twin_ports *ports)
{
    struct ct_expect_view x;
    struct ct_view v;
    char text[200];

    for (uint32_t i = 0; i < rig->n; i++) {
        const struct ct *ct = rig->shard[i].ct;

        for (uint32_t s = 0; s < ct_slots(ct); s++)
            if (ct_read(ct, s, now, &v))
                add_flow(l, "", &v, ports);
        for (uint32_t s = 0; s < ct_expects(ct); s++)
            if (ct_read_expect(ct, s, now, &x)) {
                tuple_text(text, sizeof text, x.tuple, ports);
                add(l, "expected %s until %" PRIu64 " helper %u class %u", text,
                    x.expires.ms, x.helper, x.class);
            }
    }
}

bool twin_table_same(const struct rig *ref, const struct rig *own,
                     const struct twin_ports *ports, char *text, size_t room)
{
    struct lines a = {.n = 0}, b = {.n = 0};

    add_flows(&a, ref, ref->now, NULL);
    add_flows(&b, own, ref->now, ports);
    return same_lines(&a, &b, text, room);
}

/* ---- announced ports ---- */

static bool next_expected(const struct rig *rig, ct_time now, uint32_t *at,
                          struct ct_expect_view *x)
{
    uint32_t each = ct_expects(rig->ct);

    for (; *at < rig->n * each; ++*at)
        if (ct_read_expect(rig->shard[*at / each].ct, *at % each, now, x)) {
            ++*at;
            return true;
        }
    return false;
}

/* By the flow that announced it, and the addresses. */
static bool same_but_port(const struct ct_expect_view *a,
                          const struct ct_expect_view *b)
{
    return ct_addr_eq(&a->master.src, &b->master.src) &&
           a->master.sport == b->master.sport && a->class == b->class &&
           a->tuple.proto == b->tuple.proto &&
           ct_addr_eq(&a->tuple.src, &b->tuple.src) &&
           ct_addr_eq(&a->tuple.dst, &b->tuple.dst) &&
           a->expires.ms == b->expires.ms;
}

void twin_table_announce(const struct rig *ref, const struct rig *own,
                         struct twin_ports *ports)
{
    struct ct_expect_view a, b;
    uint32_t i = 0;

    while (next_expected(ref, ref->now, &i, &a))
        for (uint32_t k = 0; next_expected(own, ref->now, &k, &b);)
            if (same_but_port(&a, &b))
                twin_ports_announce(ports, &a.tuple, &b.tuple);
}

/* ---- counters ---- */

/* What goes by packets and flows, not by the search for a port. */
static const enum ct_stat compared[TWIN_COUNTERS] = {
    CT_STAT_created,       CT_STAT_destroyed,     CT_STAT_clash_resolve,
    CT_STAT_invalid,       CT_STAT_insert,        CT_STAT_insert_failed,
    CT_STAT_drop,          CT_STAT_icmp_error,    CT_STAT_expect_new,
    CT_STAT_expect_create, CT_STAT_expect_delete, CT_STAT_expectations,
    CT_STAT_forwarded,     CT_STAT_pkts_in,       CT_STAT_pkts_out,
};

void twin_table_read_counters(const struct rig *rig, uint64_t v[TWIN_COUNTERS])
{
    for (size_t i = 0; i < TWIN_COUNTERS; i++)
        v[i] = rig_stat(rig, compared[i]);
}

bool twin_table_same_counters(const uint64_t ref[TWIN_COUNTERS],
                              const uint64_t own[TWIN_COUNTERS], char *text,
                              size_t room)
{
    bool same = true;

    for (size_t i = 0; i < TWIN_COUNTERS; i++) {
        size_t n = strlen(text);

        if (ref[i] == own[i])
            continue;
        same = false;
        snprintf(text + n, room - n,
                 "  %s: one has %" PRIu64 ", the other %" PRIu64 "\n",
                 ct_stat_name(compared[i]), ref[i], own[i]);
    }
    return same;
}
