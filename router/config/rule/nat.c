/* nat.c - where a rule's translation leads
 *
 *     A  A-B  A/LENGTH  A:PORT  A:P1-P2  A-B:P1-P2
 *     V6  V6-V6  V6/LENGTH  [V6]:PORT  [V6]-[V6]:P1-P2
 */
#include "config/rule/nat.h"

#include "config/rule/match.h"
#include "system/addr.h"

#include <string.h>

#define FORMS                                                                  \
    "A, A-B, A/LENGTH, A:PORT, A:P1-P2, or an IPv6 address in [] before a "    \
    "port"

/* ---- addresses ---- */

/* from .. to as an address of the family already known, or of any if 0. */
static bool parse_addr(const char *from, const char *to, union ct_addr *addr,
                       uint8_t *family)
{
    char text[CONFIG_ADDR_TEXT];
    uint8_t is;

    if (to - from >= 2 && from[0] == '[' && to[-1] == ']') {
        from++;
        to--;
    }
    if (to <= from || (size_t)(to - from) >= sizeof(text))
        return false;
    memcpy(text, from, (size_t)(to - from));
    text[to - from] = '\0';
    if (!system_addr_one(text, addr, &is) || (*family != 0 && *family != is))
        return false;
    *family = is;
    return true;
}

/* Where the addresses end: at the colon before the ports, or at the end. */
static const char *addresses_end(const char *s)
{
    const char *bracket = strrchr(s, ']'), *colon;

    if (bracket != NULL)
        return bracket + 1;
    colon = strchr(s, ':');
    if (colon != NULL && strchr(colon + 1, ':') == NULL)
        return colon;
    return s + strlen(s); /* no colon at all, or a bare IPv6 address */
}

/* All addresses of a prefix: who routes it here gives up none of them. */
static bool parse_prefix(const char *s, struct ct_nat_range *nat)
{
    struct ct_addr_range span;
    uint8_t len;

    if (!system_addr_prefix(s, &nat->lo, &nat->family, &len))
        return false;
    span = system_addr_span(&nat->lo, nat->family, len);
    nat->hi = span.hi;
    nat->has_addr = true;
    return ct_addr_eq(&span.lo, &nat->lo);
}

static bool parse_target(const char *s, struct ct_nat_range *nat)
{
    const char *end = addresses_end(s);
    const char *dash = memchr(s, '-', (size_t)(end - s));
    struct ct_number_range ports;

    if (strchr(s, '/') != NULL)
        return parse_prefix(s, nat);
    if (!parse_addr(s, dash != NULL ? dash : end, &nat->lo, &nat->family))
        return false;
    nat->hi = nat->lo;
    if (dash != NULL && !parse_addr(dash + 1, end, &nat->hi, &nat->family))
        return false;
    if (system_addr_compare(&nat->lo, &nat->hi) > 0)
        return false;
    nat->has_addr = true;
    if (*end == '\0')
        return true;
    if (*end != ':' || !system_addr_ports(end + 1, &ports) || ports.lo == 0)
        return false;
    nat->has_ports = true;
    nat->port_lo = ports.lo;
    nat->port_hi = ports.hi;
    return true;
}

bool config_nat_target(struct config_read *r, json_t *v, struct config_rule *c)
{
    struct ct_nat_range *nat = &c->rule.nat;
    const char *s = config_read_string(r, v, 128, FORMS), *unfit;

    if (s == NULL)
        return false;
    if (!parse_target(s, nat)) {
        config_read_fail(r, "%s is not an address to translate to; use " FORMS,
                         config_read_show(r, s));
        return false;
    }
    unfit = system_addr_unfit(&nat->lo, nat->family);
    if (unfit == NULL)
        unfit = system_addr_unfit(&nat->hi, nat->family);
    if (unfit != NULL) {
        config_read_fail(r, "%s includes %s; use a host's address",
                         config_read_show(r, s), unfit);
        return false;
    }
    return true;
}

/* Hosts keep their place in it, so its own bits must be none. */
bool config_nat_netmap(struct config_read *r, json_t *v, struct config_rule *c)
{
    static const char what[] =
        "a prefix, such as \"192.0.2.0/24\" or \"2001:db8:1::/48\"";
    struct ct_nat_range *nat = &c->rule.nat;
    struct ct_addr_range span;
    const char *s, *unfit;

    if ((s = config_read_string(r, v, 128, what)) == NULL)
        return false;
    if (!system_addr_prefix(s, &nat->lo, &nat->family, &c->rule.prefix) ||
        c->rule.prefix == 0) {
        config_read_fail(r, "%s is not a prefix; use %s",
                         config_read_show(r, s), what);
        return false;
    }
    span = system_addr_span(&nat->lo, nat->family, c->rule.prefix);
    unfit = system_addr_unfit(&span.lo, nat->family);
    if (unfit == NULL)
        unfit = system_addr_unfit(&span.hi, nat->family);
    if (unfit != NULL || !ct_addr_eq(&span.lo, &nat->lo)) {
        config_read_fail(r, "%s includes %s; use %s", config_read_show(r, s),
                         unfit != NULL ? unfit : "a host's bits", what);
        return false;
    }
    nat->hi = span.hi;
    nat->has_addr = true;
    return true;
}

