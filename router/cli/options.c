/* options.c - conntrack(8)'s command line as a question to the API
 *
 * Most options are a key of the API's filter grammar, so they stand in a table
 * and their values are checked by the router, in one place. */
#include "cli/options.h"
#include "cli/format.h"
#include "cli/query.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

const char cli_options_help[] =
    "usage: weir conntrack COMMAND [OPTIONS]\n"
    "\n"
    "Commands, as conntrack(8) has them:\n"
    "  -L, --dump     list flows, IPv4 and IPv6 (conntrack without -f: IPv4)\n"
    "  -G, --get      show one flow: its protocol, both addresses of a\n"
    "                 direction, and ports if it has any, say which\n"
    "  -L expect      list flows that are announced and have not come yet\n"
    "  -C, --count    how many there are\n"
    "  -S, --stats    counters, one line a shard\n"
    "  -E, --event    watch flows come, change and go, until Ctrl-C\n"
    "  -D, --delete   delete the flows that match, and show them\n"
    "  -F, --flush    delete all flows\n"
    "\n"
    "Which flows (-L, -G, -E, -D):\n"
    "  -s, --src, --orig-src ADDRESS[/LEN]    original source\n"
    "  -d, --dst, --orig-dst ADDRESS[/LEN]    original destination\n"
    "  -r, --reply-src ADDRESS[/LEN]          reply source\n"
    "  -q, --reply-dst ADDRESS[/LEN]          reply destination\n"
    "  -p, --proto, --protonum PROTOCOL       tcp, udp, icmp, ... or a number\n"
    "  -f, --family ipv4|ipv6\n"
    "      --sport, --orig-port-src PORT      PORT may be a range, 1000:2000\n"
    "      --dport, --orig-port-dst PORT\n"
    "      --reply-port-src PORT, --reply-port-dst PORT\n"
    "      --icmp-type N, --icmp-code N, --icmp-id N\n"
    "      --state STATE                      ESTABLISHED, SYN_SENT, ...\n"
    "  -u, --status STATUS[,...]              ASSURED, SEEN_REPLY, ...\n"
    "  -n, --src-nat [ADDRESS[:PORT]]         source is translated\n"
    "  -g, --dst-nat [ADDRESS[:PORT]]         destination is translated\n"
    "  -j, --any-nat [ADDRESS]                either is\n"
    "  -m, --mark MARK[/MASK]\n"
    "  -l, --label LABEL                      a number, 0 to 127\n"
    "  -w, --zone ZONE                        of both directions\n"
    "      --orig-zone ZONE, --reply-zone ZONE\n"
    "\n"
    "How they are shown:\n"
    "  -o, --output FORMAT[,...]              extended, id, timestamp,\n"
    "                                         labels, ktimestamp, save, xml,\n"
    "                                         json (an object a line)\n"
    "  -e, --event-mask TYPE[,...]            NEW, UPDATES, DESTROY, ALL\n"
    "\n"
    "  --socket PATH    the router's socket (else $WEIR_SOCKET,\n"
    "                   $WEIR_API_SOCKET, /run/weir/weir.sock)\n"
    "\n"
    "Exit status: 0 fine, 1 failed (-G, -D: nothing matched), 2 wrong "
    "arguments.\n";

enum {
    O_SPORT = 256,
    O_DPORT,
    O_REPLY_SPORT,
    O_REPLY_DPORT,
    O_ICMP_TYPE,
    O_ICMP_CODE,
    O_ICMP_ID,
    O_STATE,
    O_ORIG_ZONE,
    O_REPLY_ZONE,
    O_SOCKET
};

static const struct option longs[] = {
    {"dump", no_argument, NULL, 'L'},
    {"get", no_argument, NULL, 'G'},
    {"count", no_argument, NULL, 'C'},
    {"stats", no_argument, NULL, 'S'},
    {"event", no_argument, NULL, 'E'},
    {"delete", no_argument, NULL, 'D'},
    {"flush", no_argument, NULL, 'F'},
    {"help", no_argument, NULL, 'h'},
    {"version", no_argument, NULL, 'V'},
    {"src", required_argument, NULL, 's'},
    {"orig-src", required_argument, NULL, 's'},
    {"dst", required_argument, NULL, 'd'},
    {"orig-dst", required_argument, NULL, 'd'},
    {"reply-src", required_argument, NULL, 'r'},
    {"reply-dst", required_argument, NULL, 'q'},
    {"proto", required_argument, NULL, 'p'},
    {"protonum", required_argument, NULL, 'p'},
    {"family", required_argument, NULL, 'f'},
    {"sport", required_argument, NULL, O_SPORT},
    {"orig-port-src", required_argument, NULL, O_SPORT},
    {"dport", required_argument, NULL, O_DPORT},
    {"orig-port-dst", required_argument, NULL, O_DPORT},
    {"reply-port-src", required_argument, NULL, O_REPLY_SPORT},
    {"reply-port-dst", required_argument, NULL, O_REPLY_DPORT},
    {"icmp-type", required_argument, NULL, O_ICMP_TYPE},
    {"icmp-code", required_argument, NULL, O_ICMP_CODE},
    {"icmp-id", required_argument, NULL, O_ICMP_ID},
    {"state", required_argument, NULL, O_STATE},
    {"status", required_argument, NULL, 'u'},
    {"src-nat", optional_argument, NULL, 'n'},
    {"dst-nat", optional_argument, NULL, 'g'},
    {"any-nat", optional_argument, NULL, 'j'},
    {"mark", required_argument, NULL, 'm'},
    {"label", required_argument, NULL, 'l'},
    {"zone", required_argument, NULL, 'w'},
    {"orig-zone", required_argument, NULL, O_ORIG_ZONE},
    {"reply-zone", required_argument, NULL, O_REPLY_ZONE},
    {"output", required_argument, NULL, 'o'},
    {"event-mask", required_argument, NULL, 'e'},
    {"buffer-size", required_argument, NULL, 'b'},
    {"socket", required_argument, NULL, O_SOCKET},
    {NULL, 0, NULL, 0},
};

