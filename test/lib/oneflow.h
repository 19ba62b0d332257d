/* oneflow.h - one flow and its tracker, without a table
 *
 * What conntrack does with a tracker's answer, in the fewest lines: a unit test
 * says packets to it and looks at what became of the flow. */
#ifndef ONEFLOW_H
#define ONEFLOW_H

#include "proto/l4proto.h"
#include <ctcore/event.h>
#include <ctcore/lists.h>
#include <string.h>

struct flow {
    const struct l4proto *proto;
    union ct_proto_state st;
    struct ct_params params;
    uint32_t status;
    uint64_t now_ms, expires_ms;
    bool alive;
    /* the last packet */
    enum ct_reason why;
    struct track said;
    bool told; /* of a change of its state there was an event, of none not */
};

static inline struct ct_params flow_params(void)
{
    return (struct ct_params){{
#define P(name, linux_, weir, rfc, min, max, unit, when, help)                 \
    [CT_PARAM_##name] = linux_,
        CT_PARAMS(P)
#undef P
    }};
}

static inline struct flow flow_new(const struct l4proto *proto)
{
    return (struct flow){
        .proto = proto, .params = flow_params(), .now_ms = 1000};
}

static inline uint64_t flow_left_ms(const struct flow *f)
{
    return f->alive && f->expires_ms > f->now_ms ? f->expires_ms - f->now_ms
                                                 : 0;
}

static inline void flow_packet(struct flow *f, const struct ct_pkt *pkt,
                               enum ct_dir dir)
{
    union ct_proto_state st = f->st;
    unsigned was = 0;

    f->told = true;
    if (f->alive && f->now_ms >= f->expires_ms)
        f->alive = false;
    f->said = (struct track){.pkt = pkt,
                             .params = &f->params,
                             .dir = dir,
                             .status = f->alive ? f->status : 0,
                             .left_ms = flow_left_ms(f),
                             .now_ms = f->now_ms};
    if (!f->alive) {
        f->status = 0;
        memset(&st, 0, sizeof st);
        memset(&f->st, 0, sizeof f->st);
        f->why = f->proto->opens(&st, &f->said);
        if (f->why != CT_REASON_NONE)
            return;
    } else if (f->proto->state) {
        was = 1u + f->proto->state(&f->st);
    }
    f->why = f->proto->track(&st, &f->said);
    if (f->why != CT_REASON_NONE) {
        uint64_t limit = f->params.v[f->said.timeout] * UINT64_C(1000);

        if (f->said.act & (TRACK_KEEP | TRACK_LOWER))
            f->st = st;
        if (f->said.act & TRACK_LOWER && f->said.left_ms > limit)
            f->expires_ms = f->now_ms + limit;
        return;
    }
    f->alive = !(f->said.act & (TRACK_REOPEN | TRACK_KILL));
    if (!f->alive)
        return;
    f->st = st;
    if (was)
        f->told = !(f->said.events & CT_EVENT_PROTOINFO) ==
                  (was == 1u + f->proto->state(&f->st));
    if (f->said.act & TRACK_REFRESH)
        f->expires_ms =
            f->now_ms + f->params.v[f->said.timeout] * UINT64_C(1000);
    if (f->said.act & TRACK_ASSURED)
        f->status |= CT_ASSURED;
    if (dir == CT_DIR_REPLY && !(f->said.act & TRACK_NO_REPLY))
        f->status |= CT_SEEN_REPLY;
}

#endif
