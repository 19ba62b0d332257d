/* hook.h - where a rule stands: its hook, its place in the file */
#ifndef CONFIG_HOOK_H
#define CONFIG_HOOK_H

#include "config/rule/rule.h"

const char *config_hook_name(unsigned hook); /* below CT_N_HOOKS */

/* Enter /rules/HOOK/ENTRY; leave with what it answers. */
size_t config_hook_enter(struct config_read *r, const struct config_rule *c);

#endif
