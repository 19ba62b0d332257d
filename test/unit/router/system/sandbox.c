/* sandbox.c - who weir becomes, and what its threads may do afterwards
 *
 * Each case is a child process, since none of this can be taken back.  The
 * child looks at itself in /proc and leaves what it saw in shared memory. */
#include "system/sandbox.h"

#include <cap-ng.h>
#include <pthread.h>
#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define CAP(name) (UINT64_C(1) << CAP_##name)

enum { ORDINARY = 65532 };

/* What /proc/thread-self/status says. */
struct self {
    unsigned uid, gid, n_groups;
    uint64_t inheritable, permitted, effective, ambient, bounding;
    unsigned no_new_privs;
};

struct shown {
    int code, dumpable;
    char err[256];
    struct self before, acting, began, settled, worker;
    bool back_to_root, back_to_net_admin;
};

static struct shown *shown;

static void look(struct self *out)
{
    FILE *f = fopen("/proc/thread-self/status", "re");
    char line[4096], word[64];
    unsigned long long value;

    memset(out, 0, sizeof *out);
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        (void)sscanf(line, "Uid: %*u %u", &out->uid);
        (void)sscanf(line, "Gid: %*u %u", &out->gid);
        (void)sscanf(line, "NoNewPrivs: %u", &out->no_new_privs);
        if (strncmp(line, "Groups:", 7) == 0)
            for (char *p = strtok(line + 7, " \t\n"); p != NULL;
                 p = strtok(NULL, " \t\n"))
                out->n_groups++;
        if (sscanf(line, "Cap%3s: %llx", word, &value) != 2)
            continue;
        *(strcmp(word, "Inh") == 0   ? &out->inheritable
          : strcmp(word, "Prm") == 0 ? &out->permitted
          : strcmp(word, "Eff") == 0 ? &out->effective
          : strcmp(word, "Amb") == 0 ? &out->ambient
                                     : &out->bounding) = value;
    }
    if (f != NULL)
        (void)fclose(f);
}

static void *work(void *arg)
{
    (void)arg;
    sandbox_worker();
    look(&shown->worker);
    return NULL;
}

/* Begin as a container does: with these capabilities and no others. */
static void have(uint64_t set)
{
    capng_clear(CAPNG_SELECT_ALL);
    for (unsigned c = 0; c < 64; c++)
        if (set >> c & 1)
            (void)capng_update(
                CAPNG_ADD,
                CAPNG_EFFECTIVE | CAPNG_PERMITTED | CAPNG_BOUNDING_SET, c);
    if (capng_apply(CAPNG_SELECT_ALL) < 0)
        _exit(2);
}

static bool get_back(unsigned capability)
{
    (void)capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
                       capability);
    return capng_apply(CAPNG_SELECT_CAPS) == 0;
}

/* In the child. */
static void play(const char *user, bool keep)
{
    char err[256];
    pthread_t thread;

    look(&shown->before);
    shown->code = sandbox_begin(user, shown->err);
    if (shown->code == 0) {
        sandbox_act_as_user();
        look(&shown->acting);
        sandbox_act_as_begun();
        look(&shown->began);
        if (sandbox_settle(keep, err) != 0)
            _exit(2);
    }
    look(&shown->settled);
    shown->dumpable = prctl(PR_GET_DUMPABLE);
    if (pthread_create(&thread, NULL, work, NULL) != 0 ||
        pthread_join(thread, NULL) != 0)
        _exit(2);
    shown->back_to_root = setuid(0) == 0;
    shown->back_to_net_admin = !keep && get_back(CAP_NET_ADMIN);
    _exit(0);
}

/* keep: of sandbox_settle().  uid: who the child is to begin with. */
static void run(const char *user, uint64_t caps, unsigned uid, bool keep)
{
    pid_t child;
    int status;

    memset(shown, 0, sizeof *shown);
    child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (caps != UINT64_MAX)
            have(caps);
        if (uid != 0 && (setgid(uid) != 0 || setuid(uid) != 0))
            _exit(2);
        play(user, keep);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
}

static void nothing_else(const struct self *s, uint64_t caps)
{
    assert_int_equal(s->permitted, caps);
    assert_int_equal(s->effective, caps);
    assert_int_equal(s->inheritable, 0);
    assert_int_equal(s->ambient, 0);
    assert_int_equal(s->no_new_privs, 1);
}

#define IDS (CAP(SETUID) | CAP(SETGID))

static const struct {
    const char *what, *user;
    uint64_t caps; /* to begin with */
    unsigned uid, gid;
    uint64_t kept;
} good[] = {
    {"root of the host", "65532", UINT64_MAX, 65532, 65532, CAP(NET_ADMIN)},
    {"root of a container", "65532", IDS | CAP(NET_ADMIN), 65532, 65532,
     CAP(NET_ADMIN)},
    {"devices made beforehand", "65532", IDS, 65532, 65532, 0},
    {"a group of its own", "65532:70000", UINT64_MAX, 65532, 70000,
     CAP(NET_ADMIN)},
    {"a group's name", "65532:root", UINT64_MAX, 65532, 0, CAP(NET_ADMIN)},
    {"the greatest number", "4294967294", UINT64_MAX, 4294967294, 4294967294,
     CAP(NET_ADMIN)},
    {"root, with less", "0", UINT64_MAX, 0, 0, CAP(NET_ADMIN)},
    {"root's name", "root", IDS | CAP(NET_ADMIN), 0, 0, CAP(NET_ADMIN)},
    {"already root", "0:0", CAP(NET_ADMIN), 0, 0, CAP(NET_ADMIN)},
};

