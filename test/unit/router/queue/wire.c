/* wire.c - what user programs say: any bytes, and bounds
 *
 * Messages and packets lie at the end of heap blocks of their own, so that one
 * byte read too far ends the test. */
#include "queue/wire.h"
#include "queue/change.h"

#include "base/hash.h"
#include "corerig.h"

#define UDP "10.0.1.2:4000 > 198.51.100.2:80 udp 'hello'"

/* ---- messages ---- */

static enum queue_wire_error read_block(const uint8_t *data, size_t n,
                                        struct queue_wire_said *said)
{
    uint8_t *block = malloc(n ? n : 1);
    enum queue_wire_error error;

    assert_non_null(block);
    memcpy(block, data, n);
    error = queue_wire_read(block, n, said);
    if (error == QUEUE_WIRE_OK && said->verdict.has_bytes)
        assert_true(said->verdict.bytes + said->verdict.len == block + n);
    free(block);
    return error;
}

#define SUB1 1, 1, 0, 7, 0, 0, 0, 16, 0, 0, 0, 64
#define VER1 1, 4, 0, 7, 0, 0, 0, 24, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 9
static const struct {
    const char *what;
    uint8_t bytes[32], len;
    enum queue_wire_error want;
} messages[] = {
    {"subscribe", {SUB1, 0, 0, 0, 0}, 16, QUEUE_WIRE_OK},
    {"verdict", {VER1, 1, 0, 0, 0}, 24, QUEUE_WIRE_OK},
    {"verdict drop with a mark", {VER1, 0, 1, 0, 0}, 24, QUEUE_WIRE_OK},
    {"verdict repeat", {VER1, 4, 0, 0, 0}, 24, QUEUE_WIRE_OK},
    {"nothing", {0}, 0, QUEUE_WIRE_E_LENGTH},
    {"less than a head", {SUB1}, 7, QUEUE_WIRE_E_LENGTH},
    {"a head alone", {1, 1, 0, 7, 0, 0, 0, 8}, 8, QUEUE_WIRE_E_LENGTH},
    {"one byte short", {SUB1, 0, 0, 0, 0}, 15, QUEUE_WIRE_E_LENGTH},
    {"one byte long", {SUB1, 0, 0, 0, 0, 0}, 17, QUEUE_WIRE_E_LENGTH},
    {"another version",
     {2, 1, 0, 7, 0, 0, 0, 16, 0, 0, 0, 64, 0, 0, 0, 0},
     16,
     QUEUE_WIRE_E_VERSION},
    {"subscribe, reserved", {SUB1, 0, 0, 0, 1}, 16, QUEUE_WIRE_E_VALUE},
    {"what weir says", {1, 3, 0, 7, 0, 0, 0, 8}, 8, QUEUE_WIRE_E_TYPE},
    {"type 0", {1, 0, 0, 7, 0, 0, 0, 8}, 8, QUEUE_WIRE_E_TYPE},
    {"type 255", {1, 255, 0, 7, 0, 0, 0, 8}, 8, QUEUE_WIRE_E_TYPE},
    {"stolen", {VER1, 2, 0, 0, 0}, 24, QUEUE_WIRE_E_VALUE},
    {"queue", {VER1, 3, 0, 0, 0}, 24, QUEUE_WIRE_E_VALUE},
    {"stop", {VER1, 5, 0, 0, 0}, 24, QUEUE_WIRE_E_VALUE},
    {"flag 4", {VER1, 1, 4, 0, 0}, 24, QUEUE_WIRE_E_VALUE},
    {"verdict, reserved", {VER1, 1, 0, 1, 0}, 24, QUEUE_WIRE_E_VALUE},
    {"bytes, but none", {VER1, 1, 2, 0, 0}, 24, QUEUE_WIRE_E_LENGTH},
    {"bytes unannounced",
     {1, 4, 0, 7, 0, 0, 0, 25, 1, 2, 3, 4, 5, 6, 7, 8, 0, 0, 0, 9, 1},
     25,
     QUEUE_WIRE_E_LENGTH},
};

