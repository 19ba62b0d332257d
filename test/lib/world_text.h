/* world_text.h - how a trace names flows */
#ifndef WORLD_TEXT_H
#define WORLD_TEXT_H

#include <ctcore/types.h>

/* A name, or the number in the room given. */
const char *world_text_proto(uint8_t proto, char number[8]);

/* "A:P > B:P", or with the id of a query, or addresses alone. */
void world_text_tuple(char *out, size_t room, const struct ct_tuple *t);

#endif
