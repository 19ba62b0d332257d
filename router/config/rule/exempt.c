/* exempt.c - what an accept before a translation exempts from it
 *
 * Rules of a hook stand in one list, but are asked stage by stage.  So a
 * translation knows how many of the verdicts stand before it: a flow that one
 * of them accepts is not translated by it. */
#include "config/rule/exempt.h"

#include "config/rule/hook.h"
#include "config/rule/rule.h"

/* May it accept a packet of one of these states? */
static bool accepts_of(const struct config_rule *c, unsigned states)
{
    const struct ct_match *m = &c->rule.match;
    unsigned info = m->info.negate ? ~(unsigned)m->info.of : m->info.of;

    return c->rule.action == CT_ACT_ACCEPT &&
           (m->info.of == 0 || (info & states) != 0);
}

/* A flow's first packet? */
static bool can_accept_flow(const struct config_rule *c)
{
    return accepts_of(c, 1u << CT_NEW | 1u << CT_RELATED);
}

static bool has_common_packets(const struct ct_match *a,
                               const struct ct_match *b)
{
    bool in = false;

    for (uint8_t i = 0; i < CT_MAX_IFACES; i++)
        in |= ct_match_iface(&a->in, i) && ct_match_iface(&b->in, i);
    return in && (a->family == 0 || b->family == 0 || a->family == b->family);
}

static void refuse_exempt_rule(struct config_read *r,
                               const struct config_rule *c, const char *key,
                               const char *what)
{
    size_t was = config_hook_enter(r, c);

    config_read_fail_in(r, key, false, "%s", what);
    config_read_leave(r, was);
}

/* An exempt flow's packets come to the worker of the host that the dnat names,
 * its answers to another one's. */
static void check_workers(struct config_read *r, const struct config_rule *nat,
                          uint32_t first)
{
    for (const struct config_rule *c = &r->rules->v[first]; c < nat; c++)
        if ((can_accept_flow(c) || c->rule.action == CT_ACT_NO_NAT) &&
            has_common_packets(&c->rule.match, &nat->rule.match))
            refuse_exempt_rule(
                r, c, c->action,
                "answers to packets that this exempts from a later dnat "
                "reach another worker; put it behind the dnat, use another "
                "\"in\", or \"workers\": 1");
}

static void check_limits(struct config_read *r, const struct config_rule *nat,
                         uint32_t first)
{
    for (struct config_rule *c = &r->rules->v[first]; c < nat; c++)
        if (can_accept_flow(c) && c->limiter != NULL && !c->failed) {
            refuse_exempt_rule(
                r, c, c->limiter,
                "packets that this accepts skip the translations behind it, "
                "and those beyond the limit don't; put it behind them, or "
                "remove the limit");
            c->failed = true;
        }
}

void config_exempt_make(struct config_read *r)
{
    struct config_rules *all = r->rules;
    uint32_t n_filter = 0, until = 0, first = 0;

    for (uint32_t i = 0; i < all->n; i++) {
        struct config_rule *c = &all->v[i];

        if (i == 0 || c->rule.hook != all->v[i - 1].rule.hook) {
            first = i;
            n_filter = until = 0;
        }
        n_filter += c->rule.stage == CT_STAGE_FILTER;
        if (can_accept_flow(c) || accepts_of(c, 1u << CT_INVALID))
            until = n_filter;
        if (c->failed || c->rule.stage != CT_STAGE_NAT)
            continue;
        c->rule.accepts_before = until;
        check_limits(r, c, first);
        if (r->config->workers > 1 && c->rule.action == CT_ACT_DNAT)
            check_workers(r, c, first);
    }
}
