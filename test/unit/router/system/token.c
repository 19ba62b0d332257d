/* token.c - tokens: read, made, made by two at once */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "system/token.h"

#define GOOD "0123456789abcdef0123456789abcdef"

static char folder[64], path[96], err[256], token[TOKEN_ROOM];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/weir-test-token-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(path, sizeof(path), "%s/token", folder);
    err[0] = token[0] = '\0';
    return 0;
}

/* Nothing may be left beside the token. */
static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void put(const char *text, size_t n, mode_t mode)
{
    int fd;

    unlink(path); /* it may be closed to an ordinary user */
    fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0600);
    assert_int_equal(write(fd, text, n), (ssize_t)n);
    assert_int_equal(fchmod(fd, mode), 0);
    close(fd);
}

static void files_are_read_or_refused(void **state)
{
    static const struct {
        const char *text, *says; /* NULL: taken */
        size_t n;                /* 0: up to the zero byte */
        mode_t mode;
    } cases[] = {
        {"\t" GOOD "\r\n", NULL, 0, 0600},
        {GOOD, NULL, 0, 0400},
        {GOOD, "mode 0444); use mode 0600 or 0400", 0, 0444},
        {GOOD, "read by others", 0, 0610},
        {"", "0 characters", 0, 0600},
        {" \n", "0 characters", 0, 0600},
        {GOOD "\0" GOOD, "a zero byte", 65, 0600},
        {GOOD "\x80", "beyond ASCII", 0, 0600},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        size_t n = cases[i].n != 0 ? cases[i].n : strlen(cases[i].text);

        put(cases[i].text, n, cases[i].mode);
        if (cases[i].says == NULL) {
            assert_int_equal(token_read(path, token, err), TOKEN_READ);
            assert_string_equal(token, GOOD);
            continue;
        }
        assert_int_equal(token_read(path, token, err), TOKEN_REFUSED);
        assert_string_equal(token, "");
        if (strstr(err, cases[i].says) == NULL)
            fail_msg("case %zu: %s", i, err);
    }
}

static void a_token_has_bounds(void **state)
{
    char text[2000];

    (void)state;
    memset(text, 'x', sizeof(text));
    assert_true(token_take(text, 255, token, err));
    assert_int_equal(strlen(token), 255);
    assert_false(token_take(text, 256, token, err));
    assert_true(token_take(text, 32, token, err));
    assert_false(token_take(text, 31, token, err));
    put(text, sizeof(text), 0600);
    assert_int_equal(token_read(path, token, err), TOKEN_REFUSED);
    assert_non_null(strstr(err, "1024 characters"));
}

static void what_is_not_there_can_be_made_where_a_folder_is(void **state)
{
    char deep[128], slash[128];

    (void)state;
    snprintf(deep, sizeof(deep), "%s/no/token", folder);
    snprintf(slash, sizeof(slash), "%s/token/x", folder);
    assert_int_equal(token_read(path, token, err), TOKEN_ABSENT);
    assert_int_equal(token_read("token-of-the-test", token, err),
                     TOKEN_ABSENT); /* the folder at hand */
    assert_int_equal(token_read("/weir-token-of-the-test", token, err),
                     TOKEN_ABSENT);
    assert_int_equal(token_read(deep, token, err), TOKEN_REFUSED);
    assert_non_null(strstr(err, "no such file or folder; use"));
    put(GOOD, 32, 0600);
    assert_int_equal(token_read(slash, token, err), TOKEN_REFUSED);
    assert_non_null(strstr(err, "Not a directory"));
    assert_int_equal(token_read(folder, token, err), TOKEN_REFUSED);
    assert_non_null(strstr(err, "not a regular file"));
}

static void a_pipe_does_not_stop_it(void **state)
{
    (void)state;
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(token_read(path, token, err), TOKEN_REFUSED);
    assert_non_null(strstr(err, "not a regular file"));
}

static void a_made_token_is_whole_and_secret(void **state)
{
    char again[TOKEN_ROOM];
    struct stat st;
    mode_t mask = umask(0);

    (void)state;
    assert_int_equal(token_make(path, token, err), 0);
    umask(mask);
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(strlen(token), 48);
    assert_int_equal(token_read(path, again, err), TOKEN_READ);
    assert_string_equal(again, token);
    /* The one that is there stays. */
    assert_int_equal(token_make(path, again, err), 0);
    assert_string_equal(again, token);
    unlink(path);
    assert_int_equal(token_make(path, again, err), 0);
    assert_string_not_equal(again, token);
}

/* Each bit of each character is seen on and off: all are from the entropy,
 * save the two that the last one has too many. */
