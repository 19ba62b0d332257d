/* load.c - a configuration file becomes a struct config, or errors
 *
 *     text -> jsonc_clean -> jansson -> the environment's keys -> readers, key
 *     by key -> what no single key can tell -> errors with their places, or the
 *     configuration
 *
 * Readers never stop at an error; only a text that is no JSON is told alone. */
#include "config/load.h"

#include "config/config.h"
#include "config/conntrack.h"
#include "config/env.h"
#include "config/gateway.h"
#include "config/ifaces.h"
#include "config/queues.h"
#include "config/routes.h"
#include "config/rule/exempt.h"
#include "config/rule/helper.h"
#include "config/rule/order.h"
#include "config/rule/rules.h"
#include "config/rule/sets.h"
#include "config/rule/steer.h"
#include "config/rule/timeouts.h"
#include "config/section.h"
#include "config/service.h"
#include "config/tell.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FAILED = 1, REFUSED = 2 };

/* ---- the keys, in the order in which they need each other ---- */

static const struct config_key top_keys[] = {
    {"interfaces", config_ifaces_read},
    {"gateway", config_gateway_read},
    {"routes", config_routes_read},
    {"workers", config_section_read_row},
    {"sets", config_sets_read},
    {"queues", config_queues_read}, /* rules name them */
    {"rules", config_rules_read},
    {"api", config_service_read_api},
    {"seed", config_service_read_seed},
};

static void set_config_defaults(struct config_read *r)
{
    struct config *c = r->config;

    memset(c->rules.policy, CT_ACCEPT, sizeof(c->rules.policy));
    config_option_defaults(c);
    config_service_defaults(c);
    config_conntrack_defaults(r);
}

static void read_all(struct config_read *r)
{
    json_t *root = r->memory->root;

    config_env_merge(r);
    set_config_defaults(r);
    config_section_read_with(r, root, top_keys, CONFIG_READ_N(top_keys),
                             r->config);
    if (!json_is_object(root))
        return;
    config_gateway_check(r);
    config_rules_add_gateway(r);
    config_routes_finish(r);
    config_conntrack_finish(r);
    config_helper_check(r);
    config_timeouts_finish(r);
    config_service_finish(r);
    config_queues_finish(r);
    config_exempt_make(r);
    config_order_make(r);
    config_steer_make(r);
}

/* ---- telling ---- */

static void report_config_error(const struct config_teller *t, uint32_t line,
                                uint32_t column, const char *pointer,
                                const char *message)
{
    struct config_error error = {line, column, pointer, message, NULL};

    t->fn(t->ctx, &error);
}

/* jansson stops behind the key that came twice. */
static void tell_twice(const char *text, size_t len, char *clean, size_t end,
                       const struct config_teller *t)
{
    struct jsonc_error error = {.line = 1, .column = 1};
    size_t start = end < len ? end : len;

    for (start -= start > 0; start > 0; start--)
        if (text[start - 1] == '"') {
            size_t slashes = 0;

            while (slashes < start - 1 && text[start - 2 - slashes] == '\\')
                slashes++;
            if (slashes % 2 == 0)
                break;
        }
    /* Cut behind the key, the scanner fails there and says where it was. */
    (void)jsonc_clean(text, end < len ? end : len, clean, &error);
    jsonc_position(text, start > 0 ? start - 1 : 0, &error.line, &error.column);
    report_config_error(t, error.line, error.column, error.pointer,
                        "this key is set twice; use each key once");
}

/* ---- reading ---- */

/* The scanner has refused whatever jansson would, except a key given twice; so
 * what else goes wrong there is for want of memory. */
static int refuse_json(const char *text, size_t len, char *clean,
                       const json_error_t *e, const struct config_teller *t)
{
    if (json_error_code(e) == json_error_duplicate_key) {
        tell_twice(text, len, clean, (size_t)e->position, t);
        return REFUSED;
    }
    report_config_error(t, 0, 0, "", "out of memory");
    return FAILED;
}

/* r and all that changes in it live with the caller: a jump back finds them. */
static int parse_config_text(struct config_read *r, const char *text,
                             size_t len, char *clean,
                             const struct config_teller *t)
{
    struct jsonc_error error;
    json_error_t json_error;

    if (setjmp(r->no_memory) != 0) {
        report_config_error(t, 0, 0, "", "out of memory");
        return FAILED;
    }
    if (!jsonc_clean(text, len, clean, &error)) {
        report_config_error(t, error.line, error.column, error.pointer,
                            error.text);
        return REFUSED;
    }
    r->memory->root = json_loadb(
        clean, len, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &json_error);
    if (r->memory->root == NULL)
        return refuse_json(text, len, clean, &json_error, t);
    read_all(r);
    if (r->n_errors == 0)
        return 0;
    config_tell(r, text, clean, len, t);
    return REFUSED;
}

