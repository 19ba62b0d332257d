/* hook.c - where a rule stands: its hook, its place in the file */
#include "config/rule/hook.h"

static const char *const hook_names[CT_N_HOOKS] = {
    [CT_PREROUTING] = "prerouting",   [CT_INPUT] = "input",
    [CT_FORWARD] = "forward",         [CT_OUTPUT] = "output",
    [CT_POSTROUTING] = "postrouting",
};

const char *config_hook_name(unsigned hook)
{
    return hook_names[hook];
}

size_t config_hook_enter(struct config_read *r, const struct config_rule *c)
{
    size_t was = config_read_enter(r, "rules");

    config_read_enter(r, hook_names[c->rule.hook]);
    config_read_enter_at(r, c->entry);
    return was;
}
