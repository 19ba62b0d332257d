/* ratelimit.h - how often the router may answer one address
 *
 * Token buckets, one for each of 256 hash values of the address under a secret
 * key, so that a stranger can neither use up another's tokens on purpose nor
 * learn from his own who else was answered (SAD DNS, CVE-2020-25705). */
#ifndef RATELIMIT_H
#define RATELIMIT_H

#include <ctcore/types.h>

enum { RATELIMIT_BUCKETS = 256, RATELIMIT_BURST = 10 };

struct ratelimit {
    uint64_t key[2];
    uint64_t chance; /* state of the jitter's generator */
    struct {
        uint64_t next_ms; /* when the next token falls due */
        uint32_t tokens;
    } bucket[RATELIMIT_BUCKETS];
};

void ratelimit_setup(struct ratelimit *limit, uint64_t seed);

/* Take a token of addr's bucket.  False: there is none.
 * A burst of 10, then about 10 a second. */
bool ratelimit_take(struct ratelimit *limit, const union ct_addr *addr,
                    ct_time now);

#endif
