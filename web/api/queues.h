/* queues.h - GET /api/v1/queues */
#ifndef QUEUES_H
#define QUEUES_H

#include "http/request.h"

enum MHD_Result api_queues_list(struct request *r);

#endif
