/* check.c - break one thing of translations, limits and fragments, by hand:
 * the check says which */
#include "check_rig.h"

/* ---- mappings ---- */

static struct mapping *map(void)
{
    return mapping_at(&ct->nat, conn(WEB)->mapping);
}

static void mapping_has_no_flow(void)
{
    map()->flows = CT_NONE;
}

static void mapping_has_anothers_flow(void)
{
    map()->flows = HELPED;
}

static void mapping_is_of_another_source(void)
{
    map()->inside[3]++;
}

static void leave_chains(enum mapping_chain by)
{
    for (uint32_t i = 0; i < ct->nat.n_heads; i++)
        ct->nat.heads[by][i] = CT_NONE;
}

static void mapping_left_its_source(void)
{
    leave_chains(MAPPING_BY_SOURCE);
}

static void mapping_left_its_outside(void)
{
    leave_chains(MAPPING_BY_OUTSIDE);
}

/* To a head that is free. */
static void change_chain(enum mapping_chain by)
{
    uint32_t *heads = ct->nat.heads[by], is = 0, to = 0;

    while (is < ct->nat.n_heads && heads[is] == CT_NONE)
        is++;
    while (to < ct->nat.n_heads && heads[to] != CT_NONE)
        to++;
    assert_true(is < ct->nat.n_heads && to < ct->nat.n_heads);
    heads[to] = heads[is];
    heads[is] = CT_NONE;
}

static void mapping_has_a_wrong_source(void)
{
    change_chain(MAPPING_BY_SOURCE);
}

static void mapping_has_a_wrong_outside(void)
{
    change_chain(MAPPING_BY_OUTSIDE);
}

static void mapping_has_a_wrong_neighbour(void)
{
    map()->chain[MAPPING_BY_OUTSIDE].prev = 9;
}

static void flow_has_no_mapping(void)
{
    conn(WEB)->status &= ~(uint32_t)CT_SRC_NAT;
}

/* ---- ports ---- */

static struct portmap *ports(void)
{
    const struct ct_tuple *reply = &conn(WEB)->tuple[CT_DIR_REPLY];

    return portmap_find(&ct->ports, &reply->dst, CT_IPV4, reply->proto);
}

static uint32_t port(void)
{
    return conn(WEB)->tuple[CT_DIR_REPLY].dport;
}

static void port_counts_once_more(void)
{
    portmap_count(&ct->ports, ports(), port());
}

static void another_port_counts(void)
{
    portmap_uncount(&ct->ports, ports(), port());
    portmap_count(&ct->ports, ports(), port() + 100);
}

static void total_is_one_more(void)
{
    ports()->total++;
}

static void word_seems_full(void)
{
    ports()->mid[0] |= 1;
}

static void flow_is_not_counted(void)
{
    conn(WEB)->counted &= (uint8_t) ~(MAPPING_IN_MAP << CT_DIR_REPLY);
}

static void portmap_has_another_address(void)
{
    ports()->addr.b[3]++;
}

static void portmap_leaks(void)
{
    pool_get(&ct->ports.maps);
}

/* ---- remotes and rests ---- */

static void remote_counts_once_more(void)
{
    ct->nat.remotes.count[0]++;
}

static void remote_has_no_bit(void)
{
    conn(WEB)->counted |= MAPPING_MARKED << CT_DIR_REPLY;
}

static void remote_has_a_bit_too_many(void)
{
    uint32_t word = pool_get(&ct->nat.remotes.words);

    assert_int_equal(word, 0);
    ct->nat.remotes.heads[0] = word + 1;
    *(struct remote_word *)(void *)ct->nat.remotes.words.items =
        (struct remote_word){.bits = 2};
}

static void remote_words_are_a_circle(void)
{
    remote_has_a_bit_too_many();
    ((struct remote_word *)(void *)ct->nat.remotes.words.items)->next = 1;
}

static void remote_word_leaks(void)
{
    pool_get(&ct->nat.remotes.words);
}

static struct quarantine_rest *rest(void)
{
    return quarantine_at(&ct->nat.resting, ct->nat.resting.oldest);
}

static void rest_is_of_another_remote(void)
{
    rest()->remote++;
}

static void rest_is_in_a_wrong_chain(void)
{
    rest()->tuple++;
}

static void rests_are_a_circle(void)
{
    rest()->next = ct->nat.resting.oldest;
}

static void rest_is_in_no_chain(void)
{
    ct->nat.resting.heads[rest()->tuple & (ct->nat.resting.n_heads - 1)] = 0;
}

static void rest_is_another_hosts(void)
{
    ct->nat.resting.own[rest()->host - 1].newest = 0;
}

static void rest_is_older_than_the_oldest(void)
{
    rest()->older = 1;
}

static void rest_has_no_age(void)
{
    ct->nat.resting.newest = 0;
}

static void host_has_one_more(void)
{
    tally_at(&ct->nat.resting.hosts, rest()->host)->n++;
}

/* ---- limits ---- */

static void limit_counts_once_more(void)
{
    struct tally_key key = connlimit_key(&rig.rule.connlimit, conn(WEB));

    tally_add(&ct->connlimit->tally, &key);
}

static void limit_forgot_a_flow(void)
{
    ct->connlimit->counted[WEB] = 0;
}

