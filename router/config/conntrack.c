/* conntrack.c - the table's size, and what its profile decides
 *
 * The profile is looked at before all else, whatever the order in the file,
 * since it decides what tunables are when they are not given. */
#include "config/conntrack.h"

#include "config/section.h"

#include <ctcore/bits.h>

#include <string.h>

enum { MIN_ENTRIES = 16 }; /* of a worker */
/* A bucket that holds more makes each packet of its flows slow. */
enum { MOST_A_BUCKET = 64 };

/* A profile that is wrong is refused by its reader. */
void config_conntrack_defaults(struct config_read *r)
{
    const struct config_option *o = &config_option[CONFIG_profile];
    const char *given = json_string_value(json_object_get(
        json_object_get(r->memory->root, "conntrack"), "profile"));
    struct config *c = r->config;
    enum ct_profile profile = CT_PROFILE_LINUX;
    char word[32];

    for (unsigned i = 0; given != NULL && config_option_word(o, i, word); i++)
        if (strcmp(given, word) == 0)
            profile = (enum ct_profile)i;
    if (r->profile != NULL)
        profile = (enum ct_profile) * r->profile;
    ct_params_default(&c->core.params, profile);
    c->core.hairpin = profile != CT_PROFILE_LINUX; /* nat may differ */
}

/* into: CT_N_TIMEOUTS words. */
static void read_duration(struct config_read *r, json_t *v, void *into)
{
    const char *name = strrchr(r->path, '/') + 1;
    uint32_t *s = into;

    for (unsigned i = 0; i < CT_N_TIMEOUTS; i++)
        if (strcmp(ct_param_info(i)->name, name) == 0)
            config_section_value(r, v, &config_option[CONFIG_N_FIXED + i],
                                 &s[i]);
}

void config_conntrack_durations(struct config_read *r, json_t *v, uint32_t *s)
{
    struct config_key keys[CT_N_TIMEOUTS];

    for (unsigned i = 0; i < CT_N_TIMEOUTS; i++)
        keys[i] = (struct config_key){ct_param_info(i)->name, read_duration};
    config_read_object(r, v, keys, CT_N_TIMEOUTS, NULL, s);
}

void config_conntrack_finish(struct config_read *r)
{
    struct config *c = r->config;
    size_t was = r->path_len;

    config_option_note_start(c);
    c->core.buckets =
        ct_power_of_two(c->core.buckets != 0 ? c->core.buckets : c->core.max);
    if (c->core.buckets < c->core.max / MOST_A_BUCKET) {
        config_read_enter(r, "conntrack");
        config_read_fail_in(r, "buckets", false,
                            "too few buckets: %u for %u entries, so that each "
                            "packet looks at %u; use at least %u",
                            c->core.buckets, c->core.max,
                            c->core.max / c->core.buckets,
                            c->core.max / MOST_A_BUCKET);
        config_read_leave(r, was);
    }
    if (c->core.max / c->workers < MIN_ENTRIES) {
        config_read_enter(r, "conntrack");
        config_read_fail_in(
            r, "max", false,
            "too few entries: %u for %u workers; use at least %u", c->core.max,
            c->workers, c->workers * MIN_ENTRIES);
        config_read_leave(r, was);
    }
}
