#include "corerig.h"
#include "hash.h"

struct fix {
    struct portmaps ps;
    void *mem;
};

static void open_fix(struct fix *f, uint32_t maps, uint32_t shard, uint32_t n)
{
    struct block b = {.base = NULL};

    portmaps_init(&f->ps, &b, maps, 1024, shard, n);
    f->mem = aligned_alloc(64, b.used);
    memset(f->mem, 0, b.used);
    b = (struct block){.base = f->mem};
    portmaps_init(&f->ps, &b, maps, 1024, shard, n);
    portmaps_start(&f->ps);
    f->ps.key[0] = 7;
}

static struct ct_tuple to_port(uint16_t remote, uint16_t port)
{
    return (struct ct_tuple){.src = ip4(203, 0, 113, 9),
                             .dst = ip4(198, 51, 100, 1),
                             .sport = remote,
                             .dport = port,
                             .family = CT_IPV4,
                             .proto = 6};
}

static struct portmap *map_of(struct fix *f)
{
    union ct_addr a = ip4(198, 51, 100, 1);

    return portmap_find(&f->ps, &a, CT_IPV4, 6, true);
}

/* Against the plainest model there is: an array of counts. */
static void p6_exclusive_agrees_with_a_model(void **state)
{
    static uint32_t model[65536];
    struct fix f;
    struct portmap *pm;
    struct rng rng = {1};

    (void)state;
    memset(model, 0, sizeof model);
    open_fix(&f, 2, 0, 1);
    pm = map_of(&f);
    for (int step = 0; step < 60000; step++) {
        /* crowded at first, so that bits fall and rise */
        uint16_t p = (uint16_t)(40000 + rng_below(&rng, 3000));
        struct ct_tuple t = to_port((uint16_t)rng_next(&rng), p);
        uint16_t start = (uint16_t)(39990 + rng_below(&rng, 3020));
        uint16_t got, lo = 40000, hi = 42999;
        uint32_t want = UINT32_MAX;

        if (model[p] && rng_below(&rng, 3) == 0) {
            portmap_uncount(&f.ps, &t);
            model[p]--;
        } else if (model[p] < 3) {
            assert_true(portmap_count(&f.ps, &t));
            model[p]++;
        }
        assert_int_equal(portmap_use(&f.ps, pm, p), model[p]);
        for (uint32_t q = start < lo ? lo : start;
             q <= hi && want == UINT32_MAX; q++)
            want = model[q] ? want : q;
        for (uint32_t q = lo; q <= hi && want == UINT32_MAX; q++)
            want = model[q] ? want : q;
        if (portmap_exclusive(&f.ps, pm, lo, hi, start, &got))
            assert_int_equal(got, want);
        else
            assert_int_equal(want, UINT32_MAX);
    }
    free(f.mem);
}

static void the_last_free_port_is_found_and_none_is_known(void **state)
{
    struct fix f;
    struct portmap *pm;
    uint16_t got = 0;

    (void)state;
    open_fix(&f, 2, 0, 1);
    pm = map_of(&f);
    for (uint32_t p = 0; p < 65536; p++)
        if (p != 777) {
            struct ct_tuple t = to_port(80, (uint16_t)p);

            assert_true(portmap_count(&f.ps, &t));
        }
    assert_true(portmap_exclusive(&f.ps, pm, 0, 65535, 65535, &got));
    assert_int_equal(got, 777);
    assert_true(portmap_exclusive(&f.ps, pm, 600, 1023, 1000, &got));
    assert_int_equal(got, 777);
    assert_false(portmap_exclusive(&f.ps, pm, 1024, 65535, 5000, &got));
    free(f.mem);
}

/* P6: every port leads to its own index, and to nothing past the end. */
static void every_shard_counts_its_own_slice(void **state)
{
    const uint32_t shards[] = {1, 2, 3, 7, 64};

    (void)state;
    for (size_t k = 0; k < sizeof shards / sizeof *shards; k++) {
        uint32_t total = 0;

        for (uint32_t s = 0; s < shards[k]; s++) {
            struct fix f;

            open_fix(&f, 1, s, shards[k]);
            map_of(&f);
            for (uint32_t p = 0; p < 65536; p++) {
                struct ct_tuple t = to_port(80, (uint16_t)p);
                bool ours = p % shards[k] == s;

                assert_int_equal(portmap_count(&f.ps, &t), ours);
                total += ours;
            }
            assert_int_equal(portmap_size(&f.ps, 0, 65535), f.ps.n_index);
            for (uint32_t i = 0; i < f.ps.n_index; i++)
                assert_int_equal(portmap_kth(&f.ps, 0, i) % shards[k], s);
            free(f.mem);
        }
        assert_int_equal(total, 65536);
    }
}

