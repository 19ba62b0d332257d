/* mutants.c - all tests of the core in one program
 *
 *   mutants                     their names, and the file of each
 *   mutants NAME:SECONDS...     runs them in this order, until one fails
 *
 * Each runs in a child, since worlds keep static state, and prints nothing.
 * A name may end in .sN: with N shards beside.  What takes longer than its
 * seconds fails.  Prints a line a test: its name, how it ended, its seconds. */
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "core/check.h"
#include "tests.h"

#ifdef WEIR_UNCHECKED
/* In the place of the real one, so that only what the tests say counts. */
const char *core_check(struct ct *ct)
{
    (void)ct;
    return NULL;
}
#endif

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static _Noreturn void child(int (*test)(void), const char *shards, rlim_t most)
{
    static const rlim_t memory = (rlim_t)6 << 30;

    setrlimit(RLIMIT_CPU, &(struct rlimit){most, most});
    setrlimit(RLIMIT_AS, &(struct rlimit){memory, memory});
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    alarm((unsigned)most * 4); /* a busy machine, or a wait for ever */
    if (!freopen("/dev/null", "w", stdout) ||
        !freopen("/dev/null", "w", stderr))
        _exit(2);
    if (shards)
        setenv("WEIR_SHARDS", shards, 1);
    else
        unsetenv("WEIR_SHARDS");
    exit(test());
}

static const char *run(int (*test)(void), const char *shards, rlim_t most)
{
    int status;
    const pid_t pid = fork();

    if (pid == 0)
        child(test, shards, most);
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return "broken";
    if (WIFEXITED(status))
        return WEXITSTATUS(status) ? "failed" : "passed";
    switch (WTERMSIG(status)) {
    case SIGXCPU:
    case SIGKILL:
    case SIGALRM:
        return "hung";
    case SIGILL:
        return "assertion";
    default:
        return "crashed";
    }
}

/* NAME:SECONDS or NAME.sN:SECONDS */
static bool run_named(char *name)
{
    char *seconds = strchr(name, ':');
    char *shards;

    if (!seconds)
        return false;
    *seconds++ = '\0';
    shards = strrchr(name, '.');
    if (shards && shards[1] == 's' && shards[2] >= '1' && shards[2] <= '9' &&
        !shards[3])
        *shards = '\0';
    else
        shards = NULL;
    for (int i = 0; i < n_tests; i++) {
        const char *how;
        double begin;

        if (strcmp(tests[i].name, name))
            continue;
        begin = now();
        how = run(tests[i].main, shards ? shards + 2 : NULL,
                  (rlim_t)atoi(seconds));
        if (shards)
            *shards = '.';
        printf("%s %s %.2f\n", name, how, now() - begin);
        fflush(stdout);
        return !strcmp(how, "passed");
    }
    fprintf(stderr, "mutants: no test %s\n", name);
    return false;
}

int main(int argc, char **argv)
{
    for (int i = 0; argc < 2 && i < n_tests; i++)
        printf("%s %s\n", tests[i].name, tests[i].file);
    for (int i = 1; i < argc; i++) {
        if (!run_named(argv[i]))
            return 1;
    }
    return 0;
}
