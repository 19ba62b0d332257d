/* query.c - a target's query, escaped (RFC 3986 section 2.1) */
#include "cli/query.h"

#include <stdio.h>
#include <string.h>

bool cli_query_add(char *target, size_t room, const char *key,
                   const char *value)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
    size_t n = strlen(target);
    int k = snprintf(target + n, room - n,
                     "%c%s=", strchr(target, '?') ? '&' : '?', key);

    if (k < 0 || (size_t)k >= room - n)
        return false;
    n += (size_t)k;
    for (; *value; value++) {
        if (room - n < 4)
            return false;
        if (strchr(plain, *value))
            target[n++] = *value;
        else
            n += (size_t)snprintf(target + n, 4, "%%%02X",
                                  (unsigned)(unsigned char)*value);
        target[n] = '\0';
    }
    return true;
}