static void message_rows(void **state)
{
    struct queue_wire_said said;

    (void)state;
    for (unsigned i = 0; i < sizeof messages / sizeof *messages; i++) {
        print_message("%s\n", messages[i].what);
        assert_int_equal(read_block(messages[i].bytes, messages[i].len, &said),
                         messages[i].want);
    }
    read_block(messages[2].bytes, 24, &said);
    assert_int_equal(said.queue, 7);
    assert_true(said.verdict.id == UINT64_C(0x0102030405060708));
    assert_true(said.verdict.has_mark && !said.verdict.has_bytes);
    assert_int_equal(said.verdict.mark, 9);
    read_block(messages[0].bytes, 16, &said);
    assert_int_equal(said.copy, 64);
}

/* Longer than any message may be: nothing of it is looked at. */
static void too_long(void **state)
{
    struct queue_wire_said said;
    uint8_t one = 1;

    (void)state;
    assert_int_equal(queue_wire_read(&one, QUEUE_WIRE_LONGEST + 1, &said),
                     QUEUE_WIRE_E_LENGTH);
}

static void any_bytes(void **state)
{
    struct rng r = {.state = 5};
    struct queue_wire_said said;
    uint8_t data[80];
    unsigned fine = 0;

    (void)state;
    for (unsigned i = 0; i < 200000; i++) {
        static const uint8_t sizes[] = {16, 24, 24, 60};
        uint32_t n = hash_rng_below(&r, 2) ? sizes[hash_rng_below(&r, 4)]
                                           : hash_rng_below(&r, sizeof data);

        for (uint32_t k = 0; k < n; k++)
            data[k] =
                hash_rng_below(&r, 8) ? 0 : (uint8_t)hash_rng_below(&r, 256);
        if (n >= 8 && hash_rng_below(&r, 4)) {
            static const uint8_t types[] = {1, 4};

            data[0] = 1;
            data[1] = types[hash_rng_below(&r, 2)];
            data[4] = data[5] = data[6] = 0;
            data[7] = (uint8_t)n;
        }
        switch (read_block(data, n, &said)) {
        case QUEUE_WIRE_OK:
            fine++;
            break;
        case QUEUE_WIRE_E_VERSION:
        case QUEUE_WIRE_E_LENGTH:
        case QUEUE_WIRE_E_TYPE:
        case QUEUE_WIRE_E_VALUE:
            break;
        default:
            fail();
        }
    }
    assert_true(fine > 100);
}

