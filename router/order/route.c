/* route.c - may this change be sent to rtnetlink?
 *
 * A row of messages[] for each that weir sends: its flags, its header, its
 * attributes, and who judges what stands in them. */
#include "order/route.h"

#include "gateway/facts.h"
#include "gateway/plan.h"
#include "kernel/netlink/ask.h"
#include "order/rows.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/fib_rules.h>
#include <linux/if_addr.h>
#include <linux/if_ether.h>
#include <linux/if_link.h>
#include <linux/ip.h>
#include <linux/neighbour.h>
#include <linux/pkt_cls.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <linux/tc_act/tc_mirred.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>

enum { MOST_OF_SETTING = 2, NAME = IFNAMSIZ - 1 };

struct asked {
    const struct order_limits *limits;
    const struct order_devices *devices;
    const struct nlmsghdr *h;
    const void *head; /* behind nlmsghdr */
    uint8_t af;       /* every head begins with it */
    struct order_rows_found found;
};

static uint32_t number(const struct asked *a, uint16_t type, uint32_t none)
{
    return order_rows_number(&a->found, type, none);
}

/* ---- devices ---- */

static int tun_of(const struct asked *a, uint32_t index)
{
    return order_devices_tun(a->devices, index);
}

static bool is_known(const struct asked *a, uint32_t index)
{
    return index != 0 && order_devices_known(a->devices, index, NULL) != NULL;
}

/* One of the gateway's devices, and beside which TUN; or -1. */
static int beside(const struct asked *a, uint32_t index)
{
    const struct order_device *d =
        index == 0 ? NULL : order_devices_known(a->devices, index, NULL);

    return d != NULL && d->beside < CT_MAX_IFACES ? (int)d->beside : -1;
}

/* One that is not there yet is called as the configuration does. */
static bool names_own(const struct asked *a, const char *name)
{
    for (uint32_t i = 0; i < CT_MAX_IFACES; i++)
        if (strcmp(a->limits->device[i], name) == 0)
            return true;
    return strcmp(name, GATEWAY_FACTS_NONE) == 0 ||
           order_devices_known(a->devices, 0, name) != NULL;
}

/* ---- links ---- */

#define LAST                                                                   \
    {                                                                          \
        .form = ROW_END                                                        \
    }
#define SWITCH(id)                                                             \
    {                                                                          \
        id, ROW_NUMBER, 4, false, NULL                                         \
    }

static const struct order_rows own_conf[] = {
    SWITCH(IPV4_DEVCONF_FORWARDING), SWITCH(IPV4_DEVCONF_RP_FILTER),
    SWITCH(IPV4_DEVCONF_SRC_VMARK), LAST};
static const struct order_rows tun_conf[] = {
    SWITCH(IPV4_DEVCONF_FORWARDING),   SWITCH(IPV4_DEVCONF_RP_FILTER),
    SWITCH(IPV4_DEVCONF_ACCEPT_LOCAL), SWITCH(IPV4_DEVCONF_SEND_REDIRECTS),
    SWITCH(IPV4_DEVCONF_SRC_VMARK),    LAST};
static const struct order_rows inet6[] = {
    {IFLA_INET6_ADDR_GEN_MODE, ROW_NUMBER, 1, true, NULL}, LAST};
static const struct order_rows own_inet[] = {
    {IFLA_INET_CONF, ROW_NEST, 0, true, own_conf}, LAST};
static const struct order_rows tun_inet[] = {
    {IFLA_INET_CONF, ROW_NEST, 0, true, tun_conf}, LAST};
static const struct order_rows own_spec[] = {
    {AF_INET, ROW_NEST, 0, true, own_inet}, LAST};
static const struct order_rows tun_spec[] = {
    {AF_INET, ROW_NEST, 0, false, tun_inet},
    {AF_INET6, ROW_NEST, 0, false, inet6},
    LAST};
static const struct order_rows own_link[] = {
    {IFLA_GROUP, ROW_NUMBER, 4, false, NULL},
    {IFLA_AF_SPEC, ROW_NEST, 0, false, own_spec},
    LAST};
