/* life_config.h - configurations at random, for life.c */
#ifndef LIFE_CONFIG_H
#define LIFE_CONFIG_H

#include "base/hash.h"

#include <stdbool.h>
#include <stdint.h>

enum { LIFE_WAN_ADDRS = 2, LIFE_PROFILES = 3 };

extern const char *const life_profiles[LIFE_PROFILES];

struct life_config {
    unsigned workers;
    const char *profile;
    bool wan[LIFE_WAN_ADDRS]; /* 198.51.100.1 and .2 */
    bool lan;                 /* 10.0.1.1 */
    unsigned mtu[2];
};

/* The text, until the next call: rules and seed are chosen by rng. */
const char *life_config_text(const struct life_config *c, struct rng *rng);

#endif