static bool keep_text(struct config *config, const char *text, size_t len)
{
    config->text = malloc(len + 1);
    if (config->text == NULL)
        return false;
    memcpy(config->text, text, len);
    config->text[len] = '\0';
    config->text_len = len;
    return true;
}

int config_load_text(const char *text, size_t len,
                     const struct config_input *in, struct config **out,
                     config_error_fn *fn, void *ctx)
{
    struct config_teller t = {fn, ctx};
    struct config_rules rules = {.n = 0};
    struct config_read r = {.rules = &rules};
    size_t room = len <= JSONC_MAX_BYTES ? len + 1 : 1;
    char *clean = malloc(room);
    int code = FAILED;

    *out = NULL;
    if (in != NULL) {
        r.facts = in->facts;
        r.env = in->env;
        r.token = in->token;
        r.profile = in->profile;
    }
    r.config = calloc(1, sizeof(*r.config));
    r.memory = calloc(1, sizeof(*r.memory));
    if (r.config != NULL)
        r.config->memory = r.memory;
    if (clean != NULL && r.memory != NULL && r.config != NULL &&
        keep_text(r.config, text, room - 1))
        code = parse_config_text(&r, text, len, clean, &t);
    else
        report_config_error(&t, 0, 0, "", "out of memory");
    config_read_free(r.scratch);
    free(clean);
    if (code == 0) {
        *out = r.config;
        return 0;
    }
    if (r.config == NULL)
        free(r.memory);
    config_load_free(r.config);
    return code;
}

void config_load_free(struct config *config)
{
    struct config_memory *memory;

    if (config == NULL)
        return;
    memory = config->memory;
    if (memory != NULL) {
        config_read_free(memory->blocks);
        json_decref(memory->root);
        for (uint32_t i = 0; i < memory->n_made; i++)
            json_decref(memory->made[i]);
        free(memory);
    }
    free(config->text);
    explicit_bzero(config->token, sizeof(config->token));
    free(config);
}

/* One byte more than allowed is read, so that too much is seen as such. */
static char *read_config_file(int fd, size_t *len)
{
    size_t room = 65536, n = 0;
    char *text = malloc(room), *more;
    ssize_t got = 1;

    while (text != NULL && got > 0 && n <= JSONC_MAX_BYTES) {
        if (n == room) {
            room *= 2;
            if ((more = realloc(text, room)) == NULL)
                free(text);
            text = more;
            continue;
        }
        got = read(fd, text + n, room - n);
        if (got < 0 && errno == EINTR)
            got = 1;
        else if (got > 0)
            n += (size_t)got;
    }
    if (text != NULL && got < 0) {
        free(text);
        return NULL;
    }
    *len = n;
    return text;
}

/* A descriptor, or -1 with why. */
static int open_file(const char *path, bool bounded, const char **why)
{
    /* O_NONBLOCK: the open of a FIFO would wait for its writer. */
    int fd = open(path,
                  O_RDONLY | O_CLOEXEC | O_NOCTTY | (bounded ? O_NONBLOCK : 0));
    struct stat st;

    if (fd >= 0 && (!bounded || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))))
        return fd;
    *why = fd < 0 ? strerror(errno)
                  : "not a regular file; a reload needs a regular file";
    if (fd >= 0)
        close(fd);
    return -1;
}

/* Root becomes another user before it reads, and is surprised. */
static const char *describe_denied_read(char text[384])
{
    snprintf(text, 384,
             "%s: user %u, who weir runs as, can't read it; let that user read "
             "it and pass its folders, or start weir with --user and one who "
             "can; a running weir reads no file outside of the folders that "
             "its files were in at the start",
             strerror(EACCES), (unsigned)geteuid());
    return text;
}

int config_load_try(const char *path, const struct config_input *in,
                    struct config **out, config_error_fn *fn, void *ctx)
{
    struct config_teller t = {fn, ctx};
    const char *why = NULL;
    char *text = NULL, room[384];
    size_t len = 0;
    int fd, code;

    *out = NULL;
    if (path == NULL)
        return config_load_text("{}", 2, in, out, fn, ctx);
    errno = 0;
    fd = open_file(path, in != NULL && in->bounded, &why);
    if (fd < 0 && errno == EACCES)
        why = describe_denied_read(room);
    if (fd >= 0) {
        text = read_config_file(fd, &len);
        why = strerror(errno);
        close(fd);
    }
    if (text == NULL) {
        report_config_error(&t, 0, 0, "", why);
        return FAILED;
    }
    code = config_load_text(text, len, in, out, fn, ctx);
    free(text);
    return code;
}

const char *config_load_where(const char *given, char *const *env)
{
    if (given == NULL)
        given = config_env_get(env, "WEIR_CONFIG");
    if (given == NULL && access(CONFIG_PLACE, F_OK) == 0)
        given = CONFIG_PLACE;
    return given;
}

int config_load(const char *path, const struct config_input *in,
                struct config **out, FILE *err)
{
    struct config_printer p = {path, err};

    return config_load_try(path, in, out, config_tell_print, &p);
}