static const struct order_rows tun_link[] = {
    {IFLA_GROUP, ROW_NUMBER, 4, false, NULL},
    {IFLA_MTU, ROW_NUMBER, 4, false, NULL},
    {IFLA_TXQLEN, ROW_NUMBER, 4, false, NULL},
    {IFLA_AF_SPEC, ROW_NEST, 0, false, tun_spec},
    LAST};

/* rows: of IFLA_AF_SPEC, then of AF_INET, then of its settings. */
static bool are_switches(const struct asked *a, const struct order_rows *rows)
{
    const struct nlattr *at = a->found.at[IFLA_AF_SPEC];
    struct order_rows_found spec, six, inet, conf;

    if (at == NULL)
        return true;
    if (!order_rows_within(rows, at, &spec) ||
        (spec.at[AF_INET6] != NULL &&
         (!order_rows_within(inet6, spec.at[AF_INET6], &six) ||
          order_rows_number(&six, IFLA_INET6_ADDR_GEN_MODE, 0) !=
              IN6_ADDR_GEN_MODE_NONE)))
        return false;
    if (spec.at[AF_INET] == NULL)
        return true;
    rows = rows->in;
    if (!order_rows_within(rows, spec.at[AF_INET], &inet) ||
        !order_rows_within(rows->in, inet.at[IFLA_INET_CONF], &conf))
        return false;
    for (uint16_t i = 0; i < ORDER_ROWS_TYPES; i++)
        if (order_rows_number(&conf, i, 0) > MOST_OF_SETTING)
            return false;
    return true;
}

/* All flags are taken where the mask is 0. */
static bool is_link(const struct asked *a, bool may_rise)
{
    const struct ifinfomsg *m = a->head;

    return m->ifi_family == AF_UNSPEC && m->__ifi_pad == 0 &&
           m->ifi_type == 0 && m->ifi_index > 0 &&
           m->ifi_flags == m->ifi_change &&
           (m->ifi_flags == 0 || (may_rise && m->ifi_flags == IFF_UP));
}

static bool link_of_tun(const struct asked *a)
{
    const struct ifinfomsg *m = a->head;

    return is_link(a, true) && tun_of(a, (uint32_t)m->ifi_index) >= 0 &&
           number(a, IFLA_GROUP, GATEWAY_PLAN_TUNS) == GATEWAY_PLAN_TUNS &&
           are_switches(a, tun_spec);
}

static bool link_of_own(const struct asked *a)
{
    const struct ifinfomsg *m = a->head;

    return is_link(a, false) && is_known(a, (uint32_t)m->ifi_index) &&
           are_switches(a, own_spec);
}

/* ---- addresses ---- */

static const struct order_rows address_rows[] = {
    {IFA_LOCAL, ROW_ADDRESS, 0, true, NULL},
    {IFA_ADDRESS, ROW_ADDRESS, 0, true, NULL},
    LAST};

static bool address(const struct asked *a)
{
    static const struct order_address dummy = {
        true, CT_IPV4, 32, {.b = {192, 0, 0, 8}}};
    const struct ifaddrmsg *m = a->head;
    int tun = tun_of(a, m->ifa_index);
    const struct order_address *is = &dummy;
    size_t size = a->af == AF_INET ? 4 : 16;

    if (tun >= 0 && !a->limits->gateway)
        is = &a->limits->address[tun];
    return tun >= 0 && is->set && a->af == netlink_af(is->family) &&
           m->ifa_prefixlen == is->len &&
           m->ifa_flags == (a->af == AF_INET ? 0 : IFA_F_NODAD) &&
           m->ifa_scope ==
               (a->limits->gateway ? RT_SCOPE_HOST : RT_SCOPE_UNIVERSE) &&
           order_rows_is(&a->found, IFA_LOCAL, is->addr.b, size) &&
           order_rows_is(&a->found, IFA_ADDRESS, is->addr.b, size);
}

/* ---- rules ---- */

