/* metrics.c - /metrics: the text format, its names, and each count once */
#include "web_rig.h"
#include <web/iface.def>
#include <web/metrics.def>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#define TOKEN "0123456789abcdef0123456789abcdef"
#define WRONG "0123456789abcdef0123456789abcdeF"

enum { MAX_FAMILIES = 200, NAME = 96 };

struct family {
    char name[NAME], type[16];
    unsigned samples;
};

struct scrape {
    struct family families[MAX_FAMILIES];
    unsigned n;
    char fault[256]; /* "": none */
};

static bool ends_with(const char *text, const char *end)
{
    size_t n = strlen(text), k = strlen(end);

    return n >= k && strcmp(text + n - k, end) == 0;
}

/* prometheus.io/docs/practices/naming: what a family of ours may be called. */
static const char *name_fault(const char *name, const char *type)
{
    static const char *const standard[] = {
        "process_start_time_seconds", "process_resident_memory_bytes",
        "process_open_fds", "process_max_fds", "process_cpu_seconds_total"};
    /* Units that are no base units, short words, and the type in the name. */
    static const char *const words[] = {
        "ms",      "us",   "msec", "milliseconds", "minutes",
        "hours",   "kb",   "kib",  "mb",           "bits",
        "percent", "pkts", "num",  "counter",      "gauge"};
    char copy[NAME], *word, *rest;
    size_t i;

    if (strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_") != strlen(name) ||
        strstr(name, "__") || ends_with(name, "_"))
        return "is not snake_case";
    for (i = 0; strncmp(name, "weir_", 5) != 0; i++) {
        if (i == sizeof(standard) / sizeof(standard[0]))
            return "has no prefix weir_";
        if (strcmp(name, standard[i]) == 0)
            break;
    }
    if ((strcmp(type, "counter") == 0) != ends_with(name, "_total"))
        return "ends with _total, and is no counter, or is one without";
    (void)snprintf(copy, sizeof(copy), "%s", name);
    for (word = strtok_r(copy, "_", &rest); word;
         word = strtok_r(NULL, "_", &rest))
        for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
            if (strcmp(word, words[i]) == 0)
                return "has a word that is no base unit or no word";
    return NULL;
}

static struct family *find_family(struct scrape *s, const char *name)
{
    unsigned i;

    for (i = 0; i < s->n; i++)
        if (strcmp(s->families[i].name, name) == 0)
            return &s->families[i];
    return NULL;
}

static void say(struct scrape *s, const char *name, const char *what)
{
    if (!s->fault[0])
        (void)snprintf(s->fault, sizeof(s->fault), "%s: %s", name, what);
}

/* A line: a family's HELP, then its TYPE, then its samples. */
static void read_line(struct scrape *s, const char *line, bool *typed)
{
    struct family *last = s->n ? &s->families[s->n - 1] : NULL;
    char name[NAME], type[16];
    const char *fault;

    if (sscanf(line, "# HELP %95s %15[a-z0-9A-Z]", name, type) == 2) {
        if (find_family(s, name))
            say(s, name, "two HELPs: two rows bear the name");
        assert_true(s->n < MAX_FAMILIES);
        (void)strcpy(s->families[s->n++].name, name);
        *typed = false;
    } else if (sscanf(line, "# TYPE %95s %15s", name, type) == 2) {
        if (!last || *typed || strcmp(last->name, name) != 0)
            say(s, name, "TYPE does not follow its HELP");
        else if (strcmp(type, "counter") != 0 && strcmp(type, "gauge") != 0)
            say(s, name, "neither counter nor gauge");
        else if ((fault = name_fault(name, type)) != NULL)
            say(s, name, fault);
        if (last)
            (void)strcpy(last->type, type);
        *typed = true;
    } else if (sscanf(line, "%95[a-z0-9_]", name) != 1) {
        say(s, line, "neither HELP, nor TYPE, nor a sample");
    } else if (!last || !*typed || strcmp(name, last->name) != 0) {
        say(s, name, "sample without its family's HELP and TYPE");
    } else {
        const char *number = strrchr(line, ' ');

        last->samples++;
        if (!number || !number[1] ||
            strspn(number + 1, "0123456789.") != strlen(number + 1))
            say(s, line, "no number");
    }
}

