/* start.c - the process that changes the kernel, begun */
#include "order/start.h"

#include "gateway/saved.h"
#include "kernel/xtables.h"
#include "order/serve.h"
#include "system/descriptors.h"
#include "system/order.h"
#include "system/sandbox.h"

#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static void fill_limits(const struct config *config, struct order_limits *out)
{
    char path[128];

    *out = (struct order_limits){.gateway = config->gateway.set,
                                 .n_tuns = config->n_ifaces};
    for (uint32_t i = 0; i < config->n_ifaces; i++) {
        const struct config_iface *f = &config->iface[i];

        (void)snprintf(out->tun[i], sizeof out->tun[i], "%s", f->tun);
        out->address[i] =
            (struct order_address){f->kernel_address_set, f->kernel_family,
                                   f->kernel_len, f->kernel_address};
    }
    for (uint32_t i = 0; i < config->gateway.n; i++)
        (void)snprintf(out->device[i], sizeof out->device[i], "%s",
                       config->gateway.device[i]);
    if (config->gateway.set &&
        gateway_saved_path(config->web.socket, path) != NULL)
        out->n_left = gateway_saved_left(path, out->left, ORDER_DEVICES_KNOWN);
}

_Noreturn static void serve(int fd, const struct order_limits *limits)
{
    const struct sandbox_place settings = {"/proc/sys/net", SANDBOX_WRITE};
    char err[256];

    (void)prctl(PR_SET_NAME, "weir-orders", 0, 0, 0);
    fd = descriptors_keep(fd);
    if (limits->gateway)
        xtables_open();
    if (fd < 0 || sandbox_settle(true, err) < 0 ||
        order_serve_begin(fd, limits) < 0 ||
        sandbox_confine(&settings, 1, err) < 0 ||
        sandbox_limit_calls(SANDBOX_ORDERS, err) < 0)
        _exit(1);
    _exit(order_serve());
}

int order_start(const struct config *config, char err[256])
{
    struct order_limits limits;
    int serves = -1, code;

    if (!sandbox_may_net_admin())
        return 0;
    fill_limits(config, &limits);
    code = system_order_fork(&serves);
    if (code == 0)
        serve(serves, &limits);
    if (code > 0)
        code = system_order_greet();
    if (code == 0)
        return 0;
    (void)snprintf(err, 256,
                   "can't begin the process that changes the kernel: %s",
                   strerror(-code));
    system_order_end();
    return -1;
}
