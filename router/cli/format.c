/* format.c - a flow, as JSON, in conntrack(8)'s words
 *
 * The text is conntrack v1.4.7's to the byte, since scripts read it: a line
 * for people, -o save, -o xml.  Events differ from lists as they do there: no
 * use=, counters and age at the end of a flow only. */
#include "cli/format.h"

#include <arpa/inet.h>
#include <ctcore/words.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

unsigned cli_format_flag(const char *name)
{
    static const char *const names[] = {"extended",   "id",     "timestamp",
                                        "ktimestamp", "save",   "xml",
                                        "json",       "labels", "userspace"};
    unsigned i;

    for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        if (strcmp(names[i], name) == 0)
            return 1u << i;
    return 0;
}

static const char *text_of(const json_t *o, const char *key)
{
    const char *s = json_string_value(json_object_get(o, key));

    return s ? s : "";
}

static uint64_t number_of(const json_t *o, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(o, key));
}

/* "A-B" of the API as one number, A * 2^32 + B: scripts that know conntrack(8)
 * expect a number. */
static uint64_t id_number(const json_t *flow)
{
    uint64_t place = 0, generation = 0;

    (void)sscanf(text_of(flow, "id"), "%" SCNu64 "-%" SCNu64, &place,
                 &generation);
    return place << 32 | generation;
}

static bool has_json_key(const json_t *o, const char *key)
{
    return json_object_get(o, key) != NULL;
}

bool cli_format_says(const json_t *words, const char *word)
{
    size_t i;

    for (i = 0; i < json_array_size(words); i++) {
        const char *is = json_string_value(json_array_get(words, i));

        if (is && strcmp(is, word) == 0)
            return true;
    }
    return false;
}

static bool has_status(const json_t *flow, const char *name)
{
    return cli_format_says(json_object_get(flow, "status"), name);
}

static bool is_ipv6(const json_t *flow)
{
    return strcmp(text_of(flow, "family"), "ipv6") == 0;
}

/* conntrack shows a state for the protocols that have states of their own. */
static const char *get_flow_state(const json_t *flow)
{
    uint64_t proto = number_of(flow, "protonum");

    return ct_proto_has_states((uint8_t)proto) ? text_of(flow, "state") : "";
}

/* Seconds since 1970 of "2026-01-01T00:00:00Z"; 0: not told. */
static time_t start_of(const json_t *flow)
{
    const char *text = text_of(flow, "start");
    struct tm tm = {0};

    if (!*text || !strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm))
        return 0;
    return timegm(&tm);
}

/* Of an event only a mark that there is, or that it is about. */
static bool shows_mark(const json_t *flow, unsigned flags,
                       enum cli_format_type type)
{
    return type == CLI_FORMAT_LIST || number_of(flow, "mark") ||
           (flags & CLI_FORMAT_MARKED);
}

/* ---- the line for people ---- */

static void text_ports(FILE *out, const json_t *t)
{
    if (has_json_key(t, "sport"))
        fprintf(out, "sport=%" PRIu64 " dport=%" PRIu64 " ",
                number_of(t, "sport"), number_of(t, "dport"));
    else if (has_json_key(t, "type"))
        fprintf(out, "type=%" PRIu64 " code=%" PRIu64 " id=%" PRIu64 " ",
                number_of(t, "type"), number_of(t, "code"), number_of(t, "id"));
    else if (has_json_key(t, "srckey"))
        fprintf(out, "srckey=0x%" PRIx64 " dstkey=0x%" PRIx64 " ",
                number_of(t, "srckey"), number_of(t, "dstkey"));
}

static void text_zone(FILE *out, const json_t *flow, const char *key,
                      const char *name)
{
    if (number_of(flow, key))
        fprintf(out, "%s=%" PRIu64 " ", name, number_of(flow, key));
}

static void text_tuple(FILE *out, const json_t *t)
{
    fprintf(out, "src=%s dst=%s ", text_of(t, "src"), text_of(t, "dst"));
    text_ports(out, t);
}

static void text_side(FILE *out, const json_t *flow, bool reply, bool counters)
{
    const json_t *t = json_object_get(flow, reply ? "reply" : "original");

    text_tuple(out, t);
    if (reply)
        text_zone(out, flow, "zone_reply", "zone-reply");
    else
        text_zone(out, flow, "zone_orig", "zone-orig");
    if (counters && has_json_key(t, "packets"))
        fprintf(out, "packets=%" PRIu64 " bytes=%" PRIu64 " ",
                number_of(t, "packets"), number_of(t, "bytes"));
}

