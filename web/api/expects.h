/* expects.h - /api/v1/expectations: flows that others have announced */
#ifndef EXPECTS_H
#define EXPECTS_H

#include "http/request.h"

request_fn expects_list;

#endif
