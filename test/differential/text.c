/* text.c - the words of conntrack(8), its own against weir's
 *
 *     text WEIR
 *
 * The same packets walk through the kernel and through WEIR run; Debian's
 * conntrack is then asked about the one, `weir conntrack` about the other, in
 * each form of output, and what they watched meanwhile is read, too.  Lines
 * must be the same to the byte but for what is each one's own: ids, use counts,
 * instants, and a second between two looks.
 *
 * Exit 77: no root, no TUN, no nftables or no conntrack to judge by. */
#include "device.h"
#include "kernel.h"

#include "packet.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KERNEL, WEIR, N_SUBJECTS };
enum { LINES = 256, LINE = 2048 };

struct subjects {
    struct kernel *kernel;
    struct device *device;
    unsigned checks, faults;
};

/* ---- rules that say the same to both ---- */

static const char nft[] =
    "table inet text {\n"
    " ct helper ftp { type \"ftp\" protocol tcp; }\n"
    " chain first { type filter hook prerouting priority raw;\n"
    "  ip saddr 192.0.2.1 notrack\n"
    "  udp dport 61 ct zone set 5\n"
    "  udp dport 62 ct original zone set 6\n"
    "  udp dport 63 ct reply zone set 7\n"
    " }\n"
    " chain help { type filter hook prerouting priority 0;\n"
    "  tcp dport 21 ct helper set \"ftp\"\n"
    " }\n"
    " chain marking { type filter hook prerouting priority mangle;\n"
    "  udp dport 64 ct mark set 42\n"
    " }\n"
    " chain in { type nat hook prerouting priority dstnat;\n"
    "  iifname kwan ip daddr 198.51.100.1 tcp dport 8080 dnat ip to "
    "10.0.1.2:80\n"
    " }\n"
    " chain out { type nat hook postrouting priority srcnat;\n"
    "  oifname kwan masquerade\n"
    " }\n"
    "}\n";

#define UDP_TO(port, rest) "{\"proto\":\"udp\",\"dport\":" port "," rest "},"
static const struct device_setup setup = {
    .prerouting = UDP_TO("61", "\"set_zone\":5") UDP_TO(
        "62", "\"set_zone_orig\":6") UDP_TO("63", "\"set_zone_reply\":7")
        UDP_TO("64",
               "\"set_mark\":42") "{\"proto\":\"tcp\",\"dport\":21,\"helper\":"
                                  "\"ftp\"},"
                                  "{\"in\":\"wan\",\"proto\":\"tcp\",\"dst\":"
                                  "\"198.51.100.1\","
                                  "\"dport\":8080,\"dnat\":\"10.0.1.2:80\"},",
    .conntrack = "\"acct\":true,\"timestamp\":true,\"extensions\":64,",
};

/* ---- what is said ---- */

#define C "10.0.1.2"
#define S "198.51.100.2"
#define W "198.51.100.1"

