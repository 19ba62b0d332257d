/* check.c - break one thing of the tables and lists, by hand: the check says
 * which */
#include "check_rig.h"

/* The word that names one of a flow's tuples. */
static uint32_t *word(uint32_t slot, enum ct_dir dir)
{
    uint64_t hash = tuple_hash(&conn(slot)->tuple[dir], ct->table.key);
    struct bucket *b = &ct->table.buckets[table_bucket(&ct->table, hash)];

    for (uint32_t i = 0; i < TABLE_WIDTH; i++)
        if (b->slot[i] && table_index(&ct->table, b->slot[i]) == slot &&
            (b->slot[i] & 1) == dir)
            return &b->slot[i];
    fail();
    return NULL;
}

static uint32_t *hole(uint32_t bucket)
{
    struct bucket *b = &ct->table.buckets[bucket];

    for (uint32_t i = 0; i < TABLE_WIDTH; i++)
        if (b->slot[i] == 0)
            return &b->slot[i];
    fail();
    return NULL;
}

static struct expect *expected(void)
{
    return expect_at(&ct->expects, ct->expects.first);
}

/* ---- the table ---- */

static void tag_is_another(void)
{
    *word(WEB, CT_DIR_REPLY) ^= 1u << 31;
}

static void reply_is_another(void)
{
    conn(WEB)->tuple[CT_DIR_REPLY].sport++;
}

static void original_left_the_table(void)
{
    *word(WEB, CT_DIR_ORIGINAL) = 0;
}

static void tuple_stands_twice(void)
{
    uint64_t hash = tuple_hash(&conn(WEB)->tuple[CT_DIR_REPLY], ct->table.key);

    *hole(table_bucket(&ct->table, hash)) = *word(WEB, CT_DIR_REPLY);
}

static void bucket_names_a_free_entry(void)
{
    *hole(3) = (FLOWS + 1) << 1;
}

static void tuple_is_shared(void)
{
    uint64_t until = conn(WEB)->expires;

    conn(WEB)->expires = 0;
    table_unlink(&ct->table, FORWARDED);
    conn(FORWARDED)->tuple[CT_DIR_REPLY] = conn(WEB)->tuple[CT_DIR_REPLY];
    conn(FORWARDED)->seq++;
    assert_int_equal(table_confirm(&ct->table, FORWARDED, ct->now),
                     CT_REASON_NONE);
    conn(FORWARDED)->seq++;
    conn(WEB)->expires = until;
}

static void entry_is_being_written(void)
{
    conn(WEB)->seq++;
}

static void entry_leaks(void)
{
    pool_get(&ct->conns);
    ct->stats[CT_STAT_entries]++;
    ct->stats[CT_STAT_unconfirmed]++;
}

static void table_is_moving(void)
{
    ct->table.moves++;
}

static void chains_are_moving(void)
{
    ct->expects.moves++;
}

static void counters_are_moving(void)
{
    ct->share.tally.moves++;
}

static void line_leaks(void)
{
    pool_get(&ct->table.lines);
}

static void line_is_empty(void)
{
    uint32_t line = pool_get(&ct->table.lines);

    ct->table.buckets[0].link = line + 1;
    memset(ct->table.lines.items + line * sizeof(struct bucket), 0,
           sizeof(struct bucket));
}

static void lines_are_a_circle(void)
{
    uint32_t line = pool_get(&ct->table.lines);
    struct bucket *b = (struct bucket *)(void *)ct->table.lines.items + line;

    *b = (struct bucket){.slot = {2}, .link = line + 1};
    ct->table.buckets[0].link = line + 1;
}

static void line_was_never_taken(void)
{
    ct->table.lines.used++;
}

static void free_list_is_a_circle(void)
{
    uint32_t line = pool_get(&ct->table.lines);

    pool_put(&ct->table.lines, line);
    memcpy(ct->table.lines.items + line * sizeof(struct bucket) +
               ct->table.lines.link,
           &line, sizeof line);
}

