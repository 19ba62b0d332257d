/* kernel.c - namespace, devices and nftables of the kernel that judges */
#include "kernel.h"
#include "bytes.h"

#include <ctcore/wire.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_tun.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_compat.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct kernel {
    int tun[KERNEL_N_SIDES];
    struct mnl_socket *nl, *events;
    unsigned seq;
    uint16_t sentinels;
};

/* ---- the namespace ---- */

static int open_tun(const char *name)
{
    struct ifreq ifr;
    int fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

    if (fd < 0)
        return -1;
    memset(&ifr, 0, sizeof ifr);
    ifr.ifr_flags = IFF_TUN | IFF_NO_PI;
    snprintf(ifr.ifr_name, sizeof ifr.ifr_name, "%s", name);
    if (ioctl(fd, TUNSETIFF, &ifr) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

bool kernel_sysctl(struct kernel *k, const char *name, int value)
{
    char path[256];
    FILE *f;
    bool ok;

    (void)k;
    snprintf(path, sizeof path, "/proc/sys/net/%s", name);
    f = fopen(path, "w");
    if (!f)
        return false;
    ok = fprintf(f, "%d\n", value) > 0;
    return fclose(f) == 0 && ok;
}

bool kernel_rules(struct kernel *k, const char *text)
{
    FILE *nft = popen("nft -f -", "w");

    (void)k;
    if (!nft)
        return false;
    fprintf(nft, "flush ruleset\n%s\n", text);
    return pclose(nft) == 0;
}

static const char *const plumbing[] = {
    "link set lo up",
    "link set klan addrgenmode none",
    "link set kwan addrgenmode none",
    "addr add 10.0.1.1/24 dev klan",
    "addr add fd00:1::1/64 dev klan nodad",
    "addr add 198.51.100.1/24 dev kwan",
    "addr add 172.16.5.1/24 dev kwan",
    "addr add 2001:db8:5::1/64 dev kwan nodad",
    "addr add 2001:db8::1/64 dev kwan nodad",
    "link set klan up",
    "link set kwan up",
    "route add default dev kwan",
    "-6 route add default dev kwan",
};

static const struct {
    const char *name;
    int value;
} settings[] = {
    {"ipv4/conf/all/rp_filter", 0},
    {"ipv4/conf/default/rp_filter", 0},
    {"ipv4/ip_forward", 1},
    {"ipv6/conf/all/forwarding", 1},
    {"ipv4/conf/klan/rp_filter", 0},
    {"ipv4/conf/kwan/rp_filter", 0},
    {"ipv4/icmp_ratelimit", 0},
    {"ipv6/icmp/ratelimit", 0},
    {"ipv4/icmp_ratemask", 0},
    {"ipv4/icmp_msgs_per_sec", 1000000},
    {"ipv4/conf/klan/send_redirects", 0},
    {"ipv4/conf/kwan/send_redirects", 0},
    {"ipv4/conf/all/send_redirects", 0},
    {"netfilter/nf_conntrack_events", 1},
};

static bool plumb(struct kernel *k, char err[256])
{
    for (size_t i = 0; i < sizeof plumbing / sizeof *plumbing; i++) {
        char command[128];

        snprintf(command, sizeof command, "ip %s", plumbing[i]);
        if (system(command) != 0) {
            snprintf(err, 256, "%s failed", command);
            return false;
        }
    }
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (!kernel_sysctl(k, settings[i].name, settings[i].value) &&
            strstr(settings[i].name, "msgs") == NULL) {
            snprintf(err, 256, "can't set net/%s: %s", settings[i].name,
                     strerror(errno));
            return false;
        }
    return true;
}

/* A socket for questions, or one that hears these groups of events. */
static struct mnl_socket *open_netfilter(unsigned groups)
{
    struct mnl_socket *nl = mnl_socket_open2(NETLINK_NETFILTER, SOCK_CLOEXEC);
    int room = 1 << 20;

    if (!nl)
        return NULL;
    if (mnl_socket_bind(nl, groups, MNL_SOCKET_AUTOPID) < 0) {
        mnl_socket_close(nl);
        return NULL;
    }
    setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVBUFFORCE, &room,
               sizeof room);
    return nl;
}

struct kernel *kernel_open(char err[256])
{
    struct kernel *k = calloc(1, sizeof *k);

    if (!k)
        return NULL;
    if (unshare(CLONE_NEWNET) < 0) {
        snprintf(err, 256, "no network namespace: %s", strerror(errno));
    } else if ((k->tun[KERNEL_LAN] = open_tun("klan")) < 0 ||
               (k->tun[KERNEL_WAN] = open_tun("kwan")) < 0) {
        snprintf(err, 256, "no TUN device: %s", strerror(errno));
    } else if (plumb(k, err)) {
        k->nl = open_netfilter(0);
        k->events = open_netfilter(NF_NETLINK_CONNTRACK_NEW |
                                   NF_NETLINK_CONNTRACK_UPDATE |
                                   NF_NETLINK_CONNTRACK_DESTROY);
        if (k->nl && k->events)
            return k;
        snprintf(err, 256, "no netfilter socket: %s", strerror(errno));
    }
    free(k);
    return NULL;
}

void kernel_close(struct kernel *k)
{
    mnl_socket_close(k->nl);
    mnl_socket_close(k->events);
    close(k->tun[KERNEL_LAN]);
    close(k->tun[KERNEL_WAN]);
    free(k);
}

/* ---- packets ---- */

void kernel_put(struct kernel *k, enum kernel_side side, const uint8_t *data,
                size_t len)
{
    if (write(k->tun[side], data, len) < 0 && errno != EINVAL)
        fprintf(stderr, "kernel: write of %zu bytes: %s\n", len,
                strerror(errno));
}

/* What hosts say to their links: link-local sources, groups. */
static bool of_the_link(const uint8_t *d, size_t len)
{
    if (len < 20)
        return true;
    if (d[0] >> 4 == 4)
        return d[16] >> 4 == 14;
    return len < 40 || d[24] == 0xff || (d[8] == 0xfe && d[9] == 0x80);
}

size_t kernel_get(struct kernel *k, enum kernel_side side, uint8_t *data,
                  size_t room)
{
    ssize_t n;

    do
        n = read(k->tun[side], data, room);
    while (n > 0 && of_the_link(data, (size_t)n));
    return n > 0 ? (size_t)n : 0;
}

/* 192.0.2.1:9 > 198.51.100.250:N without a checksum: forwarded to wan. */
static void sentinel(uint8_t p[28], uint16_t n)
{
    static const uint8_t head[28] = {
        0x45, 0, 0,   28, 0x5e, 0x17, 0, 0, 64, 17, 0, 0, 192, 0,
        2,    1, 198, 51, 100,  250,  0, 9, 0,  0,  0, 8, 0,   0};

    memcpy(p, head, sizeof head);
    bytes_put16(p + 22, n);
    bytes_put16(p + 10, (uint16_t)~ct_inet_sum(p, 20, 0));
}

bool kernel_settle(struct kernel *k)
{
    struct pollfd ready = {.fd = k->tun[KERNEL_WAN], .events = POLLIN};
    uint16_t n = ++k->sentinels;
    uint8_t p[2048];

    sentinel(p, n);
    kernel_put(k, KERNEL_LAN, p, 28);
    for (int i = 0; i < 100; i++) {
        size_t len = kernel_get(k, KERNEL_WAN, p, sizeof p);

        if (len == 28 && p[19] == 250 && p[22] == n >> 8 && p[23] == (n & 255))
            return true;
        if (len == 0)
            poll(&ready, 1, 100);
    }
    return false;
}

/* ---- the table ---- */

static int addr_attr(const struct nlattr *attr, void *data)
{
    struct ct_tuple *t = data;
    uint16_t type = mnl_attr_get_type(attr),
             len = mnl_attr_get_payload_len(attr);
    bool src = type == CTA_IP_V4_SRC || type == CTA_IP_V6_SRC;

    t->family = len == 4 ? CT_IPV4 : CT_IPV6;
    if (len == 4 || len == 16)
        memcpy(src ? t->src.b : t->dst.b, mnl_attr_get_payload(attr), len);
    return MNL_CB_OK;
}

static int port_attr(const struct nlattr *attr, void *data)
{
    struct ct_tuple *t = data;

    switch (mnl_attr_get_type(attr)) {
    case CTA_PROTO_NUM:
        t->proto = mnl_attr_get_u8(attr);
        break;
    case CTA_PROTO_SRC_PORT:
    case CTA_PROTO_ICMP_ID:
    case CTA_PROTO_ICMPV6_ID:
        t->sport = ntohs(mnl_attr_get_u16(attr));
        break;
    case CTA_PROTO_DST_PORT:
        t->dport = ntohs(mnl_attr_get_u16(attr));
        break;
    case CTA_PROTO_ICMP_TYPE:
    case CTA_PROTO_ICMPV6_TYPE:
        t->dport = (uint16_t)(t->dport | mnl_attr_get_u8(attr) << 8);
        break;
    case CTA_PROTO_ICMP_CODE:
    case CTA_PROTO_ICMPV6_CODE:
        t->dport = (uint16_t)(t->dport | mnl_attr_get_u8(attr));
        break;
    default:
        break;
    }
    return MNL_CB_OK;
}

static int tuple_attr(const struct nlattr *attr, void *data)
{
    struct ct_tuple *t = data;

    switch (mnl_attr_get_type(attr)) {
    case CTA_TUPLE_IP:
        return mnl_attr_parse_nested(attr, addr_attr, data);
    case CTA_TUPLE_PROTO:
        return mnl_attr_parse_nested(attr, port_attr, data);
    case CTA_TUPLE_ZONE: /* of this direction alone */
        t->zone = ntohs(mnl_attr_get_u16(attr));
        return MNL_CB_OK;
    default:
        return MNL_CB_OK;
    }
}

static int tcp_attr(const struct nlattr *attr, void *data)
{
    struct kernel_flow *f = data;

    if (mnl_attr_get_type(attr) == CTA_PROTOINFO_TCP_STATE)
        f->state = mnl_attr_get_u8(attr);
    return MNL_CB_OK;
}

static int sctp_attr(const struct nlattr *attr, void *data)
{
    struct kernel_flow *f = data;

    switch (mnl_attr_get_type(attr)) {
    case CTA_PROTOINFO_SCTP_STATE:
        f->state = mnl_attr_get_u8(attr);
        break;
    case CTA_PROTOINFO_SCTP_VTAG_ORIGINAL:
        f->vtag[CT_DIR_ORIGINAL] = ntohl(mnl_attr_get_u32(attr));
        break;
    case CTA_PROTOINFO_SCTP_VTAG_REPLY:
        f->vtag[CT_DIR_REPLY] = ntohl(mnl_attr_get_u32(attr));
        break;
    default:
        break;
    }
    return MNL_CB_OK;
}

static int protoinfo_attr(const struct nlattr *attr, void *data)
{
    switch (mnl_attr_get_type(attr)) {
    case CTA_PROTOINFO_TCP:
        return mnl_attr_parse_nested(attr, tcp_attr, data);
    case CTA_PROTOINFO_SCTP:
        return mnl_attr_parse_nested(attr, sctp_attr, data);
    default:
        return MNL_CB_OK;
    }
}

static int flow_attr(const struct nlattr *attr, void *data)
{
    struct kernel_flow *f = data;

    switch (mnl_attr_get_type(attr)) {
    case CTA_TUPLE_ORIG:
        return mnl_attr_parse_nested(attr, tuple_attr, &f->tuple[0]);
    case CTA_TUPLE_REPLY:
        return mnl_attr_parse_nested(attr, tuple_attr, &f->tuple[1]);
    case CTA_STATUS:
        f->status = ntohl(mnl_attr_get_u32(attr));
        break;
    case CTA_TIMEOUT:
        f->timeout = ntohl(mnl_attr_get_u32(attr));
        break;
    case CTA_MARK:
        f->mark = ntohl(mnl_attr_get_u32(attr));
        break;
    case CTA_ZONE:
        f->tuple[0].zone = f->tuple[1].zone = ntohs(mnl_attr_get_u16(attr));
        break;
    case CTA_PROTOINFO:
        return mnl_attr_parse_nested(attr, protoinfo_attr, f);
    default:
        break;
    }
    return MNL_CB_OK;
}

/* No state was told. */
enum { NO_STATE = 255 };

struct visit {
    void (*each)(void *ctx, const struct kernel_flow *flow);
    void *ctx;
};

static int on_flow(const struct nlmsghdr *nlh, void *data)
{
    const struct visit *v = data;
    struct kernel_flow f;

    memset(&f, 0, sizeof f);
    mnl_attr_parse(nlh, sizeof(struct nfgenmsg), flow_attr, &f);
    v->each(v->ctx, &f);
    return MNL_CB_OK;
}

static struct nlmsghdr *begin(struct kernel *k, char *buf, uint16_t type,
                              uint16_t flags)
{
    struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
    struct nfgenmsg *nfh;

    nlh->nlmsg_type = (uint16_t)(NFNL_SUBSYS_CTNETLINK << 8 | type);
    nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
    nlh->nlmsg_seq = ++k->seq;
    nfh = mnl_nlmsg_put_extra_header(nlh, sizeof *nfh);
    nfh->nfgen_family = AF_UNSPEC;
    nfh->version = NFNETLINK_V0;
    return nlh;
}

static int ask(struct kernel *k, struct nlmsghdr *nlh, mnl_cb_t cb, void *data)
{
    static char buf[1 << 16];
    unsigned portid = mnl_socket_get_portid(k->nl);
    int more = 1;

    if (mnl_socket_sendto(k->nl, nlh, nlh->nlmsg_len) < 0)
        return -1;
    while (more > 0) {
        ssize_t n = mnl_socket_recvfrom(k->nl, buf, sizeof buf);

        if (n <= 0)
            return -1;
        more = mnl_cb_run(buf, (size_t)n, k->seq, portid, cb, data);
    }
    return more;
}

int kernel_flows(struct kernel *k,
                 void (*each)(void *ctx, const struct kernel_flow *flow),
                 void *ctx)
{
    struct visit v = {each, ctx};
    char buf[256];

    return ask(k, begin(k, buf, IPCTNL_MSG_CT_GET, NLM_F_DUMP), on_flow, &v);
}

/* ---- one flow: found by its hash, while a dump or a flush looks at each of
 * the machine's buckets ---- */

static void put_proto(struct nlmsghdr *nlh, const struct ct_tuple *t)
{
    bool v6 = t->family == CT_IPV6;

    mnl_attr_put_u8(nlh, CTA_PROTO_NUM, t->proto);
    if (t->proto == IPPROTO_ICMP || t->proto == IPPROTO_ICMPV6) {
        mnl_attr_put_u16(nlh, v6 ? CTA_PROTO_ICMPV6_ID : CTA_PROTO_ICMP_ID,
                         htons(t->sport));
        mnl_attr_put_u8(nlh, v6 ? CTA_PROTO_ICMPV6_TYPE : CTA_PROTO_ICMP_TYPE,
                        (uint8_t)(t->dport >> 8));
        mnl_attr_put_u8(nlh, v6 ? CTA_PROTO_ICMPV6_CODE : CTA_PROTO_ICMP_CODE,
                        (uint8_t)t->dport);
    } else {
        mnl_attr_put_u16(nlh, CTA_PROTO_SRC_PORT, htons(t->sport));
        mnl_attr_put_u16(nlh, CTA_PROTO_DST_PORT, htons(t->dport));
    }
}

static struct nlmsghdr *about(struct kernel *k, char *buf, uint16_t type,
                              uint16_t flags, const struct ct_tuple *t)
{
    struct nlmsghdr *nlh = begin(k, buf, type, flags);
    struct nfgenmsg *nfh = mnl_nlmsg_get_payload(nlh);
    bool v6 = t->family == CT_IPV6;
    struct nlattr *tuple = mnl_attr_nest_start(nlh, CTA_TUPLE_ORIG), *part;

    nfh->nfgen_family = v6 ? AF_INET6 : AF_INET;
    part = mnl_attr_nest_start(nlh, CTA_TUPLE_IP);
    mnl_attr_put(nlh, v6 ? CTA_IP_V6_SRC : CTA_IP_V4_SRC, v6 ? 16 : 4,
                 t->src.b);
    mnl_attr_put(nlh, v6 ? CTA_IP_V6_DST : CTA_IP_V4_DST, v6 ? 16 : 4,
                 t->dst.b);
    mnl_attr_nest_end(nlh, part);
    part = mnl_attr_nest_start(nlh, CTA_TUPLE_PROTO);
    put_proto(nlh, t);
    mnl_attr_nest_end(nlh, part);
    mnl_attr_nest_end(nlh, tuple);
    return nlh;
}

bool kernel_flow(struct kernel *k, const struct ct_tuple *original,
                 void (*each)(void *ctx, const struct kernel_flow *flow),
                 void *ctx)
{
    struct visit v = {each, ctx};
    char buf[512];

    return ask(k, about(k, buf, IPCTNL_MSG_CT_GET, NLM_F_ACK, original),
               on_flow, &v) >= 0;
}

void kernel_forget(struct kernel *k, const struct ct_tuple *original)
{
    char buf[512];

    ask(k, about(k, buf, IPCTNL_MSG_CT_DELETE, NLM_F_ACK, original), NULL,
        NULL);
}

static int on_count(const struct nlattr *attr, void *data)
{
    if (mnl_attr_get_type(attr) == CTA_STATS_GLOBAL_ENTRIES)
        *(int64_t *)data = ntohl(mnl_attr_get_u32(attr));
    return MNL_CB_OK;
}

static int on_stats(const struct nlmsghdr *nlh, void *data)
{
    return mnl_attr_parse(nlh, sizeof(struct nfgenmsg), on_count, data);
}

int64_t kernel_count(struct kernel *k)
{
    int64_t count = -1;
    char buf[256];

    ask(k, begin(k, buf, IPCTNL_MSG_CT_GET_STATS, NLM_F_ACK), on_stats, &count);
    return count;
}

/* A row a processor, words in hexadecimal. */
bool kernel_counters(struct kernel_counters *c)
{
    FILE *f = fopen("/proc/thread-self/net/stat/nf_conntrack", "r");
    enum { COLUMNS = 17 };
    uint32_t word[COLUMNS];
    char line[512];

    memset(c, 0, sizeof *c);
    if (!f)
        return false;
    while (fgets(line, sizeof line, f)) {
        char *at = line, *end;
        unsigned n = 0;

        for (; n < COLUMNS; n++, at = end) {
            word[n] = (uint32_t)strtoul(at, &end, 16);
            if (end == at || (*end != ' ' && *end != '\n'))
                break;
        }
        if (n < COLUMNS) /* the names of the columns */
            continue;
#define C(name, column) c->name += word[column];
        KERNEL_COUNTERS(C)
#undef C
    }
    fclose(f);
    return true;
}

int kernel_flush(struct kernel *k)
{
    char buf[256];

    return ask(k, begin(k, buf, IPCTNL_MSG_CT_DELETE, NLM_F_ACK), NULL, NULL);
}

/* ---- events ---- */

struct hearing {
    void (*each)(void *ctx, const char *kind, const struct kernel_flow *flow);
    void *ctx;
};

static int on_event(const struct nlmsghdr *nlh, void *data)
{
    const struct hearing *h = data;
    const char *kind = "NEW";
    struct kernel_flow f;

    memset(&f, 0, sizeof f);
    f.state = NO_STATE;
    mnl_attr_parse(nlh, sizeof(struct nfgenmsg), flow_attr, &f);
    if ((nlh->nlmsg_type & 0xff) == IPCTNL_MSG_CT_DELETE)
        kind = "DESTROY";
    else if (!(nlh->nlmsg_flags & NLM_F_CREATE))
        kind = "UPDATE";
    h->each(h->ctx, kind, &f);
    return MNL_CB_OK;
}

void kernel_events(struct kernel *k,
                   void (*each)(void *ctx, const char *kind,
                                const struct kernel_flow *flow),
                   void *ctx)
{
    static char buf[1 << 16];
    struct hearing h = {each, ctx};
    ssize_t n;

    while ((n = recv(mnl_socket_get_fd(k->events), buf, sizeof buf,
                     MSG_DONTWAIT)) > 0)
        mnl_cb_run(buf, (size_t)n, 0, 0, on_event, &h);
}