static void clock_text(FILE *out, const char *name, time_t at)
{
    struct tm tm;
    char text[40];

    if (localtime_r(&at, &tm) &&
        strftime(text, sizeof(text), "%a %b %e %H:%M:%S %Y", &tm))
        fprintf(out, "[%s=%s] ", name, text);
}

static void text_age(FILE *out, const json_t *flow, unsigned flags,
                     enum cli_format_type type, struct timespec now)
{
    time_t start = start_of(flow);

    if (!start || (type != CLI_FORMAT_LIST && type != CLI_FORMAT_DESTROY))
        return;
    fprintf(out, "delta-time=%lld ",
            (long long)(now.tv_sec > start ? now.tv_sec - start : 0));
    if (!(flags & CLI_FORMAT_KTIMESTAMP))
        return;
    clock_text(out, "start", start);
    if (type == CLI_FORMAT_DESTROY)
        clock_text(out, "stop", now.tv_sec);
}

static void text_labels(FILE *out, const json_t *labels)
{
    for (size_t i = 0; i < json_array_size(labels); i++)
        fprintf(out, "%s%" JSON_INTEGER_FORMAT, i ? "," : "labels=",
                json_integer_value(json_array_get(labels, i)));
    if (json_array_size(labels) > 0)
        fputc(' ', out);
}

static void text_flow(FILE *out, const json_t *flow, unsigned flags,
                      enum cli_format_type type, struct timespec now)
{
    bool counters = type == CLI_FORMAT_LIST || type == CLI_FORMAT_DESTROY;

    if (flags & CLI_FORMAT_EXTENDED)
        fprintf(out, "%-8s %u ", text_of(flow, "family"),
                is_ipv6(flow) ? 10u : 2u);
    fprintf(out, "%-8s %" PRIu64 " ", text_of(flow, "protocol"),
            number_of(flow, "protonum"));
    if (has_json_key(flow, "timeout"))
        fprintf(out, "%" PRIu64 " ", number_of(flow, "timeout"));
    if (*get_flow_state(flow))
        fprintf(out, "%s ", get_flow_state(flow));
    text_side(out, flow, false, counters);
    if (!has_status(flow, "SEEN_REPLY"))
        fputs("[UNREPLIED] ", out);
    text_side(out, flow, true, counters);
    if (has_status(flow, "ASSURED"))
        fputs("[ASSURED] ", out);
    if (shows_mark(flow, flags, type))
        fprintf(out, "mark=%" PRIu64 " ", number_of(flow, "mark"));
    text_zone(out, flow, "zone", "zone");
    text_age(out, flow, flags, type, now);
    if (has_json_key(flow, "helper"))
        fprintf(out, "helper=%s ", text_of(flow, "helper"));
    if (type == CLI_FORMAT_LIST)
        fputs("use=1 ", out);
    if (flags & CLI_FORMAT_ID)
        fprintf(out, "id=%" PRIu64 " ", id_number(flow));
    if (flags & CLI_FORMAT_LABELS)
        text_labels(out, json_object_get(flow, "labels"));
}

static void text_expect(FILE *out, const json_t *e)
{
    const json_t *mask = json_object_get(e, "mask");
    const json_t *master = json_object_get(e, "master");

    fprintf(out, "%" PRIu64 " proto=%" PRIu64 " ", number_of(e, "timeout"),
            number_of(e, "protonum"));
    text_tuple(out, e);
    fprintf(out, "mask-src=%s mask-dst=%s ", text_of(mask, "src"),
            text_of(mask, "dst"));
    text_ports(out, mask);
    fprintf(out, "master-src=%s master-dst=%s ", text_of(master, "src"),
            text_of(master, "dst"));
    text_ports(out, master);
    if (number_of(e, "zone"))
        fprintf(out, "zone=%" PRIu64 " ", number_of(e, "zone"));
    fprintf(out, "%sclass=%" PRIu64 " helper=%s\n",
            json_is_true(json_object_get(e, "permanent")) ? "PERMANENT " : "",
            number_of(e, "class"), text_of(e, "helper"));
}

/* ---- -o save ---- */