bool config_nat_none(struct config_read *r, json_t *v, struct config_rule *c)
{
    static const char *const names[] = {"none"};

    (void)c;
    return config_read_choice(r, v, names, 1) == 0;
}

/* ---- ports and modifiers ---- */

static bool read_ports(struct config_read *r, const json_t *v,
                       struct ct_nat_range *nat)
{
    const char *s = json_string_value(v);
    struct ct_number_range ports;
    uint64_t port;

    if (s == NULL) {
        if (!config_read_uint(r, v, 1, 65535, &port))
            return false;
        ports = (struct ct_number_range){(uint16_t)port, (uint16_t)port};
    } else if (!system_addr_ports(s, &ports) || ports.lo == 0) {
        config_read_fail(r,
                         "%s is not a range of ports; use 1 to 65535, or "
                         "\"A-B\" with A <= B",
                         config_read_show(r, s));
        return false;
    }
    nat->has_ports = true;
    nat->port_lo = ports.lo;
    nat->port_hi = ports.hi;
    return true;
}

void config_nat_ports(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;

    c->modifier = "ports";
    if (c->rule.nat.has_ports) {
        config_read_fail(
            r, "ports are set twice; use them here or behind the address");
        c->failed = true;
        return;
    }
    c->failed |= !read_ports(r, v, &c->rule.nat);
}

void config_nat_random(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;

    c->modifier = "random";
    c->failed |= !config_read_bool(r, v, &c->rule.nat.random);
}

void config_nat_persistent(struct config_read *r, json_t *v, void *into)
{
    struct config_rule *c = into;

    c->modifier = "persistent";
    c->failed |= !config_read_bool(r, v, &c->rule.nat.persistent);
}

bool config_nat_masquerade(struct config_read *r, json_t *v,
                           struct config_rule *c)
{
    static const struct config_key keys[] = {
        {"ports", config_nat_ports},
        {"random", config_nat_random},
        {"persistent", config_nat_persistent},
    };

    if (json_is_true(v))
        return true;
    if (json_is_object(v)) {
        config_read_object(r, v, keys, CONFIG_READ_N(keys), NULL, c);
        return true;
    }
    config_read_fail(r,
                     "%s is not allowed here; use true or {\"ports\": \"A-B\", "
                     "\"random\": true, \"persistent\": true}",
                     config_read_kind(r, v));
    return false;
}

bool config_nat_redirect(struct config_read *r, json_t *v,
                         struct config_rule *c)
{
    bool ok = true;

    /* The answer of a service shows its own port, not whose packet was turned
     * to it: its owner could not be told from it. */
    if (r->config->gateway.set && r->config->workers > 1) {
        config_read_fail(r,
                         "redirect in gateway mode does not work with %u "
                         "workers in this version; use \"workers\": 1",
                         r->config->workers);
        ok = false;
    }
    /* true: to the router, the port stays */
    return (json_is_true(v) || read_ports(r, v, &c->rule.nat)) && ok;
}

/* One range of ports to one of the same size: each to its own. */
static bool is_port_shift(const struct ct_rule *rule)
{
    const struct ct_number_set *from = &rule->match.dport;

    return rule->action == CT_ACT_DNAT && rule->nat.has_ports &&
           !rule->nat.random && from->n == 1 && !from->negate &&
           from->r[0].hi - from->r[0].lo ==
               rule->nat.port_hi - rule->nat.port_lo;
}

void config_nat_check(struct config_read *r, struct config_rule *c)
{
    c->rule.nat.shifts = is_port_shift(&c->rule);

    if (c->rule.stage != CT_STAGE_NAT)
        return;
    if (c->rule.action == CT_ACT_NETMAP && c->rule.hook == CT_PREROUTING &&
        r->config->workers > 1)
        config_read_fail_in(r, "netmap", false,
                            "the hosts of this prefix have different workers; "
                            "use \"workers\": 1");
    if (c->rule.nat.has_ports && !config_match_has_ports(&c->rule.match))
        config_read_fail_in(r, c->action, false,
                            "a port needs a protocol that has ports; add "
                            "\"proto\" to the rule, one of%s",
                            config_match_ported());
}
