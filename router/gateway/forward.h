/* forward.h - does the host's own firewall let through what weir
 * forwards? */
#ifndef GATEWAY_FORWARD_H
#define GATEWAY_FORWARD_H

#include "gateway/health.h"

/* false: rules changed while they were read, *f is as it was: ask again. */
bool gateway_forward_look(const struct config_gateway *want,
                          const struct config_facts *facts,
                          const uint32_t tun[], struct gateway_finding *f);

#endif
