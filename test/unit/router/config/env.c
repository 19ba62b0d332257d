/* env.c - WEIR_* options, each of them
 *
 * Which keys there are is asked of the readers themselves: a key that no row
 * knows makes them name all that they have.  So a scalar that is added without
 * its variable, or without a row here, fails. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config_rig.h"

#define ETH   "\"gateway\": {\"lan\": \"eth0\", \"wan\": \"eth1\"}"
#define TOKEN "0123456789abcdef0123456789abcdef"

static int parse_env(const char *text, const char *const *env,
                     struct config **c, struct told *t)
{
    char *copy[8] = {NULL};
    struct config_input in = {.env = copy};
    int code;

    for (unsigned i = 0; env[i] != NULL; i++)
        copy[i] = strdup(env[i]);
    code = parse_with(text, &in, c, t);
    for (unsigned i = 0; i < 8; i++)
        free(copy[i]);
    return code;
}

static struct config *fine_env(const char *text, const char *const *env)
{
    struct config *c;
    struct told t;

    if (parse_env(text, env, &c, &t) != 0)
        fail_msg("%s\n%u:%u %s %s: %s", text, t.line, t.column, t.env,
                 t.pointer, t.message);
    return c;
}

#define ENV(...) ((const char *const[]){__VA_ARGS__, NULL})

/* ---- every option ---- */

static const struct {
    const char *name, *legal, *shown, *illegal;
} rows[] = {
    {"WEIR_WORKERS", "3", "3", "0"},
    {"WEIR_SEED", "7", "7", "-1"},
    {"WEIR_ON_RELOAD", "keep", "keep", "kill"},
    {"WEIR_GATEWAY_LAN", "10.0.0.0/8", "10.0.0.0/8", "10.0.0.1/8"},
    {"WEIR_GATEWAY_WAN", "ppp0", "ppp0", "eth0"},
    {"WEIR_GATEWAY_RESERVED_PORTS", "22, 80-90", "22,80-90", "22,x"},
    {"WEIR_GATEWAY_NOTRACK", "true", "true", "yes"},
    {"WEIR_GATEWAY_OFFLOADS", "false", "false", "yes"},
    {"WEIR_GATEWAY_WAIT", "true", "true", "yes"},
    {"WEIR_GATEWAY_TXQUEUELEN", "500", "500", "0"},
    {"WEIR_POLICY_INPUT", "drop", "drop", "no"},
    {"WEIR_POLICY_FORWARD", "drop", "drop", "DROP"},
    {"WEIR_POLICY_OUTPUT", "accept", "accept", "1"},
    {"WEIR_CONNTRACK_MAX", "1000", "1000", "1e3"},
    {"WEIR_CONNTRACK_BUCKETS", "65536", "65536", "99999999999999999999"},
    {"WEIR_CONNTRACK_PROFILE", "rfc", "rfc", "bsd"},
    {"WEIR_CONNTRACK_ON_FULL", "reject", "reject", "panic"},
    {"WEIR_CONNTRACK_ACCT", "false", "false", "off"},
    {"WEIR_CONNTRACK_TIMESTAMP", "0", "false", "2"},
    {"WEIR_NAT_HAIRPIN", "true", "true", "yes"},
    {"WEIR_API_LISTEN", "[::1]:80", "[::1]:80", "0.0.0.0:80"},
    {"WEIR_API_SOCKET", "/tmp/s", "/tmp/s",
     "/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/"
     "0123456789/0123456789/0123456789/0123456789"},
    {"WEIR_API_TOKEN_FILE", "none", "none", "/nowhere/at/all"},
    {"WEIR_API_URL", "http://a:81", "http://a:81/", "a:81"},
    {"WEIR_LOG_LEVEL", "debug", "debug", "loud"},
    {"WEIR_LOG_FORMAT", "json", "json", "xml"},
    {"WEIR_QUEUES_SOCKET", "/tmp/q", "/tmp/q",
     "/0123456789/0123456789/0123456789/0123456789/0123456789/0123456789/"
     "0123456789/0123456789/0123456789/0123456789"},
};
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

