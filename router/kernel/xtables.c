/* xtables.c - would the rules of iptables-legacy drop what is forwarded? */
#include "kernel/xtables.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/netfilter_ipv6/ip6_tables.h>

enum { ROOM = 65536, NAMES = 256, STEPS = 4096, DEPTH = 16 };

static const char filter[] = "filter", chain[] = "FORWARD";

/* Where an entry of this family has what. */
static const struct family {
    uint8_t nfproto;
    int domain, level;
    const char *names; /* of the tables that there are */
    size_t header;     /* ipt_ip, ip6t_ip6 */
    size_t in, out, in_mask, out_mask, inverted;
    size_t target, next, size; /* of the entry */
} families[2] = {
    {NFPROTO_IPV4, AF_INET, SOL_IP, "/proc/net/ip_tables_names",
     sizeof(struct ipt_ip), offsetof(struct ipt_ip, iniface),
     offsetof(struct ipt_ip, outiface), offsetof(struct ipt_ip, iniface_mask),
     offsetof(struct ipt_ip, outiface_mask), offsetof(struct ipt_ip, invflags),
     offsetof(struct ipt_entry, target_offset),
     offsetof(struct ipt_entry, next_offset), sizeof(struct ipt_entry)},
    {NFPROTO_IPV6, AF_INET6, SOL_IPV6, "/proc/net/ip6_tables_names",
     sizeof(struct ip6t_ip6), offsetof(struct ip6t_ip6, iniface),
     offsetof(struct ip6t_ip6, outiface),
     offsetof(struct ip6t_ip6, iniface_mask),
     offsetof(struct ip6t_ip6, outiface_mask),
     offsetof(struct ip6t_ip6, invflags),
     offsetof(struct ip6t_entry, target_offset),
     offsetof(struct ip6t_entry, next_offset), sizeof(struct ip6t_entry)},
};

/* The two families' questions and answers are alike. */
_Static_assert(IPT_SO_GET_INFO == IP6T_SO_GET_INFO &&
                   IPT_SO_GET_ENTRIES == IP6T_SO_GET_ENTRIES &&
                   sizeof(struct ipt_getinfo) == sizeof(struct ip6t_getinfo),
               "the families differ");

static int names_fd[2] = {-1, -1}, ask_fd[2] = {-1, -1};

static union {
    struct ipt_get_entries head;
    uint8_t bytes[ROOM];
} all; /* a whole table */

