/* twin.c - see twin.h */
#include "twin.h"

#include "config/load.h"
#include "journey/walk.h"
#include "packet.h"
#include "twin_ports.h"
#include "twin_table.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEP = 64, KEPT = 8, HEAD = 2048, BIG = 65600 };

/* Tables are compared behind each packet of the first OFTEN, then behind each
 * 64th, while they have no more flows than FEW. */
enum { FEW = 64, OFTEN = 256 };

/* What became of a packet. */
struct step {
    bool dropped;
    uint8_t out, why;
    uint32_t len;
    uint8_t head[HEAD];
};

struct steps {
    unsigned n;
    struct step v[STEP];
};

struct twin {
    struct rig rig;
    struct twin_ports *ports;
    struct steps ref, own;
    struct twin_events ref_events, own_events;
    unsigned said;
    uint64_t counted[2][TWIN_COUNTERS]; /* by both when they were flushed */
    uint64_t announced;                 /* of the world's, before this packet */
    uint64_t created;                   /* of the world's, before this packet */
    bool deaf;
    enum ct_reason refuse;
    unsigned n_kept;
    struct ct_pkt kept[KEPT];
    uint32_t kept_at[KEPT];
    uint64_t kept_cuts[KEPT][CT_CUTS];
    uint8_t kept_room[KEPT][CT_HEADROOM + 9216 + CT_HEADROOM];
    char wrong[8192];
};

/* ---- what both did ---- */

static struct step *next(struct steps *s)
{
    if (s->n == STEP)
        return NULL;
    return &s->v[s->n++];
}

static void note(struct steps *s, const struct ct_pkt *pkt, bool dropped)
{
    struct step *is = next(s);

    if (is == NULL)
        return;
    *is = (struct step){.dropped = dropped, .why = dropped ? pkt->why : 0};
    if (dropped)
        return;
    is->out = pkt->out;
    is->len = pkt->len;
    memcpy(is->head, pkt->data, pkt->len < HEAD ? pkt->len : HEAD);
}

void twin_sent(struct twin *t, const struct ct_pkt *pkt)
{
    note(&t->ref, pkt, false);
}

void twin_dropped(struct twin *t, const struct ct_pkt *pkt)
{
    note(&t->ref, pkt, true);
}

void twin_told(struct twin *t, const struct ct_event *ev)
{
    twin_events_add(&t->ref_events, ev, NULL);
}

void twin_deaf(struct twin *t, bool deaf)
{
    t->deaf = deaf;
}

void twin_refuse(struct twin *t, enum ct_reason why)
{
    t->refuse = why;
}

/* In the world's ports, and without what is each shard's own. */
static void make_alike(struct twin *t, struct step *ref, struct step *own,
                       bool begins)
{
    uint32_t len = ref->len < HEAD ? ref->len : HEAD;

    if (ref->dropped || own->dropped || ref->len != own->len)
        return;
    if (begins && ref->len <= HEAD)
        twin_ports_learn(t->ports, ref->head, len, own->head, len);
    if (own->len <= HEAD)
        twin_ports_turn(t->ports, own->head, len, false, true);
    twin_ports_blank(ref->head, len);
    twin_ports_blank(own->head, len);
}

static bool same_step(const struct step *a, const struct step *b)
{
    uint32_t len = a->len < HEAD ? a->len : HEAD;

    if (a->dropped != b->dropped || a->why != b->why || a->out != b->out ||
        a->len != b->len)
        return false;
    return a->dropped || memcmp(a->head, b->head, len) == 0;
}

/* What several shards do at one moment, they do in any order. */
static bool same_steps(struct twin *t, bool begins, bool in_order)
{
    bool met[STEP] = {false};

    if (t->ref.n != t->own.n)
        return false;
    for (unsigned i = 0; i < t->ref.n; i++)
        make_alike(t, &t->ref.v[i], &t->own.v[i], begins);
    for (unsigned i = 0; i < t->ref.n; i++) {
        unsigned k = in_order ? i : 0;

        while (k < t->own.n &&
               (met[k] || !same_step(&t->ref.v[i], &t->own.v[k])))
            k = in_order ? t->own.n : k + 1;
        if (k == t->own.n)
            return false;
        met[k] = true;
    }
    return true;
}