static void read_scrape(struct scrape *s, char *text)
{
    char *line, *rest;
    bool typed = false;

    memset(s, 0, sizeof(*s));
    for (line = strtok_r(text, "\n", &rest); line;
         line = strtok_r(NULL, "\n", &rest))
        read_line(s, line, &typed);
}

static void the_check_finds_faults(void **state)
{
#define F(name, type) "# HELP " name " some\n# TYPE " name " " type "\n"
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {F("weir_a_total", "counter") "weir_a_total 1\n", ""},
        {F("weir_a", "counter") "weir_a 1\n", "_total"},
        {F("weir_a_total", "gauge") "weir_a_total 1\n", "_total"},
        {F("other_a", "gauge") "other_a 1\n", "prefix"},
        {F("weir_aB", "gauge") "weir_aB 1\n", "snake_case"},
        {F("weir_a_ms", "gauge") "weir_a_ms 1\n", "base unit"},
        {F("weir_pkts_total", "counter") "weir_pkts_total 1\n", "base unit"},
        {F("weir_a", "gauge") "weir_a 1\n" F("weir_a", "gauge"), "two HELPs"},
        {"# HELP weir_a some\nweir_a 1\n", "without"},
        {"# TYPE weir_a gauge\nweir_a 1\n", "TYPE"},
        {F("weir_a", "gauge") "weir_b 1\n", "without"},
        {F("weir_a", "gauge") "weir_a\n", "no number"},
        {F("weir_a", "summary") "weir_a 1\n", "neither"},
    };
#undef F
    struct scrape *s = malloc(sizeof(*s));
    char text[512];
    size_t i;

    (void)state;
    for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        (void)snprintf(text, sizeof(text), "%s", cases[i].text);
        read_scrape(s, text);
        if (cases[i].fault[0] ? !strstr(s->fault, cases[i].fault)
                              : s->fault[0] != '\0')
            fail_msg("%s: %s", cases[i].text, s->fault);
    }
    free(s);
}

static void every_family_has_one_row_and_a_good_name(void **state)
{
    static const unsigned rows = 0
#define M(...) +1
        METRICS(M)
#undef M
#define C(...) +1
            IFACE_COUNTS(C)
#undef C
        ;
    struct scrape *s = malloc(sizeof(*s));
    unsigned want = rows, i;
    struct answer a;

    ask(*state, "GET", "/livez", "", &a); /* an answer to count */
    web_client_free(&a);
    ask(*state, "GET", "/metrics", "", &a);
    assert_int_equal(a.status, 200);
    assert_non_null(strstr(a.head, "text/plain; version=0.0.4"));
    read_scrape(s, a.body);
    assert_string_equal(s->fault, "");
    for (i = 0; i < CT_N_STATS; i++) {
        struct ct_metric m = ct_stat_metric(i);

        want += m.family && !m.label;
        if (m.label) /* of one kind all */
            assert_string_equal(find_family(s, m.family)->type,
                                ct_stat_kind(i) == 'C' ? "counter" : "gauge");
    }
    assert_int_equal(s->n, want + CT_N_METRICS);
    for (i = 0; i < s->n; i++)
        if (s->families[i].samples == 0 &&
            strcmp(s->families[i].name, "process_open_fds") != 0)
            fail_msg("%s: no sample", s->families[i].name);
    web_client_free(&a);
    free(s);
}

/* ---- each count once ---- */

/* Of all shards together, of the first, and of the second. */
static uint64_t distinct(unsigned count, uint32_t shard)
{
    return 700000000 + count * 10 + (shard == CT_NONE ? 9 : shard);
}

static uint64_t distinct_stat(void *ctx, uint32_t shard, enum ct_stat stat)
{
    (void)ctx;
    return distinct(stat, shard);
}

static uint64_t distinct_drops(void *ctx, uint32_t shard, enum ct_reason reason)
{
    (void)ctx;
    return distinct(CT_N_STATS + reason, shard);
}

static void set_distinct(void *arg)
{
    struct world *w = arg;

    w->stats.stat = distinct_stat;
    w->stats.drops = distinct_drops;
}