static const struct order_rows rule_rows[] = {
    {FRA_SRC, ROW_ADDRESS, 0, false, NULL},
    {FRA_DST, ROW_ADDRESS, 0, false, NULL},
    {FRA_IIFNAME, ROW_TEXT, NAME, false, NULL},
    {FRA_PRIORITY, ROW_NUMBER, 4, true, NULL},
    {FRA_TABLE, ROW_NUMBER, 4, false, NULL},
    {FRA_SUPPRESS_IFGROUP, ROW_NUMBER, 4, false, NULL},
    {FRA_FWMARK, ROW_NUMBER, 4, false, NULL},
    {FRA_FWMASK, ROW_NUMBER, 4, false, NULL},
    {FRA_IP_PROTO, ROW_NUMBER, 1, false, NULL},
    {FRA_PROTOCOL, ROW_NUMBER, 1, true, NULL},
    LAST};

static bool is_table(uint32_t table)
{
    for (unsigned i = 0; i < GATEWAY_PLAN_TABLES; i++)
        if (gateway_plan_table(i) == table)
            return true;
    return false;
}

/* A length is there with its address alone. */
static bool is_prefix(const struct asked *a, uint8_t len, uint16_t type)
{
    return len <= (a->af == AF_INET ? 32 : 128) &&
           (len > 0) == (a->found.at[type] != NULL);
}

/* 0: whatever it is, of one that goes. */
static bool is_action(uint8_t action, bool goes)
{
    return action == FR_ACT_TO_TBL || action == FR_ACT_BLACKHOLE ||
           action == FR_ACT_UNREACHABLE || (goes && action == 0);
}

static bool is_rule(const struct asked *a)
{
    const struct fib_rule_hdr *m = a->head;

    return is_action(m->action, a->h->nlmsg_type == RTM_DELRULE) &&
           m->tos == 0 && m->table == 0 && m->res1 == 0 && m->res2 == 0 &&
           m->flags == 0 && is_prefix(a, m->src_len, FRA_SRC) &&
           is_prefix(a, m->dst_len, FRA_DST);
}

/* All packets, to the table local. */
static bool is_plain_local(const struct asked *a)
{
    const struct fib_rule_hdr *m = a->head;
    unsigned n = 0;

    for (int i = 0; i < ORDER_ROWS_TYPES; i++)
        n += a->found.at[i] != NULL;
    return n == 3 && m->action == FR_ACT_TO_TBL &&
           number(a, FRA_TABLE, 0) == RT_TABLE_LOCAL &&
           number(a, FRA_PRIORITY, 1) == GATEWAY_PLAN_FRONT;
}

/* By whom it comes: one of the gateway's devices or of weir's, or this host. */
static bool is_planned(const struct asked *a)
{
    const struct fib_rule_hdr *m = a->head;
    const char *by = order_rows_text(&a->found, FRA_IIFNAME);
    uint32_t pref = number(a, FRA_PRIORITY, 1);
    uint32_t table = number(a, FRA_TABLE, 0);
    bool looks =
        m->action == FR_ACT_TO_TBL &&
        (table == RT_TABLE_LOCAL || table == RT_TABLE_MAIN || is_table(table));
    bool ends =
        (m->action == FR_ACT_BLACKHOLE || m->action == FR_ACT_UNREACHABLE) &&
        table == 0;

    if (by[0] == '\0')
        return false;
    if (strcmp(by, "lo") == 0 && pref == GATEWAY_PLAN_FRONT)
        return looks && is_table(table) && a->found.at[FRA_DST] != NULL &&
               a->found.at[FRA_IP_PROTO] != NULL;
    if (strcmp(by, "lo") == 0)
        return looks && pref == GATEWAY_PLAN_BACK && table != RT_TABLE_LOCAL &&
               number(a, FRA_FWMASK, 0) == UINT32_MAX;
    if (order_devices_named(a->limits, by))
        return (looks || ends) && pref == GATEWAY_PLAN_BACK;
    return names_own(a, by) && (looks || ends) && pref == GATEWAY_PLAN_FRONT;
}

static bool rule(const struct asked *a)
{
    bool ours = number(a, FRA_PROTOCOL, 0) == GATEWAY_PLAN_PROTOCOL;

    return is_rule(a) &&
           (is_plain_local(a) ||
            (ours && (a->h->nlmsg_type == RTM_DELRULE || is_planned(a))));
}

/* ---- routes ---- */

