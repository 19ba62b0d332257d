/* listen.c - listening sockets
 *
 * A socket file at which no process listens is left over from a router that was
 * killed, and is replaced; any other is not touched. */
#include <web/listen.h>

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Clients that wait to be accepted: SOMAXCONN, of which the kernel allows what
 * net.core.somaxconn says.  A client that finds the queue full tries again
 * after a second, and a health check has failed before that. */
enum {
    SEND_BUF = 262144 /* of each client: what it does not take stays small */
};

static int fail_to_listen(int fd, int error, char err[256], const char *what,
                          const char *name)
{
    (void)snprintf(err, 256, "%s %s: %s", what, name, strerror(error));
    if (fd >= 0)
        (void)close(fd);
    return -error;
}

int listen_tcp(const char *host, uint16_t port, uint16_t *bound, char err[256])
{
    union {
        struct sockaddr any;
        struct sockaddr_in four;
        struct sockaddr_in6 six;
    } a;
    socklen_t len;
    char name[96];
    int fd, on = 1, send_buf = SEND_BUF;

    memset(&a, 0, sizeof(a));
    (void)snprintf(name, sizeof(name), "%.64s port %u", host, port);
    if (inet_pton(AF_INET, host, &a.four.sin_addr) == 1) {
        a.four.sin_family = AF_INET;
        a.four.sin_port = htons(port);
        len = sizeof(a.four);
    } else if (inet_pton(AF_INET6, host, &a.six.sin6_addr) == 1) {
        a.six.sin6_family = AF_INET6;
        a.six.sin6_port = htons(port);
        len = sizeof(a.six);
    } else {
        (void)snprintf(err, 256,
                       "cannot listen on %.64s: use a numeric address", host);
        return -EINVAL;
    }
    fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail_to_listen(fd, errno, err, "cannot listen on", name);
    if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &send_buf, sizeof(send_buf)) !=
            0 ||
        bind(fd, &a.any, len) != 0 || listen(fd, SOMAXCONN) != 0)
        return fail_to_listen(fd, errno, err, "cannot listen on", name);
    len = sizeof(a);
    if (getsockname(fd, &a.any, &len) != 0)
        return fail_to_listen(fd, errno, err, "cannot listen on", name);
    *bound =
        ntohs(a.any.sa_family == AF_INET ? a.four.sin_port : a.six.sin6_port);
    return fd;
}

/* Is the socket a leftover?  Only a refused connection says that.  Any other
 * answer is a live socket's: a full backlog (EAGAIN), another type of socket
 * (EPROTOTYPE), or one that this user may not try (EACCES).  0 or errno. */
static int try_leftover(const struct sockaddr_un *a, int type)
{
    int fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    int error;

    if (fd < 0)
        return errno;
    error = connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0
                ? EADDRINUSE
                : errno;
    (void)close(fd);
    return error == ECONNREFUSED ? 0 : error;
}

/* Make way: a leftover goes, its folder comes.  0 or a negative errno. */
static int make_socket_way(const struct sockaddr_un *a, int type, char err[256])
{
    struct stat st;
    char folder[sizeof(a->sun_path)], *slash;
    int error;

    if (lstat(a->sun_path, &st) == 0) {
        if (!S_ISSOCK(st.st_mode)) {
            (void)snprintf(err, 256,
                           "cannot listen on %s: it exists and is "
                           "no socket",
                           a->sun_path);
            return -EEXIST;
        }
        error = try_leftover(a, type);
        if (error == EADDRINUSE || error == EAGAIN || error == EPROTOTYPE) {
            (void)snprintf(
                err, 256, "cannot listen on %s: another %s answers there",
                a->sun_path, error == EPROTOTYPE ? "kind of socket" : "router");
            return -EADDRINUSE;
        }
        if (error != 0)
            return fail_to_listen(-1, error, err, "cannot listen on",
                                  a->sun_path);
        if (unlink(a->sun_path) != 0)
            return fail_to_listen(-1, errno, err, "cannot replace",
                                  a->sun_path);
        return 0;
    }
    memcpy(folder, a->sun_path, sizeof(folder));
    slash = strrchr(folder, '/');
    if (slash && slash != folder) {
        *slash = '\0';
        if (mkdir(folder, 0755) != 0 && errno != EEXIST)
            return fail_to_listen(-1, errno, err, "cannot make the folder",
                                  folder);
    }
    return 0;
}

int listen_unix(const char *path, int type, struct listen_file *file,
                char err[256])
{
    struct sockaddr_un a = {.sun_family = AF_UNIX};
    struct stat st;
    mode_t mask;
    int fd, result;

    if (strlen(path) >= sizeof(a.sun_path)) {
        (void)snprintf(err, 256,
                       "cannot listen on %.100s...: a socket's path "
                       "has 107 bytes at most",
                       path);
        return -ENAMETOOLONG;
    }
    memcpy(a.sun_path, path, strlen(path) + 1);
    result = make_socket_way(&a, type, err);
    if (result < 0)
        return result;
    fd = socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return fail_to_listen(fd, errno, err, "cannot listen on", path);
    mask = umask(0177); /* 0600 from the first moment on */
    result = bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0 ? 0 : errno;
    (void)umask(mask);
    if (result != 0)
        return fail_to_listen(fd, result, err, "cannot listen on", path);
    if (lstat(path, &st) != 0 || listen(fd, SOMAXCONN) != 0)
        return fail_to_listen(fd, errno, err, "cannot listen on", path);
    memcpy(file->path, a.sun_path, sizeof(file->path));
    file->dev = st.st_dev;
    file->ino = st.st_ino;
    return fd;
}

void listen_remove(const struct listen_file *file)
{
    struct stat st;

    if (file->path[0] && lstat(file->path, &st) == 0 &&
        st.st_dev == file->dev && st.st_ino == file->ino)
        (void)unlink(file->path);
}

bool listen_peer(int fd, struct listen_who *who)
{
    struct ucred cred;
    socklen_t len = sizeof(cred);

    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
        return false;
    if (who != NULL)
        *who = (struct listen_who){(uint32_t)cred.pid, cred.uid};
    return cred.uid == 0 || cred.uid == geteuid();
}
