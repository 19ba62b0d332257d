/* fuzz_swap.c - libFuzzer: any text as the configuration of a running router,
 * and its flows live on
 *
 * The input is generations, each ended by a byte of 255: the text as it is, or
 * numbers of rules and options that it is put together from, with bytes between
 * that spoil it.  What is refused changes nothing.  What is taken is swapped in
 * as the router does it, shard by shard with packets in between, and then:
 *
 *   - a flow keeps the addresses and ports that it was given, or has ended;
 *   - a packet leaves, or is dropped for a reason that is counted
 * (rig_check());
 *   - nothing leaves by wan with an inside source where all is masqueraded;
 *   - at the end everything that flows took is free again. */
#include "config/load.h"
#include "control/generation.h"
#include "core/core.h"
#include "packet.h"
#include "rig.h"
#include "system/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FLOWS = 8, SLOTS = 64, ROOM = 512, TEXT = 8192, RAW = 1, PART = 2 };
enum section {
    PREROUTING,
    FORWARD,
    POSTROUTING,
    CONNTRACK,
    WAN,
    REST,
    SECTIONS
};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct {
    enum section in;
    const char *text;
} snippets[] = {
    {PREROUTING, "{\"in\":\"wan\",\"proto\":\"tcp\",\"dport\":8080,"
                 "\"dnat\":\"10.0.1.90:80\"}"},
    {PREROUTING, "{\"in\":\"wan\",\"proto\":\"udp\",\"dport\":\"1024-65535\","
                 "\"dnat\":\"10.0.1.91\"}"},
    {PREROUTING, "{\"in\":\"wan\",\"dst\":\"198.51.100.20\","
                 "\"dnat\":\"10.0.1.92\"}"},
    {PREROUTING, "{\"in\":\"lan\",\"proto\":\"udp\",\"dport\":80,"
                 "\"redirect\":5353}"},
    {PREROUTING, "{\"in\":\"lan\",\"proto\":\"tcp\",\"dport\":80,"
                 "\"dnat\":\"203.0.113.9\"}"},
    {PREROUTING, "{\"in\":\"lan\",\"src\":\"10.0.1.2\",\"set_zone\":7}"},
    {PREROUTING, "{\"in\":\"lan\",\"set_zone_orig\":1}"},
    {PREROUTING, "{\"proto\":\"tcp\",\"dport\":80,\"helper\":\"ftp\"}"},
    {PREROUTING, "{\"set_mark\":5}"},
    {PREROUTING, "{\"proto\":\"udp\",\"verdict\":\"drop\"}"},
    {FORWARD, "{\"proto\":\"udp\",\"verdict\":\"drop\"}"},
    {FORWARD, "{\"proto\":\"tcp\",\"verdict\":\"reject\"}"},
    {FORWARD, "{\"ct_state\":[\"invalid\"],\"verdict\":\"drop\"}"},
    {FORWARD, "{\"ct_state\":[\"new\"],\"verdict\":\"drop\"}"},
    {FORWARD, "{\"connlimit\":\"over 2\",\"verdict\":\"drop\"}"},
    {FORWARD, "{\"connlimit\":\"over 3/24/56\",\"id\":\"a\","
              "\"verdict\":\"reject\"}"},
    {FORWARD, "{\"limit\":\"over 1/minute\",\"verdict\":\"drop\"}"},
    {FORWARD, "{\"proto\":\"udp\",\"timeouts\":{\"udp\":5,\"udp_stream\":5}}"},
    {FORWARD, "{\"set_label\":[5,70]}"},
    {FORWARD, "{\"label\":5,\"verdict\":\"drop\"}"},
    {FORWARD, "{\"proto\":\"tcp\",\"mss\":1200}"},
    {FORWARD, "{\"proto\":\"udp\",\"verdict\":\"queue 0\"}"},
    {FORWARD, "{\"log\":\"f \"}"},
    {POSTROUTING, "{\"out\":\"wan\",\"snat\":\"198.51.100.20\"}"},
    {POSTROUTING, "{\"out\":\"wan\",\"snat\":\"198.51.100.40-198.51.100.43\","
                  "\"persistent\":true}"},
    {POSTROUTING, "{\"out\":\"wan\",\"snat\":\"198.51.100.20\","
                  "\"random\":true}"},
    {POSTROUTING, "{\"out\":\"wan\",\"proto\":\"udp\",\"masquerade\":"
                  "\"2000-2003\"}"},
    {POSTROUTING, "{\"out\":\"wan\",\"src\":\"10.0.1.0/24\",\"netmap\":"
                  "\"198.51.100.0/24\"}"},
    {POSTROUTING, "{\"out\":\"wan\",\"set_ttl\":9}"},
    {POSTROUTING, "{\"out\":\"lan\",\"masquerade\":true}"},
    {CONNTRACK, "\"max\":17"},
    {CONNTRACK, "\"max\":64"},
    {CONNTRACK, "\"extensions\":4"},
    {CONNTRACK, "\"extensions\":0"},
    {CONNTRACK, "\"expect_max\":2"},
    {CONNTRACK, "\"acct\":false"},
    {CONNTRACK, "\"port_quarantine\":3"},
    {CONNTRACK, "\"port_quarantine\":0"},
    {CONNTRACK, "\"source_share\":2"},
    {CONNTRACK, "\"timeouts\":{\"udp\":1}"},
    {CONNTRACK, "\"timeouts\":{\"udp\":300,\"tcp_established\":4}"},
    {CONNTRACK, "\"profile\":\"linux\""},
    {WAN, "\"198.51.100.20/24\""},
    {WAN, "\"198.51.100.1/24\""},
    {WAN, "\"2001:db8::1/64\""},
    {REST, "\"on_reload\":\"revalidate\""},
    {REST, "\"workers\":2"},
    {REST, "\"policy\":{\"forward\":\"drop\"}"},
};

