/* ftp.c - the data connections that FTP announces (RFC 959, RFC 2428)
 *
 *     client   PORT 10,0,1,2,19,137      EPRT |1|10.0.1.2|5001|
 *     server   227 ... (198,51,100,2,19,137)      229 ... (|||5001|)
 *
 * Only what stands at the begin of a line counts, and a line begins only where
 * a packet before ended in a newline: the numbers behind the last two such
 * newlines are remembered for each direction.  So no hole opens where
 * such words are echoed in the middle of something else.  A line of which only
 * a part is there is dropped: it is sent again, and then whole; one that is
 * whole and has no number passes, for it announces nothing.  And an
 * announced address that is not the sender's own is left as it is: the kernel's
 * loose=0. */
#include "helper/helper.h"

#include "proto/tcp_segment.h"

#include <ctcore/wire.h>

#include <string.h>

enum { NEWLINES = 2, LONGEST = 64 };

/* What is kept in union ext_help. */
struct state {
    uint32_t newline[CT_N_DIRS][NEWLINES]; /* numbers that begin a line */
    uint8_t n[CT_N_DIRS];
};
_Static_assert(sizeof(struct state) <= sizeof(union ext_help),
               "as much as a flow has for its helper");

/* ---- where lines begin ---- */

static bool begins_line(const struct state *st, enum ct_dir dir, uint32_t seq)
{
    for (int i = 0; i < st->n[dir]; i++)
        if (st->newline[dir][i] == seq)
            return true;
    return false;
}

static void note_newline(struct state *st, enum ct_dir dir, uint32_t seq)
{
    uint32_t *newline = st->newline[dir], oldest;

    if (begins_line(st, dir, seq))
        return;
    if (st->n[dir] < NEWLINES) {
        newline[st->n[dir]++] = seq;
        return;
    }
    oldest = tcp_before(newline[0], newline[1]) ? 0 : 1;
    if (tcp_after(seq, newline[oldest]))
        newline[oldest] = seq;
}

/* ---- what a line says ---- */

enum form { PORT, EPRT, PASV, EPSV };

struct text {
    const uint8_t *p;
    uint32_t len;
};

/* What was found: which bytes say it, and what they say. */
struct said {
    uint32_t at, len;
    enum form form;
    union ct_addr addr;
    uint16_t port;
};

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* n numbers with sep between them, from *at on, up to what ends them: end, or
 * any other byte if that is 0.  *at is then behind the last digit. */
static bool parse_numbers(struct text t, uint32_t *at, uint32_t *v, unsigned n,
                          uint8_t sep, uint8_t end)
{
    unsigned i = 0, digits = 0;

    memset(v, 0, n * sizeof *v);
    for (; *at < t.len; ++*at) {
        uint8_t c = t.p[*at];

        if (is_digit(c)) {
            v[i] = v[i] * 10 + (c - '0');
            if (v[i] > 65535)
                v[i] = 65536; /* and stays: no number of ours */
            digits++;
        } else if (digits == 0) {
            return false;
        } else if (i + 1 < n && c == sep) {
            i++;
            digits = 0;
        } else {
            return i + 1 == n && (c == end || end == 0);
        }
    }
    return false; /* there may be more to come */
}

static bool is_end_mark(uint8_t c)
{
    return c >= 33 && c <= 126 && !is_digit(c);
}

static bool put_bytes(union ct_addr *a, const uint32_t v[4])
{
    *a = (union ct_addr){.w64 = {0}};
    for (int i = 0; i < 4; i++) {
        if (v[i] > 255)
            return false;
        a->b[i] = (uint8_t)v[i];
    }
    return true;
}

/* a,b,c,d,p,q */
static bool read_six(struct text t, uint32_t at, uint8_t end, struct said *s)
{
    uint32_t v[6];

    s->at = at;
    if (!parse_numbers(t, &at, v, 6, ',', end))
        return false;
    s->len = at - s->at;
    s->port = (uint16_t)(v[4] << 8 | (v[5] & 0xff));
    return put_bytes(&s->addr, v) && v[4] <= 255 && v[5] <= 255 && s->port > 0;
}

