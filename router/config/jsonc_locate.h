/* jsonc_locate.h - where values of a text stand
 *
 * When something is wrong with a value, its text is walked once more. */
#ifndef JSONC_LOCATE_H
#define JSONC_LOCATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jsonc_place {
    const char *pointer;   /* RFC 6901 */
    bool key;              /* where its key stands, not its value */
    uint32_t line, column; /* written; left alone if there is none */
    uint64_t hash;         /* scratch */
};

/* Find all places in one walk.  clean must have come out of jsonc_clean();
 * order is scratch of n entries. */
void jsonc_locate(const char *text, const char *clean, size_t len,
                  struct jsonc_place *places, struct jsonc_place **order,
                  size_t n);

#endif
