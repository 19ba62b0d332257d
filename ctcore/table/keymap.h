/* keymap.h - the call ids of GRE version 1 that someone has overheard
 *
 * A packet of PPTP's GRE bears the id that its receiver chose, and nothing of
 * its sender's (RFC 2637 s4.1).  The helper that reads the control connection
 * knows both: then a packet's tuple gets its source key here, and the two
 * directions meet in one flow. */
#ifndef KEYMAP_H
#define KEYMAP_H

#include "base/pool.h"
#include "base/work.h"

#include <ctcore/types.h>

struct keymap_entry {
    struct ct_tuple tuple; /* as packets of one direction stand on arrival */
    uint32_t next;
};

struct keymap {
    struct pool pool; /* struct keymap_entry */
    uint32_t *heads;
    uint32_t n_heads; /* a power of two */
    const uint64_t *key;
    struct work *work;
};

/* n: entries, two a call; 0: none, ever. */
void keymap_init(struct keymap *k, struct block *b, uint32_t n);
void keymap_start(struct keymap *k, const uint64_t *key, struct work *work);

/* Remember it.  CT_NONE: no room, or these packets have a source key already
 * that is another. */
uint32_t keymap_add(struct keymap *k, const struct ct_tuple *t);
void keymap_remove(struct keymap *k, uint32_t i);

/* Put in the source key.  False: no such call is known. */
bool keymap_find(const struct keymap *k, struct ct_tuple *t);

static inline struct keymap_entry *keymap_at(const struct keymap *k, uint32_t i)
{
    return (struct keymap_entry *)(void *)k->pool.items + i;
}

#endif
