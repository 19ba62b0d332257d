/* identity.c - the user and the group that words mean */
#include "system/identity.h"

#include <grp.h>
#include <pwd.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The container image's; no distribution gives it to a program. */
enum { DEFAULT_NUMBER = 65532 };

static bool parse_id_number(const char *text, uint32_t *out)
{
    size_t n = strlen(text);
    uint64_t value;

    if (n == 0 || n > 10 || strspn(text, "0123456789") != n)
        return false;
    value = strtoull(text, NULL, 10);
    *out = (uint32_t)value;
    return value < UINT32_MAX; /* the last one means "no user" */
}

static bool resolve_user(const char *text, struct identity *out)
{
    const struct passwd *entry;
    uint32_t number;

    if (parse_id_number(text, &number)) {
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

    if (parse_id_number(text, &number)) {
        out->gid = number;
        return true;
    }
    entry = *text != '\0' ? getgrnam(text) : NULL;
    if (entry == NULL)
        return false;
    out->gid = entry->gr_gid;
    return true;
}

bool identity_find(const char *user, struct identity *out, char err[256])
{
    const char *colon = strchr(user, ':');
    char name[128];

    (void)snprintf(name, sizeof name, "%.*s",
                   colon != NULL ? (int)(colon - user) : (int)sizeof name - 1,
                   user);
    if (!resolve_user(name, out)) {
        (void)snprintf(err, 256,
                       "unknown user \"%.100s\"; use a name of /etc/passwd or "
                       "a number, with :GROUP behind it for another group",
                       name);
        return false;
    }
    if (colon != NULL && !find_group(colon + 1, out)) {
        (void)snprintf(
            err, 256,
            "unknown group \"%.100s\"; use a name of /etc/group or a number",
            colon + 1);
        return false;
    }
    return true;
}

void identity_default(struct identity *out)
{
    char err[256];

    if (!identity_find("weir", out, err))
        *out = (struct identity){DEFAULT_NUMBER, DEFAULT_NUMBER};
}