void xtables_open(void)
{
    for (int i = 0; i < 2; i++) {
        names_fd[i] = open(families[i].names, O_RDONLY | O_CLOEXEC);
        if (names_fd[i] >= 0)
            ask_fd[i] =
                socket(families[i].domain, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    }
}

/* A name a line. */
static bool has_filter(int fd)
{
    char text[NAMES];
    ssize_t n = pread(fd, text, sizeof text - 1, 0);
    char *line, *rest = NULL;

    if (n <= 0)
        return false;
    text[n] = '\0';
    for (line = strtok_r(text, "\n", &rest); line != NULL;
         line = strtok_r(NULL, "\n", &rest))
        if (strcmp(line, filter) == 0)
            return true;
    return false;
}

/* 0; or -1: it is not to be had, or is too large. */
static int get_table(const struct family *f, int fd, struct ipt_getinfo *info)
{
    socklen_t len = sizeof *info;

    memset(info, 0, sizeof *info);
    memcpy(info->name, filter, sizeof filter);
    if (getsockopt(fd, f->level, IPT_SO_GET_INFO, info, &len) < 0 ||
        info->size > sizeof all - sizeof all.head)
        return -1;
    memset(&all.head, 0, sizeof all.head);
    memcpy(all.head.name, filter, sizeof filter);
    all.head.size = info->size;
    len = (socklen_t)(sizeof all.head + info->size);
    return getsockopt(fd, f->level, IPT_SO_GET_ENTRIES, &all, &len);
}

static uint16_t get16(const uint8_t *at)
{
    uint16_t value;

    memcpy(&value, at, sizeof value);
    return value;
}

/* Of 16 bytes each; the mask of a name with a + ends before it. */
static bool is_device(const uint8_t *want, const uint8_t *mask,
                      const char *device)
{
    char name[16] = "";

    memcpy(name, device, strnlen(device, sizeof name - 1));
    for (size_t i = 0; i < sizeof name; i++)
        if ((((uint8_t)name[i] ^ want[i]) & mask[i]) != 0)
            return false;
    return true;
}

static bool matches(const struct family *f, const uint8_t *e,
                    const struct netlink_forward_way *way)
{
    uint8_t inverted = e[f->inverted];

    return is_device(e + f->in, e + f->in_mask, way->in) ==
               ((inverted & IPT_INV_VIA_IN) == 0) &&
           is_device(e + f->out, e + f->out_mask, way->out) ==
               ((inverted & IPT_INV_VIA_OUT) == 0);
}

/* Does it ask for anything but devices: an address, a protocol, a match? */
static bool asks_more(const struct family *f, const uint8_t *e)
{
    for (size_t i = 0; i < f->header; i++) {
        bool device = i >= f->in && i < f->out_mask + 16;

        if (!device && i != f->inverted && e[i] != 0)
            return true;
    }
    return get16(e + f->target) != f->size;
}

enum target { OTHER, ACCEPTS, DROPS, RETURNS, JUMPS };

struct walk {
    const struct family *f;
    const struct netlink_forward_way *way;
    uint32_t size, left;       /* bytes of the table; rules to follow */
    bool may_accept, may_drop; /* by rules that ask for more */
};

static enum target target_of(const struct family *f, const uint8_t *e,
                             uint32_t *to)
{
    struct xt_standard_target t;
    size_t at = get16(e + f->target);

    if (get16(e + f->next) < at + sizeof t.target)
        return OTHER;
    memcpy(&t.target, e + at, sizeof t.target);
    if (strncmp(t.target.u.user.name, "REJECT", XT_EXTENSION_MAXNAMELEN) == 0)
        return DROPS;
    if (t.target.u.user.name[0] != '\0' || get16(e + f->next) < at + sizeof t)
        return OTHER;
    memcpy(&t, e + at, sizeof t);
    *to = (uint32_t)t.verdict;
    if (t.verdict >= 0)
        return JUMPS;
    return t.verdict == -NF_ACCEPT - 1 ? ACCEPTS
           : t.verdict == -NF_DROP - 1 ? DROPS
           : t.verdict == XT_RETURN    ? RETURNS
                                       : OTHER;
}

/* An entry that lies in the table, or NULL. */
static const uint8_t *entry(struct walk *w, uint32_t at)
{
    const uint8_t *e = (const uint8_t *)all.head.entrytable + at;
    uint32_t len;

    if (w->left == 0 || at > w->size || w->size - at < w->f->size)
        return NULL;
    w->left--;
    len = get16(e + w->f->next);
    return len < w->f->size || len > w->size - at ? NULL : e;
}

static enum target not_known(struct walk *w)
{
    w->may_accept = w->may_drop = true;
    return RETURNS;
}

/* maybe: a rule that asks for more has led here.  ACCEPTS or DROPS: for sure.
 */
static enum target follow(struct walk *w, uint32_t at, unsigned depth,
                          bool maybe)
{
    const uint8_t *e;

    for (; (e = entry(w, at)) != NULL; at += get16(e + w->f->next)) {
        bool more = asks_more(w->f, e);
        uint32_t to = 0;
        enum target t = target_of(w->f, e, &to);

        if (!matches(w->f, e, w->way))
            continue;
        if (t == JUMPS && depth < DEPTH)
            t = follow(w, to, depth + 1, maybe || more);
        else if (t == JUMPS || t == OTHER)
            t = not_known(w);
        else if (t == RETURNS && !more)
            return RETURNS;
        else if (t == RETURNS)
            maybe = true;
        if (t == RETURNS)
            continue;
        if (!maybe && !more)
            return t;
        w->may_accept = w->may_accept || t == ACCEPTS;
        w->may_drop = w->may_drop || t == DROPS;
        if (!more)
            return RETURNS;
    }
    return not_known(w);
}

/* The chain's policy is its last rule. */
static enum netlink_forward_verdict judge(const struct family *f,
                                          const struct ipt_getinfo *info,
                                          const struct netlink_forward_way *way)
{
    struct walk w = {.f = f, .way = way, .size = info->size, .left = STEPS};
    enum target t = follow(&w, info->hook_entry[NF_INET_FORWARD], 0, false);

    if (t == ACCEPTS && !w.may_drop)
        return NETLINK_FORWARD_PASSES;
    return t == DROPS && !w.may_accept ? NETLINK_FORWARD_DROPS
                                       : NETLINK_FORWARD_UNSURE;
}

static void note(const struct family *f, const struct netlink_forward_way *way,
                 uint32_t verdict, struct netlink_forward_found *found)
{
    if (verdict <= found->verdict)
        return;
    *found = (struct netlink_forward_found){
        .verdict = verdict, .family = f->nfproto, .legacy = 1};
    memcpy(found->table, filter, sizeof filter);
    memcpy(found->chain, chain, sizeof chain);
    memcpy(found->in, way->in, sizeof found->in);
    memcpy(found->out, way->out, sizeof found->out);
}

void xtables_look(const struct netlink_forward_question *question,
                  struct netlink_forward_found *found)
{
    for (int i = 0; i < (question->ipv6 != 0 ? 2 : 1); i++) {
        const struct family *f = &families[i];
        struct ipt_getinfo info;
        bool known;

        if (names_fd[i] < 0 || ask_fd[i] < 0 || !has_filter(names_fd[i]))
            continue;
        known = get_table(f, ask_fd[i], &info) == 0;
        for (int w = 0;
             w < NETLINK_FORWARD_WAYS && question->way[w].in[0] != '\0'; w++)
            note(f, &question->way[w],
                 known ? judge(f, &info, &question->way[w])
                       : NETLINK_FORWARD_UNSURE,
                 found);
    }
}
