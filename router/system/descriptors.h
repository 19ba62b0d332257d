/* descriptors.h - the descriptors that a program is started with */
#ifndef DESCRIPTORS_H
#define DESCRIPTORS_H

/* 0, 1 and 2 are open: each that is closed becomes /dev/null, or what is opened
 * next would take its number and be written to as an error output.  0 or a
 * negative errno. */
int descriptors_fill(void);

/* Close all above 2, whatever left them open. */
void descriptors_close(void);

/* The same but for fd.  The number that it has then, or a negative errno. */
int descriptors_keep(int fd);

#endif
