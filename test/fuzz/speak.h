/* speak.h - words that helpers listen to, and words that are nearly that */
#ifndef SPEAK_H
#define SPEAK_H

#include "gen.h"

/* If it is a packet to or from a port that has a helper, give it a payload of
 * that protocol: lengths are right then, checksums not. */
void speak(struct gen *g, struct gen_packet *p);

/* If the router has sent what announces another flow, begin that. */
bool speak_call_back(struct gen *g, const struct gen_seen *s,
                     struct gen_packet *p);

#endif
