/* sandbox_files.c - which files are left, by landlock(7)
 *
 * A rule is on a folder, not on a file: an editor's rename and a ConfigMap's
 * links put another file in its place.  Each folder's descriptor stays open:
 * those of /proc would be new ones, which no rule is on, once the kernel had
 * forgotten them for want of memory.
 *
 * Opening folders to list them is not handled: libuv keeps one open in order to
 * have a descriptor to spare.  Numbers of later kernels than the headers' stand
 * here: they are the kernel's ABI. */
#include "system/sandbox_files.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FS(name) ((uint64_t)LANDLOCK_ACCESS_FS_##name)

enum { ABI_REFER = 2, ABI_TRUNCATE = 3, ABI_NET = 4, ABI_SCOPE = 6 };

#define FS_TRUNCATE (UINT64_C(1) << 14)
#define NET_TCP     UINT64_C(3) /* bind and connect */
#define SCOPE_ALL   UINT64_C(3) /* abstract sockets, signals: of others */

struct ruleset {
    uint64_t files, net, scope;
};

static uint64_t get_handled_access(int abi)
{
    uint64_t fs = FS(EXECUTE) | FS(WRITE_FILE) | FS(READ_FILE) |
                  FS(REMOVE_DIR) | FS(REMOVE_FILE) | FS(MAKE_CHAR) |
                  FS(MAKE_DIR) | FS(MAKE_REG) | FS(MAKE_SOCK) | FS(MAKE_FIFO) |
                  FS(MAKE_BLOCK) | FS(MAKE_SYM);

    if (abi >= ABI_REFER)
        fs |= FS(REFER);
    if (abi >= ABI_TRUNCATE)
        fs |= FS_TRUNCATE;
    return fs;
}

static int make_ruleset(void)
{
    int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0,
                           LANDLOCK_CREATE_RULESET_VERSION);
    struct ruleset all;
    size_t size = abi >= ABI_SCOPE ? sizeof all
                  : abi >= ABI_NET ? offsetof(struct ruleset, scope)
                                   : offsetof(struct ruleset, net);

    if (abi < 0)
        return -errno;
    all = (struct ruleset){get_handled_access(abi), NET_TCP, SCOPE_ALL};
    abi = (int)syscall(SYS_landlock_create_ruleset, &all, size, 0);
    return abi < 0 ? -errno : abi;
}

/* What can't be opened has no file that could be. */
static int add_place(int ruleset, const struct sandbox_place *place)
{
    struct landlock_path_beneath_attr below = {
        .parent_fd = open(place->path, O_PATH | O_CLOEXEC),
    };
    struct stat st;

    if (below.parent_fd < 0)
        return 0;
    if ((place->rights & SANDBOX_READ) != 0)
        below.allowed_access |= FS(READ_FILE);
    if ((place->rights & SANDBOX_WRITE) != 0)
        below.allowed_access |= FS(WRITE_FILE);
    if ((place->rights & SANDBOX_REMOVE) != 0 &&
        fstat(below.parent_fd, &st) == 0 && S_ISDIR(st.st_mode))
        below.allowed_access |= FS(REMOVE_FILE);
    return syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH,
                   &below, 0) < 0
               ? -errno
               : 0;
}

int sandbox_files_limit(const struct sandbox_place *place, size_t n)
{
    int ruleset = make_ruleset(), err = 0;

    if (ruleset < 0)
        return ruleset;
    for (size_t i = 0; i < n && err == 0; i++)
        err = add_place(ruleset, &place[i]);
    if (err == 0 && syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
        err = -errno;
    close(ruleset);
    return err;
}
