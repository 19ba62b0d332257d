/* names.c - the words people read */
#include "filter/names.h"

#include <arpa/inet.h>
#include <ctcore/ct.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* The number of a word in upper or lower case. */
static uint32_t find_word(enum ct_words list, const char *text, uint32_t none)
{
    unsigned n;
    const struct ct_word *row = ct_words(list, &n);

    for (unsigned i = 0; i < n; i++)
        if (row[i].name != NULL && strcasecmp(row[i].name, text) == 0)
            return row[i].number;
    return none;
}

const char *names_proto(uint8_t proto)
{
    return ct_proto_is_tracked(proto) ? ct_word_name(CT_WORDS_PROTO, proto)
                                      : "unknown";
}

int names_proto_number(const char *text)
{
    uint32_t word = find_word(CT_WORDS_PROTO, text, UINT32_MAX);
    unsigned long number;
    char *end;

    if (word != UINT32_MAX)
        return (int)word;
    if (*text < '0' || *text > '9')
        return -1;
    number = strtoul(text, &end, 10);
    return *end || number > 255 ? -1 : (int)number;
}

const char *names_family(uint8_t family)
{
    return ct_word_name(CT_WORDS_FAMILY, family);
}

uint32_t names_status_bit(const char *name)
{
    return find_word(CT_WORDS_STATUS, name, 0);
}

const char *names_status(uint32_t bit)
{
    return ct_word_name(CT_WORDS_STATUS, bit);
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
