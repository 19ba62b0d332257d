/* steerkey.c - the steering key as a file: one line of 32 hexadecimal digits */
#include "worker/steerkey.h"

#include "system/entropy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { LINE = 2 * STEERKEY_BYTES + 1, PATH_ROOM = 256 };

static bool refuse(char err[STEERKEY_ROOM], const char *path, const char *what)
{
    snprintf(err, STEERKEY_ROOM,
             "%s %s; with several workers connections will not outlive the "
             "next restart",
             path, what);
    return false;
}

static bool from_text(const char text[LINE], uint8_t key[STEERKEY_BYTES])
{
    for (unsigned i = 0; i < STEERKEY_BYTES; i++) {
        unsigned byte;

        if (strspn(text + 2 * i, "0123456789abcdef") < 2 ||
            sscanf(text + 2 * i, "%2x", &byte) != 1)
            return false;
        key[i] = (uint8_t)byte;
    }
    return text[LINE - 1] == '\n';
}

/* The file is there, opened as fd. */
static bool take(int fd, const char *path, uint8_t key[STEERKEY_BYTES],
                 char err[STEERKEY_ROOM])
{
    uint8_t read_key[STEERKEY_BYTES];
    char text[LINE + 1];
    struct stat st;

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))
        return refuse(err, path, "is not a regular file; delete it");
    if (st.st_uid != geteuid() || (st.st_mode & 077) != 0)
        return refuse(err, path,
                      "is not used: it is not a file of weir's user with mode "
                      "0600; delete it");
    if (read(fd, text, sizeof text) != LINE || !from_text(text, read_key))
        return refuse(err, path,
                      "is not used: it is not one line of 32 hexadecimal "
                      "digits; delete it");
    memcpy(key, read_key, sizeof read_key);
    return true;
}

/* Whole or not at all: written beside its place, then named. */
static bool make(const char *path, const uint8_t key[STEERKEY_BYTES],
                 char err[STEERKEY_ROOM])
{
    char fresh[PATH_ROOM + 8], text[LINE + 1], why[128];
    bool ok;
    int fd, code;

    for (unsigned i = 0; i < STEERKEY_BYTES; i++)
        snprintf(text + 2 * i, 3, "%02x", key[i]);
    text[LINE - 1] = '\n';
    snprintf(fresh, sizeof fresh, "%s.new", path);
    (void)unlink(fresh);
    fd =
        open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    ok = fd >= 0 && write(fd, text, LINE) == LINE;
    code = errno;
    if (fd >= 0)
        close(fd);
    if (ok) {
        ok = rename(fresh, path) == 0;
        code = errno;
    }
    if (ok)
        return true;
    if (fd >= 0)
        (void)unlink(fresh);
    snprintf(why, sizeof why,
             "can't be made: %s; use a folder that weir's user may write to",
             strerror(code));
    return refuse(err, path, why);
}

bool steerkey_get(const char *socket, uint8_t key[STEERKEY_BYTES],
                  char err[STEERKEY_ROOM])
{
    const char *slash = strrchr(socket, '/');
    char path[PATH_ROOM], why[128];
    bool ok;
    int fd;

    entropy_fill(key, STEERKEY_BYTES);
    if (slash == NULL)
        return refuse(err, "the steering key",
                      "has no folder to be kept in (\"api\": {\"socket\": "
                      "PATH} names one)");
    snprintf(path, sizeof path, "%.*s", (int)(slash - socket), socket);
    (void)mkdir(path, 0755); /* as for the socket itself */
    snprintf(path, sizeof path, "%.*s/steering.key", (int)(slash - socket),
             socket);
    fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT)
        return make(path, key, err);
    if (fd < 0) {
        snprintf(why, sizeof why,
                 "can't be read: %s; start as the user who made it, or delete "
                 "it",
                 strerror(errno));
        return refuse(err, path, why);
    }
    ok = take(fd, path, key, err);
    close(fd);
    return ok;
}
