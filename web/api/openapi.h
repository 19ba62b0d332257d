/* openapi.h - /openapi.json, made from the table of routes */
#ifndef OPENAPI_H
#define OPENAPI_H

#include "http/request.h"

request_fn openapi_get;

#endif