static const char *const talk[] = {
    /* TCP: asked, standing, reset, let in */
    C ":4001 > " S ":80 tcp S seq 1000",
    C ":4002 > " S ":80 tcp S seq 1000",
    S ":80 > " W ":4002 tcp S. seq 5000 ack 1001",
    C ":4002 > " S ":80 tcp . seq 1001 ack 5001",
    C ":4003 > " S ":80 tcp S seq 1000",
    S ":80 > " W ":4003 tcp S. seq 5000 ack 1001",
    C ":4003 > " S ":80 tcp . seq 1001 ack 5001",
    C ":4003 > " S ":80 tcp F. seq 1001 ack 5001",
    S ":80 > " W ":4003 tcp . seq 5001 ack 1002",
    "198.51.100.9:999 > " W ":8080 tcp S seq 1",
    C ":80 > 198.51.100.9:999 tcp S. seq 9 ack 2",
    "[fd00:1::2]:4000 > [2001:db8::2]:80 tcp S seq 1000",
    /* UDP: asked, answered, a stream */
    C ":5001 > " S ":53 udp 'who'",
    C ":5002 > " S ":53 udp 'who'",
    S ":53 > " W ":5002 udp 'me'",
    C ":5003 > " S ":53 udp 'who'",
    S ":53 > " W ":5003 udp 'me'",
    "wait",
    C ":5003 > " S ":53 udp 'who'",
    "[fd00:1::2]:5000 > [2001:db8::2]:53 udp 'who'",
    C ":5000 > " S ":99 udplite 'who'",
    /* zones, a mark */
    C ":6001 > " S ":61 udp 'a'",
    C ":6002 > " S ":62 udp 'a'",
    C ":6003 > " S ":63 udp 'a'",
    C ":6004 > " S ":64 udp 'a'",
    /* queries, and those without ports */
    C " > " S " icmp echo id 100 seq 1",
    S " > " W " icmp reply id 100 seq 1",
    C " > " S " icmp 13/0 id 101 len 12",
    "fd00:1::2 > 2001:db8::2 icmp echo id 77 seq 1",
    C " > " S " proto 47 hex 0000080000000000",
    C " > 198.51.100.3 proto 47 hex 3001880b0004123400000001aabbccdd",
    C " > " S " proto 99 hex 00",
    C " > " S " proto 50 hex 0000000100000001",
    "fd00:1::2 > 2001:db8::2 proto 99 hex 00",
    /* SCTP */
    C ":7000 > " S ":99 sctp INIT vtag 0 itag 9",
    S ":99 > " W ":7000 sctp INIT_ACK vtag 9 itag 7",
    C ":7000 > " S ":99 sctp COOKIE_ECHO vtag 7",
    S ":99 > " W ":7000 sctp COOKIE_ACK vtag 9",
    /* FTP: USER a, and PORT 10,0,1,2,19,137 */
    C ":4021 > " S ":21 tcp S seq 1000",
    S ":21 > " W ":4021 tcp S. seq 5000 ack 1001",
    C ":4021 > " S ":21 tcp . seq 1001 ack 5001",
    C ":4021 > " S ":21 tcp P. seq 1001 ack 5001 hex 5553455220610d0a",
    C ":4021 > " S ":21 tcp P. seq 1009 ack 5001 hex "
      "504f52542031302c302c312c322c31392c3133370d0a",
};
enum { TALK = sizeof talk / sizeof *talk };

static void ignore(void *ctx, bool wan, uint8_t *data, size_t len)
{
    (void)ctx;
    (void)wan;
    (void)data;
    (void)len;
}

static bool say(struct subjects *s, const char *line)
{
    bool wan = strncmp(line, "10.", 3) != 0 && strncmp(line, "fd00", 4) != 0 &&
               strncmp(line, "[fd00", 5) != 0;
    uint8_t data[2048];
    size_t len;

    if (strcmp(line, "wait") == 0)
        return usleep(2100000) == 0;
    len = packet_build(data, sizeof data, line);
    if (len == 0)
        return false;
    kernel_put(s->kernel, wan ? KERNEL_WAN : KERNEL_LAN, data, len);
    return device_put(s->device, wan, data, len, ignore, NULL);
}

/* ---- lines ---- */

/* A line without what is each one's own; seconds apart. */
struct line {
    char text[LINE];
    long seconds; /* -1: it tells none */
};

struct lines {
    struct line line[LINES];
    unsigned n;
};

/* Words behind which a number is each one's own. */
static const char *const own[] = {
    " use=",          " id=",          "delta-time=", "[start=",
    "[stop=",         "<use>",         "<id>",        "<start>",
    "<deltatime>",    "<hour>",        "<min>",       "<sec>",
    "<stop>",         "found=",        "insert=",     "insert_failed=",
    "drop=",          "early_drop=",   "error=",      "search_restart=",
    "clash_resolve=", "chaintoolong=", "invalid=",
};