/* Options that are a key of the API's filter as they stand. */
static const struct {
    int option;
    const char *key;
} keys[] = {
    /* the ends of a tuple, as names_one() counts them */
    {'s', "src"},
    {'d', "dst"},
    {'r', "reply_src"},
    {'q', "reply_dst"},
    {'p', "proto"},
    {'f', "family"},
    {O_SPORT, "sport"},
    {O_DPORT, "dport"},
    {O_REPLY_SPORT, "reply_sport"},
    {O_REPLY_DPORT, "reply_dport"},
    {O_ICMP_TYPE, "icmp_type"},
    {O_ICMP_CODE, "icmp_code"},
    {O_ICMP_ID, "icmp_id"},
    {O_STATE, "state"},
    {'u', "status"},
    {'m', "mark"},
    {'l', "label"},
    {'w', "zone"},
    {O_ORIG_ZONE, "zone_orig"},
    {O_REPLY_ZONE, "zone_reply"},
};

enum { N_ENDS = 5 };

static int print_usage_error(const char *fmt, ...)
    __attribute__((format(printf, 1, 2)));

static int print_usage_error(const char *fmt, ...)
{
    va_list ap;

    fputs("weir conntrack: ", stderr);
    va_start(ap, fmt);
    vfprintf(stderr, fmt, ap);
    va_end(ap);
    fputs("\nTry `weir conntrack --help' for more information.\n", stderr);
    return 2;
}

static int add_query_condition(struct cli_options *o, const char *key,
                               const char *value)
{
    o->filtered = true;
    if (o->n_given == CLI_OPTIONS_GIVEN ||
        !cli_query_add(o->query, sizeof(o->query), key, value))
        return print_usage_error("too many conditions: at most %d are allowed",
                                 CLI_OPTIONS_GIVEN);
    o->given[o->n_given].key = key;
    o->given[o->n_given].option = o->option;
    o->given[o->n_given++].value = o->value;
    return 0;
}

bool cli_options_find(const struct cli_options *o, const char *key,
                      const char **option, const char **value)
{
    for (unsigned i = 0; i < o->n_given; i++)
        if (strcmp(o->given[i].key, key) == 0) {
            *option = o->given[i].option;
            *value = o->given[i].value;
            return true;
        }
    return false;
}

/* -n, -g, -j: their address is optional and may be a word of its own. */
static int add_nat(struct cli_options *o, int option, const char *value)
{
    const char *nat = option == 'n' ? "src" : option == 'g' ? "dst" : "any";
    const char *key = option == 'n'   ? "src_nat"
                      : option == 'g' ? "dst_nat"
                                      : "any_nat";
    char address[64];
    const char *colon;
    int result;

    if (!value)
        return add_query_condition(o, "nat", nat);
    colon = strchr(value, ':');
    if (!colon || strchr(colon + 1, ':') || option == 'j')
        return add_query_condition(o, key, value);
    (void)snprintf(address, sizeof(address), "%.*s", (int)(colon - value),
                   value);
    result = add_query_condition(o, key, address);
    return result ? result
                  : add_query_condition(
                        o, option == 'n' ? "reply_dport" : "reply_sport",
                        colon + 1);
}

static int add_output(struct cli_options *o, char *list)
{
    char *word, *rest;

    for (word = strtok_r(list, ",", &rest); word;
         word = strtok_r(NULL, ",", &rest)) {
        unsigned flag = cli_format_flag(word);

        if (!flag)
            return print_usage_error("Bad parameter `%s'", word);
        o->output |= flag;
    }
    if ((o->output & CLI_FORMAT_SAVE) && o->output != CLI_FORMAT_SAVE)
        return print_usage_error(
            "cannot combine save output with any other output type, "
            "use -o save only");
    return 0;
}

