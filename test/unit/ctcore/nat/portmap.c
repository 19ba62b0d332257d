/* portmap.c - a map of ports agrees with a model, slice by slice */
#include "base/hash.h"
#include "corerig.h"

struct fix {
    struct portmaps ps;
    struct work work;
    void *mem;
};

static void open_fix(struct fix *f, uint32_t maps, uint32_t shard, uint32_t n)
{
    struct block b = {.base = NULL};

    portmap_init_all(&f->ps, &b, maps, shard, n);
    portmap_init_maps(&f->ps, &b, maps);
    f->mem = aligned_alloc(64, b.used);
    memset(f->mem, 0xa5, b.used); /* maps are not zeroed */
    b = (struct block){.base = NULL};
    portmap_init_all(&f->ps, &b, maps, shard, n);
    memset(f->mem, 0, b.used);
    b = (struct block){.base = f->mem};
    portmap_init_all(&f->ps, &b, maps, shard, n);
    portmap_init_maps(&f->ps, &b, maps);
    f->work.steps = 0;
    f->ps.work = &f->work;
    f->ps.key[0] = 7;
}

static const union ct_addr ours = {.b = {198, 51, 100, 1}};

static struct portmap *map_of(struct fix *f)
{
    return portmap_make(&f->ps, &ours, CT_IPV4, 6);
}

/* Against the plainest model there is: an array of counts. */
static void p6_an_open_port_is_a_models(void **state)
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
        uint32_t p = 40000 + hash_rng_below(&rng, 3000);
        uint32_t want = 39990 + hash_rng_below(&rng, 3020), start = want;

        if (model[p] && (step & 3) == 0 && pm->total > 1) {
            portmap_uncount(&f.ps, pm, p);
            model[p]--;
        } else if (model[p] < 3) {
            portmap_count(&f.ps, pm, p);
            model[p]++;
        }
        assert_int_equal(portmap_is_used(&f.ps, pm, (uint16_t)p), model[p] > 0);
        while (model[want])
            want++;
        assert_int_equal(portmap_open(pm, start), want);
    }
    free(f.mem);
}

static void the_last_open_port_is_found_and_none_is_known(void **state)
{
    struct fix f;
    struct portmap *pm;

    (void)state;
    open_fix(&f, 2, 0, 1);
    pm = map_of(&f);
    for (uint32_t p = 0; p < 65536; p++)
        if (p != 777)
            portmap_count(&f.ps, pm, p);
    assert_int_equal(portmap_open(pm, 0), 777);
    assert_int_equal(portmap_open(pm, 777), 777);
    assert_int_equal(portmap_open(pm, 778), 65536);
    portmap_count(&f.ps, pm, 777);
    assert_int_equal(portmap_open(pm, 0), 65536);
    portmap_uncount(&f.ps, pm, 65535);
    assert_int_equal(portmap_open(pm, 0), 65535);
    free(f.mem);
}

/* P6: every port leads to its own index, and to nothing past the end. */
static void every_shard_has_its_own_slice(void **state)
{
    const uint32_t shards[] = {1, 2, 3, 7, 64};

    (void)state;
    for (size_t k = 0; k < sizeof shards / sizeof *shards; k++) {
        uint32_t total = 0;

        for (uint32_t s = 0; s < shards[k]; s++) {
            const struct portmap *pm;
            struct fix f;

            open_fix(&f, 1, s, shards[k]);
            pm = portmap_make(&f.ps, &ours, CT_IPV4, 6);
            for (uint32_t p = 0; p < 65536; p++) {
                bool is_ours = portmap_is_ours(&f.ps, (uint16_t)p);

                total += is_ours;
                assert_int_equal(portmap_is_used(&f.ps, pm, (uint16_t)p),
                                 !is_ours);
            }
            assert_int_equal(portmap_size(&f.ps, 0, 65535), f.ps.n_index);
            for (uint32_t i = 0; i < f.ps.n_index; i++) {
                uint16_t p = portmap_at(&f.ps, i);

                assert_int_equal(p % shards[k], s);
                assert_int_equal(portmap_index(&f.ps, p), i);
                assert_int_equal(p / shards[k], i);
            }
            free(f.mem);
        }
        assert_int_equal(total, 65536);
    }
}