static void full_is_known_by_remote_and_class(void **state)
{
    struct fix f;
    struct ct_tuple t = to_port(443, 0), other = to_port(444, 0);

    (void)state;
    open_fix(&f, 1, 0, 1);
    map_of(&f);
    for (uint32_t p = 1; p <= 511; p++) {
        t.dport = (uint16_t)p;
        assert_false(portmap_full(&f.ps, &t, 1, 511));
        portmap_count(&f.ps, &t);
    }
    assert_true(portmap_full(&f.ps, &t, 1, 511));
    assert_false(portmap_full(&f.ps, &t, 1024, 65535));
    assert_false(portmap_full(&f.ps, &other, 1, 511));
    portmap_uncount(&f.ps, &t);
    assert_false(portmap_full(&f.ps, &t, 1, 511));
    free(f.mem);
}

/* One remote in two zones is two: each has all ports for itself. */
static void full_is_known_by_zone(void **state)
{
    struct fix f;
    struct ct_tuple t = to_port(443, 0), other = t;

    (void)state;
    open_fix(&f, 1, 0, 1);
    map_of(&f);
    t.zone = 5;
    other.zone = 6;
    for (uint32_t p = 1; p <= 511; p++) {
        t.dport = other.dport = (uint16_t)p;
        portmap_count(&f.ps, &t);
        assert_false(portmap_full(&f.ps, &other, 1, 511));
    }
    assert_true(portmap_full(&f.ps, &t, 1, 511));
    portmap_count(&f.ps, &other);
    portmap_uncount(&f.ps, &other);
    assert_true(portmap_full(&f.ps, &t, 1, 511));
    assert_false(portmap_full(&f.ps, &other, 1, 511));
    free(f.mem);
}

static void a_map_that_counts_nothing_gives_way(void **state)
{
    struct fix f;
    union ct_addr a = ip4(192, 0, 2, 1), b = ip4(192, 0, 2, 2);
    struct ct_tuple t = to_port(80, 81);

    (void)state;
    open_fix(&f, 1, 0, 1);
    assert_non_null(map_of(&f));
    portmap_count(&f.ps, &t);
    assert_null(portmap_find(&f.ps, &a, CT_IPV4, 6, true));
    portmap_uncount(&f.ps, &t);
    assert_null(portmap_find(&f.ps, &a, CT_IPV4, 6, false));
    assert_non_null(portmap_find(&f.ps, &a, CT_IPV4, 6, true));
    assert_non_null(portmap_find(&f.ps, &b, CT_IPV4, 6, true));
    assert_null(portmap_find(&f.ps, &a, CT_IPV4, 6, false));
    free(f.mem);
}

static void classes_are_the_kernels(void **state)
{
    static const struct {
        uint16_t port, lo, hi;
    } rows[] = {{0, 1, 511},         {300, 1, 511},       {511, 1, 511},
                {512, 600, 1023},    {700, 600, 1023},    {1023, 600, 1023},
                {1024, 1024, 65535}, {65535, 1024, 65535}};
    uint16_t lo, hi;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        portmap_class(false, rows[i].port, &lo, &hi);
        assert_int_equal(lo, rows[i].lo);
        assert_int_equal(hi, rows[i].hi);
    }
    portmap_class(true, 7, &lo, &hi);
    assert_int_equal(lo, 0);
    assert_int_equal(hi, 65535);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p6_exclusive_agrees_with_a_model),
        cmocka_unit_test(the_last_free_port_is_found_and_none_is_known),
        cmocka_unit_test(every_shard_counts_its_own_slice),
        cmocka_unit_test(full_is_known_by_remote_and_class),
        cmocka_unit_test(full_is_known_by_zone),
        cmocka_unit_test(a_map_that_counts_nothing_gives_way),
        cmocka_unit_test(classes_are_the_kernels),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
