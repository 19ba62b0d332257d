/* filter.h - one grammar to choose flows: list, watch, delete, command line
 *
 *   proto=tcp                 name or number
 *   state=ESTABLISHED         the tracker's name for it
 *   src= dst=                 address or prefix, original direction
 *   reply_src= reply_dst=     the same, reply direction
 *   sport= dport=             port or lo-hi, original direction
 *   reply_sport= reply_dport=
 *   icmp_type= icmp_code= icmp_id=
 *   family=ipv4|ipv6
 *   status=ASSURED,SEEN_REPLY all of them set
 *   nat=src|dst|any|none      what is translated
 *   src_nat= dst_nat= any_nat= translated, to this address or prefix
 *   mark=V or V/MASK
 *   label=N or lo-hi          one that the flow has
 *   zone= zone_orig= zone_reply=  of both directions, of one
 *   in= out=                  interface of the first packet
 *
 * A leading ! negates a value.  Values of one key are alternatives (and none
 * of its negated ones may hold); different keys must all hold. */
#ifndef FILTER_H
#define FILTER_H

#include <web/flows.h>

#define FILTER_MAX_TERMS 32

struct filter_term {
    uint8_t key; /* enum in filter.c */
    bool negate;
    union {
        struct {
            union ct_addr addr;
            uint8_t family, len;
        } net;
        struct {
            uint32_t lo, hi;
        } range;
        struct {
            uint32_t value, mask;
        } bits;
        char name[24];
    } u;
};

struct filter {
    uint32_t n;
    struct filter_term term[FILTER_MAX_TERMS];
};

/* Is this a key of the grammar? */
bool filter_key(const char *key);

/* Add one term.  False: *why is a sentence, and the filter is unchanged. */
bool filter_add(struct filter *f, const char *key, const char *value,
                const char **why);

/* flows: names the interfaces. */
bool filter_match(const struct filter *f, const struct ct_view *v,
                  const struct web_flows *flows);

/* Row by row: name and one line of help; NULL past the end. */
const char *filter_doc(unsigned row, const char **help);

#endif
