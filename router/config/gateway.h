/* gateway.h - gateway mode: what stands in place of interfaces */
#ifndef CONFIG_GATEWAY_H
#define CONFIG_GATEWAY_H

#include "config/rule/rule.h"

/* The key "gateway": makes the interfaces lan, wan and further ones, of
 * r->facts if they are known. */
void config_gateway_read(struct config_read *r, json_t *v, void *into);

/* Of "gateway" and "interfaces" one must be there, and one alone. */
void config_gateway_check(struct config_read *r);

/* Once a rule is read: a dnat or redirect from outside without dst is about
 * what is sent to the gateway, not about all that passes. */
void config_gateway_aim(struct config_read *r, struct config_rule *rule);

#endif
