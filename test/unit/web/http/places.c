/* places.c - which connection gives up its place or its answer, and
 * which has its turn */
#include "http/places.h"
#include "http/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { NOW = 100000, MOST = 8 };

/* The latest is the first of the list, as in the server. */
static struct {
    struct conn *all[MOST];
    unsigned n;
    struct places places;
} crowd;

static int begin(void **state)
{
    (void)state;
    memset(&crowd, 0, sizeof(crowd));
    return 0;
}

static int end(void **state)
{
    (void)state;
    for (unsigned i = 0; i < crowd.n; i++)
        free(crowd.all[i]);
    return 0;
}

static struct conn *come(uint32_t address, enum conn_state state,
                         uint64_t since)
{
    struct conn *c = calloc(1, sizeof(*c));

    assert_non_null(c);
    assert_true(crowd.n < MOST);
    c->address = address;
    c->state = state;
    c->since = c->took = since;
    c->counted = state == CONN_ANSWER;
    c->turn = crowd.n;
    if (crowd.n > 0)
        c->next = crowd.all[crowd.n - 1];
    crowd.all[crowd.n++] = c;
    places_take(&crowd.places, c);
    return c;
}

static struct conn *reads_not(uint32_t address, uint64_t since)
{
    struct conn *c = come(address, CONN_ANSWER, since);

    c->requests = 1;
    c->stalled = since;
    c->n_out = c->held = 1000;
    return c;
}

static const struct conn *worst(bool any)
{
    return places_worst(&crowd.places, crowd.all[crowd.n - 1], NOW, any);
}

static void the_largest_address_gives_up_a_place(void **state)
{
    struct conn *a, *b;

    (void)state;
    b = come(2, CONN_HEAD, NOW - 9000); /* idles, and for longest */
    b->requests = 1;
    (void)come(1, CONN_READY, NOW - 10);
    (void)come(1, CONN_READY, NOW - 9);
    a = come(1, CONN_READY, NOW - 8);
    assert_null(worst(false)); /* theirs are being answered: wait */
    a->requests = 3;           /* it has had answers */
    assert_ptr_equal(worst(false), a);
}

/* When waiting does not help, the latest of those that wait goes. */
static void of_those_that_wait_the_latest_goes(void **state)
{
    struct conn *last;

    (void)state;
    (void)come(1, CONN_ANSWER, NOW - 10);
    (void)come(1, CONN_READY, NOW - 9);
    last = come(1, CONN_READY, NOW - 8);
    come(1, CONN_READY, NOW - 7)->head.health = true;
    assert_null(worst(false));
    assert_ptr_equal(worst(true), last);
}

static void one_address_gives_up_in_this_order(void **state)
{
    struct conn *c;

    (void)state;
    (void)come(1, CONN_READY, NOW - 5000);
    (void)come(1, CONN_HEAD, NOW); /* has come this moment */
    assert_null(worst(false));
    c = reads_not(1, NOW - 10);
    assert_ptr_equal(worst(false), c);
    c = come(1, CONN_HEAD, NOW - 10); /* may still send its request */
    assert_ptr_equal(worst(false), c);
    c = come(1, CONN_READY, NOW - 9);
    c->requests = 1;
    assert_ptr_equal(worst(false), c);
    c = come(1, CONN_HEAD, NOW - 8);
    c->requests = 1;
    assert_ptr_equal(worst(false), c);
    c = come(1, CONN_HEAD, NOW - PLACES_MS);
    assert_ptr_equal(worst(false), c);
    c = come(1, CONN_LINGER, NOW);
    assert_ptr_equal(worst(false), c);
}

/* The client that has read nothing for the longest time loses its place. */
static void of_those_that_read_not_the_slowest_goes(void **state)
{
    struct conn *slow;

    (void)state;
    (void)reads_not(1, NOW - 30);
    slow = reads_not(1, NOW - 20);
    (void)reads_not(1, NOW - 10);
    crowd.all[0]->took = crowd.all[2]->took = NOW - 1;
    assert_ptr_equal(worst(false), slow);
}

/* An answer that its client has not taken is no idle connection. */
static void an_answer_on_its_way_is_kept(void **state)
{
    struct conn *c, *idle;

    (void)state;
    idle = come(1, CONN_HEAD, NOW - 3);
    idle->requests = 1;
    c = come(1, CONN_HEAD, NOW - 5000);
    c->requests = 1;
    c->stalled = NOW - 4000;
    c->n_out = 10;
    assert_ptr_equal(worst(false), idle);
}

static const struct conn *for_whom(const struct conn *c, enum places_lack lack)
{
    return places_answer(&crowd.places, crowd.all[crowd.n - 1], c, NOW, lack);
}

