/* bound.c - which ports the host's own sockets have
 *
 * The kernel is asked by netlink; where it has no sock_diag, its text is read.
 * A line of /proc/net/tcp, with fields this file does not ask for left out:
 *
 *     sl  local_address rem_address   st ...     uid
 *      0: 0100007F:1F90 00000000:0000 0A ... ... 1000
 *
 * Ports are hexadecimal, 0A is LISTEN; an address is words as they stand in
 * memory, IPv6 has four. */
#include "gateway/bound.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TCP_LISTENS = 0x0a, ROOT = 0 };

struct ports {
    uint64_t root[1024], users[1024];
    const struct config_facts *facts;
    struct talks *talks; /* connections are added to these; or NULL */
    uint8_t proto;
};

static void set_port(uint64_t word[1024], unsigned port)
{
    word[port >> 6] |= 1ull << (port & 63);
}

/* ---- which sockets count ---- */

static bool is_of_devices(const struct config_facts *facts,
                          const struct netlink_socket *s)
{
    for (uint32_t d = 0; d < facts->n; d++)
        for (unsigned i = 0; i < facts->device[d].n_addrs; i++)
            if (facts->device[d].addr[i].family == s->family &&
                ct_addr_eq(&facts->device[d].addr[i].addr, &s->addr))
                return true;
    return false;
}

static bool take_talk(struct ports *p, const struct netlink_socket *s)
{
    return p->talks != NULL && s->peer_port != 0 &&
           talks_add(p->talks, &(struct ct_tuple){.src = s->peer,
                                                  .dst = s->addr,
                                                  .sport = s->peer_port,
                                                  .dport = s->port,
                                                  .family = s->family,
                                                  .proto = p->proto});
}

static void take_socket(void *ctx, const struct netlink_socket *s)
{
    static const union ct_addr any;
    struct ports *p = ctx;

    if (take_talk(p, s))
        return;
    if (p->facts == NULL || ct_addr_eq(&s->addr, &any) ||
        is_of_devices(p->facts, s))
        set_port(s->uid == ROOT ? p->root : p->users, s->port);
}

/* ---- who is asked ---- */

static bool is_open(bool tcp, unsigned peer, unsigned state)
{
    return tcp ? state == TCP_LISTENS : peer == 0;
}

/* Returns how many words there are, 4 at most. */
static size_t parse_proc_addr(uint8_t bytes[16], const char *text)
{
    size_t words = strlen(text) / 8;

    for (size_t i = 0; i < words && i < 4; i++) {
        char digits[9] = "";
        uint32_t word;

        memcpy(digits, text + 8 * i, 8);
        word = (uint32_t)strtoul(digits, NULL, 16);
        memcpy(bytes + 4 * i, &word, sizeof word);
    }
    return words;
}

static void read_proc_sockets(struct ports *p, const char *folder,
                              uint8_t proto, const char *six,
                              enum netlink_sockets_which which)
{
    char path[256], line[512];
    bool tcp = proto == CT_PROTO_TCP;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s%s", folder,
             ct_word_name(CT_WORDS_PROTO, proto), six);
    f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        struct netlink_socket s = {.uid = ROOT};
        unsigned port, peer_port, state;
        char addr[33], peer[33];
        uint8_t own[16], other[16];

        if (sscanf(line,
                   " %*u: %32[0-9A-F]:%4x %32[0-9A-F]:%4x %2x %*s %*s %*s "
                   "%u",
                   addr, &port, peer, &peer_port, &state, &s.uid) < 5 ||
            (which != NETLINK_SOCKETS_ALL && !is_open(tcp, peer_port, state)) ||
            (strlen(addr) != 8 && strlen(addr) != 32) ||
            strlen(peer) != strlen(addr))
            continue;
        (void)parse_proc_addr(other, peer);
        netlink_sockets_addrs(
            &s, parse_proc_addr(own, addr) == 4 ? CT_IPV6 : CT_IPV4, own,
            other);
        s.port = (uint16_t)port;
        s.peer_port = (uint16_t)peer_port;
        take_socket(p, &s);
    }
    if (f != NULL)
        fclose(f);
}

/* Changed meanwhile: once more, in a second. */
static bool query_sock_diag(struct ports *p, struct netlink *diag, bool tcp,
                            enum netlink_sockets_which which)
{
    int err;

    if (diag == NULL)
        return false;
    err = netlink_sockets_each(diag, CT_IPV4, tcp, which, take_socket, p);
    if (err < 0 && err != -EAGAIN)
        return false;
    (void)netlink_sockets_each(diag, CT_IPV6, tcp, which, take_socket, p);
    return true;
}

