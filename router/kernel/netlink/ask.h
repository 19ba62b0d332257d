/* ask.h - one question to rtnetlink and its answer, for the files that
 * know what to ask
 *
 * A question is put together in a room of NETLINK_ROOM bytes of the caller's,
 * aligned to 8, by libmnl's calls. */
#ifndef NETLINK_ASK_H
#define NETLINK_ASK_H

#include <ctcore/types.h>

#include <libmnl/libmnl.h>
#include <sys/socket.h>

struct netlink;

enum { NETLINK_ROOM = 512 };

/* Another bus than rtnetlink's: NETLINK_*. */
int netlink_open_bus(struct netlink **out, int bus);

/* Flags beside NLM_F_REQUEST and NLM_F_ACK. */
struct nlmsghdr *netlink_ask(struct netlink *nl, void *room, uint16_t type,
                             unsigned flags);

/* Send it; cb (may be NULL) sees each message of the answer, what it returns is
 * ignored.  0 or a negative errno; -EAGAIN: things changed while they were
 * listed, what cb saw may have holes: ask again. */
int netlink_answer(struct netlink *nl, const struct nlmsghdr *question,
                   mnl_cb_t cb, void *data);

/* Make it this socket's own question: a number of its own, to be answered. */
void netlink_stamp(struct netlink *nl, struct nlmsghdr *question);

/* family is enum ct_family here, AF_INET or AF_INET6 there. */
static inline uint8_t netlink_af(uint8_t family)
{
    return family == CT_IPV4 ? AF_INET : AF_INET6;
}

static inline uint8_t netlink_family(uint8_t af)
{
    return af == AF_INET ? CT_IPV4 : CT_IPV6;
}

/* Is a whole message there?  mnl_nlmsg_ok() of libmnl 1.0.4 takes a length of
 * 2^31 and more for a negative one, and says yes. */
static inline bool netlink_is_message(const struct nlmsghdr *h, int left)
{
    return left >= (int)sizeof *h && h->nlmsg_len >= sizeof *h &&
           h->nlmsg_len <= (uint32_t)left;
}

/* The header of size bytes behind that of netlink, NULL: it is not whole. */
static inline const void *netlink_body(const struct nlmsghdr *h, size_t size)
{
    return mnl_nlmsg_get_payload_len(h) < size ? NULL
                                               : mnl_nlmsg_get_payload(h);
}

/* May a prefix of that family, AF_INET or AF_INET6, be so long? */
static inline bool netlink_has_len(uint8_t af, uint8_t len)
{
    return (af == AF_INET && len <= 32) || (af == AF_INET6 && len <= 128);
}

/* libmnl's calls read on behind an attribute that is shorter than they expect.
 * These take 0, or an empty text, for one that is. */
static inline uint8_t netlink_get_u8(const struct nlattr *a)
{
    return mnl_attr_get_payload_len(a) < sizeof(uint8_t) ? 0
                                                         : mnl_attr_get_u8(a);
}

static inline uint32_t netlink_get_u32(const struct nlattr *a)
{
    return mnl_attr_get_payload_len(a) < sizeof(uint32_t) ? 0
                                                          : mnl_attr_get_u32(a);
}

static inline uint64_t netlink_get_u64(const struct nlattr *a)
{
    return mnl_attr_get_payload_len(a) < sizeof(uint64_t) ? 0
                                                          : mnl_attr_get_u64(a);
}

static inline const char *netlink_get_text(const struct nlattr *a)
{
    return mnl_attr_validate(a, MNL_TYPE_NUL_STRING) < 0 ? ""
                                                         : mnl_attr_get_str(a);
}

void netlink_put_addr(struct nlmsghdr *h, uint16_t type, uint8_t family,
                      const union ct_addr *addr);
void netlink_get_addr(const struct nlattr *a, union ct_addr *addr);

#endif
