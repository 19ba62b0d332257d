/* addr.c - addresses and ports as people write them */
#include "system/addr.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* Digits alone, up to max; the end of them, or NULL. */
static const char *parse_decimal(const char *s, uint32_t max, uint32_t *out)
{
    uint32_t v = 0;

    if (*s < '0' || *s > '9')
        return NULL;
    for (; *s >= '0' && *s <= '9'; s++) {
        v = v * 10 + (uint32_t)(*s - '0');
        if (v > max)
            return NULL;
    }
    *out = v;
    return s;
}

bool system_addr_one(const char *s, union ct_addr *addr, uint8_t *family)
{
    bool v6 = strchr(s, ':') != NULL;

    memset(addr, 0, sizeof(*addr));
    *family = v6 ? CT_IPV6 : CT_IPV4;
    return inet_pton(v6 ? AF_INET6 : AF_INET, s, addr->b) == 1;
}

bool system_addr_prefix_or_one(const char *s, union ct_addr *addr,
                               uint8_t *family, uint8_t *len)
{
    const char *slash = strchr(s, '/'), *end;
    char text[CONFIG_ADDR_TEXT];
    uint32_t v = 0;

    if (slash == NULL) {
        if (!system_addr_one(s, addr, family))
            return false;
        *len = *family == CT_IPV6 ? 128 : 32;
        return true;
    }
    if ((size_t)(slash - s) >= sizeof(text))
        return false;
    memcpy(text, s, (size_t)(slash - s));
    text[slash - s] = '\0';
    if (!system_addr_one(text, addr, family))
        return false;
    end = parse_decimal(slash + 1, *family == CT_IPV6 ? 128 : 32, &v);
    *len = (uint8_t)v;
    return end != NULL && *end == '\0';
}

bool system_addr_prefix(const char *s, union ct_addr *addr, uint8_t *family,
                        uint8_t *len)
{
    return strchr(s, '/') != NULL &&
           system_addr_prefix_or_one(s, addr, family, len);
}

bool system_addr_ports(const char *s, struct ct_number_range *out)
{
    uint32_t lo, hi;

    if ((s = parse_decimal(s, 65535, &lo)) == NULL)
        return false;
    hi = lo;
    if (*s == '-' && (s = parse_decimal(s + 1, 65535, &hi)) == NULL)
        return false;
    *out = (struct ct_number_range){(uint16_t)lo, (uint16_t)hi};
    return *s == '\0' && lo <= hi;
}

struct ct_addr_range system_addr_span(const union ct_addr *addr, uint8_t family,
                                      uint8_t len)
{
    struct ct_addr_range span = {*addr, *addr};

    for (unsigned i = 0; i < (family == CT_IPV6 ? 16u : 4u); i++) {
        unsigned mine = len > i * 8 ? len - i * 8 : 0;
        uint8_t host = (uint8_t)(mine >= 8 ? 0 : 0xff >> mine);

        span.lo.b[i] = (uint8_t)(span.lo.b[i] & ~host);
        span.hi.b[i] = (uint8_t)(span.hi.b[i] | host);
    }
    return span;
}

int system_addr_compare(const union ct_addr *a, const union ct_addr *b)
{
    return memcmp(a->b, b->b, sizeof(a->b));
}

const char *system_addr_unfit(const union ct_addr *addr, uint8_t family)
{
    static const uint8_t zero[15];
    static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
    uint8_t first = addr->b[0], last = addr->b[15];

    if (family == CT_IPV4) {
        if (first == 0)
            return "an address of \"this network\"";
        if (first == 127)
            return "a loopback address";
        if (first >= 240)
            return "a reserved or broadcast address";
        return first >= 224 ? "a multicast address" : NULL;
    }
    if (first == 0xff)
        return "a multicast address";
    if (memcmp(addr->b, mapped, sizeof(mapped)) == 0)
        return "an IPv4-mapped address";
    if (memcmp(addr->b, zero, sizeof(zero)) == 0 && last <= 1)
        return last == 0 ? "the unspecified address" : "a loopback address";
    return NULL;
}

const char *system_addr_text(const union ct_addr *addr, uint8_t family,
                             unsigned len, char *out)
{
    size_t n;

    inet_ntop(family == CT_IPV6 ? AF_INET6 : AF_INET, addr->b, out,
              CONFIG_ADDR_TEXT - 5);
    n = strlen(out);
    if (len <= 128)
        snprintf(out + n, CONFIG_ADDR_TEXT - n, "/%u", len);
    return out;
}
