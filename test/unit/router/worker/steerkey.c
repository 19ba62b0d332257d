/* steerkey.c - the steering key: made once, kept, and never believed when
 * others may have written it */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "worker/steerkey.h"

static char folder[64], sock[96], path[96], err[STEERKEY_ROOM];
static uint8_t one[STEERKEY_BYTES], two[STEERKEY_BYTES];

static int set_up(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/weir-test-steerkey-XXXXXX");
    if (mkdtemp(folder) == NULL)
        return -1;
    snprintf(sock, sizeof sock, "%s/weir.sock", folder);
    snprintf(path, sizeof path, "%s/steering.key", folder);
    err[0] = '\0';
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    unlink(path);
    return rmdir(folder);
}

static void write_file(const char *text, mode_t mode)
{
    FILE *f = fopen(path, "w");

    assert_non_null(f);
    fputs(text, f);
    assert_int_equal(fchmod(fileno(f), mode), 0);
    fclose(f);
}

static void made_once_and_kept(void **state)
{
    struct stat st;

    (void)state;
    assert_true(steerkey_get(sock, one, err));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    for (int i = 0; i < 3; i++) {
        assert_true(steerkey_get(sock, two, err));
        assert_memory_equal(one, two, sizeof one);
    }
    assert_string_equal(err, "");
}

static void folder_is_made(void **state)
{
    char deeper[128], file[128];

    (void)state;
    snprintf(deeper, sizeof deeper, "%s/run/weir.sock", folder);
    assert_true(steerkey_get(deeper, one, err));
    assert_true(steerkey_get(deeper, two, err));
    assert_memory_equal(one, two, sizeof one);
    snprintf(file, sizeof file, "%s/run/steering.key", folder);
    assert_int_equal(unlink(file), 0);
    snprintf(file, sizeof file, "%s/run", folder);
    assert_int_equal(rmdir(file), 0);
}

/* Each start goes on, with a key of its own, and says why. */
static void never_believed(void **state)
{
    static const struct {
        const char *text;
        mode_t mode;
    } bad[] = {
        {"00112233445566778899aabbccddeeff\n", 0644},
        {"00112233445566778899aabbccddeeff\n", 0660},
        {"00112233445566778899aabbccddeeff", 0600},
        {"00112233445566778899aabbccddeeff\n\n", 0600},
        {"00112233445566778899aabbccddee g\n", 0600},
        {"", 0600},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof bad / sizeof *bad; i++) {
        write_file(bad[i].text, bad[i].mode);
        err[0] = '\0';
        assert_false(steerkey_get(sock, one, err));
        assert_non_null(strstr(err, "steering.key is not used"));
        assert_false(steerkey_get(sock, two, err));
        assert_memory_not_equal(one, two, sizeof one);
    }
    write_file("00112233445566778899aabbccddeeff\n", 0600);
    assert_true(steerkey_get(sock, one, err));
    assert_int_equal(one[15], 0xff);
}

static void of_another_user(void **state)
{
    (void)state;
    if (geteuid() != 0)
        skip();
    write_file("00112233445566778899aabbccddeeff\n", 0600);
    assert_int_equal(chown(path, 65534, 65534), 0);
    assert_false(steerkey_get(sock, one, err));
    assert_non_null(strstr(err, "weir's user"));
}

static void without_a_folder(void **state)
{
    (void)state;
    assert_false(steerkey_get("", one, err));
    assert_non_null(strstr(err, "no folder"));
    assert_false(steerkey_get("/proc/none/weir.sock", one, err));
    assert_non_null(strstr(err, "can't be made"));
    assert_int_equal(symlink("/etc/passwd", path), 0);
    assert_false(steerkey_get(sock, one, err));
    assert_non_null(strstr(err, "can't be read"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(made_once_and_kept, set_up, tear_down),
        cmocka_unit_test_setup_teardown(folder_is_made, set_up, tear_down),
        cmocka_unit_test_setup_teardown(never_believed, set_up, tear_down),
        cmocka_unit_test_setup_teardown(of_another_user, set_up, tear_down),
        cmocka_unit_test_setup_teardown(without_a_folder, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("steerkey", tests, NULL, NULL);
}