enum { OWN = sizeof own / sizeof *own };

static bool begins(const char *at, const char *word)
{
    return strncmp(at, word, strlen(word)) == 0;
}

/* Seconds left stand behind a protocol's number, or behind a word. */
static bool has_seconds(const char *line, const char *at)
{
    unsigned blanks = 0;

    if (at - line >= 3 && strncmp(at - 3, "-t ", 3) == 0)
        return true;
    if (at - line >= 9 && strncmp(at - 9, "<timeout>", 9) == 0)
        return true;
    if (at == line)
        return strstr(line, "master-src=") != NULL;
    if (at[-1] != ' ' || strstr(line, "src=") < at)
        return false;
    for (const char *b = at; *b && *b != ' '; b++)
        if (!isdigit((unsigned char)*b))
            return false;
    for (const char *b = at - 1; b > line && isdigit((unsigned char)b[-1]); b--)
        blanks = 1; /* the protocol's number stands right before it */
    return blanks > 0 && strspn(at, "0123456789") > 0;
}

/* An id behind a code is a query's. */
static bool is_querys(const char *line, const char *at)
{
    while (at > line && isdigit((unsigned char)at[-1]))
        at--;
    return at - line >= 5 && strncmp(at - 5, "code=", 5) == 0;
}

/* Difference text: SCTP's states in XML, and who it was. */
static size_t stated(const char *line, const char *at)
{
    if (begins(at, "<state>") && strstr(line, "protonum=\"132\""))
        return strcspn(at, "/");
    return begins(at, " [USERSPACE] portid=") ? strcspn(at, "\n") : 0;
}

static void mask(const char *from, struct line *to)
{
    size_t n = 0;

    to->seconds = -1;
    for (const char *at = from; *at && n + 64 < sizeof to->text;) {
        size_t k = 0;

        if (isdigit((unsigned char)*at) && to->seconds < 0 &&
            has_seconds(from, at)) {
            to->seconds = strtol(at, NULL, 10);
            to->text[n++] = 'T';
            at += strspn(at, "0123456789");
            continue;
        }
        if (*at == '[' && isdigit((unsigned char)at[1])) { /* an instant */
            to->text[n++] = '[';
            at += strcspn(at, "]");
            continue;
        }
        if (stated(from, at) > 0) {
            at += stated(from, at);
            continue;
        }
        while (k < OWN && !begins(at, own[k]))
            k++;
        if (k == OWN || (begins(at, " id=") && is_querys(from, at))) {
            to->text[n++] = *at++;
            continue;
        }
        n += (size_t)sprintf(to->text + n, "%s*", own[k]);
        at += strlen(own[k]);
        at += *own[k] == '[' ? strcspn(at, "]") : strspn(at, "0123456789-");
    }
    to->text[n] = '\0';
}

static bool read_lines(FILE *f, struct lines *l)
{
    char line[LINE];

    l->n = 0;
    while (f && l->n < LINES && fgets(line, sizeof line, f))
        mask(line, &l->line[l->n++]);
    return f != NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(((const struct line *)a)->text,
                  ((const struct line *)b)->text);
}

static void sort(struct lines *l)
{
    qsort(l->line, l->n, sizeof *l->line, by_text);
}

static bool same(const struct line *a, const struct line *b)
{
    return strcmp(a->text, b->text) == 0 && labs(a->seconds - b->seconds) <= 1;
}

