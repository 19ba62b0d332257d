/* rules.c - rules: an object each, sorted by hook, stage and order
 *
 * The action says in which stage a rule is asked; hooks that do not have that
 * stage, or not for that action, refuse it here, so that no rule can stand in
 * a file without ever being asked. */
#include "config/rule/rules.h"

#include "config/gateway.h"
#include "config/queues.h"
#include "config/rule/alter.h"
#include "config/rule/helper.h"
#include "config/rule/hook.h"
#include "config/rule/kind.h"
#include "config/rule/label.h"
#include "config/rule/limit.h"
#include "config/rule/match.h"
#include "config/rule/nat.h"
#include "config/rule/timeouts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RULES = 65536 };

/* ---- actions that are no translation ---- */

static void read_verdict(struct config_read *r, json_t *v, void *into)
{
    static const char *const names[] = {"accept", "drop", "reject", "notrack"};
    static const uint8_t actions[] = {CT_ACT_ACCEPT, CT_ACT_DROP, CT_ACT_REJECT,
                                      CT_ACT_NOTRACK};
    struct config_rule *c = into;
    const char *s = json_string_value(v);
    int i;

    if (s != NULL && strncmp(s, "queue", 5) == 0) {
        i = config_queues_verdict(r, s);
        c->failed |= i < 0;
        if (i >= 0 && config_nat_claim(r, c, "verdict", CT_ACT_QUEUE))
            c->rule.queue = (uint16_t)i;
        return;
    }
    i = config_read_choice(r, v, names, CONFIG_READ_N(names));
    c->failed |= i < 0;
    if (i >= 0)
        config_nat_claim(r, c, "verdict", actions[i]);
}

static void read_reject_with(struct config_read *r, json_t *v, void *into)
{
    static const char *const names[] = {
        [CT_REJECT_ADMIN] = "admin-prohibited",
        [CT_REJECT_PORT] = "port-unreachable",
        [CT_REJECT_HOST] = "host-unreachable",
        [CT_REJECT_NET] = "net-unreachable",
        [CT_REJECT_RST] = "tcp-reset",
    };
    struct config_rule *c = into;
    int i;

    if (c->rule.action != CT_ACT_REJECT) {
        config_read_fail(r, "reject_with without a reject; expected "
                            "\"verdict\": \"reject\" beside it");
        c->failed = true;
        return;
    }
    i = config_read_choice(r, v, names, CONFIG_READ_N(names));
    c->failed |= i < 0;
    if (i >= 0)
        c->rule.reject = (uint8_t)i;
}

static void read_notrack(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;

    if (config_nat_claim(r, c, "notrack", CT_ACT_NOTRACK))
        c->failed |= !config_kind_true(r, v);
}

static void read_set_mark(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;
    struct ct_mark mark = {0, 0};

    if (!config_nat_claim(r, c, "set_mark", CT_ACT_MARK))
        return;
    c->failed |= !config_kind_one_mark(r, v, &mark);
    c->rule.mark = mark.value;
    c->rule.mark_mask = mark.mask;
}

static void read_zone(struct config_read *r, json_t *v, struct config_rule *c,
                      const char *key, unsigned dirs)
{
    uint64_t zone;

    if (!config_nat_claim(r, c, key, CT_ACT_ZONE))
        return;
    c->failed |= !config_read_uint(r, v, 0, UINT16_MAX, &zone);
    if (c->failed)
        return;
    c->rule.zone = (uint16_t)zone;
    c->rule.zone_dirs = (uint8_t)dirs;
}

static void read_set_zone(struct config_read *r, json_t *v, void *into)
{
    read_zone(r, v, into, "set_zone",
              1u << CT_DIR_ORIGINAL | 1u << CT_DIR_REPLY);
}

static void read_set_zone_orig(struct config_read *r, json_t *v, void *into)
{
    read_zone(r, v, into, "set_zone_orig", 1u << CT_DIR_ORIGINAL);
}

static void read_set_zone_reply(struct config_read *r, json_t *v, void *into)
{
    read_zone(r, v, into, "set_zone_reply", 1u << CT_DIR_REPLY);
}

/* Every rule counts: the key only says that nothing else is wanted. */
static void read_counter(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;

    c->failed |= !config_kind_true(r, v);
}

/* Beside any action, or alone. */
static void read_log(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;
    const char *s = json_string_value(v);

    c->rule.log = true;
    if (json_is_true(v))
        return;
    if (s == NULL || s[0] == '\0' || strlen(s) >= sizeof c->rule.log_prefix) {
        config_read_fail(r,
                         "this is %s; expected true, or a text of 1 to %zu "
                         "bytes to begin the line with",
                         config_read_kind(r, v), sizeof c->rule.log_prefix - 1);
        c->failed = true;
        return;
    }
    for (const char *p = s; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f) {
            config_read_fail(r, "a control character; expected a line of text");
            c->failed = true;
            return;
        }
    strcpy(c->rule.log_prefix, s);
}

/* ---- names ---- */

