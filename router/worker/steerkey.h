/* steerkey.h - the key that says which worker has which host, kept over
 * restarts
 *
 * After a restart connections go on by being picked up in the middle, and each
 * packet's owner and outside port must be what they were: both follow from this
 * key and the number of workers. */
#ifndef STEERKEY_H
#define STEERKEY_H

#include <stdbool.h>
#include <stdint.h>

enum { STEERKEY_BYTES = 16, STEERKEY_ROOM = 512 };

/* Read it from the folder of the API's socket, or make it there, mode 0600.
 * Fills key in any case.  False: err says why the next start will have another
 * one. */
bool steerkey_get(const char *socket, uint8_t key[STEERKEY_BYTES],
                  char err[STEERKEY_ROOM]);

#endif
