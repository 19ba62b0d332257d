/* http.h - a small blocking HTTP client over the Unix socket */
#ifndef CLI_HTTP_H
#define CLI_HTTP_H

#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { CLI_HTTP_LINE = 65536 }; /* longest line of an answer */

struct cli_http {
    int fd;
    const char *path; /* of the socket; borrowed */
    /* Reads end when this becomes true; NULL: they go on after signals. */
    const volatile sig_atomic_t *stop;
    bool used;  /* an answer has come by this connection */
    int status; /* of the answer at hand */
    bool chunked, to_end, over;
    bool started;  /* a chunk has been read */
    uint64_t left; /* of the body, or of its chunk */
    size_t at, have;
    char in[16384];
    char line[CLI_HTTP_LINE];
};

/* Where the router listens: --socket's value, else WEIR_SOCKET, else
 * WEIR_API_SOCKET (which tells the router itself), else the ordinary place. */
const char *cli_http_path(const char *option);

/* False: one sentence on stderr.  Root that may not use the socket of a router
 * that runs as another user becomes that user for good. */
bool cli_http_open(struct cli_http *h, const char *path);
void cli_http_close(struct cli_http *h);

/* Send a request and read the answer's head.  target is a path with its query.
 * Answers the status, or -1 after a sentence on stderr.  A former answer must
 * have been read to its end.  A GET is sent once more if the router has closed
 * the connection since the last answer (RFC 9112 section 9.3.1). */
int cli_http_ask(struct cli_http *h, const char *method, const char *target,
                 const char *accept);

/* The next line of the body, without its end; NULL: the body is over, or the
 * connection failed, or a signal came. */
const char *cli_http_line(struct cli_http *h);

/* The whole body, NUL behind it; free it.  NULL: failed, or above max. */
char *cli_http_body(struct cli_http *h, size_t max);

#endif
