/* world_text.c - see world_text.h */
#include "world_text.h"

#include <arpa/inet.h>
#include <stdio.h>

static void end_text(char *out, size_t room, const struct ct_tuple *t, bool src)
{
    const union ct_addr *a = src ? &t->src : &t->dst;
    char ip[INET6_ADDRSTRLEN];
    bool ports = t->proto == 6 || t->proto == 17 || t->proto == 33 ||
                 t->proto == 132 || t->proto == 136;
    uint16_t port = src ? t->sport : t->dport;

    inet_ntop(t->family == CT_IPV4 ? AF_INET : AF_INET6, a->b, ip, sizeof ip);
    if (ports)
        snprintf(out, room, t->family == CT_IPV4 ? "%s:%u" : "[%s]:%u", ip,
                 port);
    else if ((t->proto == 1 || t->proto == 58) && src)
        snprintf(out, room, "%s id %u", ip, port);
    else
        snprintf(out, room, "%s", ip);
}

const char *world_text_proto(uint8_t proto, char number[8])
{
    switch (proto) {
    case 1:
        return "icmp";
    case 6:
        return "tcp";
    case 17:
        return "udp";
    case 33:
        return "dccp";
    case 47:
        return "gre";
    case 132:
        return "sctp";
    case 136:
        return "udplite";
    case 58:
        return "icmpv6";
    default:
        snprintf(number, 8, "%u", proto);
        return number;
    }
}

void world_text_tuple(char *out, size_t room, const struct ct_tuple *t)
{
    char src[80], dst[80];

    end_text(src, sizeof src, t, true);
    end_text(dst, sizeof dst, t, false);
    snprintf(out, room, "%s > %s", src, dst);
}
