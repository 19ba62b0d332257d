/* world_config.c - see world_config.h; the statements: world.h */
#include "world_config.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { N_HOOKS = 5 };
static const char *const hooks[N_HOOKS] = {"prerouting", "input", "forward",
                                           "output", "postrouting"};

struct draft {
    char inside[256], outside[256];
    char lan_mtu[16], wan_mtu[16];
    char rules[N_HOOKS][4096];
    char policy[256], conntrack[512], timeouts[512];
    char tenants[1024], on_reload[16], routes[512];
    char masquerade[128], seed[24], max[16], buckets[16];
    bool hairpin;
};

static void __attribute__((format(printf, 3, 4)))
add(char *to, size_t room, const char *fmt, ...)
{
    size_t at = strlen(to);
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(to + at, room - at, fmt, ap);
    va_end(ap);
    if (strlen(to) + 1 == room) {
        fprintf(stderr, "world: too long: %s\n", to);
        abort();
    }
}

#define ADD(field, ...) add(field, sizeof(field), __VA_ARGS__)
#define SET(field, ...) ((field)[0] = '\0', ADD(field, __VA_ARGS__))
#define COMMA(field)    ((field)[0] ? "," : "")

/* "a,b" to "\"a\",\"b\"" */
static void list(char *to, size_t room, const char *words)
{
    to[0] = '\0';
    while (*words) {
        size_t n = strcspn(words, ", ");

        add(to, room, "%s\"%.*s\"", to[0] ? "," : "", (int)n, words);
        words += n;
        words += strspn(words, ", ");
    }
}

/* PROTO A:P -> B:P; a port may be a range, B alone keeps it. */
static bool dnat(struct draft *d, const char *s)
{
    char proto[16], from[64], to[64], *port;
    char *rules = d->rules[0];

    if (sscanf(s, "%15s %63s -> %63s", proto, from, to) != 3)
        return false;
    port = strrchr(from, ':');
    if (!port)
        return false;
    *port++ = '\0';
    add(rules, sizeof d->rules[0],
        "%s{\"proto\":\"%s\",\"dst\":\"%s\",\"dport\":\"%s\",\"dnat\":\"%s\"}",
        COMMA(d->rules[0]), proto, from, port, to);
    return true;
}

static bool rule(struct draft *d, const char *hook, const char *json)
{
    for (unsigned i = 0; i < N_HOOKS; i++)
        if (strcmp(hook, hooks[i]) == 0 && json[0] == '{') {
            ADD(d->rules[i], "%s%s", COMMA(d->rules[i]), json);
            return true;
        }
    return false;
}

static bool number(struct draft *d, const char *word, const char *rest)
{
    char name[64], value[64];

    if (strcmp(word, "max") == 0)
        SET(d->max, "%s", rest);
    else if (strcmp(word, "buckets") == 0)
        SET(d->buckets, "%s", rest);
    else if (strcmp(word, "on_full") == 0 || strcmp(word, "profile") == 0)
        ADD(d->conntrack, ",\"%s\":\"%s\"", word, rest);
    else if (sscanf(rest, "%63s %63s", name, value) != 2)
        return false;
    else if (strcmp(word, "timeout") == 0)
        ADD(d->timeouts, "%s\"%s\":%s", COMMA(d->timeouts), name, value);
    else if (strcmp(word, "tune") == 0)
        ADD(d->conntrack, ",\"%s\":%s", name, value);
    else if (strcmp(word, "policy") == 0)
        ADD(d->policy, "%s\"%s\":\"%s\"", COMMA(d->policy), name, value);
    else if (strcmp(word, "mtu") == 0 && strcmp(name, "lan") == 0)
        SET(d->lan_mtu, "%s", value);
    else if (strcmp(word, "mtu") == 0)
        SET(d->wan_mtu, "%s", value);
    else
        return false;
    return true;
}

/* NAME ADDR/LEN,...: one more interface. */
static bool further(struct draft *d, const char *side, const char *rest)
{
    char name[16], given[64], addresses[128] = "";

    if (sscanf(rest, "%15s %63s", name, given) != 2)
        return false;
    list(addresses, sizeof addresses, given);
    ADD(d->tenants,
        ",\"%s\":{\"tun\":\"t%s\",\"side\":\"%s\",\"address\":[%s]}", name,
        name, side, addresses);
    return true;
}

/* PREFIX IFACE. */
static bool route(struct draft *d, const char *rest)
{
    char to[64], iface[16];

    if (sscanf(rest, "%63s %15s", to, iface) != 2)
        return false;
    ADD(d->routes, ",{\"to\":\"%s\",\"interface\":\"%s\"}", to, iface);
    return true;
}

