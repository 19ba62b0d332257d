/* token.c - the secret that opens the API over TCP, as a file
 *
 * A token is made beside its place and then linked there: it appears whole or
 * not at all, and of two routers that start at once both have the same one. */
#include "system/token.h"

#include "system/entropy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TOKEN_MIN = 32, SECRET_BYTES = 32, SECRET_CHARS = 43, PATH_ROOM = 4096 };

static const char prefix[] = "weir_";
static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
                             "abcdefghijklmnopqrstuvwxyz0123456789-_";

/* ---- the text ---- */

bool token_take(const char *text, size_t n, char token[TOKEN_ROOM],
                char err[256])
{
    const char *blank = " \t\r\n";

    while (n > 0 && text[n - 1] != '\0' && strchr(blank, text[n - 1]) != NULL)
        n--;
    for (; n > 0 && *text != '\0' && strchr(blank, *text) != NULL; n--)
        text++;
    token[0] = '\0';
    if (memchr(text, '\0', n) != NULL) {
        snprintf(err, 256, "the token has a zero byte; use text");
        return false;
    }
    if (n < TOKEN_MIN || n >= TOKEN_ROOM) {
        snprintf(err, 256, "the token has %zu characters; use %d to %d", n,
                 TOKEN_MIN, TOKEN_ROOM - 1);
        return false;
    }
    for (size_t i = 0; i < n; i++)
        if (text[i] <= ' ' || text[i] >= 0x7f) {
            snprintf(err, 256,
                     "the token has a space, a control character or one beyond "
                     "ASCII; use letters, digits and signs");
            return false;
        }
    memcpy(token, text, n);
    token[n] = '\0';
    return true;
}

/* ---- the file ---- */

/* The path in quotes, its end if it is long: that tells files apart. */
static const char *quote_path_end(const char *path, char room[72])
{
    size_t n = strlen(path);

    snprintf(room, 72, "\"%s%s\"", n > 60 ? "..." : "",
             n > 60 ? path + n - 60 : path);
    return room;
}

static bool has_token_folder(const char *path)
{
    char folder[PATH_ROOM];
    struct stat st;
    char *slash;

    if (snprintf(folder, sizeof(folder), "%s", path) >= PATH_ROOM)
        return false;
    slash = strrchr(folder, '/');
    if (slash == NULL)
        strcpy(folder, ".");
    else
        slash[slash == folder] = '\0';
    return stat(folder, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool is_secret_of_engine(const char *path)
{
    return (strncmp(path, "/run/secrets/", 13) == 0 ||
            strncmp(path, "/var/run/secrets/", 17) == 0) &&
           strstr(path, "/..") == NULL;
}

static enum token_answer refuse_open(const char *path, char err[256])
{
    int code = errno;
    char name[72];

    if (code == ENOENT && has_token_folder(path))
        return TOKEN_ABSENT;
    if (code == ENOENT)
        snprintf(err, 256,
                 "%s: no such file or folder; use a file with the token, or a "
                 "folder to make it in",
                 quote_path_end(path, name));
    else
        snprintf(err, 256, "%s: %s; use a file with the token",
                 quote_path_end(path, name), strerror(code));
    return TOKEN_REFUSED;
}

static bool may_be_read(int fd, const char *path, char err[256])
{
    bool engine = is_secret_of_engine(path);
    struct stat st;
    char name[72];

    if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
        snprintf(err, 256,
                 "%s is not a regular file; use a file with the token",
                 quote_path_end(path, name));
        return false;
    }
    if ((st.st_mode & (engine ? 022 : 077)) == 0)
        return true;
    snprintf(err, 256, "%s can be %s by others (mode %04o); use mode %s",
             quote_path_end(path, name), engine ? "written" : "read",
             st.st_mode & 07777u, engine ? "0444 or 0400" : "0600 or 0400");
    return false;
}

enum token_answer token_read(const char *path, char token[TOKEN_ROOM],
                             char err[256])
{
    enum token_answer answer = TOKEN_REFUSED;
    char text[1024], name[72];
    ssize_t n;
    /* Non-blocking: a pipe of that name must not stop the start. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

    token[0] = '\0';
    if (fd < 0)
        return refuse_open(path, err);
    if (may_be_read(fd, path, err)) {
        n = read(fd, text, sizeof(text));
        if (n < 0)
            snprintf(err, 256, "%s: %s; use a file with the token",
                     quote_path_end(path, name), strerror(errno));
        else if (token_take(text, (size_t)n, token, err))
            answer = TOKEN_READ;
        explicit_bzero(text, sizeof(text));
    }
    close(fd);
    return answer;
}

/* ---- a new one ---- */

/* base64url without padding, RFC 4648 s5: the last character has 4 bits. */
static void make_text(char token[TOKEN_ROOM])
{
    uint8_t bytes[SECRET_BYTES + 1] = {0};
    char *to = token + sizeof(prefix) - 1;

    entropy_fill(bytes, SECRET_BYTES);
    memcpy(token, prefix, sizeof(prefix));
    for (unsigned i = 0; i < SECRET_CHARS; i++) {
        unsigned bit = i * 6, two = (unsigned)bytes[bit / 8] << 8;

        two |= bit / 8 + 1 < sizeof(bytes) ? bytes[bit / 8 + 1] : 0u;
        *to++ = digits[two >> (10 - bit % 8) & 63];
    }
    *to = '\0';
    explicit_bzero(bytes, sizeof(bytes));
}

static bool write_whole(int fd, const char *token)
{
    char line[TOKEN_ROOM + 1];
    int n = snprintf(line, sizeof(line), "%s\n", token);
    bool ok = write(fd, line, (size_t)n) == n && fchmod(fd, 0600) == 0 &&
              fsync(fd) == 0;

    explicit_bzero(line, sizeof(line));
    return ok;
}

/* False: errno says why; EEXIST: there is one already. */
static bool create_token_file(const char *path, const char *token)
{
    char beside[PATH_ROOM + 24];
    uint64_t random;
    bool ok;
    int fd, code;

    entropy_fill(&random, sizeof(random));
    snprintf(beside, sizeof(beside), "%s.%016llx", path,
             (unsigned long long)random);
    fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW,
              0600);
    if (fd < 0)
        return false;
    ok = write_whole(fd, token);
    code = errno;
    close(fd);
    if (ok) {
        ok = link(beside, path) == 0;
        code = errno;
    }
    unlink(beside);
    errno = code;
    return ok;
}

int token_make(const char *path, char token[TOKEN_ROOM], char err[256])
{
    char name[72];
    int code;

    err[0] = '\0';
    make_text(token);
    if (create_token_file(path, token))
        return 0;
    code = errno;
    explicit_bzero(token, TOKEN_ROOM);
    if (code == EEXIST && token_read(path, token, err) == TOKEN_READ)
        return 0;
    if (code != EEXIST)
        snprintf(err, 256,
                 "%s can't be made: %s; use a folder that this user may write "
                 "to, or a file with the token",
                 quote_path_end(path, name), strerror(code));
    else if (err[0] == '\0') /* it went away again */
        snprintf(err, 256, "%s comes and goes; use a file with the token",
                 quote_path_end(path, name));
    return -1;
}
