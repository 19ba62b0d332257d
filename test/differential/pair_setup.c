/* pair_setup.c - rules and settings that say the same to both */
#include "pair_impl.h"

#include "world_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char pair_masquerade[] =
    " chain out { type nat hook postrouting priority "
    "srcnat;\n"
    "  oifname kwan masquerade\n"
    " }\n"
    " chain leak { type filter hook postrouting "
    "priority 200;\n"
    "  oifname kwan ip saddr 10.0.1.0/24 drop\n"
    "  oifname kwan ip6 saddr fd00:1::/64 drop\n"
    " }\n";

/* The sentinel (192.0.2.1) is not tracked.  INVALID packets for the router
 * itself are dropped by both: the kernel's own sockets would answer some. */
static const char always[] =
    "table inet pair {\n"
    " chain quiet { type filter hook prerouting priority raw;\n"
    "  ip saddr 192.0.2.1 notrack\n"
    " }\n"
    " chain own { type filter hook input priority 0;\n"
    "  ct state invalid drop\n"
    " }\n"
    "%s}\n";

static const char statements_always[] =
    "max 1024; buckets 1024; "
    "outside 198.51.100.1/24,172.16.5.1/24,2001:db8::1/64,2001:db8:5::1/64; "
    "input {\"ct_state\":[\"invalid\"],"
    "\"verdict\":\"drop\"}; ";

static const struct {
    const char *name;
    int kernel; /* its default, which profile linux has, too */
} params[] = {
#define P(name, linux_, weir, rfc, min, max, unit, when, help) {#name, linux_},
    CT_PARAMS(P)
#undef P
};
enum { N_PARAMS = sizeof params / sizeof *params };

/* Which row of params.def the "NAME N" at text is; N_PARAMS: none. */
static unsigned setting(const char *text, char name[64], int *value)
{
    unsigned i = N_PARAMS;

    if (sscanf(text, " %63s %d", name, value) == 2)
        for (i = 0; i < N_PARAMS && strcmp(params[i].name, name) != 0; i++)
            ;
    return i;
}

/* "udp_stream" is udp_timeout_stream there. */
static bool kernel_set(struct pair *p, unsigned param, int value)
{
    const char *name = params[param].name, *rest = strchr(name, '_');
    char path[128];

    if (strcmp(name, "tcp_max_retrans_nr") == 0)
        name = "tcp_max_retrans";
    if (param >= CT_N_TIMEOUTS)
        snprintf(path, sizeof path, "netfilter/nf_conntrack_%s", name);
    else
        snprintf(path, sizeof path, "netfilter/nf_conntrack_%.*s_timeout%s",
                 (int)strcspn(name, "_"), name, rest ? rest : "");
    return kernel_sysctl(p->kernel, path, value);
}

static const char *behind(const char *text)
{
    const char *end = strchr(text, ';');

    return end ? end + 1 : text + strlen(text);
}

/* The kernel back to its defaults, and then to set; statements for weir. */
static bool apply(struct pair *p, const char *set, char *statements,
                  size_t room)
{
    char name[64];
    int value;

    for (const char *s = p->set; *s; s = behind(s)) {
        unsigned i = setting(s, name, &value);

        if (i < N_PARAMS)
            kernel_set(p, i, params[i].kernel);
    }
    snprintf(p->set, sizeof p->set, "%s", set);
    for (const char *s = set; *s; s = behind(s)) {
        unsigned i = setting(s, name, &value);

        if (i == N_PARAMS || !kernel_set(p, i, value))
            return false;
        pair_say(statements, room, "%s %s %d; ",
                 i < CT_N_TIMEOUTS ? "timeout" : "tune", name, value);
    }
    return true;
}

static void dropped(void *ctx, const struct ct_pkt *pkt)
{
    struct pair *p = ctx;

    for (unsigned i = 0; i < PAIR_TWINS; i++)
        if (p->twin[i])
            twin_dropped(p->twin[i], pkt);
}

void pair_end_twins(struct pair *p)
{
    for (unsigned i = 0; i < PAIR_TWINS; i++)
        if (p->twin[i]) {
            twin_close(p->twin[i]);
            p->twin[i] = NULL;
        }
    p->twins[0] = '\0';
}

static void make_twins(struct pair *p, const char *json)
{
    static const unsigned workers[PAIR_TWINS] = {2, 4};

    for (unsigned i = 0; i < PAIR_TWINS; i++)
        p->twin[i] = twin_open(json, p->rig.now, false, workers[i]);
}

bool pair_setup(struct pair *p, const char *nft, const char *statements,
                const char *set)
{
    char text[sizeof p->nft + 1024], all[4096];
    bool masquerade;
    char *json;

    if (strcmp(p->nft, nft) != 0) {
        snprintf(text, sizeof text, always, nft);
        if (!kernel_rules(p->kernel, text))
            return false;
        snprintf(p->nft, sizeof p->nft, "%s", nft);
    }
    if (p->device) {
        pair_clear(p);
        return *statements == '\0' && *set == '\0';
    }
    snprintf(all, sizeof all, "%s", statements_always);
    if (!apply(p, set, all, sizeof all))
        return false;
    pair_say(all, sizeof all, "%s", statements);
    p->deaf = true;
    if (p->rig.ct)
        rig_close(&p->rig);
    pair_end_twins(p);
    json = world_config(all, &masquerade);
    pair_clock(p);
    rig_open(&p->rig, json, p->rig.now,
             &(struct rig_calls){.tx = pair_weir_left,
                                 .dropped = dropped,
                                 .event = pair_weir_event,
                                 .ctx = p});
    make_twins(p, json);
    free(json);
    pair_clear(p);
    return true;
}