/* A map without a count is there for the next address, and clean. */
static void a_map_that_counts_nothing_gives_way(void **state)
{
    struct fix f;
    union ct_addr a = ip4(192, 0, 2, 1), b = ip4(192, 0, 2, 2);
    struct portmap *pm;

    (void)state;
    open_fix(&f, 1, 0, 1);
    assert_null(portmap_find(&f.ps, &a, CT_IPV4, 6));
    pm = portmap_make(&f.ps, &a, CT_IPV4, 6);
    assert_non_null(pm);
    portmap_count(&f.ps, pm, 81);
    portmap_count(&f.ps, pm, 82);
    assert_null(portmap_make(&f.ps, &b, CT_IPV4, 6));
    assert_null(portmap_make(&f.ps, &a, CT_IPV4, 17));
    assert_null(portmap_make(&f.ps, &a, CT_IPV6, 6));
    assert_ptr_equal(portmap_make(&f.ps, &a, CT_IPV4, 6), pm);
    portmap_uncount(&f.ps, pm, 81);
    assert_ptr_equal(portmap_find(&f.ps, &a, CT_IPV4, 6), pm);
    portmap_uncount(&f.ps, pm, 82);
    assert_null(portmap_find(&f.ps, &a, CT_IPV4, 6));
    pm = portmap_make(&f.ps, &b, CT_IPV4, 6);
    assert_non_null(pm);
    for (uint32_t p = 0; p < 65536; p++)
        assert_false(portmap_is_used(&f.ps, pm, (uint16_t)p));
    free(f.mem);
}

/* Thousands of maps are found by hash: chains stay short. */
static void many_maps_are_found_at_once(void **state)
{
    enum { N = 4096 };
    uint32_t longest = 0;
    struct fix f;

    (void)state;
    open_fix(&f, N, 0, 64); /* a slice, to keep it small */
    for (uint32_t i = 0; i < N; i++) {
        union ct_addr a = {.w32 = {i}};

        portmap_count(&f.ps, portmap_make(&f.ps, &a, CT_IPV4, 17), i % 64);
    }
    for (uint32_t h = 0; h < f.ps.n_heads; h++) {
        uint32_t n = 0;

        for (uint32_t at = f.ps.heads[h]; at; n++)
            at = ((struct portmap *)(void *)f.ps.maps.items)[at - 1].next;
        longest = n > longest ? n : longest;
    }
    assert_in_range(longest, 1, 10);
    for (uint32_t i = 0; i < N; i++) {
        union ct_addr a = {.w32 = {i}};

        assert_true(portmap_is_used(&f.ps, portmap_find(&f.ps, &a, CT_IPV4, 17),
                                    portmap_at(&f.ps, i % 64)));
    }
    free(f.mem);
}

/* More tuples at one port than a count can hold: it counts as used until the
 * map is empty, and no longer. */
static void a_count_at_its_end_stays_until_the_map_is_empty(void **state)
{
    struct portmap *pm;
    struct fix f;

    (void)state;
    open_fix(&f, 1, 0, 1);
    pm = map_of(&f);
    for (int i = 0; i < 70000; i++)
        portmap_count(&f.ps, pm, 53);
    for (int i = 0; i < 69999; i++)
        portmap_uncount(&f.ps, pm, 53);
    assert_true(portmap_is_used(&f.ps, pm, 53));
    portmap_uncount(&f.ps, pm, 53);
    assert_null(portmap_find(&f.ps, &ours, CT_IPV4, 6));
    assert_false(portmap_is_used(&f.ps, map_of(&f), 53));
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

/* Each link that is followed to an address's map is a step. */
static void links_are_steps(void **state)
{
    enum { MAPS = 20 };
    union ct_addr a = ours;
    struct fix f;

    (void)state;
    open_fix(&f, MAPS, 0, 1);
    f.ps.n_heads = 1;
    for (unsigned i = 0; i < MAPS; i++) {
        a.b[3] = (uint8_t)i;
        assert_non_null(portmap_make(&f.ps, &a, CT_IPV4, 6));
    }
    f.work.steps = 0;
    assert_non_null(portmap_find(&f.ps, &a, CT_IPV4, 6));
    assert_int_equal(f.work.steps, MAPS - 1);
    free(f.mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(p6_an_open_port_is_a_models),
        cmocka_unit_test(the_last_open_port_is_found_and_none_is_known),
        cmocka_unit_test(every_shard_has_its_own_slice),
        cmocka_unit_test(a_map_that_counts_nothing_gives_way),
        cmocka_unit_test(many_maps_are_found_at_once),
        cmocka_unit_test(a_count_at_its_end_stays_until_the_map_is_empty),
        cmocka_unit_test(classes_are_the_kernels),
        cmocka_unit_test(links_are_steps),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
