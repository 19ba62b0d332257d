/* tables.c - which batches the privileged process sends to nf_tables
 */
#include "order/tables.h"

#include "gateway/plan.h"
#include "kernel/netlink/notrack.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

enum { OTHER = 2, TUN = 7, NFT = NFNL_SUBSYS_NFTABLES << 8 };

static const struct order_devices devices_now = {.tun = {TUN}};
static const struct order_limits limits = {
    .gateway = true, .n_tuns = 1, .tun = {"weir-lan"}};
static _Alignas(8) char batch[4096];
static size_t len;

static bool passes(void)
{
    return order_tables_may(&limits, &devices_now, batch, len);
}

/* ---- batches ---- */

static struct nlmsghdr *put(uint16_t type, uint16_t flags, uint8_t family,
                            uint16_t res)
{
    struct nlmsghdr *h = mnl_nlmsg_put_header(batch + len);
    struct nfgenmsg *m;

    h->nlmsg_type = type;
    h->nlmsg_flags = NLM_F_REQUEST | flags;
    m = mnl_nlmsg_put_extra_header(h, sizeof *m);
    m->nfgen_family = family;
    m->res_id = htons(res);
    return h;
}

static void end(const struct nlmsghdr *h)
{
    len += h->nlmsg_len;
}

static void begin_batch(void)
{
    memset(batch, 0, sizeof batch);
    len = 0;
    end(put(NFNL_MSG_BATCH_BEGIN, 0, 0, NFNL_SUBSYS_NFTABLES));
}

static bool end_passes(const struct nlmsghdr *h)
{
    end(h);
    end(put(NFNL_MSG_BATCH_END, 0, 0, NFNL_SUBSYS_NFTABLES));
    return passes();
}

/* A message in a table, which is still to be ended. */
static struct nlmsghdr *in_table(uint16_t type, uint8_t family,
                                 const char *table)
{
    uint16_t flags = type == NFT_MSG_DELTABLE  ? 0
                     : type == NFT_MSG_NEWRULE ? NLM_F_CREATE | NLM_F_APPEND
                                               : NLM_F_CREATE;
    struct nlmsghdr *h;

    begin_batch();
    h = put(NFT | type, flags, family, 0);
    if (table != NULL)
        mnl_attr_put_strz(h, NFTA_TABLE_NAME, table);
    return h;
}

static bool table_passes(uint16_t type, uint8_t family, const char *table)
{
    return end_passes(in_table(type, family, table));
}

static void tables(void **state)
{
    (void)state;
    for (uint16_t type = NFT_MSG_NEWTABLE; type <= NFT_MSG_DELTABLE;
         type += 2) {
        assert_true(table_passes(type, NFPROTO_INET, "weir"));
        assert_true(table_passes(type, NFPROTO_INET, "weir_notrack"));
        assert_true(table_passes(type, NFPROTO_INET, "weir_input"));
        assert_true(table_passes(type, NFPROTO_NETDEV, "weir_local"));
        assert_false(table_passes(type, NFPROTO_INET, "weirdo"));
        assert_false(table_passes(type, NFPROTO_INET, "wei"));
        assert_false(table_passes(type, NFPROTO_INET, "filter"));
        assert_false(table_passes(type, NFPROTO_INET, NULL)); /* all */
        assert_false(table_passes(type, NFPROTO_IPV4, "weir"));
        assert_false(table_passes(type, NFPROTO_UNSPEC, "weir"));
    }
    assert_false(table_passes(NFT_MSG_DELCHAIN, NFPROTO_INET, "weir"));
    assert_false(table_passes(NFT_MSG_DELFLOWTABLE, NFPROTO_INET, "weir"));
}

/* The kernel takes the table of that handle, whatever its name is. */
static void table_handles(void **state)
{
    struct nlmsghdr *h = in_table(NFT_MSG_DELTABLE, NFPROTO_INET, "weir");

    (void)state;
    mnl_attr_put_u64(h, NFTA_TABLE_HANDLE, 1);
    assert_false(end_passes(h));
    h = in_table(NFT_MSG_DELTABLE, NFPROTO_INET, "weir");
    mnl_attr_put_strz(h, NFTA_TABLE_NAME, "filter");
    assert_false(end_passes(h));
    h = in_table(NFT_MSG_NEWTABLE, NFPROTO_INET, "weir");
    mnl_attr_put_u32(h, NFTA_TABLE_FLAGS, htonl(NFT_TABLE_F_DORMANT));
    assert_false(end_passes(h));
}