/* least: as many lines there must be, lest nothing is the same as nothing. */
static void compare(struct subjects *s, const char *what, unsigned least,
                    const struct lines *k, const struct lines *w)
{
    unsigned n = k->n > w->n ? k->n : w->n, wrong = 0;

    s->checks++;
    for (unsigned i = 0; i < n; i++) {
        if (i < k->n && i < w->n && same(&k->line[i], &w->line[i]))
            continue;
        if (wrong++ == 0)
            printf("DIFFERENCE in %s\n", what);
        printf("  conntrack: %s", i < k->n ? k->line[i].text : "nothing\n");
        printf("  weir:      %s", i < w->n ? w->line[i].text : "nothing\n");
        if (i < k->n && i < w->n && k->line[i].seconds != w->line[i].seconds)
            printf("  T is %ld and %ld\n", k->line[i].seconds,
                   w->line[i].seconds);
    }
    if (k->n < least) {
        printf("DIFFERENCE in %s: %u lines, expected %u\n", what, k->n, least);
        wrong++;
    }
    s->faults += wrong > 0;
}

/* ---- what is asked ---- */

static const struct {
    const char *command;
    unsigned least; /* lines */
} asked[] = {
    {"-L -f ipv4", 20},
    {"-L -f ipv6", 4},
    {"-L -f ipv4 -o extended", 20},
    {"-L -f ipv6 -o extended", 4},
    {"-L -f ipv4 -o id", 20},
    {"-L -f ipv4 -o ktimestamp", 20},
    {"-L -f ipv4 -o timestamp", 20},
    {"-L -f ipv4 -o labels", 20},
    {"-L -f ipv4 -o extended,id,ktimestamp", 20},
    {"-L -f ipv4 -o save", 20},
    {"-L -f ipv6 -o save", 4},
    {"-L -f ipv4 -o xml", 20},
    {"-L -f ipv6 -o xml", 4},
    {"-L -f ipv4 -o xml,extended,id,ktimestamp", 20},
    {"-L -f ipv4 -p tcp", 5},
    {"-L -f ipv4 -p tcp --state ESTABLISHED", 2},
    {"-L -f ipv4 -p udp --dport 53 -u ASSURED", 1},
    {"-L -f ipv4 -p icmp", 2},
    {"-L -f ipv4 -s 10.0.1.2 -d 198.51.100.2 -p udp --sport 5002", 1},
    {"-G -p udp -s 10.0.1.2 -d 198.51.100.2 --sport 5002 --dport 53", 1},
    {"-L -f ipv4 -m 42", 1},
    {"-L -f ipv4 -w 5", 1},
    {"-L -f ipv4 -p tcp -g", 1}, /* difference text: of queries, too */
    {"-L -f ipv4 -n", 19},
    {"-L expect", 1},
    {"-C", 1},
};

static FILE *ask_kernel(const char *command)
{
    char line[512];

    snprintf(line, sizeof line, "conntrack %s 2>/dev/null", command);
    return popen(line, "r");
}

static void ask(struct subjects *s, const char *command, unsigned least)
{
    static struct lines k, w;
    char line[512];
    FILE *f = ask_kernel(command);

    read_lines(f, &k);
    if (f)
        pclose(f);
    snprintf(line, sizeof line, "conntrack %s", command);
    f = device_ask(s->device, line);
    read_lines(f, &w);
    device_told(f);
    sort(&k);
    sort(&w);
    compare(s, command, least, &k, &w);
}

/* A line a processor here, a line a shard there: the first of each. */
static void ask_stats(struct subjects *s)
{
    static struct lines k, w;
    FILE *f = ask_kernel("-S");

    read_lines(f, &k);
    if (f)
        pclose(f);
    f = device_ask(s->device, "conntrack -S");
    read_lines(f, &w);
    device_told(f);
    k.n = k.n > 0;
    compare(s, "-S", 1, &k, &w);
}

/* ---- who watches ---- */

static const char *const watched[] = {
    NULL, "timestamp", "extended", "id", "save", "xml", "xml,timestamp",
};
enum { WATCHED = sizeof watched / sizeof *watched };

struct watcher {
    pid_t pid;
    FILE *heard;
};

