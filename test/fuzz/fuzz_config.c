/* fuzz_config.c - libFuzzer: any file is refused with words, or loads whole
 *
 * Behind a zero byte stand facts about the devices of gateway mode, then
 * WEIR_* variables, each ended by a zero byte.  A file that is taken must be
 * taken again from the text that was kept. */
#include "config/config.h"
#include "config/load.h"
#include "config/print.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_ENV = 16, MAX_ROUTES = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct input {
    const uint8_t *at;
    size_t n;
};

static uint8_t take(struct input *in)
{
    if (in->n == 0)
        return 0;
    in->n--;
    return *in->at++;
}

static void take_addr(struct input *in, union ct_addr *addr, uint8_t *family,
                      uint8_t *len)
{
    *family = take(in) & 1 ? CT_IPV6 : CT_IPV4;
    *len = (uint8_t)(take(in) % (*family == CT_IPV6 ? 129 : 33));
    for (unsigned i = 0; i < (*family == CT_IPV6 ? 16u : 4u); i++)
        addr->b[i] = take(in);
}

static void take_facts(struct input *in, struct config_facts *facts,
                       struct config_facts_route route[MAX_ROUTES])
{
    facts->n = 2;
    for (unsigned side = 0; side < 2; side++) {
        struct config_facts_device *d = &facts->device[side];

        d->mtu = (uint16_t)(take(in) << 8 | take(in));
        d->n_addrs = take(in) % 9;
        for (unsigned i = 0; i < d->n_addrs; i++)
            take_addr(in, &d->addr[i].addr, &d->addr[i].family,
                      &d->addr[i].len);
    }
    facts->routes = route;
    facts->n_routes = take(in) % (MAX_ROUTES + 1);
    for (unsigned i = 0; i < facts->n_routes; i++)
        take_addr(in, &route[i].addr, &route[i].family, &route[i].len);
}

static void take_env(struct input *in, char *env[MAX_ENV + 1])
{
    for (unsigned i = 0; i < MAX_ENV && in->n > 0; i++) {
        const uint8_t *end = memchr(in->at, 0, in->n);
        size_t n = end != NULL ? (size_t)(end - in->at) : in->n;

        env[i] = strndup((const char *)in->at, n);
        if (env[i] == NULL)
            abort();
        n += end != NULL;
        in->at += n;
        in->n -= n;
    }
}

static FILE *sink;

/* The first byte it says is enough to know that it said something. */
static struct config *load(const char *path, const struct config_input *in)
{
    struct config *config = NULL;
    char said[2] = "";
    FILE *err = fmemopen(said, sizeof said, "w");
    int code;

    if (err == NULL)
        abort();
    setbuf(err, NULL);
    code = config_load(path, in, &config, err);
    fclose(err);
    if ((code == 0) != (config != NULL) || (code != 0 && said[0] == '\0'))
        abort();
    return config;
}

static void never(void *ctx, const struct config_error *error)
{
    (void)ctx;
    (void)error;
    abort();
}

static void try_all(const char *path, const struct config_input *in)
{
    struct config *config = load(path, in), *again;

    if (config == NULL)
        return;
    config_print(config, sink);
    if (config_load_text(config->text, config->text_len, in, &again, never,
                         NULL) != 0)
        abort();
    config_load_free(again);
    config_load_free(config);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static char path[] = "/tmp/weir-fuzz-XXXXXX";
    static int fd = -1;
    const uint8_t *zero = size > 0 ? memchr(data, 0, size) : NULL;
    size_t n = zero != NULL ? (size_t)(zero - data) : size;
    struct input rest = {data + n + 1, zero != NULL ? size - n - 1 : 0};
    struct config_facts_route route[MAX_ROUTES] = {0};
    struct config_facts facts = {0};
    char *env[MAX_ENV + 1] = {NULL};
    struct config_input in = {.env = env};

    if (fd < 0) {
        fd = mkstemp(path);
        sink = fopen("/dev/null", "w");
        if (fd < 0 || !sink)
            abort();
    }
    if (ftruncate(fd, 0) != 0 || pwrite(fd, data, n, 0) != (ssize_t)n)
        abort();
    if (zero != NULL) {
        take_facts(&rest, &facts, route);
        take_env(&rest, env);
        in.facts = &facts;
    }
    try_all(path, &in);
    if (n == 0)
        try_all(NULL, &in);
    for (unsigned i = 0; i < MAX_ENV; i++)
        free(env[i]);
    return 0;
}
