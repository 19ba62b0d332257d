/* life_config.c - see life_config.h */
#include "life_config.h"

#include <stdio.h>

const char *const life_profiles[LIFE_PROFILES] = {"linux", "weir", "rfc"};

static const char *const forwards[] = {
    "",
    "{\"in\":\"wan\",\"proto\":\"udp\",\"dport\":\"20000-65000\",\"dnat\":"
    "\"10.0.1.90\"}",
    "{\"in\":\"wan\",\"proto\":\"tcp\",\"dport\":\"1024-40000\",\"dnat\":"
    "\"10.0.1.91\"}",
    "{\"in\":\"wan\",\"proto\":[\"tcp\",\"udp\"],\"dport\":8080,\"dnat\":"
    "\"10.0.1.92:80\"}",
    "{\"in\":\"wan\",\"proto\":\"udp\",\"dst\":\"198.51.100.20\","
    "\"dport\":\"1024-65535\",\"dnat\":\"10.0.1.93\"}",
};

static const char *const sources[] = {
    "{\"out\":\"wan\",\"masquerade\":true}",
    "{\"out\":\"wan\",\"snat\":\"198.51.100.20\"}",
    "{\"out\":\"wan\",\"snat\":\"198.51.100.40-198.51.100.43\"}",
    "{\"out\":\"wan\",\"src\":\"10.0.1.0/28\",\"snat\":\"198.51.100.20\"},"
    "{\"out\":\"wan\",\"masquerade\":true}",
    "{\"out\":\"wan\",\"snat\":\"198.51.100.20\",\"random\":true}",
};

static unsigned below(struct rng *rng, size_t n)
{
    return (unsigned)(hash_rng_next(rng) % n);
}

const char *life_config_text(const struct life_config *c, struct rng *rng)
{
    static char json[2048];
    bool both = c->wan[0] && c->wan[1];

    snprintf(
        json, sizeof json,
        "{\"interfaces\": {\"lan\": {\"tun\": \"l\", \"side\": \"inside\", "
        "\"mtu\": %u, \"address\": [%s]}, \"wan\": {\"tun\": \"w\", \"side\": "
        "\"outside\", \"mtu\": %u, \"address\": [%s%s%s]}}, \"workers\": %u, "
        "\"seed\": %u, \"conntrack\": {\"max\": 16384, \"profile\": \"%s\"}, "
        "\"routes\": [{\"to\": \"default\", \"interface\": \"wan\"}, {\"to\": "
        "\"10.0.0.0/8\", \"interface\": \"lan\"}], \"rules\": "
        "{\"prerouting\": [%s], \"postrouting\": [%s]}}",
        c->mtu[0], c->lan ? "\"10.0.1.1/24\"" : "", c->mtu[1],
        c->wan[0] ? "\"198.51.100.1/24\"" : "", both ? "," : "",
        c->wan[1] ? "\"198.51.100.2/24\"" : "", c->workers, below(rng, 1000),
        c->profile, forwards[below(rng, sizeof forwards / sizeof *forwards)],
        sources[below(rng, sizeof sources / sizeof *sources)]);
    return json;
}
