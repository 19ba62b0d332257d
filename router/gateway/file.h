/* file.h - the small file that outlives a weir that is killed
 *
 * It is opened before weir becomes another user, and written in place: who may
 * write to the folder later does not matter.  (Only a power cut could leave
 * half of it, and then the kernel forgets as well.) */
#ifndef GATEWAY_FILE_H
#define GATEWAY_FILE_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct gateway_file {
    char path[PATH_MAX]; /* "": no file is wanted */
    int fd;              /* negative: why it can't be had, an errno */
    bool made;           /* it was not there */
    size_t len;          /* bytes that stand in it */
};

/* NULL: no file.  May be called again, with other rights, while fd is negative.
 */
void gateway_file_open(struct gateway_file *file, const char *path);

/* What stands in it, as a text to free; NULL: nothing. */
char *gateway_file_read(struct gateway_file *file);

/* n bytes in place of what stands there.  0 or a negative errno. */
int gateway_file_write(struct gateway_file *file, const char *text, size_t n);

/* It remembers nothing any more; it goes, if its folder lets it. */
void gateway_file_remove(struct gateway_file *file);

/* Closed; if it was not used, it is as it was. */
void gateway_file_leave(struct gateway_file *file);

#endif
