/* sandbox_files.h - which files are left, by landlock(7) */
#ifndef SANDBOX_FILES_H
#define SANDBOX_FILES_H

#include <stddef.h>

enum sandbox_right {
    SANDBOX_READ = 1,  /* the files below */
    SANDBOX_WRITE = 2, /* the same */
    SANDBOX_REMOVE = 4 /* the same: files and sockets */
};

struct sandbox_place {
    const char
        *path; /* a folder, or a file; one that isn't there is left out */
    unsigned rights;
};

/* This thread, and those it makes, open and remove no file but below n places,
 * and neither bind nor connect TCP.  Places stand as long as the process does.
 * 0, or a negative errno: -EOPNOTSUPP and -ENOSYS, this kernel has none. */
int sandbox_files_limit(const struct sandbox_place *place, size_t n);

#endif
