/* pace.c - the places of one turn, shared by all that walk a table */
#include "http/pace.h"

void pace_begin(struct site *site, struct pace *p)
{
    *p = (struct pace){0};
    site->walks++;
}

void pace_end(struct site *site)
{
    site->walks--;
}

static void spend_places(uint32_t *left, uint32_t n)
{
    *left -= n < *left ? n : *left;
}

/* The shares of all walks add up to one turn's places; a walk that begins in
 * the middle of a turn may find them taken. */
bool pace_take(struct site *site, struct pace *p, uint32_t n)
{
    if (site->places.turn != site->turn) {
        site->places.turn = site->turn;
        site->places.left = PACE_TURN;
    }
    if (p->turn != site->turn) {
        p->turn = site->turn;
        p->left = PACE_TURN / (site->walks ? site->walks : 1);
        if (p->left < PACE_LEAST)
            p->left = PACE_LEAST;
    }
    if (p->left == 0 || site->places.left == 0)
        return false;
    spend_places(&p->left, n);
    spend_places(&site->places.left, n);
    return true;
}