/* ---- time ---- */

static void list_leads_astray(void)
{
    conn(FORWARDED)->exp_prev = OWN;
}

static void list_is_out_of_order(void)
{
    conn(ct->expiry.list[conn(WEB)->list].head)->listed = 9;
}

static void list_is_longer_than_it_says(void)
{
    ct->expiry.list[conn(WEB)->list].count--;
}

static void entry_is_in_no_list(void)
{
    expiry_remove(&ct->expiry, WEB);
}

static void own_time_is_in_no_heap(void)
{
    deadlines_remove(&ct->expiry.own, OWN);
}

static void key_is_behind_the_deadline(void)
{
    ct->expiry.own.heap[0].key_ms = conn(OWN)->expires + 1;
}

/* ---- records, expectations, calls ---- */

static void record_is_of_no_entry(void)
{
    ct_delete(ct, WEB, conn(WEB)->gen);
    ct->ext.by_slot[WEB] = ct->ext.by_slot[OWN];
}

static void record_is_two_entries(void)
{
    ct->ext.by_slot[WEB] = ct->ext.by_slot[OWN];
}

static void status_has_no_record(void)
{
    conn(WEB)->status |= CT_SEQ_ADJUST;
    ct->helped++;
}

static void master_is_gone(void)
{
    expected()->master_gen++;
}

static void expectation_is_being_written(void)
{
    expected()->seq++;
}

static void expectation_is_in_no_chain(void)
{
    for (uint32_t i = 0; i < ct->expects.n_heads; i++)
        ct->expects.heads[i] = CT_NONE;
}

static void expectation_is_in_a_wrong_chain(void)
{
    expected()->hash_prev = 7;
}

static void expectation_has_no_age(void)
{
    ct->expects.last = ct->expects.first;
    expected()->age_next = CT_NONE;
}

static void ages_are_out_of_order(void)
{
    expected()->expires += 1000000;
}

static void ages_lead_astray(void)
{
    expect_at(&ct->expects, ct->expects.last)->age_prev = CT_NONE;
}

static void master_forgot_one(void)
{
    struct ext *x = ext_find(&ct->ext, HELPED);

    x->expected = expect_at(&ct->expects, x->expected)->master_next;
    expect_at(&ct->expects, x->expected)->master_prev = CT_NONE;
}

static void master_is_another(void)
{
    expected()->master = OWN;
}

static void expectation_is_a_stray(void)
{
    expected()->stray = true;
}

static void call_has_another_id(void)
{
    keymap_at(&ct->keymap, 0)->tuple.dport++;
}

static void call_is_no_records(void)
{
    ext_find(&ct->ext, HELPED)->call[CT_DIR_ORIGINAL] = CT_NONE;
}

/* ---- counters ---- */

static struct tally_counter *counter(void)
{
    return tally_at(&ct->share.tally, ct->share.of_flow[WEB].source);
}

static void counter_counts_one_more(void)
{
    counter()->n++;
}

static void counter_counts_nothing(void)
{
    counter()->n = 0;
}

static void counter_has_another_key(void)
{
    counter()->key.zone++;
}

static void counter_leaks(void)
{
    pool_get(&ct->share.tally.counters);
}

static void flow_is_in_anothers_share(void)
{
    ct->share.of_flow[WEB] = ct->share.of_flow[HELPED];
}

/* ---- gauges ---- */

static void created_is_one_more(void)
{
    ct->stats[CT_STAT_created]++;
}

static void extensions_are_one_more(void)
{
    ct->stats[CT_STAT_extensions]++;
}

static void expectations_are_one_more(void)
{
    ct->stats[CT_STAT_expect_create]++;
}

static void mappings_are_one_more(void)
{
    ct->stats[CT_STAT_mappings]++;
}

static void stray_is_not_counted(void)
{
    conn(WEB)->stray = true;
}

static void helped_are_one_more(void)
{
    ct->helped++;
}

