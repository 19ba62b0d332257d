/* judge.c - play a talk on both routers, compare each step, shrink what
 * differs */
#include "judge.h"

#include "packet.h"

#include "bytes.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* What left, as comparable text. */
struct outputs {
    char text[4096];
    size_t len;
};

struct judge {
    struct pair *pair;
    struct talk_view view[PAIR_N_SUBJECTS];
    /* of the step that is played */
    const struct talk *talk;
    const struct talk_step *step;
    struct outputs out[PAIR_N_SUBJECTS];
    uint64_t stated[PAIR_N_DIFFERENCES];
};

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

/* A port or id that a router chose because the flow's own was taken, as a word
 * that says whose it is; NULL: none of these. */
static const char *word_of(const struct judge *j, enum pair_subject who,
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
static void name_ports(const struct judge *j, enum pair_subject who, char *line,
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
static void name_id(const struct judge *j, enum pair_subject who, char *line,
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

static void name(void *ctx, enum pair_subject who, char *line, size_t room)
{
    name_ports(ctx, who, line, room);
    name_id(ctx, who, line, room);
}

static uint16_t outside_port(const struct talk_flow *f, const uint8_t *d,
                             size_t len)
{
    size_t l4 = d[0] >> 4 == 4 ? (d[0] & 15u) * 4u : 40;

    if (len < l4 + 8)
        return 0;
    if (f->proto == TALK_ECHO)
        return bytes_get16(d + l4 + 4);
    return bytes_get16(d + l4);
}

static uint8_t proto_of(const struct talk_flow *f)
{
    static const uint8_t protos[TALK_N_PROTOS] = {
        [TALK_TCP] = 6,       [TALK_UDP] = 17, [TALK_ECHO] = 1,
        [TALK_UDPLITE] = 136, [TALK_GRE] = 47, [TALK_SCTP] = 132,
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

static void left(void *ctx, enum pair_subject who, bool wan, uint8_t *d,
                 size_t len)
{
    struct judge *j = ctx;
    struct talk_view *v = &j->view[who];
    char line[1024];

    pair_blank_id(d, len);
    if (wan && is_own_way(j, d, len)) {
        const struct talk_flow *f = &j->talk->flow[j->step->flow];
        uint16_t *port = j->step->kind == TALK_STRANGE
                             ? &v->stranger[j->step->flow]
                             : &v->port[j->step->flow];

        *port = outside_port(f, d, len);
    }
    packet_print(line, sizeof line, d, len);
    name(j, who, line, sizeof line);
    add(&j->out[who], "    %s %s\n", wan ? "wan" : "lan", line);
}

/* ---- life ---- */

struct judge *judge_open(char err[256])
{
    struct judge *j = calloc(1, sizeof *j);

    if (!j)
        return NULL;
    j->pair = pair_open(
        &(struct pair_calls){.left = left, .name = name, .ctx = j}, err);
    if (j->pair)
        return j;
    free(j);
    return NULL;
}

void judge_close(struct judge *j)
{
    pair_close(j->pair);
    free(j);
}

/* ---- differences that are stated ---- */

/* The port of the flow that walks, class by class, and of the others of its
 * source.  mapping_stays: of a source with two mappings the kernel takes the
 * newer one for the next remote, weir the older. */
static bool is_mapping_stays(const struct judge *j)
{
    const struct talk *t = j->talk;
    const struct talk_flow *f = &t->flow[j->step->flow];
    uint16_t kernel = j->view[PAIR_KERNEL].port[j->step->flow];
    uint16_t weir = j->view[PAIR_WEIR].port[j->step->flow];
    bool two = false;

    if (j->step->reply || j->step->kind != TALK_PLAIN || !kernel || !weir ||
        (kernel == f->sport) == (weir == f->sport))
        return false;
    for (unsigned i = 0; i < t->n_flows; i++) {
        const struct talk_flow *o = &t->flow[i];
        uint16_t port = j->view[PAIR_KERNEL].port[i];

        if (i != j->step->flow && o->proto == f->proto && o->six == f->six &&
            o->client == f->client && o->sport == f->sport && port &&
            port != o->sport)
            two = true;
    }
    return two;
}

/* ---- a talk ---- */

enum played { PLAYED, STATED, DIFFERS };

/* Difference udplite_sum: the kernel must not look at a right sum. */
static void put(struct judge *j, enum pair_subject who, bool reply,
                const uint8_t *data, size_t len)
{
    bool blind = who == PAIR_KERNEL && j->step->kind != TALK_BADSUM &&
                 j->talk->flow[j->step->flow].proto == TALK_UDPLITE;

    if (blind)
        pair_look_at_sums(j->pair, false);
    pair_put(j->pair, who, reply, data, len, true);
    if (blind)
        pair_look_at_sums(j->pair, true);
}

/* What the kernel may have made of them, in whole or in part, is unknown. */
static uint64_t refused_bundles(const struct judge *j,
                                const struct talk_step *s)
{
    return strchr(s->chunks, '+') == NULL
               ? 0
               : pair_refused(j->pair, CT_REASON_SCTP_BUNDLE) +
                     pair_refused(j->pair, CT_REASON_SCTP_VTAG) +
                     pair_refused(j->pair, CT_REASON_SCTP_STATE);
}

static enum played play(struct judge *j, const struct talk *t, unsigned i,
                        char *report, size_t room)
{
    uint64_t bundles = refused_bundles(j, &t->step[i]);
    uint8_t data[4096];
    char line[PAIR_N_SUBJECTS][1024];

    if (t->step[i].wait_ms)
        usleep(t->step[i].wait_ms * 1000u);
    j->step = &t->step[i];
    for (int s = 0; s < PAIR_N_SUBJECTS; s++) {
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
        put(j, s, t->step[i].reply, data, len);
    }
    if (refused_bundles(j, &t->step[i]) != bundles) {
        j->stated[PAIR_sctp_bundle]++;
        return STATED;
    }
    if (strcmp(j->out[PAIR_KERNEL].text, j->out[PAIR_WEIR].text) == 0)
        return PLAYED;
    if (is_mapping_stays(j)) {
        j->stated[PAIR_mapping_stays]++;
        return STATED;
    }
    snprintf(report, room,
             "step %u: %s\n  the kernel sent:\n%s  weir sent:\n%s", i,
             line[PAIR_WEIR], j->out[PAIR_KERNEL].text, j->out[PAIR_WEIR].text);
    return DIFFERS;
}

static bool same_talk(struct judge *j, const struct talk *t, const bool *steps,
                      char *report, size_t room)
{
    const char *wrong;

    report[0] = '\0';
    j->talk = t;
    memset(j->view, 0, sizeof j->view);
    pair_clear(j->pair);
    for (unsigned i = 0; i < t->n_steps; i++) {
        enum played p = PLAYED;

        if (steps[i])
            p = play(j, t, i, report, room);
        if (p != PLAYED) /* from here on the two are not to be compared */
            return p == STATED;
    }
    if (!pair_settle(j->pair)) {
        snprintf(report, room, "the sentinel did not come out\n");
        return false;
    }
    if (!pair_same_tables(j->pair, report, room))
        return false;
    wrong = pair_check(j->pair);
    if (wrong)
        snprintf(report, room, "%s\n", wrong);
    return wrong == NULL;
}

bool judge_talk(struct judge *j, const struct talk *t, const bool *steps,
                char *report, size_t room)
{
    bool same = same_talk(j, t, steps, report, room);

    return pair_same_twins(j->pair, report, room) && same;
}

void judge_print(struct judge *j)
{
    static const char *const names[] = {"kernel", "weir  "};
    char report[16384] = "";

    pair_same_tables(j->pair, report, sizeof report);
    for (int s = 0; s < PAIR_N_SUBJECTS; s++) {
        unsigned n;
        const struct pair_flow *f = pair_flows(j->pair, s, &n);

        for (unsigned i = 0; i < n; i++)
            printf("%s %s %u s\n", names[s], f[i].text, f[i].timeout);
    }
}

uint64_t judge_stated(const struct judge *j, enum pair_difference d)
{
    return j->stated[d];
}
