/* twin.c - see twin.h */
#include "twin.h"

#include "crc32c.h"
#include "csum.h"
#include "packet.h"
#include "packet_impl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORTS = 16384, STEP = 64, KEPT = 8, HEAD = 2048, BIG = 65600 };

/* Towards this remote the world's port is ref and the twin's is twin. */
struct port {
    uint8_t proto, addr[16], remote[16];
    uint16_t remote_port, ref, twin;
};

/* What became of a packet. */
struct step {
    bool dropped;
    uint8_t out, why;
    uint32_t len;
    uint8_t head[HEAD];
};

struct steps {
    unsigned n;
    struct step v[STEP];
};

struct twin {
    struct rig rig;
    struct port port[PORTS];
    unsigned n_ports;
    struct steps ref, own;
    uint64_t created; /* of the world's, before this packet */
    bool deaf;
    enum ct_reason refuse;
    unsigned n_kept;
    struct ct_pkt kept[KEPT];
    uint32_t kept_at[KEPT];
    uint64_t kept_cuts[KEPT][CT_CUTS];
    uint8_t kept_room[KEPT][CT_HEADROOM + 9216 + CT_HEADROOM];
    char wrong[2048];
};

/* ---- ends of a packet ---- */

/* One end: its address, and where its port stands; 0: it has none. */
struct end {
    const uint8_t *addr;
    uint32_t port;
    uint16_t number;
};

struct ends {
    struct layout lay;
    struct end src, dst;
};

static bool has_ports(unsigned proto)
{
    return proto == TCP || proto == UDP || proto == UDPLITE || proto == SCTP ||
           proto == DCCP;
}

static bool is_echo(const uint8_t *d, const struct layout *lay)
{
    uint8_t type = d[lay->l4];

    return (lay->proto == ICMP && (type == 0 || type == 8)) ||
           (lay->proto == ICMPV6 && (type == 128 || type == 129));
}

static bool ends_of(const uint8_t *d, uint32_t len, struct ends *e)
{
    size_t l4;

    if (!packet_layout(d, len, &e->lay) || e->lay.frag_offset != 0)
        return false;
    l4 = e->lay.l4;
    e->src = (struct end){.addr = d + e->lay.src};
    e->dst = (struct end){.addr = d + e->lay.dst};
    if (has_ports(e->lay.proto) && l4 + 4 <= len) {
        e->src.port = (uint32_t)l4;
        e->dst.port = (uint32_t)l4 + 2;
    } else if ((e->lay.proto == ICMP || e->lay.proto == ICMPV6) &&
               l4 + 6 <= len && is_echo(d, &e->lay)) {
        e->src.port = e->dst.port = (uint32_t)l4 + 4;
    }
    if (e->src.port != 0) {
        e->src.number = (uint16_t)(d[e->src.port] << 8 | d[e->src.port + 1]);
        e->dst.number = (uint16_t)(d[e->dst.port] << 8 | d[e->dst.port + 1]);
    }
    return true;
}

/* ---- which port stands for which ---- */

static bool is_of(const struct port *p, const struct ends *e,
                  const struct end *outside, const struct end *remote)
{
    return p->proto == e->lay.proto &&
           memcmp(p->addr, outside->addr, e->lay.addr_len) == 0 &&
           memcmp(p->remote, remote->addr, e->lay.addr_len) == 0 &&
           (p->remote_port == remote->number || e->lay.proto == ICMP ||
            e->lay.proto == ICMPV6);
}

/* A flow begins: whatever these two stood for is over. */
static void learn(struct twin *t, const struct ends *e, uint16_t ref)
{
    struct port *p;

    for (unsigned i = t->n_ports; i-- > 0;)
        if (is_of(&t->port[i], e, &e->src, &e->dst) &&
            (t->port[i].ref == ref || t->port[i].twin == e->src.number))
            t->port[i] = t->port[--t->n_ports];
    if (ref == e->src.number || t->n_ports == PORTS)
        return;
    p = &t->port[t->n_ports++];
    *p = (struct port){.proto = (uint8_t)e->lay.proto,
                       .remote_port = e->dst.number,
                       .ref = ref,
                       .twin = e->src.number};
    memcpy(p->addr, e->src.addr, e->lay.addr_len);
    memcpy(p->remote, e->dst.addr, e->lay.addr_len);
}