static void batches(void **state)
{
    struct nlmsghdr *h;

    (void)state;
    assert_true(table_passes(NFT_MSG_NEWTABLE, NFPROTO_INET, "weir"));
    len--; /* the last is cut */
    assert_false(passes());
    (void)table_passes(NFT_MSG_NEWTABLE, NFPROTO_INET, "weir");
    h = put(NFT | NFT_MSG_DELTABLE, 0, NFPROTO_INET, 0);
    end(h); /* behind the end */
    assert_false(passes());
    h = (void *)batch;
    (void)table_passes(NFT_MSG_NEWTABLE, NFPROTO_INET, "weir");
    ((struct nfgenmsg *)mnl_nlmsg_get_payload(h))->res_id =
        htons(NFNL_SUBSYS_IPSET);
    assert_false(passes());
    len = 0;
    memset(batch, 0, sizeof batch); /* without a beginning */
    h = put(NFT | NFT_MSG_DELTABLE, 0, NFPROTO_INET, 0);
    mnl_attr_put_strz(h, NFTA_TABLE_NAME, "weir");
    assert_false(end_passes(h));
    begin_batch(); /* what libmnl takes for a negative length */
    ((struct nlmsghdr *)(void *)batch)->nlmsg_len = 0x80001000;
    assert_false(passes());
}

/* ---- chains ---- */

static bool chain_at(uint32_t hook, const char *table, uint8_t family,
                     const char *type, const char *device)
{
    struct nlmsghdr *h = in_table(NFT_MSG_NEWCHAIN, family, table);
    struct nlattr *nest;

    mnl_attr_put_strz(h, NFTA_CHAIN_NAME, "c");
    nest = mnl_attr_nest_start(h, NFTA_CHAIN_HOOK);
    mnl_attr_put_u32(h, NFTA_HOOK_HOOKNUM, htonl(hook));
    mnl_attr_put_u32(h, NFTA_HOOK_PRIORITY, 0);
    if (device != NULL)
        mnl_attr_put_strz(h, NFTA_HOOK_DEV, device);
    mnl_attr_nest_end(h, nest);
    mnl_attr_put_strz(h, NFTA_CHAIN_TYPE, type);
    return end_passes(h);
}

static bool chain_passes(const char *table, uint8_t family, const char *type,
                         const char *device)
{
    return chain_at(0, table, family, type, device);
}

static bool route_passes(uint32_t hook, const char *table)
{
    return chain_at(hook, table, NFPROTO_INET, "route", NULL);
}

static void chains(void **state)
{
    (void)state;
    assert_true(route_passes(NF_INET_LOCAL_OUT, "weir_reply"));
    assert_false(route_passes(NF_INET_LOCAL_OUT, "weir"));
    assert_false(route_passes(NF_INET_PRE_ROUTING, "weir_reply"));
    assert_true(chain_passes("weir", NFPROTO_INET, "filter", NULL));
    assert_false(chain_passes("weir", NFPROTO_INET, "nat", NULL));
    assert_false(chain_passes("weir_reply", NFPROTO_INET, "nat", NULL));
    assert_false(chain_passes("weir", NFPROTO_INET, "filter", "weir-lan"));
    assert_true(
        chain_passes("weir_local", NFPROTO_NETDEV, "filter", "weir-lan"));
    assert_false(chain_passes("weir_local", NFPROTO_NETDEV, "filter", "eth0"));
    assert_false(chain_passes("weir_local", NFPROTO_NETDEV, "filter", NULL));
}

/* ---- rules ---- */

static struct nlmsghdr *rule;
static struct nlattr *list, *item, *data;

static void begin_rule(const char *table, uint8_t family)
{
    rule = in_table(NFT_MSG_NEWRULE, family, table);
    mnl_attr_put_strz(rule, NFTA_RULE_CHAIN, "c");
    list = mnl_attr_nest_start(rule, NFTA_RULE_EXPRESSIONS);
}

static bool rule_passes(void)
{
    mnl_attr_nest_end(rule, list);
    return end_passes(rule);
}

static void begin_expression(const char *name)
{
    item = mnl_attr_nest_start(rule, NFTA_LIST_ELEM);
    mnl_attr_put_strz(rule, NFTA_EXPR_NAME, name);
    data = mnl_attr_nest_start(rule, NFTA_EXPR_DATA);
}

static void end_expression(void)
{
    mnl_attr_nest_end(rule, data);
    mnl_attr_nest_end(rule, item);
}

static void load(uint32_t reg, uint32_t value)
{
    struct nlattr *nest;

    begin_expression("immediate");
    mnl_attr_put_u32(rule, NFTA_IMMEDIATE_DREG, htonl(reg));
    nest = mnl_attr_nest_start(rule, NFTA_IMMEDIATE_DATA);
    mnl_attr_put_u32(rule, NFTA_DATA_VALUE, value);
    mnl_attr_nest_end(rule, nest);
    end_expression();
}

static void set_meta(uint32_t reg, uint32_t key)
{
    begin_expression("meta");
    mnl_attr_put_u32(rule, NFTA_META_SREG, htonl(reg));
    mnl_attr_put_u32(rule, NFTA_META_KEY, htonl(key));
    end_expression();
}