static const struct order_rows route_rows[] = {
    {RTA_DST, ROW_ADDRESS, 0, false, NULL},
    {RTA_PREFSRC, ROW_ADDRESS, 0, false, NULL},
    {RTA_TABLE, ROW_NUMBER, 4, true, NULL},
    {RTA_OIF, ROW_NUMBER, 4, false, NULL},
    LAST};

static bool route(const struct asked *a)
{
    const struct rtmsg *m = a->head;
    bool goes = a->h->nlmsg_type == RTM_DELROUTE;
    uint8_t scope = goes ? RT_SCOPE_NOWHERE : RT_SCOPE_UNIVERSE;

    return is_prefix(a, m->rtm_dst_len, RTA_DST) && m->rtm_src_len == 0 &&
           m->rtm_tos == 0 && m->rtm_table == RT_TABLE_UNSPEC &&
           m->rtm_protocol == GATEWAY_PLAN_PROTOCOL && m->rtm_scope == scope &&
           m->rtm_type == RTN_UNICAST && m->rtm_flags == 0 &&
           is_table(number(a, RTA_TABLE, 0)) &&
           (goes || tun_of(a, number(a, RTA_OIF, 0)) >= 0);
}

/* ---- neighbours ---- */

static const struct order_rows neighbour_rows[] = {
    {NDA_DST, ROW_ADDRESS, 0, true, NULL},
    {NDA_PROTOCOL, ROW_NUMBER, 1, true, NULL},
    LAST};

/* One that goes may be a predecessor's on another device: serve.c looks
 * whose it is. */
static bool neighbour(const struct asked *a)
{
    const struct ndmsg *m = a->head;

    return m->ndm_pad1 == 0 && m->ndm_pad2 == 0 && m->ndm_ifindex > 0 &&
           m->ndm_state == NUD_PERMANENT && m->ndm_flags == NTF_PROXY &&
           m->ndm_type == 0 &&
           number(a, NDA_PROTOCOL, 0) == GATEWAY_PLAN_PROTOCOL &&
           (a->h->nlmsg_type == RTM_DELNEIGH ||
            beside(a, (uint32_t)m->ndm_ifindex) >= 0);
}

static const struct order_rows delay_rows[] = {
    {NDTPA_IFINDEX, ROW_NUMBER, 4, true, NULL},
    {NDTPA_PROXY_DELAY, ROW_NUMBER, 8, true, NULL},
    LAST};
static const struct order_rows neighbours_rows[] = {
    {NDTA_NAME, ROW_TEXT, 16, true, NULL},
    {NDTA_PARMS, ROW_NEST, 0, true, delay_rows},
    LAST};

/* Of one device: without a number it would be of all that come. */
static bool neighbours(const struct asked *a)
{
    const struct ndtmsg *m = a->head;
    const char *table = a->af == AF_INET ? "arp_cache" : "ndisc_cache";
    struct order_rows_found parms;

    return m->ndtm_pad1 == 0 && m->ndtm_pad2 == 0 &&
           strcmp(order_rows_text(&a->found, NDTA_NAME), table) == 0 &&
           order_rows_within(delay_rows, a->found.at[NDTA_PARMS], &parms) &&
           is_known(a, order_rows_number(&parms, NDTPA_IFINDEX, 0));
}

/* ---- what leaves by weir's devices ---- */

static const struct order_rows qdisc_rows[] = {
    {TCA_KIND, ROW_TEXT, NAME, true, NULL}, LAST};
static const struct order_rows no_rows[] = {LAST};

struct u32_all {
    struct tc_u32_sel sel;
    struct tc_u32_key key;
};

static const struct order_rows mirred_rows[] = {
    {TCA_MIRRED_PARMS, ROW_NUMBER, sizeof(struct tc_mirred), true, NULL}, LAST};
static const struct order_rows action_rows[] = {
    {TCA_ACT_KIND, ROW_TEXT, NAME, true, NULL},
    {TCA_ACT_OPTIONS, ROW_NEST, 0, true, mirred_rows},
    LAST};
static const struct order_rows actions_rows[] = {
    {1, ROW_NEST, 0, true, action_rows}, LAST};
