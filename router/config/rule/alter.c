/* alter.c - actions that rewrite a field of the header */
#include "config/rule/alter.h"

#include "config/rule/kind.h"

#include <stdlib.h>
#include <string.h>

/* RFC 9293 s3.7.1: what a host may always be sent over IPv4, less 40. */
enum { MIN_MSS = 88, MAX_MSS = 65495 };

bool config_alter_mss(struct config_read *r, json_t *v, struct config_rule *c)
{
    const char *s = json_string_value(v);
    uint64_t mss = 0;

    if (s != NULL && strcmp(s, "pmtu") != 0) {
        config_read_fail(
            r,
            "%s is not a segment size; use \"pmtu\" or a number from %d to %d",
            config_read_show(r, s), MIN_MSS, MAX_MSS);
        return false;
    }
    if (s == NULL && !config_read_uint(r, v, MIN_MSS, MAX_MSS, &mss))
        return false;
    c->rule.mss = (uint16_t)mss;
    c->rule.match.syn = true;
    return true;
}

bool config_alter_ttl(struct config_read *r, json_t *v, struct config_rule *c)
{
    const char *s = json_string_value(v);
    uint64_t by = 0;
    char *end;

    if (s == NULL) {
        c->rule.ttl_how = CT_TTL_SET;
        if (!config_read_uint(r, v, 1, 255, &by))
            return false;
    } else {
        c->rule.ttl_how = s[0] == '+' ? CT_TTL_UP : CT_TTL_DOWN;
        if ((s[0] == '+' || s[0] == '-') && s[1] >= '0' && s[1] <= '9' &&
            strlen(s) <= 4) {
            by = strtoul(s + 1, &end, 10);
            by = *end == '\0' ? by : 0;
        }
        if (by < 1 || by > 255) {
            config_read_fail(r,
                             "%s is not a TTL; use 1 to 255, \"+N\" or \"-N\"",
                             config_read_show(r, s));
            return false;
        }
    }
    c->rule.ttl = (uint8_t)by;
    return true;
}

bool config_alter_dscp(struct config_read *r, json_t *v, struct config_rule *c)
{
    const char *s = json_string_value(v);
    const struct ct_word *word;
    char known[CONFIG_KIND_WORDS];
    uint64_t dscp = 0;

    if (s == NULL) {
        if (!config_read_uint(r, v, 0, 63, &dscp))
            return false;
    } else if ((word = ct_word_find(CT_WORDS_DSCP, s))) {
        dscp = word->number;
    } else {
        config_read_fail(r, "%s is not a DSCP; use 0 to 63, or one of %s",
                         config_read_show(r, s),
                         config_kind_words(CT_WORDS_DSCP, known));
        return false;
    }
    c->rule.dscp = (uint8_t)dscp;
    return true;
}

void config_alter_check(struct config_read *r, struct config_rule *c)
{
    struct ct_match *m = &c->rule.match;

    if (c->rule.action != CT_ACT_MSS)
        return;
    if (m->proto.n == 0)
        m->proto.of[m->proto.n++] = CT_PROTO_TCP;
    if (m->proto.n != 1 || m->proto.of[0] != CT_PROTO_TCP || m->proto.negate)
        config_read_fail_in(
            r, "proto", false,
            "\"mss\" is for TCP; use \"proto\": \"tcp\", or no proto");
    if (c->rule.mss == 0 && c->rule.hook == CT_PREROUTING)
        config_read_fail_in(r, "mss", false,
                            "\"pmtu\" is not allowed in this hook, before "
                            "routing; use forward, output or postrouting");
}
