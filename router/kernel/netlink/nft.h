/* nft.h - tables of nf_tables, put as a whole
 *
 * A batch is one transaction: all of it or nothing.  A table is made, deleted
 * and made again in it, so that it does not matter whether one is there; or its
 * rules alone are, and what its sets hold stays.  A rule is put together from
 * expressions that work on registers of 4 bytes. */
#ifndef NETLINK_NFT_H
#define NETLINK_NFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct netlink_nft; /* a batch */

/* NULL: no memory.  family: NFPROTO_*. */
struct netlink_nft *netlink_nft_new(uint8_t family, const char *table);
void netlink_nft_free(struct netlink_nft *b);

/* In place of the table of that name. */
void netlink_nft_table(struct netlink_nft *b);
void netlink_nft_remove(struct netlink_nft *b);
/* In place of the rules of the table of that name: its chains, counters and
 * sets are the same as those that follow, with what they hold. */
void netlink_nft_refill(struct netlink_nft *b);

/* A chain of type filter at a hook; device: its name where the hook is a
 * device's, else NULL. */
void netlink_nft_chain(struct netlink_nft *b, const char *name, uint32_t hook,
                       int priority, const char *device);

/* One at the hook of what is sent from here: a mark that it sets is routed by.
 */
void netlink_nft_route_chain(struct netlink_nft *b, const char *name,
                             int priority);

/* One that rules go on to: netlink_nft_goto(). */
void netlink_nft_branch(struct netlink_nft *b, const char *name);

/* What a key is, as nft(8) numbers it: the kernel needs the length alone, but
 * nft prints the set by this.  A key of several parts gives each part its place
 * of whole registers (netlink_nft_join()). */
enum {
    NETLINK_NFT_IPV4 = 7,
    NETLINK_NFT_IPV6 = 8,
    NETLINK_NFT_PROTO = 12,
    NETLINK_NFT_PORT = 13, /* nft has no other name for 16 bits */
    NETLINK_NFT_ICMP = 14,
    NETLINK_NFT_ICMPV6 = 29
};
/* The first part and the next: five parts at most. */
uint32_t netlink_nft_join(uint32_t first, uint32_t next);

/* Filled by rules (netlink_nft_update()). */
void netlink_nft_set(struct netlink_nft *b, const char *name, uint32_t type,
                     uint32_t size);
/* Of n addresses. */
void netlink_nft_addrs(struct netlink_nft *b, const char *name, uint32_t type,
                       const uint8_t addr[][16], uint32_t n);
/* Of ranges, which may overlap: n of them, NETLINK_NFT_RANGES at most. */
enum { NETLINK_NFT_RANGES = 32 };
struct netlink_nft_range {
    uint8_t lo[16], hi[16]; /* inclusive; as many bytes count as a key has */
};
void netlink_nft_spans(struct netlink_nft *b, const char *name, uint32_t type,
                       const struct netlink_nft_range *range, uint32_t n);
/* One that counts, and is read by its name. */
void netlink_nft_counter(struct netlink_nft *b, const char *name);

void netlink_nft_rule(struct netlink_nft *b, const char *chain);
void netlink_nft_rule_end(struct netlink_nft *b);

/* Expressions.  reg: number of a 4-byte register, from 0; a longer value takes
 * those behind it, too. */
void netlink_nft_meta(struct netlink_nft *b, uint32_t key, unsigned reg);
void netlink_nft_set_meta(struct netlink_nft *b, uint32_t key, unsigned reg);
void netlink_nft_payload(struct netlink_nft *b, uint32_t base, uint32_t offset,
                         uint32_t len, unsigned reg);
/* Go on with the rule if the register holds it, or if it does not. */
void netlink_nft_cmp(struct netlink_nft *b, bool same, unsigned reg,
                     const void *data, size_t len);
/* The same of a range. */
void netlink_nft_span(struct netlink_nft *b, bool in, unsigned reg,
                      const struct netlink_nft_range *range, size_t len);
void netlink_nft_value(struct netlink_nft *b, unsigned reg, const void *data,
                       size_t len);
/* Of 4 bytes or fewer, the register keeps these bits. */
void netlink_nft_mask(struct netlink_nft *b, unsigned reg, const void *bits,
                      size_t len);
/* Of an extension header of IPv6; if there is none the rule ends. */
void netlink_nft_header6(struct netlink_nft *b, uint8_t type, uint32_t offset,
                         uint32_t len, unsigned reg);
/* Go on if the key is in the set. */
void netlink_nft_lookup(struct netlink_nft *b, const char *set, unsigned reg);
/* It is in the set from here on, for so long. */
void netlink_nft_update(struct netlink_nft *b, const char *set, unsigned reg,
                        uint32_t ms);
void netlink_nft_count(struct netlink_nft *b, const char *counter);
void netlink_nft_forward(struct netlink_nft *b, unsigned reg);
void netlink_nft_notrack(struct netlink_nft *b);
void netlink_nft_verdict(struct netlink_nft *b, uint32_t verdict);
void netlink_nft_goto(struct netlink_nft *b, const char *chain);

/* Two batches of one number have the same in them. */
uint64_t netlink_nft_number(const struct netlink_nft *b);

/* 0 or a negative errno. */
int netlink_nft_commit(struct netlink_nft *b);

/* What it has no table or no nf_tables for. */
bool netlink_nft_is_none(int err);

#endif
