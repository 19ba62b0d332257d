/* metrics.c - /metrics: Prometheus text format 0.0.4
 *
 * One HELP and TYPE a family, from the one row that names it; closed label
 * sets, every one of them present from the start, so that a rate never begins
 * with a hole. */
#include "api/metrics.h"
#include "api/queue.def"
#include "api/stats.h"
#include "api/stream.h"
#include <web/iface.def>
#include <web/metrics.def>

#include <fcntl.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void write_family(struct buf *b, const char *name, const char *type,
                         const char *help)
{
    buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A label's value: backslash, quote and newline escaped. */
static void write_label_value(struct buf *b, const char *text)
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

/* label NULL: the family has one sample. */
static void write_sample(struct buf *b, const char *family, const char *label,
                         const char *is, uint64_t n)
{
    buf_puts(b, family);
    if (label) {
        buf_printf(b, "{%s=\"", label);
        write_label_value(b, is);
        buf_puts(b, "\"}");
    }
    buf_printf(b, " %" PRIu64 "\n", n);
}

/* ---- what the core counts: its stats, then its reasons ---- */

enum { FIRST_REASON = CT_N_STATS + CT_REASON_NONE + 1 };

static struct ct_metric metric_of(unsigned count)
{
    return count < CT_N_STATS ? ct_stat_metric(count)
                              : ct_reason_metric(count - CT_N_STATS);
}

static uint64_t stat_value(const struct web_stats *stats, uint32_t shard,
                           unsigned count)
{
    if (count < CT_N_STATS)
        return stats->stat(stats->ctx, shard, (enum ct_stat)count);
    return stats->drops(stats->ctx, shard,
                        (enum ct_reason)(count - CT_N_STATS));
}

static void write_count(struct buf *b, const struct web_sources *from,
                        const struct ct_metric *m, unsigned count)
{
    uint32_t shard, n = from->flows->shards(from->flows->ctx);

    if (!m->per_shard) {
        write_sample(b, m->family, m->label, m->value,
                     stat_value(from->stats, CT_NONE, count));
        return;
    }
    for (shard = 0; shard < n; shard++)
        buf_printf(b, "%s{worker=\"%u\",%s=\"%s\"} %" PRIu64 "\n", m->family,
                   shard, m->label, m->value,
                   stat_value(from->stats, shard, count));
}

/* Has an earlier count begun this family? */
static bool is_family_begun(const struct ct_metric *m, unsigned count)
{
    unsigned i;

    for (i = count < CT_N_STATS ? 0 : FIRST_REASON; m->label && i < count; i++)
        if (metric_of(i).family == m->family)
            return true;
    return false;
}

static void write_core(struct buf *b, const struct web_sources *from)
{
    unsigned i, k;

    for (i = 0; i < CT_N_STATS + CT_N_REASONS; i++) {
        struct ct_metric m = metric_of(i), next;

        if (!m.family || i + 1 == FIRST_REASON || is_family_begun(&m, i))
            continue;
        write_family(b, m.family,
                     i >= CT_N_STATS || ct_stat_kind(i) == 'C' ? "counter"
                                                               : "gauge",
                     m.help);
        write_count(b, from, &m, i);
        for (k = i + 1; m.label && k < CT_N_STATS + CT_N_REASONS; k++) {
            next = metric_of(k);
            if (next.family == m.family)
                write_count(b, from, &next, k);
        }
    }
}

/* ---- interfaces and queues ---- */

static void write_iface_metrics(struct buf *b, const struct web_ifaces *ifaces)
{
    static const struct {
        const char *family, *help;
        size_t at; /* of struct web_iface */
    } rows[] = {
#define C(field, family, help)                                                 \
    {family, help, offsetof(struct web_iface, field)},
        IFACE_COUNTS(C)
#undef C
    };
    uint32_t i, n = ifaces->n(ifaces->ctx);
    unsigned row;

    for (row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        write_family(b, rows[row].family, "counter", rows[row].help);
        for (i = 0; i < n; i++) {
            struct web_iface w = {0};
            uint64_t is;

            ifaces->read(ifaces->ctx, i, &w);
            memcpy(&is, (const char *)&w + rows[row].at, sizeof(is));
            write_sample(b, rows[row].family, "interface", w.name, is);
        }
    }
}

static void write_iface_up(struct buf *b, const char *name,
                           const struct site *site)
{
    const struct web_ifaces *ifaces = site->from.ifaces;
    uint32_t i;

    for (i = 0; i < ifaces->n(ifaces->ctx); i++) {
        struct web_iface w = {0};

        ifaces->read(ifaces->ctx, i, &w);
        if (strcmp(w.state, "unknown") == 0)
            continue;
        buf_printf(b, "%s{interface=\"", name);
        write_label_value(b, w.name);
        buf_puts(b, "\",device=\"");
        write_label_value(b, w.tun);
        buf_printf(b, "\"} %d\n", strcmp(w.state, "up") == 0);
    }
}

static void write_unread(struct buf *b, const char *name,
                         const struct site *site)
{
    const struct web_ifaces *ifaces = site->from.ifaces;
    uint32_t i;

    for (i = 0; i < ifaces->n(ifaces->ctx); i++) {
        struct web_iface w = {0};

        ifaces->read(ifaces->ctx, i, &w);
        if (w.device_known)
            write_sample(b, name, "interface", w.name, w.dev_dropped);
    }
}

static void queue_held(struct buf *b, const char *name, const struct site *site)
{
    const struct web_queues *from = site->from.queues;
    uint32_t i;

    for (i = 0; i < from->n(from->ctx); i++) {
        struct web_queue q = {0};

        from->read(from->ctx, i, &q);
        buf_printf(b, "%s{queue=\"%u\"} %u\n", name, q.number, q.held);
    }
}

static void write_queue_metrics(struct buf *b, const char *name,
                                const struct site *site)
{
    const struct web_queues *from = site->from.queues;
    uint32_t i;

    for (i = 0; i < from->n(from->ctx); i++) {
        struct web_queue q = {0};

        from->read(from->ctx, i, &q);
#define C(field, what, help)                                                   \
    buf_printf(b, "%s{queue=\"%u\",what=\"" what "\"} %" PRIu64 "\n", name,    \
               q.number, q.field);
        QUEUE_COUNTS(C)
#undef C
    }
}

/* ---- the HTTP side, and the process ---- */

static void write_build_info(struct buf *b, const char *name,
                             const struct site *site)
{
    write_sample(b, name, "version", site->version, 1);
}

static void write_limit(struct buf *b, const char *name,
                        const struct site *site)
{
    const struct web_flows *flows = site->from.flows;

    write_sample(b, name, NULL, NULL, flows->max(flows->ctx));
}

static void write_requests(struct buf *b, const char *name,
                           const struct site *site)
{
    unsigned i, c;

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
}

static void write_closed(struct buf *b, const char *name,
                         const struct site *site)
{
    static const char *const why[] = {
#define X(name, word, text) word,
        SITE_CLOSED(X)
#undef X
    };
    unsigned i;

    for (i = 0; i < N_CLOSED; i++)
        write_sample(b, name, "reason", why[i], site->closed[i]);
}

static void write_refused(struct buf *b, const char *name,
                          const struct site *site)
{
    write_sample(b, name, "cause", "missing", site->guesses.missing);
    write_sample(b, name, "cause", "wrong", site->guesses.wrong);
}

static void write_listeners(struct buf *b, const char *name,
                            const struct site *site)
{
    write_sample(b, name, NULL, NULL, stream_clients(site->stream));
}

static void write_missed(struct buf *b, const char *name,
                         const struct site *site)
{
    write_sample(b, name, NULL, NULL, stream_lost(site->stream));
}

static void write_start_time(struct buf *b, const char *name,
                             const struct site *site)
{
    write_sample(b, name, NULL, NULL, (uint64_t)(site->started_ms / 1000));
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

static void write_memory(struct buf *b, const char *name,
                         const struct site *site)
{
    (void)site;
    write_sample(b, name, NULL, NULL,
                 (uint64_t)resident_pages() * (uint64_t)sysconf(_SC_PAGESIZE));
}

/* The size of this folder is their number from Linux 6.2 on; 0 before. */
static void open_fds(struct buf *b, const char *name, const struct site *site)
{
    struct stat fds;

    (void)site;
    if (stat("/proc/self/fd", &fds) == 0 && fds.st_size > 0)
        write_sample(b, name, NULL, NULL, (uint64_t)fds.st_size);
}

static void max_fds(struct buf *b, const char *name, const struct site *site)
{
    (void)site;
    write_sample(b, name, NULL, NULL, most_fds);
}

static void write_cpu_time(struct buf *b, const char *name,
                           const struct site *site)
{
    uint64_t us = (uint64_t)clock(); /* CLOCKS_PER_SEC is a million, by POSIX */

    (void)site;
    buf_printf(b, "%s %" PRIu64 ".%06u\n", name, us / 1000000,
               (unsigned)(us % 1000000));
}

void metrics_begin(void)
{
    struct rlimit most;

    if (getrlimit(RLIMIT_NOFILE, &most) == 0)
        most_fds = most.rlim_cur;
}

enum MHD_Result metrics_get(struct request *r)
{
    struct buf b;

    buf_init(&b, REQUEST_BODY_MAX);
    write_core(&b, &r->site->from);
    write_iface_metrics(&b, r->site->from.ifaces);
#define M(name, type, function, help)                                          \
    write_family(&b, name, #type, help);                                       \
    function(&b, name, r->site);
    METRICS(M)
#undef M
    return request_answer(r, 200, "text/plain; version=0.0.4; charset=utf-8",
                          &b);
}
