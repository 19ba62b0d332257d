/* log.c - what a hostile name may do to a log: nothing
 *
 * stderr is a datagram socket here, so that each write is seen by itself. */
#include "system/log.h"
#include "system/log_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

#define STAMP "0000-00-00T00:00:00.000Z"

static int kept, sock[2];
static char got[4096];

static void begin(enum log_level level, bool json)
{
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, sock), 0);
    fflush(stderr);
    kept = dup(STDERR_FILENO);
    assert_int_equal(dup2(sock[1], STDERR_FILENO), STDERR_FILENO);
    close(sock[1]);
    log_setup(level, json);
}

static void end(void)
{
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    close(kept);
    close(sock[0]);
    log_setup(LOG_L_INFO, false);
}

/* One write, or 0: nothing was written. */
static size_t take(void)
{
    ssize_t n = recv(sock[0], got, sizeof got - 1, MSG_DONTWAIT);

    got[n > 0 ? n : 0] = '\0';
    return n > 0 ? (size_t)n : 0;
}

/* The digits of the time become zeros; its form must be right. */
static void blank_time(char *at)
{
    for (size_t i = 0; i < sizeof STAMP - 1; i++)
        if (STAMP[i] == '0') {
            assert_in_range(at[i], '0', '9');
            at[i] = '0';
        }
    assert_memory_equal(at, STAMP, sizeof STAMP - 1);
}

static void expect_text(const char *want)
{
    assert_true(take() > sizeof STAMP);
    blank_time(got);
    assert_string_equal(got + sizeof STAMP, want);
    assert_int_equal(take(), 0); /* one line, one write */
}

static void expect_json(const char *want)
{
    static const char head[] = "{\"ts\":\"";

    assert_true(take() > sizeof STAMP + sizeof head);
    assert_memory_equal(got, head, sizeof head - 1);
    blank_time(got + sizeof head - 1);
    assert_string_equal(got + sizeof head - 1 + sizeof STAMP - 1, want);
    assert_int_equal(take(), 0);
}

static void levels(void **state)
{
    (void)state;
    begin(LOG_L_WARN, false);
    errno = 77;
    log_error("tun", "one %d", 1);
    assert_int_equal(errno, 77);
    expect_text("error tun: one 1\n");
    log_warn("tun", "two");
    expect_text("warn  tun: two\n");
    log_info("tun", "three");
    log_debug("tun", "four");
    assert_int_equal(take(), 0);
    log_setup(LOG_L_DEBUG, true);
    log_debug("tun", "four");
    expect_json(
        "\",\"level\":\"debug\",\"module\":\"tun\",\"msg\":\"four\"}\n");
    end();
}

static const struct {
    const char *words, *text, *json;
} escapes[] = {
    {"plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
     "plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
     "plain \xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80"},
    {"a\nb\r\tc", "a\\nb\\u000d\\u0009c", "a\\nb\\u000d\\u0009c"},
    {"\x1b[31mred\x7f", "\\u001b[31mred\\u007f", "\\u001b[31mred\\u007f"},
    {"say \"hi\" c:\\d", "say \"hi\" c:\\d", "say \\\"hi\\\" c:\\\\d"},
    /* C1 controls: a terminal may take U+009B for ESC [ */
    {"\xc2\x9b"
     "31m",
     "\\u009b31m", "\\u009b31m"},
    /* a byte that begins nothing, a cut one, an overlong, a surrogate, what
     * lies beyond Unicode, and a raw C1 byte */
    {"a\xff", "a\\ufffd", "a\\ufffd"},
    {"a\xe2\x82", "a\\ufffd\\ufffd", "a\\ufffd\\ufffd"},
    {"\xc0\xaf", "\\ufffd\\ufffd", "\\ufffd\\ufffd"},
    {"\xe0\x80\xaf", "\\ufffd\\ufffd\\ufffd", "\\ufffd\\ufffd\\ufffd"},
    {"\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd", "\\ufffd\\ufffd\\ufffd"},
    {"\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd",
     "\\ufffd\\ufffd\\ufffd\\ufffd"},
    {"\x9b"
     "31m",
     "\\ufffd31m", "\\ufffd31m"},
};

static void hostile_words_are_harmless(void **state)
{
    char want[256];

    (void)state;
    begin(LOG_L_INFO, false);
    for (size_t i = 0; i < sizeof escapes / sizeof *escapes; i++) {
        log_setup(LOG_L_INFO, false);
        log_info("m", "%s", escapes[i].words);
        snprintf(want, sizeof want, "info  m: %s\n", escapes[i].text);
        expect_text(want);
        log_setup(LOG_L_INFO, true);
        log_info("m", "%s", escapes[i].words);
        snprintf(want, sizeof want,
                 "\",\"level\":\"info\",\"module\":\"m\",\"msg\":\"%s\"}\n",
                 escapes[i].json);
        expect_json(want);
    }
    end();
}

/* Every length, of every kind of character: cut between characters, marked,
 * still one write, still closed. */
