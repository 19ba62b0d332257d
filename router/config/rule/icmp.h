/* icmp.h - what a rule asks of an ICMP message */
#ifndef CONFIG_ICMP_H
#define CONFIG_ICMP_H

#include "config/rule/rule.h"

/* A row for a table of keys; into is a struct config_rule. */
void config_icmp_type(struct config_read *r, json_t *v, void *into);

#endif
