/* listen.h - listening sockets, and the sentence when there is none */
#ifndef WEB_LISTEN_H
#define WEB_LISTEN_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A Unix socket's file, to remove it only if it is still ours. */
struct listen_file {
    char path[108];
    dev_t dev;
    ino_t ino;
};

/* The descriptor, or a negative errno with one sentence in err. */
int listen_tcp(const char *host, uint16_t port, uint16_t *bound, char err[256]);
/* type: SOCK_STREAM or SOCK_SEQPACKET.  The file is its owner's alone, 0600. */
int listen_unix(const char *path, int type, struct listen_file *file,
                char err[256]);

struct listen_who {
    uint32_t pid, uid;
};

/* May the peer of this Unix socket ask at all?  Root and our own user may.
 * who: unless NULL, who it is. */
bool listen_peer(int fd, struct listen_who *who);

void listen_remove(const struct listen_file *file);

#endif
