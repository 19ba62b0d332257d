/* seqadj.h - sequence numbers of a TCP flow whose payload changed its length
 *
 * Whoever lengthens a sender's bytes shifts all that it sends later: its
 * sequence numbers go up by as much, and what the other side acknowledges, by
 * ACK and SACK (RFC 2018), down again.  For each direction the last change is
 * remembered: numbers up to it are shifted as they were before, numbers above
 * it by the new sum.  Two changes in flight at once are beyond it, as they are
 * beyond the kernel's nf_ct_seqadj.
 *
 * Acknowledgements are set right before the tracker looks, sequence numbers
 * when the packet leaves: so in between, windows and helpers included, every
 * number is as the ends themselves count. */
#ifndef SEQADJ_H
#define SEQADJ_H

#include "ext.h"

#include <ctcore/pkt.h>

/* The segment with this number of dir's own grew by that many bytes. */
void seqadj_note(struct ext *x, enum ct_dir dir, uint32_t seq, uint32_t by);

/* What pkt acknowledges, in the numbers of whom it acknowledges. */
void seqadj_acks(const struct ext *x, struct ct_pkt *pkt);

/* Its sequence number, as its receiver counts. */
void seqadj_seq(const struct ext *x, struct ct_pkt *pkt);

#endif
