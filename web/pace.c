/* pace.c - the places of one turn, shared by all that walk a table */
#include "pace.h"

void pace_begin(struct site *site, struct pace *p)
{
    *p = (struct pace){0};
    site->walks++;
}

void pace_end(struct site *site)
{
    site->walks--;
}

bool pace_take(struct site *site, struct pace *p, uint32_t n)
{
    if (p->turn != site->turn) {
        p->turn = site->turn;
        p->left = PACE_TURN / (site->walks ? site->walks : 1);
        if (p->left < PACE_LEAST)
            p->left = PACE_LEAST;
    }
    if (p->left == 0)
        return false;
    p->left -= n < p->left ? n : p->left;
    return true;
}
