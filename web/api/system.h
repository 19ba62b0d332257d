/* system.h - health and the page's own files */
#ifndef SYSTEM_H
#define SYSTEM_H

#include "http/request.h"

request_fn system_livez, system_readyz;

#endif
