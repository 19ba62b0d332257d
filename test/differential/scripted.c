/* scripted.c - scripted conversations, judged by the kernel
 *
 *     scripted [CASE...]      all, or those whose names begin so
 *     scripted --devices WEIR [CASE...]    some, by WEIR run and its devices
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
    &script_tcp,      &script_datagrams, &script_icmp,   &script_errors,
    &script_reject,   &script_nat,       &script_hooks,  &script_helper,
    &script_timeouts, &script_sctp,      &script_exempt, &script_differences,
};
enum { N_THEMES = sizeof themes / sizeof *themes };

/* Case i of all; false: there are no more. */
static bool nth(unsigned i, struct script *s)
{
    unsigned tcp;

    for (unsigned t = 0; t < N_THEMES; t++) {
        if (i < themes[t]->n) {
            *s = themes[t]->row[i];
            return true;
        }
        i -= themes[t]->n;
    }
    if (script_cell(i, s))
        return true;
    for (tcp = 0; script_cell(tcp, s);)
        tcp++;
    return script_sctp_cell(i - tcp, s);
}

/* What is played on devices, too: each protocol and direction, NAT's choices,
 * errors of others and of the router.  Their rules are those that stand. */
static const char *const on_devices[] = {
    "tcp.life",
    "tcp.life6",
    "tcp.rst.exact",
    "tcp.seq_over",
    "udp.life",
    "udp.v6",
    "udp.no_checksum",
    "udp.ttl_1",
    "icmp.echo",
    "icmp6.echo",
    "icmp.to_router",
    "gre.life",
    "generic.life",
    "nat.clash.high",
    "nat.clash.tcp",
    "nat.clash.echo_id",
    "nat.bysource.same_port",
    "error.tcp",
    "error.out.3/3",
    "error.udp_quotes_4",
};

static bool is_on_devices(const char *name)
{
    for (unsigned i = 0; i < sizeof on_devices / sizeof *on_devices; i++)
        if (strcmp(name, on_devices[i]) == 0)
            return true;
    return false;
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
    const char *weir = NULL;
    char err[256];

    if (argc == 2 && strcmp(argv[1], "--list") == 0) {
        for (unsigned i = 0; nth(i, &s); i++)
            puts(s.name);
        return 0;
    }
    if (argc > 2 && strcmp(argv[1], "--devices") == 0) {
        weir = argv[2];
        argv += 2;
        argc -= 2;
    }
    g = weir ? script_open_device(weir, err) : script_open(err);
    if (!g) {
        bool may = geteuid() == 0 && access("/dev/net/tun", F_OK) == 0;

        fprintf(stderr, "%sNO KERNEL TO JUDGE BY: %s\n",
                may ? "" : "SKIPPED: ", err);
        return may ? 1 : 77;
    }
    for (unsigned i = 0; nth(i, &s); i++) {
        if (!wanted(&s, argc - 1, argv + 1) || (weir && !is_on_devices(s.name)))
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