static void every_bit_is_random(void **state)
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrst"
        "uvwxyz0123456789-_";
    unsigned on[43] = {0}, off[43] = {0};

    (void)state;
    for (unsigned round = 0; round < 64; round++) {
        assert_int_equal(token_make(path, token, err), 0);
        for (unsigned i = 0; i < 43; i++) {
            unsigned v = (unsigned)(strchr(digits, token[5 + i]) - digits);

            on[i] |= v;
            off[i] |= ~v & 63;
        }
        unlink(path);
    }
    for (unsigned i = 0; i < 43; i++) {
        assert_int_equal(on[i], i < 42 ? 63 : 60);
        assert_int_equal(off[i], 63);
    }
}

static void what_is_there_and_bad_is_not_replaced(void **state)
{
    (void)state;
    put("short", 5, 0600);
    assert_int_equal(token_make(path, token, err), -1);
    assert_non_null(strstr(err, "5 characters"));
    assert_string_equal(token, "");
    put(GOOD, 32, 0644);
    assert_int_equal(token_make(path, token, err), -1);
    assert_non_null(strstr(err, "read by others"));
}

/* Where one may not write, or not even look; root may everywhere. */
static void a_closed_folder_is_said(void **state)
{
    int status;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0) {
        bool ok = geteuid() != 0 || setuid(65534) == 0;

        ok = ok && token_make(path, token, err) == -1 &&
             strstr(err, "can't be made: Permission denied") != NULL &&
             token_read(path, token, err) == TOKEN_REFUSED &&
             strstr(err, "Permission denied; use a file") != NULL;
        _exit(ok ? 0 : 1);
    }
    chmod(folder, geteuid() == 0 ? 0700 : 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    chmod(folder, 0700);
    assert_int_equal(status, 0);
}

/* Container engines mount secrets mode 0444. */
static bool secrets_are_read(void)
{
    static const struct {
        const char *at;
        mode_t mode;
        bool taken;
    } cases[] = {
        {"/run/secrets/weir", 0444, true},
        {"/run/secrets/weir", 0400, true},
        {"/run/secrets/weir", 0464, false},
        {"/run/secrets/weir", 0446, false},
        {"/run/secrets/../other", 0444, false},
        {"/run/other", 0444, false},
    };
    bool ok = mkdir("/run/secrets", 0755) == 0;

    for (size_t i = 0; ok && i < sizeof(cases) / sizeof(cases[0]); i++) {
        snprintf(path, sizeof(path), "%s", cases[i].at);
        put(GOOD, 32, cases[i].mode);
        if ((token_read(path, token, err) == TOKEN_READ) != cases[i].taken) {
            fprintf(stderr, "%s, mode %o: %s\n", path, cases[i].mode, err);
            ok = false;
        }
        unlink(path);
    }
    return ok;
}

static void a_secret_of_the_engine_may_be_read_by_all(void **state)
{
    enum { DONE, WRONG, FORBIDDEN };
    int status;
    pid_t child = fork();

    (void)state;
    assert_true(child >= 0);
    if (child == 0) { /* a /run of its own */
        if (unshare(CLONE_NEWNS) != 0 ||
            mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
            mount("none", "/run", "tmpfs", 0, NULL) != 0)
            _exit(FORBIDDEN);
        _exit(secrets_are_read() ? DONE : WRONG);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    if (WEXITSTATUS(status) == FORBIDDEN)
        fprintf(stderr, "skipped: this machine gives no mount namespace\n");
    if (WEXITSTATUS(status) == FORBIDDEN)
        skip();
    assert_int_equal(status, 0);
}

static void two_at_once_have_the_same(void **state)
{
    (void)state;
    for (unsigned round = 0; round < 40; round++) {
        char said[4][TOKEN_ROOM];
        int ends[4][2];

        for (unsigned i = 0; i < 4; i++) {
            assert_int_equal(pipe(ends[i]), 0);
            if (fork() != 0)
                continue;
            if (token_make(path, token, err) != 0)
                _exit(1);
            _exit(write(ends[i][1], token, sizeof(token)) !=
                  (ssize_t)sizeof(token));
        }
        for (unsigned i = 0; i < 4; i++) {
            int status;

            assert_true(wait(&status) > 0);
            assert_int_equal(status, 0);
        }
        for (unsigned i = 0; i < 4; i++) {
            assert_int_equal(read(ends[i][0], said[i], sizeof(said[i])),
                             (ssize_t)sizeof(said[i]));
            assert_string_equal(said[i], said[0]);
            close(ends[i][0]);
            close(ends[i][1]);
        }
        unlink(path);
    }
}

int main(void)
{
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(files_are_read_or_refused),
        CASE(a_token_has_bounds),
        CASE(what_is_not_there_can_be_made_where_a_folder_is),
        CASE(a_pipe_does_not_stop_it),
        CASE(a_made_token_is_whole_and_secret),
        CASE(every_bit_is_random),
        CASE(what_is_there_and_bad_is_not_replaced),
        CASE(a_closed_folder_is_said),
        CASE(a_secret_of_the_engine_may_be_read_by_all),
        CASE(two_at_once_have_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
