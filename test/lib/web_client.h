/* web_client.h - a blocking HTTP client for tests, as rude as a test needs */
#ifndef WEB_CLIENT_H
#define WEB_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct answer {
    int status; /* 0: closed without an answer */
    char head[4096];
    char *body; /* NUL behind; chunks joined */
    size_t n;
};

/* This process holds both sides' descriptors: let it have n. */
void web_client_descriptors(unsigned n);

int web_client_tcp(const char *from, uint16_t port); /* from: own address */
int web_client_unix(const char *path);

/* Send raw bytes, read until the other side closes (ms at most).  fd is
 * closed. */
void web_client_raw(int fd, const char *bytes, size_t n, int ms,
                    struct answer *a);
/* Read until the other side closes.  False: it did not within ms.  fd is
 * closed. */
bool web_client_ends(int fd, int ms, struct answer *a);
/* A whole request with Host: localhost and Connection: close. */
void web_client_ask(int fd, const char *method, const char *path,
                    const char *more, struct answer *a);
/* Read what comes within ms, until it holds want.  Answers the length. */
size_t web_client_read(int fd, char *out, size_t room, int ms,
                       const char *want);
void web_client_free(struct answer *a);

#endif