static void text_of(char out[512], const struct steps *s)
{
    size_t n = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < s->n && n < 400; i++) {
        char text[320] = "";

        if (!s->v[i].dropped)
            packet_print_brief(text, sizeof text, s->v[i].head,
                               s->v[i].len < HEAD ? s->v[i].len : HEAD);
        n += (size_t)snprintf(
            out + n, 512 - n, "    %s %.300s\n",
            s->v[i].dropped ? ct_reason_name(s->v[i].why) : "out", text);
    }
}

static void count(const struct twin *t, const struct rig *ref,
                  uint64_t v[2][TWIN_COUNTERS])
{
    twin_table_read_counters(ref, v[0]);
    twin_table_read_counters(&t->rig, v[1]);
}

/* What both have now; few: only tables that are soon read. */
static bool same_state(struct twin *t, const struct rig *ref, char *text,
                       size_t room, bool few)
{
    uint64_t now[2][TWIN_COUNTERS];
    bool same, all = !few || ct_stat(ref->ct, CT_STAT_entries) <= FEW;

    if (few && t->said++ >= OFTEN)
        all &= t->said % 64 == 0;
    text[0] = '\0';
    same =
        rig_stat(&t->rig, CT_STAT_entries) == ct_stat(ref->ct, CT_STAT_entries);
    if (all)
        same &= twin_table_same(ref, &t->rig, t->ports, text, room);
    count(t, ref, now);
    for (int i = 0; i < TWIN_COUNTERS; i++)
        for (int who = 0; who < 2; who++)
            now[who][i] -= t->counted[who][i];
    return twin_table_same_counters(now[0], now[1], text, room) && same;
}

static const char *compare(struct twin *t, const struct rig *ref, bool in_order)
{
    bool begins = ct_stat(ref->ct, CT_STAT_created) > t->created, same;
    char a[512], b[512], state[4096], told[2048] = "";

    if (rig_stat(ref, CT_STAT_expect_create) > t->announced)
        twin_table_announce(ref, &t->rig, t->ports);
    t->announced = rig_stat(ref, CT_STAT_expect_create);
    text_of(a, &t->ref);
    text_of(b, &t->own);
    same = same_steps(t, begins, in_order);
    same &= same_state(t, ref, state, sizeof state, true);
    same &= twin_table_same_events(&t->ref_events, &t->own_events, t->ports,
                                   told, sizeof told);
    t->ref.n = t->own.n = t->ref_events.n = t->own_events.n = 0;
    t->created = ct_stat(ref->ct, CT_STAT_created);
    if (same)
        return NULL;
    snprintf(t->wrong, sizeof t->wrong,
             "%u shards do something else: %llu flows, not %llu\n  one:\n%s"
             "  %u:\n%s%s%s",
             t->rig.n, (unsigned long long)rig_stat(&t->rig, CT_STAT_entries),
             (unsigned long long)ct_stat(ref->ct, CT_STAT_entries), a, t->rig.n,
             b, state, told);
    return t->wrong;
}

/* ---- the twin's own ---- */

static enum ct_reason tx(void *ctx, struct ct_pkt *pkt)
{
    struct twin *t = ctx;

    if (t->refuse == CT_REASON_NONE)
        note(&t->own, pkt, false);
    return t->refuse;
}

static void dropped(void *ctx, const struct ct_pkt *pkt)
{
    note(&((struct twin *)ctx)->own, pkt, true);
}

static void event(void *ctx, const struct ct_event *ev)
{
    struct twin *t = ctx;

    twin_events_add(&t->own_events, ev, t->ports);
}

static enum ct_verdict queue(void *ctx, struct ct_pkt *pkt)
{
    struct twin *t = ctx;
    unsigned i = t->n_kept;

    if (t->deaf || i == KEPT || pkt->len > 9216)
        return CT_DROP;
    t->n_kept++;
    t->kept[i] = *pkt;
    t->kept[i].data = t->kept_room[i] + CT_HEADROOM;
    memcpy(t->kept[i].data, pkt->data, pkt->len);
    if (pkt->cuts) {
        memcpy(t->kept_cuts[i], pkt->cuts, sizeof t->kept_cuts[i]);
        t->kept[i].cuts = t->kept_cuts[i];
    }
    t->kept_at[i] = t->rig.at;
    return CT_QUEUE;
}

