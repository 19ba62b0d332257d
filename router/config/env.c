/* env.c - options from the environment: WEIR_* becomes a key of the file
 *
 * Every scalar with a fixed place has a name: WEIR_ and its JSON pointer in
 * capitals, /log/level is WEIR_LOG_LEVEL; so have those of further devices,
 * whose names are free: /gateway/more/dmz/side.  Values go into the tree before
 * the readers run, so they meet the same checks; who gave them is remembered
 * for errors and for --print-config. */
#include "config/env.h"

#include "config/option.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct option {
    char pointer[64];
    char name[64];
    enum config_form form;
};

/* Names that are no keys: of the command line, of tests, of secrets. */
static const char *const others[] = {
    "WEIR_CONFIG",    "WEIR_USER", "WEIR_SANDBOX", "WEIR_SOCKET",
    "WEIR_API_TOKEN", "WEIR_BIN",  "WEIR_TESTS",
};

static struct option option_at(unsigned i)
{
    struct option o = {.form = config_option[i].form};

    snprintf(o.pointer, sizeof(o.pointer), "%s", config_option[i].pointer);
    config_option_variable(&config_option[i], o.name);
    return o;
}

/* An option of a further device, WEIR_GATEWAY_MORE_DMZ_SIDE: the device is
 * called as the variable says, in small letters. */
static bool is_further(const char *entry, struct option *o)
{
    static const char begin[] = "WEIR_GATEWAY_MORE_";
    static const struct {
        const char *end, *key;
    } kinds[] = {{"_DEVICE", "device"}, {"_SIDE", "side"}};
    const size_t n = strcspn(entry, "="), skip = sizeof begin - 1;

    if (strncmp(entry, begin, skip) != 0 || n >= sizeof o->name)
        return false;
    for (size_t i = 0; i < CONFIG_READ_N(kinds); i++) {
        size_t len = strlen(kinds[i].end);
        char name[sizeof o->name] = "";

        if (n <= skip + len || strncmp(entry + n - len, kinds[i].end, len) != 0)
            continue;
        for (size_t k = 0; k < n - len - skip; k++) {
            name[k] = (char)tolower((unsigned char)entry[skip + k]);
            if (name[k] == '/')
                return false;
        }
        o->form = CONFIG_AS_TEXT;
        snprintf(o->name, sizeof o->name, "%.*s", (int)n, entry);
        return snprintf(o->pointer, sizeof o->pointer, "/gateway/more/%s/%s",
                        name, kinds[i].key) < (int)sizeof o->pointer;
    }
    return false;
}

/* ---- values ---- */

static json_t *number_or_text(const char *s, size_t n)
{
    char *end;
    long long v;

    errno = 0;
    v = strtoll(s, &end, 10);
    if (n > 0 && !isspace((unsigned char)s[0]) && s[0] != '+' && end == s + n &&
        errno == 0)
        return json_integer(v);
    return json_stringn(s, n);
}

static json_t *list_of(const char *s)
{
    json_t *list = json_array();

    for (;;) {
        size_t n = strcspn(s, ","), gap = strspn(s, " "), last = n;

        gap = gap < n ? gap : n;
        while (last > gap && s[last - 1] == ' ')
            last--;
        if (json_array_append_new(list, number_or_text(s + gap, last - gap)) !=
            0) {
            json_decref(list);
            return NULL;
        }
        if (s[n] == '\0')
            return list;
        s += n + 1;
    }
}

static bool is_one_of(const char *s, const char *a, const char *b)
{
    return strcmp(s, a) == 0 || strcmp(s, b) == 0;
}

/* NULL: not UTF-8, or no memory.  What does not fit is given as text: the
 * reader then says what it expected. */
static json_t *to_json(const char *s, enum config_form form)
{
    switch (form) {
    case CONFIG_AS_TEXT_OR_NULL:
    case CONFIG_AS_NUMBER_OR_NULL:
        if (is_one_of(s, "null", "none"))
            return json_null();
        break;
    case CONFIG_AS_SWITCH:
        if (is_one_of(s, "true", "1"))
            return json_true();
        if (is_one_of(s, "false", "0"))
            return json_false();
        break;
    case CONFIG_AS_LIST:
        return list_of(s);
    default:
        break;
    }
    if (form == CONFIG_AS_TEXT || form == CONFIG_AS_TEXT_OR_NULL)
        return json_string(s);
    return number_or_text(s, strlen(s));
}

const char *config_env_get(char *const *env, const char *name)
{
    size_t n = strlen(name);

    for (; env != NULL && *env != NULL; env++)
        if (strncmp(*env, name, n) == 0 && (*env)[n] == '=')
            return (*env)[n + 1] != '\0' ? *env + n + 1 : NULL;
    return NULL;
}

/* ---- into the tree ---- */

static const char *copy_env_string(struct config_read *r, const char *s)
{
    size_t n = strlen(s) + 1;

    return memcpy(config_read_alloc(r, n, 1), s, n);
}

/* The object that the key stands in, made if it is not there; NULL: something
 * else is there, which its reader will tell. */
