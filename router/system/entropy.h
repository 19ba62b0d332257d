/* entropy.h - the one place where entropy is read */
#ifndef ENTROPY_H
#define ENTROPY_H

#include <stddef.h>

/* n bytes from getrandom(2).  Never returns without them: no entropy, no
 * router (it says so and exits 1). */
void entropy_fill(void *p, size_t n);

#endif