static unsigned times(const char *text, uint64_t value)
{
    char end[32];
    unsigned n = 0;

    (void)snprintf(end, sizeof(end), " %" PRIu64 "\n", value);
    while ((text = strstr(text, end)) != NULL) {
        text += strlen(end) - 1;
        n++;
    }
    return n;
}

static void every_count_is_shown_once(void **state)
{
    struct answer a;
    unsigned i;

    web_world_do(*state, set_distinct, *state);
    ask(*state, "GET", "/metrics", "", &a);
    assert_int_equal(a.status, 200);
    for (i = 0; i < CT_N_STATS + CT_N_REASONS; i++) {
        struct ct_metric m = i < CT_N_STATS ? ct_stat_metric(i)
                                            : ct_reason_metric(i - CT_N_STATS);
        const char *name =
            i < CT_N_STATS ? ct_stat_name(i) : ct_reason_name(i - CT_N_STATS);
        bool shown = m.family && i != CT_N_STATS + CT_REASON_NONE;

        if (times(a.body, distinct(i, CT_NONE)) != (shown && !m.per_shard) ||
            times(a.body, distinct(i, 0)) != (shown && m.per_shard) ||
            times(a.body, distinct(i, 1)) != (shown && m.per_shard))
            fail_msg("%s: not once in /metrics, or not by worker", name);
    }
    web_client_free(&a);
}

static void is_of(const json_t *list, const char *name, unsigned count,
                  uint32_t shard)
{
    uint64_t n = (uint64_t)json_integer_value(json_object_get(list, name));

    if (n != distinct(count, shard))
        fail_msg("%s: %" PRIu64, name, n);
}

/* What /api/v1/stats says of each, of all shards and of one; and the sum of
 * what was dropped, to which what is INVALID does not belong. */
static void stats_show_each_count(void **state)
{
    json_t *stats, *shards, *count;
    uint64_t dropped = 0;
    unsigned i;

    web_world_do(*state, set_distinct, *state);
    stats = get(*state, "/api/v1/stats");
    shards = json_object_get(stats, "shards");
    assert_int_equal(json_array_size(shards), WORLD_SHARDS);
    for (i = 0; i < CT_N_STATS; i++) {
        uint32_t shard;

        is_of(json_object_get(stats, "counters"), ct_stat_name(i), i, CT_NONE);
        for (shard = 0; shard < WORLD_SHARDS; shard++)
            is_of(json_object_get(json_array_get(shards, shard), "counters"),
                  ct_stat_name(i), i, shard);
    }
    for (i = CT_REASON_NONE + 1; i < CT_N_REASONS; i++) {
        bool is_drop = ct_reason_kind(i) == 'D';

        is_of(json_object_get(stats, is_drop ? "drops" : "invalid"),
              ct_reason_name(i), CT_N_STATS + i, CT_NONE);
        dropped += is_drop ? distinct(CT_N_STATS + i, CT_NONE) : 0;
    }
    count = json_object_get(stats, "count");
    assert_int_equal(json_integer_value(json_object_get(count, "dropped")),
                     dropped);
    json_decref(stats);
}

static uint64_t value_of(const char *text, const char *family)
{
    char begin[NAME];
    const char *at;

    (void)snprintf(begin, sizeof(begin), "\n%s ", family);
    at = strstr(text, begin);
    if (!at)
        fail_msg("no sample %s", family);
    return strtoull(at + strlen(begin), NULL, 10);
}

static uint32_t fewer_flows(void *ctx)
{
    (void)ctx;
    return 77;
}

static void set_limit(void *arg)
{
    ((struct world *)arg)->flows.max = fewer_flows;
}