/* An option of params.def is legal at its least, illegal beyond its most. */
static void check_option(const char *name, const char *key, const char *legal,
                         const char *shown, const char *illegal)
{
    char good[300], bad[300], line[400], line_key[64], *text;
    struct config *c;
    struct told t;

    snprintf(good, sizeof(good), "%s=%s", name, legal);
    snprintf(bad, sizeof(bad), "%s=%s", name, illegal);
    c = fine_env("{" ETH "}", ENV(good));
    text = printed(c);
    snprintf(line_key, sizeof(line_key), "%-38s", key);
    snprintf(line, sizeof(line), "%s env %s ", line_key, name);
    if (strstr(text, line) == NULL || strstr(strstr(text, line), shown) == NULL)
        fail_msg("%s is not shown as %s ... %s:\n%s", good, line, shown, text);
    free(text);
    config_load_free(c);
    assert_int_equal(parse_env("{" ETH "}", ENV(bad), &c, &t), 2);
    if (t.n != 1 || strcmp(t.env, name) != 0 || t.line != 0)
        fail_msg("%s: %u errors, %u:%u %s: %s", bad, t.n, t.line, t.column,
                 t.env, t.message);
    assert_non_null(strstr(t.message, "; expected "));
}

static void check_key(const char *section, const char *key, unsigned *seen)
{
    char name[80], dotted[80];
    size_t n = (size_t)snprintf(name, sizeof(name), "WEIR%s/%s", section, key);

    for (size_t i = 0; i < n; i++)
        name[i] = name[i] == '/' ? '_' : (char)toupper((unsigned char)name[i]);
    snprintf(dotted, sizeof(dotted), "%s/%s", section, key);
    for (char *c = dotted; *c != '\0'; c++)
        *c = *c == '/' ? '.' : *c;
    for (unsigned i = 0; i < N_ROWS; i++)
        if (strcmp(rows[i].name, name) == 0) {
            check_option(name, dotted + 1, rows[i].legal, rows[i].shown,
                         rows[i].illegal);
            ++*seen;
            return;
        }
    for (unsigned i = 0; i < CT_N_PARAMS; i++) {
        const struct ct_param_info *info = ct_param_info(i);
        char least[16], beyond[16];

        if (strcmp(info->name, key) != 0)
            continue;
        snprintf(least, sizeof(least), "%u", info->min);
        snprintf(beyond, sizeof(beyond), "%u", info->max + 1);
        check_option(name, dotted + 1, least, least, beyond);
        ++*seen;
        return;
    }
    fail_msg("%s has no row in this test", name);
}

/* Names that hold others. */
static bool is_scalar(const char *section, const char *key)
{
    static const char *const others[] = {
        "/interfaces", "/gateway",     "/gateway/more",
        "/routes",     "/sets",        "/rules",
        "/policy",     "/conntrack",   "/conntrack/timeouts",
        "/nat",        "/api",         "/log",
        "/queues",     "/queues/list",
    };
    char whole[80];

    snprintf(whole, sizeof(whole), "%s/%s", section, key);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        if (strcmp(whole, others[i]) == 0)
            return false;
    return true;
}

