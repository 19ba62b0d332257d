/* log_writer.h - log lines to stderr by a thread, so that no caller waits
 *
 * The reader of stderr may stall: a pipe to a container engine, a terminal
 * stopped by Ctrl-S, a disk that hangs.  Only this thread waits for it then.
 * Lines that find no room meanwhile are dropped and counted. */
#ifndef LOG_WRITER_H
#define LOG_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOG_WRITER_LINE = 2048 }; /* longest line, in bytes */

/* Called by the thread when it has caught up: lost lines were dropped since
 * the last call. */
typedef void log_writer_lost_fn(uint64_t lost);

/* Start the thread, which calls begin first of all (NULL: nothing), as to drop
 * its rights; 0, or a negative errno.  Before it, and after log_writer_stop(),
 * log_writer_put() writes by itself and may wait. */
int log_writer_start(void (*begin)(void), log_writer_lost_fn *report);

/* One line with its newline, written by one write(2).  Any thread. */
void log_writer_put(const char *line, size_t n);

/* Wait until all is written, but no longer than ms; then the thread ends, or
 * stays behind in its write until the process ends. */
void log_writer_stop(unsigned ms);

/* True: at least half of the ring is free.  What has a queue of its lines
 * elsewhere waits until then, so that none of them is dropped here. */
bool log_writer_has_room(void);

/* Lines dropped since the start of the process. */
uint64_t log_writer_lost(void);

#endif
