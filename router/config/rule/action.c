/* action.c - what a rule does
 *
 * A row of CT_ACTIONS says at which hooks an action may stand, what its key is
 * given, and which keys may stand beside it.  What a kind is given is read
 * here, or where the READ_ line of the kind points. */
#include "config/rule/action.h"

#include "config/queues.h"
#include "config/rule/alter.h"
#include "config/rule/helper.h"
#include "config/rule/hook.h"
#include "config/rule/kind.h"
#include "config/rule/nat.h"
#include "config/rule/timeouts.h"

#include <stdio.h>
#include <string.h>

/* ---- kinds ---- */

static bool read_true(struct config_read *r, json_t *v, struct config_rule *c)
{
    (void)c;
    return config_kind_true(r, v);
}

static bool read_labels(struct config_read *r, json_t *v, struct config_rule *c)
{
    return config_kind_labels(r, v, c->rule.labels);
}

static bool read_action_mark(struct config_read *r, json_t *v,
                             struct config_rule *c)
{
    struct ct_mark mark = {0, 0};
    bool ok = config_kind_one_mark(r, v, &mark);

    c->rule.mark = mark.value;
    c->rule.mark_mask = mark.mask;
    return ok;
}

static bool read_zone_of(struct config_read *r, json_t *v,
                         struct config_rule *c, unsigned dirs)
{
    uint64_t zone;

    if (!config_read_uint(r, v, 0, UINT16_MAX, &zone))
        return false;
    c->rule.zone = (uint16_t)zone;
    c->rule.zone_dirs = (uint8_t)dirs;
    return true;
}

static bool read_zone(struct config_read *r, json_t *v, struct config_rule *c)
{
    return read_zone_of(r, v, c, 1u << CT_DIR_ORIGINAL | 1u << CT_DIR_REPLY);
}

#define READ_TRUE       read_true
#define READ_ZONE       read_zone
#define READ_HELPER     config_helper_read
#define READ_LABELS     read_labels
#define READ_MARK       read_action_mark
#define READ_TIMEOUTS   config_timeouts_read
#define READ_MSS        config_alter_mss
#define READ_TTL        config_alter_ttl
#define READ_DSCP       config_alter_dscp
#define READ_TARGET     config_nat_target
#define READ_MASQUERADE config_nat_masquerade
#define READ_REDIRECT   config_nat_redirect
#define READ_NETMAP     config_nat_netmap
#define READ_NO_NAT     config_nat_none

/* ---- a key for each row ---- */

static bool claim_rule(struct config_read *r, struct config_rule *c,
                       const char *key, enum ct_action_kind action)
{
    if (c->action != NULL) {
        config_read_fail(
            r, "a second action besides \"%s\"; use one action per rule",
            c->action);
        c->failed = true;
        return false;
    }
    c->action = key;
    c->rule.action = (uint8_t)action;
    return true;
}

