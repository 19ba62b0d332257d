/* generate.c - the manual pages, from their text and the lists of the sources
 *
 * A page is text in mdoc(7).  Where a line says `.\" @NAME`, the rows of a list
 * stand in the page that is made: of the options below a path (@options
 * /conntrack/), of matches, actions, calls, metrics and others, see lists[].
 * So a page can't differ from the program.
 *
 * Run at build time: generate NAME.in NAME. */
#include "config/options.def"
#include "queue/wire.h"

#include <ctcore/helpers.def>
#include <ctcore/matches.def>
#include <ctcore/options.def>
#include <ctcore/params.def>
#include <ctcore/reasons.def>
#include <ctcore/stats.def>
#include <ctcore/words.h>
#include <web/iface.def>
#include <web/metrics.def>
#include <web/options.def>
#include <web/routes.def>

#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- lines of mdoc ---- */

enum { WIDTH = 78 };

/* A word as mdoc wants it: no escape begins, and no macro does. */
static void put_word(const char *word, size_t n, size_t *column)
{
    if (*column > 0 && *column + 1 + n > WIDTH) {
        putchar('\n');
        *column = 0;
    } else if (*column > 0) {
        putchar(' ');
        ++*column;
    }
    if (*column == 0 && (word[0] == '.' || word[0] == '\''))
        fputs("\\&", stdout);
    for (size_t i = 0; i < n; i++)
        if (word[i] == '\\')
            fputs("\\e", stdout);
        else if (word[i] != '`') /* Markdown's mark for code */
            putchar(word[i]);
    *column += n;
}

/* A sentence begins a line; an abbreviation has no blank and capital behind. */
static bool ends_sentence(const char *behind, size_t n)
{
    return n > 2 && behind[-1] == '.' && behind[0] == ' ' &&
           isupper((unsigned char)behind[1 + strspn(behind + 1, " ")]);
}

static void put_words(const char *text, size_t *column)
{
    while (*text) {
        size_t n;

        text += strspn(text, " ");
        n = strcspn(text, " ");
        if (n > 0)
            put_word(text, n, column);
        text += n;
        if (ends_sentence(text, n)) {
            putchar('\n');
            *column = 0;
        }
    }
}

/* A paragraph of running text. */
__attribute__((format(printf, 1, 2))) static void say(const char *fmt, ...)
{
    char text[4096];
    size_t column = 0;
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    if (!text[0])
        return;
    text[0] = (char)toupper((unsigned char)text[0]);
    put_words(text, &column);
    if (text[strlen(text) - 1] != '.')
        putchar('.');
    putchar('\n');
}

/* The head of an entry in a list of entries. */
static void head(const char *name)
{
    printf(".It Cm %s\n", name);
}

/* ---- options ---- */

static const char *below; /* of this path only */

static bool is_asked(const char *path)
{
    return strncmp(path, below, strlen(below)) == 0;
}

/* The key: conntrack.max for /conntrack/max. */
static void option_head(const char *path)
{
    char key[128];
    size_t n = 0;

    for (path++; *path && n < sizeof key - 1; path++)
        key[n++] = *path == '/' ? '.' : *path;
    key[n] = '\0';
    head(key);
}

#define WHEN_RELOAD "A reload changes it."
#define WHEN_START  "Only a start changes it."
#define WHEN_LESS   "A reload may set it, up to its value at the start."
#define WHEN_ON                                                                \
    "A reload may switch it off, and on again if it was on at the start."

#define FORM_TEXT           "A text"
#define FORM_TEXT_OR_NULL   "A text or null"
#define FORM_NUMBER_OR_NULL "A number or null"
#define FORM_LIST           "A list"

static void option(const char *path, const char *help, const char *values,
                   const char *value, const char *when)
{
    if (!is_asked(path))
        return;
    option_head(path);
    say("%s", help);
    if (value[0])
        say("%s; default %s.  %s", values, value, when);
    else
        say("%s.  %s", values, when);
}

