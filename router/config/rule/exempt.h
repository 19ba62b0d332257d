/* exempt.h - packets that no translation is asked for */
#ifndef CONFIG_EXEMPT_H
#define CONFIG_EXEMPT_H

#include "config/rule/rule.h"

/* What accepts before translations exempt; before the order is made. */
void config_exempt_make(struct config_read *r);

#endif
