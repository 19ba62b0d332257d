/* crc32c.c - CRC32c, whole and by difference
 *
 * A message is a polynomial over GF(2), its first bit the highest power, and
 * its CRC the rest of a division by POLY (Castagnoli's).  Bytes go lowest bit
 * first, so in a word bit 31 is x^0 and a step to the right multiplies by x.
 *
 * Whole: eight bytes at once, each through a table of what it is worth where it
 * stands (Kounavis and Berry, 2005): table k has each byte times x^(8k + 32).
 * All of it follows from the powers x^32 ... x^95, which follow from POLY: the
 * compiler makes the tables.
 *
 * By difference: division is linear, so what four changed bytes do to the rest
 * is the same whatever the others are: the difference times x^(8n), n bytes
 * being theirs and those behind them.  The power is made by squaring. */
#include "proto/crc32c.h"

/* x^32 without x^32 itself, in halves: an enumerator must fit an int. */
enum { POLY_HI = 0x82f6, POLY_LO = 0x3b78 };
#define POLY ((uint32_t)POLY_HI << 16 | POLY_LO)
#define ONE  0x80000000u /* x^0 */

#define TIMES_X(n, m)                                                          \
    P##n##_LO = (P##m##_LO >> 1 | (P##m##_HI & 1) << 15) ^                     \
                (P##m##_LO & 1 ? POLY_LO : 0),                                 \
    P##n##_HI = P##m##_HI >> 1 ^ (P##m##_LO & 1 ? POLY_HI : 0)

/* P32 ... P95 */
enum {
    P32_LO = POLY_LO,
    P32_HI = POLY_HI,
    TIMES_X(33, 32),
    TIMES_X(34, 33),
    TIMES_X(35, 34),
    TIMES_X(36, 35),
    TIMES_X(37, 36),
    TIMES_X(38, 37),
    TIMES_X(39, 38),
    TIMES_X(40, 39),
    TIMES_X(41, 40),
    TIMES_X(42, 41),
    TIMES_X(43, 42),
    TIMES_X(44, 43),
    TIMES_X(45, 44),
    TIMES_X(46, 45),
    TIMES_X(47, 46),
    TIMES_X(48, 47),
    TIMES_X(49, 48),
    TIMES_X(50, 49),
    TIMES_X(51, 50),
    TIMES_X(52, 51),
    TIMES_X(53, 52),
    TIMES_X(54, 53),
    TIMES_X(55, 54),
    TIMES_X(56, 55),
    TIMES_X(57, 56),
    TIMES_X(58, 57),
    TIMES_X(59, 58),
    TIMES_X(60, 59),
    TIMES_X(61, 60),
    TIMES_X(62, 61),
    TIMES_X(63, 62),
    TIMES_X(64, 63),
    TIMES_X(65, 64),
    TIMES_X(66, 65),
    TIMES_X(67, 66),
    TIMES_X(68, 67),
    TIMES_X(69, 68),
    TIMES_X(70, 69),
    TIMES_X(71, 70),
    TIMES_X(72, 71),
    TIMES_X(73, 72),
    TIMES_X(74, 73),
    TIMES_X(75, 74),
    TIMES_X(76, 75),
    TIMES_X(77, 76),
    TIMES_X(78, 77),
    TIMES_X(79, 78),
    TIMES_X(80, 79),
    TIMES_X(81, 80),
    TIMES_X(82, 81),
    TIMES_X(83, 82),
    TIMES_X(84, 83),
    TIMES_X(85, 84),
    TIMES_X(86, 85),
    TIMES_X(87, 86),
    TIMES_X(88, 87),
    TIMES_X(89, 88),
    TIMES_X(90, 89),
    TIMES_X(91, 90),
    TIMES_X(92, 91),
    TIMES_X(93, 92),
    TIMES_X(94, 93),
    TIMES_X(95, 94),
};
#define POWER(n)         ((uint32_t)P##n##_HI << 16 | P##n##_LO)
#define IF(byte, bit, n) ((byte) >> (bit)&1 ? POWER(n) : 0u)

/* What a byte is worth, given the powers of its bits, from bit 7 to bit 0. */
#define WORTH(byte, a, b, c, d, e, f, g, h)                                    \
    (IF(byte, 7, a) ^ IF(byte, 6, b) ^ IF(byte, 5, c) ^ IF(byte, 4, d) ^       \
     IF(byte, 3, e) ^ IF(byte, 2, f) ^ IF(byte, 1, g) ^ IF(byte, 0, h))
#define W0(i) WORTH(i, 32, 33, 34, 35, 36, 37, 38, 39)
#define W1(i) WORTH(i, 40, 41, 42, 43, 44, 45, 46, 47)
#define W2(i) WORTH(i, 48, 49, 50, 51, 52, 53, 54, 55)
#define W3(i) WORTH(i, 56, 57, 58, 59, 60, 61, 62, 63)
#define W4(i) WORTH(i, 64, 65, 66, 67, 68, 69, 70, 71)
#define W5(i) WORTH(i, 72, 73, 74, 75, 76, 77, 78, 79)
#define W6(i) WORTH(i, 80, 81, 82, 83, 84, 85, 86, 87)
#define W7(i) WORTH(i, 88, 89, 90, 91, 92, 93, 94, 95)

#define ROW4(w, i) w(i), w((i) + 1), w((i) + 2), w((i) + 3)
#define ROW16(w, i)                                                            \
    ROW4(w, i), ROW4(w, (i) + 4), ROW4(w, (i) + 8), ROW4(w, (i) + 12)
#define ROW64(w, i)                                                            \
    ROW16(w, i), ROW16(w, (i) + 16), ROW16(w, (i) + 32), ROW16(w, (i) + 48)
#define ROW256(w) ROW64(w, 0), ROW64(w, 64), ROW64(w, 128), ROW64(w, 192)

static const uint32_t table[8][256] = {
    {ROW256(W0)}, {ROW256(W1)}, {ROW256(W2)}, {ROW256(W3)},
    {ROW256(W4)}, {ROW256(W5)}, {ROW256(W6)}, {ROW256(W7)},
};

/* A word of the message times x^(8 k + 32), k being its last byte's table. */
static inline uint32_t crc_of_word(uint32_t word, unsigned k)
{
    return table[k + 3][word & 255] ^ table[k + 2][word >> 8 & 255] ^
           table[k + 1][word >> 16 & 255] ^ table[k][word >> 24];
}

uint32_t crc32c_add(uint32_t crc, const uint8_t *p, uint32_t n)
{
    for (; n >= 8; n -= 8, p += 8)
        crc = crc_of_word(crc ^ crc32c_load(p), 4) ^
              crc_of_word(crc32c_load(p + 4), 0);
    for (; n > 0; n--, p++)
        crc = table[0][(crc ^ *p) & 255] ^ crc >> 8;
    return crc;
}

/* a times b. */
static uint32_t multiply_mod_poly(uint32_t a, uint32_t b)
{
    uint32_t product = 0;

    for (unsigned i = 0; i < 32; i++) { /* bits of a, from x^0 on */
        product ^= b & (0 - (a >> 31));
        a <<= 1;
        b = b >> 1 ^ (POLY & (0 - (b & 1)));
    }
    return product;
}

uint32_t crc32c_diff(uint32_t diff, uint32_t n)
{
    uint32_t square = ONE >> 8; /* x^8 */

    for (; n > 0; n >>= 1) {
        if (n & 1)
            diff = multiply_mod_poly(square, diff);
        square = multiply_mod_poly(square, square);
    }
    return diff;
}