/* The newest that fits; a remote that is new itself gets what others got. */
static uint16_t turn(const struct twin *t, const struct ends *e,
                     const struct end *outside, const struct end *remote,
                     bool to_twin)
{
    const struct port *any = NULL;

    for (unsigned i = t->n_ports; i-- > 0;) {
        const struct port *p = &t->port[i];

        if (p->proto != e->lay.proto ||
            (to_twin ? p->ref : p->twin) != outside->number ||
            memcmp(p->addr, outside->addr, e->lay.addr_len) != 0)
            continue;
        if (is_of(p, e, outside, remote))
            return to_twin ? p->twin : p->ref;
        any = any ? any : p;
    }
    if (any != NULL)
        return to_twin ? any->twin : any->ref;
    return outside->number;
}

/* ---- writing them ---- */

/* SCTP has a CRC in place of a sum; one that was wrong stays so. */
static void put_crc(uint8_t *d, uint32_t len, const struct ends *e, bool ok)
{
    size_t at = e->lay.l4 + 8;
    uint32_t crc;

    if (!ok)
        return;
    memset(d + at, 0, 4);
    crc = ~crc32c_add(CRC32C_NONE, d + e->lay.l4, len - (uint32_t)e->lay.l4);
    for (int i = 0; i < 4; i++)
        d[at + (size_t)i] = (uint8_t)(crc >> 8 * i);
}

static void put_port(uint8_t *d, uint32_t len, const struct ends *e,
                     uint32_t at, uint16_t is, bool partial)
{
    uint16_t was = (uint16_t)(d[at] << 8 | d[at + 1]);
    int sum_at = packet_sum_at(e->lay.proto);
    size_t sum = e->lay.l4 + (size_t)(sum_at < 0 ? 0 : sum_at);
    bool ok = e->lay.proto == SCTP && packet_sums_ok(d, len);

    d[at] = (uint8_t)(is >> 8);
    d[at + 1] = (uint8_t)is;
    if (e->lay.proto == SCTP && was != is && !partial)
        put_crc(d, len, e, ok);
    if (was == is || partial || sum_at < 0 || e->lay.proto == SCTP ||
        sum + 2 > len ||
        (e->lay.proto == UDP && d[sum] == 0 && d[sum + 1] == 0))
        return;
    was = csum_update16((uint16_t)(d[sum] << 8 | d[sum + 1]), was, is);
    d[sum] = (uint8_t)(was >> 8);
    d[sum + 1] = (uint8_t)was;
}

/* Where an error's quotation begins; 0: it is none. */
static uint32_t quoted_at(const uint8_t *d, uint32_t len, const struct ends *e)
{
    if ((e->lay.proto != ICMP && e->lay.proto != ICMPV6) ||
        e->lay.l4 + 8 + 20 > len || !packet_quotes(e->lay.v4, d[e->lay.l4]))
        return 0;
    return (uint32_t)e->lay.l4 + 8;
}

/* A quotation says how long it was, not how much of it is there. */
static bool quoted_ends(const uint8_t *d, uint32_t len, struct ends *e)
{
    uint8_t copy[BIG];

    if (len > sizeof copy)
        return false;
    memcpy(copy, d, len);
    if (d[0] >> 4 == 4) {
        copy[2] = (uint8_t)(len >> 8);
        copy[3] = (uint8_t)len;
    } else if (len >= 40) {
        copy[4] = (uint8_t)((len - 40) >> 8);
        copy[5] = (uint8_t)(len - 40);
    }
    if (!ends_of(copy, len, e))
        return false;
    e->src.addr = d + e->lay.src;
    e->dst.addr = d + e->lay.dst;
    return true;
}

/* The world's ports to the twin's, or back.  An end that no flow was hidden
 * behind stands for itself. */
static void turn_all(const struct twin *t, uint8_t *d, uint32_t len,
                     bool to_twin, bool partial)
{
    struct ends e, in;
    uint32_t at;

    if (!ends_of(d, len, &e))
        return;
    if (e.src.port != 0 && e.src.port != e.dst.port) {
        put_port(d, len, &e, e.src.port, turn(t, &e, &e.src, &e.dst, to_twin),
                 partial);
        put_port(d, len, &e, e.dst.port, turn(t, &e, &e.dst, &e.src, to_twin),
                 partial);
    } else if (e.src.port != 0) {
        uint16_t is = turn(t, &e, &e.src, &e.dst, to_twin);

        if (is == e.src.number)
            is = turn(t, &e, &e.dst, &e.src, to_twin);
        put_port(d, len, &e, e.src.port, is, partial);
    }
    at = quoted_at(d, len, &e);
    if (at == 0 || !quoted_ends(d + at, len - at, &in) || in.src.port == 0)
        return;
    for (int k = 0; k < 2; k++) {
        const struct end *one = k ? &in.dst : &in.src;
        const struct end *other = k ? &in.src : &in.dst;
        uint16_t is = turn(t, &in, one, other, to_twin);

        if (is == one->number)
            continue;
        /* What is quoted sums up as before with its own sum corrected, so the
         * error's sum changes only where that is not quoted. */
        put_port(d, len, &e, at + one->port, is, true);
        if (!partial) {
            size_t sum = e.lay.l4 + 2;
            uint16_t was = csum_update16((uint16_t)(d[sum] << 8 | d[sum + 1]),
                                         one->number, is);

            d[sum] = (uint8_t)(was >> 8);
            d[sum + 1] = (uint8_t)was;
        }
    }
}