static bool read_port(struct text t, uint32_t *at, uint8_t mark, uint16_t *port)
{
    uint32_t v;

    if (!parse_numbers(t, at, &v, 1, 0, mark) || v == 0 || v > 65535)
        return false;
    ++*at; /* the mark */
    *port = (uint16_t)v;
    return true;
}

static int hex_digit_value(uint8_t c)
{
    if (is_digit(c))
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* a.b.c.d in place of the last two groups: form 3 of RFC 4291 s2.2. */
static bool read_dotted(struct text t, uint32_t *at, uint8_t mark,
                        uint16_t group[2])
{
    uint32_t v[4];
    union ct_addr a;

    if (!parse_numbers(t, at, v, 4, '.', mark) || !put_bytes(&a, v))
        return false;
    group[0] = (uint16_t)(v[0] << 8 | v[1]);
    group[1] = (uint16_t)(v[2] << 8 | v[3]);
    return true;
}

/* An IPv6 address (RFC 4291 s2.2) that mark ends. */
static bool read_addr6(struct text t, uint32_t *at, uint8_t mark,
                       union ct_addr *a)
{
    unsigned n = 0, gap = 9; /* groups so far; before which "::" stood */
    uint16_t group[8] = {0};

    if (*at + 1 < t.len && t.p[*at] == ':' && t.p[*at + 1] == ':') {
        gap = 0;
        *at += 2;
    }
    while (*at < t.len && t.p[*at] != mark) {
        unsigned digits = 0;
        uint32_t begins = *at;

        if (n == 8)
            return false;
        for (; *at < t.len && hex_digit_value(t.p[*at]) >= 0 && digits < 4;
             ++*at, digits++)
            group[n] = (uint16_t)(group[n] << 4 | hex_digit_value(t.p[*at]));
        if (digits == 0)
            return false;
        if (*at < t.len && t.p[*at] == '.' && mark != '.' && n <= 6) {
            *at = begins;
            if (!read_dotted(t, at, mark, group + n))
                return false;
            n += 2;
            break;
        }
        n++;
        if (*at >= t.len || t.p[*at] == mark)
            break;
        if (t.p[*at] != ':') /* a fifth digit, say */
            return false;
        if (*at + 1 < t.len && t.p[*at + 1] == ':' && gap == 9) {
            gap = n;
            ++*at;
        } else if (*at + 1 >= t.len || t.p[*at + 1] == mark) {
            return false;
        }
        ++*at;
    }
    if (*at >= t.len || t.p[*at] != mark || (gap == 9) != (n == 8))
        return false;
    *a = (union ct_addr){.w64 = {0}};
    for (unsigned i = 0; i < n; i++) {
        unsigned k = 2 * (i < gap ? i : 8 - n + i);

        a->b[k] = (uint8_t)(group[i] >> 8);
        a->b[k + 1] = (uint8_t)group[i];
    }
    return true;
}

/* |1|a.b.c.d|port| or |2|address|port|, with whatever mark; of the family that
 * the flow itself is of. */
static bool read_eprt(struct text t, uint32_t at, uint8_t family,
                      struct said *s)
{
    uint8_t mark;
    uint32_t v[4];

    s->at = at;
    if (t.len - at < 4)
        return false;
    mark = t.p[at];
    if (!is_end_mark(mark) || t.p[at + 2] != mark ||
        t.p[at + 1] != (family == CT_IPV4 ? '1' : '2'))
        return false;
    at += 3;
    if (family == CT_IPV4) {
        if (!parse_numbers(t, &at, v, 4, '.', mark) || !put_bytes(&s->addr, v))
            return false;
    } else if (!read_addr6(t, &at, mark, &s->addr)) {
        return false;
    }
    at++; /* the mark */
    if (!read_port(t, &at, mark, &s->port))
        return false;
    s->len = at - s->at;
    return true;
}

/* |||port|: the address is the sender's own. */
static bool read_epsv(struct text t, uint32_t at, const union ct_addr *own,
                      struct said *s)
{
    uint8_t mark;

    s->at = at;
    if (t.len - at < 4)
        return false;
    mark = t.p[at];
    if (!is_end_mark(mark) || t.p[at + 1] != mark || t.p[at + 2] != mark)
        return false;
    at += 3;
    s->addr = *own;
    if (!read_port(t, &at, mark, &s->port))
        return false;
    s->len = at - s->at;
    return true;
}

/* ---- which line it is ---- */

static const struct pattern {
    char word[6];
    uint8_t len;
    uint8_t skip; /* what is wanted begins behind this one; 0: at once */
    enum form form;
} patterns[CT_N_DIRS][2] = {
    [CT_DIR_ORIGINAL] = {{"PORT", 4, ' ', PORT}, {"EPRT", 4, ' ', EPRT}},
    [CT_DIR_REPLY] = {{"227 ", 4, 0, PASV}, {"229 ", 4, '(', EPSV}},
};

static bool same_letters(const uint8_t *p, const char *word, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        uint8_t c = p[i];

        if (c >= 'a' && c <= 'z')
            c = (uint8_t)(c - 'a' + 'A');
        if (c != (uint8_t)word[i])
            return false;
    }
    return true;
}

