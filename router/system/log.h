/* log.h - lines for people or machines, on stderr; any thread
 *
 * text:  2026-01-01T00:00:00.000Z info  worker: words
 * json:  {"ts":..,"level":"info","module":"worker","msg":"words"}
 * Never called on the packet path.  A line is written with one write(2): by
 * the caller until log_writer_start(), behind it by a thread (log_writer.h). */
#ifndef LOG_H
#define LOG_H

#include <stdbool.h>

enum log_level { LOG_L_ERROR, LOG_L_WARN, LOG_L_INFO, LOG_L_DEBUG };

void log_setup(enum log_level level, bool json);
void log_line(enum log_level level, const char *module, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(module, ...) log_line(LOG_L_ERROR, module, __VA_ARGS__)
#define log_warn(module, ...)  log_line(LOG_L_WARN, module, __VA_ARGS__)
#define log_info(module, ...)  log_line(LOG_L_INFO, module, __VA_ARGS__)
#define log_debug(module, ...) log_line(LOG_L_DEBUG, module, __VA_ARGS__)

#endif
