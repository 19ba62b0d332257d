/* line.c - packets that wait for a verdict, in the order they came */
#include "queue/line.h"

enum { WORKER_SHIFT = 56, INDEX_SHIFT = 32, INDEX_MASK = 0xffffff };

bool queue_line_setup(struct queue_lines *l, struct held *const *held,
                      uint32_t n_workers)
{
    memset(l, 0, sizeof *l);
    l->n_workers = n_workers;
    l->held = held;
    for (uint32_t w = 0; w < n_workers; w++) {
        l->ticket[w] = calloc(held[w]->n + 1, sizeof *l->ticket[w]);
        if (l->ticket[w] == NULL) {
            queue_line_free(l);
            return false;
        }
    }
    return true;
}

void queue_line_free(struct queue_lines *l)
{
    for (uint32_t w = 0; w < l->n_workers; w++) {
        free(l->ticket[w]);
        l->ticket[w] = NULL;
    }
}

bool queue_line_join(struct queue_lines *l, uint32_t worker)
{
    struct held_packet *p = held_next(l->held[worker]);
    struct queue_ticket *t;
    struct queue_line *line;

    if (p == NULL)
        return false;
    t = &l->ticket[worker][p->index];
    line = &l->line[p->queue];
    *t = (struct queue_ticket){.packet = p,
                               .worker = worker,
                               .serial = t->serial + 1,
                               .prev = line->tail};
    if (line->tail != NULL)
        line->tail->next = t;
    else
        line->head = t;
    line->tail = t;
    if (line->unsent == NULL)
        line->unsent = t;
    return true;
}

uint64_t queue_line_id(const struct queue_ticket *t)
{
    return (uint64_t)t->worker << WORKER_SHIFT |
           (uint64_t)t->packet->index << INDEX_SHIFT | t->serial;
}

struct queue_ticket *queue_line_find(const struct queue_lines *l, uint64_t id)
{
    uint64_t worker = id >> WORKER_SHIFT;
    uint64_t index = id >> INDEX_SHIFT & INDEX_MASK;
    struct queue_ticket *t;

    if (worker >= l->n_workers || index >= l->held[worker]->n)
        return NULL;
    t = &l->ticket[worker][index];
    return t->packet != NULL && t->sent && t->serial == (uint32_t)id ? t : NULL;
}

void queue_line_sent(struct queue_line *line)
{
    line->unsent->sent = true;
    line->unsent = line->unsent->next;
}

void queue_line_answer(struct queue_lines *l, struct queue_ticket *t,
                       enum held_cause cause)
{
    struct held_packet *p = t->packet;
    struct queue_line *line = &l->line[p->queue];

    *(t->prev != NULL ? &t->prev->next : &line->head) = t->next;
    *(t->next != NULL ? &t->next->prev : &line->tail) = t->prev;
    if (line->unsent == t)
        line->unsent = t->next;
    t->packet = NULL;
    p->cause = cause;
    held_answer(l->held[t->worker], p);
}