/* The same text with so many workers, malloc()ed. */
static char *with_workers(const char *json, unsigned workers)
{
    char *text = NULL;

    if (asprintf(&text, "{\"workers\":%u,%s", workers, json + 1) < 0)
        abort();
    return text;
}

static void ignore(void *ctx, const struct config_error *e)
{
    (void)ctx;
    (void)e;
}

static bool is_refused(const char *text)
{
    struct config *config = NULL;
    bool ok = config_load_text(text, strlen(text), &(struct config_input){0},
                               &config, ignore, NULL) == 0;

    if (ok)
        config_load_free(config);
    return !ok;
}

struct twin *twin_open(const char *json, ct_time start, bool host,
                       unsigned workers)
{
    char *text = with_workers(json, workers);
    struct twin *t = NULL;

    if (!is_refused(text)) {
        t = calloc(1, sizeof *t);
        if (!t)
            abort();
        t->ports = twin_ports_new(host);
        rig_open(&t->rig, text, start,
                 &(struct rig_calls){.tx = tx,
                                     .dropped = dropped,
                                     .event = event,
                                     .queue = queue,
                                     .host = host,
                                     .ctx = t});
    }
    free(text);
    return t;
}

void twin_close(struct twin *t)
{
    rig_close(&t->rig);
    twin_ports_free(t->ports);
    free(t);
}

void twin_reload(struct twin *t, const char *json)
{
    char *text = with_workers(json, t->rig.n);

    rig_reload(&t->rig, text);
    free(text);
}

const char *twin_say(struct twin *t, const struct rig *ref, const uint8_t *data,
                     uint32_t len, uint8_t in, bool partial)
{
    static uint8_t room[CT_HEADROOM + BIG + CT_HEADROOM];
    struct ct_pkt pkt = {.data = room + CT_HEADROOM,
                         .len = len,
                         .in = in,
                         .csum_partial = partial};

    memcpy(pkt.data, data, len);
    twin_ports_turn(t->ports, pkt.data, len, true, partial);
    if (ct_stat(ref->ct, CT_STAT_created) > t->created)
        twin_ports_learn_said(t->ports, data, pkt.data, len);
    t->rig.now = ref->now;
    rig_walk(&t->rig, &pkt);
    return compare(t, ref, true);
}

const char *twin_resume(struct twin *t, const struct rig *ref, unsigned nth,
                        enum ct_verdict verdict)
{
    if (nth < t->n_kept) {
        t->rig.at = t->kept_at[nth];
        journey_resume(t->rig.shard[t->rig.at].journey, &t->kept[nth], verdict,
                       ref->now);
    }
    return compare(t, ref, true);
}

void twin_tick(struct twin *t, ct_time now)
{
    t->rig.now = now;
    rig_tick(&t->rig);
}

const char *twin_elapsed(struct twin *t, const struct rig *ref)
{
    return compare(t, ref, false);
}

const char *twin_end(struct twin *t, const struct rig *ref)
{
    const char *wrong;
    char state[4096];

    twin_tick(t, ref->now);
    wrong = rig_check(&t->rig);
    if (!wrong)
        wrong = rig_check_shards(&t->rig);
    if (!wrong && same_state(t, ref, state, sizeof state, false))
        return NULL;
    snprintf(t->wrong, sizeof t->wrong, "%u shards at the end: %s\n%s",
             t->rig.n, wrong ? wrong : "others have", wrong ? "" : state);
    return t->wrong;
}

void twin_flush(struct twin *t, const struct rig *ref)
{
    for (uint32_t i = 0; i < t->rig.n; i++)
        ct_flush(t->rig.shard[i].ct);
    t->ref_events.n = t->own_events.n = 0;
    twin_ports_free(t->ports);
    t->ports = twin_ports_new(t->rig.host);
    count(t, ref, t->counted);
}

void twin_forget_limits(struct twin *t)
{
    for (uint32_t i = 0; i < t->rig.n; i++)
        ratelimit_setup(&t->rig.shard[i].journey->limit, 1, 1);
}