static const struct order_rows u32_rows[] = {
    {TCA_U32_SEL, ROW_NUMBER, sizeof(struct u32_all), true, NULL},
    {TCA_U32_INDEV, ROW_TEXT, NAME, true, NULL},
    {TCA_U32_ACT, ROW_NEST, 0, true, actions_rows},
    LAST};
static const struct order_rows filter_rows[] = {
    {TCA_KIND, ROW_TEXT, NAME, true, NULL},
    {TCA_OPTIONS, ROW_NEST, 0, true, u32_rows},
    LAST};

static bool is_queueing(const struct asked *a, uint32_t handle, uint32_t parent,
                        uint32_t info)
{
    const struct tcmsg *m = a->head;

    return m->tcm_family == AF_UNSPEC && m->tcm__pad1 == 0 &&
           m->tcm__pad2 == 0 && tun_of(a, (uint32_t)m->tcm_ifindex) >= 0 &&
           m->tcm_handle == handle && m->tcm_parent == parent &&
           m->tcm_info == info;
}

static bool qdisc(const struct asked *a)
{
    return is_queueing(a, TC_H_MAKE(TC_H_CLSACT, 0), TC_H_CLSACT, 0) &&
           strcmp(order_rows_text(&a->found, TCA_KIND), "clsact") == 0;
}

static bool is_egress(const struct asked *a)
{
    return is_queueing(a, 0, TC_H_MAKE(TC_H_CLSACT, TC_H_MIN_EGRESS),
                       TC_H_MAKE(1 << 16, htons(ETH_P_ALL)));
}

/* What came by the TUN itself and leaves by it comes in by the gateway's device
 * beside it, and by no other. */
static bool is_turn(const struct asked *a, const struct tc_mirred *m)
{
    const struct tcmsg *head = a->head;
    const struct tc_mirred turn = {.action = TC_ACT_STOLEN,
                                   .eaction = TCA_INGRESS_REDIR,
                                   .ifindex = m->ifindex};

    return memcmp(m, &turn, sizeof turn) == 0 &&
           beside(a, m->ifindex) == tun_of(a, (uint32_t)head->tcm_ifindex);
}

static bool filter(const struct asked *a)
{
    const struct tcmsg *m = a->head;
    const struct u32_all all = {.sel = {.flags = TC_U32_TERMINAL, .nkeys = 1}};
    struct order_rows_found u32, actions, action, mirred;
    struct tc_mirred to;

    if (!is_egress(a) ||
        strcmp(order_rows_text(&a->found, TCA_KIND), "u32") != 0 ||
        !order_rows_within(u32_rows, a->found.at[TCA_OPTIONS], &u32) ||
        !order_rows_is(&u32, TCA_U32_SEL, &all, sizeof all) ||
        strcmp(order_rows_text(&u32, TCA_U32_INDEV),
               a->limits->tun[tun_of(a, (uint32_t)m->tcm_ifindex)]) != 0 ||
        !order_rows_within(actions_rows, u32.at[TCA_U32_ACT], &actions) ||
        !order_rows_within(action_rows, actions.at[1], &action) ||
        strcmp(order_rows_text(&action, TCA_ACT_KIND), "mirred") != 0 ||
        !order_rows_within(mirred_rows, action.at[TCA_ACT_OPTIONS], &mirred))
        return false;
    memcpy(&to, mnl_attr_get_payload(mirred.at[TCA_MIRRED_PARMS]), sizeof to);
    return is_turn(a, &to);
}

/* ---- all of them ---- */

enum { MAKE = NLM_F_CREATE, ALONE = MAKE | NLM_F_EXCL };

