/* listen.h - listening sockets, and the sentence when there is none */
#ifndef LISTEN_H
#define LISTEN_H

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
int listen_unix(const char *path, struct listen_file *file, char err[256]);

void listen_remove(const struct listen_file *file);

#endif