static void every_scalar_has_its_variable(void **state)
{
    static const struct {
        const char *section, *text;
    } places[] = {
        {"", "{" ETH ", \"?\": 1}"},
        {"/gateway",
         "{\"gateway\": {\"lan\": \"a\", \"wan\": \"b\", \"?\": 1}}"},
        {"/policy", "{" ETH ", \"policy\": {\"?\": 1}}"},
        {"/conntrack", "{" ETH ", \"conntrack\": {\"?\": 1}}"},
        {"/conntrack/timeouts",
         "{" ETH ", \"conntrack\": {\"timeouts\": {\"?\": 1}}}"},
        {"/nat", "{" ETH ", \"nat\": {\"?\": 1}}"},
        {"/api", "{" ETH ", \"api\": {\"?\": 1}}"},
        {"/log", "{" ETH ", \"log\": {\"?\": 1}}"},
        {"/queues", "{" ETH ", \"queues\": {\"?\": 1}}"},
    };
    unsigned seen = 0;

    (void)state;
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        struct config *c;
        struct told t;
        char *list, *key, *rest = NULL;

        assert_int_equal(parse(places[i].text, &c, &t), 2);
        list = strstr(t.message, "expected one of ");
        assert_non_null(list);
        for (key = strtok_r(list + 16, ", ", &rest); key != NULL;
             key = strtok_r(NULL, ", ", &rest))
            if (is_scalar(places[i].section, key))
                check_key(places[i].section, key, &seen);
    }
    assert_int_equal(seen, N_ROWS + CT_N_PARAMS); /* and no row too many */
}

/* ---- who wins ---- */

static void has_row(const char *text, const char *key, const char *source,
                    const char *value)
{
    char line[200];

    snprintf(line, sizeof(line), "%-38s %s %s\n", key, source, value);
    if (strstr(text, line) == NULL)
        fail_msg("no line\n%sin\n%s", line, text);
}

static void the_environment_wins_over_the_file(void **state)
{
    struct config *c = fine_env(
        "{" ETH ", \"workers\": 2, \"log\": {\"level\": \"warn\"}, "
        "\"conntrack\": {\"profile\": \"linux\", \"timeouts\": {\"udp\": 9}}}",
        ENV("WEIR_LOG_LEVEL=error", "WEIR_CONNTRACK_PROFILE=rfc",
            "WEIR_WORKERS=", "HOME=/", "WEIR_CONNTRACK_TCP_LOOSE=false"));
    char *text = printed(c);

    (void)state;
    assert_int_equal(c->log_level, LOG_L_ERROR);
    assert_int_equal(c->workers, 2); /* empty is as not set */
    assert_int_equal(c->params.v[CT_PARAM_udp], 9);
    assert_int_equal(c->params.v[CT_PARAM_udp_stream], 300);
    assert_int_equal(c->params.v[CT_PARAM_tcp_loose], 0);
    assert_true(c->hairpin);
    /* As wide as the longest variable needs it. */
    has_row(text, "log.level", "env WEIR_LOG_LEVEL          ", "error");
    has_row(text, "workers", "file                        ", "2");
    has_row(text, "log.format", "default                     ", "text");
    free(text);
    config_load_free(c);
}

static void the_environment_alone_is_enough(void **state)
{
    char *env[] = {(char[]){"WEIR_GATEWAY_LAN=eth0"},
                   (char[]){"WEIR_GATEWAY_WAN=eth1"},
                   (char[]){"WEIR_GATEWAY_RESERVED_PORTS=22,8080-8090"},
                   (char[]){"WEIR_SOCKET=/tmp/x.sock"}, NULL};
    struct config_input in = {.env = env};
    struct config *c, *again;
    struct told t = {.n = 0};

    (void)state;
    assert_int_equal(config_load_try(NULL, &in, &c, note, &t), 0);
    assert_true(c->gateway.set);
    assert_string_equal(c->gateway.device[1], "eth1");
    assert_int_equal(c->gateway.reserved.n, 2);
    assert_int_equal(c->gateway.reserved.range[1].hi, 8090);
    assert_string_equal(c->web.socket, "/tmp/x.sock");
    assert_string_equal(c->text, "{}");
    assert_int_equal(parse_with(c->text, &in, &again, &t), 0);
    assert_string_equal(again->gateway.device[1], "eth1");
    config_load_free(again);
    config_load_free(c);
    assert_int_equal(config_load_try(NULL, NULL, &c, note, &t), 2);
    assert_non_null(strstr(t.message, "neither \"gateway\""));
}

