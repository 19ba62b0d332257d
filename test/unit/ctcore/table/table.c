/* table.c - flows are found by both tuples; buckets are full, few, or
 * attacked */
#include "base/hash.h"
#include "corerig.h"
#include "packet/tuple.h"

#define FLOWS 4096u

struct fix {
    struct table t;
    struct work work;
    void *mem;
};

static struct ct_tuple tuple_no(uint32_t i)
{
    return (struct ct_tuple){.src = {.w32 = {i}},
                             .dst = {.w32 = {~i}},
                             .sport = (uint16_t)i,
                             .dport = 80,
                             .family = CT_IPV4,
                             .proto = 6};
}

static struct ct_tuple reply_no(uint32_t i)
{
    struct ct_tuple t = tuple_no(i), r = t;

    r.src = t.dst;
    r.dst = t.src;
    r.sport = t.dport;
    r.dport = t.sport;
    return r;
}

static void open_fix(struct fix *f, uint32_t buckets, uint32_t max)
{
    struct block b = {.base = NULL};

    memset(f, 0, sizeof *f);
    table_init(&f->t, &b, buckets, max);
    f->mem = calloc(1, b.used);
    b = (struct block){.base = f->mem};
    table_init(&f->t, &b, buckets, max);
    f->t.conns = calloc(max, sizeof(struct ct_conn));
    f->t.work = &f->work;
    f->t.key[0] = 1;
    f->t.key[1] = 2;
}

static void close_fix(struct fix *f)
{
    free(f->t.conns);
    free(f->mem);
}

static void enter(struct fix *f, uint32_t i, enum ct_reason want)
{
    f->t.conns[i].tuple[0] = tuple_no(i);
    f->t.conns[i].tuple[1] = reply_no(i);
    f->t.conns[i].expires = 100;
    f->t.conns[i].seq = 1; /* its maker writes it */
    assert_int_equal(table_confirm(&f->t, i, (ct_time){0}), want);
}

static const struct ct_conn *find(struct fix *f, const struct ct_tuple *t,
                                  uint64_t now, enum ct_dir *dir)
{
    return table_find(&f->t, t, tuple_hash(t, f->t.key), (ct_time){now}, dir);
}

static void found_by_both_tuples_until_unlinked(void **state)
{
    struct fix f;

    (void)state;
    open_fix(&f, FLOWS, FLOWS);
    for (uint32_t i = 0; i < FLOWS; i++)
        enter(&f, i, CT_REASON_NONE);
    for (uint32_t i = 0; i < FLOWS; i += 2)
        table_unlink(&f.t, i);
    for (uint32_t i = 0; i < FLOWS; i++) {
        struct ct_tuple t = tuple_no(i), r = reply_no(i);
        enum ct_dir dir = CT_DIR_REPLY;
        const struct ct_conn *want = i & 1 ? &f.t.conns[i] : NULL;

        assert_ptr_equal(find(&f, &t, 0, &dir), want);
        if (want)
            assert_int_equal(dir, CT_DIR_ORIGINAL);
        assert_ptr_equal(find(&f, &r, 0, &dir), want);
        if (want)
            assert_int_equal(dir, CT_DIR_REPLY);
    }
    for (uint32_t i = 1; i < FLOWS; i += 2)
        table_unlink(&f.t, i);
    assert_int_equal(f.t.lines.used, 0); /* overflow lines all came back */
    close_fix(&f);
}

static void past_its_time_or_dying_is_not_seen(void **state)
{
    struct ct_tuple t = tuple_no(3);
    enum ct_dir dir;
    struct fix f;

    (void)state;
    open_fix(&f, 16, 16);
    enter(&f, 3, CT_REASON_NONE);
    assert_non_null(find(&f, &t, 99, &dir));
    assert_null(find(&f, &t, 100, &dir));
    f.t.conns[3].status = CT_CONFIRMED;
    /* Others look without the owner's lock; it sets both bits for a moment. */
    assert_true(
        table_holds(&f.t, &t, tuple_hash(&t, f.t.key), (ct_time){99}, &f.work));
    f.t.conns[3].status = CT_CONFIRMED | CT_DYING;
    assert_false(
        table_holds(&f.t, &t, tuple_hash(&t, f.t.key), (ct_time){99}, &f.work));
    f.t.conns[3].status = CT_DYING;
    assert_null(find(&f, &t, 99, &dir));
    close_fix(&f);
}