static void save_status(FILE *out, const json_t *flow)
{
    bool reply = has_status(flow, "SEEN_REPLY");
    bool assured = has_status(flow, "ASSURED");
    bool fixed = has_status(flow, "FIXED_TIMEOUT");

    fputs("-u ", out);
    if (!reply && !assured && !fixed) {
        fputs("UNSET ", out);
        return;
    }
    if (reply)
        fputs("SEEN_REPLY", out);
    if (assured)
        fprintf(out, "%sASSURED", reply ? "," : "");
    if (fixed)
        fprintf(out, "%sFIXED_TIMEOUT", reply || assured ? "," : "");
    fputc(' ', out);
}

static void save_zone(FILE *out, const json_t *flow, const char *key,
                      const char *flag)
{
    if (number_of(flow, key))
        fprintf(out, "%s %" PRIu64 " ", flag, number_of(flow, key));
}

static void save_ports(FILE *out, const json_t *o, const json_t *r,
                       const char *icmp)
{
    if (has_json_key(o, "sport"))
        fprintf(out,
                "--sport %" PRIu64 " --dport %" PRIu64
                " --reply-port-src %" PRIu64 " --reply-port-dst %" PRIu64 " ",
                number_of(o, "sport"), number_of(o, "dport"),
                number_of(r, "sport"), number_of(r, "dport"));
    else if (has_json_key(o, "type"))
        fprintf(out,
                "--%s-type %" PRIu64 " --%s-code %" PRIu64 " --%s-id %" PRIu64
                " ",
                icmp, number_of(o, "type"), icmp, number_of(o, "code"), icmp,
                number_of(o, "id"));
    else if (has_json_key(o, "srckey"))
        fprintf(out,
                "--srckey %" PRIu64 " --dstkey %" PRIu64
                " --reply-key-src %" PRIu64 " --reply-key-dst %" PRIu64 " ",
                number_of(o, "srckey"), number_of(o, "dstkey"),
                number_of(r, "srckey"), number_of(r, "dstkey"));
}

static void save_flow(FILE *out, const json_t *flow, enum cli_format_type type)
{
    const json_t *o = json_object_get(flow, "original");
    const json_t *r = json_object_get(flow, "reply");

    fputs(type == CLI_FORMAT_DESTROY  ? "-D "
          : type == CLI_FORMAT_UPDATE ? "-U "
                                      : "-A ",
          out);
    if (has_json_key(flow, "timeout"))
        fprintf(out, "-t %" PRIu64 " ", number_of(flow, "timeout"));
    save_status(out, flow);
    save_zone(out, flow, "zone", "-w");
    save_zone(out, flow, "zone_orig", "--orig-zone");
    save_zone(out, flow, "zone_reply", "--reply-zone");
    fprintf(out, "-s %s -d %s ", text_of(o, "src"), text_of(o, "dst"));
    fprintf(out, "%s %s ", has_status(flow, "DST_NAT") ? "-g" : "-r",
            text_of(r, "src"));
    fprintf(out, "%s %s ", has_status(flow, "SRC_NAT") ? "-n" : "-q",
            text_of(r, "dst"));
    if (strcmp(text_of(flow, "protocol"), "unknown") == 0)
        fprintf(out, "-p %" PRIu64 " ", number_of(flow, "protonum"));
    else
        fprintf(out, "-p %s ", text_of(flow, "protocol"));
    save_ports(out, o, r,
               ct_word_name(CT_WORDS_PROTO,
                            is_ipv6(flow) ? CT_PROTO_ICMPV6 : CT_PROTO_ICMP));
    if (*get_flow_state(flow))
        fprintf(out, "--state %s ", get_flow_state(flow));
    if (has_json_key(o, "vtag")) /* as they stand in memory: what -A takes */
        fprintf(out, "--orig-vtag %" PRIu32 " --reply-vtag %" PRIu32 " ",
                htonl((uint32_t)number_of(o, "vtag")),
                htonl((uint32_t)number_of(r, "vtag")));
}

/* ---- -o xml ---- */

static void xml_ports(FILE *out, const json_t *t)
{
    if (has_json_key(t, "sport"))
        fprintf(out, "<sport>%" PRIu64 "</sport><dport>%" PRIu64 "</dport>",
                number_of(t, "sport"), number_of(t, "dport"));
    else if (has_json_key(t, "srckey"))
        fprintf(out,
                "<srckey>0x%" PRIx64 "</srckey><dstkey>0x%" PRIx64 "</dstkey>",
                number_of(t, "srckey"), number_of(t, "dstkey"));
}

