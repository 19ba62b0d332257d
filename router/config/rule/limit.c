/* limit.c - how often, and how many at once
 *
 *     limit      [over] N/second|minute|hour|day [burst N]      (5, as nft)
 *     connlimit  [over] N[/BITS[/BITS6]]     sources alike in so many bits
 */
#include "config/rule/limit.h"

#include <string.h>

#define LIMIT_FORMS                                                            \
    "\"[over] N/UNIT [burst N]\" with second, minute, hour or day"
#define CONNLIMIT_FORMS                                                        \
    "N flows, or \"[over] N[/BITS[/BITS6]]\" with the bits of an IPv4 and "    \
    "of an IPv6 source that count"

/* What a bucket may hold at most: far from where the sums would wrap. */
#define MAX_ROOM_NS UINT64_C(1000000000000000000)

static bool skip_limit_word(const char **s, const char *w)
{
    size_t n = strlen(w);

    if (strncmp(*s, w, n) != 0 || ((*s)[n] != ' ' && (*s)[n] != '\0'))
        return false;
    for (*s += n; **s == ' '; ++*s)
        ;
    return true;
}

static bool parse_limit_number(const char **s, uint64_t max, uint64_t *out)
{
    *out = 0;
    if (**s < '0' || **s > '9')
        return false;
    for (; **s >= '0' && **s <= '9'; ++*s)
        if ((*out = *out * 10 + (uint64_t)(**s - '0')) > max)
            return false;
    return true;
}

static bool parse_limit(const char *s, struct ct_limit *out)
{
    static const struct {
        const char *name;
        uint64_t s;
    } units[] = {{"second", 1}, {"minute", 60}, {"hour", 3600}, {"day", 86400}};
    uint64_t rate, burst = 5, ns = 0;

    out->over = skip_limit_word(&s, "over");
    if (!parse_limit_number(&s, UINT32_MAX, &rate) || rate == 0 || *s++ != '/')
        return false;
    for (size_t i = 0; i < CONFIG_READ_N(units) && ns == 0; i++)
        if (skip_limit_word(&s, units[i].name))
            ns = units[i].s * 1000000000;
    if (ns == 0 || ns / rate == 0)
        return false;
    if (skip_limit_word(&s, "burst") &&
        (!parse_limit_number(&s, UINT32_MAX, &burst) || burst == 0))
        return false;
    out->cost_ns = ns / rate;
    if (*s != '\0' || burst > MAX_ROOM_NS / out->cost_ns)
        return false;
    out->room_ns = out->cost_ns * burst;
    return true;
}

void config_limit_rate(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;
    const char *s = config_read_string(r, v, 64, LIMIT_FORMS);

    c->limiter = "limit";
    if (s != NULL && parse_limit(s, &c->rule.limit))
        return;
    if (s != NULL)
        config_read_fail(r, "%s is not a limit; use " LIMIT_FORMS,
                         config_read_show(r, s));
    c->failed = true;
}

static bool parse_connlimit(const char *s, struct ct_connlimit *out)
{
    uint64_t max, bits = 32, bits6 = 64;

    out->over = skip_limit_word(&s, "over");
    if (!parse_limit_number(&s, UINT32_MAX, &max))
        return false;
    if (*s == '/' && (s++, !parse_limit_number(&s, 32, &bits)))
        return false;
    if (*s == '/' && (s++, !parse_limit_number(&s, 128, &bits6)))
        return false;
    out->max = (uint32_t)max;
    out->prefix4 = (uint8_t)bits;
    out->prefix6 = (uint8_t)bits6;
    return *s == '\0';
}

void config_limit_flows(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;
    struct ct_connlimit *limit = &c->rule.connlimit;
    const char *s = json_string_value(v);
    uint64_t max;

    c->limiter = "connlimit";
    limit->number = 1; /* there is one; its true number comes with the order */
    if (s == NULL) {
        limit->prefix4 = 32;
        limit->prefix6 = 64;
        if (config_read_uint(r, v, 0, UINT32_MAX, &max))
            limit->max = (uint32_t)max;
        else
            c->failed = true;
    } else if (!parse_connlimit(s, limit)) {
        config_read_fail(r, "%s is not a connlimit; use " CONNLIMIT_FORMS,
                         config_read_show(r, s));
        c->failed = true;
    }
}

void config_limit_check(struct config_read *r, const struct config_rule *c)
{
    if (c->limiter != NULL && c->rule.stage == CT_STAGE_NAT)
        config_read_fail_in(r, c->limiter, true,
                            "beyond the limit a flow would leave untranslated; "
                            "put %s into another rule, with a verdict",
                            c->limiter);
    else if (c->rule.connlimit.number && c->rule.stage == CT_STAGE_RAW)
        config_read_fail_in(
            r, "connlimit", true,
            "%s is decided before conntrack; use a rule without connlimit",
            c->action);
}