static void number_option(const char *path, const char *help, long value,
                          long least, long most, const char *unit,
                          const char *when)
{
    char values[80], is[24] = "";

    snprintf(values, sizeof values, "%ld to %ld%s%s", least, most,
             *unit ? " " : "", unit);
    if (value >= least)
        snprintf(is, sizeof is, "%ld", value);
    option(path, help, values, is, when);
}

static void choice_option(const char *path, const char *help, const char *words,
                          const char *value, const char *when)
{
    char values[256] = "One of ";
    size_t n = strlen(values);

    for (; *words && n < sizeof values - 3; words++)
        if (*words == '|') {
            values[n++] = ',';
            values[n++] = ' ';
        } else {
            values[n++] = *words;
        }
    values[n] = '\0';
    option(path, help, values, value, when);
}

static void text_option(const char *path, const char *help, const char *what,
                        int most, const char *value, const char *when)
{
    char values[128];

    snprintf(values, sizeof values, "%s, at most %d bytes", what, most);
    option(path, help, values, value, when);
}

#define O_NUMBER(path, field, value, least, most, unit, when, help)            \
    number_option(path, help, value, least, most, unit, WHEN_##when);
#define O_SWITCH(path, field, value, when, help)                               \
    option(path, help, "True or false", (value) ? "true" : "false",            \
           WHEN_##when);
#define O_CHOICE(path, field, value, words, when, help)                        \
    choice_option(path, help, words, value, WHEN_##when);
#define O_TEXT(path, field, value, most, what, when, help)                     \
    text_option(path, help, what, most, value, WHEN_##when);
#define O_OWN(path, field, form, value, when, help)                            \
    option(path, help, FORM_##form, value, WHEN_##when);
#define O(kind, ...) O_##kind(__VA_ARGS__)

static void options(const char *path)
{
    below = path;
    CONFIG_GATEWAY_OPTIONS(O)
    CONFIG_OPTIONS(O)
    CONFIG_POLICY_OPTIONS(O)
    CT_OPTIONS(O)
    WEB_OPTIONS(O)
}

/* ---- tunables ---- */

static void tunable(const char *name, long linux_, long weir, long rfc,
                    long least, long most, const char *unit, const char *when,
                    const char *help)
{
    bool is_duration = strcmp(unit, "s") == 0;
    bool wanted = is_duration == (strcmp(below, "durations") == 0);

    if (!wanted)
        return;
    head(name);
    say("%s", help);
    say("%ld to %ld%s%s.  Default: linux %ld, weir %ld, rfc %ld", least, most,
        *unit ? " " : "", unit, linux_, weir, rfc);
    if (strcmp(when, WHEN_RELOAD) != 0)
        say("%s", when);
}

static void tunables(const char *which)
{
    below = which;
#define P(name, linux_, weir, rfc, least, most, unit, when, help)              \
    tunable(#name, linux_, weir, rfc, least, most, unit, WHEN_##when, help);
    CT_PARAMS(P)
#undef P
}

/* ---- matches and actions ---- */

#define MAY_FAMILY "One or both of ipv4, ipv6"
#define MAY_IFACE  "Names of interfaces"
#define MAY_PROTO  "Words such as tcp, or numbers; at most 6"
#define MAY_ONE_OF "One or more of the words below"
#define MAY_BITS   "Any of the words below"
#define MAY_MARK   "A number, or \"VALUE/MASK\": the mark's bits in the mask"
#define MAY_LABELS "Numbers: all of these labels; not_label: not all of them"
#define MAY_NUMBER                                                             \
    "Numbers and ranges \"A-B\", or the words below if it has any"
#define MAY_PORT "Numbers and ranges \"A-B\", beside a proto that has ports"
#define MAY_TYPE                                                               \
    "Numbers, ranges, or names such as echo-request, beside an ICMP proto"
#define MAY_FLAG "True"
#define MAY_ADDRS                                                              \
    "Addresses, prefixes, ranges \"A-B\", and names of sets or interfaces"

static void known_words(enum ct_words words)
{
    const struct ct_word *word;
    char text[1024] = "";
    unsigned n;

    if (words == CT_N_WORDS)
        return;
    word = ct_words(words, &n);
    for (unsigned i = 0; i < n; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%s",
                 i ? ", " : "Words: ", word[i].name);
    say("%s", text);
}

static void matches(const char *arg)
{
    (void)arg;
#define M(KIND, name, key, facts, words, top, help)                            \
    head(key);                                                                 \
    say("%s", help);                                                           \
    say("%s", MAY_##KIND);                                                     \
    if (strcmp(#KIND, "PROTO") != 0)                                           \
        known_words(words);
    CT_MATCHES(M)
#undef M
}

#define GIVEN_NONE     ""
#define GIVEN_WORD     "A word of verdict"
#define GIVEN_QUEUE    "\"queue N\" as verdict, with the number of a queue"
#define GIVEN_TRUE     "True"
#define GIVEN_ZONE     "0 to 65535"
#define GIVEN_HELPER   "The name of a helper"
#define GIVEN_LABELS   "0 to 127, or a list of these"
#define GIVEN_MARK     "A number, or \"VALUE/MASK\""
#define GIVEN_TIMEOUTS "An object of durations, such as { \"udp\": 5 }"
#define GIVEN_MSS      "\"pmtu\", or 88 to 65495"
#define GIVEN_TTL      "1 to 255, \"+N\" or \"-N\""
#define GIVEN_DSCP     "One value of the match dscp"
#define GIVEN_TARGET                                                           \
    "An address, a range \"A-B\" or a prefix, each with ports behind a colon " \
    "if wanted"
#define GIVEN_MASQUERADE "True, or an object with ports, random, persistent"
#define GIVEN_REDIRECT   "True, a port or a range of ports"
#define GIVEN_NETMAP     "A prefix"
#define GIVEN_NO_NAT     "\"none\""

#define TAKES_NOTHING     ""
#define TAKES_REJECT_WITH "  With reject_with: the answer."
#define TAKES_PORTS       "  With ports, random, persistent."

enum { PREROUTING = 1, INPUT = 2, FORWARD = 4, OUTPUT = 8, POSTROUTING = 16 };
#define ANYWHERE 31u
#define AT(hook) ((unsigned)hook)

static void action(const char *word, unsigned hooks, const char *given,
                   const char *takes, const char *help)
{
    static const char *const names[] = {"prerouting", "input", "forward",
                                        "output", "postrouting"};
    char at[80] = "";

    if (!given[0])
        return;
    for (unsigned i = 0; i < 5; i++)
        if (hooks >> i & 1)
            snprintf(at + strlen(at), sizeof at - strlen(at), "%s%s",
                     *at ? ", " : "", names[i]);
    head(word);
    say("%s", help);
    say("%s.%s  Hooks: %s", given, takes, hooks == ANYWHERE ? "all" : at);
}

static void actions(const char *arg)
{
    (void)arg;
#define D(NAME, word, STAGE, hooks, KIND, takes, help)                         \
    action(word, hooks, GIVEN_##KIND, TAKES_##takes, help);
    CT_ACTIONS(D)
#undef D
}

static void helpers(const char *arg)
{
    (void)arg;
#define H(name, PROTOCOL, what)                                                \
    head(#name);                                                               \
    say("%s", what);
    CT_HELPERS(H)
#undef H
}

/* ---- counts ---- */

static void reasons(const char *kind)
{
    char name[64];

#define R(NAME, kind_, text)                                                   \
    if (strcmp(kind, #kind_) == 0 && strcmp(#NAME, "NONE") != 0) {             \
        snprintf(name, sizeof name, "%s", #NAME);                              \
        for (char *p = name; *p; p++)                                          \
            *p = (char)tolower((unsigned char)*p);                             \
        head(name);                                                            \
        say("%s", text);                                                       \
    }
    CT_REASONS(R)
#undef R
}

#define NAMED(family)       family
#define AMONG(group, value) ""
#define UNNAMED             ""

#define IN_NAMED(family)                                                       \
    {                                                                          \
        "", family                                                             \
    }
#define IN_AMONG(of, value)                                                    \
    {                                                                          \
#of, value                                                             \
    }
#define IN_UNNAMED                                                             \
    {                                                                          \
        "", ""                                                                 \
    }

static const struct {
    const char *group, *name;
} groups[] = {
#define S(name, kind, named, help) IN_##named,
    CT_STATS(S)
#undef S
};

/* "value, value" of those that a group's label tells apart. */
static void put_values(const char *group, char *text, size_t room)
{
    for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
        if (strcmp(groups[i].group, group) == 0)
            snprintf(text + strlen(text), room - strlen(text), "%s%s",
                     *text ? ", " : ": ", groups[i].name);
}

static void group_metric(const char *group, const char *family,
                         const char *label, const char *help)
{
    char values[256] = "";

    put_values(group, values, sizeof values);
    head(family);
    say("%s, by %s%s (counter)", help, label, values);
}

static void metric(const char *family, const char *type, const char *help)
{
    if (!family[0])
        return;
    head(family);
    say("%s (%s)", help, type);
}

static void metrics(const char *arg)
{
    (void)arg;
#define M(group, family, label, each, help)                                    \
    group_metric(#group, family, label, help);
    CT_METRICS(M)
#undef M
#define COUNTER                    "counter"
#define GAUGE                      "gauge"
#define MAX                        "gauge"
#define S(name, kind, named, help) metric(named, kind, help);
    CT_STATS(S)
#undef S
#define counter                "counter"
#define gauge                  "gauge"
#define C(field, family, help) metric(family, counter ", by interface", help);
    IFACE_COUNTS(C)
#undef C
#define M(family, type, function, help) metric(family, type, help);
    METRICS(M)
#undef M
}

/* ---- calls and messages ---- */

static void calls(const char *arg)
{
    (void)arg;
#define R(method, path, handler, scope, takes, type, schema, doc)              \
    head(method " " path);                                                     \
    say("%s", doc);
    ROUTES(R)
#undef R
}

static void queue_errors(const char *arg)
{
    char name[80];

    (void)arg;
#define W(NAME, number, fatal, text)                                           \
    snprintf(name, sizeof name, "%d%s", number, fatal ? " fatal" : "");        \
    head(name);                                                                \
    say("%s", text);
    QUEUE_WIRE_ERRORS(W)
#undef W
}

/* ---- a page ---- */

static const struct {
    const char *name;
    void (*rows)(const char *arg);
} lists[] = {
    {"options", options},           {"tunables", tunables},
    {"matches", matches},           {"actions", actions},
    {"helpers", helpers},           {"reasons", reasons},
    {"metrics", metrics},           {"calls", calls},
    {"queue_errors", queue_errors},
};

static bool put_list(char *line)
{
    char *name = line + strlen(".\\\" @"), *arg;

    name[strcspn(name, "\n")] = '\0';
    arg = name + strcspn(name, " ");
    if (*arg)
        *arg++ = '\0';
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++)
        if (strcmp(lists[i].name, name) == 0) {
            lists[i].rows(arg);
            return true;
        }
    fprintf(stderr, "generate: unknown list \"%s\"\n", name);
    return false;
}

int main(int argc, char **argv)
{
    char line[1024];
    FILE *page;

    if (argc != 3) {
        fprintf(stderr, "usage: generate PAGE.in PAGE\n");
        return EXIT_FAILURE;
    }
    page = fopen(argv[1], "r");
    if (!page || !freopen(argv[2], "w", stdout)) {
        perror(page ? argv[2] : argv[1]);
        return EXIT_FAILURE;
    }
    while (fgets(line, sizeof line, page))
        if (strncmp(line, ".\\\" @", 5) != 0)
            fputs(line, stdout);
        else if (!put_list(line))
            return EXIT_FAILURE;
    fclose(page);
    return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