#define D(NAME, word, stage, hooks, KIND, takes, help)                         \
    void config_action_##NAME(struct config_read *r, json_t *v, void *into)    \
    {                                                                          \
        struct config_rule *c = into;                                          \
                                                                               \
        if (claim_rule(r, c, word, CT_ACT_##NAME))                             \
            c->failed |= !READ_##KIND(r, v, c);                                \
    }
CT_KEYED_ACTIONS(D)
#undef D

void config_action_zone_orig(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;

    if (claim_rule(r, c, "set_zone_orig", CT_ACT_ZONE))
        c->failed |= !read_zone_of(r, v, c, 1u << CT_DIR_ORIGINAL);
}

void config_action_zone_reply(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;

    if (claim_rule(r, c, "set_zone_reply", CT_ACT_ZONE))
        c->failed |= !read_zone_of(r, v, c, 1u << CT_DIR_REPLY);
}

enum { NONE, QUEUE, WORD };

static const struct {
    const char *word;
    uint8_t action;
    uint8_t kind;
} verdicts[] = {
#define D(NAME, word, stage, hooks, KIND, takes, help)                         \
    {word, CT_ACT_##NAME, KIND},
    CT_VERDICTS(D)
#undef D
        {"notrack", CT_ACT_NOTRACK, WORD},
};

void config_action_verdict(struct config_read *r, json_t *v, void *into)
{
    const char *names[CONFIG_READ_N(verdicts)];
    uint8_t actions[CONFIG_READ_N(verdicts)];
    struct config_rule *c = into;
    const char *s = json_string_value(v);
    size_t n = 0;
    int i;

    if (s != NULL && strncmp(s, "queue", 5) == 0) {
        i = config_queues_verdict(r, s);
        c->failed |= i < 0;
        if (i >= 0 && claim_rule(r, c, "verdict", CT_ACT_QUEUE))
            c->rule.queue = (uint16_t)i;
        return;
    }
    for (size_t k = 0; k < CONFIG_READ_N(verdicts); k++)
        if (verdicts[k].kind != NONE) { /* a queue's was read above */
            actions[n] = verdicts[k].action;
            names[n++] =
                verdicts[k].kind == QUEUE ? "queue N" : verdicts[k].word;
        }
    i = config_read_choice(r, v, names, n);
    c->failed |= i < 0;
    if (i >= 0)
        claim_rule(r, c, "verdict", actions[i]);
}

/* ---- what may stand beside it ---- */

enum takes { NOTHING, REJECT_WITH, PORTS };

static const uint8_t takes_of[CT_N_ACTIONS] = {
#define D(NAME, word, stage, hooks, KIND, takes, help) takes,
    CT_ACTIONS(D)
#undef D
};

void config_action_reject_with(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;
    const struct ct_word *word;

    if (takes_of[c->rule.action] != REJECT_WITH) {
        config_read_fail(
            r, "\"reject_with\" is for rejects; add \"verdict\": \"reject\"");
        c->failed = true;
        return;
    }
    word = config_read_word(r, v, CT_WORDS_REJECT);
    c->failed |= word == NULL;
    if (word != NULL)
        c->rule.reject = (uint8_t)word->number;
}

typedef const char *name_fn(unsigned i);

/* "a, b or c": the names of a mask. */
static const char *format_mask_names(uint32_t mask, name_fn *name,
                                     char text[128])
{
    size_t at = 0;

    for (unsigned i = 0; i < 32 && at < 128; i++) {
        if ((mask >> i & 1) == 0)
            continue;
        mask &= ~(1u << i);
        at += (size_t)snprintf(text + at, 128 - at, "%s%s",
                               at == 0     ? ""
                               : mask == 0 ? " or "
                                           : ", ",
                               name(i));
    }
    return text;
}

static const char *name_of_action(unsigned action)
{
    return ct_action_info(action)->name;
}

static void check_action_hook(struct config_read *r, struct config_rule *c)
{
    const struct ct_action_info *action = ct_action_info(c->rule.action);
    bool verdict;
    char where[128];

    if (action->hooks >> c->rule.hook & 1)
        return;
    verdict = strcmp(c->action, "verdict") == 0;
    config_read_fail_in(
        r, c->action, true, "\"%s\" is not allowed in hook %s; use %s",
        verdict ? action->name : c->action, config_hook_name(c->rule.hook),
        format_mask_names(action->hooks, config_hook_name, where));
    c->failed = true;
}

static void check_nat_modifier(struct config_read *r, struct config_rule *c)
{
    uint32_t taking = 0;
    char which[128];

    if (c->modifier == NULL || takes_of[c->rule.action] == PORTS)
        return;
    for (unsigned i = 0; i < CT_N_ACTIONS; i++)
        taking |= takes_of[i] == PORTS ? 1u << i : 0;
    if (c->rule.stage == CT_STAGE_NAT)
        config_read_fail_in(
            r, c->modifier, true,
            "\"%s\" can't be combined with %s; remove one of them", c->modifier,
            c->action);
    else
        config_read_fail_in(r, c->modifier, true,
                            "\"%s\" needs a translation; add %s", c->modifier,
                            format_mask_names(taking, name_of_action, which));
}

void config_action_check(struct config_read *r, struct config_rule *c)
{
    c->rule.stage = ct_action_info(c->rule.action)->stage;
    check_action_hook(r, c);
    if (!c->failed)
        check_nat_modifier(r, c);
}