static void xml_tuple(FILE *out, const json_t *flow, const char *key,
                      bool counters)
{
    const json_t *t = json_object_get(flow, key);

    fprintf(out,
            "<meta direction=\"%s\"><layer3 protonum=\"%u\" protoname=\"%s\">"
            "<src>%s</src><dst>%s</dst></layer3>"
            "<layer4 protonum=\"%" PRIu64 "\" protoname=\"%s\">",
            key, is_ipv6(flow) ? 10u : 2u, text_of(flow, "family"),
            text_of(t, "src"), text_of(t, "dst"), number_of(flow, "protonum"),
            text_of(flow, "protocol"));
    xml_ports(out, t);
    fputs("</layer4>", out);
    if (number_of(flow, *key == 'o' ? "zone_orig" : "zone_reply"))
        fprintf(out, "<zone>%" PRIu64 "</zone>",
                number_of(flow, *key == 'o' ? "zone_orig" : "zone_reply"));
    if (counters && has_json_key(t, "packets"))
        fprintf(out,
                "<counters><packets>%" PRIu64 "</packets><bytes>%" PRIu64
                "</bytes></counters>",
                number_of(t, "packets"), number_of(t, "bytes"));
    fputs("</meta>", out);
}

/* ---- the same of expectations: sorted by layer, not by tuple ---- */

static void xml_addrs(FILE *out, const char *name, const json_t *t)
{
    fprintf(out, "<%s><src>%s</src><dst>%s</dst></%s>", name, text_of(t, "src"),
            text_of(t, "dst"), name);
}

static void xml_named_ports(FILE *out, const char *name, const json_t *t)
{
    fprintf(out, "<%s>", name);
    xml_ports(out, t);
    fprintf(out, "</%s>", name);
}

static void xml_expect(FILE *out, const json_t *e)
{
    const json_t *mask = json_object_get(e, "mask");
    const json_t *master = json_object_get(e, "master");

    fprintf(out, "<flow><layer3 protonum=\"%u\" protoname=\"%s\">",
            is_ipv6(e) ? 10u : 2u, text_of(e, "family"));
    xml_addrs(out, "expected", e);
    xml_addrs(out, "mask", mask);
    xml_addrs(out, "master", master);
    fprintf(out, "</layer3><layer4 protonum=\"%" PRIu64 "\" protoname=\"%s\">",
            number_of(e, "protonum"), text_of(e, "protocol"));
    xml_named_ports(out, "expected", e);
    xml_named_ports(out, "mask", mask);
    xml_named_ports(out, "master", master);
    fprintf(out,
            "</layer4><meta><helper-name>%s</helper-name>"
            "<timeout>%" PRIu64 "</timeout><class>%" PRIu64 "</class>",
            text_of(e, "helper"), number_of(e, "timeout"),
            number_of(e, "class"));
    if (number_of(e, "zone"))
        fprintf(out, "<zone>%" PRIu64 "</zone>", number_of(e, "zone"));
    if (json_is_true(json_object_get(e, "permanent")))
        fputs("<permanent/>", out);
    fputs("</meta></flow>\n", out);
}

static void xml_when(FILE *out, time_t now)
{
    struct tm tm;

    if (!localtime_r(&now, &tm))
        return;
    fprintf(out,
            "<when><hour>%d</hour><min>%02d</min><sec>%02d</sec>"
            "<wday>%d</wday><day>%d</day><month>%d</month>"
            "<year>%d</year></when>",
            tm.tm_hour, tm.tm_min, tm.tm_sec, tm.tm_wday + 1, tm.tm_mday,
            tm.tm_mon + 1, tm.tm_year + 1900);
}

static void xml_flow(FILE *out, const json_t *flow, unsigned flags,
                     enum cli_format_type type, struct timespec now)
{
    static const char *const types[] = {"", " type=\"new\"", " type=\"update\"",
                                        " type=\"destroy\""};
    bool counters = type == CLI_FORMAT_LIST || type == CLI_FORMAT_DESTROY;
    time_t start = start_of(flow);

