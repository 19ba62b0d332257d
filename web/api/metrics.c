/* metrics.c - /metrics: Prometheus text format 0.0.4
 *
 * One HELP and TYPE a family; closed label sets, every one of them present from
 * the start, so that a rate never begins with a hole. */
#include "api/metrics.h"
#include "api/stats.h"
#include "api/stream.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void family(struct buf *b, const char *name, const char *type,
                   const char *help)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value: backslash, quote and newline escaped. */
static void value(struct buf *b, const char *text)
{
    for (; *text; text++) {
        if (*text == '\n')
            buf_puts(b, "\\n");
        else if (*text == '"' || *text == '\\')
            buf_printf(b, "\\%c", *text);
        else
            buf_put(b, text, 1);
    }
}

static void labelled(struct buf *b, const char *name, const char *label,
                     const char *is, uint64_t n)
{
    buf_printf(b, "%s{%s=\"", name, label);
    value(b, is);
    buf_printf(b, "\"} %" PRIu64 "\n", n);
}

static void single(struct buf *b, const char *name, const char *type,
                   const char *help, uint64_t n)
{
    family(b, name, type, help);
    buf_printf(b, "%s %" PRIu64 "\n", name, n);
}

static void build(struct buf *b, const struct site *site)
{
    family(b, "weir_build_info", "gauge", "What runs; always 1.");
    labelled(b, "weir_build_info", "version", site->version, 1);
    single(b, "weir_start_time_seconds", "gauge",
           "When the router started, in seconds since 1970.",
           (uint64_t)(site->started_ms / 1000));
}

static void packets(struct buf *b, const struct web_stats *stats)
{
    const char *p = "weir_packets_total", *o = "weir_originated_packets_total";

    family(b, p, "counter", "Packets that entered and that left.");
    labelled(b, p, "direction", "in", web_stats_all(stats, CT_STAT_pkts_in));
    labelled(b, p, "direction", "out", web_stats_all(stats, CT_STAT_pkts_out));
    family(b, "weir_bytes_total", "counter", "Bytes that entered and left.");
    labelled(b, "weir_bytes_total", "direction", "in",
             web_stats_all(stats, CT_STAT_bytes_in));
    labelled(b, "weir_bytes_total", "direction", "out",
             web_stats_all(stats, CT_STAT_bytes_out));
    single(b, "weir_forwarded_packets_total", "counter", "Packets forwarded.",
           web_stats_all(stats, CT_STAT_forwarded));
    single(b, "weir_local_packets_total", "counter",
           "Packets delivered to the router itself.",
           web_stats_all(stats, CT_STAT_local));
    single(b, "weir_held_packets", "gauge", "Packets held by a hook.",
           web_stats_all(stats, CT_STAT_held));
    family(b, o, "counter", "Packets the router made itself.");
    labelled(b, o, "kind", "echo", web_stats_all(stats, CT_STAT_orig_echo));
    labelled(b, o, "kind", "rst", web_stats_all(stats, CT_STAT_orig_rst));
    labelled(b, o, "kind", "error", web_stats_all(stats, CT_STAT_orig_error));
}

static void reasons(struct buf *b, const struct web_stats *stats,
                    const char *name, char kind, const char *help)
{
    unsigned i;

    family(b, name, "counter", help);
    for (i = CT_REASON_NONE + 1; i < CT_N_REASONS; i++)
        if (ct_reason_kind(i) == kind)
            labelled(b, name, "reason", ct_reason_name(i),
                     stats->drops(stats->ctx, CT_NONE, (enum ct_reason)i));
}

