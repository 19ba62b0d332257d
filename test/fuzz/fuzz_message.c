/* fuzz_message.c - see fuzz_message.h */
#include "fuzz_message.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <string.h>

bool fuzz_message_put(struct fuzz_message *b, const void *bytes, size_t n)
{
    size_t all = (n + 3) & ~(size_t)3;

    if (b->len + all > FUZZ_ROOM)
        return false;
    memset(b->p + b->len, 0, all);
    if (n > 0)
        memcpy(b->p + b->len, bytes, n);
    b->len += all;
    return true;
}

bool fuzz_message_attr(struct fuzz_message *b, uint16_t type, const void *bytes,
                       size_t n)
{
    struct nlattr a = {.nla_type = type, .nla_len = (uint16_t)(sizeof a + n)};

    b->attr = b->len;
    return fuzz_message_put(b, &a, sizeof a) && fuzz_message_put(b, bytes, n);
}

bool fuzz_message_text(struct fuzz_message *b, uint16_t type, const char *text)
{
    return fuzz_message_attr(b, type, text, strlen(text) + 1);
}

bool fuzz_message_u32(struct fuzz_message *b, uint16_t type, uint32_t value)
{
    return fuzz_message_attr(b, type, &value, sizeof value);
}

bool fuzz_message_be32(struct fuzz_message *b, uint16_t type, uint32_t value)
{
    return fuzz_message_u32(b, type, htonl(value));
}

bool fuzz_message_nest(struct fuzz_message *b, uint16_t type)
{
    if (b->n_nests == FUZZ_NESTS)
        return false;
    b->nest[b->n_nests++] = b->len;
    return fuzz_message_attr(b, type, NULL, 0);
}

void fuzz_message_end_nest(struct fuzz_message *b)
{
    size_t at = b->nest[--b->n_nests];
    uint16_t len = (uint16_t)(b->len - at);

    memcpy(b->p + at, &len, sizeof len);
}

bool fuzz_message_begin(struct fuzz_message *b, uint16_t type, uint16_t flags,
                        uint32_t seq, uint32_t port)
{
    struct nlmsghdr h = {.nlmsg_type = type,
                         .nlmsg_flags = flags,
                         .nlmsg_seq = seq,
                         .nlmsg_pid = port};

    b->message = b->attr = b->len;
    b->n_nests = 0;
    return fuzz_message_put(b, &h, sizeof h);
}

void fuzz_message_end(struct fuzz_message *b)
{
    uint32_t len;

    while (b->n_nests > 0)
        fuzz_message_end_nest(b);
    memcpy(&len, b->p + b->message, sizeof len);
    if (len != 0)
        return;
    len = (uint32_t)(b->len - b->message);
    memcpy(b->p + b->message, &len, sizeof len);
}

size_t fuzz_message_header(uint16_t type)
{
    if (type >> 8 == NFNL_SUBSYS_NFTABLES)
        return sizeof(struct nfgenmsg);
    switch (type) {
    case RTM_NEWLINK:
    case RTM_DELLINK:
        return sizeof(struct ifinfomsg);
    case RTM_NEWADDR:
    case RTM_DELADDR:
        return sizeof(struct ifaddrmsg);
    case RTM_NEWQDISC:
    case RTM_NEWTFILTER:
    case RTM_DELQDISC:
    case RTM_DELTFILTER:
        return sizeof(struct tcmsg);
    case RTM_NEWNETCONF:
        return 4;
    default:
        return 12; /* rtmsg, fib_rule_hdr, ndmsg */
    }
}
