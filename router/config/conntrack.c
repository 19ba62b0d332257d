/* conntrack.c - the table's size, its profile and its tunables
 *
 * The rows of params.def are the keys: durations under "timeouts", the others
 * beside max and buckets.  The profile is read first, whatever the order in
 * the file, since it decides what the others are when they are not given. */
#include "config/conntrack.h"

#include <ctcore/bits.h>

#include <string.h>

enum { MIN_ENTRIES = 16, MAX_ENTRIES = 16777216 };
/* A bucket that holds more makes each packet of its flows slow. */
enum { MOST_A_BUCKET = 64 };

const char *const config_conntrack_profiles[3] = {
    [CT_PROFILE_LINUX] = "linux",
    [CT_PROFILE_WEIR] = "weir",
    [CT_PROFILE_RFC] = "rfc",
};
const char *const config_conntrack_on_full[3] = {
    [CT_FULL_DROP] = "drop",
    [CT_FULL_REJECT] = "reject",
    [CT_FULL_UNTRACKED] = "untracked",
};

const uint8_t config_rooms[CONFIG_ROOMS] = {CT_PARAM_port_quarantine,
                                            CT_PARAM_source_share};

static void read_profile(struct config_read *r, json_t *v, void *into)
{
    struct config *config = into;
    int i = config_read_choice(r, v, config_conntrack_profiles, 3);

    if (i >= 0)
        config->profile = (enum ct_profile)i;
}

static void read_max(struct config_read *r, json_t *v, void *into)
{
    struct config *config = into;
    uint64_t n;

    if (config_read_uint(r, v, MIN_ENTRIES, MAX_ENTRIES, &n))
        config->max = (uint32_t)n;
}

static void read_buckets(struct config_read *r, json_t *v, void *into)
{
    struct config *config = into;
    uint64_t n;

    if (config_read_uint(r, v, MIN_ENTRIES, MAX_ENTRIES, &n))
        config->buckets = (uint32_t)n;
}

static void read_on_full(struct config_read *r, json_t *v, void *into)
{
    struct config *config = into;
    int i = config_read_choice(r, v, config_conntrack_on_full, 3);

    if (i >= 0)
        config->on_full = (enum ct_on_full)i;
}

static void read_acct(struct config_read *r, json_t *v, void *into)
{
    struct config *config = into;

    (void)config_read_bool(r, v, &config->acct);
}

static void read_timestamp(struct config_read *r, json_t *v, void *into)
{
    struct config *config = into;

    (void)config_read_bool(r, v, &config->timestamp);
}

/* ---- tunables ---- */

static void read_param(struct config_read *r, const json_t *v, unsigned param,
                       uint32_t *into)
{
    const struct ct_param_info *info = ct_param_info(param);
    uint64_t n;

    if (info->max == 1 && json_is_boolean(v))
        into[param] = json_is_true(v);
    else if (config_read_uint(r, v, info->min, info->max, &n))
        into[param] = (uint32_t)n;
}

/* into: CT_N_PARAMS words, or CT_N_TIMEOUTS for durations. */
static void read_one_param(struct config_read *r, json_t *v, void *into)
{
    for (unsigned i = 0; i < CT_N_PARAMS; i++) {
        const char *name = ct_param_info(i)->name;
        size_t n = strlen(name);

        if (r->path_len > n && r->path[r->path_len - n - 1] == '/' &&
            strcmp(r->path + r->path_len - n, name) == 0)
            read_param(r, v, i, into);
    }
}

void config_conntrack_durations(struct config_read *r, json_t *v, uint32_t *s)
{
    struct config_key keys[CT_N_TIMEOUTS];

    for (unsigned i = 0; i < CT_N_TIMEOUTS; i++)
        keys[i] = (struct config_key){ct_param_info(i)->name, read_one_param};
    config_read_object(r, v, keys, CT_N_TIMEOUTS, NULL, s);
}

static void read_timeouts(struct config_read *r, json_t *v, void *into)
{
    (void)into;
    config_conntrack_durations(r, v, r->config->params.v);
}

static void read_tunable(struct config_read *r, json_t *v, void *into)
{
    (void)into;
    read_one_param(r, v, r->config->params.v);
}

/* ---- the whole ---- */

static const struct config_key scalar_keys[] = {
    {"profile", read_profile},   {"max", read_max},
    {"buckets", read_buckets},   {"on_full", read_on_full},
    {"acct", read_acct},         {"timestamp", read_timestamp},
    {"timeouts", read_timeouts},
};
enum {
    N_SCALARS = CONFIG_READ_N(scalar_keys),
    N_TUNABLES = CT_N_PARAMS - CT_N_TIMEOUTS
};

void config_conntrack_read(struct config_read *r, json_t *v, void *into)
{
    struct config_key keys[N_SCALARS + N_TUNABLES];
    struct config *config = into;
    const char *profile = json_string_value(json_object_get(v, "profile"));

    /* The defaults must be there before the first tunable is read; a profile
     * that is wrong is told below. */
    for (unsigned i = 0; i < 3 && profile != NULL; i++)
        if (strcmp(profile, config_conntrack_profiles[i]) == 0)
            config->profile = (enum ct_profile)i;
    ct_params_default(&config->params, config->profile);
    memcpy(keys, scalar_keys, sizeof(scalar_keys));
    for (unsigned i = 0; i < N_TUNABLES; i++)
        keys[N_SCALARS + i] = (struct config_key){
            ct_param_info(CT_N_TIMEOUTS + i)->name, read_tunable};
    config_read_object(r, v, keys, N_SCALARS + N_TUNABLES, NULL, into);
    config->hairpin = config->profile != CT_PROFILE_LINUX; /* nat may differ */
}

static void read_hairpin(struct config_read *r, json_t *v, void *into)
{
    struct config *config = into;

    (void)config_read_bool(r, v, &config->hairpin);
}

void config_conntrack_read_nat(struct config_read *r, json_t *v, void *into)
{
    static const struct config_key keys[] = {{"hairpin", read_hairpin}};

    config_read_object(r, v, keys, 1, NULL, into);
}

void config_conntrack_finish(struct config_read *r)
{
    struct config *c = r->config;
    size_t was = r->path_len;

    for (unsigned i = 0; i < CONFIG_ROOMS; i++)
        c->room[i] = c->params.v[config_rooms[i]] != 0;
    c->made = (struct config_made){
        .max = c->max,
        .extensions = c->params.v[CT_PARAM_extensions],
        .expect_max = c->params.v[CT_PARAM_expect_max],
        .acct = c->acct,
        .timestamp = c->timestamp,
    };
    c->buckets = ct_power_of_two(c->buckets != 0 ? c->buckets : c->max);
    if (c->buckets < c->max / MOST_A_BUCKET) {
        config_read_enter(r, "conntrack");
        config_read_fail_in(r, "buckets", false,
                            "%u for %u entries are too few: each packet would "
                            "look through %u; expected at least %u",
                            c->buckets, c->max, c->max / c->buckets,
                            c->max / MOST_A_BUCKET);
        config_read_leave(r, was);
    }
    if (c->max / c->workers < MIN_ENTRIES) {
        config_read_enter(r, "conntrack");
        config_read_fail_in(r, "max", false,
                            "%u entries for %u workers; expected at least %u",
                            c->max, c->workers, c->workers * MIN_ENTRIES);
        config_read_leave(r, was);
    }
}