static void flows(struct buf *b, const struct web_stats *stats, uint32_t max)
{
    const char *f = "weir_flow_create_failures_total";

    single(b, "weir_flows", "gauge", "Flows that exist now.",
           web_stats_all(stats, CT_STAT_entries));
    single(b, "weir_flows_limit", "gauge", "Flows the table can hold.", max);
    single(b, "weir_flows_created_total", "counter", "Flows confirmed.",
           web_stats_all(stats, CT_STAT_created));
    single(b, "weir_flows_destroyed_total", "counter", "Flows destroyed.",
           web_stats_all(stats, CT_STAT_destroyed));
    single(b, "weir_flows_expired_total", "counter",
           "Flows destroyed because their time was up.",
           web_stats_all(stats, CT_STAT_expired));
    single(b, "weir_flow_evictions_total", "counter",
           "Unassured flows evicted because the table was full.",
           web_stats_all(stats, CT_STAT_early_drop));
    family(b, f, "counter", "Flows that could not be made, and why.");
    labelled(b, f, "reason", "table_full",
             web_stats_all(stats, CT_STAT_table_full));
    labelled(b, f, "reason", "no_port", web_stats_all(stats, CT_STAT_no_port));
    labelled(b, f, "reason", "source_share",
             web_stats_all(stats, CT_STAT_source_share));
    labelled(b, f, "reason", "insert_failed",
             web_stats_all(stats, CT_STAT_insert_failed));
    labelled(b, f, "reason", "chaintoolong",
             web_stats_all(stats, CT_STAT_chaintoolong));
    single(b, "weir_nat_port_allocation_failures_total", "counter",
           "Flows refused because no outside port was free.",
           web_stats_all(stats, CT_STAT_no_port));
    single(b, "weir_mappings", "gauge", "NAT mappings that exist now.",
           web_stats_all(stats, CT_STAT_mappings));
}

/* Every counter of the list by its own name, the kernel's among them. */
static void conntrack(struct buf *b, const struct web_stats *stats)
{
    unsigned i;
    char name[64];

    for (i = 0; i < CT_N_STATS; i++) {
        bool counter = ct_stat_kind(i) == 'C';

        (void)snprintf(name, sizeof(name), "weir_conntrack_%s%s",
                       ct_stat_name(i), counter ? "_total" : "");
        single(b, name, counter ? "counter" : "gauge", ct_stat_help(i),
               web_stats_all(stats, (enum ct_stat)i));
    }
}

static void interfaces(struct buf *b, const struct web_ifaces *ifaces)
{
    static const char *const names[][2] = {
        {"weir_interface_receive_packets_total", "Packets read."},
        {"weir_interface_receive_bytes_total", "Bytes read."},
        {"weir_interface_transmit_packets_total", "Packets written."},
        {"weir_interface_transmit_bytes_total", "Bytes written."},
        {"weir_interface_receive_errors_total", "Reads that failed."},
        {"weir_interface_transmit_errors_total", "Writes that failed."},
        {"weir_interface_device_dropped_total",
         "Packets the kernel's device dropped because nobody read them."},
        {"weir_interface_up",
         "1 when the interface is up; no sample while that is unknown."},
    };
    unsigned row;
    uint32_t i, n = ifaces->n(ifaces->ctx);

    for (row = 0; row < sizeof(names) / sizeof(names[0]); row++) {
        family(b, names[row][0], row == 7 ? "gauge" : "counter", names[row][1]);
        for (i = 0; i < n; i++) {
            struct web_iface w = {0};

            ifaces->read(ifaces->ctx, i, &w);
            if ((row == 6 && !w.device_known) ||
                (row == 7 && strcmp(w.state, "unknown") == 0))
                continue;
            labelled(b, names[row][0], "interface", w.name,
                     (const uint64_t[]){w.rx_packets, w.rx_bytes, w.tx_packets,
                                        w.tx_bytes, w.rx_errors, w.tx_errors,
                                        w.dev_dropped,
                                        strcmp(w.state, "up") == 0}[row]);
        }
    }
}

static void http(struct buf *b, const struct site *site)
{
    static const char *const closed[] = {
#define X(name, word, text) word,
        SITE_CLOSED(X)
#undef X
    };
    const char *name = "weir_http_requests_total";
    unsigned i, c;

    family(b, name, "counter", "Answers of the HTTP API, by route and code.");
    for (i = 0; i <= SITE_MAX_ROUTES; i++)
        for (c = 0; c < SITE_N_STATUS; c++)
            if (site->answers[i][c])
                buf_printf(b,
                           "%s{method=\"%s\",route=\"%s\",code=\"%u\"} "
                           "%" PRIu64 "\n",
                           name,
                           i < site->n_routes ? site->routes[i].method : "",
                           i < site->n_routes ? site->routes[i].path : "none",
                           request_status[c].code, site->answers[i][c]);
    family(b, "weir_http_connections_closed_total", "counter",
           "Clients' connections that the server closed, and why.");
    for (i = 0; i < N_CLOSED; i++)
        labelled(b, "weir_http_connections_closed_total", "reason", closed[i],
                 site->closed[i]);
    family(b, "weir_auth_failures_total", "counter",
           "Requests without a token, or with a wrong one.");
    labelled(b, "weir_auth_failures_total", "cause", "missing",
             site->guesses.missing);
    labelled(b, "weir_auth_failures_total", "cause", "wrong",
             site->guesses.wrong);
    single(b, "weir_sse_clients", "gauge", "Clients listening for events.",
           stream_clients(site->stream));
    single(b, "weir_sse_events_dropped_total", "counter",
           "Events that clients were told they missed.",
           stream_lost(site->stream));
}

