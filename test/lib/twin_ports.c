/* twin_ports.c - learn a twin's ports, and turn packets and tuples into the
 * world's */
#include "twin_ports.h"

#include "base/csum.h"
#include "packet.h"
#include "packet_impl.h"
#include "proto/crc32c.h"

#include "bytes.h"

#include <stdlib.h>
#include <string.h>

enum { BIG = 65600, FIRST_ROOM = 256 };

/* ---- maps ---- */

/* A port at an address; with a remote, what stands for it towards that one. */
struct key {
    uint8_t addr[16], remote[16];
    uint16_t remote_port, port;
    uint8_t proto, has_remote, used, pad;
};

struct slot {
    struct key key;
    uint16_t is;
};

struct map {
    struct slot *slot;
    uint32_t n, room; /* room is a power of two */
};

struct twin_ports {
    struct map to_twin, to_ref;
    bool host;
};

static struct slot *find(const struct map *m, const struct key *key)
{
    const uint8_t *b = (const uint8_t *)key;
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < sizeof *key; i++)
        h = (h ^ b[i]) * 16777619u;
    for (uint32_t i = h ^ h >> 15;; i++) {
        struct slot *s = &m->slot[i & (m->room - 1)];

        if (!s->key.used || memcmp(&s->key, key, sizeof *key) == 0)
            return s;
    }
}

static void set_room(struct map *m, uint32_t room)
{
    struct map old = *m;

    m->room = room;
    m->slot = calloc(room, sizeof *m->slot);
    if (!m->slot)
        abort();
    for (uint32_t i = 0; i < old.room; i++)
        if (old.slot[i].key.used)
            *find(m, &old.slot[i].key) = old.slot[i];
    free(old.slot);
}

static void put(struct map *m, const struct key *key, uint16_t is)
{
    struct slot *s;

    if (2 * m->n >= m->room)
        set_room(m, 2 * m->room);
    s = find(m, key);
    m->n += !s->key.used;
    *s = (struct slot){*key, is};
}

struct twin_ports *twin_ports_new(bool host)
{
    struct twin_ports *p = calloc(1, sizeof *p);

    if (!p)
        abort();
    p->host = host;
    set_room(&p->to_twin, FIRST_ROOM);
    set_room(&p->to_ref, FIRST_ROOM);
    return p;
}

void twin_ports_free(struct twin_ports *p)
{
    free(p->to_twin.slot);
    free(p->to_ref.slot);
    free(p);
}

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

static bool is_icmp(unsigned proto)
{
    return proto == ICMP || proto == ICMPV6;
}

/* Of what has an id: echo, timestamp, information, mask; node information. */
static bool is_query(const uint8_t *d, const struct layout *lay)
{
    uint8_t type = d[lay->l4];

    if (lay->proto == ICMP)
        return type == 0 || type == 8 || (type >= 13 && type <= 18);
    return type == 128 || type == 129 || type == 139 || type == 140;
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
    } else if (is_icmp(e->lay.proto) && l4 + 6 <= len && is_query(d, &e->lay)) {
        e->src.port = e->dst.port = (uint32_t)l4 + 4;
    }
    if (e->src.port != 0) {
        e->src.number = bytes_get16(d + e->src.port);
        e->dst.number = bytes_get16(d + e->dst.port);
    }
    return true;
}

/* ---- which port stands for which ---- */

/* remote may be NULL: towards any.  A query id is the same at both ends. */
static struct key key_of(const struct ends *e, const struct end *outside,
                         const struct end *remote, uint16_t port)
{
    struct key key = {.port = port, .proto = (uint8_t)e->lay.proto, .used = 1};

    memcpy(key.addr, outside->addr, e->lay.addr_len);
    if (!remote)
        return key;
    key.has_remote = 1;
    memcpy(key.remote, remote->addr, e->lay.addr_len);
    if (!is_icmp(e->lay.proto))
        key.remote_port = remote->number;
    return key;
}

/* Port from stands for to there.  What stood for to, or from for, before stands
 * for itself again. */
static void set(struct map *there, struct map *back, struct key key,
                uint16_t from, uint16_t to)
{
    struct slot *s;

    key.port = from;
    s = find(there, &key);
    if (s->key.used && s->is != to) {
        struct key was = key;

        was.port = s->is;
        s = find(back, &was);
        if (s->key.used && s->is == from)
            put(back, &was, was.port);
    }
    put(there, &key, to);
}