static void list_host_sockets(struct ports *p, struct netlink *diag,
                              const char *folder, uint8_t proto,
                              enum netlink_sockets_which which)
{
    if (query_sock_diag(p, diag, proto == CT_PROTO_TCP, which))
        return;
    read_proc_sockets(p, folder, proto, "", which);
    read_proc_sockets(p, folder, proto, "6", which);
}

/* ---- whose ports they are ---- */

static uint32_t count_ports(const uint64_t word[1024])
{
    uint32_t n = 0;

    for (unsigned i = 0; i < 1024; i++)
        n += (uint32_t)__builtin_popcountll(word[i]);
    return n;
}

static void store_reserved_ports(struct ct_reserved *set,
                                 const uint64_t word[1024])
{
    for (unsigned i = 0; i < 1024; i++)
        __atomic_store_n(&set->word[i], word[i], __ATOMIC_RELAXED);
}

/* Of the users' ports that were there before, or were not, as many as each
 * worker's half still has room for. */
static void admit_user_ports(uint64_t word[1024], const uint64_t users[1024],
                             const struct bound *b, bool before,
                             uint32_t workers, uint32_t room[CT_MAX_SHARDS])
{
    for (unsigned i = 0; i < 1024; i++) {
        uint64_t was = b->reserved.word[i];

        for (uint64_t left = users[i] & (before ? was : ~was); left != 0;
             left &= left - 1) {
            unsigned port = i << 6 | (unsigned)__builtin_ctzll(left);

            if (room[port % workers] == 0)
                continue;
            room[port % workers]--;
            set_port(word, port);
        }
    }
}

/* word: what is root's and reserved. */
static void add_users(struct bound *b, uint64_t word[1024],
                      const uint64_t users[1024], uint32_t workers)
{
    uint32_t room[CT_MAX_SHARDS], n = workers > 0 ? workers : 1;

    for (uint32_t i = 0; i < n; i++)
        room[i] = BOUND_PORTS / 2 / n;
    admit_user_ports(word, users, b, true, n, room);
    admit_user_ports(word, users, b, false, n, room);
    b->left_out = 0;
    for (unsigned i = 0; i < 1024; i++)
        b->left_out += (uint32_t)__builtin_popcountll(users[i] & ~word[i]);
}

/* now: reserved; few: those whose owners may take them from flows. */
static void update_stable_ports(struct bound *b, const uint64_t now[1024],
                                const uint64_t may[1024])
{
    bool round = b->calls++ % BOUND_ROUND == 0;

    for (unsigned i = 0; i < 1024; i++) {
        if (round) {
            b->settled[i] = b->seen[i] & now[i];
            b->seen[i] = now[i];
        }
        b->settled[i] &= now[i] & may[i];
    }
}

void bound_update(struct bound *b, const struct bound_question *q)
{
    struct ports p = {.facts = q->facts};
    uint64_t word[1024], may[1024], taken[1024];
    bool few;

    list_host_sockets(&p, q->diag, q->folder, q->proto, NETLINK_SOCKETS_OPEN);
    memcpy(word, p.root, sizeof word);
    for (unsigned i = 0; i < 1024; i++)
        may[i] = p.root[i] | p.users[i];
    b->ports = count_ports(may);
    few = count_ports(p.users) <= BOUND_FEW;
    for (uint32_t i = 0; i < q->n_ranges; i++)
        for (unsigned port = q->ranges[i].lo; port <= q->ranges[i].hi; port++)
            set_port(word, port);
    for (unsigned i = 0; i < 1024; i++)
        may[i] = word[i] | (few ? p.users[i] : 0);
    add_users(b, word, p.users, q->workers);
    update_stable_ports(b, word, may);
    memcpy(taken, b->settled, sizeof taken);
    for (uint32_t i = 0; i < q->n_now; i++) {
        set_port(word, q->now[i]);
        set_port(taken, q->now[i]);
    }
    /* In this order: no flow gets a port that ends it at once. */
    for (unsigned i = 0; i < 1024; i++) {
        __atomic_store_n(&b->taken.word[i], b->taken.word[i] & taken[i],
                         __ATOMIC_RELEASE);
        __atomic_store_n(&b->reserved.word[i], word[i], __ATOMIC_RELEASE);
    }
    store_reserved_ports(&b->taken, taken);
}

void bound_join(struct ct_reserved *set, const uint64_t word[1024])
{
    for (unsigned i = 0; i < 1024; i++)
        __atomic_store_n(&set->word[i], set->word[i] | word[i],
                         __ATOMIC_RELAXED);
}

void bound_add(struct ct_reserved *set, struct talks *talks,
               struct netlink *diag, const char *folder, uint8_t proto)
{
    struct ports p = {.talks = talks, .proto = proto};

    list_host_sockets(&p, diag, folder, proto, NETLINK_SOCKETS_ALL);
    bound_join(set, p.root);
    bound_join(set, p.users);
}
