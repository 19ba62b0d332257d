/* fuzz_usual.c - see fuzz_usual.h
 *
 * Two devices, eth0 inside and eth1 outside, and weir's two, each with
 * addresses; a default route; the kernel's rules and one more; a firewall. */
#include "fuzz_usual.h"

#include <arpa/inet.h>
#include <linux/fib_rules.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

enum { LAN = 2, WAN = 3, TUN_LAN = 40, TUN_WAN = 41, OURS = 119 };

uint16_t fuzz_usual_type(uint16_t question)
{
    if (question >> 8 != 0)
        return (uint16_t)(question - 1); /* nf_tables: get, new */
    if (question < RTM_BASE)
        return question;
    return (uint16_t)(RTM_BASE + (question - RTM_BASE) / 4 * 4);
}

static void begin(struct fuzz_message *b, const struct nlmsghdr *q,
                  const void *header, size_t n)
{
    (void)fuzz_message_begin(b, fuzz_usual_type(q->nlmsg_type), NLM_F_MULTI,
                             q->nlmsg_seq, 0);
    (void)fuzz_message_put(b, header, n);
}

static void addr(struct fuzz_message *b, uint16_t type, const char *text)
{
    uint8_t bytes[16];
    int af = strchr(text, ':') != NULL ? AF_INET6 : AF_INET;

    (void)inet_pton(af, text, bytes);
    (void)fuzz_message_attr(b, type, bytes, af == AF_INET ? 4 : 16);
}

/* ---- rtnetlink ---- */

static void link(struct fuzz_message *b, const struct nlmsghdr *q, int index)
{
    static const char *const names[] = {
        [LAN] = "eth0",
        [WAN] = "eth1",
        [TUN_LAN] = "weir-lan",
        [TUN_WAN] = "weir-wan",
    };
    struct ifinfomsg m = {.ifi_index = index,
                          .ifi_flags = IFF_UP | IFF_RUNNING | 0x10000};
    const uint32_t conf[64] = {[0] = 1};

    begin(b, q, &m, sizeof m);
    (void)fuzz_message_text(b, IFLA_IFNAME, names[index]);
    (void)fuzz_message_u32(b, IFLA_MTU, 1500);
    (void)fuzz_message_u32(b, IFLA_GROUP, 0);
    (void)fuzz_message_nest(b, IFLA_AF_SPEC);
    (void)fuzz_message_nest(b, AF_INET);
    (void)fuzz_message_attr(b, IFLA_INET_CONF, conf, 33 * sizeof *conf);
    fuzz_message_end_nest(b);
    (void)fuzz_message_nest(b, AF_INET6);
    (void)fuzz_message_attr(b, IFLA_INET6_CONF, conf, 58 * sizeof *conf);
    fuzz_message_end_nest(b);
    fuzz_message_end_nest(b);
    if (index >= TUN_LAN) {
        (void)fuzz_message_nest(b, IFLA_LINKINFO);
        (void)fuzz_message_text(b, IFLA_INFO_KIND, "tun");
        (void)fuzz_message_nest(b, IFLA_INFO_DATA);
        (void)fuzz_message_u32(b, IFLA_TUN_OWNER, 0);
    }
    fuzz_message_end(b);
}

static void links(struct fuzz_message *b, const struct nlmsghdr *q)
{
    static const int all[] = {LAN, WAN, TUN_LAN, TUN_WAN};
    struct ifinfomsg m;

    memcpy(&m, q + 1, sizeof m);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (m.ifi_index == 0 || m.ifi_index == all[i])
            link(b, q, all[i]);
}

static void address(struct fuzz_message *b, const struct nlmsghdr *q,
                    uint32_t index, const char *text, uint8_t len)
{
    struct ifaddrmsg m = {.ifa_family =
                              strchr(text, ':') != NULL ? AF_INET6 : AF_INET,
                          .ifa_prefixlen = len,
                          .ifa_index = index};

    begin(b, q, &m, sizeof m);
    addr(b, IFA_ADDRESS, text);
    (void)fuzz_message_u32(b, IFA_FLAGS, 0);
    fuzz_message_end(b);
}

