/* tcp_window.h - is this segment one that the two ends could have sent? */
#ifndef TCP_WINDOW_H
#define TCP_WINDOW_H

#include "proto/tcp_segment.h"
#include <ctcore/view.h>

enum tcp_fit {
    TCP_FIT_YES,    /* fits; the window has moved with it */
    TCP_FIT_IGNORE, /* old or a little too much: let it pass, believe nothing */
    TCP_FIT_INVALID, /* neither end can have meant it */
    TCP_FIT_BEGUN,   /* the same, but its sender's window has begun with it */
};

/* The first segment of a flow: a SYN, or one in the middle of a connection
 * whose beginning was not seen.  st->tcp is zeroed. */
void tcp_window_open(union ct_proto_state *st, const struct tcp_segment *seg);
void tcp_window_pickup(union ct_proto_state *st, const struct tcp_segment *seg);

/* A SYN that was let through unseen turns out to have been meant: its window
 * becomes that of its sender, and the answering side starts from nothing. */
void tcp_window_resync(union ct_proto_state *st, enum ct_dir answering);

/* => state in st->tcp.state is still the one before this segment.
 * => liberal: what does not fit is YES, yet the window stays as it is. */
enum tcp_fit tcp_window_check(union ct_proto_state *st,
                              const struct tcp_segment *seg, enum ct_dir dir,
                              bool liberal);
/* The same, but nothing moves. */
enum tcp_fit tcp_window_look(const union ct_proto_state *st,
                             const struct tcp_segment *seg, enum ct_dir dir);

#endif
