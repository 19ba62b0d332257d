/* rules.h - /api/v1/rules: each as it was configured, and what it counted */
#ifndef RULES_H
#define RULES_H

#include "http/request.h"

request_fn api_rules_list;

#endif
