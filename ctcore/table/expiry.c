/* expiry.c - move flows to the end of their list, and find who is first */
#include "table/expiry.h"

static void open_list(struct expiry *e, uint32_t at, uint8_t param,
                      uint8_t class, uint64_t ms)
{
    e->list[at] = (struct expiry_list){
        .head = CT_NONE,
        .tail = CT_NONE,
        .ms = ms,
        .param = param,
        .class = class,
        .current = true,
    };
    e->map[param][class] = (uint8_t)at;
}

static uint64_t to_ms(uint32_t s)
{
    return (uint64_t)s * 1000;
}

void expiry_init(struct expiry *e, struct ct_conn *conns,
                 const struct ct_params *params, ct_time now)
{
    uint32_t at = 0;

    e->conns = conns;
    e->birth_ms = now.ms;
    e->now_ms = now.ms;
    e->now_s = 0;
    e->own.conns = conns;
    for (uint32_t i = 0; i < EXPIRY_N_LISTS + EXPIRY_N_CLASSES; i++)
        e->list[i] = (struct expiry_list){.head = CT_NONE, .tail = CT_NONE};
    for (uint8_t p = 0; p < CT_N_TIMEOUTS; p++)
        for (uint8_t c = 0; c < EXPIRY_N_CLASSES; c++)
            open_list(e, at++, p, c, to_ms(params->v[p]));
}

/* A former list of just that duration that still has flows, or none. */
static uint32_t same_list(const struct expiry *e, uint8_t param, uint8_t class,
                          uint64_t ms)
{
    for (uint32_t i = 0; i < EXPIRY_N_LISTS; i++) {
        const struct expiry_list *l = &e->list[i];

        if (!l->current && l->count > 0 && l->param == param &&
            l->class == class && l->ms == ms)
            return i;
    }
    return CT_NONE;
}

/* A list that is not in use, or the one that stands there: then its flows keep
 * their deadlines but a later one may hide an earlier one for a while. */
static uint32_t spare_list(const struct expiry *e, uint32_t old)
{
    if (e->list[old].count == 0)
        return old;
    for (uint32_t i = 0; i < EXPIRY_N_LISTS; i++)
        if (!e->list[i].current && e->list[i].count == 0)
            return i;
    return old;
}

static void change_timeout(struct expiry *e, uint8_t p, uint8_t c, uint64_t ms)
{
    uint32_t old = e->map[p][c], at = same_list(e, p, c, ms);

    if (at != CT_NONE) {
        e->list[old].current = false;
        e->list[at].current = true;
        e->map[p][c] = (uint8_t)at;
        return;
    }
    at = spare_list(e, old);
    if (at == old && e->list[old].count > 0) {
        e->list[old].ms = ms;
        return;
    }
    e->list[old].current = false;
    open_list(e, at, p, c, ms);
}

void expiry_set_params(struct expiry *e, const struct ct_params *params)
{
    for (uint8_t p = 0; p < CT_N_TIMEOUTS; p++)
        for (uint8_t c = 0; c < EXPIRY_N_CLASSES; c++) {
            uint64_t ms = to_ms(params->v[p]);

            if (e->list[e->map[p][c]].ms != ms)
                change_timeout(e, p, c, ms);
        }
}

/* Data and its acknowledgement move a TCP flow to and fro between two lists, so
 * this is on a packet's path. */
static inline __attribute__((always_inline)) void unlink(struct expiry *e,
                                                         uint32_t slot)
{
    struct ct_conn *c = &e->conns[slot];
    struct expiry_list *l;

    if (c->list == EXPIRY_NO_LIST)
        return;
    l = &e->list[c->list];
    if (c->exp_prev != CT_NONE)
        e->conns[c->exp_prev].exp_next = c->exp_next;
    else
        l->head = c->exp_next;
    if (c->exp_next != CT_NONE)
        e->conns[c->exp_next].exp_prev = c->exp_prev;
    else
        l->tail = c->exp_prev;
    l->count--;
}

static void append_slot(struct expiry *e, uint32_t slot, uint8_t list)
{
    struct ct_conn *c = &e->conns[slot];
    struct expiry_list *l = &e->list[list];

    c->exp_prev = l->tail;
    c->exp_next = CT_NONE;
    if (l->tail != CT_NONE)
        e->conns[l->tail].exp_next = slot;
    else
        l->head = slot;
    l->tail = slot;
    l->count++;
    conn_set(c->list, list);
}

void expiry_move(struct expiry *e, uint32_t slot, uint8_t list)
{
    unlink(e, slot);
    append_slot(e, slot, list);
    conn_set(e->conns[slot].listed, e->now_s);
}

void expiry_refresh_own(struct expiry *e, uint32_t slot, uint32_t s,
                        enum expiry_class class, ct_time now)
{
    struct ct_conn *c = &e->conns[slot];
    uint8_t list = (uint8_t)(EXPIRY_OWN + class);

    ct_assert(e->own.at && (c->seq & 1));
    expiry_set_now(e, now);
    conn_set(c->expires, now.ms + to_ms(s));
    if (c->list != list || c->listed != e->now_s)
        expiry_move(e, slot, list);
    deadlines_set(&e->own, slot);
}

void expiry_remove(struct expiry *e, uint32_t slot)
{
    unlink(e, slot);
    conn_set(e->conns[slot].list, (uint8_t)EXPIRY_NO_LIST);
    deadlines_remove(&e->own, slot);
}

uint32_t expiry_due(struct expiry *e, ct_time now, struct expiry_sweep *sweep)
{
    for (; sweep->from < EXPIRY_N_LISTS; sweep->from++) {
        uint32_t head = e->list[sweep->from].head;

        if (head != CT_NONE && e->conns[head].expires <= now.ms)
            return head;
    }
    return deadlines_due(&e->own, now, &sweep->left);
}

ct_time expiry_next(const struct expiry *e, ct_time now)
{
    ct_time next = ct_time_add_s(now, 1);

    for (uint32_t i = 0; i < EXPIRY_N_LISTS; i++) {
        uint32_t head = e->list[i].head;

        if (head != CT_NONE && e->conns[head].expires < next.ms)
            next.ms = e->conns[head].expires;
    }
    if (deadlines_next(&e->own) < next.ms)
        next.ms = deadlines_next(&e->own);
    return next;
}
