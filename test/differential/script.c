/* script.c - read a script's lines, play them, and say what differs */
#include "script.h"

#include "packet.h"

#include <ctcore/types.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MOST_CHOICES = 9, LINE = 1400 };

/* What one router sent of the step that is played. */
struct sent {
    char text[4096];
    unsigned same, other; /* packets, by the side they left */
};

struct stage {
    struct pair *pair;
    const struct script *script;
    const struct script_setup *setup;
    bool wan;    /* the side by which the packet entered */
    bool many;   /* count only */
    bool raw;    /* difference icmp_df: leave it visible */
    bool device; /* no events are told */
    bool parted; /* several workers have done something else */
    struct sent sent[PAIR_N_SUBJECTS];
    char choice[PAIR_N_SUBJECTS][MOST_CHOICES][48];
    unsigned n_choices[PAIR_N_SUBJECTS];
    char events[PAIR_N_SUBJECTS][16384]; /* of the last step */
    char *report;
    size_t room;
};

static const struct script_setup masquerade = {
    pair_masquerade, "", "", 0, 0, false};

static bool fail(struct stage *g, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));
static bool fail(struct stage *g, const char *fmt, ...)
{
    size_t n = strlen(g->report);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(g->report + n, g->room - n, fmt, ap);
    va_end(ap);
    return false;
}

/* ---- what a router chose by itself ---- */

/* Does a line of the script say this, as a whole word's end? */
static bool says(const struct stage *g, const char *what)
{
    size_t n = strlen(what);

    for (const char *at = strstr(g->script->steps, what); at;
         at = strstr(at + 1, what))
        if (at[n] < '0' || at[n] > '9')
            return true;
    return false;
}

static const char *class_of(const struct stage *g, unsigned port)
{
    if (g->setup->lo != 0)
        return port >= g->setup->lo && port <= g->setup->hi ? "ranged"
                                                            : "astray";
    return port < 512 ? "low" : port < 1024 ? "mid" : "high";
}

/* $N of this text, which becomes one when there is room. */
static unsigned chosen(struct stage *g, enum pair_subject who, const char *text)
{
    unsigned i = 0;

    while (i < g->n_choices[who] && strcmp(g->choice[who][i], text) != 0)
        i++;
    if (i == g->n_choices[who] && i < MOST_CHOICES) {
        snprintf(g->choice[who][i], sizeof g->choice[who][i], "%s", text);
        g->n_choices[who]++;
    }
    return i + 1;
}

/* An address of the pool 198.51.100.16 to .31, a port or an id at `at`: its
 * word, and how many bytes it replaces; 0: nothing free stands here. */
static int word_at(struct stage *g, enum pair_subject who, const char *line,
                   const char *at, char *word, size_t room)
{
    char text[48], before = at == line ? ' ' : at[-1];
    unsigned a, n;
    int used = 0;

    if (sscanf(at, "198.51.100.%u%n", &a, &used) == 1 && a >= 16 && a < 32) {
        snprintf(text, sizeof text, "198.51.100.%u", a);
        snprintf(word, room, "$%u", chosen(g, who, text));
        return used;
    }
    if (*at == ':' && (before == ']' || (before >= '0' && before <= '9')) &&
        sscanf(at, ":%u%n", &n, &used) == 1 && n < 65536) {
        const char *word_begins = at;

        while (word_begins > line && word_begins[-1] != ' ' &&
               word_begins[-1] != '{')
            word_begins--;
        if (before != ']' && memchr(word_begins, '.', 16) == NULL)
            return 0;
        snprintf(text, sizeof text, ":%u", n);
        if (n == 0 || says(g, text))
            return 0;
        snprintf(word, room, ":$%u%s", chosen(g, who, text + 1),
                 class_of(g, n));
        return used;
    }
    if (sscanf(at, " id %u%n", &n, &used) == 1 && strncmp(at, " id", 3) == 0) {
        snprintf(text, sizeof text, " id %u", n);
        if (says(g, text))
            return 0;
        snprintf(word, room, " id $%u", chosen(g, who, text + 4));
        return used;
    }
    return 0;
}

