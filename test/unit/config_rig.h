/* config_rig.h - what the tests of the configuration share: a small file, the
 * example of the interface description, and a reader that notes errors */
#ifndef CONFIG_RIG_H
#define CONFIG_RIG_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config/config.h"
#include "config/load.h"
#include "config/print.h"

#define IFACES                                                                 \
    "\"interfaces\": {\"lan\": {\"tun\": \"l0\", \"side\": \"inside\", "       \
    "\"address\": [\"10.0.1.1/24\", \"fd00:1::1/64\"]}, \"wan\": {\"tun\": "   \
    "\"w0\", \"side\": \"outside\", \"address\": [\"198.51.100.1/24\"]}},\n"

struct told {
    unsigned n;
    uint32_t line, column; /* of the first */
    char pointer[128], message[900], env[64];
};

static inline void note(void *ctx, const struct config_error *e)
{
    struct told *t = ctx;

    if (t->n++ > 0)
        return;
    t->line = e->line;
    t->column = e->column;
    snprintf(t->pointer, sizeof(t->pointer), "%s", e->pointer);
    snprintf(t->message, sizeof(t->message), "%s", e->message);
    snprintf(t->env, sizeof(t->env), "%s", e->env != NULL ? e->env : "");
}

static inline int parse_with(const char *text, const struct config_input *in,
                             struct config **out, struct told *t)
{
    size_t len = strlen(text);
    char *exact = malloc(len + 1); /* ASan sees a byte read too far */
    int code;

    memset(t, 0, sizeof(*t));
    memcpy(exact, text, len);
    code = config_load_text(exact, len, in, out, note, t);
    free(exact);
    return code;
}

static inline int parse(const char *text, struct config **out, struct told *t)
{
    return parse_with(text, NULL, out, t);
}

/* What --print-config says; to be freed.  Not inline: gcc 12 takes what
 * open_memstream() wrote for the local's own address (-Wdangling-pointer). */
static __attribute__((noinline, unused)) char *printed(const struct config *c)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);

    config_print(c, f);
    fclose(f);
    return text;
}

static const char example[] __attribute__((unused)) =
    "// The example of the interface description, word for word.\n"
    "{\n"
    "  \"interfaces\": {\n"
    "    \"lan\": { \"tun\": \"weir-lan\", \"side\": \"inside\",  "
    "\"address\": [\"10.0.1.1/24\", \"fd00:1::1/64\"], \"mtu\": 1500 },\n"
    "    \"wan\": { \"tun\": \"weir-wan\", \"side\": \"outside\", "
    "\"address\": [\"198.51.100.1/24\"], \"mtu\": 1500 }\n"
    "  },\n"
    "  \"routes\": [ { \"to\": \"default\", \"interface\": \"wan\" } ], // "
    "all\n"
    "  \"rules\": {\n"
    "    \"prerouting\":  [ { \"in\": \"wan\", \"proto\": \"tcp\", \"dst\": "
    "\"198.51.100.1\", \"dport\": 8080, \"dnat\": \"10.0.1.2:80\" } ],\n"
    "    \"forward\":     [ { \"ct_state\": [\"invalid\"], \"verdict\": "
    "\"drop\" } ],\n"
    "    \"postrouting\": [ { \"out\": \"wan\", \"masquerade\": true } ]\n"
    "  },\n"
    "  \"policy\":    { \"input\": \"accept\", \"forward\": \"accept\", "
    "\"output\": \"accept\" },\n"
    "  \"sets\":      { \"office\": [ \"10.0.1.0/25\", \"10.0.9.7\" ] },\n"
    "  \"conntrack\": { \"max\": 262144, \"buckets\": 262144, \"profile\": "
    "\"linux\", \"on_full\": \"drop\", \"acct\": true, \"timestamp\": true,\n"
    "                 \"timeouts\": { \"udp\": 30, \"udp_stream\": 120 } },\n"
    "  \"nat\":       { \"hairpin\": false },\n"
    "  \"on_reload\": \"keep\",\n"
    "  \"workers\":   1,\n"
    "  \"seed\":      null,\n"
    "  \"api\":       { \"listen\": \"127.0.0.1:8080\", \"socket\": "
    "\"/run/weir/weir.sock\", \"token_file\": null },\n"
    "  \"log\":       { \"level\": \"info\", \"format\": \"text\" }\n"
    "}\n";

#endif
