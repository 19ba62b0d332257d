/* io.h - packets in and out: devices, other workers */
#ifndef WORKER_IO_H
#define WORKER_IO_H

#include "worker/private.h"

void worker_io_tell(struct worker *w); /* wake control, if there is a reason */
bool worker_io_setup(struct worker *w, char err[256]);
void worker_io_free(struct worker *w);
int worker_io_start(struct worker *w, struct worker_port *port);
void worker_io_handed(struct worker *w); /* packets other workers sent here */
enum ct_reason worker_io_tx(void *ctx, struct ct_pkt *pkt);
bool worker_io_steer(void *ctx, struct ct_pkt *pkt);
bool worker_io_pass(void *ctx, struct ct_pkt *pkt, uint32_t shard);

#endif