/* key says where; ref is the world's port, own the twin's.  An unused
 * port must not be mapped to a used one, so the two ports change places. */
static void pair_up(struct twin_ports *p, struct key key, uint16_t ref,
                    uint16_t own)
{
    struct key free_ref = key, free_own = key;

    free_ref.port = own;
    free_own.port = ref;
    set(&p->to_twin, &p->to_ref, key, ref, own);
    set(&p->to_ref, &p->to_twin, key, own, ref);
    if (p->host || find(&p->to_twin, &free_ref)->key.used ||
        find(&p->to_ref, &free_own)->key.used)
        return;
    put(&p->to_twin, &free_ref, ref);
    put(&p->to_ref, &free_own, own);
}

void twin_ports_learn(struct twin_ports *p, const uint8_t *ref,
                      uint32_t ref_len, const uint8_t *own, uint32_t own_len)
{
    struct ends a, b;

    if (!ends_of(ref, ref_len, &a) || !ends_of(own, own_len, &b) ||
        a.src.port == 0 || b.src.port == 0)
        return;
    pair_up(p, key_of(&b, &b.src, &b.dst, 0), a.src.number, b.src.number);
    pair_up(p, key_of(&b, &b.src, NULL, 0), a.src.number, b.src.number);
}

void twin_ports_learn_said(struct twin_ports *p, const uint8_t *ref,
                           const uint8_t *own, uint32_t len)
{
    struct ends a, b;

    if (ends_of(ref, len, &a) && ends_of(own, len, &b) && a.dst.port != 0)
        pair_up(p, key_of(&b, &b.dst, &b.src, 0), a.dst.number, b.dst.number);
}

void twin_ports_announce(struct twin_ports *p, const struct ct_tuple *ref,
                         const struct ct_tuple *own)
{
    struct ends e = {
        .lay = {.proto = own->proto,
                .addr_len = own->family == CT_IPV4 ? 4 : 16},
        .dst = {.addr = own->dst.b},
    };

    pair_up(p, key_of(&e, &e.dst, NULL, 0), ref->dport, own->dport);
}

/* A remote that is new itself gets what the last one got. */
static uint16_t turned(const struct twin_ports *p, const struct ends *e,
                       const struct end *outside, const struct end *remote,
                       bool to_twin)
{
    const struct map *m = to_twin ? &p->to_twin : &p->to_ref;
    struct key key = key_of(e, outside, remote, outside->number);
    const struct slot *s = find(m, &key);

    if (!s->key.used) {
        key = key_of(e, outside, NULL, outside->number);
        s = find(m, &key);
    }
    return s->key.used ? s->is : outside->number;
}

void twin_ports_turn_tuple(const struct twin_ports *p, struct ct_tuple *t)
{
    bool icmp = is_icmp(t->proto);
    struct ends e = {
        .lay = {.proto = t->proto, .addr_len = t->family == CT_IPV4 ? 4 : 16},
        .src = {.addr = t->src.b, .number = t->sport},
        .dst = {.addr = t->dst.b, .number = icmp ? t->sport : t->dport},
    };
    uint16_t sport, dport;

    if (!icmp && !has_ports(t->proto))
        return;
    sport = turned(p, &e, &e.src, &e.dst, false);
    dport = turned(p, &e, &e.dst, &e.src, false);
    if (icmp && sport == t->sport)
        sport = dport;
    t->sport = sport;
    if (!icmp)
        t->dport = dport;
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
    uint16_t was = bytes_get16(d + at);
    int sum_at = packet_sum_at(e->lay.proto);
    size_t sum = e->lay.l4 + (size_t)(sum_at < 0 ? 0 : sum_at);
    bool ok = e->lay.proto == SCTP && packet_sums_ok(d, len);

    bytes_put16(d + at, is);
    if (e->lay.proto == SCTP && was != is && !partial)
        put_crc(d, len, e, ok);
    if (was == is || partial || sum_at < 0 || e->lay.proto == SCTP ||
        sum + 2 > len ||
        (e->lay.proto == UDP && d[sum] == 0 && d[sum + 1] == 0))
        return;
    was = csum_update16(bytes_get16(d + sum), was, is);
    bytes_put16(d + sum, was);
}