static json_t *ensure_parent_object(struct config_read *r, const char *pointer,
                                    const char **key)
{
    json_t *at = r->memory->root, *next;
    const char *slash;
    char part[64];

    for (pointer++; (slash = strchr(pointer, '/')) != NULL;
         pointer = slash + 1) {
        snprintf(part, sizeof(part), "%.*s", (int)(slash - pointer), pointer);
        next = json_object_get(at, part);
        if (next == NULL &&
            json_object_set_new(at, part, next = json_object()) != 0)
            longjmp(r->no_memory, 1);
        if (!json_is_object(next))
            return NULL;
        at = next;
    }
    *key = pointer;
    return at;
}

static void set_env_value(struct config_read *r, const struct option *o,
                          const char *name, const char *text)
{
    struct config_memory *m = r->memory;
    const char *key;
    json_t *at = ensure_parent_object(r, o->pointer, &key), *v;

    if (at == NULL)
        return;
    m->env[m->n_env].name = name = copy_env_string(r, name);
    m->env[m->n_env++].pointer = copy_env_string(r, o->pointer);
    v = to_json(text, o->form);
    if (v == NULL)
        config_read_fail_env(r, name, "the value is not UTF-8; use text");
    else if (json_object_set_new(at, key, v) != 0)
        longjmp(r->no_memory, 1);
}

/* ---- names that are none ---- */

/* What container engines set for services by name: WEIR_API_PORT and the like
 * beside a service that is called weir-api. */
static bool is_service(const char *entry)
{
    const char *value = strchr(entry, '=') + 1;

    return strncmp(value, "tcp://", 6) == 0 ||
           strncmp(value, "udp://", 6) == 0 ||
           strstr(entry, "_SERVICE_HOST") != NULL ||
           strstr(entry, "_SERVICE_PORT") != NULL ||
           strstr(entry, "_PORT_") != NULL;
}

static bool is_other(const char *name)
{
    for (size_t i = 0; i < CONFIG_READ_N(others); i++)
        if (strcmp(name, others[i]) == 0)
            return true;
    return false;
}

/* Can a name that begins like that be nothing but an option? */
static bool has_section(const char *name)
{
    for (unsigned i = 0; i < CONFIG_N_OPTIONS; i++) {
        const char *end = strchr(config_option[i].pointer + 1, '/');
        size_t n = end == NULL ? 0 : (size_t)(end - config_option[i].pointer);
        char variable[64];

        config_option_variable(&config_option[i], variable);
        if (end != NULL && strncmp(name, variable, strlen("WEIR_") + n) == 0)
            return true;
    }
    return false;
}

static void check_name(struct config_read *r, const char *entry)
{
    size_t n = strcspn(entry, "="), least = SIZE_MAX;
    struct option nearest = {.name = ""}, further;
    char *name;

    if (strncmp(entry, "WEIR_", 5) != 0 || entry[n] == '\0')
        return;
    name = config_read_scratch(r, n + 1, 1);
    memcpy(name, entry, n);
    if (is_other(name) || is_service(entry) || is_further(entry, &further))
        return;
    for (unsigned i = 0; i < CONFIG_N_OPTIONS && least > 0; i++) {
        struct option o = option_at(i);
        size_t d = config_read_distance(name, o.name);

        if (d < least) {
            least = d;
            nearest = o;
        }
    }
    if (least > 0 && (least <= 2 || has_section(name)))
        config_read_fail_env(r, name, "unknown variable; did you mean %s?",
                             nearest.name);
}

static uint32_t count_env_entries(char *const *env)
{
    uint32_t n = 0;

    while (env[n] != NULL)
        n++;
    return n;
}

static void put_further(struct config_read *r)
{
    struct option o;

    for (char *const *entry = r->env; *entry != NULL; entry++)
        if (is_further(*entry, &o) && (*entry)[strlen(o.name) + 1] != '\0')
            set_env_value(r, &o, o.name, *entry + strlen(o.name) + 1);
}

void config_env_merge(struct config_read *r)
{
    static const char socket_name[] = "WEIR_SOCKET";

    if (r->env == NULL || !json_is_object(r->memory->root))
        return;
    r->memory->env =
        config_read_alloc(r, CONFIG_N_OPTIONS + count_env_entries(r->env),
                          sizeof(*r->memory->env));
    for (unsigned i = 0; i < CONFIG_N_OPTIONS; i++) {
        struct option o = option_at(i);
        const char *name = o.name, *text = config_env_get(r->env, name);

        /* What the commands that ask the router call it. */
        if (text == NULL && strcmp(o.pointer, "/api/socket") == 0)
            text = config_env_get(r->env, name = socket_name);
        if (text != NULL)
            set_env_value(r, &o, name, text);
    }
    put_further(r);
    for (char *const *entry = r->env; *entry != NULL; entry++)
        check_name(r, *entry);
}

/* ---- who gave it ---- */

/* Is pointer at, or below it? */
static bool is_pointer_within(const char *pointer, const char *at)
{
    size_t n = strlen(at);

    return strncmp(pointer, at, n) == 0 &&
           (pointer[n] == '\0' || pointer[n] == '/');
}

const char *config_env_source(const struct config_memory *memory,
                              const char *pointer)
{
    for (uint32_t i = 0; i < memory->n_env; i++)
        if (is_pointer_within(pointer, memory->env[i].pointer))
            return memory->env[i].name;
    return NULL;
}

const char *config_env_below(const struct config_memory *memory,
                             const char *pointer)
{
    for (uint32_t i = 0; i < memory->n_env; i++)
        if (is_pointer_within(memory->env[i].pointer, pointer))
            return memory->env[i].name;
    return NULL;
}