/* Their names are free, so each variable says one. */
static void further_devices_have_variables(void **state)
{
    struct config *c = fine_env(
        "{\"gateway\": {\"lan\": \"eth0\", \"wan\": \"eth1\", \"more\": "
        "{\"dmz\": {\"device\": \"eth2\", \"side\": \"outside\"}}}}",
        ENV("WEIR_GATEWAY_MORE_UP_2_DEVICE=10.1.0.0/16",
            "WEIR_GATEWAY_MORE_DMZ_SIDE=inside",
            "WEIR_GATEWAY_MORE_UP_2_SIDE=outside",
            "WEIR_GATEWAY_MORE_X_SIDE="));
    char *text = printed(c);

    (void)state;
    assert_int_equal(c->gateway.n, 4);
    assert_string_equal(c->gateway.name[2], "dmz");
    assert_string_equal(c->gateway.device[2], "eth2");
    assert_true(c->gateway.inside[2]);
    assert_string_equal(c->gateway.name[3], "up_2");
    assert_string_equal(c->gateway.device[3], "10.1.0.0/16");
    assert_false(c->gateway.inside[3]);
    has_row(text, "gateway.more.dmz.device",
            "file                             ", "eth2");
    has_row(text, "gateway.more.dmz.side", "env WEIR_GATEWAY_MORE_DMZ_SIDE   ",
            "inside");
    has_row(text, "gateway.more.up_2.device",
            "env WEIR_GATEWAY_MORE_UP_2_DEVICE", "10.1.0.0/16");
    free(text);
    config_load_free(c);
}

/* ---- errors ---- */

static const struct {
    const char *text, *entry, *env, *says; /* env "": not its fault */
} errors[] = {
    {"{" ETH "}", "WEIR_LOG_LEVL=debug", "WEIR_LOG_LEVL",
     "did you mean WEIR_LOG_LEVEL;"},
    {"{" ETH "}", "WEIR_CONNTRACK_TIMEOUT_UDP=3", "WEIR_CONNTRACK_TIMEOUT_UDP",
     "did you mean WEIR_CONNTRACK_TIMEOUTS_UDP;"},
    {"{" ETH "}", "WEIR_CONNTRACK_UDP=3", "WEIR_CONNTRACK_UDP",
     "no option has this name"},
    {"{" ETH "}", "WEIR_WORKER=3", "WEIR_WORKER", "did you mean WEIR_WORKERS;"},
    {"{" ETH "}", "WEIR_LOG_LEVEL=\xff", "WEIR_LOG_LEVEL", "not UTF-8"},
    {"{" ETH "}", "WEIR_GATEWAY_RESERVED_PORTS=1,\xff",
     "WEIR_GATEWAY_RESERVED_PORTS", "not UTF-8"},
    {"{" ETH "}", "WEIR_GATEWAY_RESERVED_PORTS=1,,2",
     "WEIR_GATEWAY_RESERVED_PORTS", "this is \"\""},
    {"{}", "WEIR_GATEWAY_LAN=eth0", "WEIR_GATEWAY_LAN", "\"wan\" is missing"},
    {"{" ETH "}", "WEIR_GATEWAY_MORE_DMZ_DEVICE=eth2",
     "WEIR_GATEWAY_MORE_DMZ_DEVICE", "\"side\" is missing"},
    {"{" ETH "}", "WEIR_GATEWAY_MORE_DMZ_SIDE=in", "WEIR_GATEWAY_MORE_DMZ_SIDE",
     ""},
    {"{" ETH "}", "WEIR_GATEWAY_MORE_LAN_SIDE=inside",
     "WEIR_GATEWAY_MORE_LAN_SIDE", "neither lan nor wan"},
    {"{" ETH "}", "WEIR_GATEWAY_MORE_A/B_SIDE=inside",
     "WEIR_GATEWAY_MORE_A/B_SIDE", "no option has this name"},
    {"{" ETH "}", "WEIR_GATEWAY_MORE__SIDE=inside", "WEIR_GATEWAY_MORE__SIDE",
     "no option has this name"},
    {"{" ETH "}", "WEIR_GATEWAY_MORE=eth2", "WEIR_GATEWAY_MORE",
     "no option has this name"},
    {"{" IFACES "}", "WEIR_GATEWAY_LAN=eth0", "WEIR_GATEWAY_LAN", ""},
    {"{" ETH ", \"log\": {\"level\": \"loud\"}}", "WEIR_LOG_FORMAT=json", "",
     "loud"},
    {"{" ETH ", \"log\": 7}", "WEIR_LOG_LEVEL=info", "", "this is 7"},
    {"{" ETH ", \"workers\": 64, \"conntrack\": {\"max\": 262144}}",
     "WEIR_CONNTRACK_MAX=64", "WEIR_CONNTRACK_MAX", "64 workers"},
    {"[]", "WEIR_LOG_LEVEL=info", "", "expected an object"},
    {"{" ETH "}", "WEIR_API_TOKEN=short", "WEIR_API_TOKEN", "5 characters"},
};