static struct watcher watch(const struct subjects *s, int who,
                            const char *output)
{
    struct watcher w = {.heard = tmpfile()};
    const char *words[8];
    unsigned n = 0;

    words[n++] = who == KERNEL ? "conntrack" : device_weir(s->device);
    if (who == WEIR)
        words[n++] = "conntrack";
    words[n++] = "-E";
    if (output) {
        words[n++] = "-o";
        words[n++] = output;
    }
    words[n] = NULL;
    if (!w.heard)
        return w;
    w.pid = fork();
    if (w.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        setenv("WEIR_SOCKET", device_socket(s->device), 1);
        dup2(fileno(w.heard), STDOUT_FILENO);
        dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDERR_FILENO);
        execvp(words[0], (char *const *)(uintptr_t)words);
        _exit(127);
    }
    return w;
}

static void hear(struct watcher *w, struct lines *l)
{
    if (w->pid > 0) {
        kill(w->pid, SIGINT);
        waitpid(w->pid, NULL, 0);
    }
    if (w->heard)
        rewind(w->heard);
    read_lines(w->heard, l);
    if (w->heard)
        fclose(w->heard);
}

/* ---- all of it ---- */

static void run(struct subjects *s)
{
    static struct lines heard[N_SUBJECTS];
    struct watcher watchers[WATCHED][N_SUBJECTS];
    char what[64];

    for (unsigned i = 0; i < WATCHED; i++)
        for (int who = 0; who < N_SUBJECTS; who++)
            watchers[i][who] = watch(s, who, watched[i]);
    usleep(1000000); /* until they listen */
    for (unsigned i = 0; i < TALK; i++)
        if (!say(s, talk[i])) {
            printf("not said: %s\n", talk[i]);
            s->faults++;
        }
    for (unsigned i = 0; i < sizeof asked / sizeof *asked; i++)
        ask(s, asked[i].command, asked[i].least);
    ask_stats(s);
    ask(s, "-D -f ipv4 -p udp --sport 5003", 1);
    ask(s, "-D -f ipv4 -p tcp --sport 4002 -o id", 1);
    ask(s, "-D -f ipv4 -m 42 -o save", 1);
    usleep(500000); /* until all is told */
    for (unsigned i = 0; i < WATCHED; i++) {
        for (int who = 0; who < N_SUBJECTS; who++)
            hear(&watchers[i][who], &heard[who]);
        snprintf(what, sizeof what, "-E -o %s", watched[i] ? watched[i] : "-");
        compare(s, what, TALK, &heard[KERNEL], &heard[WEIR]);
    }
}

static bool prepare(struct subjects *s)
{
    return kernel_rules(s->kernel, nft) &&
           kernel_sysctl(s->kernel, "netfilter/nf_conntrack_acct", 1) &&
           kernel_sysctl(s->kernel, "netfilter/nf_conntrack_timestamp", 1) &&
           /* difference udplite_sum */
           kernel_sysctl(s->kernel, "netfilter/nf_conntrack_checksum", 0) &&
           system("conntrack -V >/dev/null 2>&1") == 0;
}

int main(int argc, char **argv)
{
    struct subjects s = {.checks = 0};
    char err[256];

    if (argc != 2) {
        fprintf(stderr, "usage: text WEIR\n");
        return 2;
    }
    s.device = device_open(argv[1], &setup, err);
    if (s.device)
        s.kernel = kernel_open(err);
    if (!s.kernel || !prepare(&s)) {
        bool may = geteuid() == 0 && access("/dev/net/tun", F_OK) == 0;

        fprintf(stderr, "%sNO KERNEL TO JUDGE BY: %s\n", may ? "" : "SKIPPED: ",
                s.kernel ? "nft, a sysctl or conntrack is missing" : err);
        s.faults = may ? 1 : 77;
    } else {
        run(&s);
        printf("%u looks, %u differences\n", s.checks, s.faults);
        s.faults = s.faults > 0;
    }
    if (s.device)
        device_close(s.device);
    if (s.kernel)
        kernel_close(s.kernel);
    return (int)s.faults;
}
