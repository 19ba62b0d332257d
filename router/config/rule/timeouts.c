/* timeouts.c - the action "timeouts", and what lies outside of an entry
 *
 * The keys are those of conntrack.timeouts.  Flows with durations of their own,
 * with labels or with a helper cost an extension record each: without any such
 * record a rule would do nothing, so it is refused. */
#include "config/rule/timeouts.h"

#include "config/conntrack.h"
#include "config/rule/hook.h"
#include "config/rule/rule.h"

bool config_timeouts_read(struct config_read *r, json_t *v,
                          struct config_rule *c)
{
    size_t errors = r->n_errors;
    uint32_t *s;

    s = config_read_alloc(r, CT_N_TIMEOUTS, sizeof *s);
    config_conntrack_durations(r, v, s);
    if (json_is_object(v) && json_object_size(v) == 0)
        config_read_fail(
            r, "no duration; use at least one, as in { \"udp\": 10 }");
    c->rule.timeouts = s;
    return r->n_errors == errors;
}

/* A duration that no protocol of its rule has would never be used. */
void config_timeouts_check(struct config_read *r, const struct config_rule *c)
{
    const struct ct_match *m = &c->rule.match;
    size_t was;

    if (c->rule.action != CT_ACT_TIMEOUTS || m->proto.n == 0 || m->proto.negate)
        return;
    was = config_read_enter(r, "timeouts");
    for (unsigned i = 0; i < CT_N_TIMEOUTS; i++) {
        bool known = c->rule.timeouts[i] == 0;

        for (unsigned k = 0; k < m->proto.n; k++)
            known |= ct_timeout_is_of(i, m->proto.of[k]);
        if (!known)
            config_read_fail_in(r, ct_param_info(i)->name, true,
                                "flows of this rule's \"proto\" don't have "
                                "this duration; use one of that protocol");
    }
    config_read_leave(r, was);
}

void config_timeouts_finish(struct config_read *r)
{
    static const struct {
        uint8_t action;
        const char *key, *what;
    } needs[] = {
        {CT_ACT_HELPER, "helper", "a helper, or announced ones,"},
        {CT_ACT_LABEL, "set_label", "labels"},
        {CT_ACT_TIMEOUTS, "timeouts", "durations of their own"},
    };

    if (r->config->core.params.v[CT_PARAM_extensions] != 0)
        return;
    for (uint32_t i = 0; i < r->rules->n; i++) {
        const struct config_rule *c = &r->rules->v[i];

        for (unsigned k = 0; k < CONFIG_READ_N(needs); k++) {
            size_t was;

            if (c->failed || c->rule.action != needs[k].action)
                continue;
            was = config_hook_enter(r, c);
            config_read_fail_in(
                r, needs[k].key, false,
                "%s needs extension records; set \"conntrack\": { "
                "\"extensions\": N }, for N flows of each worker",
                needs[k].what);
            config_read_leave(r, was);
        }
    }
}
