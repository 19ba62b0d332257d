/* scripted.c - scripted conversations, judged by the kernel
 *
 *     scripted [CASE...]      all, or those whose names begin so
 *     scripted --list
 *
 * A case fails when it does not go as its script says, or when the kernel and
 * weir differ; a case of a stated difference, when that does not show.  Exit
 * 77: this machine has no root, no TUN or no nftables to judge by. */
#include "script.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A machine that stands still for a second between the two routers makes
 * differences of its own, and some stated ones are a matter of chance. */
enum { TRIES = 3 };

static const struct script_theme *const themes[] = {
    &script_tcp,    &script_datagrams, &script_icmp,
    &script_errors, &script_nat,       &script_differences,
};
enum { N_THEMES = sizeof themes / sizeof *themes };

/* Case i of all; false: there are no more. */
static bool nth(unsigned i, struct script *s)
{
    for (unsigned t = 0; t < N_THEMES; t++) {
        if (i < themes[t]->n) {
            *s = themes[t]->row[i];
            return true;
        }
        i -= themes[t]->n;
    }
    return script_cell(i, s);
}

static bool wanted(const struct script *s, int n, char **prefixes)
{
    for (int i = 0; i < n; i++)
        if (strncmp(s->name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return n == 0;
}

static bool judge(struct stage *g, const struct script *s)
{
    static char report[32768];

    for (int i = 0; i < TRIES; i++) {
        if (script_play(g, s, report, sizeof report)) {
            if (i > 0)
                printf("%s: at the %d. time only\n", s->name, i + 1);
            return true;
        }
    }
    printf("DIFFERENCE in %s\n%s", s->name, report);
    return false;
}

int main(int argc, char **argv)
{
    unsigned cases = 0, different = 0, stated = 0;
    struct script s;
    struct stage *g;
    char err[256];

    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (unsigned i = 0; nth(i, &s); i++)
            puts(s.name);
        return 0;
    }
    g = script_open(err);
    if (!g) {
        bool may = geteuid() == 0 && access("/dev/net/tun", F_OK) == 0;

        fprintf(stderr, "%sNO KERNEL TO JUDGE BY: %s\n",
                may ? "" : "SKIPPED: ", err);
        return may ? 1 : 77;
    }
    for (unsigned i = 0; nth(i, &s); i++) {
        if (!wanted(&s, argc - 1, argv + 1))
            continue;
        cases++;
        stated += s.differs != NULL;
        different += !judge(g, &s);
    }
    script_close(g);
    printf("%u cases, %u differences", cases, different);
    printf(" (%u of the cases show a stated one)\n", stated);
    if (cases == 0)
        fprintf(stderr, "no such case: see --list\n");
    return cases == 0 || different > 0;
}
