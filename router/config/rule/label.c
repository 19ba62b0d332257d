/* label.c - labels that a rule sets
 *
 * Bits 0 to 127.  A flow that has any costs an extension record. */
#include "config/rule/label.h"

#include "config/rule/kind.h"
#include "config/rule/nat.h"

void config_label_set(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;

    if (config_nat_claim(r, c, "set_label", CT_ACT_LABEL))
        c->failed |= !config_kind_labels(r, v, c->rule.labels);
}