/* ---- a text ---- */

static struct text {
    char part[SECTIONS][2048];
    size_t n[SECTIONS];
    char whole[TEXT];
} text;

static void add(enum section s, const char *bytes, size_t n)
{
    if (text.n[s] + n >= sizeof text.part[s])
        return;
    memcpy(text.part[s] + text.n[s], bytes, n);
    text.n[s] += n;
    text.part[s][text.n[s]] = '\0';
}

static void add_snippet(uint8_t which)
{
    unsigned i = which % (sizeof snippets / sizeof *snippets);
    enum section s = snippets[i].in;

    if (text.n[s] > 0)
        add(s, ",", 1);
    add(s, snippets[i].text, strlen(snippets[i].text));
}

/* The length of the text; *meant: all that leaves by wan is masqueraded. */
static size_t assemble(const uint8_t *p, size_t n, bool *meant)
{
    enum section last = FORWARD;
    int all;

    memset(text.n, 0, sizeof text.n);
    for (unsigned s = 0; s < SECTIONS; s++)
        text.part[s][0] = '\0';
    for (; n > 0; p++, n--) {
        if (*p < 240) {
            add_snippet(*p);
            last = snippets[*p % (sizeof snippets / sizeof *snippets)].in;
        } else if (n > 1) {
            add(last, (const char *)p + 1, 1);
            *meant = false;
            p++;
            n--;
        }
    }
    if (text.n[WAN] == 0)
        add(WAN, "\"198.51.100.1/24\"", 17);
    all = snprintf(
        text.whole, sizeof text.whole,
        "{\"interfaces\":{\"lan\":{\"tun\":\"l\",\"side\":\"inside\","
        "\"address\":[\"10.0.1.1/24\"]},\"wan\":{\"tun\":\"w\","
        "\"side\":\"outside\",\"address\":[%s]}},\"routes\":[{\"to\":"
        "\"default\",\"interface\":\"wan\"}],\"rules\":{"
        "\"prerouting\":[%s],\"forward\":[%s],\"postrouting\":[%s%s"
        "{\"out\":\"wan\",\"masquerade\":true}]},\"conntrack\":{%s}"
        "%s%s}",
        text.part[WAN], text.part[PREROUTING], text.part[FORWARD],
        text.part[POSTROUTING], text.n[POSTROUTING] > 0 ? "," : "",
        text.part[CONNTRACK], text.n[REST] > 0 ? "," : "", text.part[REST]);
    return all > 0 && all < TEXT ? (size_t)all : 0;
}

/* ---- the router and its flows ---- */

struct flow {
    bool tcp, given;
    unsigned host, port;
    uint32_t shard, slot, gen;
    struct ct_tuple reply;
};

static struct {
    struct rig rig;
    struct flow flow[FLOWS];
    bool left, dropped, local, meant; /* local: it was for the router */
    uint8_t packet[ROOM];
    uint8_t iface;
    unsigned at; /* which shard sees the next packet first */
} swap;

