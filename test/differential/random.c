/* random.c - random conversations, judged by the kernel
 *
 *     random [--seed N] [--talks N]
 *     random --seed N --steps A,B,...
 *
 * The second form plays these steps of one talk and prints both tables.
 * Talk k has seed N + k.  The first talk that shows a difference is shrunk to
 * the steps that it takes, and printed with its seed; exit 1.  Exit 77: this
 * machine has no root, no TUN or no nftables to judge by. */
#include "judge.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Differences that do not show again, before a run fails for them, too. */
enum { MOST_ONCE = 3 };

static double now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Leave out whatever the difference does not need. */
static void shrink(struct judge *j, const struct talk *t, bool *steps)
{
    static char report[16384];
    bool less = true;

    while (less) {
        less = false;
        for (unsigned i = 0; i < t->n_steps; i++) {
            if (!steps[i])
                continue;
            steps[i] = false;
            if (judge_talk(j, t, steps, report, sizeof report))
                steps[i] = true;
            else
                less = true;
        }
    }
}

static void print_talk(const struct talk *t, const bool *steps)
{
    struct talk_view none = {.port = {0}};
    char line[1024];

    for (unsigned i = 0; i < t->n_steps; i++) {
        if (!steps[i])
            continue;
        talk_line(t, i, &none, line, sizeof line);
        printf("  %2u (flow %u) %s\n", i, t->step[i].flow, line);
    }
}

/* Does it show again?  A machine that stands still for a second between the two
 * routers makes differences of its own. */
static bool shows_again(struct judge *j, const struct talk *t,
                        const bool *steps)
{
    static char again[16384];

    for (int i = 0; i < 3; i++)
        if (!judge_talk(j, t, steps, again, sizeof again))
            return true;
    return false;
}

static void tell(struct judge *j, const struct talk *t)
{
    static char report[16384];
    bool steps[TALK_STEPS];

    memset(steps, true, sizeof steps);
    shrink(j, t, steps);
    printf("DIFFERENCE, seed %" PRIu64 ", the least of its steps:\n", t->seed);
    print_talk(t, steps);
    judge_talk(j, t, steps, report, sizeof report);
    fputs(report, stdout);
}

/* "0,3,6" */
static void choose(const char *list, bool *steps)
{
    char *end;

    memset(steps, false, TALK_STEPS);
    for (; *list; list = *end == ',' ? end + 1 : end) {
        unsigned long i = strtoul(list, &end, 10);

        if (end == list)
            break;
        if (i < TALK_STEPS)
            steps[i] = true;
    }
}

static int play_some(struct judge *j, uint64_t seed, const char *list)
{
    static char report[16384];
    bool steps[TALK_STEPS], same;
    struct talk t;

    talk_make(&t, seed);
    choose(list, steps);
    same = judge_talk(j, &t, steps, report, sizeof report);
    print_talk(&t, steps);
    fputs(report, stdout);
    judge_print(j);
    return same ? 0 : 1;
}

int main(int argc, char **argv)
{
    static char report[16384];
    uint64_t seed = 1, talks = 1000, steps_played = 0, once = 0;
    bool steps[TALK_STEPS];
    const char *some = NULL;
    char err[256];
    struct judge *j;
    double began;

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--seed") == 0 && i + 1 < argc) {
            seed = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--talks") == 0 && i + 1 < argc) {
            talks = strtoull(argv[++i], NULL, 10);
        } else if (strcmp(argv[i], "--steps") == 0 && i + 1 < argc) {
            some = argv[++i];
        } else {
            fprintf(stderr, "usage: random [--seed N] [--talks N] "
                            "[--steps A,B,...]\n");
            return 2;
        }
    }
    j = judge_open(err);
    if (!j) {
        bool may = geteuid() == 0 && access("/dev/net/tun", F_OK) == 0;

        fprintf(stderr, "%sNO KERNEL TO JUDGE BY: %s\n",
                may ? "" : "SKIPPED: ", err);
        return may ? 1 : 77;
    }
    if (some) {
        int code = play_some(j, seed, some);

        judge_close(j);
        return code;
    }
    memset(steps, true, sizeof steps);
    began = now();
    for (uint64_t k = 0; k < talks; k++) {
        struct talk t;

        talk_make(&t, seed + k);
        steps_played += t.n_steps;
        if (judge_talk(j, &t, steps, report, sizeof report))
            continue;
        if (shows_again(j, &t, steps)) {
            tell(j, &t);
            judge_close(j);
            return 1;
        }
        printf("seed %" PRIu64 " differed once in four times:\n%s", t.seed,
               report);
        if (++once > MOST_ONCE) {
            judge_close(j);
            return 1;
        }
    }
    printf("%" PRIu64 " conversations from seed %" PRIu64 ", %" PRIu64
           " packets, no difference: %.0f conversations a second\n",
           talks, seed, steps_played, (double)talks / (now() - began));
    for (unsigned d = 0; d < PAIR_N_DIFFERENCES; d++)
        if (judge_stated(j, d))
            printf("  cut short by stated difference %s: %" PRIu64 "\n",
                   pair_difference_name(d), judge_stated(j, d));
    judge_close(j);
    return 0;
}