static void name(void *ctx, enum pair_subject who, char *line, size_t room)
{
    struct stage *g = ctx;
    char out[LINE], word[64];
    size_t n = 0;

    if (!g->script || g->many)
        return;
    for (const char *at = line; *at && n + sizeof word < sizeof out;) {
        int used = word_at(g, who, line, at, word, sizeof word);

        if (used > 0) {
            n += (size_t)snprintf(out + n, sizeof out - n, "%s", word);
            at += used;
        } else {
            out[n++] = *at++;
        }
    }
    out[n] = '\0';
    snprintf(line, room, "%s", out);
}

/* The other way: $N in a packet's line as this router has it. */
static bool put_choices(struct stage *g, enum pair_subject who,
                        const char *line, char *out, size_t room)
{
    size_t n = 0;

    for (; *line && n + 1 < room; line++) {
        unsigned i = (unsigned)(line[1] - '1');

        if (line[0] != '$') {
            out[n++] = *line;
            continue;
        }
        if (i >= g->n_choices[who])
            return fail(g, "  $%c was not chosen by %s\n", line[1],
                        who == PAIR_KERNEL ? "the kernel" : "weir");
        n += (size_t)snprintf(out + n, room - n, "%s", g->choice[who][i]);
        line++;
    }
    out[n < room ? n : room - 1] = '\0';
    return true;
}

/* ---- packets ---- */

static void left(void *ctx, enum pair_subject who, bool wan, uint8_t *d,
                 size_t len)
{
    struct stage *g = ctx;
    struct sent *s = &g->sent[who];
    size_t n = strlen(s->text);
    char line[LINE];

    if (wan == g->wan)
        s->same++;
    else
        s->other++;
    if (g->many)
        return;
    if (!g->raw)
        pair_blank_id(d, len);
    packet_print(line, sizeof line, d, len);
    name(g, who, line, sizeof line);
    snprintf(s->text + n, sizeof s->text - n, "    %s %s\n",
             wan ? "wan" : "lan", line);
}

static bool enters_by_wan(const char *line)
{
    const char *at = strrchr(line, '@');

    if (at)
        return strncmp(at, "@wan", 4) == 0;
    return strncmp(line, "10.0.1.", 7) != 0 &&
           strncmp(line, "[fd00:1::", 9) != 0 &&
           strncmp(line, "fd00:1::", 8) != 0;
}

static bool put(struct stage *g, enum pair_subject who, const char *line)
{
    uint8_t data[4096];
    char own[LINE];
    size_t len;

    if (!put_choices(g, who, line, own, sizeof own))
        return false;
    g->wan = enters_by_wan(own);
    if (strrchr(own, '@'))
        *strrchr(own, '@') = '\0';
    len = packet_build(data, sizeof data, own);
    if (len == 0)
        return fail(g, "  no packet: %s\n", own);
    pair_put(g->pair, who, g->wan, data, len, !g->setup->limited);
    return true;
}

/* ---- what both must have in common ---- */

static const char *kind_of(const struct sent *s, char fate)
{
    bool is = fate == '?' || (fate == '-' && s->same + s->other == 0) ||
              (fate == '+' && s->other > 0 && s->same == 0) ||
              (fate == '<' && s->same > 0 && s->other == 0);

    return is ? NULL : s->other ? "left" : s->same ? "came back" : "is gone";
}

static bool had_fate(struct stage *g, enum pair_subject who, char fate)
{
    const char *wrong = kind_of(&g->sent[who], fate);

    if (!wrong)
        return true;
    return fail(g, "  expected '%c' of %s, but it %s\n", fate,
                who == PAIR_KERNEL ? "the kernel" : "weir", wrong);
}

static bool same_sent(const struct stage *g)
{
    const struct sent *k = &g->sent[PAIR_KERNEL], *w = &g->sent[PAIR_WEIR];

    return k->same == w->same && k->other == w->other &&
           strcmp(k->text, w->text) == 0;
}

static bool same_events(struct stage *g)
{
    for (int s = 0; s < PAIR_N_SUBJECTS; s++)
        snprintf(g->events[s], sizeof g->events[s], "%s",
                 pair_events(g->pair, s));
    pair_forget_events(g->pair);
    return strcmp(g->events[PAIR_KERNEL], g->events[PAIR_WEIR]) == 0;
}

