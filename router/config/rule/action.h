/* action.h - what a rule does: a key for each row of CT_KEYED_ACTIONS */
#ifndef CONFIG_ACTION_H
#define CONFIG_ACTION_H

#include "config/rule/rule.h"

/* Keys of a rule; into is a struct config_rule.  An action claims the rule; a
 * second one is an error. */
#define D(NAME, word, stage, hooks, KIND, takes, help)                         \
    void config_action_##NAME(struct config_read *r, json_t *v, void *into);
CT_KEYED_ACTIONS(D)
#undef D
void config_action_zone_orig(struct config_read *r, json_t *v, void *into);
void config_action_zone_reply(struct config_read *r, json_t *v, void *into);
void config_action_verdict(struct config_read *r, json_t *v, void *into);
/* Read behind the action. */
void config_action_reject_with(struct config_read *r, json_t *v, void *into);

/* Fills in the stage.  Is the action one of its hook, and are the keys beside
 * it those that it takes? */
void config_action_check(struct config_read *r, struct config_rule *rule);

#endif