static void an_unread_answer_is_given_up(void **state)
{
    struct conn *first, *c, *other;

    (void)state;
    first = reads_not(1, NOW - 20);
    (void)reads_not(1, NOW - 10);
    other = reads_not(2, NOW - 30);
    c = come(1, CONN_READY, NOW - 1);
    assert_ptr_equal(for_whom(c, PLACES_MEMORY), first);
    first->took = NOW; /* it goes on reading */
    assert_ptr_not_equal(for_whom(c, PLACES_MEMORY), first);
    crowd.all[1]->held = 0;
    first->n_out = 0;
    assert_null(
        for_whom(c, PLACES_MEMORY)); /* of an address with fewer: not yet */
    other->stalled = NOW - PLACES_MS;
    assert_ptr_equal(for_whom(c, PLACES_MEMORY), other);
    other->taken = 1 << 20; /* over a slow line, but it reads */
    assert_null(for_whom(c, PLACES_MEMORY));
}

/* Long answers of one client, read as fast as can be. */
static void answers_are_shared_among_addresses(void **state)
{
    struct conn *many, *own, *other;

    (void)state;
    many = come(1, CONN_ANSWER, NOW - 20);
    (void)come(1, CONN_ANSWER, NOW - 10);
    own = come(1, CONN_READY, NOW - 5);
    other = come(2, CONN_READY, NOW);
    assert_null(for_whom(own, PLACES_ANSWER));
    assert_ptr_equal(for_whom(other, PLACES_ANSWER), many);
    assert_null(for_whom(other, PLACES_MEMORY)); /* their memory is soon free */
}

static const struct conn *next(enum places_kind kind, bool few)
{
    return places_next(&crowd.places, crowd.all[crowd.n - 1], kind, few);
}

static void turns_go_round(void **state)
{
    struct conn *first, *few, *health;

    (void)state;
    (void)come(1, CONN_HEAD, NOW - 9);
    assert_null(next(PLACES_ANY, false));
    first = come(1, CONN_READY, NOW - 8);
    (void)come(1, CONN_READY, NOW - 7);
    few = come(2, CONN_READY, NOW - 6);
    assert_null(next(PLACES_HEALTH, true));
    health = come(1, CONN_READY, NOW - 5);
    health->head.health = true;
    assert_ptr_equal(next(PLACES_ANY, false), first);
    assert_ptr_equal(next(PLACES_ANY, true), few);
    assert_ptr_equal(next(PLACES_HEALTH, false), health);
    assert_ptr_equal(next(PLACES_HEALTH, true), health);
    first->head.walk = few->head.walk = true;
    assert_ptr_equal(next(PLACES_SHORT, false), crowd.all[2]);
}

/* A place among the walks is not made by ending another answer; and a short
 * request does not make way while a long one waits. */
static void walks_give_way_to_walks(void **state)
{
    struct conn *walk, *c, *longest;

    (void)state;
    (void)come(1, CONN_ANSWER, NOW - 30);
    (void)come(1, CONN_ANSWER, NOW - 20);
    walk = come(1, CONN_ANSWER, NOW - 10);
    walk->walk = true;
    c = come(2, CONN_READY, NOW - 5);
    assert_ptr_not_equal(for_whom(c, PLACES_ANSWER), walk);
    assert_ptr_equal(for_whom(c, PLACES_WALK), walk);
    longest = come(1, CONN_READY, NOW - 4);
    longest->head.walk = true;
    (void)come(1, CONN_READY, NOW - 3);
    assert_ptr_equal(worst(true), longest);
}

static uint32_t hash(uint32_t host, uint64_t key)
{
    union {
        struct sockaddr_storage room;
        struct sockaddr_in four;
    } a = {.four = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(host)}};

    return address_hash(&a.room, key);
}

/* No client can choose an address to share a count with another's. */
static void addresses_are_counted_by_a_secret(void **state)
{
    enum { HOSTS = 4096 };
    static bool taken[PLACES_ADDRESSES];
    unsigned both = 0, used = 0;

    (void)state;
    for (uint32_t i = 0; i < HOSTS; i++) {
        uint32_t h = hash(INADDR_LOOPBACK + i, 1) % PLACES_ADDRESSES;

        used += !taken[h];
        taken[h] = true;
        /* with the first host under one key, and under another */
        both += i > 0 && h == hash(INADDR_LOOPBACK, 1) % PLACES_ADDRESSES &&
                hash(INADDR_LOOPBACK + i, 2) % PLACES_ADDRESSES ==
                    hash(INADDR_LOOPBACK, 2) % PLACES_ADDRESSES;
    }
    assert_in_range(used, PLACES_ADDRESSES * 9 / 10, PLACES_ADDRESSES);
    assert_in_range(both, 0, 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        T(the_largest_address_gives_up_a_place),
        T(of_those_that_wait_the_latest_goes),
        T(one_address_gives_up_in_this_order),
        T(of_those_that_read_not_the_slowest_goes),
        T(an_answer_on_its_way_is_kept),
        T(an_unread_answer_is_given_up),
        T(answers_are_shared_among_addresses),
        T(turns_go_round),
        T(walks_give_way_to_walks),
        T(addresses_are_counted_by_a_secret),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
