/* ipid.c - identifications behind a shared address */
#include "nat/ipid.h"

#include "base/csum.h"

#include "bytes.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static uint8_t bytes[28];

static uint16_t id_of(struct ipid *ids, uint32_t dst, uint16_t flags,
                      struct ct_pkt *pkt)
{
    memset(bytes, 0, sizeof bytes);
    bytes[0] = 0x45;
    bytes_put16(bytes + 4, 7);
    bytes_put16(bytes + 6, flags);
    bytes[9] = 17;
    bytes_put32(bytes + 12, 0xc6336401);
    bytes_put32(bytes + 16, dst);
    bytes_put16(bytes + 10, (uint16_t)~csum_fold(csum_add(0, bytes, 20)));
    pkt->data = bytes;
    pkt->len = sizeof bytes;
    ipid_give(ids, pkt);
    assert_int_equal(csum_fold(csum_add(0, bytes, 20)), 0xffff);
    return bytes_get16(bytes + 4);
}

/* However many shards there are, none gives what another gave, and none one of
 * its own before it has given all of them: over the end of the row, too. */
static void shards_share_by_residue(void **state)
{
    static struct ipid ids[7];
    static uint32_t last[65536];
    struct ct_pkt pkt = {.gso_size = 0};

    (void)state;
    for (uint32_t n = 1; n <= 7; n++) {
        uint32_t own = 65536 / n;

        memset(last, 0, sizeof last);
        for (uint32_t s = 0; s < n; s++)
            ipid_start(&ids[s], 5, s, n);
        for (uint32_t i = 1; i <= 5 * own; i++)
            for (uint32_t s = 0; s < n; s++) {
                uint16_t id = id_of(&ids[s], 1, 0, &pkt);

                assert_int_equal(id % n, s);
                assert_true(last[id] == 0 || i - last[id] == own);
                last[id] = i;
            }
    }
}

/* Which row a way has is not to be foreseen: all of the key is drawn. */
static void all_of_the_key_is_drawn(void **state)
{
    static struct ipid a, b;

    (void)state;
    ipid_start(&a, 5, 0, 1);
    ipid_start(&b, 6, 0, 1);
    for (int i = 0; i < 2; i++)
        assert_true(a.key[i] != 0 && a.key[i] != b.key[i]);
}

/* A super-packet's segments count on from its own. */
static void segments_take_theirs(void **state)
{
    static struct ipid ids;
    struct ct_pkt big = {.gso_size = 1000, .l4_len = 9001}, one = {0};
    uint16_t first;

    (void)state;
    ipid_start(&ids, 5, 0, 1);
    first = id_of(&ids, 1, 0, &big);
    assert_int_equal(id_of(&ids, 1, 0, &one), (uint16_t)(first + 10));
}

static void atomic_ones_stay(void **state)
{
    static struct ipid ids;
    struct ct_pkt pkt = {0}, whole = {.frag_max = 1500};

    (void)state;
    ipid_start(&ids, 5, 0, 1);
    assert_int_equal(id_of(&ids, 1, 0x4000, &pkt), 7);
    assert_int_not_equal(id_of(&ids, 1, 0x6000, &pkt), 7);
    assert_int_not_equal(id_of(&ids, 1, 0x4000, &whole), 7);
}

static void same_seed_same_ids(void **state)
{
    static struct ipid a, b, c;
    struct ct_pkt pkt = {0};
    unsigned same = 0;

    (void)state;
    ipid_start(&a, 5, 0, 1);
    ipid_start(&b, 5, 0, 1);
    ipid_start(&c, 6, 0, 1);
    for (uint32_t dst = 0; dst < 100; dst++) {
        uint16_t id = id_of(&a, dst, 0, &pkt);

        assert_int_equal(id_of(&b, dst, 0, &pkt), id);
        same += id_of(&c, dst, 0, &pkt) == id;
    }
    assert_true(same < 5);
}

/* Each way has numbers of its own: how much goes to one host says nothing of
 * another, whichever address and protocol differ. */
static void ways_count_apart(void **state)
{
    static struct ipid ids;
    struct ct_pkt pkt = {.gso_size = 0};
    unsigned moved = 0;

    (void)state;
    ipid_start(&ids, 5, 0, 1);
    for (uint32_t to = 2; to < 66; to++) {
        uint16_t was = id_of(&ids, to, 0, &pkt);

        for (int i = 0; i < 10; i++)
            (void)id_of(&ids, to + 1000, 0, &pkt);
        moved += (uint16_t)(id_of(&ids, to, 0, &pkt) - was) != 1;
    }
    assert_in_range(moved, 0, 6); /* rows are few: some ways share one */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shards_share_by_residue),
        cmocka_unit_test(segments_take_theirs),
        cmocka_unit_test(atomic_ones_stay),
        cmocka_unit_test(same_seed_same_ids),
        cmocka_unit_test(all_of_the_key_is_drawn),
        cmocka_unit_test(ways_count_apart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
