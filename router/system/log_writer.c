/* log_writer.c - a ring of lines, and the thread that writes them
 *
 * The ring's lock is held for a copy of one line, never during a write. */
#include "system/log_writer.h"

#include "system/clock.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Lines that wait; a start in gateway mode logs about 20. */
enum { RING_LINES = 128, ROOM_MS = 20 };

static struct {
    pthread_mutex_t lock;
    pthread_cond_t filled, ended;
    bool running, stopping;
    unsigned first, n;
    uint16_t len[RING_LINES];
    char line[RING_LINES][LOG_WRITER_LINE];
    uint64_t lost, reported;
    void (*begin)(void);
    log_writer_lost_fn *report;
} ring = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .filled = PTHREAD_COND_INITIALIZER,
          .ended = PTHREAD_COND_INITIALIZER};

/* By CLOCK_MONOTONIC: the wall clock may be set back meanwhile. */
static struct timespec in_ms(unsigned ms)
{
    uint64_t at = clock_now().ms + ms;

    return (struct timespec){.tv_sec = (time_t)(at / 1000),
                             .tv_nsec = (long)(at % 1000) * 1000000};
}

/* By what the thread calls anyway: see syscalls.def. */
static void wait_for_room(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static pthread_cond_t never = PTHREAD_COND_INITIALIZER;
    struct timespec end = in_ms(ROOM_MS);

    pthread_mutex_lock(&lock);
    (void)pthread_cond_clockwait(&never, &lock, CLOCK_MONOTONIC, &end);
    pthread_mutex_unlock(&lock);
}

/* Some parent processes hand over a stderr that does not block; only the
 * thread may then wait for room. */
static void write_line(const char *line, size_t n, bool wait)
{
    while (n > 0) {
        ssize_t some = write(STDERR_FILENO, line, n);

        if (some > 0) {
            line += some;
            n -= (size_t)some;
        } else if (some < 0 && errno == EAGAIN && wait) {
            wait_for_room();
        } else if (some == 0 || errno != EINTR) {
            return; /* stderr is gone: there is no place left to report it */
        }
    }
}

/* The next line; 0: the ring is empty and the thread is to end. */
static size_t take_next_line(char line[LOG_WRITER_LINE], uint64_t *lost)
{
    size_t n = 0;

    pthread_mutex_lock(&ring.lock);
    *lost = 0;
    while (ring.n == 0 && !ring.stopping && ring.lost == ring.reported)
        pthread_cond_wait(&ring.filled, &ring.lock);
    if (ring.n > 0) {
        n = ring.len[ring.first];
        memcpy(line, ring.line[ring.first], n);
        ring.first = (ring.first + 1) % RING_LINES;
        ring.n--;
    } else if (ring.lost != ring.reported) {
        *lost = ring.lost - ring.reported;
        ring.reported = ring.lost;
    } else {
        ring.running = false;
        pthread_cond_broadcast(&ring.ended);
    }
    pthread_mutex_unlock(&ring.lock);
    return n;
}

static void *write_lines(void *arg)
{
    char line[LOG_WRITER_LINE];
    uint64_t lost;
    size_t n;

    if (ring.begin != NULL)
        ring.begin();
    for (;;) {
        n = take_next_line(line, &lost);
        if (n > 0)
            write_line(line, n, true);
        else if (lost > 0)
            ring.report(lost);
        else
            return arg;
    }
}

int log_writer_start(void (*begin)(void), log_writer_lost_fn *report)
{
    sigset_t all, was;
    pthread_t thread;
    int code;

    ring.begin = begin;
    ring.report = report;
    ring.running = true;
    ring.stopping = false;
    /* Signals are the control loop's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &was);
    code = pthread_create(&thread, NULL, write_lines, NULL);
    pthread_sigmask(SIG_SETMASK, &was, NULL);
    if (code != 0) {
        ring.running = false;
        return -code;
    }
    pthread_detach(thread);
    return 0;
}

void log_writer_put(const char *line, size_t n)
{
    bool running;

    if (n > LOG_WRITER_LINE)
        n = LOG_WRITER_LINE;
    pthread_mutex_lock(&ring.lock);
    running = ring.running;
    if (running && ring.n == RING_LINES) {
        ring.lost++;
    } else if (running) {
        unsigned at = (ring.first + ring.n++) % RING_LINES;

        memcpy(ring.line[at], line, n);
        ring.len[at] = (uint16_t)n;
        pthread_cond_signal(&ring.filled);
    }
    pthread_mutex_unlock(&ring.lock);
    if (!running)
        write_line(line, n, false);
}

void log_writer_stop(unsigned ms)
{
    struct timespec end = in_ms(ms);
    int code = 0;

    pthread_mutex_lock(&ring.lock);
    ring.stopping = true;
    pthread_cond_signal(&ring.filled);
    while (ring.running && code == 0)
        code = pthread_cond_clockwait(&ring.ended, &ring.lock, CLOCK_MONOTONIC,
                                      &end);
    pthread_mutex_unlock(&ring.lock);
}

bool log_writer_has_room(void)
{
    bool room;

    pthread_mutex_lock(&ring.lock);
    room = ring.n < RING_LINES / 2;
    pthread_mutex_unlock(&ring.lock);
    return room;
}

uint64_t log_writer_lost(void)
{
    uint64_t lost;

    pthread_mutex_lock(&ring.lock);
    lost = ring.lost;
    pthread_mutex_unlock(&ring.lock);
    return lost;
}