static enum ct_reason tx(void *ctx, struct ct_pkt *pkt)
{
    (void)ctx;
    swap.left = true;
    swap.iface = pkt->out;
    if (pkt->len > ROOM)
        abort();
    memcpy(swap.packet, pkt->data, pkt->len);
    if (!packet_sums_ok(pkt->data, pkt->len) ||
        (swap.meant && pkt->out == 1 && pkt->data[12] == 10))
        abort();
    return CT_REASON_NONE;
}

static void dropped(void *ctx, const struct ct_pkt *pkt)
{
    (void)ctx;
    if (pkt->why == CT_REASON_NONE)
        abort();
    swap.dropped = true;
}

static bool say(const char *spec)
{
    static uint8_t room[CT_HEADROOM + ROOM + CT_HEADROOM];
    struct ct_pkt pkt = {.data = room + CT_HEADROOM, .rule = CT_NONE};
    uint64_t local = rig_stat(&swap.rig, CT_STAT_local);

    pkt.len = (uint32_t)packet_build(pkt.data, ROOM, spec);
    if (pkt.len == 0)
        abort();
    pkt.in = pkt.data[12] == 10 ? 0 : 1;
    swap.left = swap.dropped = false;
    (void)rig_walk_by(&swap.rig, swap.at++ % swap.rig.n, &pkt);
    swap.local = rig_stat(&swap.rig, CT_STAT_local) != local;
    return swap.left;
}

static bool say_out(const struct flow *f, const char *flags)
{
    char spec[128];

    snprintf(spec, sizeof spec, "10.0.1.%u:%u > 203.0.113.5:80 %s", f->host,
             f->port, f->tcp ? flags : "udp 'x'");
    return say(spec);
}

static bool say_in(const struct flow *f, const char *flags)
{
    char spec[128];
    const uint8_t *to = f->reply.dst.b, *from = f->reply.src.b;

    snprintf(spec, sizeof spec, "%u.%u.%u.%u:%u > %u.%u.%u.%u:%u %s", from[0],
             from[1], from[2], from[3], f->reply.sport, to[0], to[1], to[2],
             to[3], f->reply.dport, f->tcp ? flags : "udp 'y'");
    return say(spec);
}

/* The flow of these numbers, if it is still there. */
static bool still(const struct flow *f, struct ct_view *v)
{
    return f->given &&
           ct_read(swap.rig.shard[f->shard].ct, f->slot, swap.rig.now, v) &&
           v->gen == f->gen;
}

static void find(struct flow *f)
{
    struct ct_view v;

    f->given = false;
    for (uint32_t i = 0; i < swap.rig.n; i++)
        for (uint32_t s = 0; s < ct_slots(swap.rig.shard[i].ct); s++)
            if (ct_read(swap.rig.shard[i].ct, s, swap.rig.now, &v) &&
                v.tuple[0].src.b[3] == f->host && v.tuple[0].sport == f->port) {
                *f = (struct flow){.tcp = f->tcp,
                                   .given = true,
                                   .host = f->host,
                                   .port = f->port,
                                   .shard = i,
                                   .slot = s,
                                   .gen = v.gen,
                                   .reply = v.tuple[CT_DIR_REPLY]};
                return;
            }
}

static void open_flow(unsigned i)
{
    struct flow *f = &swap.flow[i];

    *f = (struct flow){.tcp = i % 2, .host = 2 + i / 2, .port = 4000 + i};
    if (!say_out(f, "tcp S seq 100 win 60000"))
        return;
    find(f);
    if (f->given && f->tcp) {
        (void)say_in(f, "tcp S. seq 900 ack 101 win 60000");
        (void)say_out(f, "tcp . seq 101 ack 901 win 60000");
    } else if (f->given) {
        (void)say_in(f, "");
    }
}

/* What a flow was given is its own. */
static void judge_flow(struct flow *f)
{
    struct ct_view v;

    if (still(f, &v) &&
        (memcmp(&v.tuple[CT_DIR_REPLY], &f->reply, sizeof f->reply) != 0))
        abort();
    if (!still(f, &v))
        f->given = false;
}

