/* helper.c - the action "helper": who listens to a flow
 *
 * A helper understands one protocol: what a rule lacks of that is told here, so
 * that no flow goes unheard without a word. */
#include "config/rule/helper.h"

#include "config/rule/hook.h"
#include "config/rule/rule.h"

bool config_helper_read(struct config_read *r, json_t *v, struct config_rule *c)
{
    static const char *const names[] = {
#define H(name, proto, text) #name,
        CT_HELPERS(H)
#undef H
    };
    const int i = config_read_choice(r, v, names, CONFIG_READ_N(names));

    c->rule.helper = (uint8_t)(i + 1); /* 0: none */
    return i >= 0;
}

static void check_helper_rule(struct config_read *r,
                              const struct config_rule *c)
{
    const char *name = ct_helper_name(c->rule.helper);
    const struct ct_match *m = &c->rule.match;
    const char *proto =
        ct_word_name(CT_WORDS_PROTO, ct_helper_proto(c->rule.helper));

    if (m->proto.n != 1 || m->proto.negate ||
        m->proto.of[0] != ct_helper_proto(c->rule.helper))
        config_read_fail_in(r, "helper", false,
                            "helper \"%s\" reads %s; add \"proto\": \"%s\"",
                            name, proto, proto);
    else if (c->rule.helper == CT_HELPER_pptp && r->config->workers > 1)
        config_read_fail_in(r, "helper", false,
                            "helper \"pptp\" can't be used with %u workers, "
                            "since GRE has no ports; use \"workers\": 1",
                            r->config->workers);
}

void config_helper_check(struct config_read *r)
{
    for (uint32_t i = 0; i < r->rules->n; i++) {
        const struct config_rule *c = &r->rules->v[i];
        size_t was;

        if (c->rule.action != CT_ACT_HELPER || c->failed)
            continue;
        was = config_hook_enter(r, c);
        check_helper_rule(r, c);
        config_read_leave(r, was);
    }
}
