/* tables.h - may this batch be sent to nf_tables? */
#ifndef ORDER_TABLES_H
#define ORDER_TABLES_H

#include "order/devices.h"

#include <stddef.h>

bool order_tables_may(const struct order_limits *limits,
                      const struct order_devices *devices, const void *batch,
                      size_t len);

#endif
