/* state.c - what conntrack thinks of a packet, its mark, its zone */
#include "config/rule/state.h"

#include "config/rule/match.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static bool one_state(struct config_read *r, const json_t *v, const char *s,
                      struct ct_match *m)
{
    const struct ct_word *word =
        s == NULL ? NULL : ct_word_find(CT_WORDS_INFO, s);
    char known[256];

    if (word == NULL) {
        config_read_fail(r, "%s is no state; expected one of %s",
                         config_read_kind(r, v),
                         config_match_words(CT_WORDS_INFO, known));
        return false;
    }
    m->info = (uint8_t)(m->info | 1u << word->number);
    return true;
}

void config_state_ct(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;
    struct ct_match *m = &c->rule.match;
    bool negate = false;

    c->failed |= !config_match_list(r, v, one_state, m, &negate);
    m->info_negate = negate;
}

static bool one_status(struct config_read *r, const json_t *v, const char *s,
                       struct ct_match *m)
{
    const struct ct_word *word =
        s == NULL ? NULL : ct_word_find(CT_WORDS_RULE_STATUS, s);
    char known[256];

    if (word == NULL) {
        config_read_fail(r, "%s is no status; expected one of %s",
                         config_read_kind(r, v),
                         config_match_words(CT_WORDS_RULE_STATUS, known));
        return false;
    }
    m->status = (uint16_t)(m->status | word->number);
    return true;
}

void config_state_status(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;
    struct ct_match *m = &c->rule.match;

    c->failed |= !config_match_list(r, v, one_status, m, &m->status_negate);
}

static bool number32(const char *s, const char *end, uint32_t *out)
{
    char text[16], *stop;
    size_t n = (size_t)(end - s);

    if (n == 0 || n >= sizeof(text) || *s < '0' || *s > '9')
        return false;
    memcpy(text, s, n);
    text[n] = '\0';
    errno = 0;
    unsigned long long v = strtoull(
        text, &stop, text[0] == '0' && (text[1] | 0x20) == 'x' ? 16 : 10);

    *out = (uint32_t)v;
    return *stop == '\0' && errno == 0 && v <= UINT32_MAX;
}

/* s: the text of v, a ! aside; NULL: a number. */
static bool read_mark(struct config_read *r, const json_t *v, const char *s,
                      uint32_t *mark, uint32_t *mask)
{
    const char *slash;
    uint64_t number;
    bool ok;

    *mask = UINT32_MAX;
    if (s == NULL) {
        ok = config_read_uint(r, v, 0, UINT32_MAX, &number);
        *mark = ok ? (uint32_t)number : 0;
        return ok;
    }
    slash = strchr(s, '/');
    ok = number32(s, slash != NULL ? slash : s + strlen(s), mark) &&
         (slash == NULL || number32(slash + 1, slash + strlen(slash), mask));
    if (!ok || *mask == 0 || (*mark & ~*mask) != 0) {
        config_read_fail(r,
                         "%s is no mark; expected a number of 32 bits, or "
                         "\"VALUE/MASK\" with no bit outside a mask that "
                         "is not 0",
                         config_read_show(r, s));
        return false;
    }
    return true;
}

bool config_state_read_mark(struct config_read *r, json_t *v, uint32_t *mark,
                            uint32_t *mask)
{
    return read_mark(r, v, json_string_value(v), mark, mask);
}

static bool one_mark(struct config_read *r, const json_t *v, const char *s,
                     struct ct_match *m)
{
    struct ct_mark *marks;

    if (m->mark_mask == 0)
        return read_mark(r, v, s, &m->mark, &m->mark_mask);
    if (m->n_marks == 255) {
        config_read_fail(r, "a 257th mark; expected at most 256 a rule");
        return false;
    }
    marks = config_read_alloc(r, m->n_marks + 1u, sizeof(*marks));
    if (m->n_marks > 0)
        memcpy(marks, m->marks, m->n_marks * sizeof(*marks));
    m->marks = marks;
    return read_mark(r, v, s, &marks[m->n_marks].value,
                     &marks[m->n_marks].mask) &&
           ++m->n_marks;
}

void config_state_mark(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;
    struct ct_match *m = &c->rule.match;

    c->failed |= !config_match_list(r, v, one_mark, m, &m->mark_negate);
}

void config_state_zone(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;
    struct ct_match *m = &c->rule.match;
    const char *s = json_string_value(v);
    uint64_t zone = 0;
    uint32_t number;

    if (s == NULL) {
        c->failed |= !config_read_uint(r, v, 0, UINT16_MAX, &zone);
    } else if (s[0] == '!' && number32(s + 1, s + strlen(s), &number) &&
               number <= UINT16_MAX) {
        m->zone_negate = true;
        zone = number;
    } else {
        config_read_fail(r,
                         "%s is no zone; expected a number from 0 to 65535, "
                         "or \"!N\" for all but one",
                         config_read_show(r, s));
        c->failed = true;
    }
    m->has_zone = true;
    m->zone = (uint16_t)zone;
}