/* ---- what both did ---- */

static struct step *next(struct steps *s)
{
    if (s->n == STEP)
        return NULL;
    return &s->v[s->n++];
}

static void note(struct steps *s, const struct ct_pkt *pkt, bool dropped)
{
    struct step *is = next(s);

    if (is == NULL)
        return;
    *is = (struct step){.dropped = dropped, .why = dropped ? pkt->why : 0};
    if (dropped)
        return;
    is->out = pkt->out;
    is->len = pkt->len;
    memcpy(is->head, pkt->data, pkt->len < HEAD ? pkt->len : HEAD);
}

void twin_sent(struct twin *t, const struct ct_pkt *pkt)
{
    note(&t->ref, pkt, false);
}

void twin_dropped(struct twin *t, const struct ct_pkt *pkt)
{
    note(&t->ref, pkt, true);
}

void twin_deaf(struct twin *t, bool deaf)
{
    t->deaf = deaf;
}

void twin_refuse(struct twin *t, enum ct_reason why)
{
    t->refuse = why;
}

static void blank(uint8_t *d, uint32_t len, size_t at, size_t n)
{
    if (at + n <= len)
        memset(d + at, 0, n);
}

/* Sums follow from the rest, and identifications are each shard's own. */
static void forget_sums(uint8_t *d, uint32_t len)
{
    struct ends e;
    uint32_t at;

    if (d[0] >> 4 == 4) {
        blank(d, len, 4, 2);
        blank(d, len, 10, 2);
    }
    if (!ends_of(d, len, &e))
        return;
    if (packet_sum_at(e.lay.proto) >= 0)
        blank(d, len, e.lay.l4 + (size_t)packet_sum_at(e.lay.proto),
              e.lay.proto == SCTP ? 4 : 2);
    at = quoted_at(d, len, &e);
    if (at == 0)
        return;
    if (d[at] >> 4 == 4) {
        blank(d, len, at + 4, 2);
        blank(d, len, at + 10, 2);
    }
    if (quoted_ends(d + at, len - at, &e) && packet_sum_at(e.lay.proto) >= 0)
        blank(d, len, at + e.lay.l4 + (size_t)packet_sum_at(e.lay.proto),
              e.lay.proto == SCTP ? 4 : 2);
}

static bool same_step(struct twin *t, struct step *ref, struct step *own,
                      bool begins)
{
    uint32_t len = ref->len < HEAD ? ref->len : HEAD;
    struct ends a, b;

    if (ref->dropped != own->dropped || ref->why != own->why ||
        ref->out != own->out || ref->len != own->len)
        return false;
    if (ref->dropped)
        return true;
    if (begins && ref->len <= HEAD && ends_of(ref->head, len, &a) &&
        ends_of(own->head, len, &b) && a.src.port != 0)
        learn(t, &b, a.src.number);
    if (own->len <= HEAD)
        turn_all(t, own->head, len, false, true);
    forget_sums(ref->head, len);
    forget_sums(own->head, len);
    return memcmp(ref->head, own->head, len) == 0;
}

static void text_of(char out[512], const struct steps *s)
{
    size_t n = 0;

    out[0] = '\0';
    for (unsigned i = 0; i < s->n && n < 400; i++) {
        char text[320] = "";

        if (!s->v[i].dropped)
            packet_print_brief(text, sizeof text, s->v[i].head,
                               s->v[i].len < HEAD ? s->v[i].len : HEAD);
        n += (size_t)snprintf(
            out + n, 512 - n, "    %s %.300s\n",
            s->v[i].dropped ? ct_reason_name(s->v[i].why) : "out", text);
    }
}

