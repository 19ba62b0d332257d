/* hook.c - where a rule stands: its hook, its place in the file */
#include "config/rule/hook.h"

const char *config_hook_name(unsigned hook)
{
    return ct_word_name(CT_WORDS_HOOK, hook);
}

size_t config_hook_enter(struct config_read *r, const struct config_rule *c)
{
    size_t was = config_read_enter(r, "rules");

    config_read_enter(r, config_hook_name(c->rule.hook));
    config_read_enter_at(r, c->entry);
    return was;
}
