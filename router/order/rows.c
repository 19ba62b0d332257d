/* rows.c - which attributes a message to the kernel may have */
#include "order/rows.h"

#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>

struct reading {
    const struct nlattr *at;
    size_t left;
};

static size_t aligned(size_t len)
{
    return (len + 3) & ~(size_t)3;
}

static size_t payload(const struct nlattr *a)
{
    return a->nla_len - sizeof *a;
}

/* NULL: there is none; *whole becomes false if bytes are left. */
static const struct nlattr *next(struct reading *r, bool *whole)
{
    const struct nlattr *a = r->at;
    size_t all;

    if (r->left < sizeof *a || a->nla_len < sizeof *a) {
        *whole = *whole && r->left == 0;
        return NULL;
    }
    all = aligned(a->nla_len);
    if (all > r->left) {
        *whole = false;
        return NULL;
    }
    r->at = (const void *)((const char *)a + all);
    r->left -= all;
    return a;
}

static struct reading inside(const struct nlattr *nest)
{
    return (struct reading){mnl_attr_get_payload(nest), payload(nest)};
}

static bool read_rows(const struct order_rows *rows, struct reading r,
                      uint8_t af, struct order_rows_found *found);

/* Each is a nest; what stands in those of no rows is for others to read. */
static bool is_list(const struct order_rows *row, const struct nlattr *a,
                    uint8_t af)
{
    struct reading r = inside(a);
    struct order_rows_found found;
    const struct nlattr *one;
    bool whole = true;

    while ((one = next(&r, &whole)) != NULL) {
        if ((one->nla_type & NLA_F_NESTED) == 0 ||
            (one->nla_type & NLA_TYPE_MASK) != row->size ||
            (row->in != NULL && !read_rows(row->in, inside(one), af, &found)))
            return false;
    }
    return whole;
}

static bool is_text(const struct nlattr *a, size_t most)
{
    size_t n = payload(a);

    return n >= 2 && n <= most + 1 &&
           memchr(mnl_attr_get_payload(a), '\0', n) ==
               (const char *)mnl_attr_get_payload(a) + n - 1;
}

static size_t address_size(uint8_t af)
{
    return af == AF_INET ? 4 : af == AF_INET6 ? 16 : SIZE_MAX;
}

static bool fits(const struct order_rows *row, const struct nlattr *a,
                 uint8_t af)
{
    struct order_rows_found found;

    switch (row->form) {
    case ROW_NUMBER:
        return payload(a) == row->size;
    case ROW_ADDRESS:
        return payload(a) == address_size(af);
    case ROW_BYTES:
        return payload(a) > 0 && payload(a) <= row->size;
    case ROW_TEXT:
        return is_text(a, row->size);
    case ROW_NEST:
        return read_rows(row->in, inside(a), af, &found);
    default:
        return is_list(row, a, af);
    }
}

static const struct order_rows *row_of(const struct order_rows *rows,
                                       const struct nlattr *a)
{
    for (; rows->form != ROW_END; rows++) {
        uint16_t nested = rows->form >= ROW_NEST ? NLA_F_NESTED : 0;

        if (a->nla_type == (rows->type | nested))
            return rows;
    }
    return NULL;
}

static bool read_rows(const struct order_rows *rows, struct reading r,
                      uint8_t af, struct order_rows_found *found)
{
    const struct order_rows *row;
    const struct nlattr *a;
    bool whole = true;

    memset(found, 0, sizeof *found);
    while ((a = next(&r, &whole)) != NULL) {
        row = row_of(rows, a);
        if (row == NULL || found->at[row->type] != NULL || !fits(row, a, af))
            return false;
        found->at[row->type] = a;
    }
    for (; rows->form != ROW_END; rows++)
        if (rows->needed && found->at[rows->type] == NULL)
            return false;
    return whole;
}

bool order_rows_read(const struct order_rows *rows, const struct nlmsghdr *h,
                     size_t size, uint8_t af, struct order_rows_found *found)
{
    struct reading r = {mnl_nlmsg_get_payload_offset(h, size),
                        mnl_nlmsg_get_payload_len(h) - aligned(size)};

    return read_rows(rows, r, af, found);
}

bool order_rows_within(const struct order_rows *rows, const struct nlattr *nest,
                       struct order_rows_found *found)
{
    return read_rows(rows, inside(nest), AF_UNSPEC, found);
}

const struct nlattr *order_rows_next(const struct nlattr *list,
                                     const struct nlattr *at)
{
    struct reading r = inside(list);
    bool whole = true;

    if (at != NULL) {
        r.at = (const void *)((const char *)at + aligned(at->nla_len));
        r.left =
            (size_t)((const char *)list + list->nla_len - (const char *)r.at);
    }
    return next(&r, &whole);
}

uint32_t order_rows_number(const struct order_rows_found *found, uint16_t type,
                           uint32_t none)
{
    const struct nlattr *a = found->at[type];

    if (a == NULL)
        return none;
    return payload(a) == sizeof(uint8_t) ? mnl_attr_get_u8(a)
                                         : mnl_attr_get_u32(a);
}

const char *order_rows_text(const struct order_rows_found *found, uint16_t type)
{
    return found->at[type] == NULL ? "" : mnl_attr_get_str(found->at[type]);
}

bool order_rows_is(const struct order_rows_found *found, uint16_t type,
                   const void *bytes, size_t len)
{
    const struct nlattr *a = found->at[type];

    return a != NULL && payload(a) == len &&
           memcmp(mnl_attr_get_payload(a), bytes, len) == 0;
}