static void talk(void)
{
    const char *wrong;

    for (unsigned i = 0; i < FLOWS; i++) {
        struct flow *f = &swap.flow[i];

        judge_flow(f);
        if (!f->given) {
            open_flow(i);
            continue;
        }
        /* By a new rule it may be of another zone, and of another flow there.
         */
        if (!say_out(f, "tcp . seq 101 ack 901 win 60000 'x'") &&
            !swap.dropped && !swap.local)
            abort(); /* it has no end */
        judge_flow(f);
        if (f->given && f->reply.zone == 0 &&
            say_in(f, "tcp . seq 901 ack 101 win 60000 'y'") &&
            swap.iface == 0 && (swap.packet[19] != f->host))
            abort(); /* another host's */
        swap.rig.now.ms += 10;
    }
    rig_tick(&swap.rig);
    wrong = rig_check(&swap.rig);
    if (!wrong)
        wrong = rig_check_shards(&swap.rig);
    if (wrong) {
        fprintf(stderr, "swap: %s\n", wrong);
        abort();
    }
}

/* ---- generations ---- */

static void refused(void *ctx, const struct config_error *error)
{
    if (error->message == NULL || error->message[0] == '\0')
        abort();
    *(bool *)ctx = true;
}

static void generation(const uint8_t *p, size_t n, uint8_t how)
{
    static char *no_env[] = {NULL};
    const struct config_input in = {
        .env = no_env, .token = "t", .bounded = true};
    struct config *next = NULL;
    bool told = false, meant = (how & RAW) == 0;
    const char *bytes = how & RAW ? (const char *)p : text.whole;
    int code;

    if ((how & RAW) == 0)
        n = assemble(p, n, &meant);
    code = config_load_text(bytes, n, &in, &next, refused, &told);
    if ((code == 0) != (next != NULL) || (code != 0) != told)
        abort();
    if (next == NULL)
        return;
    if (!generation_freeze(swap.rig.config, next)) {
        config_load_free(next);
        return;
    }
    swap.meant = false; /* by none of the two, until all have taken it */
    rig_adopt_later(&swap.rig, next);
    for (uint32_t i = 0; how & PART && i < swap.rig.n; i++) {
        talk();
        rig_take(&swap.rig, i);
    }
    rig_take_all(&swap.rig);
    swap.meant = meant;
}

/* All that flows took is free: nothing of it stays for good. */
static void judge_memory(void)
{
    for (uint32_t i = 0; i < swap.rig.n; i++) {
        struct ct *ct = swap.rig.shard[i].ct;

        ct_flush(ct);
        if (ct_stat(ct, CT_STAT_entries) || ct_stat(ct, CT_STAT_expectations) ||
            ct_stat(ct, CT_STAT_extensions) || ct->helped ||
            ct->keymap.pool.used)
            abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const profiles[] = {"linux", "weir", "rfc"};
    struct rig_calls calls = {.tx = tx, .dropped = dropped};
    char first[512];

    if (size < 2)
        return 0;
    log_setup(LOG_L_ERROR, false);
    snprintf(first, sizeof first,
             "{\"interfaces\":{\"lan\":{\"tun\":\"l\",\"side\":\"inside\","
             "\"address\":[\"10.0.1.1/24\"]},\"wan\":{\"tun\":\"w\",\"side\":"
             "\"outside\",\"address\":[\"198.51.100.1/24\"]}},\"workers\":%u,"
             "\"seed\":7,\"conntrack\":{\"max\":%u,\"profile\":\"%s\","
             "\"extensions\":16,\"expect_max\":8,\"port_quarantine\":2},"
             "\"routes\":[{\"to\":\"default\",\"interface\":\"wan\"}],"
             "\"rules\":{\"postrouting\":[{\"out\":\"wan\",\"masquerade\":true}"
             "]}}",
             1u + data[0] % 3, SLOTS * (1u + data[0] % 3),
             profiles[data[0] / 3 % 3]);
    memset(&swap, 0, sizeof swap);
    rig_open(&swap.rig, first, (ct_time){1000000}, &calls);
    swap.meant = true;
    talk();
    for (data++, size--; size > 1;) {
        const uint8_t *end = memchr(data + 1, 255, size - 1);
        size_t n = end != NULL ? (size_t)(end - data) : size;

        generation(data + 1, n - 1, data[0]);
        talk();
        swap.rig.now.ms += data[0] & 4 ? 20000 : 50;
        talk();
        data += n;
        size -= n;
        if (end != NULL) {
            data++;
            size--;
        }
    }
    judge_memory();
    rig_close(&swap.rig);
    return 0;
}
