/* lists.c - names, texts and defaults out of the .def lists
 *
 * A reason is written in capitals, as its enum constant is; people and machines
 * read it in small letters.  The compiler turns them: LOW() is a constant. */
#include <ctcore/ct.h>
#include <ctcore/lists.h>
#include <ctcore/words.h>

#include <assert.h>

enum { NAME_ROOM = 24 };

#define AT(s, i)    ((s)[(i) < sizeof(s) ? (i) : sizeof(s) - 1])
#define IS_UPPER(c) ((c) >= 'A' && (c) <= 'Z')
#define LOW(s, i)   (char)(IS_UPPER(AT(s, i)) ? AT(s, i) + 32 : AT(s, i))
#define LOW4(s, i)  LOW(s, i), LOW(s, i + 1), LOW(s, i + 2), LOW(s, i + 3)
#define LOW_STRING(s)                                                          \
    LOW4(s, 0u), LOW4(s, 4u), LOW4(s, 8u), LOW4(s, 12u), LOW4(s, 16u),         \
        LOW4(s, 20u)

#define R(name, kind, text)                                                    \
    static_assert(sizeof #name <= NAME_ROOM, "reason's name too long");
CT_REASONS(R)
#undef R

static const struct {
    char name[NAME_ROOM];
    char kind;
    enum ct_metric_group group;
    const char *text;
} reasons[CT_N_REASONS] = {
#define R(name, kind, text)                                                    \
    {{LOW_STRING(#name)}, (#kind)[0], CT_METRIC_##kind, text},
    CT_REASONS(R)
#undef R
};

/* A counter's metric is the family's name, or the group and a value in it. */
#define IS_NAMED(family)       family, CT_N_METRICS, NULL
#define IS_AMONG(group, value) NULL, CT_METRIC_##group, value
#define IS_UNNAMED             NULL, CT_N_METRICS, NULL
static const struct {
    const char *name, *help;
    char kind;
    const char *family;
    enum ct_metric_group group;
    const char *value;
} stats[CT_N_STATS] = {
#define S(name, kind, metric, help) {#name, help, (#kind)[0], IS_##metric},
    CT_STATS(S)
#undef S
};

static const struct ct_metric groups[CT_N_METRICS] = {
#define M(name, family, label, each, help)                                     \
    {family, help, label, NULL, (#each)[0] == 'W'},
    CT_METRICS(M)
#undef M
};

static const struct {
    const char *name, *text;
    uint8_t proto;
} helpers[CT_N_HELPERS] = {[CT_HELPER_none] = {"", "", 0},
#define H(name, proto, text)                                                   \
    [CT_HELPER_##name] = {#name, text, CT_PROTO_##proto},
                           CT_HELPERS(H)
#undef H
};

static const struct ct_param_info params_info[CT_N_PARAMS] = {
#define P(name, linux_, weir, rfc, min, max, unit, when, help)                 \
    {#name, unit, help, {linux_, weir, rfc}, min, max},
    CT_PARAMS(P)
#undef P
};

/* The durations are the rows in seconds, and stand before all others. */
#define P(name, linux_, weir, rfc, min, max, unit, when, help)                 \
    static_assert((CT_PARAM_##name < CT_N_TIMEOUTS) == (sizeof unit > 1),      \
                  "durations come first, and CT_N_TIMEOUTS counts them");
CT_PARAMS(P)
#undef P

const char *ct_reason_name(unsigned reason)
{
    assert(reason < CT_N_REASONS);
    return reasons[reason].name;
}

const char *ct_reason_text(unsigned reason)
{
    assert(reason < CT_N_REASONS);
    return reasons[reason].text;
}

char ct_reason_kind(unsigned reason)
{
    assert(reason < CT_N_REASONS);
    return reasons[reason].kind;
}

const char *ct_helper_name(unsigned helper)
{
    assert(helper < CT_N_HELPERS);
    return helpers[helper].name;
}

const char *ct_helper_text(unsigned helper)
{
    assert(helper < CT_N_HELPERS);
    return helpers[helper].text;
}

uint8_t ct_helper_proto(unsigned helper)
{
    assert(helper < CT_N_HELPERS);
    return helpers[helper].proto;
}

const char *ct_stat_name(unsigned stat)
{
    assert(stat < CT_N_STATS);
    return stats[stat].name;
}

const char *ct_stat_help(unsigned stat)
{
    assert(stat < CT_N_STATS);
    return stats[stat].help;
}

char ct_stat_kind(unsigned stat)
{
    assert(stat < CT_N_STATS);
    return stats[stat].kind;
}

static struct ct_metric labelled_metric(enum ct_metric_group group,
                                        const char *value)
{
    struct ct_metric metric = groups[group];

    metric.value = value;
    return metric;
}

struct ct_metric ct_stat_metric(unsigned stat)
{
    assert(stat < CT_N_STATS);
    if (stats[stat].value)
        return labelled_metric(stats[stat].group, stats[stat].value);
    return (struct ct_metric){stats[stat].family, stats[stat].help, NULL, NULL,
                              false};
}

struct ct_metric ct_reason_metric(unsigned reason)
{
    assert(reason < CT_N_REASONS);
    return labelled_metric(reasons[reason].group, reasons[reason].name);
}

const struct ct_param_info *ct_param_info(unsigned param)
{
    assert(param < CT_N_PARAMS);
    return &params_info[param];
}

void ct_params_default(struct ct_params *params, enum ct_profile profile)
{
    for (unsigned i = 0; i < CT_N_PARAMS; i++)
        params->v[i] = params_info[i].def[profile];
}