/* Is the rest of the line there, and no number in it?  ends: nothing comes
 * behind this text. */
static bool says_nothing(struct text t, bool ends, uint32_t at)
{
    for (; at < t.len && t.p[at] != '\n'; at++)
        if (is_digit(t.p[at]))
            return false;
    return ends || at < t.len;
}

enum match { NO, PART, WHOLE };

static enum match match_pattern(struct text t, bool ends,
                                const struct pattern *p,
                                const struct ct_tuple *own, struct said *s)
{
    uint32_t at = p->len;
    bool ok = false;

    if (t.len <= p->len)
        return !ends && same_letters(t.p, p->word, t.len) ? PART : NO;
    if (!same_letters(t.p, p->word, p->len) || says_nothing(t, ends, at))
        return NO;
    *s = (struct said){.form = p->form};
    if (p->form == PASV) { /* RFC 1123 4.1.2.6: look for the first digit */
        while (at < t.len && !is_digit(t.p[at]))
            at++;
    } else {
        while (at < t.len && t.p[at] != p->skip)
            at++;
        at++;
    }
    if (at >= t.len)
        return PART;
    if (p->form == PORT || p->form == PASV)
        ok = read_six(t, at, p->form == PORT ? '\r' : 0, s);
    else if (p->form == EPRT)
        ok = read_eprt(t, at, own->family, s);
    else
        ok = read_epsv(t, at, &own->src, s);
    return ok ? WHOLE : PART;
}

/* ---- the same line for the other side ---- */

struct writer {
    uint8_t text[LONGEST];
    uint32_t len;
};

static void put_char(struct writer *w, char c)
{
    w->text[w->len++] = (uint8_t)c;
}

static void write_decimal(struct writer *w, uint32_t v)
{
    uint32_t unit = 1;

    while (v / unit >= 10)
        unit *= 10;
    for (; unit > 0; unit /= 10)
        put_char(w, (char)('0' + v / unit % 10));
}

/* As the kernel writes it: all eight groups of four digits. */
static void put_addr(struct writer *w, uint8_t family, const union ct_addr *a,
                     char sep)
{
    static const char digit[] = "0123456789abcdef";

    if (family == CT_IPV4) {
        for (int i = 0; i < 4; i++) {
            if (i > 0)
                put_char(w, sep);
            write_decimal(w, a->b[i]);
        }
        return;
    }
    for (int i = 0; i < 16; i++) {
        if (i > 0 && i % 2 == 0)
            put_char(w, ':');
        put_char(w, digit[a->b[i] >> 4]);
        put_char(w, digit[a->b[i] & 15]);
    }
}

