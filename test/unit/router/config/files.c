/* files.c - configurations as files: unreadable, hostile, broken */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "config_rig.h"

static const char *temporary(const char *text, mode_t mode)
{
    static char path[64];
    int fd;

    strcpy(path, "/tmp/weir-test-config-XXXXXX");
    fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
    return path;
}

static char *load(const char *path, int *code)
{
    struct config *c;
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);

    *code = config_load(path, NULL, &c, f);
    fclose(f);
    config_load_free(c);
    return text;
}

static void all_errors_come_in_one_run_in_the_order_of_the_text(void **state)
{
    const char *path = temporary("{\n \"workers\": 0,\n" IFACES
                                 " \"polcy\": 1, \"log\": {\"level\": 3}\n}\n",
                                 0600);
    char want[600], *got;
    int code;

    (void)state;
    got = load(path, &code);
    snprintf(
        want, sizeof(want),
        "%s:2:13: /workers: 0 is not allowed here; use a whole number from 1 "
        "to 64\n"
        "%s:4:2: /polcy: unknown key \"polcy\"; did you mean \"policy\"? "
        "valid: interfaces, gateway, routes, workers, sets, queues, "
        "rules, api, seed, conntrack, nat, on_reload, log, policy\n"
        "%s:4:31: /log/level: 3 is not allowed here; use one of \"error\", "
        "\"warn\", \"info\", \"debug\"\n",
        path, path, path);
    assert_int_equal(code, 2);
    assert_string_equal(got, want);
    free(got);
    unlink(path);
}

static void what_cannot_be_read_is_one_sentence(void **state)
{
    char *got;
    int code;

    (void)state;
    got = load("/nowhere/weir.json", &code);
    assert_int_equal(code, 1);
    assert_string_equal(got, "/nowhere/weir.json: No such file or "
                             "directory\n");
    free(got);
    got = load("/tmp", &code);
    assert_int_equal(code, 1);
    assert_string_equal(got, "/tmp: Is a directory\n");
    free(got);
}

/* A reload runs on the control thread: it must not wait for a FIFO's writer. */
static void a_bounded_read_refuses_what_may_wait(void **state)
{
    const struct config_input in = {.bounded = true};
    static const char fifo[] = "/tmp/weir-test-config-fifo";
    const char *path = temporary("{" IFACES "}", 0600);
    struct config *c;
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);

    (void)state;
    unlink(fifo);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    assert_int_equal(config_load(fifo, &in, &c, f), 1);
    assert_null(c);
    assert_int_equal(config_load("/dev/zero", &in, &c, f), 1);
    fclose(f);
    assert_string_equal(text,
                        "/tmp/weir-test-config-fifo: not a regular file; a "
                        "reload needs a regular file\n"
                        "/dev/zero: not a regular file; a reload needs a "
                        "regular file\n");
    free(text);
    assert_int_equal(config_load(path, &in, &c, stderr), 0);
    config_load_free(c);
    unlink(path);
    unlink(fifo);
}

/* A file must not control the terminal of the user who checks it. */
static void errors_bear_no_control_characters(void **state)
{
    const char *path =
        temporary("{\"\\u001b[2J\\u009b\\n\": 1, " IFACES "}", 0600);
    int code;
    char *got = load(path, &code);

    (void)state;
    assert_int_equal(code, 2);
    for (const char *p = got; *p != '\0'; p++)
        assert_true((unsigned char)*p >= 0x20 || p[1] == '\0');
    assert_null(strstr(got, "\xc2\x9b"));
    free(got);
    unlink(path);
}

static void a_token_must_be_long_and_private(void **state)
{
    static const struct {
        const char *text, *says; /* NULL: taken */
        mode_t mode;
    } cases[] = {
        {"  0123456789abcdef0123456789abcdef\n", NULL, 0600},
        {"0123456789abcdef0123456789abcdef", NULL, 0400},
        {"0123456789abcdef0123456789abcde\n", "31 characters", 0600},
        {"0123456789abcdef0123456789abcdef", "read by others", 0640},
        {"0123456789abcdef0123456789abcdef", "read by others", 0604},
        {"0123456789abcdef 0123456789abcdef", "a space", 0600},
        {"", "0 characters", 0600},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        const char *path = temporary(cases[i].text, cases[i].mode);
        char text[1024];
        struct config *c;
        struct told t;

        snprintf(text, sizeof(text),
                 "{" IFACES "\"api\": {\"listen\": \"0.0.0.0:0\", "
                 "\"token_file\": \"%s\"}}",
                 path);
        assert_int_equal(parse(text, &c, &t), cases[i].says ? 2 : 0);
        if (cases[i].says == NULL) {
            assert_string_equal(c->token, "0123456789abcdef0123456789abcdef");
            assert_string_equal(c->web.listen.host, "0.0.0.0");
            assert_int_equal(c->web.listen.port, 0);
        } else {
            assert_int_equal(t.n, 1);
            assert_string_equal(t.pointer, "/api/token_file");
            assert_non_null(strstr(t.message, cases[i].says));
        }
        config_load_free(c);
        unlink(path);
    }
}

/* ---- broken ones: no crash, and an answer that makes sense ---- */

static void try_bytes(const char *bytes, size_t len, unsigned *taken)
{
    char *exact = malloc(len + 1);
    struct told t = {.n = 0};
    struct config *c;
    int code;

    memcpy(exact, bytes, len);
    code = config_load_text(exact, len, NULL, &c, note, &t);
    assert_int_equal(code == 0, c != NULL);
    assert_int_equal(code == 0, t.n == 0);
    if (code != 0)
        assert_true(code == 2 && t.line > 0 && t.column > 0);
    *taken += code == 0;
    config_load_free(c);
    free(exact);
}

static void a_cut_file_is_never_taken(void **state)
{
    unsigned taken = 0;
    size_t end = strlen(example);

    (void)state;
    while (example[end - 1] != '}')
        end--;
    for (size_t n = 0; n < end; n++)
        try_bytes(example, n, &taken);
    assert_int_equal(taken, 0);
    try_bytes(example, end, &taken);
    assert_int_equal(taken, 1);
}

static void flipped_bytes_never_hurt(void **state)
{
    size_t len = strlen(example);
    uint64_t seed = 7;
    unsigned taken = 0;

    (void)state;
    for (unsigned round = 0; round < 20000; round++) {
        char text[sizeof(example)];
        unsigned flips = 1 + round % 3;

        memcpy(text, example, len);
        while (flips-- > 0) {
            seed = seed * 6364136223846793005u + 1442695040888963407u;
            /* Half of them become another byte of the file: likelier JSON. */
            text[(seed >> 20) % len] = (seed & 1u << 19) != 0
                                           ? (char)(seed >> 56)
                                           : example[(seed >> 44) % len];
        }
        try_bytes(text, len, &taken);
    }
    assert_in_range(taken, 100,
                    19999); /* comments, names and numbers may change */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_errors_come_in_one_run_in_the_order_of_the_text),
        cmocka_unit_test(what_cannot_be_read_is_one_sentence),
        cmocka_unit_test(a_bounded_read_refuses_what_may_wait),
        cmocka_unit_test(errors_bear_no_control_characters),
        cmocka_unit_test(a_token_must_be_long_and_private),
        cmocka_unit_test(a_cut_file_is_never_taken),
        cmocka_unit_test(flipped_bytes_never_hurt),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
