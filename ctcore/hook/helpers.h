/* helpers.h - the helpers' row of the hook table, and their registry
 *
 * To add a helper: write its file, declare it in helper.h, name it in
 * helpers.def and enter its row. */
#ifndef HELPERS_H
#define HELPERS_H

#include "core/core.h"

/* INPUT and POSTROUTING, 300: behind all NAT, before confirm. */
enum ct_verdict helpers_row(void *ctx, struct ct *ct, struct ct_pkt *pkt);

#endif