static void read_id(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;
    const char *s = config_read_string(r, v, sizeof(c->rule.id) - 1, "an id");

    if (s == NULL)
        return;
    if (s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                    "0123456789_.:-")] != '\0') {
        config_read_fail(r, "%s can't be an id; expected A-Z a-z 0-9 _ . : -",
                         config_read_show(r, s));
        return;
    }
    strcpy(c->rule.id, s);
    c->given_id = true;
}

static void read_comment(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;
    const char *s = json_string_value(v);

    if (s == NULL || strlen(s) >= sizeof(c->rule.comment)) {
        config_read_fail(r, "this is %s; expected a text of at most %zu bytes",
                         config_read_kind(r, v), sizeof(c->rule.comment) - 1);
        return;
    }
    strcpy(c->rule.comment, s);
}

/* reject_with stands behind verdict, icmp_type behind proto: they ask for what
 * was read before. */
static const struct config_key rule_keys[] = {
#define M(KIND, name, key, facts, words, top, help) {key, config_match_##name},
    CT_MATCHES(M)
#undef M
        {"not_label", config_match_not_labels},
    {"limit", config_limit_rate},
    {"connlimit", config_limit_flows},
    {"verdict", read_verdict},
    {"mss", config_alter_mss},
    {"set_ttl", config_alter_ttl},
    {"set_dscp", config_alter_dscp},
    {"netmap", config_nat_netmap},
    {"reject_with", read_reject_with},
    {"notrack", read_notrack},
    {"helper", config_helper_read},
    {"set_mark", read_set_mark},
    {"timeouts", config_timeouts_read},
    {"set_label", config_label_set},
    {"set_zone", read_set_zone},
    {"set_zone_orig", read_set_zone_orig},
    {"set_zone_reply", read_set_zone_reply},
    {"snat", config_nat_snat},
    {"dnat", config_nat_dnat},
    {"masquerade", config_nat_masquerade},
    {"redirect", config_nat_redirect},
    {"nat", config_nat_none},
    {"ports", config_nat_ports},
    {"random", config_nat_random},
    {"persistent", config_nat_persistent},
    {"counter", read_counter},
    {"log", read_log},
    {"id", read_id},
    {"comment", read_comment},
};

/* ---- a rule ---- */

/* "a, b or c": the hooks of a mask. */
static const char *list_hooks(unsigned mask, char *text, size_t room)
{
    size_t at = 0;

    for (unsigned hook = 0; hook < CT_N_HOOKS; hook++) {
        if ((mask >> hook & 1) == 0)
            continue;
        mask &= ~(1u << hook);
        at += (size_t)snprintf(text + at, room - at, "%s%s",
                               at == 0     ? ""
                               : mask == 0 ? " or "
                                           : ", ",
                               config_hook_name(hook));
    }
    return text;
}

static void check_rule(struct config_read *r, struct config_rule *c)
{
    const struct ct_action_info *action = ct_action_info(c->rule.action);
    char where[64];

    c->rule.stage = action->stage;
    if ((action->hooks >> c->rule.hook & 1) == 0) {
        config_read_fail_in(r, c->action, true,
                            "\"%s\" makes no sense in %s; expected it in %s",
                            c->action, config_hook_name(c->rule.hook),
                            list_hooks(action->hooks, where, sizeof where));
        c->failed = true;
    }
    if (c->failed)
        return; /* what the rest lacks may be what failed */
    config_gateway_aim(r, c);
    config_limit_check(r, c);
    if (c->rule.connlimit.number != 0 &&
        ++r->rules->connlimits == CT_MAX_CONNLIMITS + 1)
        config_read_fail_in(r, "connlimit", true,
                            "one connlimit too many; expected at most %d rules "
                            "with one",
                            CT_MAX_CONNLIMITS);
    config_alter_check(r, c);
    config_timeouts_check(r, c);
    config_nat_check(r, c);
    config_match_check(r, c);
}

/* As it stands in the file, for people. */
static const char *dump(struct config_read *r, const json_t *v)
{
    size_t n = json_dumpb(v, NULL, 0, JSON_COMPACT);
    char *text = config_read_alloc(r, n + 1, 1);

    if (n == 0 || json_dumpb(v, text, n, JSON_COMPACT) != n)
        longjmp(r->no_memory, 1);
    return text;
}

/* FNV-1a, 64 bits. */
static int grow_hash(const char *text, size_t n, void *hash)
{
    uint64_t h = *(uint64_t *)hash;

    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
    *(uint64_t *)hash = h;
    return 0;
}

/* Over hook and canonical text; a comment may change, the id stays. */
static uint64_t hash_rule(struct config_read *r, const struct config_rule *c)
{
    uint64_t h = 0xcbf29ce484222325u ^ c->rule.hook;
    json_t *bare = json_copy(c->json);
    int failed;

    (void)json_object_del(bare, "comment"); /* NULL is taken, and no matter */
    failed = bare == NULL || json_dump_callback(bare, grow_hash, &h,
                                                JSON_SORT_KEYS | JSON_COMPACT);
    json_decref(bare);
    if (failed)
        longjmp(r->no_memory, 1);
    return h;
}