static void a_tuple_that_is_there_in_either_direction_clashes(void **state)
{
    struct fix f;

    (void)state;
    open_fix(&f, 16, 16);
    enter(&f, 3, CT_REASON_NONE);
    f.t.conns[4] = f.t.conns[3];
    assert_int_equal(table_confirm(&f.t, 4, (ct_time){0}), CT_REASON_CLASH);
    f.t.conns[4].tuple[0] = reply_no(3); /* the other's reply */
    f.t.conns[4].tuple[1] = tuple_no(9);
    assert_int_equal(table_confirm(&f.t, 4, (ct_time){0}), CT_REASON_CLASH);
    /* an expired one does not */
    assert_int_equal(table_confirm(&f.t, 4, (ct_time){100}), CT_REASON_NONE);
    close_fix(&f);
}

/* Slots in use, of all buckets. */
static unsigned used(const struct fix *f)
{
    unsigned n = 0;

    for (uint32_t b = 0; b < f->t.n_buckets; b++)
        for (uint32_t i = 0; i < TABLE_WIDTH; i++)
            n += f->t.buckets[b].slot[i] != 0;
    return n;
}

/* More flows than bucket and overflow lines hold: refused, and nothing of the
 * refused one stays. */
static void a_full_bucket_refuses_whole(void **state)
{
    struct fix f;
    uint32_t ok = 0;

    (void)state;
    open_fix(&f, 1, 4096);
    f.t.lines.n = 128;
    for (uint32_t i = 0; i < 4096; i++) {
        f.t.conns[i].tuple[0] = tuple_no(i);
        f.t.conns[i].tuple[1] = reply_no(i);
        f.t.conns[i].expires = 100;
        f.t.conns[i].seq = 1;
        if (table_confirm(&f.t, i, (ct_time){0}) != CT_REASON_NONE)
            break;
        ok++;
    }
    assert_in_range(ok, 400, 500); /* 128 lines of 7 and the bucket, halved */
    for (uint32_t i = 0; i < ok; i++)
        table_unlink(&f.t, i);
    for (uint32_t i = 0; i < TABLE_WIDTH; i++)
        assert_int_equal(f.t.buckets[0].slot[i], 0);
    assert_int_equal(f.t.lines.used, 0);
    close_fix(&f);
}

/* Neither does a refused one leave anything where only its answer finds no
 * slot. */
static void half_of_a_refused_one_is_taken_back(void **state)
{
    enum { BUCKETS = 2, MAX = 64 };
    struct fix f;
    uint32_t refused = 0;

    (void)state;
    open_fix(&f, BUCKETS, MAX);
    f.t.lines.n = 0;
    for (uint32_t i = 0; i < MAX; i++) {
        struct ct_tuple t = tuple_no(i), r = reply_no(i);
        uint32_t before = used(&f);
        enum ct_reason why;

        f.t.conns[i].tuple[0] = t;
        f.t.conns[i].tuple[1] = r;
        f.t.conns[i].expires = 100;
        f.t.conns[i].seq = 1;
        why = table_confirm(&f.t, i, (ct_time){0});
        assert_int_equal(used(&f), before + (why == CT_REASON_NONE ? 2 : 0));
        refused += why != CT_REASON_NONE;
    }
    assert_true(refused > 0);
    close_fix(&f);
}

/* Fewer buckets than entries: all find room, wherever they fall. */
static void few_buckets_hold_every_entry(void **state)
{
    static const uint32_t buckets[] = {1, 16, 512, 2048};

    (void)state;
    for (size_t k = 0; k < sizeof buckets / sizeof *buckets; k++) {
        struct fix f;

        open_fix(&f, buckets[k], FLOWS);
        for (uint32_t i = 0; i < FLOWS; i++)
            enter(&f, i, CT_REASON_NONE);
        for (uint32_t i = 0; i < FLOWS; i++)
            table_unlink(&f.t, i);
        assert_int_equal(f.t.lines.used, 0);
        close_fix(&f);
    }
}

