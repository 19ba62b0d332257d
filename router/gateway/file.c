/* file.c - the small file that outlives a weir that is killed */
#include "gateway/file.h"

#include "system/log.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MOST = 1 << 20 };

/* Only root, this user, and who may write to the folder anyway can have put it
 * there: a weir that ran as another user did, and no stranger in /tmp can. */
static bool is_trusted_file(const struct stat *st, const char *path)
{
    char folder[PATH_MAX];
    struct stat in;

    if (st->st_uid == 0 || st->st_uid == geteuid())
        return true;
    (void)snprintf(folder, sizeof folder, "%s", path);
    return stat(dirname(folder), &in) == 0 && (in.st_mode & 022) == 0;
}

/* What it says will be done with rights that others lack, and it will be
 * written to. */
static bool is_trusted(int fd, const char *path)
{
    struct stat st = {0};

    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
        is_trusted_file(&st, path) && (st.st_mode & 022) == 0)
        return true;
    log_warn(
        "gateway",
        "%s is not used: it belongs to user %u and has mode %04o, and is not a "
        "file of user %u under one name that others can't write to; delete it",
        path, (unsigned)st.st_uid, (unsigned)st.st_mode & 07777u,
        (unsigned)geteuid());
    return false;
}

void gateway_file_open(struct gateway_file *file, const char *path)
{
    *file = (struct gateway_file){.fd = -ENOENT};
    if (path == NULL || strlen(path) >= sizeof file->path)
        return;
    (void)snprintf(file->path, sizeof file->path, "%s", path);
    file->fd = open(path, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (file->fd >= 0 && is_trusted(file->fd, path))
        return;
    if (file->fd >= 0)
        close(file->fd);
    if (file->fd >= 0 || errno == ELOOP)
        (void)unlink(path);
    file->fd =
        open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    file->made = file->fd >= 0;
    if (file->fd < 0)
        file->fd = -errno;
}

char *gateway_file_read(struct gateway_file *file)
{
    struct stat st;
    char *text;
    ssize_t n;

    if (file->fd < 0 || fstat(file->fd, &st) < 0 || st.st_size <= 0 ||
        st.st_size > MOST)
        return NULL;
    text = malloc((size_t)st.st_size + 1);
    n = text != NULL ? pread(file->fd, text, (size_t)st.st_size, 0) : 0;
    file->len = n > 0 ? (size_t)n : 0;
    if (text != NULL)
        text[file->len] = '\0';
    return text;
}

/* Empty lines stand for what is not there any more: one system call does all.
 */
int gateway_file_write(struct gateway_file *file, const char *text, size_t n)
{
    size_t all = n > file->len ? n : file->len;
    char *whole;
    ssize_t done;
    int err = 0;

    if (file->fd < 0)
        return file->fd;
    if (all == 0)
        return 0;
    whole = malloc(all);
    if (whole == NULL)
        return -ENOMEM;
    memcpy(whole, text, n);
    memset(whole + n, '\n', all - n);
    done = pwrite(file->fd, whole, all, 0);
    if (done != (ssize_t)all)
        err = done < 0 ? -errno : -ENOSPC;
    file->len = all;
    free(whole);
    return err;
}

void gateway_file_remove(struct gateway_file *file)
{
    if (gateway_file_write(file, "", 0) == 0)
        (void)unlink(file->path);
}

void gateway_file_leave(struct gateway_file *file)
{
    if (file->made)
        (void)unlink(file->path);
    if (file->fd >= 0)
        close(file->fd);
    file->fd = -ENOENT;
}