static bool same_counts(struct stage *g)
{
    pair_count(g->pair);
    return strcmp(pair_counted(g->pair, PAIR_KERNEL),
                  pair_counted(g->pair, PAIR_WEIR)) == 0;
}

/* With several workers; where a difference is stated it has shown now. */
static bool same_workers(struct stage *g)
{
    char stated[8192] = "";

    if (g->script->workers == NULL)
        return pair_same_twins(g->pair, g->report, g->room);
    g->parted |= !pair_same_twins(g->pair, stated, sizeof stated);
    return true;
}

static bool compare(struct stage *g)
{
    bool same = pair_same_tables(g->pair, g->report, g->room);

    if (!same_sent(g))
        same = fail(g, "  the kernel sent:\n%s  weir sent:\n%s",
                    g->sent[PAIR_KERNEL].text, g->sent[PAIR_WEIR].text);
    if (!same_events(g))
        same = fail(g, "  the kernel told:\n%s  weir told:\n%s",
                    g->events[PAIR_KERNEL], g->events[PAIR_WEIR]);
    if (!same_counts(g))
        same = fail(g, "  the kernel counted %s\n  weir counted       %s\n",
                    pair_counted(g->pair, PAIR_KERNEL),
                    pair_counted(g->pair, PAIR_WEIR));
    return same_workers(g) && same;
}

/* Something must differ here. */
static bool differs(struct stage *g)
{
    char ignored[8192] = "";

    if (!same_sent(g) || !same_events(g) ||
        !pair_same_tables(g->pair, ignored, sizeof ignored) || !same_counts(g))
        return true;
    return fail(g, "  difference %s does not show\n", g->script->differs);
}

/* ---- lines ---- */

static bool play_packet(struct stage *g, const char *line)
{
    unsigned times = 1, from = 0;
    char fate[PAIR_N_SUBJECTS], one[LINE];
    bool stated = *line == '~';
    int used = 0;

    g->many = sscanf(line, "many %u %u %n", &times, &from, &used) == 2;
    line += used;
    if (*line == '~') {
        stated = true;
        line++;
    }
    fate[PAIR_KERNEL] = *line++;
    fate[PAIR_WEIR] = stated ? *line++ : fate[PAIR_KERNEL];
    line += *line == ' ';
    memset(g->sent, 0, sizeof g->sent);
    for (int s = 0; s < PAIR_N_SUBJECTS; s++)
        for (unsigned i = 0; i < times; i++) {
            const char *mark = strstr(line, "%u");

            if (mark)
                snprintf(one, sizeof one, "%.*s%u%s", (int)(mark - line), line,
                         from + i, mark + 2);
            if (!put(g, s, mark ? one : line))
                return false;
        }
    if (!had_fate(g, PAIR_KERNEL, fate[PAIR_KERNEL]) |
        !had_fate(g, PAIR_WEIR, fate[PAIR_WEIR]))
        return compare(g) && false;
    return stated ? differs(g) : compare(g);
}

static bool play_wait(struct stage *g, const char *line)
{
    unsigned ms;

    if (sscanf(line, "wait %u", &ms) != 1)
        return fail(g, "  not understood\n");
    memset(g->sent, 0, sizeof g->sent);
    usleep(ms * 1000);
    pair_tick(g->pair);
    return compare(g);
}

static bool flow_says(const struct pair_flow *f, const char *word)
{
    char *end;
    unsigned long n = strtoul(word, &end, 10);

    if (*end == '\0')
        return n == f->timeout || n == f->timeout + 1;
    if (strcmp(word, "UNREPLIED") == 0)
        return !(f->status & CT_SEEN_REPLY);
    if (strcmp(word, "REPLIED") == 0)
        return f->status & CT_SEEN_REPLY && !(f->status & CT_ASSURED);
    if (strcmp(word, "ASSURED") == 0)
        return f->status & CT_ASSURED;
    return strstr(f->text, word) != NULL;
}

