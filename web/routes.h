/* routes.h - which call is answered by whom */
#ifndef ROUTES_H
#define ROUTES_H

#include "http/request.h"

/* The table; *n is its length. */
const struct route *routes_table(unsigned *n);

/* Answer r: check it, find its row, call the row's handler. */
enum MHD_Result routes_answer(struct request *r);

/* The row for method and path, or NULL.  allow (room for 64 bytes) then lists
 * the methods that the path knows; it is empty when the path is not known.  id
 * points behind the prefix of a path with {id}. */
const struct route *routes_find(const char *method, const char *path,
                                const char **id, char allow[64]);

#endif