static void becomes(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        for (int keep = 0; keep < 2; keep++) {
            print_message("%s\n", good[i].what);
            run(good[i].user, good[i].caps, 0, keep);
            assert_string_equal(shown->err, "");
            assert_int_equal(shown->code, 0);
            assert_int_equal(shown->settled.uid, good[i].uid);
            assert_int_equal(shown->settled.gid, good[i].gid);
            assert_int_equal(shown->settled.n_groups, 0);
            nothing_else(&shown->settled, keep ? good[i].kept : 0);
            nothing_else(&shown->worker, 0);
            assert_int_equal(shown->dumpable, 0);
            assert_true(good[i].uid == 0 || !shown->back_to_root);
            assert_false(shown->back_to_net_admin);
        }
}

/* Before it is settled: the user's rights, and all there were, in turn. */
static void acts(void **state)
{
    (void)state;
    run("65532", UINT64_MAX, 0, false);
    assert_int_equal(shown->acting.effective, 0);
    assert_int_equal(shown->began.effective, shown->before.effective);
    assert_int_equal(shown->began.uid, 0);
    run("0", UINT64_MAX, 0, false);
    assert_int_equal(shown->acting.effective, 0);
    assert_int_equal(shown->began.effective, shown->before.effective);
    assert_int_equal(shown->began.no_new_privs, 1);
}

static void bounding_set_is_emptied_where_it_can_be(void **state)
{
    (void)state;
    run("65532", UINT64_MAX, 0, true);
    assert_int_equal(shown->settled.bounding, 0);
    run("65532", IDS | CAP(NET_ADMIN), 0, true);
    assert_int_equal(shown->settled.bounding, IDS | CAP(NET_ADMIN));
}

/* No user is named: root becomes an ordinary one if it can, others stay. */
static void unsaid(void **state)
{
    (void)state;
    run(NULL, UINT64_MAX, 0, false);
    assert_int_equal(shown->code, 0);
    assert_string_equal(shown->err, "");
    assert_int_equal(shown->settled.uid, getpwnam("weir") != NULL
                                             ? getpwnam("weir")->pw_uid
                                             : ORDINARY);
    nothing_else(&shown->settled, 0);
    assert_false(shown->back_to_root);
    run(NULL, CAP(NET_ADMIN), 0, true);
    assert_int_equal(shown->code, 0);
    assert_non_null(strstr(shown->err, "CAP_SETUID"));
    assert_int_equal(shown->settled.uid, 0);
    nothing_else(&shown->settled, CAP(NET_ADMIN));
    run(NULL, UINT64_MAX, 1001, false);
    assert_int_equal(shown->code, 0);
    assert_string_equal(shown->err, "");
    assert_int_equal(shown->settled.uid, 1001);
    nothing_else(&shown->settled, 0);
    assert_int_equal(shown->dumpable, 0);
}

static void ordinary_user(void **state)
{
    (void)state;
    run("65532", 0, 0, false); /* root by name alone */
    assert_int_equal(shown->code, 1);
    run("65532", UINT64_MAX, ORDINARY, false);
    assert_int_equal(shown->code, 0); /* it is that user already */
    nothing_else(&shown->settled, 0);
    run("65533", UINT64_MAX, ORDINARY, false);
    assert_int_equal(shown->code, 1);
    assert_non_null(strstr(shown->err, "65533"));
    assert_non_null(strstr(shown->err, "CAP_SETUID"));
    run("65532:0", UINT64_MAX, ORDINARY, false);
    assert_int_equal(shown->code, 1);
    assert_int_equal(shown->settled.gid, ORDINARY);
}

static void names(void **state)
{
    static const char *const unusable[] = {
        "",        ":",           ":5",           "no-such-user", "65532:",
        "65532:x", "-1",          "1 ",           "0x10",         "4294967295",
        "1:2:3",   "99999999999", "1:4294967295",
    };

    (void)state;
    for (size_t i = 0; i < sizeof unusable / sizeof *unusable; i++) {
        print_message("\"%s\"\n", unusable[i]);
        run(unusable[i], UINT64_MAX, 0, false);
        assert_int_equal(shown->code, 2);
        assert_non_null(strstr(shown->err, "unknown "));
        assert_int_equal(shown->settled.uid, 0);
    }
    run("nobody", UINT64_MAX, 0, false); /* Debian's is 65534, group nogroup */
    assert_int_equal(shown->code, 0);
    assert_int_equal(shown->settled.uid, 65534);
    assert_int_equal(shown->settled.gid, 65534);
    run("65534", UINT64_MAX, 0, false); /* its group by the entry */
    assert_int_equal(shown->settled.gid, 65534);
}

/* No build with sanitizers has them in force; e2e.sandbox_interfaces does. */
static void calls_are_few(void **state)
{
    (void)state;
    assert_in_range(sandbox_calls_count(SANDBOX_WEIR), 20, 30);
    assert_in_range(sandbox_calls_count(SANDBOX_ORDERS), 10, 30);
    assert_true(sandbox_choose("log"));
    assert_true(sandbox_choose("kill"));
    assert_false(sandbox_choose(""));
    assert_true(sandbox_choose("off"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(becomes),
        cmocka_unit_test(acts),
        cmocka_unit_test(bounding_set_is_emptied_where_it_can_be),
        cmocka_unit_test(unsaid),
        cmocka_unit_test(ordinary_user),
        cmocka_unit_test(names),
        cmocka_unit_test(calls_are_few),
    };

    if (geteuid() != 0 ||
        !capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN)) {
        puts("SKIPPED: NOT ROOT, or without CAP_NET_ADMIN. Only root can "
             "become another user: no test was run.");
        return 77;
    }
    shown = mmap(NULL, sizeof *shown, PROT_READ | PROT_WRITE,
                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shown == MAP_FAILED)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
