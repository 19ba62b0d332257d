/* label.c - labels of a flow: what a rule asks, and what it sets
 *
 * Bits 0 to 127.  A flow that has any costs an extension record. */
#include "config/rule/label.h"

#include "config/rule/nat.h"
#include "config/rule/rule.h"

enum { N_LABELS = 128 };

static bool one(struct config_read *r, const json_t *v, uint64_t labels[2])
{
    uint64_t bit;

    if (!config_read_uint(r, v, 0, N_LABELS - 1, &bit))
        return false;
    labels[bit >> 6] |= (uint64_t)1 << (bit & 63);
    return true;
}

static bool read(struct config_read *r, const json_t *v, uint64_t labels[2])
{
    bool ok = true;

    if (!json_is_array(v))
        return one(r, v, labels);
    if (json_array_size(v) == 0) {
        config_read_fail(r, "an empty list; expected at least one label");
        return false;
    }
    for (size_t i = 0; i < json_array_size(v); i++) {
        size_t was = config_read_enter_at(r, i);

        ok &= one(r, json_array_get(v, i), labels);
        config_read_leave(r, was);
    }
    return ok;
}

void config_label_match(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;

    c->failed |= !read(r, v, c->rule.match.labels);
    c->rule.match.has_labels = true;
}

void config_label_without(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;

    if (c->rule.match.has_labels) {
        config_read_fail(r, "\"label\" and \"not_label\" in one rule; "
                            "expected one of them");
        c->failed = true;
        return;
    }
    config_label_match(r, v, into);
    c->rule.match.labels_negate = true;
}

void config_label_set(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;

    if (config_nat_claim(r, c, "set_label", CT_ACT_LABEL))
        c->failed |= !read(r, v, c->rule.labels);
}
