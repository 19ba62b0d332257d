/* overflow.c - the figures of the kernel's overflow (Linux early_drop())
 *
 * Early drop looks at eight buckets; a full table with buckets = max has two
 * nodes in each, so a new flow is refused when all of about sixteen nodes are
 * assured: P = a^16.  Their number varies from place to place, which makes it
 * exp(-16 (1 - a)) on the average: 0.26 where a^16 is 0.245, and a kernel
 * measured 0.237. */
#include "world.h"

enum { MAX = 2048 };

/* n assured UDP flows, each seen both ways for more than two seconds. */
static void fill(struct world *w, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        sayf(w, "10.0.1.%u:%u > 198.51.100.2:53 udp", 2 + i % 8, 2000 + i);
        sayf(w, "198.51.100.2:53 > 10.0.1.%u:%u udp", 2 + i % 8, 2000 + i);
    }
    elapse(w, 3);
    for (unsigned i = 0; i < n; i++)
        sayf(w, "10.0.1.%u:%u > 198.51.100.2:53 udp", 2 + i % 8, 2000 + i);
}

struct figures {
    unsigned over, refused;
};

/* New flows until so many have met a full table. */
static struct figures push(struct world *w, unsigned over)
{
    struct figures f = {0, 0};
    uint64_t before = drops_of(w, CT_REASON_TABLE_FULL);

    for (unsigned i = 0; f.over < over; i++) {
        f.over += stat_of(w, CT_STAT_entries) == MAX;
        sayf(w, "10.0.1.%u:%u > 198.51.100.3:%u udp", 100 + i % 100,
             1024 + i % 60000, 1 + i / 100);
    }
    f.refused = (unsigned)(drops_of(w, CT_REASON_TABLE_FULL) - before);
    return f;
}

static struct world *table_of(unsigned assured)
{
    struct world *w = WORLD("max 2048; buckets 2048; masquerade off");

    w->quiet = true;
    fill(w, assured);
    assert_int_equal(count_flows(w), assured);
    return w;
}

static void nothing_assured_nothing_refused(void **state)
{
    struct world *w = table_of(0);
    struct figures f = push(w, 2000);

    (void)state;
    assert_int_equal(f.refused, 0);
    assert_true(stat_of(w, CT_STAT_early_drop) >= 2000);
    assert_int_equal(stat_of(w, CT_STAT_table_full), 0);
    END(w);
}

static void everything_assured_everything_refused(void **state)
{
    struct world *w = table_of(MAX);
    struct figures f = push(w, 1000);

    (void)state;
    assert_int_equal(f.refused, 1000);
    assert_int_equal(stat_of(w, CT_STAT_early_drop), 0);
    assert_int_equal(stat_of(w, CT_STAT_drop), 1000);
    END(w);
}

static void check_law(unsigned percent_milli, double lo, double hi)
{
    struct world *w = table_of(MAX * percent_milli / 1000);
    struct figures f = push(w, 4000);
    double p = (double)f.refused / f.over;

    if (p < lo || p > hi)
        fail_msg("%u per mille assured: %.3f refused, not %.3f to %.3f",
                 percent_milli, p, lo, hi);
    END(w);
}

static void the_law_of_sixteen_nodes(void **state)
{
    (void)state;
    check_law(916, 0.19, 0.32);
    check_law(980, 0.65, 0.80);
    check_law(500, 0.0, 0.005);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        STORY(nothing_assured_nothing_refused),
        STORY(everything_assured_everything_refused),
        STORY(the_law_of_sixteen_nodes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
