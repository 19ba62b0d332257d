/* number.h - numbers as packets hold them, and how bytes become a header */
#ifndef CTCORE_WIRE_NUMBER_H
#define CTCORE_WIRE_NUMBER_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#if __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "loads and stores here, and the words of tuples, are little-endian"
#endif

/* ---- numbers ---- */

typedef struct {
    uint8_t b[2];
} ct_be16;

typedef struct {
    uint8_t b[3];
} ct_be24;

typedef struct {
    uint8_t b[4];
} ct_be32;

typedef struct {
    uint8_t b[6];
} ct_be48;

typedef struct {
    uint8_t b[8];
} ct_be64;

static inline uint16_t ct_load16(ct_be16 from)
{
    uint16_t v;

    memcpy(&v, from.b, sizeof v);
    return __builtin_bswap16(v);
}

static inline uint32_t ct_load32(ct_be32 from)
{
    uint32_t v;

    memcpy(&v, from.b, sizeof v);
    return __builtin_bswap32(v);
}

static inline uint64_t ct_load64(ct_be64 from)
{
    uint64_t v;

    memcpy(&v, from.b, sizeof v);
    return __builtin_bswap64(v);
}

static inline uint32_t ct_load24(ct_be24 from)
{
    return (uint32_t)from.b[0] << 16 | (uint32_t)from.b[1] << 8 | from.b[2];
}

static inline uint64_t ct_load48(ct_be48 from)
{
    uint64_t v = 0;

    memcpy(&v, from.b, sizeof from.b);
    return __builtin_bswap64(v) >> 16;
}

static inline void ct_store16(ct_be16 *to, uint32_t v)
{
    uint16_t word = __builtin_bswap16((uint16_t)v);

    memcpy(to->b, &word, sizeof word);
}

static inline void ct_store32(ct_be32 *to, uint32_t v)
{
    v = __builtin_bswap32(v);
    memcpy(to->b, &v, sizeof v);
}

static inline void ct_store64(ct_be64 *to, uint64_t v)
{
    v = __builtin_bswap64(v);
    memcpy(to->b, &v, sizeof v);
}

/* ---- accessors ---- */

/* Bytes of a header until behind one of its fields: of one that is cut. */
#define CT_END_OF(type, field)                                                 \
    (offsetof(type, field) + sizeof((type *)0)->field)

/* How bytes become a `type`, which is so many bytes long: by name_view() and by
 * name_edit().
 *
 * => p .. p + size are there to be read, and written by name_edit(): the caller
 *    has compared size with what came.
 * => what is viewed lasts as long as the bytes at p. */
#define CT_HEADER_AS(type, name, size)                                         \
    static inline const type *name##_view(const uint8_t *p)                    \
    {                                                                          \
        return (const type *)p;                                                \
    }                                                                          \
    static inline type *name##_edit(uint8_t *p)                                \
    {                                                                          \
        return (type *)p;                                                      \
    }                                                                          \
    _Static_assert(_Alignof(type) == 1, "it may begin at any address");        \
    _Static_assert(sizeof(type) == (size), "as its specification draws it")

#define CT_HEADER(name, size)                                                  \
    CT_HEADER_AS(struct ct_##name##_header, ct_##name, size)

#endif
