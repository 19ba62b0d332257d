/* notrack.c - packets that the kernel's own connection tracking leaves
 * alone, by nf_tables */
#include "kernel/netlink/notrack.h"

#include "kernel/netlink/nft.h"

#include <errno.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

enum { RAW = -300 };

/* key (a device's index) is index: not tracked. */
static void put_rule(struct netlink_nft *b, const char *chain, uint32_t key,
                     uint32_t index)
{
    netlink_nft_rule(b, chain);
    netlink_nft_meta(b, key, 0);
    netlink_nft_cmp(b, true, 0, &index, sizeof index);
    netlink_nft_notrack(b);
    netlink_nft_rule_end(b);
}

static void put_all(struct netlink_nft *b, const struct netlink_notrack *what)
{
    netlink_nft_table(b);
    netlink_nft_chain(b, "in", NF_INET_PRE_ROUTING, RAW, NULL);
    netlink_nft_chain(b, "out", NF_INET_LOCAL_OUT, RAW, NULL);
    for (int i = 0; i < NETLINK_NOTRACK_DEVICES; i++)
        if (what->in[i] != 0)
            put_rule(b, "in", NFT_META_IIF, what->in[i]);
    put_rule(b, "out", NFT_META_OIF, what->out);
}

int netlink_notrack_put(const struct netlink_notrack *what)
{
    struct netlink_nft *b = netlink_nft_new(NFPROTO_INET, NETLINK_NOTRACK);
    int err;

    if (b == NULL)
        return -ENOMEM;
    put_all(b, what);
    err = netlink_nft_commit(b);
    netlink_nft_free(b);
    return err;
}

int netlink_notrack_remove(void)
{
    struct netlink_nft *b = netlink_nft_new(NFPROTO_INET, NETLINK_NOTRACK);
    int err;

    if (b == NULL)
        return -ENOMEM;
    netlink_nft_remove(b);
    err = netlink_nft_commit(b);
    netlink_nft_free(b);
    return netlink_nft_is_none(err) ? 0 : err;
}