static bool mark_passes(uint32_t reg, uint32_t value, uint32_t key)
{
    begin_rule("weir", NFPROTO_INET);
    load(NFT_REG32_00, value);
    set_meta(reg, key);
    return rule_passes();
}

static void marks(void **state)
{
    (void)state;
    assert_true(mark_passes(NFT_REG32_00, GATEWAY_PLAN_MARK, NFT_META_MARK));
    assert_true(mark_passes(NFT_REG32_00, 0, NFT_META_MARK));
    assert_false(mark_passes(NFT_REG32_00, 7, NFT_META_MARK));
    assert_false(mark_passes(NFT_REG32_01, 0, NFT_META_MARK));
    assert_false(mark_passes(NFT_REG32_00, 0, NFT_META_PRIORITY));
    begin_rule("weir", NFPROTO_INET);
    set_meta(NFT_REG32_00, NFT_META_MARK); /* of whatever stands there */
    assert_false(rule_passes());
}

static bool forward_passes(const char *table, uint8_t family, uint32_t device,
                           uint32_t reg)
{
    begin_rule(table, family);
    load(NFT_REG32_00, device);
    begin_expression("fwd");
    mnl_attr_put_u32(rule, NFTA_FWD_SREG_DEV, htonl(reg));
    end_expression();
    return rule_passes();
}

static void forwarding(void **state)
{
    enum { REG = NFT_REG32_00 };

    (void)state;
    assert_true(forward_passes("weir_local", NFPROTO_NETDEV, TUN, REG));
    assert_false(forward_passes("weir_local", NFPROTO_NETDEV, OTHER, REG));
    assert_false(forward_passes("weir_local", NFPROTO_NETDEV, TUN, REG + 1));
    assert_false(forward_passes("weir", NFPROTO_INET, TUN, REG));
}

static bool verdict_passes(uint32_t code, const char *chain)
{
    struct nlattr *nest, *verdict;

    begin_rule("weir", NFPROTO_INET);
    begin_expression("immediate");
    mnl_attr_put_u32(rule, NFTA_IMMEDIATE_DREG, htonl(NFT_REG_VERDICT));
    nest = mnl_attr_nest_start(rule, NFTA_IMMEDIATE_DATA);
    verdict = mnl_attr_nest_start(rule, NFTA_DATA_VERDICT);
    mnl_attr_put_u32(rule, NFTA_VERDICT_CODE, htonl(code));
    if (chain != NULL)
        mnl_attr_put_strz(rule, NFTA_VERDICT_CHAIN, chain);
    mnl_attr_nest_end(rule, verdict);
    mnl_attr_nest_end(rule, nest);
    end_expression();
    return rule_passes();
}

static void verdicts(void **state)
{
    (void)state;
    assert_true(verdict_passes(NF_DROP, NULL));
    assert_true(verdict_passes((uint32_t)NFT_GOTO, "c"));
    assert_false(verdict_passes((uint32_t)NFT_GOTO, NULL));
    assert_false(verdict_passes(NF_QUEUE, NULL));
    assert_false(verdict_passes(NF_STOLEN, NULL));
}

/* What rewrites a packet, or sends it elsewhere, is none of weir's. */
static void expressions(void **state)
{
    static const char *const others[] = {"nat", "redir", "dup",   "tproxy",
                                         "log", "queue", "reject"};

    (void)state;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        begin_rule("weir", NFPROTO_INET);
        begin_expression(others[i]);
        end_expression();
        assert_false(rule_passes());
    }
    for (int write = 0; write < 2; write++) {
        begin_rule("weir", NFPROTO_INET);
        begin_expression("payload");
        mnl_attr_put_u32(rule, write ? NFTA_PAYLOAD_SREG : NFTA_PAYLOAD_DREG,
                         htonl(NFT_REG32_00));
        mnl_attr_put_u32(rule, NFTA_PAYLOAD_BASE, 0);
        mnl_attr_put_u32(rule, NFTA_PAYLOAD_OFFSET, 0);
        mnl_attr_put_u32(rule, NFTA_PAYLOAD_LEN, htonl(4));
        end_expression();
        assert_int_equal(rule_passes(), !write);
    }
    for (int own = 0; own < 2; own++) {
        begin_rule(own ? NETLINK_NOTRACK : "weir", NFPROTO_INET);
        item = mnl_attr_nest_start(rule, NFTA_LIST_ELEM);
        mnl_attr_put_strz(rule, NFTA_EXPR_NAME, "notrack");
        mnl_attr_nest_end(rule, item);
        assert_int_equal(rule_passes(), own);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tables),   cmocka_unit_test(table_handles),
        cmocka_unit_test(batches),  cmocka_unit_test(chains),
        cmocka_unit_test(marks),    cmocka_unit_test(forwarding),
        cmocka_unit_test(verdicts), cmocka_unit_test(expressions),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
