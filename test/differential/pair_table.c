/* pair_table.c - flows and events of both as text of one form */
#include "pair_impl.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- text ---- */

static void tuple_text(char *out, size_t room, const struct ct_tuple *t)
{
    char src[INET6_ADDRSTRLEN], dst[INET6_ADDRSTRLEN];
    int af = t->family == CT_IPV4 ? AF_INET : AF_INET6;

    inet_ntop(af, t->src.b, src, sizeof src);
    inet_ntop(af, t->dst.b, dst, sizeof dst);
    out[0] = '\0';
    if (t->proto == 1 || t->proto == 58)
        pair_say(out, room, "%s > %s %u/%u id %u", src, dst, t->dport >> 8,
                 t->dport & 255, t->sport);
    else
        pair_say(out, room,
                 t->family == CT_IPV4 ? "%s:%u > %s:%u" : "[%s]:%u > [%s]:%u",
                 src, t->sport, dst, t->dport);
    if (t->zone)
        pair_say(out, room, " zone=%u", t->zone);
}

/* Bits that only one of the two has a use for are left out: templates, clashes,
 * offload. */
#define COMPARED (0x7ffu | (uint32_t)CT_HELPER)
/* Nor does the API tell that NAT was asked, which is so of every flow. */
#define NAT_ASKED ((uint32_t)CT_SRC_NAT_DONE | (uint32_t)CT_DST_NAT_DONE)

static void flow_text(struct pair *p, enum pair_subject who, char *out,
                      size_t room, const struct ct_tuple tuple[2],
                      uint32_t status, uint32_t mark, const char *state)
{
    char orig[128], reply[128];

    tuple_text(orig, sizeof orig, &tuple[0]);
    tuple_text(reply, sizeof reply, &tuple[1]);
    snprintf(out, room, "%u %s / %s status %x mark=%u %s", tuple[0].proto, orig,
             reply, status & COMPARED & ~(p->device ? NAT_ASKED : 0), mark,
             state);
    p->calls.name(p->calls.ctx, who, out, room);
}

static const char *kernel_state(const struct kernel_flow *f)
{
    static const char *const states[] = {
        "NONE",       "SYN_SENT", "SYN_RECV",  "ESTABLISHED", "FIN_WAIT",
        "CLOSE_WAIT", "LAST_ACK", "TIME_WAIT", "CLOSE",       "SYN_SENT2"};

    static const char *const sctp[] = {
        "NONE",          "CLOSED",        "COOKIE_WAIT",   "COOKIE_ECHOED",
        "ESTABLISHED",   "SHUTDOWN_SENT", "SHUTDOWN_RECD", "SHUTDOWN_ACK_SENT",
        "HEARTBEAT_SENT"};

    if (f->tuple[0].proto == 132)
        return f->state < 9 ? sctp[f->state] : "";
    return f->tuple[0].proto == 6 && f->state < 10 ? states[f->state] : "";
}

static const char *weir_state(const struct ct_view *v)
{
    return v->tuple[0].proto == 6 || v->tuple[0].proto == 132 ? v->state : "";
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
    flow_text(p, PAIR_KERNEL, text, sizeof text, f->tuple, f->status, f->mark,
              kernel_state(f));
    tell(p, PAIR_KERNEL, kind, text);
}

void pair_weir_event(void *ctx, const struct ct_event *ev)
{
    struct pair *p = ctx;
    const unsigned begins = (unsigned)CT_EVENT_NEW | (unsigned)CT_EVENT_RELATED;
    const unsigned says = begins | (unsigned)CT_EVENT_PROTOINFO;
    const char *kind = "UPDATE", *state = "";
    char text[320];

    for (unsigned i = 0; i < PAIR_TWINS; i++)
        if (p->twin[i])
            twin_told(p->twin[i], ev);
    if (p->deaf)
        return;
    if (ev->mask & (unsigned)CT_EVENT_DESTROY)
        kind = "DESTROY";
    else if (ev->mask & begins)
        kind = "NEW";
    if (ev->mask & says || ev->mask & (unsigned)CT_EVENT_DESTROY)
        state = weir_state(&ev->view);
    flow_text(p, PAIR_WEIR, text, sizeof text, ev->view.tuple, ev->view.status,
              ev->view.mark, state);
    tell(p, PAIR_WEIR, kind, text);
}