static void addresses(struct fuzz_message *b, const struct nlmsghdr *q)
{
    address(b, q, LAN, "10.0.1.1", 24);
    address(b, q, LAN, "fd00:1::1", 64);
    address(b, q, WAN, "203.0.113.7", 24);
    address(b, q, WAN, "2001:db8::7", 64);
}

static void route(struct fuzz_message *b, const struct nlmsghdr *q,
                  const char *dst, uint8_t len, uint32_t index)
{
    struct rtmsg m = {.rtm_family =
                          strchr(dst, ':') != NULL ? AF_INET6 : AF_INET,
                      .rtm_dst_len = len,
                      .rtm_table = RT_TABLE_MAIN,
                      .rtm_type = RTN_UNICAST};

    begin(b, q, &m, sizeof m);
    if (len > 0)
        addr(b, RTA_DST, dst);
    (void)fuzz_message_u32(b, RTA_TABLE, RT_TABLE_MAIN);
    (void)fuzz_message_u32(b, RTA_OIF, index);
    fuzz_message_end(b);
}

static void routes(struct fuzz_message *b, const struct nlmsghdr *q)
{
    bool v6 = *(const uint8_t *)(q + 1) == AF_INET6;

    route(b, q, v6 ? "::" : "0.0.0.0", 0, WAN);
    route(b, q, v6 ? "fd00:1::" : "10.0.1.0", v6 ? 64 : 24, LAN);
    route(b, q, v6 ? "fd00:9::" : "10.9.0.0", v6 ? 48 : 16, LAN);
}

static void rule(struct fuzz_message *b, const struct nlmsghdr *q,
                 uint32_t pref, uint32_t table, uint8_t protocol)
{
    struct fib_rule_hdr m = {.family = *(const uint8_t *)(q + 1),
                             .table = table < 256 ? (uint8_t)table : 0,
                             .action = FR_ACT_TO_TBL};

    begin(b, q, &m, sizeof m);
    (void)fuzz_message_u32(b, FRA_TABLE, table);
    (void)fuzz_message_u32(b, FRA_SUPPRESS_PREFIXLEN, UINT32_MAX);
    (void)fuzz_message_attr(b, FRA_PROTOCOL, &protocol, 1);
    (void)fuzz_message_u32(b, FRA_PRIORITY, pref);
    fuzz_message_end(b);
}

static void rules(struct fuzz_message *b, const struct nlmsghdr *q)
{
    rule(b, q, 0, RT_TABLE_LOCAL, RTPROT_KERNEL);
    rule(b, q, 0, 51820, RTPROT_STATIC); /* a VPN's */
    rule(b, q, 0, 0x77656901, OURS);
    rule(b, q, 32766, RT_TABLE_MAIN, RTPROT_KERNEL);
    rule(b, q, 32767, RT_TABLE_DEFAULT, RTPROT_KERNEL);
}

static void neighbour(struct fuzz_message *b, const struct nlmsghdr *q)
{
    bool v6 = *(const uint8_t *)(q + 1) == AF_INET6;
    struct ndmsg m = {.ndm_family = v6 ? AF_INET6 : AF_INET,
                      .ndm_ifindex = WAN,
                      .ndm_flags = NTF_PROXY};
    const uint8_t protocol = OURS;

    begin(b, q, &m, sizeof m);
    addr(b, NDA_DST, v6 ? "2001:db8::7" : "203.0.113.7");
    (void)fuzz_message_attr(b, NDA_PROTOCOL, &protocol, 1);
    fuzz_message_end(b);
}

static void delay(struct fuzz_message *b, const struct nlmsghdr *q)
{
    struct ndtmsg m = {.ndtm_family = *(const uint8_t *)(q + 1)};
    const uint64_t ms = 800;

    begin(b, q, &m, sizeof m);
    (void)fuzz_message_nest(b, NDTA_PARMS);
    (void)fuzz_message_u32(b, NDTPA_IFINDEX, WAN);
    (void)fuzz_message_attr(b, NDTPA_PROXY_DELAY, &ms, sizeof ms);
    fuzz_message_end(b);
}

