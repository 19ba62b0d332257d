/* config.c - what other modules ask of a configuration that is whole */
#include "config/config.h"

#include <stdio.h>
#include <string.h>

void config_ct_ifaces(const struct config *config, struct ct_ifaces *out)
{
    memset(out, 0, sizeof(*out));
    out->n = config->n_ifaces;
    out->host = config->gateway.set;
    for (uint32_t i = 0; i < config->n_ifaces; i++) {
        const struct config_iface *from = &config->iface[i];
        struct ct_iface *to = &out->iface[i];

        to->inside = from->inside;
        to->unnumbered = from->unnumbered;
        to->mtu = from->mtu;
        to->n_addrs = from->n_addrs;
        for (unsigned a = 0; a < from->n_addrs; a++) {
            to->addr[a] = from->addr[a].addr;
            to->family[a] = from->addr[a].family;
            to->prefix[a] = from->addr[a].len;
        }
    }
}

void config_gateway_key(uint32_t number, const char *name, char key[32])
{
    snprintf(key, 32, "gateway.%s%.15s",
             number <= CONFIG_GATEWAY_WAN ? "" : "more.", name);
}

void config_gateway_tun(const char *name, char tun[16])
{
    snprintf(tun, 16, "weir-%.10s", name);
}

uint8_t config_iface_find(const struct config *config, const char *name)
{
    for (uint32_t i = 0; i < config->n_ifaces; i++)
        if (strcmp(config->iface[i].name, name) == 0)
            return (uint8_t)i;
    return CT_NO_IFACE;
}
