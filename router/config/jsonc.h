/* jsonc.h - JSON as people write it: comments, trailing commas, positions
 *
 * jansson reads strict JSON and keeps no positions.  So the text is checked
 * and blanked here first, byte for byte in place. */
#ifndef JSONC_H
#define JSONC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSONC_MAX_BYTES  (16u << 20)
#define JSONC_MAX_DEPTH  64u
#define JSONC_MAX_VALUES 1000000u /* a bound on what the tree may cost */

struct jsonc_error {
    uint32_t line, column; /* from 1; a column is a character, not a byte */
    char pointer[256];     /* of the innermost value begun; may be cut */
    char text[160];
};

/* Check the syntax of text and write it to clean (len bytes) with comments
 * and trailing commas as blanks.  Strict JSON comes out, or false with the
 * first error.  Everything is refused here that jansson would refuse, except
 * keys given twice. */
bool jsonc_clean(const char *text, size_t len, char *clean,
                 struct jsonc_error *error);

/* Line and column of the byte at offset. */
void jsonc_position(const char *text, size_t offset, uint32_t *line,
                    uint32_t *column);

#endif