const char *pair_events(struct pair *p, enum pair_subject who)
{
    if (who == PAIR_KERNEL && !p->device)
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

/* ---- tables ---- */

static void enter(struct pair *p, enum pair_subject who,
                  const struct ct_tuple tuple[2], uint32_t status,
                  uint32_t mark, const char *state, uint32_t timeout)
{
    struct pair_flow *f = &p->flow[who][p->n_flows[who]];

    if (p->n_flows[who] == PAIR_FLOWS)
        return;
    p->n_flows[who]++;
    flow_text(p, who, f->text, sizeof f->text, tuple, status, mark, state);
    f->timeout = timeout;
    f->status = status;
}

/* SCTP's state, and what packets of each direction must bear. */
static const char *with_tags(char text[64], uint8_t proto, const char *state,
                             const uint32_t vtag[2])
{
    if (proto != 132)
        return state;
    snprintf(text, 64, "%s %x/%x", state, vtag[0], vtag[1]);
    return text;
}

static void kernel_entry(void *ctx, const struct kernel_flow *f)
{
    char text[64];

    enter(ctx, PAIR_KERNEL, f->tuple, f->status, f->mark,
          with_tags(text, f->tuple[0].proto, kernel_state(f), f->vtag),
          f->timeout);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct pair_flow *)a)->text,
                  ((const struct pair_flow *)b)->text);
}

static void device_entry(void *ctx, const struct device_flow *f)
{
    enter(ctx, PAIR_WEIR, f->tuple, f->status, f->mark,
          f->tuple[0].proto == 6 ? f->state : "", f->timeout);
}

static void weir_entries(struct pair *p)
{
    if (p->device && !device_flows(p->device, device_entry, p))
        fprintf(stderr, "weir: the API does not answer\n");
    for (uint32_t s = 0; s < pair_slots(p); s++) {
        struct ct_view v;
        char text[64];

        if (ct_read(p->rig.ct, s, p->rig.now, &v))
            enter(p, PAIR_WEIR, v.tuple, v.status, v.mark,
                  with_tags(text, v.tuple[0].proto, weir_state(&v),
                            v.proto.sctp.vtag),
                  ct_time_left_s(v.expires, p->rig.now));
    }
}

/* Those that weir has, one by one; all of them, if there are others. */
static bool kernel_entries(struct pair *p)
{
    struct ct_view v;
    uint32_t known = 0;

    for (uint32_t s = 0; s < pair_slots(p); s++)
        if (ct_read(p->rig.ct, s, p->rig.now, &v))
            known += kernel_flow(p->kernel, &v.tuple[0], kernel_entry, p);
    if (!p->device && kernel_count(p->kernel) == known)
        return true;
    p->n_flows[PAIR_KERNEL] = 0;
    return kernel_flows(p->kernel, kernel_entry, p) >= 0;
}

void pair_say(char *report, size_t room, const char *fmt, ...)
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
            pair_say(report, room, "  time: kernel %u, weir %u: %s\n",
                     a->timeout, b->timeout, a->text);
        if (c < 0)
            pair_say(report, room, "  only the kernel has: %s (%u s)\n",
                     a->text, a->timeout);
        if (c > 0)
            pair_say(report, room, "  only weir has:       %s (%u s)\n",
                     b->text, b->timeout);
        k += c <= 0;
        w += c >= 0;
    }
}

bool pair_same_tables(struct pair *p, char *report, size_t room)
{
    size_t before = strlen(report);

    p->n_flows[PAIR_KERNEL] = p->n_flows[PAIR_WEIR] = 0;
    pair_clock(p);
    if (!kernel_entries(p))
        pair_say(report, room, "the kernel's table can't be read\n");
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

/* ---- counters ---- */

static void weir_counters(const struct pair *p, struct kernel_counters *c)
{
    *c = (struct kernel_counters){
#define C(name, column) .name = ct_stat(p->rig.ct, CT_STAT_##name),
        KERNEL_COUNTERS(C)
#undef C
    };
}

void pair_count(struct pair *p)
{
    struct kernel_counters now[PAIR_N_SUBJECTS];

    if (p->device || !kernel_counters(&now[PAIR_KERNEL]))
        return;
    weir_counters(p, &now[PAIR_WEIR]);
    for (int s = 0; s < PAIR_N_SUBJECTS; s++) {
        const struct kernel_counters *was = &p->counted[s], *is = &now[s];

        p->count[s][0] = '\0';
#define C(name, column)                                                        \
    pair_say(p->count[s], sizeof p->count[s], #name " %u ",                    \
             (unsigned)(is->name - was->name));
        KERNEL_COUNTERS(C)
#undef C
        p->counted[s] = *is;
    }
}

const char *pair_counted(const struct pair *p, enum pair_subject who)
{
    return p->count[who];
}

void pair_clear(struct pair *p)
{
    struct ct_view v;

    p->deaf = true;
    for (uint32_t s = 0; s < pair_slots(p); s++)
        if (ct_read(p->rig.ct, s, p->rig.now, &v))
            kernel_forget(p->kernel, &v.tuple[0]);
    if (kernel_count(p->kernel) != 0)
        kernel_flush(p->kernel);
    if (p->device)
        device_flush(p->device);
    else
        ct_flush(p->rig.ct);
    for (unsigned i = 0; i < PAIR_TWINS; i++)
        if (p->twin[i])
            twin_flush(p->twin[i], &p->rig);
    pair_forget_events(p);
    pair_count(p);
}