/* ---- fragments ---- */

static struct frag_queue *datagram(void)
{
    return frag_queue_at(&ct->frag, ct->frag.age[0].oldest);
}

static struct frag_source *source(void)
{
    return frag_source_at(&ct->frag, datagram()->source);
}

static void units_are_more(void)
{
    datagram()->units++;
}

static void page_is_lost(void)
{
    pool_get(&ct->frag.pages);
}

static void page_is_not_charged(void)
{
    source()->pages--;
}

static void source_has_one_more(void)
{
    source()->queues++;
}

static void datagram_is_not_its_sources(void)
{
    source()->oldest = 3;
    frag_queue_at(&ct->frag, 3)->source = CT_NONE;
}

static void datagram_is_in_no_chain(void)
{
    memset(ct->frag.head, 0xff, (ct->frag.mask + 1) * sizeof(uint32_t));
}

static void datagrams_are_a_circle(void)
{
    datagram()->next = ct->frag.age[0].oldest;
}

static void sources_are_a_circle(void)
{
    source()->next = datagram()->source;
}

static void datagram_has_no_age(void)
{
    ct->frag.age[0].oldest = ct->frag.age[0].newest = CT_NONE;
}

static void datagram_has_a_wrong_neighbour(void)
{
    datagram()->older = 5;
}

static void newest_is_another(void)
{
    ct->frag.age[0].newest = CT_NONE;
}

static void waiting_are_more(void)
{
    ct->stats[CT_STAT_frags_waiting]++;
}

static void memory_is_more(void)
{
    ct->stats[CT_STAT_frag_memory]++;
}

static const struct row rows[] = {
    ROW(mapping_has_no_flow, "mapping: one has no flow"),
    ROW(mapping_has_anothers_flow, "mapping: a list of flows leads astray"),
    ROW(mapping_is_of_another_source,
        "mapping: a flow has another source or outside"),
    ROW(mapping_left_its_source, "mapping: one is not found by its source"),
    ROW(mapping_left_its_outside,
        "mapping: one is not in the chains by outside"),
    ROW(mapping_has_a_wrong_source, "mapping: one is not found by its source"),
    ROW(mapping_has_a_wrong_outside,
        "mapping: one is not found by its outside"),
    ROW(mapping_has_a_wrong_neighbour, "mapping: a chain leads astray"),
    ROW(flow_has_no_mapping, "mapping: a translated flow has none"),
    ROW(port_counts_once_more, "portmap: uses are not what flows hold"),
    ROW(another_port_counts, "portmap: uses are not what flows hold"),
    ROW(total_is_one_more, "portmap: uses are not what their sum says"),
    ROW(word_seems_full, "portmap: a full word is not known to be full"),
    ROW(flow_is_not_counted, "portmap: uses are not what flows hold"),
    ROW(portmap_has_another_address,
        "portmap: one is not found by its address"),
    ROW(portmap_leaks, "portmap: one is lost"),
    ROW(remote_counts_once_more,
        "remote: uses are not what flows and rests hold"),
    ROW(remote_has_no_bit, "remote: a marked port has no bit"),
    ROW(remote_has_a_bit_too_many, "remote: bits are not what is marked"),
    ROW(remote_words_are_a_circle, "remote: a chain leads astray"),
    ROW(remote_word_leaks, "remote: a word is lost"),
    ROW(rest_is_of_another_remote,
        "remote: uses are not what flows and rests hold"),
    ROW(rest_is_in_a_wrong_chain, "quarantine: a rest stands in a wrong chain"),
    ROW(rests_are_a_circle, "quarantine: a rest stands in a wrong chain"),
    ROW(rest_is_in_no_chain, "quarantine: a rest stands in no chain"),
    ROW(rest_is_another_hosts, "quarantine: a host's list leads astray"),
    ROW(rest_is_older_than_the_oldest,
        "quarantine: the list by age leads astray"),
    ROW(rest_has_no_age, "quarantine: a rest is not in the list by age"),
    ROW(host_has_one_more, "quarantine: rests are not what hosts have"),
    ROW(limit_counts_once_more, "connlimit: counts are not what flows note"),
    ROW(limit_forgot_a_flow, "connlimit: counts are not what flows note"),
    ROW(units_are_more, "frag: units are not what pages have"),
    ROW(page_is_lost, "frag: a page is not one datagram's"),
    ROW(page_is_not_charged,
        "frag: sources are not charged for what they have"),
    ROW(source_has_one_more, "frag: a source has another number of datagrams"),
    ROW(datagram_is_not_its_sources, "frag: a source's list leads astray"),
    ROW(datagram_is_in_no_chain,
        "frag: a datagram or a source stands in no chain"),
    ROW(datagrams_are_a_circle, "frag: a chain of datagrams leads astray"),
    ROW(sources_are_a_circle, "frag: a chain of sources leads astray"),
    ROW(datagram_has_no_age, "frag: a datagram is not in the list by age"),
    ROW(datagram_has_a_wrong_neighbour, "frag: the list by age leads astray"),
    ROW(newest_is_another, "frag: the list by age has another end"),
    ROW(waiting_are_more, "frag: what waits is miscounted"),
    ROW(memory_is_more, "frag: what waits is miscounted"),
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
