/* bound.c - which ports the host's own sockets have
 *
 * The kernel is asked by netlink; where it has no sock_diag, its text is read.
 * A line of /proc/net/tcp, with fields this file does not ask for left out:
 *
 *     sl  local_address rem_address   st ...
 *      0: 0100007F:1F90 00000000:0000 0A ...
 *
 * Ports are hexadecimal, 0A is LISTEN; IPv6 has longer addresses. */
#include "bound.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { TCP_LISTENS = 0x0a };

static void set_port(uint64_t word[1024], unsigned port)
{
    word[port >> 6] |= 1ull << (port & 63);
}

static bool is_open(bool tcp, unsigned peer, unsigned state)
{
    return tcp ? state == TCP_LISTENS : peer == 0;
}

static void read_table(uint64_t word[1024], const char *folder,
                       const char *protocol, const char *six,
                       enum netlink_sockets_which which)
{
    char path[256], line[512];
    bool tcp = strcmp(protocol, "tcp") == 0;
    FILE *f;

    snprintf(path, sizeof path, "%s/%s%s", folder, protocol, six);
    f = fopen(path, "re");
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        unsigned port, peer, state;

        if (sscanf(line, " %*u: %*[0-9A-F]:%4x %*[0-9A-F]:%4x %2x", &port,
                   &peer, &state) == 3 &&
            (which == NETLINK_SOCKETS_ALL || is_open(tcp, peer, state)))
            set_port(word, port & 0xffff);
    }
    if (f != NULL)
        fclose(f);
}

static void take_port(void *ctx, uint16_t port)
{
    set_port(ctx, port);
}

/* Changed meanwhile: once more, in a second. */
static bool ask(uint64_t word[1024], struct netlink *diag, bool tcp,
                enum netlink_sockets_which which)
{
    int err;

    if (diag == NULL)
        return false;
    err = netlink_sockets_each(diag, CT_IPV4, tcp, which, take_port, word);
    if (err < 0 && err != -EAGAIN)
        return false;
    (void)netlink_sockets_each(diag, CT_IPV6, tcp, which, take_port, word);
    return true;
}

static void look(uint64_t word[1024], struct netlink *diag, const char *folder,
                 const char *protocol, enum netlink_sockets_which which)
{
    if (ask(word, diag, strcmp(protocol, "tcp") == 0, which))
        return;
    read_table(word, folder, protocol, "", which);
    read_table(word, folder, protocol, "6", which);
}

void bound_update(struct ct_reserved *set, struct netlink *diag,
                  const char *folder, const char *protocol,
                  const struct ct_port_range *ranges, uint32_t n_ranges)
{
    uint64_t word[1024] = {0};

    look(word, diag, folder, protocol, NETLINK_SOCKETS_OPEN);
    for (uint32_t i = 0; i < n_ranges; i++)
        for (unsigned p = ranges[i].lo; p <= ranges[i].hi; p++)
            set_port(word, p);
    for (unsigned i = 0; i < 1024; i++)
        __atomic_store_n(&set->word[i], word[i], __ATOMIC_RELAXED);
}

void bound_join(struct ct_reserved *set, const uint64_t word[1024])
{
    for (unsigned i = 0; i < 1024; i++)
        __atomic_store_n(&set->word[i], set->word[i] | word[i],
                         __ATOMIC_RELAXED);
}

void bound_add(struct ct_reserved *set, struct netlink *diag,
               const char *folder, const char *protocol)
{
    uint64_t word[1024] = {0};

    look(word, diag, folder, protocol, NETLINK_SOCKETS_ALL);
    bound_join(set, word);
}
