/* web_world.c - a fake router behind the real HTTP side */
#include "web_world.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct ct_rule rule = {
    .hook = CT_POSTROUTING,
    .stage = CT_STAGE_NAT,
    .action = CT_ACT_MASQUERADE,
    .id = "masq",
    .comment = "<script>alert(1)</script> \"quoted\" \xff",
};

static uint32_t shards(void *ctx)
{
    (void)ctx;
    return WORLD_SHARDS;
}

static uint32_t slots(void *ctx)
{
    (void)ctx;
    return WORLD_SLOTS;
}

static bool read_flow(void *ctx, uint32_t shard, uint32_t slot,
                      struct ct_view *v)
{
    struct world *w = ctx;

    if (!w->alive[shard][slot])
        return false;
    *v = w->view[shard][slot];
    return true;
}

static ct_time now(void *ctx)
{
    (void)ctx;
    return (ct_time){1000000};
}

static int64_t wall_ms(void *ctx, ct_time t)
{
    (void)ctx;
    return 1767225600000 + (int64_t)t.ms - 1000000; /* 2026-01-01 */
}

static const char *iface_name(void *ctx, uint8_t i)
{
    (void)ctx;
    return i == 0 ? "lan" : i == 1 ? "wan" : "";
}

static uint64_t get_stat(void *ctx, uint32_t shard, enum ct_stat which)
{
    struct world *w = ctx;
    uint64_t n = 0;
    unsigned s, i;

    if (which != CT_STAT_entries)
        return (uint64_t)which + (shard == CT_NONE ? 1000 : shard);
    for (s = 0; s < WORLD_SHARDS; s++)
        for (i = 0; i < WORLD_SLOTS; i++)
            n += w->alive[s][i] && (shard == CT_NONE || shard == s);
    return n;
}

static uint64_t drops(void *ctx, uint32_t shard, enum ct_reason reason)
{
    (void)ctx;
    (void)shard;
    return reason == CT_REASON_TTL ? 7 : 0;
}

static uint64_t count_flows(void *ctx)
{
    return get_stat(ctx, CT_NONE, CT_STAT_entries);
}

static uint64_t count_expects(void *ctx)
{
    return get_stat(ctx, CT_NONE, CT_STAT_expectations);
}

static uint32_t max(void *ctx)
{
    (void)ctx;
    return WORLD_SHARDS * WORLD_SLOTS;
}

static uint32_t expects(void *ctx)
{
    (void)ctx;
    return 4;
}

/* Numbers 1 and 3 of shard 1: FTP's data over IPv6, and PPTP's GRE. */
static bool read_expect(void *ctx, uint32_t shard, uint32_t number,
                        struct ct_expect_view *v)
{
    (void)ctx;
    if (shard != 1 || number % 2 == 0)
        return false;
    *v = (struct ct_expect_view){
        .number = number,
        .master_slot = 3,
        .master_gen = 9,
        .expires = {1000000 + 299 * 1000ull},
    };
    if (number == 1) {
        v->tuple.family = v->master.family = CT_IPV6;
        v->tuple.proto = v->master.proto = IPPROTO_TCP;
        v->any_sport = true;
        v->helper = CT_HELPER_ftp;
        (void)inet_pton(AF_INET6, "2001:db8::2", &v->tuple.src);
        (void)inet_pton(AF_INET6, "2001:db8::1", &v->tuple.dst);
        v->tuple.dport = 5001;
        (void)inet_pton(AF_INET6, "fd00:1::2", &v->master.src);
        (void)inet_pton(AF_INET6, "2001:db8::2", &v->master.dst);
        v->master.sport = 4000;
        v->master.dport = 21;
        return true;
    }
    v->tuple.family = v->master.family = CT_IPV4;
    v->tuple.proto = 47;
    v->master.proto = IPPROTO_TCP;
    v->any_src = v->permanent = true;
    v->helper = CT_HELPER_pptp;
    v->tuple.sport = 1;
    v->tuple.dport = 2;
    return true;
}

static uint32_t ifaces(void *ctx)
{
    (void)ctx;
    return 2;
}

static void iface(void *ctx, uint32_t i, struct web_iface *out)
{
    *out = (struct web_iface){.name = iface_name(ctx, (uint8_t)i),
                              .tun = "weir-x",
                              .state = i == 0 ? "up" : "unknown",
                              .mtu = 1500,
                              .rx_packets = 10 + i,
                              .device_known = i == 0};
}