static void errors_name_the_variable(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
        struct config *c;
        struct told t;

        assert_int_equal(
            parse_env(errors[i].text, ENV(errors[i].entry), &c, &t), 2);
        if (strcmp(t.env, errors[i].env) != 0 ||
            (t.line == 0) != (errors[i].env[0] != '\0') ||
            strstr(t.message, errors[i].says) == NULL)
            fail_msg("%s with %s: %u:%u %s %s: %s", errors[i].text,
                     errors[i].entry, t.line, t.column, t.env, t.pointer,
                     t.message);
        assert_non_null(strstr(t.message, "; expected "));
    }
}

static void errors_are_lines_for_people(void **state)
{
    char *env[] = {(char[]){"WEIR_LOG_LEVEL=loud"},
                   (char[]){"WEIR_API_LISTN=\x1b[2J"}, NULL};
    struct config_input in = {.env = env};
    struct config *c;
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);

    (void)state;
    assert_int_equal(config_load(NULL, &in, &c, f), 2);
    fclose(f);
    assert_string_equal(
        text,
        "WEIR_API_LISTN: no option has this name, did you mean "
        "WEIR_API_LISTEN; expected WEIR_ and the key's path in capitals\n"
        "WEIR_LOG_LEVEL: this is \"loud\"; expected one of \"error\", "
        "\"warn\", \"info\", \"debug\"\n"
        "no file, environment alone: neither \"gateway\" nor \"interfaces\" is "
        "here; expected \"gateway\": {\"lan\": DEVICE, \"wan\": DEVICE}, or "
        "\"interfaces\": an object of 2 to 16 interfaces\n");
    free(text);
}

