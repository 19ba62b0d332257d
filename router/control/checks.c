/* checks.c - is the router ready?  Its devices, and what they lead to */
#include "control/checks.h"

#include "control/private.h"
#include "system/clock.h"

#include <stdio.h>

static void tell(struct control *c, const char *what, const char *name,
                 const struct gateway_finding *f)
{
    char check[32];

    snprintf(check, sizeof check, "%s%s%s", what, name[0] != '\0' ? "." : "",
             name);
    (void)system_health_tell(&c->health, check, f->level, f->text, clock_now());
}

static struct gateway_finding look_tun(const struct device *d)
{
    struct gateway_finding f = {.level = HEALTH_OK};

    if (d->lost)
        snprintf(f.text, sizeof f.text, "device %s is gone", d->tun.name);
    else if (d->down)
        snprintf(f.text, sizeof f.text,
                 "device %s is down; say: ip link set %s up", d->tun.name,
                 d->tun.name);
    if (f.text[0] != '\0')
        f.level = HEALTH_FAIL;
    return f;
}

static struct gateway_finding look_rules(const struct control *c)
{
    struct gateway_finding f = {.level = HEALTH_OK};

    if (c->complaint[0] == '\0')
        return f;
    f.level = HEALTH_FAIL;
    snprintf(f.text, sizeof f.text, "%s", c->complaint);
    return f;
}

static struct gateway_finding look_ports(const struct control *c)
{
    struct gateway_finding f = {.level = HEALTH_OK};

    for (int i = 0; i < 2 && f.level == HEALTH_OK; i++) {
        const struct bound *b = &c->bound[i];

        if (b->ports < BOUND_WARN)
            continue;
        f.level = HEALTH_WARN;
        snprintf(f.text, sizeof f.text,
                 "sockets of this host have %u of %u %s ports, %u of them "
                 "clients' flows may have, too; say: ss -%slnp",
                 b->ports, (unsigned)BOUND_PORTS, i == 0 ? "TCP" : "UDP",
                 b->left_out, i == 0 ? "t" : "u");
    }
    return f;
}

/* The TUN's own fault comes first: without it nothing passes. */
void checks_look(struct control *c)
{
    struct gateway_health health = {.route.level = HEALTH_OK};
    struct gateway_finding f;

    if (c->gateway != NULL)
        gateway_check(c->gateway, &c->facts, &health);
    for (uint32_t i = 0; i < c->n_devices; i++) {
        f = look_tun(&c->device[i]);
        if (f.level == HEALTH_OK && c->gateway != NULL)
            f = health.device[i];
        tell(c, "interface", c->now->config->iface[i].name, &f);
    }
    if (c->gateway == NULL)
        return;
    for (uint32_t i = 0; i < c->facts.n; i++)
        tell(c, "address", c->facts.device[i].label, &health.address[i]);
    tell(c, "route", "default", &health.route);
    tell(c, "route", "back", &health.back);
    tell(c, "forward", "", &health.forward);
    f = look_ports(c);
    tell(c, "ports", "", &f);
    f = look_rules(c);
    tell(c, "gateway", "", &f);
}
