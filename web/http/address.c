/* address.c - a client's address, as text and as a hash */
#include "http/address.h"

#include <ctcore/bits.h>

#include <arpa/inet.h>
#include <stddef.h>
#include <sys/socket.h>

union any {
    struct sockaddr any;
    struct sockaddr_storage room;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

void address_text(const struct sockaddr_storage *from,
                  char text[INET6_ADDRSTRLEN])
{
    const union any *a = (const union any *)from;

    text[0] = '\0';
    if (a->any.sa_family == AF_INET)
        (void)inet_ntop(AF_INET, &a->four.sin_addr, text, INET6_ADDRSTRLEN);
    else if (a->any.sa_family == AF_INET6)
        (void)inet_ntop(AF_INET6, &a->six.sin6_addr, text, INET6_ADDRSTRLEN);
}

uint32_t address_hash(const struct sockaddr_storage *from, uint64_t key)
{
    const union any *a = (const union any *)from;
    const uint8_t *p = NULL;
    uint64_t h = key;
    size_t n = 0;

    if (a->any.sa_family == AF_INET) {
        p = (const uint8_t *)&a->four.sin_addr;
        n = 4;
    } else if (a->any.sa_family == AF_INET6) {
        p = (const uint8_t *)&a->six.sin6_addr;
        n = 8;
    }
    for (size_t i = 0; i < n; i++)
        h = ct_spread(h ^ p[i]); /* each bit of the key tells in all of it */
    return (uint32_t)h;
}