/* Enter 100,000 tuples; tell the longest bucket, and the nodes that a look at
 * each of all nodes' buckets passes. */
static uint64_t load_up(const struct ct_tuple *t, uint32_t n, uint32_t *longest)
{
    struct rng rng = {42};
    uint64_t passed = 0;
    struct fix f;

    open_fix(&f, 131072, 131072);
    f.t.key[0] = hash_rng_next(&rng);
    f.t.key[1] = hash_rng_next(&rng);
    for (uint32_t i = 0; i < n; i++) {
        f.t.conns[i].tuple[0] = t[i];
        f.t.conns[i].tuple[1] = reply_no(i);
        f.t.conns[i].expires = 100;
        f.t.conns[i].seq = 1;
        assert_int_equal(table_confirm(&f.t, i, (ct_time){0}), CT_REASON_NONE);
    }
    *longest = 0;
    for (uint32_t b = 0; b < f.t.n_buckets; b++) {
        struct table_walk walk = table_walk(&f.t, b);
        uint32_t k = 0;

        while (table_walk_on(&f.t, &walk) != CT_NONE)
            k++;
        *longest = k > *longest ? k : *longest;
        passed += (uint64_t)k * k;
    }
    close_fix(&f);
    return passed;
}

/* R2: 100,000 tuples that under a known key would share one bucket in 256:
 * under a random one the longest bucket stays short, and they cost what any
 * cost. */
static void r2_chosen_tuples_do_not_pile_up(void **state)
{
    enum { N = 100000 };
    static const uint64_t known[2] = {0, 0};
    struct ct_tuple *chosen = calloc(N, sizeof *chosen);
    struct ct_tuple *any = calloc(N, sizeof *any);
    uint32_t longest, longest_any;
    uint64_t passed, passed_any;

    (void)state;
    for (uint32_t i = 0, n = 0; n < N; i++) {
        struct ct_tuple t = tuple_no(i);

        t.src.w32[0] = i;
        t.sport = (uint16_t)(i >> 4);
        if (i < N)
            any[i] = t;
        if (tuple_hash(&t, known) >> 56 == 0)
            chosen[n++] = t;
    }
    passed = load_up(chosen, N, &longest);
    passed_any = load_up(any, N, &longest_any);
    assert_in_range(longest, 2, 12);
    assert_true(passed * 2 <= passed_any * 3);
    free(chosen);
    free(any);
}

/* In one bucket and its overflow lines a walk meets each entry twice, by its
 * tuples, and nothing else. */
static void a_walk_meets_each_entry_twice(void **state)
{
    enum { MANY = 5 * TABLE_WIDTH };
    unsigned met[MANY] = {0};
    struct table_walk walk;
    struct fix f;
    uint32_t i;

    (void)state;
    open_fix(&f, 1, MANY);
    for (i = 0; i < MANY; i++)
        enter(&f, i, CT_REASON_NONE);
    walk = table_walk(&f.t, 0);
    while ((i = table_walk_on(&f.t, &walk)) != CT_NONE) {
        assert_true(i < MANY);
        met[i]++;
    }
    for (i = 0; i < MANY; i++)
        assert_int_equal(met[i], 2);
    close_fix(&f);
}

/* Others look for a flow in overflow lines, too. */
static void others_find_what_overflows(void **state)
{
    enum { MANY = 5 * TABLE_WIDTH };
    struct fix f;

    (void)state;
    open_fix(&f, 1, 2 * MANY);
    for (uint32_t i = 0; i < MANY; i++) {
        enter(&f, i, CT_REASON_NONE);
        f.t.conns[i].seq = 2;
        f.t.conns[i].status = CT_CONFIRMED;
    }
    for (uint32_t i = 0; i < 2 * MANY; i++) {
        struct ct_tuple t[2] = {tuple_no(i), reply_no(i)};

        for (int d = 0; d < 2; d++)
            assert_int_equal(table_holds(&f.t, &t[d],
                                         tuple_hash(&t[d], f.t.key),
                                         (ct_time){99}, &f.work),
                             i < MANY);
    }
    close_fix(&f);
}