static void queues(struct buf *b, const struct web_queues *from)
{
    static const char name[] = "weir_queue_packets_total";
    uint32_t n = from->n(from->ctx), i, k;

    family(b, "weir_queue_held_packets", "gauge",
           "Packets that wait for a user program's verdict.");
    for (i = 0; i < n; i++) {
        struct web_queue q = {0};

        from->read(from->ctx, i, &q);
        buf_printf(b, "weir_queue_held_packets{queue=\"%u\"} %u\n", q.number,
                   q.held);
    }
    family(b, name, "counter", "Packets of a queue, by what became of them.");
    for (i = 0; i < n; i++) {
        struct web_queue q = {0};

        from->read(from->ctx, i, &q);
        const struct {
            const char *what;
            uint64_t n;
        } rows[] = {
            {"queued", q.queued},
            {"verdict", q.verdicts},
            {"full", q.full},
            {"timeout", q.timeout},
            {"bypassed", q.bypassed},
            {"fail_opened", q.fail_opened},
            {"bad_verdict", q.bad_verdict},
            {"late_verdict", q.late},
        };
        for (k = 0; k < sizeof(rows) / sizeof(rows[0]); k++)
            buf_printf(b, "%s{queue=\"%u\",what=\"%s\"} %" PRIu64 "\n", name,
                       q.number, rows[k].what, rows[k].n);
    }
}

static uint64_t most_fds; /* asked once: no system call later */

/* As few system calls as there are: see router/system/syscalls.def. */
static unsigned long resident_pages(void)
{
    char text[128];
    unsigned long pages = 0;
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd < 0)
        return 0;
    n = read(fd, text, sizeof(text) - 1);
    (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    return sscanf(text, "%*u %lu", &pages) == 1 ? pages : 0;
}

static void process(struct buf *b)
{
    uint64_t us = (uint64_t)clock(); /* CLOCKS_PER_SEC is a million, by POSIX */
    struct stat fds;

    single(b, "process_resident_memory_bytes", "gauge",
           "Resident memory in bytes.",
           (uint64_t)resident_pages() * (uint64_t)sysconf(_SC_PAGESIZE));
    /* The size of this folder is their number from Linux 6.2 on; 0 before. */
    if (stat("/proc/self/fd", &fds) == 0 && fds.st_size > 0)
        single(b, "process_open_fds", "gauge", "Open file descriptors.",
               (uint64_t)fds.st_size);
    single(b, "process_max_fds", "gauge", "Most file descriptors allowed.",
           most_fds);
    family(b, "process_cpu_seconds_total", "counter",
           "User and system CPU time in seconds.");
    buf_printf(b, "process_cpu_seconds_total %" PRIu64 ".%06u\n", us / 1000000,
               (unsigned)(us % 1000000));
}

void metrics_begin(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == 0)
        most_fds = limit.rlim_cur;
}

enum MHD_Result metrics_get(struct request *r)
{
    const struct web_sources *from = &r->site->from;
    struct buf b;

    buf_init(&b, REQUEST_BODY_MAX);
    build(&b, r->site);
    packets(&b, from->stats);
    reasons(&b, from->stats, "weir_dropped_packets_total", 'D',
            "Packets dropped, by reason.");
    reasons(&b, from->stats, "weir_invalid_packets_total", 'I',
            "Packets that conntrack called INVALID, by reason.");
    flows(&b, from->stats, from->flows->max(from->flows->ctx));
    conntrack(&b, from->stats);
    interfaces(&b, from->ifaces);
    queues(&b, from->queues);
    http(&b, r->site);
    process(&b);
    return request_answer(r, 200, "text/plain; version=0.0.4; charset=utf-8",
                          &b);
}
