/* label.h - labels that a rule sets */
#ifndef CONFIG_LABEL_H
#define CONFIG_LABEL_H

#include "config/rule/rule.h"

/* A row for a table of keys; into is a struct config_rule. */
void config_label_set(struct config_read *r, json_t *v, void *into);

#endif
