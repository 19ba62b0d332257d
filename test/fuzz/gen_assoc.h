/* gen_assoc.h - SCTP and DCCP for the generator */
#ifndef GEN_ASSOC_H
#define GEN_ASSOC_H

#include "gen.h"

/* Write a transport part with extra bytes of payload at l4, sent from side
 * (GEN_LAN
 * ...); answers its length.  was, n: the packet that it answers; NULL: it
 * begins something. */
uint32_t gen_sctp(struct gen *g, uint8_t *l4, uint8_t side, const uint8_t *was,
                  uint32_t n, uint32_t extra);
uint32_t gen_dccp(struct gen *g, uint8_t *l4, uint8_t side, const uint8_t *was,
                  uint32_t n, uint32_t extra);

/* The right value of the checksum field of the n bytes at l4. */
uint32_t gen_sctp_crc(const uint8_t *l4, uint32_t n);

#endif
