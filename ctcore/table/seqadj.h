/* seqadj.h - sequence numbers of a TCP flow whose payload changed its length
 *
 * A change of length shifts all that the sender sends later: its
 * sequence numbers go up by as much, and what the other side acknowledges, by
 * ACK and SACK (RFC 2018), down again.  For each direction the last change is
 * remembered: numbers up to it are shifted as they were before, numbers above
 * it by the new sum.  Two changes in flight at once are beyond it, as they are
 * beyond the kernel's nf_ct_seqadj: a segment sent again from before the second
 * would be shifted by the first.
 *
 * So it is with helpers, whose lines are few.  A user program may change any
 * byte of a stream, at any time, and none must go astray: such a flow is kept
 * in order (EXT_ORDER).  What would leave before its predecessors does not, and
 * a change waits until the one before has arrived, which then is everywhere
 * behind; the sender sends again what did not pass.
 *
 * Acknowledgements are set right before the tracker looks, sequence numbers
 * when the packet leaves: so in between, windows and helpers included, every
 * number is as the ends themselves count. */
#ifndef SEQADJ_H
#define SEQADJ_H

#include "table/ext.h"

#include <ctcore/ct.h>

/* The segment with this number of dir's own grew by that many bytes. */
void seqadj_note(struct ext *x, enum ct_dir dir, uint32_t seq, uint32_t by);

/* From now on dir's bytes leave in order; next is the first that has not left,
 * as its sender counts. */
void seqadj_order(struct ext *x, enum ct_dir dir, uint32_t next);

/* As seqadj_note(), anywhere in the segment with this number, of a flow in
 * order.  False: not yet, or not so, for some of that has left.
 * Amid a change no number stands for another: nothing there is acknowledged
 * before all of it is. */
bool seqadj_change(struct ext *x, enum ct_dir dir, uint32_t seq,
                   const struct ct_resize *to);

/* The number behind pkt's last. */
uint32_t seqadj_next(const struct ct_pkt *pkt);

/* What pkt acknowledges, in the numbers of whom it acknowledges. */
void seqadj_acks(const struct ext *x, struct ct_pkt *pkt);

/* Its sequence number, as its receiver counts. */
void seqadj_seq(const struct ext *x, struct ct_pkt *pkt);

/* An error quotes a segment of dir as its receiver was to have it: turn its
 * numbers back to those its sender knows (RFC 5508 REQ-4 a), and its checksum
 * with them, as far as they are among the len bytes at l4.  SACK blocks stay:
 * no sender reads them.
 * => answers what that changed in the sum of these bytes. */
uint32_t seqadj_quoted(const struct ext *x, enum ct_dir dir, uint8_t *l4,
                       uint32_t len);

/* Before that, in a flow in order: pkt leaves.  What it acknowledges has
 * arrived.  False: it must not: its predecessors have not, or it begins amid a
 * change.
 * => between conn_write_begin() and conn_write_end(). */
bool seqadj_leave(struct ext *x, const struct ct_pkt *pkt);

#endif
