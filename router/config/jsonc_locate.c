/* jsonc_locate.c - where JSON pointers stand in the text
 *
 * Only wanted when something is wrong, so nothing is kept while reading: the
 * clean text is walked once, and each value's pointer is known by its hash,
 * which grows from its parent's.  Two pointers with one hash would cost a wrong
 * position in a message, nothing more. */
#include "config/jsonc_locate.h"

#include "config/jsonc.h"

#include <stdlib.h>
#include <string.h>

struct walk {
    const char *text, *s; /* original; clean */
    size_t n, at;
    struct jsonc_place **order; /* sorted by hash of pointer */
    size_t n_places;
    size_t told; /* offset that line and column are of */
    uint32_t line, column;
};

/* FNV-1a, 64 bits. */
static uint64_t hash_pointer_char(uint64_t h, char c)
{
    return (h ^ (unsigned char)c) * 0x100000001b3u;
}

static uint64_t hash_pointer(const char *pointer)
{
    uint64_t h = 0xcbf29ce484222325u;

    while (*pointer != '\0')
        h = hash_pointer_char(h, *pointer++);
    return h;
}

static int compare_place_hashes(const void *a, const void *b)
{
    const struct jsonc_place *const *pa = a, *const *pb = b;
    uint64_t ha = (*pa)->hash, hb = (*pb)->hash;

    return ha < hb ? -1 : ha > hb;
}

/* Hits come in the order of the text, so counting goes on from the last. */
static void count_to(struct walk *w, size_t offset)
{
    for (; w->told < offset; w->told++) {
        unsigned char c = (unsigned char)w->text[w->told];

        if (c == '\n') {
            w->line++;
            w->column = 1;
        } else if ((c & 0xc0) != 0x80) {
            w->column++;
        }
    }
}

static void set_matching_places(struct walk *w, uint64_t h, bool key,
                                size_t offset)
{
    size_t lo = 0, hi = w->n_places;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (w->order[mid]->hash < h)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (; lo < w->n_places && w->order[lo]->hash == h; lo++) {
        if (w->order[lo]->key != key)
            continue;
        count_to(w, offset);
        w->order[lo]->line = w->line;
        w->order[lo]->column = w->column;
    }
}

static void skip_gap(struct walk *w)
{
    while (w->at < w->n && strchr(" \t\r\n", w->s[w->at]) != NULL)
        w->at++;
}

static unsigned decode_hex_quad(const char *p)
{
    char text[5] = {p[0], p[1], p[2], p[3], '\0'};

    return (unsigned)strtoul(text, NULL, 16);
}

/* One character of a string as UTF-8; the cursor moves behind it. */
static size_t decode_string_char(struct walk *w, char out[4])
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    char c = w->s[w->at++];
    const char *simple;
    unsigned u;

    out[0] = c;
    if (c != '\\')
        return 1;
    out[0] = c = w->s[w->at++];
    if (c != 'u') {
        if ((simple = strchr(from, c)) != NULL)
            out[0] = to[simple - from];
        return 1;
    }
    u = decode_hex_quad(w->s + w->at);
    w->at += 4;
    if (u >= 0xd800 && u <= 0xdbff) {
        u = 0x10000 + ((u & 0x3ff) << 10) +
            (decode_hex_quad(w->s + w->at + 2) & 0x3ff);
        w->at += 6;
    }
    if (u < 0x80) {
        out[0] = (char)u;
        return 1;
    }
    if (u < 0x800) {
        out[0] = (char)(0xc0 | u >> 6);
        out[1] = (char)(0x80 | (u & 0x3f));
        return 2;
    }
    if (u < 0x10000) {
        out[0] = (char)(0xe0 | u >> 12);
        out[1] = (char)(0x80 | (u >> 6 & 0x3f));
        out[2] = (char)(0x80 | (u & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | u >> 18);
    out[1] = (char)(0x80 | (u >> 12 & 0x3f));
    out[2] = (char)(0x80 | (u >> 6 & 0x3f));
    out[3] = (char)(0x80 | (u & 0x3f));
    return 4;
}

/* Over a string; answers h grown by it as RFC 6901 spells it. */
static uint64_t walk_string(struct walk *w, uint64_t h)
{
    char c[4];
    size_t n;

    w->at++;
    while (w->s[w->at] != '"') {
        n = decode_string_char(w, c);
        for (size_t i = 0; i < n; i++) {
            if (c[i] == '~' || c[i] == '/') {
                h = hash_pointer_char(h, '~');
                h = hash_pointer_char(h, c[i] == '~' ? '0' : '1');
            } else {
                h = hash_pointer_char(h, c[i]);
            }
        }
    }
    w->at++;
    return h;
}

static uint64_t grow_index(uint64_t h, size_t index)
{
    char digits[24];
    size_t n = 0;

    do
        digits[n++] = (char)('0' + index % 10);
    while ((index /= 10) != 0);
    while (n > 0)
        h = hash_pointer_char(h, digits[--n]);
    return h;
}

static void walk_value(struct walk *w, uint64_t h)
{
    char open = w->s[w->at];
    uint64_t inner;

    set_matching_places(w, h, false, w->at);
    if (open == '"') {
        (void)walk_string(w, h);
        return;
    }
    if (open != '{' && open != '[') {
        while (w->at < w->n && strchr(",]} \t\r\n", w->s[w->at]) == NULL)
            w->at++;
        return;
    }
    w->at++;
    for (size_t i = 0;; i++) {
        skip_gap(w);
        if (w->s[w->at] == ',') {
            w->at++;
            skip_gap(w);
        }
        if (w->s[w->at] == ']' || w->s[w->at] == '}')
            break;
        inner = hash_pointer_char(h, '/');
        if (open == '{') {
            size_t key = w->at;

            inner = walk_string(w, inner);
            set_matching_places(w, inner, true, key);
            skip_gap(w);
            w->at++; /* the colon */
            skip_gap(w);
        } else {
            inner = grow_index(inner, i);
        }
        walk_value(w, inner);
    }
    w->at++;
}

void jsonc_locate(const char *text, const char *clean, size_t len,
                  struct jsonc_place *places, struct jsonc_place **order,
                  size_t n)
{
    struct walk w = {.text = text,
                     .s = clean,
                     .n = len,
                     .order = order,
                     .n_places = n,
                     .line = 1,
                     .column = 1};

    for (size_t i = 0; i < n; i++) {
        places[i].hash = hash_pointer(places[i].pointer);
        order[i] = &places[i];
    }
    qsort(order, n, sizeof(order[0]), compare_place_hashes);
    skip_gap(&w);
    walk_value(&w, hash_pointer(""));
}