/* ---- nf_tables ---- */

static void begin_table(struct fuzz_message *b, const struct nlmsghdr *q)
{
    struct nfgenmsg m = {.nfgen_family = NFPROTO_IPV4};

    begin(b, q, &m, sizeof m);
    (void)fuzz_message_text(b, NFTA_RULE_TABLE, "filter");
}

static void chain(struct fuzz_message *b, const struct nlmsghdr *q)
{
    begin_table(b, q);
    (void)fuzz_message_text(b, NFTA_CHAIN_NAME, "FORWARD");
    (void)fuzz_message_nest(b, NFTA_CHAIN_HOOK);
    (void)fuzz_message_be32(b, NFTA_HOOK_HOOKNUM, NF_INET_FORWARD);
    fuzz_message_end_nest(b);
    (void)fuzz_message_be32(b, NFTA_CHAIN_POLICY, NF_DROP);
    fuzz_message_end(b);
}

static void begin_expression(struct fuzz_message *b, const char *name)
{
    (void)fuzz_message_nest(b, NFTA_LIST_ELEM);
    (void)fuzz_message_text(b, NFTA_EXPR_NAME, name);
    (void)fuzz_message_nest(b, NFTA_EXPR_DATA);
}

static void end_expression(struct fuzz_message *b)
{
    fuzz_message_end_nest(b);
    fuzz_message_end_nest(b);
}

/* In every chain: what comes in by eth0 goes on to dockerd's. */
static void table_rule(struct fuzz_message *b, const struct nlmsghdr *q)
{
    begin_table(b, q);
    (void)fuzz_message_nest(b, NFTA_RULE_EXPRESSIONS);
    begin_expression(b, "meta");
    (void)fuzz_message_be32(b, NFTA_META_KEY, NFT_META_IIFNAME);
    (void)fuzz_message_be32(b, NFTA_META_DREG, NFT_REG32_00);
    end_expression(b);
    begin_expression(b, "cmp");
    (void)fuzz_message_be32(b, NFTA_CMP_SREG, NFT_REG32_00);
    (void)fuzz_message_be32(b, NFTA_CMP_OP, NFT_CMP_EQ);
    (void)fuzz_message_nest(b, NFTA_CMP_DATA);
    (void)fuzz_message_text(b, NFTA_DATA_VALUE, "eth0");
    fuzz_message_end_nest(b);
    end_expression(b);
    begin_expression(b, "immediate");
    (void)fuzz_message_be32(b, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
    (void)fuzz_message_nest(b, NFTA_IMMEDIATE_DATA);
    (void)fuzz_message_nest(b, NFTA_DATA_VERDICT);
    (void)fuzz_message_be32(b, NFTA_VERDICT_CODE, (uint32_t)NFT_JUMP);
    (void)fuzz_message_text(b, NFTA_VERDICT_CHAIN, "DOCKER-USER");
    fuzz_message_end(b);
}

static void counter(struct fuzz_message *b, const struct nlmsghdr *q)
{
    const uint64_t packets = 0;

    begin_table(b, q);
    (void)fuzz_message_nest(b, NFTA_OBJ_DATA);
    (void)fuzz_message_attr(b, NFTA_COUNTER_PACKETS, &packets, sizeof packets);
    fuzz_message_end(b);
}

void fuzz_usual(struct fuzz_message *b, const struct nlmsghdr *q)
{
    static const struct {
        uint16_t type;
        void (*answer)(struct fuzz_message *, const struct nlmsghdr *);
    } all[] = {
        {RTM_GETLINK, links},
        {RTM_GETADDR, addresses},
        {RTM_GETROUTE, routes},
        {RTM_GETRULE, rules},
        {RTM_GETNEIGH, neighbour},
        {RTM_GETNEIGHTBL, delay},
        {NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETCHAIN, chain},
        {NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETRULE, table_rule},
        {NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_GETOBJ, counter},
    };

    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (q->nlmsg_type == all[i].type)
            all[i].answer(b, q);
}
