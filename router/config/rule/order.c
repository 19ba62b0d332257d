/* order.c - the ruleset made of the rules that were read: ids, order */
#include "config/rule/order.h"

#include "config/rule/hook.h"
#include "config/rule/rule.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_rule_hashes(const void *a, const void *b)
{
    const struct config_rule *x = *(struct config_rule *const *)a;
    const struct config_rule *y = *(struct config_rule *const *)b;

    if (x->hash != y->hash)
        return x->hash < y->hash ? -1 : 1;
    return x < y ? -1 : x > y; /* they stand in one array, as given */
}

static int compare_rule_ids(const void *a, const void *b)
{
    const struct config_rule *x = *(struct config_rule *const *)a;
    const struct config_rule *y = *(struct config_rule *const *)b;
    int c = strcmp(x->rule.id, y->rule.id);

    if (c == 0) /* a made one first, so that a given one is told */
        c = x->given_id - y->given_id;
    return c != 0 ? c : x < y ? -1 : x > y;
}

/* "HASH", then "HASH-2", "HASH-3" for the same rule again. */
static void make_ids(struct config_rule **order, uint32_t n)
{
    uint32_t equal = 0;

    for (uint32_t i = 0; i < n; i++) {
        struct ct_rule *rule = &order[i]->rule;

        equal = i > 0 && order[i]->hash == order[i - 1]->hash ? equal + 1 : 1;
        if (order[i]->given_id)
            continue;
        if (equal == 1)
            snprintf(rule->id, sizeof(rule->id), "%016llx",
                     (unsigned long long)order[i]->hash);
        else
            snprintf(rule->id, sizeof(rule->id), "%016llx-%u",
                     (unsigned long long)order[i]->hash, equal);
    }
}

static void check_ids(struct config_read *r, struct config_rule **order,
                      uint32_t n)
{
    for (uint32_t i = 1; i < n; i++) {
        const struct config_rule *c = order[i], *first = order[i - 1];
        size_t was;

        if (strcmp(c->rule.id, first->rule.id) != 0)
            continue;
        was = config_hook_enter(r, c);
        config_read_fail_in(
            r, "id", false,
            "entry %u of %s already has id \"%s\"; use another id",
            first->entry, config_hook_name(first->rule.hook), c->rule.id);
        config_read_leave(r, was);
    }
}

void config_order_make(struct config_read *r)
{
    struct config_rules *all = r->rules;
    struct ct_ruleset *set = &r->config->rules;
    struct config_rule **order =
        config_read_scratch(r, all->n + 1, sizeof(struct config_rule *));
    struct ct_rule *rules =
        config_read_alloc(r, all->n + 1, sizeof(struct ct_rule));
    uint32_t n = 0;

    r->config->rule_text = config_read_alloc(r, all->n + 1, sizeof(char *));
    for (uint32_t i = 0; i < all->n; i++)
        order[i] = &all->v[i];
    qsort(order, all->n, sizeof(struct config_rule *), compare_rule_hashes);
    make_ids(order, all->n);
    qsort(order, all->n, sizeof(struct config_rule *), compare_rule_ids);
    check_ids(r, order, all->n);
    if (r->n_errors > 0)
        return; /* a rule that was refused has no text */
    for (unsigned hook = 0; hook < CT_N_HOOKS; hook++) {
        for (unsigned stage = 0; stage < CT_N_STAGES; stage++) {
            set->start[hook][stage] = n;
            for (uint32_t i = 0; i < all->n; i++) {
                if (all->v[i].rule.hook != hook ||
                    all->v[i].rule.stage != stage)
                    continue;
                r->config->rule_text[n] = all->v[i].text;
                r->config->rule_text_len += strlen(all->v[i].text);
                rules[n++] = all->v[i].rule;
                if (rules[n - 1].connlimit.number != 0)
                    rules[n - 1].connlimit.number =
                        (uint8_t)++set->n_connlimits;
            }
        }
        set->start[hook][CT_N_STAGES] = n;
    }
    set->rules = rules;
    set->n = n;
}
