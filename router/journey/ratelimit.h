/* ratelimit.h - how often the router may answer one address
 *
 * Token buckets, one for each of 256 hash values of the address under a secret
 * key, so that a stranger can neither use up another's tokens on purpose nor
 * learn from his own who else was answered (SAD DNS, CVE-2020-25705).
 *
 * And one for all receivers of a side together (RFC 1812 section 4.3.2.8, RFC
 * 4443 section 2.4 f): who forges sources asks for one error each.  What is
 * left of it is blurred by chance, as in the kernel (icmp_global_allow());
 * strangers outside don't use up what is for the inside. */
#ifndef RATELIMIT_H
#define RATELIMIT_H

#include <ctcore/types.h>

enum { RATELIMIT_BUCKETS = 256, RATELIMIT_BURST = 10, RATELIMIT_TOTAL = 50 };
enum ratelimit_side { RATELIMIT_INSIDE, RATELIMIT_OUTSIDE, RATELIMIT_SIDES };

struct ratelimit {
    uint64_t key[2];
    uint64_t chance; /* state of the jitter's generator */
    struct {
        uint64_t next_ms; /* when the next token falls due */
        uint32_t tokens;
    } bucket[RATELIMIT_BUCKETS];
    uint32_t parts; /* routers that share the total: workers */
    struct ratelimit_total {
        uint64_t at_ms; /* up to when it is filled */
        uint32_t tokens;
    } total[RATELIMIT_SIDES];
};

/* One of `parts` that are one router to its neighbours. */
void ratelimit_setup(struct ratelimit *limit, uint64_t seed, uint32_t parts);

/* Take a token of addr's bucket.  False: there is none.
 * A burst of 10, then about 10 a second. */
bool ratelimit_take(struct ratelimit *limit, const union ct_addr *addr,
                    ct_time now);

/* The same of all addresses of that side together: a burst of 50, then about a
 * thousand a second, over all parts (the kernel's icmp_msgs_burst and
 * icmp_msgs_per_sec).  Asked before an address's own bucket, taken behind it:
 * who finds that one empty must neither use up the total nor learn of it (Linux
 * 6.12, CVE-2024-47678). */
bool ratelimit_total_left(struct ratelimit *limit, enum ratelimit_side side,
                          ct_time now);
void ratelimit_total_use(struct ratelimit *limit, enum ratelimit_side side);

#endif
