/* check.c - weir check: what it prints, and its exit code */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli/check.h"

static char folder[64], file[96], said[8192];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/weir-test-check-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(file, sizeof(file), "%s/weir.json", folder);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(file);
    return rmdir(folder);
}

static void write_file(const char *text)
{
    FILE *f = fopen(file, "w");

    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

/* Both streams go to said. */
static int check(const char *path, const char *format)
{
    char word[3][8] = {"check", "-c", "-o"};
    char *argv[6] = {NULL};
    int argc = 0, code, keep[2] = {dup(1), dup(2)};
    char name[] = "/tmp/weir-test-check-out-XXXXXX";
    int fd = mkstemp(name);
    ssize_t n;

    argv[argc++] = word[0];
    if (path != NULL) {
        argv[argc++] = word[1];
        argv[argc++] = strdup(path);
    }
    argv[argc++] = word[2];
    argv[argc++] = strdup(format);
    fflush(NULL);
    dup2(fd, 1);
    dup2(fd, 2);
    code = cli_check(argc, argv);
    fflush(NULL);
    dup2(keep[0], 1);
    dup2(keep[1], 2);
    close(keep[0]);
    close(keep[1]);
    n = pread(fd, said, sizeof(said) - 1, 0);
    assert_true(n >= 0);
    said[n] = '\0';
    close(fd);
    unlink(name);
    free(argv[argc - 1]);
    if (path != NULL)
        free(argv[2]);
    return code;
}

static void a_token_to_be_made_is_a_note(void **state)
{
    char text[512], want[512];

    (void)state;
    snprintf(text, sizeof(text),
             "{\"gateway\": {\"lan\": \"a\", \"wan\": \"b\"}, \"api\": "
             "{\"listen\": \"0.0.0.0:80\", \"token_file\": \"%s/token\"}}",
             folder);
    write_file(text);
    assert_int_equal(check(file, "text"), 0);
    snprintf(want, sizeof(want),
             "%s: fine: 2 interfaces, 2 routes, 1 rule, 1 worker, 262144 flows "
             "at most\nnote: api.token_file: %s/token is not there; it is "
             "made, with a new token, at the start\n",
             file, folder);
    assert_string_equal(said, want);
    assert_int_equal(check(file, "json"), 0);
    assert_non_null(strstr(said, "{\"ok\":true,\"errors\":[],\"notes\":["
                                 "\"api.token_file: "));
    write_file("{\"gateway\": {\"lan\": \"a\", \"wan\": \"b\"}}");
    assert_int_equal(check(file, "json"), 0);
    assert_string_equal(said, "{\"ok\":true,\"errors\":[],\"notes\":[]}\n");
}

/* Rules are asked stage by stage: what that means is said. */
static void an_accept_before_a_translation_is_a_note(void **state)
{
    (void)state;
    write_file("{\"gateway\": {\"lan\": \"a\", \"wan\": \"b\"}, \"rules\": "
               "{\"postrouting\": [{\"dst\":\"10.9.0.0/16\",\"verdict\":"
               "\"accept\"}, {\"dst\":\"10.8.0.0/16\",\"ct_state\":"
               "\"established\",\"verdict\":\"accept\"}]}}");
    assert_int_equal(check(file, "text"), 0);
    assert_non_null(strstr(
        said, "\nnote: rules.postrouting: {\"dst\":\"10.9.0.0/16\",\"verdict\":"
              "\"accept\"} stands before 1 rule that translates the same: "
              "what it accepts is not translated\n"));
    assert_null(strstr(said, "10.8.0.0"));
    assert_int_equal(check(file, "json"), 0);
    assert_non_null(strstr(said, "\"notes\":[\"rules.postrouting: "));
}

static void the_environment_is_checked_too(void **state)
{
    (void)state;
    write_file("{\"gateway\": {\"lan\": \"a\", \"wan\": \"b\"}}");
    setenv("WEIR_LOG_LEVEL", "loud", 1);
    assert_int_equal(check(file, "text"), 2);
    assert_string_equal(said,
                        "WEIR_LOG_LEVEL: \"loud\" is not allowed here; use one "
                        "of \"error\", \"warn\", \"info\", \"debug\"\n");
    assert_int_equal(check(file, "json"), 2);
    assert_non_null(strstr(said, "\"line\":0,\"column\":0,\"pointer\":"
                                 "\"/log/level\""));
    assert_non_null(strstr(said, "\"variable\":\"WEIR_LOG_LEVEL\""));
    unsetenv("WEIR_LOG_LEVEL");
    setenv("WEIR_CONFIG", file, 1);
    assert_int_equal(check(NULL, "text"), 0);
    assert_memory_equal(said, file, strlen(file));
    unsetenv("WEIR_CONFIG");
}

/* One option and its value, with stdout at place; the exit code. */
static int check_to(const char *place, const char *option, const char *value)
{
    char words[3][96];
    char *argv[4] = {words[0], words[1], value != NULL ? words[2] : NULL};
    int keep = dup(1), fd = open(place, O_WRONLY), code;

    strcpy(words[0], "check");
    snprintf(words[1], sizeof(words[1]), "%s", option);
    snprintf(words[2], sizeof(words[2]), "%s", value != NULL ? value : "");
    assert_true(fd >= 0);
    fflush(NULL);
    dup2(fd, 1);
    code = cli_check(value != NULL ? 3 : 2, argv);
    fflush(NULL);
    clearerr(stdout);
    dup2(keep, 1);
    close(keep);
    close(fd);
    return code;
}

static void a_full_disk_is_a_failure(void **state)
{
    (void)state;
    write_file("{\"gateway\": {\"lan\": \"a\", \"wan\": \"b\"}}");
    assert_int_equal(check_to("/dev/null", "-c", file), 0);
    assert_int_equal(check_to("/dev/full", "-c", file), 1);
}

static void help_is_an_option(void **state)
{
    (void)state;
    assert_int_equal(check_to("/dev/null", "--help", NULL), 0);
    assert_int_equal(check_to("/dev/null", "--config", file), 1);
    assert_int_equal(check_to("/dev/null", "--nonsense", NULL), 2);
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(a_token_to_be_made_is_a_note),
        CASE(an_accept_before_a_translation_is_a_note),
        CASE(the_environment_is_checked_too),
        CASE(a_full_disk_is_a_failure),
        CASE(help_is_an_option),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