static void long_lines_are_cut(void **state)
{
    static const char *const kinds[] = {
        "a", "\n", "\"", "\x01", "\xc3\xa9", "\xf0\x9f\x98\x80", "\xff"};
    char words[4000];

    (void)state;
    begin(LOG_L_INFO, true);
    for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++)
        for (size_t n = 200; n < 2200; n += n < 300 || n > 1500 ? 7 : 1) {
            size_t step = strlen(kinds[k]), used = 0;

            while (used + step <= n) {
                memcpy(words + used, kinds[k], step);
                used += step;
            }
            words[used] = '\0';
            log_info("m", "%s", words);
            assert_in_range(take(), 100, 2048);
            used = strlen(got);
            assert_memory_equal(got + used - 3, "\"}\n", 3);
            for (size_t i = 0; i + 1 < used; i++)
                assert_true((unsigned char)got[i] >= 0x20);
            if (n > 1600)
                assert_memory_equal(got + used - 6, "...", 3);
            assert_int_equal(take(), 0);
        }
    end();
}

/* ---- the reader of stderr stalls ---- */

enum { STALLED_LINES = 10000 };

static void report(uint64_t lost)
{
    log_warn("log", "%llu lost", (unsigned long long)lost);
}

/* stderr is a pipe: the reader's end. */
static int begin_pipe(void)
{
    int ends[2];

    assert_int_equal(pipe(ends), 0);
    fflush(stderr);
    kept = dup(STDERR_FILENO);
    assert_int_equal(dup2(ends[1], STDERR_FILENO), STDERR_FILENO);
    close(ends[1]);
    log_setup(LOG_L_INFO, false);
    return ends[0];
}

static void end_pipe(void)
{
    assert_int_equal(dup2(kept, STDERR_FILENO), STDERR_FILENO);
    close(kept);
}

/* Lines of the pipe until all are there, or are said to be lost. */
static unsigned read_lines(int fd, unsigned all, uint64_t *lost)
{
    FILE *in = fdopen(fd, "r");
    unsigned n = 0, number, last = 0;
    unsigned long long said;
    char line[4096];

    assert_non_null(in);
    while (n + *lost < all && fgets(line, sizeof line, in) != NULL) {
        assert_non_null(strchr(line, '\n'));
        if (sscanf(line + sizeof STAMP, "warn  log: %llu lost", &said) == 1) {
            *lost += said;
            continue;
        }
        assert_int_equal(
            sscanf(line + sizeof STAMP, "info  m: line %u", &number), 1);
        assert_true(n == 0 || number > last);
        last = number;
        n++;
    }
    fclose(in);
    return n;
}

static void a_stalled_reader_stops_no_caller(void **state)
{
    int fd = begin_pipe();
    uint64_t lost = 0;
    unsigned n;

    (void)state;
    assert_int_equal(log_writer_start(NULL, report), 0);
    assert_true(log_writer_has_room());
    for (unsigned i = 0; i < STALLED_LINES; i++)
        log_info("m", "line %u %0400d", i, 0);
    assert_true(log_writer_lost() > 0);
    assert_false(log_writer_has_room());
    log_writer_stop(0); /* ends once its lines are read, this does not wait */
    n = read_lines(fd, STALLED_LINES, &lost);
    log_writer_stop(60000);
    end_pipe();
    assert_true(n > 0);
    assert_int_equal(n + lost, STALLED_LINES);
    assert_int_equal(lost, log_writer_lost());
}

/* Instead of the wall clock: it is set back as soon as it has been read. */
int64_t __wrap_clock_wall_ms(void);
int64_t __real_clock_wall_ms(void);
static bool set_back;

int64_t __wrap_clock_wall_ms(void)
{
    return __real_clock_wall_ms() + (set_back ? 3600000 : 0);
}

/* An hour's step would make one that waits by the wall clock wait for it. */
static void no_wait_depends_on_the_wall_clock(void **state)
{
    int fd = begin_pipe();
    uint64_t lost = 0;
    unsigned n;

    (void)state;
    set_back = true;
    (void)alarm(120); /* rather than hang */
    assert_int_equal(fcntl(STDERR_FILENO, F_SETFL,
                           fcntl(STDERR_FILENO, F_GETFL) | O_NONBLOCK),
                     0);
    assert_int_equal(log_writer_start(NULL, report), 0);
    for (unsigned i = 0; i < STALLED_LINES; i++)
        log_info("m", "line %u %0400d", i, 0);
    log_writer_stop(1); /* the writer waits for room */
    n = read_lines(fd, STALLED_LINES, &lost);
    log_writer_stop(60000);
    (void)alarm(0);
    set_back = false;
    end_pipe();
    assert_int_equal(n + lost, STALLED_LINES);
}

static void the_end_waits_for_what_is_written(void **state)
{
    int fd = begin_pipe();
    uint64_t lost = 0;

    (void)state;
    assert_int_equal(log_writer_start(NULL, report), 0);
    for (unsigned i = 0; i < 50; i++)
        log_info("m", "line %u", i);
    log_writer_stop(60000);
    log_info("m", "line %u", 50); /* without the thread: written here */
    end_pipe();
    assert_int_equal(read_lines(fd, 51, &lost), 51);
    assert_int_equal(lost, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(levels),
        cmocka_unit_test(hostile_words_are_harmless),
        cmocka_unit_test(long_lines_are_cut),
        cmocka_unit_test(a_stalled_reader_stops_no_caller),
        cmocka_unit_test(the_end_waits_for_what_is_written),
        cmocka_unit_test(no_wait_depends_on_the_wall_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
