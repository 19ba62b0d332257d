/* token.h - the secret that opens the API over TCP, as a file */
#ifndef TOKEN_H
#define TOKEN_H

#include <stdbool.h>
#include <stddef.h>

#define TOKEN_ROOM 256 /* the longest token and its zero */

enum token_answer {
    TOKEN_READ,   /* token is set */
    TOKEN_ABSENT, /* no such file, but its folder is there */
    TOKEN_REFUSED /* err says what is wrong, and what was expected */
};

/* Read the file at path: only regular ones that no other user can read; under
 * /run/secrets, where container engines put them, that no other user can write.
 * Never waits. */
enum token_answer token_read(const char *path, char token[TOKEN_ROOM],
                             char err[256]);

/* May text be a token?  White space around it is cut off; token is set, or err
 * says why not.  text is n bytes. */
bool token_take(const char *text, size_t n, char token[TOKEN_ROOM],
                char err[256]);

/* Make the file with a new token of 256 bits, mode 0600; if another process was
 * quicker, its token is read.  0, or -1 with err. */
int token_make(const char *path, char token[TOKEN_ROOM], char err[256]);

#endif
