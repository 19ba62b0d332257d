/* spoil.h - make a good packet bad, or its checksums right again */
#ifndef SPOIL_H
#define SPOIL_H

#include "gen.h"

/* One or two faults; half of the time checksums are made right after. */
void spoil(struct gen *g, struct gen_packet *p);

/* IP header and transport checksum as they should be, where there are any. */
void spoil_fix(uint8_t *p, uint32_t len);

/* The transport field as the kernel leaves it for a device that sums. */
void spoil_partial_sum(uint8_t *p, uint32_t len);

#endif