static const char *compare(struct twin *t, const struct rig *ref)
{
    bool begins = ct_stat(ref->ct, CT_STAT_created) > t->created, same;
    uint64_t flows = ct_stat(ref->ct, CT_STAT_entries);
    char a[512], b[512];

    text_of(a, &t->ref);
    text_of(b, &t->own);
    same = t->ref.n == t->own.n;
    for (unsigned i = 0; same && i < t->ref.n; i++)
        same = same_step(t, &t->ref.v[i], &t->own.v[i], begins);
    t->ref.n = t->own.n = 0;
    t->created = ct_stat(ref->ct, CT_STAT_created);
    if (same && rig_stat(&t->rig, CT_STAT_entries) == flows)
        return NULL;
    snprintf(t->wrong, sizeof t->wrong,
             "%u shards do something else: %llu flows, not %llu\n  one:\n%s"
             "  %u:\n%s",
             t->rig.n, (unsigned long long)rig_stat(&t->rig, CT_STAT_entries),
             (unsigned long long)flows, a, t->rig.n, b);
    return t->wrong;
}

/* ---- the twin's own ---- */

static enum ct_reason tx(void *ctx, struct ct_pkt *pkt)
{
    struct twin *t = ctx;

    if (t->refuse == CT_REASON_NONE)
        note(&t->own, pkt, false);
    return t->refuse;
}

static void dropped(void *ctx, const struct ct_pkt *pkt)
{
    note(&((struct twin *)ctx)->own, pkt, true);
}

static enum ct_verdict queue(void *ctx, struct ct_pkt *pkt)
{
    struct twin *t = ctx;
    unsigned i = t->n_kept;

    if (t->deaf || i == KEPT || pkt->len > 9216)
        return CT_DROP;
    t->n_kept++;
    t->kept[i] = *pkt;
    t->kept[i].data = t->kept_room[i] + CT_HEADROOM;
    memcpy(t->kept[i].data, pkt->data, pkt->len);
    if (pkt->cuts) {
        memcpy(t->kept_cuts[i], pkt->cuts, sizeof t->kept_cuts[i]);
        t->kept[i].cuts = t->kept_cuts[i];
    }
    t->kept_at[i] = t->rig.at;
    return CT_QUEUE;
}

/* The same text with so many workers, malloc()ed. */
static char *with_workers(const char *json, unsigned workers)
{
    char *text = NULL;

    if (asprintf(&text, "{\"workers\":%u,%s", workers, json + 1) < 0)
        abort();
    return text;
}

static void ignore(void *ctx, const struct config_error *e)
{
    (void)ctx;
    (void)e;
}

static bool is_refused(const char *text)
{
    struct config *config = NULL;
    bool ok = config_parse(text, strlen(text), &(struct config_input){0},
                           &config, ignore, NULL) == 0;

    if (ok)
        config_free(config);
    return !ok;
}

struct twin *twin_open(const char *json, ct_time start, bool host,
                       unsigned workers)
{
    char *text = with_workers(json, workers);
    struct twin *t = NULL;

    if (!is_refused(text)) {
        t = calloc(1, sizeof *t);
        if (!t)
            abort();
        rig_open(&t->rig, text, start,
                 &(struct rig_calls){.tx = tx,
                                     .dropped = dropped,
                                     .queue = queue,
                                     .host = host,
                                     .ctx = t});
    }
    free(text);
    return t;
}

void twin_close(struct twin *t)
{
    rig_close(&t->rig);
    free(t);
}

void twin_reload(struct twin *t, const char *json)
{
    char *text = with_workers(json, t->rig.n);

    rig_reload(&t->rig, text);
    free(text);
}

const char *twin_say(struct twin *t, const struct rig *ref, const uint8_t *data,
                     uint32_t len, uint8_t in, bool partial)
{
    static uint8_t room[CT_HEADROOM + BIG + CT_HEADROOM];
    struct ct_pkt pkt = {.data = room + CT_HEADROOM,
                         .len = len,
                         .in = in,
                         .csum_partial = partial};

    memcpy(pkt.data, data, len);
    turn_all(t, pkt.data, len, true, partial);
    t->rig.now = ref->now;
    rig_walk(&t->rig, &pkt);
    return compare(t, ref);
}

const char *twin_resume(struct twin *t, const struct rig *ref, unsigned nth,
                        enum ct_verdict verdict)
{
    if (nth < t->n_kept) {
        t->rig.at = t->kept_at[nth];
        journey_resume(t->rig.shard[t->rig.at].journey, &t->kept[nth], verdict,
                       ref->now);
    }
    return compare(t, ref);
}

const char *twin_elapse(struct twin *t, const struct rig *ref)
{
    t->rig.now = ref->now;
    rig_tick(&t->rig);
    return compare(t, ref);
}
