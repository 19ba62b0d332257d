/* names.c - the words people read */
#include "filter/names.h"

#include <arpa/inet.h>
#include <ctcore/ct.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* That NAT was set up (*_NAT_DONE) is true of
 * every flow and tells nobody anything. */
static const struct {
    uint32_t bit;
    const char *name;
} statuses[] = {
    {CT_EXPECTED, "EXPECTED"},
    {CT_SEEN_REPLY, "SEEN_REPLY"},
    {CT_ASSURED, "ASSURED"},
    {CT_CONFIRMED, "CONFIRMED"},
    {CT_SRC_NAT, "SRC_NAT"},
    {CT_DST_NAT, "DST_NAT"},
    {CT_SEQ_ADJUST, "SEQ_ADJUST"},
    {CT_DYING, "DYING"},
    {CT_FIXED_TIMEOUT, "FIXED_TIMEOUT"},
    {CT_HELPER, "HELPER"},
    {CT_OWN_TIMEOUTS, "OWN_TIMEOUTS"},
};

const char *names_proto(uint8_t proto)
{
    return ct_proto_is_tracked(proto) ? ct_word_name(CT_WORDS_PROTO, proto)
                                      : "unknown";
}

int names_proto_number(const char *text)
{
    unsigned n;
    const struct ct_word *words = ct_words(CT_WORDS_PROTO, &n);
    unsigned long number;
    char *end;

    for (unsigned i = 0; i < n; i++)
        if (strcasecmp(words[i].name, text) == 0)
            return (int)words[i].number;
    if (*text < '0' || *text > '9')
        return -1;
    number = strtoul(text, &end, 10);
    return *end || number > 255 ? -1 : (int)number;
}

const char *names_family(uint8_t family)
{
    return family == CT_IPV6 ? "ipv6" : "ipv4";
}

uint32_t names_status_bit(const char *name)
{
    size_t i;

    for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (strcasecmp(statuses[i].name, name) == 0)
            return statuses[i].bit;
    return 0;
}

const char *names_status(uint32_t bit)
{
    size_t i;

    for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
        if (statuses[i].bit == bit)
            return statuses[i].name;
    return NULL;
}

bool names_is_state(const char *text)
{
    const char *name;

    for (unsigned proto = 0; proto <= UINT8_MAX; proto++)
        for (unsigned k = 0; (name = ct_state_name((uint8_t)proto, k)); k++)
            if (strcasecmp(name, text) == 0)
                return true;
    return false;
}

const char *names_addr(uint8_t family, const union ct_addr *a, char text[46])
{
    if (!inet_ntop(family == CT_IPV6 ? AF_INET6 : AF_INET, a->b, text, 46))
        text[0] = '\0';
    return text;
}
