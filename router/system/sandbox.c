/* sandbox.c - the user weir runs as, and the capabilities its threads keep
 *
 *   start      one thread: who is it to be?
 *   read       the configuration, as that user: what can be read then can be
 *              read at every reload
 *   orders     a process of its own: that user, CAP_NET_ADMIN alone (order.h)
 *   set-up     devices with all rights; sockets and files as that user, or
 *              with all rights where that user may not
 *   settle     that user, no capability, before the first other thread;
 *              confined to its files
 *   run        each thread by itself: system calls, when it needs no others
 *
 * Capabilities belong to threads: what a thread keeps, those it makes begin
 * with (capabilities(7)).  A thread that drops its own can't get them back:
 * ambient and inheritable sets are empty, and no_new_privs takes from set-uid
 * programs and file capabilities what they would give.  That is why the
 * bounding set may stay where it can't be emptied: that takes CAP_SETPCAP,
 * which containers are seldom given. */
#include "system/sandbox.h"

#include "system/identity.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { NOT_POSSIBLE = 1, NO_SUCH_USER = 2 };

static struct {
    struct identity who;
    bool changes; /* it is another one than weir was started as */
    struct identity was;
    bool settled;
} plan;

/* The kernel's, of later headers than Debian 12's. */
enum { SET_MDWE = 65, REFUSE_EXEC_GAIN = 1 };

/* Set once, before there are threads. */
static enum sandbox_mode mode = SANDBOX_OFF;

static bool is_already(const struct identity *who)
{
    uid_t uid[3];
    gid_t gid[3];

    return getresuid(&uid[0], &uid[1], &uid[2]) == 0 &&
           getresgid(&gid[0], &gid[1], &gid[2]) == 0 && uid[0] == who->uid &&
           uid[1] == who->uid && uid[2] == who->uid && gid[0] == who->gid &&
           gid[1] == who->gid && gid[2] == who->gid;
}

static bool has_capability(unsigned capability)
{
    return capng_have_capability(CAPNG_PERMITTED, capability) != 0;
}

bool sandbox_may_net_admin(void)
{
    return capng_get_caps_process() == 0 &&
           capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) != 0;
}

/* ---- the start ---- */

/* Closed to other processes of its user: no core file, no ptrace(2).  A change
 * of the user sets it to what fs.suid_dumpable says. */
static int close_up(char err[256])
{
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
        return 0;
    (void)snprintf(err, 256, "can't set PR_SET_DUMPABLE: %s", strerror(errno));
    return NOT_POSSIBLE;
}

/* Which of its rights count; those that don't can be taken up again. */
static int use_capabilities(bool yes)
{
    if (capng_get_caps_process() < 0)
        return -1;
    for (unsigned c = 0; c <= CAP_LAST_CAP; c++)
        (void)capng_update(yes && has_capability(c) ? CAPNG_ADD : CAPNG_DROP,
                           CAPNG_EFFECTIVE, c);
    return capng_apply(CAPNG_SELECT_CAPS);
}

/* In this order: changing groups takes rights. */
static int act_as(const struct identity *who)
{
    return setgroups(0, NULL) < 0 || setegid(who->gid) < 0 ||
                   seteuid(who->uid) < 0
               ? -1
               : 0;
}

static int restore_start_user(void)
{
    return seteuid(plan.was.uid) < 0 || setegid(plan.was.gid) < 0 ? -1 : 0;
}

/* Can it be done?  A container may lack the rights, a user namespace the
 * number. */
static bool can_change(void)
{
    bool can;

    if (capng_get_caps_process() < 0 || !has_capability(CAP_SETUID) ||
        !has_capability(CAP_SETGID)) {
        errno = EPERM;
        return false;
    }
    can = act_as(&plan.who) == 0;
    if (restore_start_user() < 0)
        _exit(NOT_POSSIBLE);
    return can;
}

static int plan_sandbox_user(const char *user, char err[256])
{
    if (user == NULL && geteuid() != 0) {
        plan.who = plan.was;
        return 0;
    }
    if (user == NULL)
        identity_default(&plan.who);
    else if (!identity_find(user, &plan.who, err))
        return NO_SUCH_USER;
    plan.changes = !is_already(&plan.who);
    if (!plan.changes || can_change())
        return 0;
    plan.changes = false;
    (void)snprintf(err, 256,
                   "can't become user %.100s (uid %u, gid %u): %s; start weir "
                   "as root, or with CAP_SETUID and CAP_SETGID, or as that "
                   "user",
                   user != NULL ? user : "weir", (unsigned)plan.who.uid,
                   (unsigned)plan.who.gid, strerror(errno));
    if (user != NULL)
        return NOT_POSSIBLE;
    plan.who = plan.was;
    return 0;
}

static int by_byte(const void *a, const void *b)
{
    return *(const uint8_t *)a - *(const uint8_t *)b;
}

/* glibc's qsort() of more than a KiB asks once how much memory there is, by
 * sysinfo(2).  That is no call of a limited weir: a reload, or routes that come
 * while it runs, would be the first to sort so much, and its end. */
static void sort_once(void)
{
    uint8_t bytes[2048] = {0};

    qsort(bytes, sizeof bytes, 1, by_byte);
}

