/* order.h - rules in the order in which the core asks them */
#ifndef CONFIG_ORDER_H
#define CONFIG_ORDER_H

#include "config/rule/rule.h"

/* Ids, order and start: config->rules. */
void config_order_make(struct config_read *r);

#endif
