/* changes.c - see changes.h */
#include "gateway/changes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct gateway_setting_change *
gateway_changes_find(struct gateway_settings *all, enum gateway_setting s,
                     const char *device)
{
    for (uint32_t i = 0; i < all->n; i++)
        if (all->change[i].setting == s &&
            strcmp(all->change[i].device, device) == 0)
            return &all->change[i];
    return NULL;
}

struct gateway_setting_change *gateway_changes_add(struct gateway_settings *all,
                                                   enum gateway_setting s,
                                                   const char *device)
{
    struct gateway_setting_change *c = gateway_changes_find(all, s, device);

    if (c == NULL && all->n == all->room) {
        uint32_t room = all->room == 0 ? 32 : all->room * 2;

        c = realloc(all->change, room * sizeof *c);
        if (c == NULL)
            return NULL;
        all->change = c;
        all->room = room;
        c = NULL;
    }
    if (c == NULL) {
        c = &all->change[all->n++];
        memset(c, 0, sizeof *c);
        c->setting = s;
        c->master = GATEWAY_NOT_KNOWN;
        snprintf(c->device, sizeof c->device, "%s", device);
    }
    return c;
}

void gateway_changes_forget(struct gateway_settings *all, uint32_t i)
{
    all->change[i] = all->change[--all->n];
}
