/* table.h - what the tables of guard.c are made of
 *
 * Private to those that fill them. */
#ifndef GATEWAY_TABLE_H
#define GATEWAY_TABLE_H

#include "config/config.h"
#include "kernel/netlink/nft.h"

enum {
    GATEWAY_TABLE_FAMILIES = 2,
    GATEWAY_TABLE_OWN = CONFIG_DEVICES * CONFIG_ADDRS,
    GATEWAY_TABLE_GONE = 8 /* the latest: DHCP gives the same one again */
};

/* All bytes set.  Behind the own addresses stand those that were, the one that
 * went last first. */
struct gateway_table_key {
    uint32_t n, n_own, n_gone;
    struct gateway_table_pair {
        char name[16], tun[16], host[24]; /* host: a chain for what is its */
        uint32_t index, tun_index;
    } pair[CONFIG_DEVICES];
    struct gateway_table_own {
        union ct_addr addr;
        uint32_t family;
        uint32_t rest[3];
    } own[GATEWAY_TABLE_OWN + GATEWAY_TABLE_GONE];
};

/* A family, and where its header has what. */
struct gateway_table_layout {
    const char *set;
    uint8_t nfproto, icmp, asks, answers;
    uint32_t src, dst, len; /* of addresses */
    uint32_t addr, type;    /* as sets name an address, and an ICMP type */
};
extern const struct gateway_table_layout
    gateway_table_layouts[GATEWAY_TABLE_FAMILIES];

/* The rule goes on if it is so. */
void gateway_table_device(struct netlink_nft *b, uint32_t meta, bool same,
                          const char *device);
void gateway_table_family(struct netlink_nft *b,
                          const struct gateway_table_layout *l);
void gateway_table_proto(struct netlink_nft *b, uint8_t proto);

enum { GATEWAY_TABLE_FIN = 1, GATEWAY_TABLE_SYN = 2, GATEWAY_TABLE_RST = 4 };

/* The rule goes on if some of these flags of TCP are set, or if none is. */
void gateway_table_flags(struct netlink_nft *b, uint8_t of, bool some);

/* The packet has this mark from here on; 0: none. */
void gateway_table_mark(struct netlink_nft *b, uint32_t mark);

/* A whole rule: by none of the devices, nor, with tuns, of weir's own;
 * accepted. */
void gateway_table_elsewhere(struct netlink_nft *b, const char *chain,
                             uint32_t meta, const struct gateway_table_key *k,
                             bool tuns);

/* The type of a key of both addresses, the protocol and two ports. */
uint32_t gateway_table_tuple(const struct gateway_table_layout *l);

/* A set of the host's own addresses of this family. */
void gateway_table_addrs(struct netlink_nft *b, const char *set,
                         const struct gateway_table_key *k,
                         const struct gateway_table_layout *l);

/* That set, and a rule that goes on if the address at this offset of the header
 * is in it. */
void gateway_table_begin_own(struct netlink_nft *b, const char *chain,
                             const struct gateway_table_key *k,
                             const struct gateway_table_layout *l,
                             const char *set, uint32_t at);

/* A whole rule: to one of these; accepted.  Once in a table. */
void gateway_table_served(struct netlink_nft *b, const char *chain,
                          const struct gateway_table_key *k,
                          const struct gateway_table_layout *l);

#endif