static int add_events(struct cli_options *o, char *list)
{
    char *word, *rest;

    for (word = strtok_r(list, ",", &rest); word;
         word = strtok_r(NULL, ",", &rest)) {
        if (strcasecmp(word, "NEW") == 0)
            o->events |= CLI_OPTIONS_NEW;
        else if (strcasecmp(word, "UPDATES") == 0 ||
                 strcasecmp(word, "UPDATE") == 0)
            o->events |= CLI_OPTIONS_UPDATE;
        else if (strcasecmp(word, "DESTROY") == 0)
            o->events |= CLI_OPTIONS_DESTROY;
        else if (strcasecmp(word, "ALL") == 0)
            o->events |=
                CLI_OPTIONS_NEW | CLI_OPTIONS_UPDATE | CLI_OPTIONS_DESTROY;
        else
            return print_usage_error("Bad parameter `%s'", word);
    }
    return 0;
}

static int add_filter(struct cli_options *o, int option, const char *value)
{
    size_t i;

    for (i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
        if (keys[i].option == option) {
            if (i < N_ENDS)
                o->ends |= 1u << i;
            return add_query_condition(o, keys[i].key, value);
        }
    return print_usage_error("unknown option");
}

/* -G is about one flow: a direction's addresses and the protocol name it, so
 * far as that has no ports. */
static bool names_one(const struct cli_options *o)
{
    return (o->ends & 0x10) &&
           ((o->ends & 0x3) == 0x3 || (o->ends & 0xc) == 0xc);
}

/* conntrack's table may follow: that of flows, or, to list, that of what is
 * expected. */
static int take_table(struct cli_options *o, int argc, char **argv)
{
    if (optind >= argc || argv[optind][0] == '-')
        return 0;
    o->expect = strcmp(argv[optind], "expect") == 0;
    if (!o->expect && strcmp(argv[optind], "conntrack") != 0)
        return print_usage_error("unknown type `%s'", argv[optind]);
    if (o->expect && o->command != 'L')
        return print_usage_error("of `expect' there is -L only");
    optind++;
    return 0;
}

static int take_cli_option(struct cli_options *o, int option, int argc,
                           char **argv)
{
    switch (option) {
    case 'L':
    case 'G':
    case 'C':
    case 'S':
    case 'E':
    case 'D':
    case 'F':
        if (o->command)
            return print_usage_error("Invalid commands combination");
        o->command = (char)option;
        return take_table(o, argc, argv);
    case 'n':
    case 'g':
    case 'j':
        if (!optarg && optind < argc && argv[optind][0] != '-')
            o->value = optarg = argv[optind++];
        return add_nat(o, option, optarg);
    case 'o':
        return add_output(o, optarg);
    case 'e':
        return add_events(o, optarg);
    case 'b': /* there is no netlink buffer to size */
        return 0;
    case O_SOCKET:
        o->socket = optarg;
        return 0;
    default:
        return add_filter(o, option, optarg);
    }
}

/* Its long name, which every option has. */
static const char *find_long_option(int option)
{
    for (const struct option *l = longs; l->name != NULL; l++)
        if (l->val == option)
            return l->name;
    return "?";
}

int cli_options_read(struct cli_options *o, int argc, char **argv)
{
    int option, result;

    *o = (struct cli_options){0};
    optind = 0; /* restart getopt: tests call this often */
    opterr = 0;
    while ((option = getopt_long(
                argc, argv, "+:LGCSEDFhVs:d:r:q:p:f:u:n::g::j::m:l:w:o:e:b:",
                longs, NULL)) != -1) {
        if (option == 'h' || option == 'V') {
            o->command = (char)option;
            return 0;
        }
        if (option == ':')
            return print_usage_error("option `%s' requires an argument",
                                     argv[optind - 1]);
        if (option == '?')
            return print_usage_error("unknown option `%s'", argv[optind - 1]);
        o->option = find_long_option(option);
        o->value = optarg != NULL ? optarg : "";
        result = take_cli_option(o, option, argc, argv);
        if (result)
            return result;
    }
    if (optind < argc)
        return print_usage_error("unexpected argument `%s'", argv[optind]);
    if (!o->command)
        return print_usage_error("You need to supply a command");
    if (o->command == 'G' && !names_one(o))
        return print_usage_error(
            "-G shows one flow; use -p, and -s and -d or -r and -q, "
            "with the ports if it has any");
    if (o->events && o->command != 'E')
        return print_usage_error(
            "Illegal option `--event-mask' with this command");
    if (o->output && strchr("CSF", o->command))
        return print_usage_error(
            "Illegal option `--output' with this command: it goes "
            "with -L, -G, -E and -D");
    if (o->filtered && strchr("CSF", o->command))
        return print_usage_error(
            "Illegal option with this command: it takes no filter");
    if (o->expect && (o->filtered || (o->output & ~((unsigned)CLI_FORMAT_JSON |
                                                    CLI_FORMAT_XML))))
        return print_usage_error(
            "Illegal option with this command: expectations are "
            "listed all, as text, or by -o xml or json");
    if (!o->events)
        o->events = CLI_OPTIONS_NEW | CLI_OPTIONS_UPDATE | CLI_OPTIONS_DESTROY;
    return 0;
}