static uint32_t rules(void *ctx)
{
    (void)ctx;
    return 1;
}

static void get_rule(void *ctx, uint32_t i, struct web_rule *out)
{
    (void)ctx;
    (void)i;
    *out = (struct web_rule){.rule = &rule,
                             .text = "{\"masquerade\":true,\"id\":\"masq\"}",
                             .packets = 3,
                             .bytes = 180};
}

static uint64_t rules_serial(void *ctx, size_t *text)
{
    (void)ctx;
    *text = 0;
    return 1;
}

static uint32_t queues(void *ctx)
{
    (void)ctx;
    return 1;
}

static void get_queue(void *ctx, uint32_t i, struct web_queue *out)
{
    (void)ctx;
    (void)i;
    *out = (struct web_queue){.number = 7,
                              .max = 10,
                              .timeout_ms = 1000,
                              .fail_open = true,
                              .resize = true,
                              .listens = true,
                              .pid = 42,
                              .uid = 65532,
                              .held = 2,
                              .queued = 9,
                              .verdicts = 5,
                              .late = 1};
}

static bool ready(void *ctx, const char **why)
{
    struct world *w = ctx;

    *why = w->ready ? "" : "lan is gone";
    return w->ready;
}

static uint32_t checks(void *ctx)
{
    (void)ctx;
    return 1;
}

static void check(void *ctx, uint32_t i, struct web_check *out)
{
    const struct world *w = ctx;

    (void)i;
    *out = (struct web_check){.name = "interface.lan",
                              .level = w->ready ? "ok" : "fail",
                              .detail = w->ready ? "" : "lan is gone",
                              .since_ms = wall_ms(ctx, now(ctx))};
}

static uint32_t remove_begin(void *ctx)
{
    struct world *w = ctx;

    w->tickets++;
    w->deleted = 0;
    return 0;
}

static bool remove_one(void *ctx, uint32_t ticket, uint32_t shard,
                       uint32_t slot, uint32_t gen)
{
    struct world *w = ctx;

    (void)ticket;
    if (w->refused < w->refuse) {
        w->refused++;
        return false;
    }
    w->refused = 0;
    if (!w->late && w->view[shard][slot].gen == gen && w->alive[shard][slot]) {
        w->alive[shard][slot] = false;
        w->deleted++;
    }
    return true;
}

static bool remove_all(void *ctx, uint32_t ticket)
{
    struct world *w = ctx;

    (void)ticket;
    w->flushes++;
    for (uint32_t i = 0; i < sizeof(w->alive); i++)
        w->deleted += ((bool *)w->alive)[i];
    memset(w->alive, 0, sizeof(w->alive));
    return true;
}

/* The owners take their time: so many turns. */
static bool remove_done(void *ctx, uint32_t ticket, uint64_t *deleted)
{
    struct world *w = ctx;

    (void)ticket;
    if (w->waited < w->slow) {
        w->waited++;
        return false;
    }
    w->waited = 0;
    *deleted = w->deleted;
    return true;
}

static void remove_end(void *ctx, uint32_t ticket)
{
    struct world *w = ctx;

    (void)ticket;
    w->tickets--;
}

static void want_events(void *ctx, bool on)
{
    struct world *w = ctx;

    w->wanted += on ? 1 : -1;
}

static void fill(struct world *w)
{
    w->flows = (struct web_flows){w,       shards,      slots,      max,
                                  max,     count_flows, read_flow,  now,
                                  wall_ms, iface_name,  want_events};
    w->removal = (struct web_removal){w,          remove_begin, remove_one,
                                      remove_all, remove_done,  remove_end};
    w->expects = (struct web_expects){w, expects, count_expects, read_expect};
    w->stats = (struct web_stats){w, get_stat, drops};
    w->ifaces = (struct web_ifaces){w, ifaces, iface};
    w->rules = (struct web_rules){w, rules, get_rule, rules_serial};
    w->queues = (struct web_queues){w, queues, get_queue};
    w->health = (struct web_health){w, ready, checks, check};
}

struct web_sources web_world_sources(const struct world *w)
{
    return (struct web_sources){&w->flows,  &w->removal, &w->expects,
                                &w->stats,  &w->ifaces,  &w->rules,
                                &w->queues, &w->health};
}