#define ROW(f, says)                                                           \
    {                                                                          \
#f, f, says                                                            \
    }

static const struct row rows[] = {
    ROW(tag_is_another, "table: an entry is not found once by its tuple"),
    ROW(reply_is_another, "table: an entry is not found once by its tuple"),
    ROW(original_left_the_table,
        "table: an entry is not found once by its tuple"),
    ROW(tuple_stands_twice, "table: an entry is not found once by its tuple"),
    ROW(bucket_names_a_free_entry,
        "table: a bucket names what is not confirmed"),
    ROW(tuple_is_shared, "table: two living entries have the same tuple"),
    ROW(entry_is_being_written,
        "table: a confirmed entry's sequence count is odd"),
    ROW(entry_leaks,
        "table: an entry is neither free, confirmed, nor being written"),
    ROW(table_is_moving, "table: its count of moves is odd"),
    ROW(chains_are_moving, "expect: its count of moves is odd"),
    ROW(counters_are_moving, "tally: its count of moves is odd"),
    ROW(line_leaks, "table: an overflow line is lost"),
    ROW(line_is_empty, "table: an overflow line is empty"),
    ROW(lines_are_a_circle, "table: a bucket's lines lead astray"),
    ROW(line_was_never_taken, "pool: items are neither out nor free"),
    ROW(free_list_is_a_circle, "pool: the free list leads astray"),
    ROW(list_leads_astray, "expiry: a list leads astray"),
    ROW(list_is_out_of_order, "expiry: a list is out of order"),
    ROW(list_is_longer_than_it_says,
        "expiry: a list has another length than it says"),
    ROW(entry_is_in_no_list, "expiry: a confirmed entry is in no list"),
    ROW(own_time_is_in_no_heap,
        "deadlines: a flow of its own duration is not in the heap"),
    ROW(key_is_behind_the_deadline,
        "deadlines: a flow has another place than it says"),
    ROW(record_is_of_no_entry, "ext: a record belongs to no entry"),
    ROW(record_is_two_entries, "ext: a record is not one entry's"),
    ROW(status_has_no_record, "ext: a status has no record of its kind"),
    ROW(master_is_gone, "expect: a master is gone"),
    ROW(expectation_is_being_written,
        "expect: one is being written, or is free"),
    ROW(expectation_is_in_no_chain, "expect: one stands in no chain"),
    ROW(expectation_is_in_a_wrong_chain, "expect: a chain leads astray"),
    ROW(expectation_has_no_age, "expect: one is not in the list by age"),
    ROW(ages_are_out_of_order, "expect: the list by age is out of order"),
    ROW(ages_lead_astray, "expect: the list by age leads astray"),
    ROW(master_forgot_one, "expect: one is not in its master's list"),
    ROW(master_is_another, "expect: a master's list leads astray"),
    ROW(expectation_is_a_stray, "expect: strays are miscounted"),
    ROW(call_has_another_id, "keymap: a call is not found by its id"),
    ROW(call_is_no_records, "keymap: a call is not one record's"),
    ROW(counter_counts_one_more, "share: counters are not what is noted"),
    ROW(counter_counts_nothing, "tally: a counter of nothing is left"),
    ROW(counter_has_another_key, "tally: a counter is not found by its key"),
    ROW(counter_leaks, "tally: a counter is lost"),
    ROW(flow_is_in_anothers_share, "share: counters are not what is noted"),
    ROW(created_is_one_more,
        "core: entries != created - destroyed + unconfirmed"),
    ROW(extensions_are_one_more, "core: extensions are miscounted"),
    ROW(expectations_are_one_more, "core: expectations are miscounted"),
    ROW(mappings_are_one_more, "core: mappings are miscounted"),
    ROW(stray_is_not_counted, "core: strays are miscounted"),
    ROW(helped_are_one_more, "core: flows with a helper are miscounted"),
};

static void what_is_broken_is_named(void **state)
{
    (void)state;
    spoil_all(rows, sizeof rows / sizeof *rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_broken_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
