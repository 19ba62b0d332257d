#include "nat/ipid.h"

#include "base/csum.h"
#include "base/hash.h"

#include <ctcore/wire.h>

enum { V4_DF = 0x4000, V4_FRAGMENT = 0x3fff };

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
    uint16_t word = ct_get16(pkt->data + 6);

    return pkt->frag_max == 0 && (word & V4_DF) && !(word & V4_FRAGMENT);
}

static uint32_t segments(const struct ct_pkt *pkt)
{
    return pkt->gso_size ? (pkt->l4_len + pkt->gso_size - 1) / pkt->gso_size
                         : 1;
}

void ipid_give(struct ipid *ids, struct ct_pkt *pkt)
{
    uint8_t *ip = pkt->data;
    uint32_t own = 65536 / ids->n_shards; /* numbers of this shard */
    uint16_t was = ct_get16(ip + 4), *row, is;
    uint64_t ways;

    if (ip[0] >> 4 != CT_IPV4 || is_atomic(pkt))
        return;
    ways = (uint64_t)ct_get32(ip + 12) << 32 | ct_get32(ip + 16);
    row = &ids->next[hash_two(ways, ip[9], ids->key) % IPID_ROWS];
    is = (uint16_t)(*row * ids->n_shards + ids->shard);
    *row = (uint16_t)((*row + segments(pkt)) % own);
    ct_put16(ip + 4, is);
    ct_put16(ip + 10, csum_update16(ct_get16(ip + 10), was, is));
}
