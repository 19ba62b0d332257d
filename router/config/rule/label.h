/* label.h - labels: what a rule asks of them, and sets */
#ifndef CONFIG_LABEL_H
#define CONFIG_LABEL_H

#include "config/rule/rule.h"

/* Labels: match and action. */
void config_label_match(struct config_read *r, json_t *v, void *into);
void config_label_without(struct config_read *r, json_t *v, void *into);
void config_label_set(struct config_read *r, json_t *v, void *into);

#endif