/* The last of all overflow lines is looked at as well. */
static void others_find_the_last_line(void **state)
{
    struct fix f;
    uint32_t n = 0;

    (void)state;
    open_fix(&f, 1, 512);
    f.t.lines.n = 5;
    while (f.t.lines.used < 5 ||
           f.t.lines.used * TABLE_WIDTH + TABLE_WIDTH > 2 * n + 1) {
        enter(&f, n, CT_REASON_NONE);
        f.t.conns[n].seq = 2;
        f.t.conns[n].status = CT_CONFIRMED;
        n++;
    }
    assert_int_equal(n, 6 * TABLE_WIDTH / 2);
    for (uint32_t i = 0; i <= n; i++) {
        struct ct_tuple t = tuple_no(i);

        assert_int_equal(table_holds(&f.t, &t, tuple_hash(&t, f.t.key),
                                     (ct_time){99}, &f.work),
                         i < n);
    }
    close_fix(&f);
}

/* While lines change hands a chain is looked at again; if that never ends, the
 * flow may be there.  Each line is a step. */
static void what_is_being_changed_is_looked_at_again(void **state)
{
    struct ct_tuple t = tuple_no(9);
    uint64_t hash;
    struct fix f;

    (void)state;
    open_fix(&f, 1, 64);
    for (uint32_t i = 0; i < 6; i++)
        enter(&f, i, CT_REASON_NONE);
    hash = tuple_hash(&t, f.t.key);
    f.work.steps = 0;
    assert_false(table_holds(&f.t, &t, hash, (ct_time){0}, &f.work));
    assert_int_equal(f.work.steps, 2);
    f.t.moves++;
    assert_true(table_holds(&f.t, &t, hash, (ct_time){0}, &f.work));
    assert_int_equal(f.work.steps, 2 + 2 * 100);
    close_fix(&f);
}

/* A tag leads to an entry; only its whole tuple makes it the one. */
static void each_byte_of_a_tuple_counts(void **state)
{
    struct ct_tuple t = tuple_no(3);
    uint8_t *byte = (uint8_t *)&t;
    enum ct_dir dir;
    struct fix f;
    uint64_t hash;

    (void)state;
    open_fix(&f, 16, 16);
    enter(&f, 3, CT_REASON_NONE);
    hash = tuple_hash(&t, f.t.key);
    assert_non_null(table_find(&f.t, &t, hash, (ct_time){0}, &dir));
    f.t.conns[3].seq = 2;
    f.t.conns[3].status = CT_CONFIRMED;
    assert_true(table_holds(&f.t, &t, hash, (ct_time){0}, &f.work));
    for (size_t i = 0; i < sizeof t; i++) {
        byte[i] ^= 0x10;
        assert_null(table_find(&f.t, &t, hash, (ct_time){0}, &dir));
        assert_false(table_holds(&f.t, &t, hash, (ct_time){0}, &f.work));
        byte[i] ^= 0x10;
    }
    close_fix(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_by_both_tuples_until_unlinked),
        cmocka_unit_test(past_its_time_or_dying_is_not_seen),
        cmocka_unit_test(a_tuple_that_is_there_in_either_direction_clashes),
        cmocka_unit_test(a_full_bucket_refuses_whole),
        cmocka_unit_test(few_buckets_hold_every_entry),
        cmocka_unit_test(a_walk_meets_each_entry_twice),
        cmocka_unit_test(others_find_what_overflows),
        cmocka_unit_test(others_find_the_last_line),
        cmocka_unit_test(what_is_being_changed_is_looked_at_again),
        cmocka_unit_test(each_byte_of_a_tuple_counts),
        cmocka_unit_test(half_of_a_refused_one_is_taken_back),
        cmocka_unit_test(r2_chosen_tuples_do_not_pile_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
