/* descriptors.c - the descriptors that a program is started with */
#include "system/descriptors.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

enum { FIRST_OTHER = 3, MANY = 65536 };

int descriptors_fill(void)
{
    int fd;

    do /* the lowest free number is taken */
        fd = open("/dev/null", O_RDWR);
    while (fd >= 0 && fd < FIRST_OTHER);
    if (fd < 0)
        return -errno;
    close(fd);
    return 0;
}

static void close_from(int first)
{
    struct rlimit limit;
    int most = MANY;

    if (close_range((unsigned)first, ~0u, 0) == 0)
        return;
    /* Before Linux 5.9. */
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < MANY)
        most = (int)limit.rlim_cur;
    for (int fd = first; fd < most; fd++)
        close(fd);
}

void descriptors_close(void)
{
    close_from(FIRST_OTHER);
}

int descriptors_keep(int fd)
{
    if (fd != FIRST_OTHER && dup3(fd, FIRST_OTHER, O_CLOEXEC) < 0)
        return -errno;
    close_from(FIRST_OTHER + 1);
    return FIRST_OTHER;
}