static const struct message {
    uint16_t type, flags; /* beside NLM_F_REQUEST and NLM_F_ACK */
    size_t head;
    bool gateway;   /* in gateway mode alone */
    bool addressed; /* its head says of which family it is */
    const struct order_rows *rows;
    bool (*judge)(const struct asked *a);
} messages[] = {
    {RTM_NEWLINK, 0, sizeof(struct ifinfomsg), false, false, tun_link,
     link_of_tun},
    {RTM_NEWLINK, 0, sizeof(struct ifinfomsg), true, false, own_link,
     link_of_own},
    {RTM_NEWADDR, ALONE, sizeof(struct ifaddrmsg), false, true, address_rows,
     address},
    {RTM_NEWRULE, ALONE, sizeof(struct fib_rule_hdr), true, true, rule_rows,
     rule},
    {RTM_NEWRULE, MAKE, sizeof(struct fib_rule_hdr), true, true, rule_rows,
     rule},
    {RTM_DELRULE, 0, sizeof(struct fib_rule_hdr), true, true, rule_rows, rule},
    {RTM_NEWROUTE, MAKE | NLM_F_REPLACE, sizeof(struct rtmsg), true, true,
     route_rows, route},
    {RTM_DELROUTE, 0, sizeof(struct rtmsg), true, true, route_rows, route},
    {RTM_NEWNEIGH, MAKE | NLM_F_REPLACE, sizeof(struct ndmsg), true, true,
     neighbour_rows, neighbour},
    {RTM_DELNEIGH, 0, sizeof(struct ndmsg), true, true, neighbour_rows,
     neighbour},
    {RTM_SETNEIGHTBL, NLM_F_REPLACE, sizeof(struct ndtmsg), true, true,
     neighbours_rows, neighbours},
    {RTM_NEWQDISC, ALONE, sizeof(struct tcmsg), true, false, qdisc_rows, qdisc},
    {RTM_NEWTFILTER, ALONE, sizeof(struct tcmsg), true, false, filter_rows,
     filter},
    {RTM_DELTFILTER, 0, sizeof(struct tcmsg), true, false, no_rows, is_egress},
};

static bool may(const struct message *row, struct asked *a)
{
    return a->h->nlmsg_type == row->type &&
           a->h->nlmsg_flags == (NLM_F_REQUEST | NLM_F_ACK | row->flags) &&
           (!row->gateway || a->limits->gateway) &&
           mnl_nlmsg_get_payload_len(a->h) >= row->head &&
           (!row->addressed || a->af == AF_INET || a->af == AF_INET6) &&
           order_rows_read(row->rows, a->h, row->head, a->af, &a->found) &&
           row->judge(a);
}

static bool is_whole(const struct nlmsghdr *h, size_t len)
{
    return len >= sizeof *h + sizeof(uint32_t) && h->nlmsg_len == len &&
           len % MNL_ALIGNTO == 0 && h->nlmsg_pid == 0;
}

bool order_route_is_move(const struct nlmsghdr *h, size_t len, uint32_t *pref)
{
    const struct fib_rule_hdr *m;
    const struct nlattr *a;
    unsigned n = 0, left;

    if (!is_whole(h, len) || mnl_nlmsg_get_payload_len(h) < sizeof *m ||
        (h->nlmsg_type != RTM_NEWRULE && h->nlmsg_type != RTM_DELRULE) ||
        h->nlmsg_flags != (NLM_F_REQUEST | NLM_F_ACK |
                           (h->nlmsg_type == RTM_NEWRULE ? MAKE : 0)))
        return false;
    m = mnl_nlmsg_get_payload(h);
    a = mnl_nlmsg_get_payload_offset(h, sizeof *m);
    left = (unsigned)(mnl_nlmsg_get_payload_len(h) - sizeof *m);
    for (; mnl_attr_ok(a, (int)left); a = mnl_attr_next(a)) {
        left -= (a->nla_len + 3u) & ~3u;
        if (mnl_attr_get_type(a) != FRA_PRIORITY) /* its flags say nothing */
            continue;
        if (mnl_attr_get_payload_len(a) != sizeof *pref)
            return false;
        *pref = mnl_attr_get_u32(a);
        n++;
    }
    return n == 1 && left == 0 && (m->flags & ~(unsigned)FIB_RULE_INVERT) == 0;
}

bool order_route_may(const struct order_limits *limits,
                     const struct order_devices *devices,
                     const struct nlmsghdr *h, size_t len)
{
    struct asked a = {.limits = limits, .devices = devices, .h = h};

    if (!is_whole(h, len))
        return false;
    a.head = mnl_nlmsg_get_payload(h);
    a.af = *(const uint8_t *)a.head;
    for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
        if (may(&messages[i], &a))
            return true;
    return false;
}
