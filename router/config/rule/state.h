/* state.h - what a rule asks of conntrack */
#ifndef CONFIG_STATE_H
#define CONFIG_STATE_H

#include "config/rule/rule.h"

/* Rows for a table of keys; into is a struct config_rule. */
void config_state_ct(struct config_read *r, json_t *v, void *into);
void config_state_status(struct config_read *r, json_t *v, void *into);
void config_state_mark(struct config_read *r, json_t *v, void *into);
void config_state_zone(struct config_read *r, json_t *v, void *into);

/* VALUE or VALUE/MASK, for mark and set_mark. */
bool config_state_read_mark(struct config_read *r, json_t *v, uint32_t *mark,
                            uint32_t *mask);

#endif
