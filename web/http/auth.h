/* auth.h - who may ask what
 *
 * Unix socket: the peer's credentials decided at accept.  TCP with a token: it
 * must be shown for all but the health checks and the page's own files, and
 * the Host may be any name.  TCP without one: reading only, and the Host must
 * be ours (a page of another site could read by DNS rebinding). */
#ifndef AUTH_H
#define AUTH_H

#include "http/request.h"

/* True: go on.  False: *result is the refusal's, already answered. */
bool auth_allows(struct request *r, enum scope scope, enum MHD_Result *result);

/* Is this the text of a Host header that means us?  configured: the address
 * listened on, which is a loopback one where there is no token. */
bool auth_host(const char *host, const char *configured);

/* Is given equal to token?  Takes the same time whatever differs. */
bool auth_token(const char *given, const char *token);

#endif
