/* twin_ports.h - which outside port of the twin stands for which of the world's
 *
 * Learnt when a flow begins; then packets and tuples of the one are turned into
 * the other's.  An end that no flow was hidden behind stands for itself. */
#ifndef TWIN_PORTS_H
#define TWIN_PORTS_H

#include <ctcore/types.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct twin_ports;

/* host: the outside addresses are a host's, too, whose ports stay as they are.
 */
struct twin_ports *twin_ports_new(bool host);
void twin_ports_free(struct twin_ports *p);

/* The first packet of a flow left: as the world sent it, and as the twin did.
 */
void twin_ports_learn(struct twin_ports *p, const uint8_t *ref,
                      uint32_t ref_len, const uint8_t *own, uint32_t own_len);

/* One that came from outside began a flow: as it was said to each. */
void twin_ports_learn_said(struct twin_ports *p, const uint8_t *ref,
                           const uint8_t *own, uint32_t len);
/* A port was announced for flows to come. */
void twin_ports_announce(struct twin_ports *p, const struct ct_tuple *ref,
                         const struct ct_tuple *own);

/* The world's ports in a packet to the twin's, or back; in its quotation, too.
 * partial: its sum is not corrected. */
void twin_ports_turn(const struct twin_ports *p, uint8_t *d, uint32_t len,
                     bool to_twin, bool partial);
/* The twin's ports of a tuple to the world's. */
void twin_ports_turn_tuple(const struct twin_ports *p, struct ct_tuple *t);

/* Sums follow from the rest, and identifications are each shard's own; numbers
 * in FTP's lines are ports. */
void twin_ports_blank(uint8_t *d, uint32_t len);

#endif
