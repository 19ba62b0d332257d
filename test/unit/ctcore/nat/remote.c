/* remote.c - bits of a remote agree with a model, with room and without */
#include "nat/remote.h"

#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const uint64_t key[2] = {3, 4};

struct fix {
    struct remotes rs;
    struct work work;
    void *mem;
};

static void open_fix(struct fix *f, uint32_t max)
{
    struct block b = {.base = NULL};

    remote_init_all(&f->rs, &b, max);
    f->mem = calloc(1, b.used);
    b = (struct block){.base = f->mem};
    remote_init_all(&f->rs, &b, max);
    f->work.steps = 0;
    f->rs.work = &f->work;
}

static struct ct_tuple from_remote(uint16_t sport, uint16_t zone)
{
    return (struct ct_tuple){.src = {.b = {203, 0, 113, 9}},
                             .dst = {.b = {198, 51, 100, 1}},
                             .sport = sport,
                             .dport = 4711,
                             .zone = zone,
                             .family = CT_IPV4,
                             .proto = 6};
}

/* Which port of ours it is makes no other remote; all else does. */
static void a_remote_is_known_by_all_but_our_port(void **state)
{
    struct ct_tuple t = from_remote(443, 0), other = t;

    (void)state;
    other.dport = 99;
    assert_true(remote_key(&t, key) == remote_key(&other, key));
    other.zone = 5;
    assert_true(remote_key(&t, key) != remote_key(&other, key));
    other = t;
    other.sport = 444;
    assert_true(remote_key(&t, key) != remote_key(&other, key));
    other = t;
    other.dst.b[3] = 2;
    assert_true(remote_key(&t, key) != remote_key(&other, key));
    for (uint8_t proto = 1; proto <= 58; proto += 57) { /* ICMP, ICMPv6 */
        t.proto = proto; /* its id is where others have their port */
        t.family = proto == 1 ? CT_IPV4 : CT_IPV6;
        other = t;
        other.sport = 5;
        assert_true(remote_key(&t, key) == remote_key(&other, key));
    }
}

/* The first free index as an array says it; unmarked ones are free there. */
static uint32_t model_next(const bool *marked, uint32_t at, uint32_t end)
{
    while (at < end && marked[at])
        at++;
    return at < end ? at : UINT32_MAX;
}

static uint32_t next(struct fix *f, uint64_t remote, uint32_t at, uint32_t end)
{
    while ((at = remote_skip(&f->rs, remote, at, end)) < end) {
        uint64_t open =
            ~remote_word(&f->rs, remote, at >> 6) & ~0ull << (at & 63);

        if (open) {
            at = (at & ~63u) | (uint32_t)__builtin_ctzll(open);
            return at < end ? at : UINT32_MAX;
        }
        at = (at | 63) + 1;
    }
    return UINT32_MAX;
}

/* Two remotes, ports that come and go, crowded and empty. */
static void bits_agree_with_a_model(void **state)
{
    static bool used[2][65536], marked[2][65536];
    struct rng rng = {9};
    struct fix f;
    uint64_t remote[2];

    (void)state;
    memset(used, 0, sizeof used);
    memset(marked, 0, sizeof marked);
    open_fix(&f, 262144);
    for (uint16_t r = 0; r < 2; r++) {
        struct ct_tuple t = from_remote(443, r);

        remote[r] = remote_key(&t, key);
    }
    for (uint32_t step = 0; step < 600000; step++) {
        uint32_t r = step & 1, p = 20000 + hash_rng_below(&rng, 9000), at, end;
        bool fill = step % 300000 < 200000;

        if (!used[r][p] && (fill || hash_rng_below(&rng, 4) == 0)) {
            used[r][p] = true;
            marked[r][p] = remote_add(&f.rs, remote[r], p);
        } else if (used[r][p] && (!fill || hash_rng_below(&rng, 4) == 0)) {
            used[r][p] = false;
            remote_take(&f.rs, remote[r], p, marked[r][p]);
            marked[r][p] = false;
        }
        if (step % 64)
            continue;
        at = 19900 + hash_rng_below(&rng, 9000);
        end = at + hash_rng_below(&rng, 9000);
        assert_int_equal(next(&f, remote[r], at, end),
                         model_next(marked[r], at, end));
    }
    for (uint32_t r = 0; r < 2; r++)
        for (uint32_t p = 0; p < 65536; p++)
            if (used[r][p])
                remote_take(&f.rs, remote[r], p, marked[r][p]);
    assert_int_equal(f.rs.words.used, 0);
    for (uint32_t i = 0; i < f.rs.n_count; i++)
        assert_int_equal(f.rs.count[i], 0);
    free(f.mem);
}

/* All but one of 64,512, and all of them: known in a few looks. */
static void full_is_known_at_once(void **state)
{
    struct ct_tuple t = from_remote(443, 0);
    uint64_t remote = remote_key(&t, key);
    uint32_t unmarked = 0;
    struct fix f;

    (void)state;
    open_fix(&f, 262144);
    for (uint32_t p = 0; p < 65536; p++)
        unmarked += !remote_add(&f.rs, remote, p);
    assert_int_equal(unmarked, REMOTE_UNMARKED);
    /* a second use of the first ones, which are above the count now */
    for (uint32_t p = 0; p < REMOTE_UNMARKED; p++)
        assert_true(remote_add(&f.rs, remote, p));
    f.work.steps = 0;
    assert_int_equal(next(&f, remote, 1024, 65536), UINT32_MAX);
    assert_true(f.work.steps <= 64);
    remote_take(&f.rs, remote, 40001, true);
    f.work.steps = 0;
    assert_int_equal(next(&f, remote, 1024, 65536), 40001);
    assert_true(f.work.steps <= 64);
    free(f.mem);
}

/* No word left: the rest goes unmarked, and what was marked comes off. */
static void without_room_nothing_is_marked(void **state)
{
    struct ct_tuple t = from_remote(443, 0);
    uint64_t remote = remote_key(&t, key);
    static bool marked[65536];
    uint32_t n = 0;
    struct fix f;

    (void)state;
    open_fix(&f, 64);
    for (uint32_t p = 0; p < 65536; p += 64)
        n += marked[p] = remote_add(&f.rs, remote, p);
    assert_int_equal(n, f.rs.words.n);
    for (uint32_t p = 0; p < 65536; p += 64)
        remote_take(&f.rs, remote, p, marked[p]);
    assert_int_equal(f.rs.words.used, 0);
    free(f.mem);
}

/* Who adds a bit that is there has not set it, and takes nothing away. */
static void a_bit_is_set_once(void **state)
{
    struct ct_tuple t = from_remote(443, 0);
    uint64_t remote = remote_key(&t, key);
    struct fix f;

    (void)state;
    open_fix(&f, 1024);
    for (uint32_t i = 0; i < REMOTE_UNMARKED; i++)
        assert_false(remote_add(&f.rs, remote, 64 + i));
    for (uint32_t i = 0; i < 64; i += 21) {
        assert_true(remote_add(&f.rs, remote, i));
        assert_false(remote_add(&f.rs, remote, i));
        remote_take(&f.rs, remote, i, false);
        assert_true(remote_word(&f.rs, remote, 0) >> i & 1);
        remote_take(&f.rs, remote, i, true);
        assert_true(remote_word(&f.rs, remote, 0) == 0);
    }
    free(f.mem);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_remote_is_known_by_all_but_our_port),
        cmocka_unit_test(bits_agree_with_a_model),
        cmocka_unit_test(full_is_known_at_once),
        cmocka_unit_test(without_room_nothing_is_marked),
        cmocka_unit_test(a_bit_is_set_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