    fprintf(out, "<flow%s>", types[type]);
    xml_tuple(out, flow, "original", counters);
    xml_tuple(out, flow, "reply", counters);
    fputs("<meta direction=\"independent\">", out);
    if (*get_flow_state(flow))
        fprintf(out, "<state>%s</state>", get_flow_state(flow));
    if (has_json_key(flow, "timeout"))
        fprintf(out, "<timeout>%" PRIu64 "</timeout>",
                number_of(flow, "timeout"));
    if (shows_mark(flow, flags, type))
        fprintf(out, "<mark>%" PRIu64 "</mark>", number_of(flow, "mark"));
    if (number_of(flow, "zone"))
        fprintf(out, "<zone>%" PRIu64 "</zone>", number_of(flow, "zone"));
    if (type == CLI_FORMAT_LIST)
        fputs("<use>1</use>", out);
    fprintf(out, "<id>%" PRIu64 "</id>", id_number(flow));
    if (!has_status(flow, "SEEN_REPLY"))
        fputs("<unreplied/>", out);
    if (has_status(flow, "ASSURED"))
        fputs("<assured/>", out);
    if (start && counters) {
        if (flags & CLI_FORMAT_KTIMESTAMP)
            fprintf(out, "<timestamp><start>%lld000000000</start></timestamp>",
                    (long long)start);
        fprintf(out, "<deltatime>%lld</deltatime>",
                (long long)(now.tv_sec > start ? now.tv_sec - start : 0));
    }
    fputs("</meta>", out);
    if ((flags & CLI_FORMAT_TIMESTAMP) && type != CLI_FORMAT_LIST)
        xml_when(out, now.tv_sec);
    if (has_json_key(flow, "helper"))
        fprintf(out, "<helper>%s</helper>", text_of(flow, "helper"));
    fputs("</flow>", out);
}

/* ---- what is called ---- */

/* The text without the blank that every piece above leaves behind it. */
static void print_trimmed_line(FILE *out, char *text, size_t n)
{
    while (n > 0 && text[n - 1] == ' ')
        n--;
    (void)fwrite(text, 1, n, out);
    fputc('\n', out);
}

void cli_format_flow(FILE *out, const json_t *flow, unsigned flags,
                     enum cli_format_type type, struct timespec now)
{
    static const char *const types[] = {"", "    [NEW] ", " [UPDATE] ",
                                        "[DESTROY] "};
    char *text = NULL;
    size_t n = 0;
    FILE *line = open_memstream(&text, &n);

    if (!line)
        return;
    if (flags & CLI_FORMAT_XML) {
        xml_flow(line, flow, flags, type, now);
    } else if (flags & CLI_FORMAT_SAVE) {
        save_flow(line, flow, type);
    } else {
        if ((flags & CLI_FORMAT_TIMESTAMP) && type != CLI_FORMAT_LIST)
            fprintf(line, "[%lld.%06ld]\t", (long long)now.tv_sec,
                    now.tv_nsec / 1000);
        fputs(types[type], line);
        text_flow(line, flow, flags, type, now);
    }
    if (fclose(line) == 0)
        print_trimmed_line(out, text, n);
    free(text);
}

void cli_format_expect(FILE *out, const json_t *e, unsigned flags)
{
    if (flags & CLI_FORMAT_XML)
        xml_expect(out, e);
    else
        text_expect(out, e);
}

void cli_format_begin(FILE *out, unsigned flags, const char *what)
{
    if (flags & CLI_FORMAT_XML)
        fprintf(out, "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<%s>\n",
                what);
}

void cli_format_end(FILE *out, unsigned flags, const char *what)
{
    if (flags & CLI_FORMAT_XML)
        fprintf(out, "</%s>\n", what);
}

void cli_format_stats(FILE *out, const json_t *stats)
{
    static const char *const names[][2] = {
        {"found", "found"},
        {"invalid", "invalid"},
        {"insert", "insert"},
        {"insert_failed", "insert_failed"},
        {"drop", "drop"},
        {"early_drop", "early_drop"},
        {"error", "icmp_error"},
        {"search_restart", "search_restart"},
        {"clash_resolve", "clash_resolve"},
        {"chaintoolong", "chaintoolong"},
    };
    const json_t *shards = json_object_get(stats, "shards"), *row;
    size_t i, k;

    json_array_foreach(shards, i, row)
    {
        const json_t *c = json_object_get(row, "counters");

        fprintf(out, "cpu=%-4zu\t", i);
        for (k = 0; k < sizeof(names) / sizeof(names[0]); k++)
            fprintf(out, "%s=%" PRIu64 " ", names[k][0],
                    number_of(c, names[k][1]));
        fputc('\n', out);
    }
}
