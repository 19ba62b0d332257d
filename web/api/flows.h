/* flows.h - /api/v1/flows: list, one, delete */
#ifndef FLOWS_H
#define FLOWS_H

#include "http/request.h"

request_fn flows_list, flows_get, flows_delete, flows_delete_one;

#endif
