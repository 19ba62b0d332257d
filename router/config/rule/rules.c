/* rules.c - rules: an object each, sorted by hook, stage and order
 *
 * The action says in which stage a rule is asked; hooks that do not have that
 * stage, or not for that action, refuse it here, so that no rule can stand in
 * a file without ever being asked. */
#include "config/rule/rules.h"

#include "config/gateway.h"
#include "config/rule/action.h"
#include "config/rule/alter.h"
#include "config/rule/hook.h"
#include "config/rule/kind.h"
#include "config/rule/limit.h"
#include "config/rule/match.h"
#include "config/rule/nat.h"
#include "config/rule/timeouts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_RULES = 65536 };

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
                         "%s is not allowed here; use true, or a text of 1 to "
                         "%zu bytes that the line begins with",
                         config_read_kind(r, v), sizeof c->rule.log_prefix - 1);
        c->failed = true;
        return;
    }
    for (const char *p = s; *p != '\0'; p++)
        if ((unsigned char)*p < ' ' || *p == 0x7f) {
            config_read_fail(
                r, "a control character is not allowed; use a line of text");
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
        config_read_fail(r, "%s is not an id; use A-Z a-z 0-9 _ . : -",
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
        config_read_fail(
            r, "%s is not allowed here; use a text of at most %zu bytes",
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
    {"verdict", config_action_verdict},
#define D(NAME, word, stage, hooks, kind, takes, help)                         \
    {word, config_action_##NAME},
    CT_KEYED_ACTIONS(D)
#undef D
        {"set_zone_orig", config_action_zone_orig},
    {"set_zone_reply", config_action_zone_reply},
    {"reject_with", config_action_reject_with},
    {"ports", config_nat_ports},
    {"random", config_nat_random},
    {"persistent", config_nat_persistent},
    {"counter", read_counter},
    {"log", read_log},
    {"id", read_id},
    {"comment", read_comment},
};

/* ---- a rule ---- */

static void check_rule(struct config_read *r, struct config_rule *c)
{
    config_action_check(r, c);
    if (c->failed)
        return; /* what the rest lacks may be what failed */
    config_gateway_aim(r, c);
    config_limit_check(r, c);
    if (c->rule.connlimit.number != 0 &&
        ++r->rules->connlimits == CT_MAX_CONNLIMITS + 1)
        config_read_fail_in(r, "connlimit", true,
                            "too many rules with connlimit; at most %d",
                            CT_MAX_CONNLIMITS);
    config_alter_check(r, c);
    config_timeouts_check(r, c);
    config_nat_check(r, c);
    config_match_check(r, c);
}

/* As it stands in the file, for people. */
static const char *format_rule_json(struct config_read *r, const json_t *v)
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

static void read_config_rule(struct config_read *r, json_t *v, unsigned hook,
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
    c->text = format_rule_json(r, v);
}

/* ---- all of them ---- */

static void read_hook(struct config_read *r, json_t *v, unsigned hook)
{
    if (!json_is_array(v)) {
        config_read_fail(r, "%s is not allowed here; use a list of rules",
                         config_read_kind(r, v));
        return;
    }
    for (size_t i = 0; i < json_array_size(v); i++) {
        size_t was = config_read_enter_at(r, i);

        read_config_rule(r, json_array_get(v, i), hook, i);
        config_read_leave(r, was);
    }
}

#define H(NAME, word)                                                          \
    static void read_##NAME(struct config_read *r, json_t *v, void *into)      \
    {                                                                          \
        (void)into;                                                            \
        read_hook(r, v, CT_##NAME);                                            \
    }
CT_HOOKS(H)
#undef H

void config_rules_read(struct config_read *r, json_t *v, void *into)
{
    static const struct config_key keys[] = {
#define H(NAME, word) {word, read_##NAME},
        CT_HOOKS(H)
#undef H
    };
    size_t n = 0;

    (void)into;
    for (unsigned hook = 0; hook < CT_N_HOOKS; hook++)
        n += json_array_size(json_object_get(v, config_hook_name(hook)));
    if (n > MAX_RULES) {
        config_read_fail(r, "too many rules: %zu; at most %d", n, MAX_RULES);
        return;
    }
    r->rules->v = config_read_scratch(r, n + 1, sizeof(struct config_rule));
    r->rules->room = (uint32_t)n + 1;
    config_read_object(r, v, keys, CONFIG_READ_N(keys), NULL, NULL);
}

/* Room for one more, wherever the others came from. */
static void grow_rule_array(struct config_read *r)
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

static bool is_id_taken(const struct config_rules *rules, const char *id)
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
    for (unsigned i = 2; is_id_taken(rules, id); i++)
        snprintf(id, sizeof(id), "%s-%u", name, i);
    snprintf(src, sizeof(src), "!%s", out);
    made = json_pack("{s:s, s:s, s:s, s:b, s:s}", "out", out, "src", src,
                     "family", "ipv4", "masquerade", 1, "id", id);
    if (made == NULL)
        longjmp(r->no_memory, 1);
    memory->made[memory->n_made] = made;
    for (uint32_t i = 0; i < rules->n; i++)
        entry += rules->v[i].rule.hook == CT_POSTROUTING;
    grow_rule_array(r);
    read_config_rule(r, made, CT_POSTROUTING, entry);
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