static bool flow_says_all(const struct pair_flow *f, const char *words)
{
    char all[LINE], *rest;

    snprintf(all, sizeof all, "%s", words);
    for (char *w = strtok_r(all, " ", &rest); w; w = strtok_r(NULL, " ", &rest))
        if (!flow_says(f, w))
            return false;
    return true;
}

/* "= WORDS" of the kernel's table; weir's is the same by now. */
static bool table_says(struct stage *g, const char *words)
{
    unsigned n, want;
    int used = 0;
    const struct pair_flow *f = pair_flows(g->pair, PAIR_KERNEL, &n);

    if (strcmp(words, "none") == 0 ||
        (sscanf(words, "%u flows%n", &want, &used) == 1 && used > 0)) {
        want = words[0] == 'n' ? 0 : want;
        return n == want || fail(g, "  %u flows\n", n);
    }
    for (unsigned i = 0; i < n; i++)
        if (flow_says_all(&f[i], words))
            return true;
    for (unsigned i = 0; i < n; i++)
        fail(g, "  there is: %s (%u s)\n", f[i].text, f[i].timeout);
    return fail(g, "  no such flow\n");
}

static bool events_say(struct stage *g, const char *kinds)
{
    char told[LINE] = "";
    size_t n = 0;

    for (const char *at = g->events[PAIR_KERNEL];
         *at && n < sizeof told - 16;) {
        char kind[16];

        sscanf(at, " %15s", kind);
        n += (size_t)snprintf(told + n, sizeof told - n, "%s%s", n ? " " : "",
                              kind);
        at = strchr(at, '\n');
        at = at ? at + 1 : "";
    }
    return g->device || strcmp(told, kinds) == 0 ||
           fail(g, "  told: %s\n", told);
}

static bool play_line(struct stage *g, const char *line)
{
    if (strncmp(line, "= ", 2) == 0)
        return table_says(g, line + 2);
    if (strncmp(line, "* ", 2) == 0)
        return events_say(g, line + 2);
    if (strncmp(line, "wait ", 5) == 0)
        return play_wait(g, line);
    return play_packet(g, line);
}

bool script_play(struct stage *g, const struct script *s, char *report,
                 size_t room)
{
    unsigned at = 0;
    char line[LINE];
    const char *wrong;

    g->script = s;
    g->setup = s->setup ? s->setup : &masquerade;
    g->raw = s->differs && strcmp(s->differs, "icmp_df") == 0;
    g->report = report;
    g->room = room;
    report[0] = '\0';
    g->parted = false;
    memset(g->n_choices, 0, sizeof g->n_choices);
    if (!pair_setup(g->pair, g->setup->nft, g->setup->weir, g->setup->set))
        return fail(g, "  the setup is refused\n");
    for (const char *step = s->steps; *step;) {
        at++;
        snprintf(line, sizeof line, "%.*s", (int)strcspn(step, "\n"), step);
        step += strcspn(step, "\n");
        step += *step == '\n';
        if (!play_line(g, line))
            return fail(g, "at line %u of %s: %s\n", at, s->name, line);
    }
    pair_tick(g->pair);
    wrong = pair_check(g->pair);
    if (wrong)
        return fail(g, "%s\n", wrong);
    if (!same_workers(g))
        return fail(g, "behind the last line of %s\n", s->name);
    return s->workers == NULL || g->parted ||
           fail(g, "more workers do the same: %s does not show\n", s->workers);
}

static struct stage *begin(const char *weir, char err[256])
{
    struct stage *g = calloc(1, sizeof *g);
    struct pair_calls calls = {.left = left, .name = name, .ctx = g};

    if (!g)
        return NULL;
    g->pair =
        weir ? pair_open_device(&calls, weir, err) : pair_open(&calls, err);
    g->device = weir != NULL;
    if (g->pair)
        return g;
    free(g);
    return NULL;
}

struct stage *script_open(char err[256])
{
    return begin(NULL, err);
}

struct stage *script_open_device(const char *weir, char err[256])
{
    return begin(weir, err);
}

void script_close(struct stage *g)
{
    pair_close(g->pair);
    free(g);
}
