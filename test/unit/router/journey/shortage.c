/* shortage.c - each kind of shortage has a line a second at most */
#include "journey/shortage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t stats[CT_N_STATS];

static uint64_t stat_of(void *ctx, enum ct_stat which)
{
    assert_ptr_equal(ctx, stats);
    return stats[which];
}

static bool next(struct shortage *s, uint64_t ms, char *line)
{
    return shortage_next(s, ms, stat_of, stats, line);
}

static void each_kind_has_a_line_a_second(void **state)
{
    struct shortage s = {0};
    char line[SHORTAGE_ROOM];

    (void)state;
    assert_false(next(&s, 5000, line));
    stats[CT_STAT_table_full] = 7;
    stats[CT_STAT_no_port] = 1;
    stats[CT_STAT_created] = 9;
    assert_false(next(&s, 5999, line));
    assert_true(next(&s, 6000, line));
    assert_memory_equal(line, "table full, dropping packet: 7 packet(s)", 40);
    assert_true(next(&s, 6000, line));
    assert_memory_equal(line, "no outside port left: 1 flow(s)", 31);
    assert_false(next(&s, 6000, line));

    stats[CT_STAT_table_full] = 1000007; /* a flood: counted, one line */
    assert_false(next(&s, 6999, line));
    assert_true(next(&s, 7000, line));
    assert_memory_equal(line, "table full, dropping packet: 1000000 p", 38);
    assert_false(next(&s, 7000, line));
    assert_false(next(&s, 9000, line));
}

/* However large the number, the whole of the text is there. */
static void every_line_fits(void **state)
{
    static const enum ct_stat kinds[] = {
        CT_STAT_table_full, CT_STAT_source_share, CT_STAT_no_port,
        CT_STAT_portmaps_full, CT_STAT_ext_full};
    struct shortage s = {0};
    char line[SHORTAGE_ROOM];

    (void)state;
    memset(stats, 0, sizeof stats);
    for (unsigned i = 0; i < SHORTAGE_KINDS; i++)
        stats[kinds[i]] = UINT64_MAX;
    for (unsigned i = 0; i < SHORTAGE_KINDS; i++) {
        assert_true(next(&s, 0, line));
        assert_in_range(strlen(line), 60, SHORTAGE_ROOM - 2);
    }
    assert_false(next(&s, 0, line));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_kind_has_a_line_a_second),
        cmocka_unit_test(every_line_fits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
