/* test_web_turns.c - whoever walks a large table lets the loop turn meanwhile
 *
 * The same loop has the log, the events and the devices to see to.  A timer of
 * 0 ms is no turn: libuv before 1.45 runs it again at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "web_client.h"
#include "web_world.h"

enum { SLOTS = 1 << 20, A_TURN = 1 << 18 }; /* a few slices */

static struct {
    uv_prepare_t turn;
    uint64_t reads, before, most; /* in all, before this turn, in one turn */
} walk;

static void on_turn(uv_prepare_t *turn)
{
    (void)turn;
    if (walk.reads - walk.before > walk.most)
        walk.most = walk.reads - walk.before;
    walk.before = walk.reads;
}

static uint32_t many(void *ctx)
{
    (void)ctx;
    return SLOTS;
}

static bool read_nothing(void *ctx, uint32_t shard, uint32_t slot,
                         struct ct_view *out)
{
    (void)ctx;
    (void)shard;
    (void)slot;
    (void)out;
    walk.reads++;
    return false;
}

static void begin(void *arg)
{
    struct world *w = arg;

    w->source.slots = many;
    w->source.read = read_nothing;
    (void)uv_prepare_init(&w->loop, &walk.turn);
    (void)uv_prepare_start(&walk.turn, on_turn);
}

static void begin_anew(void *arg)
{
    (void)arg;
    walk.reads = walk.before = walk.most = 0;
}

static void look(void *arg)
{
    (void)arg;
    on_turn(&walk.turn); /* this turn is the last that counts */
}

static void end(void *arg)
{
    (void)arg;
    uv_close((uv_handle_t *)&walk.turn, NULL);
}

static void a_walk_lets_the_loop_turn(void **state)
{
    static const struct {
        const char *method, *path, *more;
    } walks[] = {
        {"GET", "/api/v1/flows", "Accept: application/x-ndjson\r\n"},
        {"DELETE", "/api/v1/flows?proto=udp", ""},
        {"DELETE", "/api/v1/flows?proto=udp&dry_run=true", ""},
    };
    struct world *w = web_world_new(NULL);
    struct answer a;

    (void)state;
    web_world_do(w, begin, w);
    for (unsigned i = 0; i < sizeof walks / sizeof walks[0]; i++) {
        web_world_do(w, begin_anew, NULL);
        web_client_ask(web_client_unix(w->socket), walks[i].method,
                       walks[i].path, walks[i].more, &a);
        assert_int_equal(a.status, 200);
        web_client_free(&a);
        web_world_do(w, look, NULL);
        assert_int_equal(walk.reads, (uint64_t)WORLD_SHARDS * SLOTS);
        if (walk.most > A_TURN)
            fail_msg("%s %s looks at %lu places in one turn", walks[i].method,
                     walks[i].path, (unsigned long)walk.most);
    }
    web_world_do(w, end, NULL);
    web_world_free(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_walk_lets_the_loop_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