int sandbox_begin(const char *user, char err[256])
{
    int code;

    err[0] = '\0';
    sort_once();
    plan.was = (struct identity){geteuid(), getegid()};
    plan.changes = false;
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        (void)snprintf(err, 256, "can't set no_new_privs: %s", strerror(errno));
        return NOT_POSSIBLE;
    }
    code = plan_sandbox_user(user, err);
    return code == 0 ? close_up(err) : code;
}

/* ---- set-up ---- */

static void exit_unless_done(bool done, const char *what)
{
    if (done)
        return;
    (void)fprintf(stderr, "weir: can't %s: %s\n", what, strerror(errno));
    _exit(NOT_POSSIBLE);
}

void sandbox_act_as_user(void)
{
    if (plan.settled)
        return;
    if (plan.changes)
        exit_unless_done(act_as(&plan.who) == 0, "act as the user");
    exit_unless_done(use_capabilities(false) == 0, "put capabilities aside");
}

void sandbox_act_as_begun(void)
{
    if (plan.settled)
        return;
    if (plan.changes)
        exit_unless_done(restore_start_user() == 0, "act as before");
    exit_unless_done(use_capabilities(true) == 0, "take capabilities up");
}

void sandbox_give(const char *path)
{
    /* Without CAP_CHOWN it stays root's, who may still use it. */
    if (plan.changes && lchown(path, plan.who.uid, plan.who.gid) < 0)
        errno = 0;
}

/* ---- for good ---- */

/* What this thread is left with.  0, or negative with errno. */
static int limit_thread_caps(bool net_admin)
{
    capng_clear(CAPNG_SELECT_CAPS);
    if (net_admin)
        (void)capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
                           CAP_NET_ADMIN);
    return capng_apply(CAPNG_SELECT_CAPS);
}

static int drop_privileges(bool net_admin)
{
    capng_flags_t flags = CAPNG_DROP_SUPP_GRP;

    if (capng_get_caps_process() < 0)
        return -1;
    net_admin = net_admin && has_capability(CAP_NET_ADMIN);
    if (has_capability(CAP_SETPCAP))
        flags |= CAPNG_CLEAR_BOUNDING;
    if (!has_capability(CAP_SETUID) || !has_capability(CAP_SETGID))
        return limit_thread_caps(net_admin);
    capng_clear(CAPNG_SELECT_CAPS);
    if (net_admin)
        (void)capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
                           CAP_NET_ADMIN);
    return capng_change_id((int)plan.who.uid, (int)plan.who.gid, flags);
}

int sandbox_settle(bool keep_net_admin, char err[256])
{
    if (drop_privileges(keep_net_admin) < 0 || !is_already(&plan.who)) {
        (void)snprintf(err, 256, "can't become uid %u, gid %u: %s",
                       (unsigned)plan.who.uid, (unsigned)plan.who.gid,
                       strerror(errno));
        return -1;
    }
    plan.settled = true;
    return close_up(err) == 0 ? 0 : -1;
}

bool sandbox_choose(const char *word)
{
    static const char *const words[] = {
        [SANDBOX_KILL] = "kill", [SANDBOX_LOG] = "log", [SANDBOX_OFF] = "off"};

    for (int i = 0; i <= SANDBOX_OFF; i++)
        if (strcmp(words[i], word) == 0) {
#ifndef WEIR_SANDBOX_NONE
            mode = (enum sandbox_mode)i;
#endif
            return true;
        }
    return false;
}

/* Not -EINVAL of a kernel that does not know it (before Linux 6.3). */
static int refuse_code(void)
{
    return prctl(SET_MDWE, REFUSE_EXEC_GAIN, 0, 0, 0) < 0 && errno != EINVAL
               ? -errno
               : 0;
}

int sandbox_confine(const struct sandbox_place *place, size_t n, char err[256])
{
    int code;

    err[0] = '\0';
    if (mode == SANDBOX_OFF)
        return 0;
    code = refuse_code();
    if (code == 0)
        code = sandbox_files_limit(place, n);
    if (code == 0)
        return 0;
    /* -EPERM: an engine's list of system calls that is older than Landlock. */
    if (code == -ENOSYS || code == -EOPNOTSUPP || code == -EPERM) {
        (void)snprintf(err, 256,
                       "there is no Landlock here (%s): files are limited by "
                       "the rights of user %u alone",
                       strerror(-code), (unsigned)geteuid());
        return 0;
    }
    (void)snprintf(err, 256, "can't confine weir to its files: %s",
                   strerror(-code));
    return -1;
}

int sandbox_limit_calls(enum sandbox_caller who, char err[256])
{
    int code = sandbox_calls_limit(who, mode);

    err[0] = '\0';
    if (code == 0)
        return 0;
    (void)snprintf(err, 256,
                   "can't limit weir's system calls: %s; --sandbox off goes "
                   "without",
                   strerror(-code));
    return -1;
}

void sandbox_worker(void)
{
    char err[256];

    exit_unless_done(limit_thread_caps(false) == 0,
                     "drop a worker's capabilities");
    if (sandbox_limit_calls(SANDBOX_WEIR, err) == 0)
        return;
    (void)fprintf(stderr, "weir: %s\n", err);
    _exit(NOT_POSSIBLE);
}