static void read_rule(struct config_read *r, json_t *v, unsigned hook,
                      size_t entry)
{
    struct config_rule *c = &r->rules->v[r->rules->n++];

    c->json = v;
    c->entry = (uint32_t)entry;
    c->rule.hook = (uint8_t)hook;
    c->rule.reject = CT_REJECT_PORT;
    config_read_object(r, v, rule_keys, CONFIG_READ_N(rule_keys), NULL, c);
    if (!json_is_object(v))
        return;
    check_rule(r, c);
    c->hash = hash_rule(r, c);
    c->text = dump(r, v);
}

/* ---- all of them ---- */

static void read_hook(struct config_read *r, json_t *v, unsigned hook)
{
    if (!json_is_array(v)) {
        config_read_fail(r, "this is %s; expected a list of rules",
                         config_read_kind(r, v));
        return;
    }
    for (size_t i = 0; i < json_array_size(v); i++) {
        size_t was = config_read_enter_at(r, i);

        read_rule(r, json_array_get(v, i), hook, i);
        config_read_leave(r, was);
    }
}

static void read_prerouting(struct config_read *r, json_t *v, void *into)
{
    (void)into;
    read_hook(r, v, CT_PREROUTING);
}

static void read_input(struct config_read *r, json_t *v, void *into)
{
    (void)into;
    read_hook(r, v, CT_INPUT);
}

static void read_forward(struct config_read *r, json_t *v, void *into)
{
    (void)into;
    read_hook(r, v, CT_FORWARD);
}

static void read_output(struct config_read *r, json_t *v, void *into)
{
    (void)into;
    read_hook(r, v, CT_OUTPUT);
}

static void read_postrouting(struct config_read *r, json_t *v, void *into)
{
    (void)into;
    read_hook(r, v, CT_POSTROUTING);
}

void config_rules_read(struct config_read *r, json_t *v, void *into)
{
    static const struct config_key keys[] = {
        {"prerouting", read_prerouting},   {"input", read_input},
        {"forward", read_forward},         {"output", read_output},
        {"postrouting", read_postrouting},
    };
    size_t n = 0;

    (void)into;
    for (unsigned hook = 0; hook < CT_N_HOOKS; hook++)
        n += json_array_size(json_object_get(v, config_hook_name(hook)));
    if (n > MAX_RULES) {
        config_read_fail(r, "%zu rules; expected at most %d", n, MAX_RULES);
        return;
    }
    r->rules->v = config_read_scratch(r, n + 1, sizeof(struct config_rule));
    r->rules->room = (uint32_t)n + 1;
    config_read_object(r, v, keys, CONFIG_READ_N(keys), NULL, NULL);
}

/* Room for one more, wherever the others came from. */
static void grow(struct config_read *r)
{
    struct config_rules *rules = r->rules;
    struct config_rule *was = rules->v;

    if (rules->n < rules->room)
        return;
    rules->room = rules->n + 1;
    rules->v = config_read_scratch(r, rules->room, sizeof(*was));
    if (rules->n > 0)
        memcpy(rules->v, was, rules->n * sizeof(*was));
}

static bool is_taken(const struct config_rules *rules, const char *id)
{
    for (uint32_t i = 0; i < rules->n; i++)
        if (strcmp(rules->v[i].rule.id, id) == 0)
            return true;
    return false;
}

/* What bears one of the interface's addresses already is the host's own. */
static void add_masquerade(struct config_read *r, const char *out,
                           const char *name)
{
    struct config_rules *rules = r->rules;
    struct config_memory *memory = r->memory;
    char id[sizeof(rules->v->rule.id)], src[20];
    size_t entry = 0;
    json_t *made;

    snprintf(id, sizeof(id), "%s", name);
    for (unsigned i = 2; is_taken(rules, id); i++)
        snprintf(id, sizeof(id), "%s-%u", name, i);
    snprintf(src, sizeof(src), "!%s", out);
    made = json_pack("{s:s, s:s, s:s, s:b, s:s}", "out", out, "src", src,
                     "family", "ipv4", "masquerade", 1, "id", id);
    if (made == NULL)
        longjmp(r->no_memory, 1);
    memory->made[memory->n_made] = made;
    for (uint32_t i = 0; i < rules->n; i++)
        entry += rules->v[i].rule.hook == CT_POSTROUTING;
    grow(r);
    read_rule(r, made, CT_POSTROUTING, entry);
    memory->made_text[memory->n_made++] = rules->v[rules->n - 1].text;
}

void config_rules_add_gateway(struct config_read *r)
{
    const struct config_gateway *g = &r->config->gateway;
    char name[32];

    for (uint32_t i = 0; g->set && i < g->n; i++) {
        if (g->inside[i])
            continue;
        snprintf(name, sizeof(name), "gateway%s%s",
                 i == CONFIG_GATEWAY_WAN ? "" : "-",
                 i == CONFIG_GATEWAY_WAN ? "" : g->name[i]);
        add_masquerade(r, g->name[i], name);
    }
}
