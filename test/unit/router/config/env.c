/* env.c - WEIR_* variables: which wins, which is wrong; each option's own is
 * tried in option.c */
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
    assert_int_equal(c->core.params.v[CT_PARAM_udp], 9);
    assert_int_equal(c->core.params.v[CT_PARAM_udp_stream], 300);
    assert_int_equal(c->core.params.v[CT_PARAM_tcp_loose], 0);
    assert_true(c->core.hairpin);
    /* As wide as the longest variable needs it. */
    has_row(text, "log.level", "env WEIR_LOG_LEVEL          ", "error");
    has_row(text, "workers", "file                        ", "2");
    has_row(text, "log.format", "default                     ", "text");
    free(text);
    config_load_free(c);
}

/* The name of one option may begin as another's. */
static void a_variable_is_of_its_option_only(void **state)
{
    struct config *c =
        fine_env("{" ETH "}", ENV("WEIR_CONNTRACK_TIMEOUTS_ICMP=31"));
    char *text = printed(c);

    (void)state;
    has_row(text, "conntrack.timeouts.icmp", "env WEIR_CONNTRACK_TIMEOUTS_ICMP",
            "31 s");
    has_row(text, "conntrack.timeouts.icmpv6",
            "default                         ", "30 s");
    free(text);
    config_load_free(c);
}

static void what_is_just_allowed_is_taken(void **state)
{
    struct config *c =
        fine_env("{" ETH "}", ENV("WEIR_SEED=9223372036854775807",
                                  "WEIR_API_LISTEN=127.255.0.9:80"));

    (void)state;
    assert_true(c->seed.set && c->seed.value == INT64_MAX);
    assert_string_equal(c->web.listen.host, "127.255.0.9"); /* no token */
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
    assert_non_null(strstr(t.message, "are both missing"));
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
     "did you mean WEIR_LOG_LEVEL?"},
    {"{" ETH "}", "WEIR_CONNTRACK_TIMEOUT_UDP=3", "WEIR_CONNTRACK_TIMEOUT_UDP",
     "did you mean WEIR_CONNTRACK_TIMEOUTS_UDP?"},
    {"{" ETH "}", "WEIR_CONNTRACK_UDP=3", "WEIR_CONNTRACK_UDP",
     "unknown variable"},
    {"{" ETH "}", "WEIR_WORKER=3", "WEIR_WORKER", "did you mean WEIR_WORKERS?"},
    {"{" ETH "}", "WEIR_WORKERS=+2", "WEIR_WORKERS",
     "\"+2\" is not allowed here"},
    {"{" ETH "}", "WEIR_WORKERS= 2", "WEIR_WORKERS",
     "\" 2\" is not allowed here"},
    {"{" ETH "}", "WEIR_WORKERS=2.", "WEIR_WORKERS",
     "\"2.\" is not allowed here"},
    {"{" ETH "}", "WEIR_SEED=9223372036854775808", "WEIR_SEED",
     "\"9223372036854775808\" is not allowed here"},
    {"{" ETH "}", "WEIR_LOG_LEVEL=\xff", "WEIR_LOG_LEVEL", "not UTF-8"},
    {"{" ETH "}", "WEIR_GATEWAY_RESERVED_PORTS=1,\xff",
     "WEIR_GATEWAY_RESERVED_PORTS", "not UTF-8"},
    {"{" ETH "}", "WEIR_GATEWAY_RESERVED_PORTS=1,,2",
     "WEIR_GATEWAY_RESERVED_PORTS", "\"\" is not a port"},
    {"{}", "WEIR_GATEWAY_LAN=eth0", "WEIR_GATEWAY_LAN", "\"wan\" is missing"},
    {"{" ETH "}", "WEIR_GATEWAY_MORE_DMZ_DEVICE=eth2",
     "WEIR_GATEWAY_MORE_DMZ_DEVICE", "\"side\" is missing"},
    {"{" ETH "}", "WEIR_GATEWAY_MORE_DMZ_SIDE=in", "WEIR_GATEWAY_MORE_DMZ_SIDE",
     ""},
    {"{" ETH "}", "WEIR_GATEWAY_MORE_LAN_SIDE=inside",
     "WEIR_GATEWAY_MORE_LAN_SIDE", "not lan or wan"},
    {"{" ETH "}", "WEIR_GATEWAY_MORE_A/B_SIDE=inside",
     "WEIR_GATEWAY_MORE_A/B_SIDE", "unknown variable"},
    {"{" ETH "}", "WEIR_GATEWAY_MORE__SIDE=inside", "WEIR_GATEWAY_MORE__SIDE",
     "unknown variable"},
    {"{" ETH "}", "WEIR_GATEWAY_MORE=eth2", "WEIR_GATEWAY_MORE",
     "unknown variable"},
    {"{" IFACES "}", "WEIR_GATEWAY_LAN=eth0", "WEIR_GATEWAY_LAN", ""},
    {"{" ETH ", \"log\": {\"level\": \"loud\"}}", "WEIR_LOG_FORMAT=json", "",
     "loud"},
    {"{" ETH ", \"log\": 7}", "WEIR_LOG_LEVEL=info", "",
     "7 is not allowed here"},
    {"{" ETH ", \"workers\": 64, \"conntrack\": {\"max\": 262144}}",
     "WEIR_CONNTRACK_MAX=64", "WEIR_CONNTRACK_MAX", "64 workers"},
    {"[]", "WEIR_LOG_LEVEL=info", "", "use an object"},
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
        assert_non_null(strstr(t.message, "; "));
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
        "WEIR_API_LISTN: unknown variable; did you mean "
        "WEIR_API_LISTEN?\n"
        "WEIR_LOG_LEVEL: \"loud\" is not allowed here; use one of \"error\", "
        "\"warn\", \"info\", \"debug\"\n"
        "no file, environment alone: \"gateway\" and \"interfaces\" are both "
        "missing; use \"gateway\": {\"lan\": DEVICE, \"wan\": DEVICE}, or "
        "\"interfaces\": an object of 2 to 16 interfaces\n");
    free(text);
}

/* Variables that name no option are ignored without a message. */
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
        "WEIR_LOGGING=1", /* begins as /log does, and is not of it */
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
    in.token = TOKEN; /* ... but not read by a caller that has it */
    assert_int_equal(parse_with("{" ETH "}", &in, &c, &t), 0);
    assert_string_equal(c->token, TOKEN);
    config_load_free(c);
    unlink(path);
    rmdir(folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_environment_wins_over_the_file),
        cmocka_unit_test(a_variable_is_of_its_option_only),
        cmocka_unit_test(what_is_just_allowed_is_taken),
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