static void each_error_has_a_text(void **state)
{
    uint8_t out[128];

    (void)state;
#define W(name, number, fatal, text)                                           \
    assert_int_equal(QUEUE_WIRE_E_##name, number);                             \
    assert_string_equal(queue_wire_text(QUEUE_WIRE_E_##name), text);           \
    assert_int_equal(queue_wire_fatal(QUEUE_WIRE_E_##name), fatal);            \
    assert_int_equal(queue_wire_refusal(out, 7, 1, QUEUE_WIRE_E_##name),       \
                     QUEUE_WIRE_ERROR_LEN + strlen(text));                     \
    assert_int_equal(out[17], number);
    QUEUE_WIRE_ERRORS(W)
#undef W
    assert_string_equal(queue_wire_text((enum queue_wire_error)99), "");
    assert_false(queue_wire_fatal((enum queue_wire_error)99));
}

/* Where each field of PACKET stands: what the header promises. */
static void a_packets_head(void **state)
{
    uint8_t data[64] = {0x45}, head[QUEUE_WIRE_PACKET_LEN];
    struct ct_pkt pkt = {.data = data, .len = 64, .mark = 0x01020304};
    struct queue_wire_about about = {.queue = 0x0506,
                                     .id = UINT64_C(0x1122334455667788),
                                     .wall_ms = UINT64_C(0xaabbccdd),
                                     .flow = 9,
                                     .flow_gen = 10,
                                     .in = "lan",
                                     .out = "a-name-of-16-byte"};

    (void)state;
    pkt.in = 1;
    pkt.out = 2;
    pkt.hook = CT_FORWARD;
    pkt.info = CT_NEW;
    pkt.dir = CT_DIR_REPLY;
    pkt.csum_partial = pkt.made_conn = true;
    pkt.gso_size = 1448;
    pkt.frag_max = 1500;
    assert_int_equal(queue_wire_packet(head, &about, &pkt, 20), 88);
    assert_memory_equal(head, "\x01\x03\x05\x06\0\0\0\x6c", 8);
    assert_memory_equal(head + 8, "\x11\x22\x33\x44\x55\x66\x77\x88", 8);
    assert_memory_equal(head + 16, "\0\0\0\0\xaa\xbb\xcc\xdd", 8);
    assert_memory_equal(head + 24, "\0\0\0\x09\0\0\0\x0a\x01\x02\x03\x04", 12);
    assert_memory_equal(head + 36, "\0\0\0\x40\x01\x02\x02\x01\x01\x04", 10);
    assert_int_equal(head[47], QUEUE_WIRE_PARTIAL | QUEUE_WIRE_GSO |
                                   QUEUE_WIRE_CUT | QUEUE_WIRE_FIRST);
    assert_memory_equal(head + 48, "\x05\xa8\x05\xdc", 4);
    assert_memory_equal(head + 52, "lan\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
    assert_memory_equal(head + 68, "a-name-of-16-by", 16);
    assert_int_equal(queue_wire_packet(head, &about, &pkt, 64), 88); /* all */
    assert_int_equal(head[47],
                     QUEUE_WIRE_PARTIAL | QUEUE_WIRE_GSO | QUEUE_WIRE_FIRST);
}

/* ---- new bytes ---- */

static const struct {
    const char *was, *is;
    bool fine;
} changes[] = {
    {UDP, UDP, true},
    {UDP, "10.0.1.2:4000 > 198.51.100.2:80 udp ttl 3 tos 8 'HELLO'", true},
    {UDP, "10.0.1.2:4000 > 198.51.100.2:80 udp len 1400", true},
    {UDP, "10.0.1.2:4000 > 198.51.100.2:80 udp", true},
    {UDP, "10.0.1.2:4000 > 198.51.100.2:80 udp badsum badipsum 'x'", true},
    {UDP, "10.0.1.2:4000 > 198.51.100.2:80 udp nosum 'x'", true},
    {UDP, "10.0.1.2:4000 > 198.51.100.3:80 udp 'hello'", false},
    {UDP, "10.0.1.9:4000 > 198.51.100.2:80 udp 'hello'", false},
    {UDP, "10.0.1.2:4001 > 198.51.100.2:80 udp 'hello'", false},
    {UDP, "10.0.1.2:4000 > 198.51.100.2:81 udp 'hello'", false},
    {UDP, "10.0.1.2:4000 > 198.51.100.2:80 udplite 'hello'", false},
    {UDP, "10.0.1.2:4000 > 198.51.100.2:80 tcp S", false},
    {UDP, "10.0.1.2:4000 > 198.51.100.2:80 udp frag 0+ len 64", false},
    {UDP, "10.0.1.2:4000 > 198.51.100.2:80 udp trail 4 'hello'", false},
    {UDP, "[fd00::1]:4000 > [fd00::2]:80 udp 'hello'", false},
    {"[fd00::1]:4000 > [fd00::2]:80 udp 'hello'",
     "[fd00::1]:4000 > [fd00::2]:80 udp badsum hbh 8 'HELLO you'", true},
    {"10.0.1.2:4 > 10.0.2.2:5 udplite 'a'",
     "10.0.1.2:4 > 10.0.2.2:5 udplite "
     "'bcd'",
     true},
    {"10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 'abc'",
     "10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 badsum 'xyz'", true},
    {"10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 'abc'",
     "10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 'abcd'", true},
    {"10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 ts 1:2 'abc'",
     "10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 ts 1:2 badsum 'a'", true},
    {"10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 'abc'",
     "10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5", false},
    {"10.0.1.2:4 > 10.0.2.2:5 tcp . seq 9 ack 5",
     "10.0.1.2:4 > 10.0.2.2:5 tcp . seq 9 ack 5 'abc'", false},
    {"10.0.1.2:4 > 10.0.2.2:5 tcp S seq 9 'abc'",
     "10.0.1.2:4 > 10.0.2.2:5 tcp S seq 9 'abcd'", false},
    {"10.0.1.2:4 > 10.0.2.2:5 tcp RP. seq 9 ack 5 'abc'",
     "10.0.1.2:4 > 10.0.2.2:5 tcp RP. seq 9 ack 5 'abcd'", false},
    {"10.0.1.2:4 > 10.0.2.2:5 tcp PU. seq 9 ack 5 urg 1 'abc'",
     "10.0.1.2:4 > 10.0.2.2:5 tcp PU. seq 9 ack 5 urg 1 'abcd'", false},
    {"10.0.1.2:4 > 10.0.2.2:5 tcp PF. seq 9 ack 5 'abc'",
     "10.0.1.2:4 > 10.0.2.2:5 tcp PF. seq 9 ack 5 ttl 9 'bc'", true},
    {"10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 'abc'",
     "10.0.1.2:4 > 10.0.2.2:5 tcp F. seq 9 ack 5 'abc'", false},
    {"10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 'abc'",
     "10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 10 ack 5 'abc'", false},
    {"10.0.1.2:4 > 10.0.2.2:5 tcp S seq 9 mss 1460",
     "10.0.1.2:4 > 10.0.2.2:5 tcp S seq 9 mss 536", false},
    {"10.0.1.2:4 > 10.0.2.2:5 sctp COOKIE_ACK vtag 7",
     "10.0.1.2:4 > 10.0.2.2:5 sctp COOKIE_ACK ttl 9 vtag 7", true},
    {"10.0.1.2:4 > 10.0.2.2:5 sctp COOKIE_ACK vtag 7",
     "10.0.1.2:4 > 10.0.2.2:5 sctp COOKIE_ACK vtag 8", false},
    {"10.0.1.2 > 10.0.2.2 icmp echo id 7 seq 1 'abc'",
     "10.0.1.2 > 10.0.2.2 icmp echo id 7 seq 2 'abcdef'", true},
    {"10.0.1.2 > 10.0.2.2 icmp echo id 7 seq 1 'abc'",
     "10.0.1.2 > 10.0.2.2 icmp echo id 8 seq 1 'abc'", false},
    {"10.0.1.2 > 10.0.2.2 icmp echo id 7 seq 1 'abc'",
     "10.0.1.2 > 10.0.2.2 icmp reply id 7 seq 1 'abc'", false},
    {"10.0.1.2 > 10.0.2.2 icmp 3/3 about {10.0.2.2:5 > 10.0.1.2:6 udp 'x'}",
     "10.0.1.2 > 10.0.2.2 icmp 3/3 ttl 9 about {10.0.2.2:5 > 10.0.1.2:6 udp "
     "'x'}",
     true},
    {"10.0.1.2 > 10.0.2.2 icmp 3/3 about {10.0.2.2:5 > 10.0.1.2:6 udp 'x'}",
     "10.0.1.2 > 10.0.2.2 icmp 3/3 about {10.0.2.2:5 > 10.0.1.2:7 udp 'x'}",
     false},
};

struct changed {
    struct ct_pkt pkt;
    uint8_t room[CT_HEADROOM + 2048 + CT_HEADROOM];
};

static void prepare(struct changed *c, const char *spec)
{
    size_t n = packet_build(c->room + CT_HEADROOM, 2048, spec);

    assert_true(n > 0);
    c->pkt = (struct ct_pkt){
        .data = c->room + CT_HEADROOM, .len = (uint32_t)n, .self = true};
    assert_int_equal(ct_parse_packet(&c->pkt), CT_REASON_NONE);
}

static void change_rows(void **state)
{
    struct changed c;
    uint8_t was[2048], is[2048];

    (void)state;
    for (unsigned i = 0; i < sizeof changes / sizeof *changes; i++) {
        size_t n = packet_build(is, sizeof is, changes[i].is);
        struct ct_resize size;
        struct ct_tuple tuple;
        bool tcp_resized;
        uint32_t len;

        print_message("%s\n   %s\n", changes[i].was, changes[i].is);
        prepare(&c, changes[i].was);
        memcpy(was, c.pkt.data, c.pkt.len);
        len = c.pkt.len;
        tuple = c.pkt.tuple;
        tcp_resized = changes[i].fine && tuple.proto == 6 && n != len;
        if (tcp_resized)
            assert_false(queue_change(&c.pkt, is, (uint32_t)n, 2048, NULL));
        size.by = 99;
        assert_int_equal(queue_change(&c.pkt, is, (uint32_t)n, 2048, &size),
                         changes[i].fine);
        if (changes[i].fine)
            assert_int_equal(size.by, tcp_resized ? (int)n - (int)len : 0);
        assert_memory_equal(&tuple, &c.pkt.tuple, sizeof tuple);
        assert_true(packet_sums_ok(c.pkt.data, c.pkt.len));
        assert_int_equal(c.pkt.len, changes[i].fine ? n : len);
        if (!changes[i].fine)
            assert_memory_equal(was, c.pkt.data, len);
        assert_false(
            queue_change(&c.pkt, is, (uint32_t)n, (uint32_t)n - 1, NULL));
    }
}

/* Bytes turned at random: nothing is read or written beyond, and whatever is
 * taken is a packet of the same flow with right sums. */
static void any_change(void **state)
{
    struct rng r = {.state = 11};
    struct changed c;
    unsigned taken = 0;

    (void)state;
    for (unsigned i = 0; i < 60000; i++) {
        uint32_t row = hash_rng_below(&r, sizeof changes / sizeof *changes), n;
        struct ct_resize size;
        struct ct_pkt seen;
        uint8_t *block;

        prepare(&c, changes[row].was);
        n = c.pkt.len;
        if (hash_rng_below(&r, 4) == 0)
            n = hash_rng_below(&r, n + 1);
        block = malloc(n ? n : 1);
        assert_non_null(block);
        memcpy(block, c.pkt.data, n);
        for (uint32_t k = hash_rng_below(&r, 4); n > 0 && k > 0; k--)
            block[hash_rng_below(&r, n)] = (uint8_t)hash_rng_below(&r, 256);
        size.by = 0;
        if (queue_change(&c.pkt, block, n, 2048, &size)) {
            taken++;
            assert_true(size.by == 0 || c.pkt.tuple.proto == 6);
            assert_true(packet_sums_ok(c.pkt.data, c.pkt.len));
            seen = (struct ct_pkt){
                .data = c.pkt.data, .len = c.pkt.len, .self = true};
            assert_int_equal(ct_parse_packet(&seen), CT_REASON_NONE);
            assert_memory_equal(&seen.tuple, &c.pkt.tuple, sizeof seen.tuple);
        }
        free(block);
    }
    assert_true(taken > 1000);
}

/* A super-packet keeps its length, and the kernel completes its sum. */
static void a_super_packet(void **state)
{
    struct changed c, other;

    (void)state;
    prepare(&c, "10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 len 900 partial");
    c.pkt.gso_size = 300;
    c.pkt.csum_partial = true;
    prepare(&other, "10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 len 900");
    memset(other.pkt.data + 40, 'x', 900);
    assert_true(
        queue_change(&c.pkt, other.pkt.data, other.pkt.len, 2048, NULL));
    assert_true(c.pkt.csum_partial);
    assert_int_equal(c.pkt.data[40], 'x');
    prepare(&other, "10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 len 900 "
                    "partial");
    assert_memory_equal(c.pkt.data + 36, other.pkt.data + 36, 2);
}

/* Where two payloads part: numbers above it are the others'.  One byte of each
 * is always behind that. */
static void where_a_line_changes(void **state)
{
    static const struct {
        const char *was, *is;
        uint32_t at, end;
        int32_t by;
    } rows[] = {
        {"hello world", "hello", 4, 11, -6},
        {"hello", "hello world", 4, 5, 6},
        {"hello", "jello there", 0, 5, 6},
        {"hello world", "hello big world", 5, 6, 4},
        {"hello big world", "hello world", 6, 10, -4},
        {"a line b line", "a long line b long line", 3, 8, 10},
        {"aaaa", "a", 0, 3, -3},
        {"a", "aaaa", 0, 1, 3},
        {"hello", "oh hello", 0, 1, 3},
        {"same", "some", 0, 0, 0},
    };
    char spec[128];

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ct_resize size;
        struct changed c, other;

        snprintf(spec, sizeof spec,
                 "[fd00::1]:4 > [fd00::2]:5 tcp P. seq 9 ack 5 ts 1:2 '%s'",
                 rows[i].was);
        prepare(&c, spec);
        snprintf(spec, sizeof spec,
                 "[fd00::1]:4 > [fd00::2]:5 tcp P. seq 9 ack 5 ts 1:2 '%s'",
                 rows[i].is);
        prepare(&other, spec);
        assert_true(
            queue_change(&c.pkt, other.pkt.data, other.pkt.len, 2048, &size));
        assert_int_equal(size.at, rows[i].at);
        assert_int_equal(size.end, rows[i].end);
        assert_int_equal(size.by, rows[i].by);
        assert_int_equal(c.pkt.gso_size, 0);
        assert_memory_equal(c.pkt.data, other.pkt.data, other.pkt.len);
    }
}

/* What grows is cut as it came, unless it is small; a super-packet of which
 * one segment is left is none any more. */
static void segments_stay_as_long(void **state)
{
    static const struct {
        const char *was, *is;
        uint16_t gso_was, gso_is;
    } rows[] = {
        {"10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 len 1460",
         "10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 len 1470", 0, 1460},
        {"10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 len 10",
         "10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 len 536", 0, 0},
        {"10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 len 10",
         "10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 len 537", 0, 536},
        {"[fd00::1]:4 > [fd00::2]:5 tcp P. seq 9 ack 5 ts 1:2 len 10",
         "[fd00::1]:4 > [fd00::2]:5 tcp P. seq 9 ack 5 ts 1:2 len 1400", 0,
         1208},
        {"10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 len 1460",
         "10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 len 1450", 0, 0},
        {"10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 len 900",
         "10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 len 950", 300, 300},
        {"10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 len 900",
         "10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 len 301", 300, 300},
        {"10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 len 900",
         "10.0.1.2:4 > 10.0.2.2:5 tcp P. seq 9 ack 5 len 300", 300, 0},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct ct_resize size;
        struct changed c, other;
        bool v4;

        prepare(&c, rows[i].was);
        c.pkt.gso_size = rows[i].gso_was;
        c.pkt.csum_partial = rows[i].gso_was != 0;
        v4 = c.pkt.tuple.family == CT_IPV4;
        prepare(&other, rows[i].is);
        assert_true(
            queue_change(&c.pkt, other.pkt.data, other.pkt.len, 2048, &size));
        assert_int_equal(c.pkt.gso_size, rows[i].gso_is);
        assert_int_equal(c.pkt.csum_partial, rows[i].gso_is != 0);
        if (rows[i].gso_was == 0)
            assert_int_equal(c.pkt.gso_type, rows[i].gso_is == 0 ? 0
                                             : v4                ? 1
                                                                 : 4);
        if (rows[i].gso_is == 0)
            assert_true(packet_sums_ok(c.pkt.data, c.pkt.len));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(message_rows),
        cmocka_unit_test(too_long),
        cmocka_unit_test(any_bytes),
        cmocka_unit_test(each_error_has_a_text),
        cmocka_unit_test(a_packets_head),
        cmocka_unit_test(change_rows),
        cmocka_unit_test(any_change),
        cmocka_unit_test(a_super_packet),
        cmocka_unit_test(where_a_line_changes),
        cmocka_unit_test(segments_stay_as_long),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