static void write_ftp_line(struct writer *w, enum form form, uint8_t family,
                           const union ct_addr *addr, uint16_t port)
{
    w->len = 0;
    switch (form) {
    case PORT:
    case PASV:
        put_addr(w, CT_IPV4, addr, ',');
        put_char(w, ',');
        write_decimal(w, port >> 8);
        put_char(w, ',');
        write_decimal(w, port & 0xff);
        return;
    case EPRT:
        put_char(w, '|');
        put_char(w, family == CT_IPV4 ? '1' : '2');
        put_char(w, '|');
        put_addr(w, family, addr, '.');
        put_char(w, '|');
        break;
    case EPSV:
        put_char(w, '|');
        put_char(w, '|');
        put_char(w, '|');
        break;
    }
    write_decimal(w, port);
    put_char(w, '|');
}

/* ---- the helper ---- */

static enum ct_reason expect_data_flow(const struct helper_call *h,
                                       const struct said *s)
{
    const struct ct_tuple *other = helper_other(h);
    struct expect_ask ask = {
        .tuple = *other, .any_sport = true, .dir = !h->dir};
    enum ct_reason why;
    struct writer w;

    /* Of another host, or of IPv4 in a flow that is not: left as it is. */
    if (!ct_addr_eq(&s->addr, &h->c->tuple[h->dir].src) ||
        (other->family != CT_IPV4 && (s->form == PORT || s->form == PASV)))
        return CT_REASON_NONE;
    ask.tuple.sport = 0;
    ask.tuple.dport = s->port;
    why = helper_expect(h, &helper_ftp, &ask);
    if (why != CT_REASON_NONE || !helper_translated(h))
        return why;
    write_ftp_line(&w, s->form, other->family, &other->dst, ask.tuple.dport);
    why = helper_replace(h, s->at, s->len, w.text, w.len);
    if (why != CT_REASON_NONE)
        expect_cancel(&h->ct->expects, table_slot(&h->ct->table, h->c),
                      &ask.tuple);
    return why;
}

static enum ct_reason read_line(const struct helper_call *h, struct text t)
{
    bool ends = h->pkt->l4_flags & CT_TCP_FIN;
    struct said said;

    for (int i = 0; i < 2; i++)
        switch (match_pattern(t, ends, &patterns[h->dir][i],
                              &h->c->tuple[h->dir], &said)) {
        case WHOLE:
            return expect_data_flow(h, &said);
        case PART:
            return CT_REASON_HELPER_PARTIAL;
        case NO:
            break;
        }
    return CT_REASON_NONE;
}

static enum ct_reason ftp_help(const struct helper_call *h)
{
    enum ct_reason why = CT_REASON_NONE;
    struct state st;
    struct text t;
    uint32_t seq, end;
    bool newline;

    t.p = helper_text(h, &t.len);
    if (h->pkt->info != CT_ESTABLISHED || t.len == 0)
        return CT_REASON_NONE;
    memcpy(&st, &h->x->help, sizeof st);
    seq = ct_load32(ct_tcp_view(h->pkt->data + h->pkt->l4_off)->seq);
    end = seq + t.len;
    newline = t.p[t.len - 1] == '\n';
    if (begins_line(&st, h->dir, seq))
        why = read_line(h, t);
    if (why == CT_REASON_NONE && newline) {
        note_newline(&st, h->dir, end);
        memcpy(&h->x->help, &st, sizeof st);
    }
    return why;
}

const struct helper helper_ftp = {
    .id = CT_HELPER_ftp,
    .policy = {{.max = 1, .seconds = 300}},
    .help = ftp_help,
};
