/* kinds.c - every value of a configuration, as one of each kind
 *
 * The readers go on behind an error, so that all of them are told in one run.
 * What they make in the end must then do without the value that was refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <jansson.h>

#include "config/jsonc.h"
#include "config_rig.h"

static const char *const kinds[] = {"null", "true",   "1",   "-1", "1.5",
                                    "\"\"", "\"ab\"", "[]",  "{}", "[[]]",
                                    "[1]",  "[null]", "[{}]"};

#define N_KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* A gateway, with nearly every key that a rule may have. */
static const char gateway[] =
    "{\"gateway\": {\"lan\": \"eth0\", \"wan\": \"eth1\", \"more\": "
    "{\"dmz\": {\"device\": \"eth2\", \"side\": \"inside\"}}, "
    "\"reserved_ports\": [\"4000-4999\"], \"offloads\": false, \"notrack\": "
    "true, \"txqueuelen\": 1000, \"wait\": true}, \"queues\": {\"socket\": "
    "\"/run/weir/q.sock\", \"list\": [{\"number\": 1, \"max\": 16, "
    "\"bypass\": true, \"fail_open\": true, \"timeout_ms\": 100, \"resize\": "
    "true}]}, \"sets\": {\"office\": [\"10.0.1.0/25\", \"10.0.9.7\"]}, "
    "\"policy\": {\"forward\": \"drop\"}, \"conntrack\": {\"profile\": "
    "\"weir\", \"extensions\": 64, \"timeouts\": {\"udp\": 30}}, \"rules\": "
    "{\"prerouting\": [{\"notrack\": true, \"proto\": \"udp\"}, {\"proto\": "
    "\"tcp\", \"dport\": 21, \"helper\": \"ftp\"}, {\"set_zone\": 3, \"in\": "
    "\"lan\"}, {\"set_zone_orig\": 4}, {\"in\": "
    "\"wan\", \"proto\": \"tcp\", \"dport\": [80, \"8000-8010\"], \"dnat\": "
    "\"10.0.1.2:80-90\"}, {\"proto\": \"tcp\", \"dport\": 99, \"redirect\": "
    "100}], \"input\": [{\"set_mark\": 7}, {\"limit\": \"over 10/second "
    "burst 5\", \"proto\": \"icmp\", \"icmp_type\": 8, \"verdict\": "
    "\"accept\"}], \"output\": [{\"set_dscp\": 10, \"dst\": \"!@office\"}, "
    "{\"set_ttl\": 64}], \"forward\": [{\"id\": \"a\", \"src\": \"@office\", "
    "\"verdict\": \"queue 1\"}, {\"ct_state\": [\"new\"], \"connlimit\": 3, "
    "\"verdict\": \"drop\", \"comment\": \"c\", \"log\": true}, {\"mss\": "
    "\"pmtu\", \"proto\": \"tcp\"}, {\"not_label\": 4, \"set_label\": 5}, "
    "{\"label\": 3}, {\"mark\": 1, \"zone\": 2, \"ct_status\": "
    "[\"assured\"], \"verdict\": \"reject\", \"reject_with\": "
    "\"admin-prohibited\", \"counter\": true}, {\"timeouts\": {\"udp\": 10}, "
    "\"proto\": \"udp\"}], \"postrouting\": [{\"out\": \"wan\", \"snat\": "
    "\"198.51.100.7\", \"ports\": \"1024-2000\", \"random\": true, "
    "\"persistent\": true, \"proto\": \"udp\"}, {\"src\": \"10.0.1.0/24\", "
    "\"netmap\": \"198.51.100.0/24\"}, {\"family\": \"ipv4\", \"nat\": "
    "\"none\"}, {\"masquerade\": true, \"sport\": 99, \"proto\": \"udp\"}]}}";

static unsigned n_values;

static bool try_text(const json_t *root)
{
    char *text = json_dumps(root, JSON_ENCODE_ANY);
    struct told t;
    struct config *c;
    int code = parse(text, &c, &t);

    assert_int_equal(code == 0, c != NULL);
    assert_int_equal(code == 0, t.n == 0);
    assert_true(code == 0 || (code == 2 && t.message[0] != '\0'));
    config_load_free(c);
    free(text);
    return code == 0;
}

static void try_kinds(json_t *root, json_t *parent, const char *key, size_t at)
{
    json_t *was = json_incref(key != NULL ? json_object_get(parent, key)
                                          : json_array_get(parent, at));
    unsigned taken = 0;

    for (size_t k = 0; k < N_KINDS; k++) {
        json_t *v = json_loads(kinds[k], JSON_DECODE_ANY, NULL);

        if (key != NULL)
            json_object_set_new(parent, key, v);
        else
            json_array_set_new(parent, at, v);
        taken += try_text(root);
    }
    if (key != NULL)
        json_object_set_new(parent, key, was);
    else
        json_array_set_new(parent, at, was);
    assert_true(taken < N_KINDS); /* no value may be just anything */
    n_values++;
}

/* Depth first: what lies in a value, then the value. */
static void walk(json_t *root, json_t *v)
{
    const char *key;
    json_t *child;
    size_t at;
    void *next;

    json_object_foreach_safe(v, next, key, child)
    {
        walk(root, child);
        try_kinds(root, v, key, 0);
    }
    json_array_foreach(v, at, child)
    {
        walk(root, child);
        try_kinds(root, v, NULL, at);
    }
}

static void each_value_of(const char *text, unsigned at_least)
{
    size_t len = strlen(text);
    char *clean = malloc(len + 1);
    struct jsonc_error error;
    json_t *root;

    assert_true(jsonc_clean(text, len, clean, &error));
    root = json_loadb(clean, len, 0, NULL);
    assert_non_null(root);
    assert_true(try_text(root));
    n_values = 0;
    walk(root, root);
    assert_in_range(n_values, at_least, 1000);
    json_decref(root);
    free(clean);
}

static void the_example_with_each_kind(void **state)
{
    (void)state;
    each_value_of(example, 50);
}

static void a_gateway_with_each_kind(void **state)
{
    (void)state;
    each_value_of(gateway, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_example_with_each_kind),
        cmocka_unit_test(a_gateway_with_each_kind),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