/* Where an error's quotation begins; 0: it is none. */
static uint32_t quoted_at(const uint8_t *d, uint32_t len, const struct ends *e)
{
    if (!is_icmp(e->lay.proto) || e->lay.l4 + 8 + 20 > len ||
        !packet_quotes(e->lay.v4, d[e->lay.l4]))
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
    if (d[0] >> 4 == 4)
        bytes_put16(copy + 2, len);
    else if (len >= 40)
        bytes_put16(copy + 4, len - 40);
    if (!ends_of(copy, len, e))
        return false;
    e->src.addr = d + e->lay.src;
    e->dst.addr = d + e->lay.dst;
    return true;
}

static void turn_quoted(const struct twin_ports *p, uint8_t *d, uint32_t len,
                        const struct ends *e, bool to_twin, bool partial)
{
    uint32_t at = quoted_at(d, len, e);
    struct ends in;

    if (at == 0 || !quoted_ends(d + at, len - at, &in) || in.src.port == 0)
        return;
    for (int k = 0; k < 2; k++) {
        const struct end *one = k ? &in.dst : &in.src;
        const struct end *other = k ? &in.src : &in.dst;
        uint16_t is = turned(p, &in, one, other, to_twin);

        if (is == one->number)
            continue;
        /* What is quoted sums up as before with its own sum corrected, so the
         * error's sum changes only where that is not quoted. */
        put_port(d, len, e, at + one->port, is, true);
        if (!partial) {
            size_t sum = e->lay.l4 + 2;
            uint16_t was = csum_update16(bytes_get16(d + sum), one->number, is);

            bytes_put16(d + sum, was);
        }
    }
}

void twin_ports_turn(const struct twin_ports *p, uint8_t *d, uint32_t len,
                     bool to_twin, bool partial)
{
    struct ends e;

    if (!ends_of(d, len, &e))
        return;
    if (e.src.port != 0 && e.src.port != e.dst.port) {
        put_port(d, len, &e, e.src.port, turned(p, &e, &e.src, &e.dst, to_twin),
                 partial);
        put_port(d, len, &e, e.dst.port, turned(p, &e, &e.dst, &e.src, to_twin),
                 partial);
    } else if (e.src.port != 0) {
        uint16_t is = turned(p, &e, &e.src, &e.dst, to_twin);

        if (is == e.src.number)
            is = turned(p, &e, &e.dst, &e.src, to_twin);
        put_port(d, len, &e, e.src.port, is, partial);
    }
    turn_quoted(p, d, len, &e, to_twin, partial);
}

static void blank(uint8_t *d, uint32_t len, size_t at, size_t n)
{
    if (at + n <= len)
        memset(d + at, 0, n);
}

static void blank_sum(uint8_t *d, uint32_t len, const struct ends *e)
{
    if (packet_sum_at(e->lay.proto) >= 0)
        blank(d, len, e->lay.l4 + (size_t)packet_sum_at(e->lay.proto),
              e->lay.proto == SCTP ? 4 : 2);
}

static void blank_ip(uint8_t *d, uint32_t len)
{
    if (d[0] >> 4 == 4) {
        blank(d, len, 4, 2);
        blank(d, len, 10, 2);
    }
}

static void blank_digits(uint8_t *d, uint32_t len, const struct ends *e)
{
    enum { FTP = 21 };

    if (e->lay.proto == TCP && (e->src.number == FTP || e->dst.number == FTP))
        for (size_t i = e->lay.l4 + 20; i < len; i++)
            if (d[i] >= '0' && d[i] <= '9')
                d[i] = '#';
}

void twin_ports_blank(uint8_t *d, uint32_t len)
{
    struct ends e;
    uint32_t at;

    blank_ip(d, len);
    if (!ends_of(d, len, &e))
        return;
    blank_sum(d, len, &e);
    blank_digits(d, len, &e);
    at = quoted_at(d, len, &e);
    if (at == 0)
        return;
    blank_ip(d + at, len - at);
    if (quoted_ends(d + at, len - at, &e))
        blank_sum(d + at, len - at, &e);
}