/* Names that are nobody's mistake. */
static void what_is_no_option_is_left_alone(void **state)
{
    static const char *const names[] = {
        "WEIR_CONFIG=/x",
        "WEIR_USER=weir",
        "WEIR_BIN=x",
        "WEIR_PORT=tcp://10.0.0.1:80",
        "WEIR_PORT_8080_TCP_ADDR=10.0.0.1",
        "WEIR_SERVICE_HOST=10.0.0.1",
        "WEIR_API_SERVICE_HOST=10.0.0.1",
        "WEIR_API_PORT=tcp://10.0.0.1:80",
        "WEIR_API_PORT_80_TCP_PROTO=tcp",
        "WEIR_",
        "WEIR_LOG_LEVL",
        "WEIRD_LOG_LEVL=1",
        "",
        "=",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        config_load_free(fine_env("{" ETH "}", ENV(names[i])));
}

static void the_file_is_where_it_is_said_to_be(void **state)
{
    char *env[] = {(char[]){"WEIR_CONFIG=/from/env.json"}, NULL};
    char *empty[] = {(char[]){"WEIR_CONFIG="}, NULL};
    const char *place = access(CONFIG_PLACE, F_OK) == 0 ? CONFIG_PLACE : NULL;

    (void)state;
    assert_string_equal(config_load_where("/given.json", env), "/given.json");
    assert_string_equal(config_load_where(NULL, env), "/from/env.json");
    assert_ptr_equal(config_load_where(NULL, empty), place);
    assert_ptr_equal(config_load_where(NULL, NULL), place);
}

/* ---- the token ---- */

static void a_token_is_taken_and_never_shown(void **state)
{
    struct config *c = fine_env(
        "{" ETH ", \"api\": {\"listen\": \"0.0.0.0:80\", \"token_file\": "
        "\"/nowhere/at/all\"}}",
        ENV("WEIR_API_TOKEN=" TOKEN));
    char *text = printed(c);

    (void)state;
    assert_string_equal(c->token, TOKEN);
    assert_string_equal(c->token_file, "");
    assert_false(c->token_make);
    assert_null(strstr(text, TOKEN));
    assert_non_null(strstr(text, "api.token                              env "
                                 "WEIR_API_TOKEN read, not shown\n"));
    free(text);
    config_load_free(c);
}

static void a_token_is_given_in_one_way(void **state)
{
    struct config *c;
    struct told t;

    (void)state;
    assert_int_equal(parse_env("{" ETH "}",
                               ENV("WEIR_API_TOKEN=" TOKEN,
                                   "WEIR_API_TOKEN_FILE=/nowhere/at/all"),
                               &c, &t),
                     2);
    assert_int_equal(t.n, 1);
    assert_string_equal(t.env, "WEIR_API_TOKEN");
    assert_non_null(strstr(t.message, "WEIR_API_TOKEN_FILE is set too"));
    assert_null(strstr(t.message, TOKEN));
}

static void a_token_file_is_read_or_will_be_made(void **state)
{
    char folder[] = "/tmp/weir-test-env-XXXXXX", entry[128], path[96], *text;
    struct config_input in = {.facts = NULL};
    struct config *c;
    struct told t;
    FILE *f;

    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/token", folder);
    snprintf(entry, sizeof(entry), "WEIR_API_TOKEN_FILE=%s", path);
    c = fine_env("{" ETH "}", ENV(entry, "WEIR_API_LISTEN=0.0.0.0:80"));
    assert_true(c->token_make);
    assert_string_equal(c->token_file, path);
    assert_string_equal(c->token, "");
    text = printed(c);
    assert_non_null(strstr(text, "not there yet, made at the start"));
    free(text);
    config_load_free(c);
    f = fopen(path, "w");
    assert_int_equal(fchmod(fileno(f), 0600), 0);
    fputs(TOKEN, f);
    fclose(f);
    c = fine_env("{" ETH "}", ENV(entry));
    assert_false(c->token_make);
    assert_string_equal(c->token, TOKEN);
    text = printed(c);
    assert_null(strstr(text, TOKEN));
    assert_non_null(strstr(text, "token: read, not shown"));
    free(text);
    config_load_free(c);
    assert_int_equal(chmod(path, 0644), 0); /* refused now ... */
    in.env = (char *const[]){entry, NULL};
    assert_int_equal(parse_with("{" ETH "}", &in, &c, &t), 2);
    in.token = TOKEN; /* ... but for whoever has it */
    assert_int_equal(parse_with("{" ETH "}", &in, &c, &t), 0);
    assert_string_equal(c->token, TOKEN);
    config_load_free(c);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_scalar_has_its_variable),
        cmocka_unit_test(the_environment_wins_over_the_file),
        cmocka_unit_test(the_environment_alone_is_enough),
        cmocka_unit_test(further_devices_have_variables),
        cmocka_unit_test(errors_name_the_variable),
        cmocka_unit_test(errors_are_lines_for_people),
        cmocka_unit_test(what_is_no_option_is_left_alone),
        cmocka_unit_test(the_file_is_where_it_is_said_to_be),
        cmocka_unit_test(a_token_is_taken_and_never_shown),
        cmocka_unit_test(a_token_is_given_in_one_way),
        cmocka_unit_test(a_token_file_is_read_or_will_be_made),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