struct ct_view *web_world_flow(struct world *w, uint32_t shard, uint32_t slot,
                               char kind)
{
    struct ct_view *v = &w->view[shard][slot];
    struct ct_tuple *o = &v->tuple[0], *r = &v->tuple[1];
    int family = kind == '6' ? AF_INET6 : AF_INET;

    memset(v, 0, sizeof(*v));
    o->family = r->family = kind == '6' ? CT_IPV6 : CT_IPV4;
    o->proto = r->proto = kind == 'u'   ? IPPROTO_UDP
                          : kind == 'i' ? IPPROTO_ICMP
                                        : IPPROTO_TCP;
    (void)inet_pton(family, kind == '6' ? "fd00:1::2" : "10.0.1.2", &o->src);
    (void)inet_pton(family, kind == '6' ? "2001:db8::2" : "198.51.100.2",
                    &o->dst);
    r->src = o->dst;
    if (kind == '6')
        r->dst = o->src;
    else
        (void)inet_pton(family, "198.51.100.1", &r->dst);
    o->sport = (uint16_t)(4000 + slot);
    o->dport = kind == 'u' ? 53 : kind == 'i' ? 8 << 8 : 80;
    r->sport = kind == 'i' ? o->sport : o->dport;
    r->dport = kind == 'i' ? 0 : o->sport;
    v->slot = slot;
    v->gen = 7;
    v->status = CT_CONFIRMED | CT_SEEN_REPLY | CT_ASSURED |
                (kind == '6' ? 0 : CT_SRC_NAT);
    v->expires = (ct_time){1000000 + 431999 * 1000ull};
    v->state = kind == 't' || kind == '6' ? "ESTABLISHED" : "";
    v->in = 0;
    v->out = 1;
    v->has_acct = v->has_start = true;
    v->packets[0] = 3;
    v->bytes[0] = 180;
    v->packets[1] = 2;
    v->bytes[1] = 120;
    v->start = (ct_time){1000000};
    w->alive[shard][slot] = true;
    return v;
}

static void on_async(uv_async_t *async)
{
    struct world *w = async->data;

    w->job(w->arg);
    uv_sem_post(&w->done);
}

static void turn(void *arg)
{
    struct world *w = arg;

    (void)uv_run(&w->loop, UV_RUN_DEFAULT);
}

void web_world_do(struct world *w, void (*job)(void *arg), void *arg)
{
    w->job = job;
    w->arg = arg;
    uv_async_send(&w->async);
    uv_sem_wait(&w->done);
}

struct world *web_world_new(const char *token)
{
    return web_world_with((struct web_config){.token = token});
}

struct world *web_world_with(struct web_config c)
{
    struct world *w = calloc(1, sizeof(*w));

    c.options = (struct web_options){.listen = {true, "127.0.0.1", 0},
                                     WEB_OPTIONS(CT_OPTION_DEFAULT)};
    c.version = "0.1.0";
    fill(w);
    w->ready = true;
    (void)snprintf(w->dir, sizeof(w->dir), "/tmp/test_web.XXXXXX");
    if (!mkdtemp(w->dir))
        abort();
    (void)snprintf(w->socket, sizeof(w->socket), "%s/run/weir.sock", w->dir);
    (void)snprintf(c.options.socket, sizeof(c.options.socket), "%s", w->socket);
    c.from = web_world_sources(w);
    (void)uv_loop_init(&w->loop);
    (void)uv_async_init(&w->loop, &w->async, on_async);
    w->async.data = w;
    (void)uv_sem_init(&w->done, 0);
    w->result = web_start(&w->web, &w->loop, &c, w->err);
    w->port = w->web ? web_port(w->web) : 0;
    (void)uv_thread_create(&w->thread, turn, w);
    return w;
}

static void stop_web(void *arg)
{
    struct world *w = arg;

    if (w->web)
        web_stop(w->web);
    w->web = NULL;
}

void web_world_stop(struct world *w)
{
    web_world_do(w, stop_web, w);
}

static void stop(void *arg)
{
    struct world *w = arg;

    stop_web(w);
    uv_close((uv_handle_t *)&w->async, NULL);
}

void web_world_free(struct world *w)
{
    char run[96];

    web_world_do(w, stop, w);
    (void)uv_thread_join(&w->thread);
    if (uv_loop_close(&w->loop) != 0)
        abort(); /* something was left open */
    if (access(w->socket, F_OK) == 0)
        abort(); /* the socket's file was left behind */
    uv_sem_destroy(&w->done);
    (void)snprintf(run, sizeof(run), "%s/run", w->dir);
    (void)rmdir(run);
    (void)rmdir(w->dir);
    free(w);
}