static bool statement(struct draft *d, const char *s)
{
    char word[32];
    int n = 0;
    const char *rest;

    if (sscanf(s, "%31s %n", word, &n) != 1)
        return true; /* empty */
    rest = s + n;
    if (strcmp(word, "inside") == 0)
        list(d->inside, sizeof d->inside, rest);
    else if (strcmp(word, "outside") == 0)
        list(d->outside, sizeof d->outside, rest);
    else if (strcmp(word, "hairpin") == 0)
        d->hairpin = strcmp(rest, "on") == 0;
    else if (strcmp(word, "masquerade") == 0)
        SET(d->masquerade, "%s", rest);
    else if (strcmp(word, "seed") == 0)
        SET(d->seed, "%s", rest);
    else if (strcmp(word, "dnat") == 0)
        return dnat(d, rest);
    else if (strcmp(word, "tenant") == 0)
        return further(d, "inside", rest);
    else if (strcmp(word, "uplink") == 0)
        return further(d, "outside", rest);
    else if (strcmp(word, "route") == 0)
        return route(d, rest);
    else if (strcmp(word, "on_reload") == 0)
        SET(d->on_reload, "%s", rest);
    else
        return rule(d, word, rest) || number(d, word, rest);
    return true;
}

static char *render(struct draft *d)
{
    enum { ROOM = 32768 };
    char *json = calloc(1, ROOM);

    if (!json)
        abort();
    if (strcmp(d->masquerade, "on") == 0)
        rule(d, "postrouting", "{\"out\":\"wan\",\"masquerade\":true}");
    else if (strcmp(d->masquerade, "off") != 0)
        ADD(d->rules[4],
            "%s{\"out\":\"wan\",\"proto\":[\"tcp\",\"udp\"],"
            "\"masquerade\":true,\"ports\":\"%s\"}",
            COMMA(d->rules[4]), d->masquerade);
    add(json, ROOM,
        "{\"interfaces\":{\"lan\":{\"tun\":\"l\",\"side\":\"inside\","
        "\"address\":[%s],\"mtu\":%s},\"wan\":{\"tun\":\"w\",\"side\":"
        "\"outside\",\"address\":[%s],\"mtu\":%s}%s},\"on_reload\":\"%s\","
        "\"routes\":[{\"to\":"
        "\"default\",\"interface\":\"wan\"}%s],\"rules\":{",
        d->inside, d->lan_mtu, d->outside, d->wan_mtu, d->tenants, d->on_reload,
        d->routes);
    for (unsigned i = 0; i < N_HOOKS; i++)
        add(json, ROOM, "%s\"%s\":[%s]", i ? "," : "", hooks[i], d->rules[i]);
    add(json, ROOM,
        "},\"policy\":{%s},\"conntrack\":{\"acct\":true,\"timestamp\":true,"
        "\"max\":%s,\"buckets\":%s%s,\"timeouts\":{%s}},\"nat\":{\"hairpin\":%"
        "s},\"queues\":{\"list\":[{\"number\":0},{\"number\":1}]},"
        "\"seed\":%s}",
        d->policy, d->max, d->buckets, d->conntrack, d->timeouts,
        d->hairpin ? "true" : "false", d->seed);
    return json;
}

char *world_config(const char *statements, bool *masquerade)
{
    struct draft *d = calloc(1, sizeof *d);
    char one[4096], *json;

    if (!d)
        abort();
    statement(d, "inside 10.0.1.1/24,fd00:1::1/64");
    statement(d, "outside 198.51.100.1/24,2001:db8::1/64");
    statement(d, "mtu lan 1500");
    statement(d, "mtu wan 1500");
    statement(d, "masquerade on");
    statement(d, "seed 1");
    statement(d, "on_reload keep");
    statement(d, "max 4096");
    statement(d, "buckets 4096");
    while (*statements) {
        size_t n = strcspn(statements, ";");

        if (n >= sizeof one)
            abort();
        memcpy(one, statements, n);
        while (n > 0 && one[n - 1] == ' ')
            n--;
        one[n] = '\0';
        if (!statement(d, one)) {
            fprintf(stderr, "world: not understood: %s\n", one);
            abort();
        }
        statements += strcspn(statements, ";");
        statements += *statements == ';';
    }
    *masquerade = strcmp(d->masquerade, "off") != 0;
    json = render(d);
    free(d);
    return json;
}