/* As the system says of this process, which has the HTTP side in it. */
static void the_process_is_described(void **state)
{
    const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
    const time_t now = time(NULL);
    uint64_t cpu, memory, start;
    struct rlimit most;
    struct answer a;

    while (clock() < CLOCKS_PER_SEC / 4)
        ; /* so that a tenth of it can be told from all */
    web_world_do(*state, set_limit, *state);
    ask(*state, "GET", "/metrics", "", &a);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &most), 0);
    assert_int_equal(value_of(a.body, "process_max_fds"), most.rlim_cur);
    start = value_of(a.body, "process_start_time_seconds");
    assert_in_range(start, now - 60, now + 1);
    memory = value_of(a.body, "process_resident_memory_bytes");
    assert_int_equal(memory % page, 0);
    assert_in_range(memory, 1 << 20, UINT64_C(1) << 45);
    cpu = value_of(a.body, "process_cpu_seconds_total");
    assert_in_range(cpu, 0, (uint64_t)clock() / CLOCKS_PER_SEC);
    assert_int_equal(value_of(a.body, "weir_flows_limit"), 77);
    web_client_free(&a);
}

static void ask_with(struct world *w, const char *more, int status)
{
    struct answer a;

    ask(w, "GET", "/api/v1/stats", more, &a);
    assert_int_equal(a.status, status);
    web_client_free(&a);
}

static void what_was_wrong_with_tokens(void **state)
{
    struct world *w = *state;
    struct answer a;
    unsigned i;

    ask_with(w, "", 401);
    for (i = 0; i < 2; i++)
        ask_with(w, "Authorization: Bearer " WRONG "\r\n", 401);
    web_client_ask(web_client_unix(w->socket), "GET", "/metrics", "", &a);
    assert_non_null(
        strstr(a.body, "\nweir_auth_failures_total{cause=\"missing\"} 1\n"));
    assert_non_null(
        strstr(a.body, "\nweir_auth_failures_total{cause=\"wrong\"} 2\n"));
    web_client_free(&a);
}

static int start_with_token(void **state)
{
    struct world *w = web_world_new(TOKEN);

    *state = w;
    return w->result;
}

/* Fewer than the hard limit, from which they can be told. */
static int start_with_fewer_files(void **state)
{
    struct rlimit most;

    if (getrlimit(RLIMIT_NOFILE, &most) != 0)
        return -1;
    most.rlim_cur = most.rlim_max - 1 < 512 ? most.rlim_max - 1 : 512;
    return setrlimit(RLIMIT_NOFILE, &most) != 0 ? -1 : start(state);
}

static void samples_bear_their_labels(void **state)
{
    static const char *const samples[] = {
        "weir_build_info{version=\"0.1.0\"} 1",
        "weir_flows 150",
        "weir_http_requests_total{method=\"\",route=\"none\",code=\"404\"} 1",
        "weir_dropped_packets_total{reason=\"ttl\"} 7",
        "weir_invalid_packets_total{reason=\"tcp_window\"} 0",
        "weir_interface_up{interface=\"lan\",device=\"weir-x\"} 1",
        "weir_interface_receive_packets_total{interface=\"wan\"} 11",
        "weir_queue_held_packets{queue=\"7\"} 2",
        "weir_queue_packets_total{queue=\"7\",what=\"verdict\"} 5",
        "weir_queue_packets_total{queue=\"7\",what=\"late_verdict\"} 1",
    };
    char line[128];
    struct answer a;
    size_t i;

    ask(*state, "GET", "/nothing/of/ours", "", &a);
    web_client_free(&a);
    ask(*state, "GET", "/metrics", "", &a);
    for (i = 0; i < sizeof(samples) / sizeof(samples[0]); i++) {
        (void)snprintf(line, sizeof(line), "\n%s\n", samples[i]);
        if (!strstr(a.body, line))
            fail_msg("no sample %s", samples[i]);
    }
    /* Unknown: no sample. */
    assert_null(strstr(a.body, "weir_interface_up{interface=\"wan\""));
    assert_null(
        strstr(a.body, "interface_device_dropped_total{interface=\"wan\""));
    web_client_free(&a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_check_finds_faults),
        WEB_TEST(every_family_has_one_row_and_a_good_name),
        WEB_TEST(every_count_is_shown_once),
        WEB_TEST(stats_show_each_count),
        WEB_TEST(samples_bear_their_labels),
        cmocka_unit_test_setup_teardown(what_was_wrong_with_tokens,
                                        start_with_token, stop),
        cmocka_unit_test_setup_teardown(the_process_is_described,
                                        start_with_fewer_files, stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
