/* lists.h - enums and tables made from the .def lists
 *
 * Names for people and machines come from ct_reason_name() and its like, which
 * answer in lower case. */
#ifndef CTCORE_LISTS_H
#define CTCORE_LISTS_H

#include <ctcore/helpers.def>
#include <ctcore/params.def>
#include <ctcore/reasons.def>
#include <ctcore/stats.def>
#include <stdbool.h>
#include <stdint.h>

enum ct_reason {
#define R(name, kind, text) CT_REASON_##name,
    CT_REASONS(R)
#undef R
        CT_N_REASONS
};

enum ct_stat {
#define S(name, kind, metric, help) CT_STAT_##name,
    CT_STATS(S)
#undef S
        CT_N_STATS
};

enum ct_metric_group {
#define M(name, family, label, each, help) CT_METRIC_##name,
    CT_METRICS(M)
#undef M
        CT_N_METRICS
};

enum ct_param {
#define P(name, linux_, weir, rfc, min, max, unit, when, help) CT_PARAM_##name,
    CT_PARAMS(P)
#undef P
        CT_N_PARAMS
};

enum ct_helper {
    CT_HELPER_none,
#define H(name, proto, text) CT_HELPER_##name,
    CT_HELPERS(H)
#undef H
        CT_N_HELPERS
};

struct ct_params {
    uint32_t v[CT_N_PARAMS];
};

/* kind: 'D' dropped, 'I' called INVALID.  Indices out of range are a bug. */
const char *ct_reason_name(unsigned reason);
const char *ct_reason_text(unsigned reason);
char ct_reason_kind(unsigned reason);

/* kind: 'C' counter, 'G' gauge, 'M' a gauge that is the largest seen. */
const char *ct_stat_name(unsigned stat);
const char *ct_stat_help(unsigned stat);
char ct_stat_kind(unsigned stat);

/* What Prometheus calls a count.  family NULL: other samples add up to it.
 * label NULL: it has the family for itself. */
struct ct_metric {
    const char *family, *help;
    const char *label, *value;
    bool per_shard; /* a sample a shard, with a label worker */
};
struct ct_metric ct_stat_metric(unsigned stat);
struct ct_metric ct_reason_metric(unsigned reason);

/* none: "", 0, "". */
const char *ct_helper_name(unsigned helper);
const char *ct_helper_text(unsigned helper);
uint8_t ct_helper_proto(unsigned helper);

struct ct_param_info {
    const char *name, *unit, *help;
    uint32_t def[3]; /* by enum ct_profile */
    uint32_t min, max;
};
const struct ct_param_info *ct_param_info(unsigned param);

#endif
