/* connlimit.c - counts stay exact while the table moves to new rules */
#include "rules/connlimit.h"
#include "base/hash.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SLOTS = 256, SOURCES = 5, RULES = 3 };

static struct ct_conn conns[SLOTS];
static bool model[RULES][SLOTS]; /* counted by the rule that bears this name */
static struct work work;

/* Rules in this order bear these numbers; all count by host. */
struct fix {
    struct ct_rule rule[RULES];
    struct ct_ruleset rules;
    struct connlimit *l;
};

static void make(struct fix *f, uint32_t n)
{
    struct block b = {.base = NULL};

    memset(f, 0, sizeof *f);
    f->rules = (struct ct_ruleset){
        .rules = f->rule, .n = n, .n_connlimits = (uint8_t)n};
    for (uint32_t i = 0; i < n; i++)
        f->rule[i].connlimit = (struct ct_connlimit){
            .prefix4 = 32, .prefix6 = 64, .number = (uint8_t)(i + 1)};
    connlimit_init(&b, SLOTS, &f->rules);
    b.base = calloc(1, b.used);
    b.used = 0;
    f->l = connlimit_init(&b, SLOTS, &f->rules);
    f->l->tally.work = &work;
}

static uint32_t counted(int name, uint8_t source)
{
    uint32_t n = 0;

    for (uint32_t s = 0; s < SLOTS; s++)
        n += model[name][s] &&
             conns[s].tuple[CT_DIR_ORIGINAL].src.b[3] == source;
    return n;
}

/* names[i]: what the rule at i is in the model. */
static void check(const struct fix *f, const int *names)
{
    for (uint32_t i = 0; i < f->rules.n; i++)
        for (uint8_t source = 0; source < SOURCES; source++) {
            struct ct_conn c = {.seq = 0};

            c.tuple[CT_DIR_ORIGINAL].src.b[3] = source;
            c.tuple[CT_DIR_ORIGINAL].family = CT_IPV4;
            assert_int_equal(connlimit_look(f->l, &f->rule[i].connlimit, &c),
                             counted(names[i], source));
        }
}

static void stir(struct fix *f, const int *names, struct rng *rng, int times)
{
    while (times-- > 0) {
        uint32_t slot = hash_rng_below(rng, SLOTS);
        struct ct_conn *c = &conns[slot];

        if (hash_rng_below(rng, 3) == 0) {
            connlimit_forget(f->l, slot, c);
            for (int name = 0; name < RULES; name++)
                model[name][slot] = false;
            c->tuple[CT_DIR_ORIGINAL].src.b[3] =
                (uint8_t)hash_rng_below(rng, SOURCES);
        } else {
            uint32_t i = hash_rng_below(rng, f->rules.n), n;

            model[names[i]][slot] = true;
            n = connlimit_count(f->l, &f->rule[i].connlimit, slot, c);
            assert_int_equal(
                n, counted(names[i], c->tuple[CT_DIR_ORIGINAL].src.b[3]));
        }
    }
}

/* While what one set of rules has counted moves to the next, slot by slot,
 * flows come, go and are counted: each count is exact at each moment.  The
 * second set has the third rule first, no second one, and none of its own. */
static void counts_are_exact_while_they_move(void **state)
{
    static const int before[] = {0, 1, 2}, after[] = {2, 0};
    struct rng rng = {5};
    struct fix was, is;
    unsigned turns = 0;

    (void)state;
    for (uint32_t s = 0; s < SLOTS; s++)
        conns[s].tuple[CT_DIR_ORIGINAL].family = CT_IPV4;
    make(&was, 3);
    stir(&was, before, &rng, 2000);
    check(&was, before);
    make(&is, 2);
    connlimit_follow(is.l, 1, was.l, 3);
    connlimit_follow(is.l, 2, was.l, 1);
    check(&is, after);
    while (!connlimit_move_some(is.l, conns, SLOTS, 10, &work)) {
        stir(&is, after, &rng, 20);
        check(&is, after);
        turns++;
    }
    assert_int_equal(turns, SLOTS / 10);
    assert_in_range(work.steps, SLOTS, SLOTS * (1 + RULES));
    assert_int_equal(was.l->tally.counters.used, 0);
    free(was.l);
    check(&is, after);
    stir(&is, after, &rng, 2000);
    check(&is, after);
    free(is.l);
}

/* A slot that is looked at is a step, and so is each count that moves. */
static void looks_and_moves_are_steps(void **state)
{
    enum { N = 10 };
    struct fix was, is;
    struct ct_conn c = {.seq = 0};

    (void)state;
    make(&was, 2);
    make(&is, 2);
    connlimit_follow(is.l, 1, was.l, 1);
    connlimit_follow(is.l, 2, was.l, 2);
    (void)connlimit_count(was.l, &was.rule[0].connlimit, 3, &c);
    (void)connlimit_count(was.l, &was.rule[1].connlimit, 3, &c);
    (void)connlimit_count(was.l, &was.rule[1].connlimit, 5, &c);
    work.steps = 0;
    for (uint32_t s = 0; s < N; s++)
        conns[s] = c;
    assert_true(connlimit_move_some(is.l, conns, N, N, &work));
    assert_in_range(work.steps, N + 3, N + 3 + 3); /* links, if any */
    free(was.l);
    free(is.l);
}

/* Another shard's counts are nothing before it has counted. */
static void counts_of_a_shard_that_is_not_ready(void **state)
{
    struct ct_conn c = {.seq = 0};
    struct fix f;

    (void)state;
    make(&f, 1);
    f.l->ready = 1;
    (void)connlimit_count(f.l, &f.rule[0].connlimit, 0, &c);
    assert_int_equal(connlimit_peek(f.l, f.l, &f.rule[0].connlimit, &c), 1);
    f.l->ready = 0;
    assert_int_equal(connlimit_peek(f.l, f.l, &f.rule[0].connlimit, &c), 0);
    free(f.l);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_exact_while_they_move),
        cmocka_unit_test(looks_and_moves_are_steps),
        cmocka_unit_test(counts_of_a_shard_that_is_not_ready),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
