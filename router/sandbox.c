/* sandbox.c - the user weir runs as, and the capabilities its threads keep
 *
 *   start      one thread: become the user, keep CAP_NET_ADMIN
 *   orders     a process of its own: CAP_NET_ADMIN alone (order.h)
 *   set-up     devices, sockets; the configuration is read with the same
 *              rights as at every reload
 *   worker     first of all: no capability
 *   control    before the first other thread: no capability
 *
 * Capabilities belong to threads: what a thread keeps, those it makes begin
 * with (capabilities(7)).  A thread that drops its own can't get them back:
 * ambient and inheritable sets are empty, and no_new_privs takes from set-uid
 * programs and file capabilities what they would give.  That is why the
 * bounding set may stay where it can't be emptied: that takes CAP_SETPCAP,
 * which containers are seldom given. */
#include "sandbox.h"

#include <cap-ng.h>
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/types.h>
#include <unistd.h>

enum { NOT_POSSIBLE = 1, NO_SUCH_USER = 2 };

struct identity {
    uid_t uid;
    gid_t gid;
};

/* ---- whom the words mean ---- */

static bool read_number(const char *text, uint32_t *out)
{
    size_t n = strlen(text);
    uint64_t value;

    if (n == 0 || n > 10 || strspn(text, "0123456789") != n)
        return false;
    value = strtoull(text, NULL, 10);
    *out = (uint32_t)value;
    return value < UINT32_MAX; /* the last one means "no user" */
}

static bool find_user(const char *text, struct identity *out)
{
    const struct passwd *entry;
    uint32_t number;

    if (read_number(text, &number)) {
        entry = getpwuid(number);
        out->uid = number;
        out->gid = entry != NULL ? entry->pw_gid : number;
        return true;
    }
    entry = *text != '\0' ? getpwnam(text) : NULL;
    if (entry == NULL)
        return false;
    out->uid = entry->pw_uid;
    out->gid = entry->pw_gid;
    return true;
}

static bool find_group(const char *text, struct identity *out)
{
    const struct group *entry;
    uint32_t number;

    if (read_number(text, &number)) {
        out->gid = number;
        return true;
    }
    entry = *text != '\0' ? getgrnam(text) : NULL;
    if (entry == NULL)
        return false;
    out->gid = entry->gr_gid;
    return true;
}

static bool find(const char *user, struct identity *out, char err[256])
{
    const char *colon = strchr(user, ':');
    char name[128];

    (void)snprintf(name, sizeof name, "%.*s",
                   colon != NULL ? (int)(colon - user) : (int)sizeof name - 1,
                   user);
    if (!find_user(name, out)) {
        (void)snprintf(err, 256,
                       "there is no user \"%.100s\": expected a name of "
                       "/etc/passwd or a number, and :GROUP behind it to have "
                       "another group",
                       name);
        return false;
    }
    if (colon != NULL && !find_group(colon + 1, out)) {
        (void)snprintf(err, 256,
                       "there is no group \"%.100s\": expected a name of "
                       "/etc/group or a number",
                       colon + 1);
        return false;
    }
    return true;
}

/* ---- becoming it ---- */

static bool is_already(const struct identity *who)
{
    uid_t uid[3];
    gid_t gid[3];

    return getresuid(&uid[0], &uid[1], &uid[2]) == 0 &&
           getresgid(&gid[0], &gid[1], &gid[2]) == 0 && uid[0] == who->uid &&
           uid[1] == who->uid && uid[2] == who->uid && gid[0] == who->gid &&
           gid[1] == who->gid && gid[2] == who->gid;
}

/* What this thread is left with.  0, or negative with errno. */
static int keep(bool net_admin)
{
    capng_clear(CAPNG_SELECT_CAPS);
    if (net_admin)
        (void)capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
                           CAP_NET_ADMIN);
    return capng_apply(CAPNG_SELECT_CAPS);
}

static bool may(unsigned capability)
{
    return capng_have_capability(CAPNG_PERMITTED, capability) != 0;
}

static int change(const struct identity *who)
{
    bool net_admin, ids;
    capng_flags_t flags = CAPNG_DROP_SUPP_GRP;

    if (capng_get_caps_process() < 0)
        return -1;
    net_admin = may(CAP_NET_ADMIN);
    ids = may(CAP_SETUID) && may(CAP_SETGID);
    if (may(CAP_SETPCAP))
        flags |= CAPNG_CLEAR_BOUNDING;
    if (!ids && is_already(who))
        return keep(net_admin);
    if (!ids) {
        errno = EPERM;
        return -1;
    }
    capng_clear(CAPNG_SELECT_CAPS);
    if (net_admin)
        (void)capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED,
                           CAP_NET_ADMIN);
    return capng_change_id((int)who->uid, (int)who->gid, flags);
}

/* Closed to other processes of its user: no core file, no ptrace(2).  A change
 * of the user sets it to what fs.suid_dumpable says. */
static int close_up(char err[256])
{
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0)
        return 0;
    (void)snprintf(err, 256, "can't set PR_SET_DUMPABLE: %s", strerror(errno));
    return NOT_POSSIBLE;
}

int sandbox_become(const char *user, char err[256])
{
    struct identity who = {0, 0};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) {
        (void)snprintf(err, 256, "can't set no_new_privs: %s", strerror(errno));
        return NOT_POSSIBLE;
    }
    if (user == NULL)
        return close_up(err);
    if (!find(user, &who, err))
        return NO_SUCH_USER;
    if (change(&who) < 0 || !is_already(&who)) {
        (void)snprintf(err, 256,
                       "can't become user %.100s (uid %u, gid %u): %s; start "
                       "weir as root, or with CAP_SETUID and CAP_SETGID, or as "
                       "that user",
                       user, (unsigned)who.uid, (unsigned)who.gid,
                       strerror(errno));
        return NOT_POSSIBLE;
    }
    return close_up(err);
}

/* ---- later ---- */

void sandbox_worker(void)
{
    if (keep(false) == 0)
        return;
    (void)fprintf(stderr, "weir: a worker can't drop its capabilities: %s\n",
                  strerror(errno));
    _exit(1);
}

bool sandbox_may_net_admin(void)
{
    return capng_get_caps_process() == 0 &&
           capng_have_capability(CAPNG_EFFECTIVE, CAP_NET_ADMIN) != 0;
}

int sandbox_settle(bool keep_net_admin, char err[256])
{
    if (capng_get_caps_process() == 0 &&
        keep(keep_net_admin && may(CAP_NET_ADMIN)) == 0)
        return 0;
    (void)snprintf(err, 256, "can't drop capabilities: %s", strerror(errno));
    return -1;
}
