/* ipid.c - give a datagram the next number of its row, found by a keyed hash */
#include "nat/ipid.h"

#include "base/csum.h"
#include "base/hash.h"

#include <ctcore/wire.h>

void ipid_start(struct ipid *ids, uint64_t seed, uint32_t shard,
                uint32_t n_shards)
{
    struct rng rng = {~seed};

    ids->shard = shard;
    ids->n_shards = n_shards;
    for (int i = 0; i < 2; i++)
        ids->key[i] = hash_rng_next(&rng);
    for (unsigned i = 0; i < IPID_ROWS; i++)
        ids->next[i] = (uint16_t)hash_rng_below(&rng, 65536 / n_shards);
}

static bool is_atomic(const struct ct_pkt *pkt)
{
    uint16_t word = ct_load16(ct_ipv4_view(pkt->data)->frag);

    return pkt->frag_max == 0 && (word & CT_IPV4_DF) &&
           !(word & (CT_IPV4_MF | CT_IPV4_OFFSET));
}

static uint32_t count_segments(const struct ct_pkt *pkt)
{
    return pkt->gso_size ? (pkt->l4_len + pkt->gso_size - 1) / pkt->gso_size
                         : 1;
}

void ipid_give(struct ipid *ids, struct ct_pkt *pkt)
{
    struct ct_ipv4_header *ip = ct_ipv4_edit(pkt->data);
    uint32_t own = 65536 / ids->n_shards; /* numbers of this shard */
    uint16_t was = ct_load16(ip->id), *row, is;
    uint64_t ways;

    if (ct_ip_version(pkt->data) != CT_IPV4 || is_atomic(pkt))
        return;
    ways = (uint64_t)ct_load32(ip->src) << 32 | ct_load32(ip->dst);
    row = &ids->next[hash_two(ways, ip->proto, ids->key) % IPID_ROWS];
    is = (uint16_t)(*row * ids->n_shards + ids->shard);
    *row = (uint16_t)((*row + count_segments(pkt)) % own);
    ct_store16(&ip->id, is);
    csum_patch(&ip->check, csum_diff16(was, is));
}
