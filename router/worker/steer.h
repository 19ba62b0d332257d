/* steer.h - what ct_owner() must know, made from the configuration
 *
 * Read-only once made, shared by all workers, swapped whole. */
#ifndef STEER_H
#define STEER_H

#include "config/config.h"

struct steer {
    struct ct_steer view;
    struct ct_ifaces ifaces;
    struct ct_steer_row *rows;
    struct ct_addr_range *external, *inside;
    uint8_t *external_family, *inside_family;
};

/* before: what was used until now, or NULL; it must last until all shards use
 * this one.  NULL: no memory. */
struct steer *worker_steer_new(const struct config *config,
                               const struct fib *fib,
                               const struct steer *before,
                               const uint8_t key[16]);
void worker_steer_free(struct steer *steer);

#endif
