/* check.h - do waiting datagrams, their pages and sources agree?
 *
 * See base/check.h. */
#ifndef FRAG_CHECK_H
#define FRAG_CHECK_H

#include "frag/frag.h"

const char *frag_check(const struct frag *f);

#endif
