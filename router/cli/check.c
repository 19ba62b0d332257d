/* check.c - weir check -c FILE: is this configuration fine?
 *
 * Touches nothing but the file (and the token's) and the environment: what it
 * says is what a start would say before it does anything. */
#include "cli/check.h"

#include "config/load.h"
#include "config/rule/hook.h"

#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char usage[] = "usage: weir check [-c FILE] [-o text|json]\n";

static const char help[] =
    "  -c, --config FILE      the configuration; without it $WEIR_CONFIG, "
    "else\n"
    "                         " CONFIG_PLACE " if that is there, else what\n"
    "                         the environment's WEIR_* options say\n"
    "  -o, --output FORMAT    text (the default) or json\n"
    "Exit status: 0 the configuration is fine, 1 failed, 2 it is not, or "
    "wrong\n"
    "arguments.\n";

static void on_config_error(void *ctx, const struct config_error *e)
{
    json_t *errors = ctx, *error = json_object();

    json_object_set_new(error, "line", json_integer(e->line));
    json_object_set_new(error, "column", json_integer(e->column));
    json_object_set_new(error, "pointer", json_string(e->pointer));
    json_object_set_new(error, "message", json_string(e->message));
    if (e->env != NULL)
        json_object_set_new(error, "variable", json_string(e->env));
    json_array_append_new(errors, error);
}

/* ---- what is no error, but not as a reader may think ---- */

typedef void note_fn(void *ctx, const char *text);

static void note_token(const struct config *c, note_fn *fn, void *ctx)
{
    char text[4200];

    if (!c->token_make)
        return;
    snprintf(text, sizeof(text),
             "api.token_file: %s is not there; it is made, with a new token, "
             "at the start",
             c->token_file);
    fn(ctx, text);
}

/* How many rules behind this accept, which is the nth of its hook's verdicts,
 * translate? */
static uint32_t count_exempted_rules(const struct ct_ruleset *set,
                                     unsigned hook, uint32_t nth)
{
    uint32_t n = 0;

    for (uint32_t i = set->start[hook][CT_STAGE_NAT];
         i < set->start[hook][CT_STAGE_NAT + 1]; i++)
        n += set->rules[i].accepts_before > nth &&
             set->rules[i].action != CT_ACT_NO_NAT;
    return n;
}

static void note_exempt(const struct config *c, note_fn *fn, void *ctx)
{
    const struct ct_ruleset *set = &c->rules;

    for (unsigned hook = 0; hook < CT_N_HOOKS; hook++) {
        uint32_t first = set->start[hook][CT_STAGE_FILTER];

        for (uint32_t i = first; i < set->start[hook][CT_STAGE_FILTER + 1];
             i++) {
            uint32_t n = count_exempted_rules(set, hook, i - first);
            char text[600];

            if (n == 0 || set->rules[i].action != CT_ACT_ACCEPT)
                continue;
            snprintf(
                text, sizeof(text),
                "rules.%s: %.400s stands before %u rule%s that translate%s "
                "the same: what it accepts is not translated",
                config_hook_name(hook), c->rule_text[i], n, n == 1 ? "" : "s",
                n == 1 ? "s" : "");
            fn(ctx, text);
        }
    }
}

static void take_notes(const struct config *c, note_fn *fn, void *ctx)
{
    note_token(c, fn, ctx);
    note_exempt(c, fn, ctx);
}

static void gather_note(void *ctx, const char *text)
{
    json_array_append_new(ctx, json_string(text));
}

static void print_note(void *ctx, const char *text)
{
    (void)ctx;
    printf("note: %s\n", text);
}

static int check_json(const char *path)
{
    json_t *errors = json_array(), *notes = json_array(), *answer;
    struct config_input in = {.env = environ};
    struct config *config;
    int code = config_load_try(path, &in, &config, on_config_error, errors);

    if (config != NULL)
        take_notes(config, gather_note, notes);
    answer = json_pack("{s:b, s:o, s:o}", "ok", code == 0, "errors", errors,
                       "notes", notes);

    config_load_free(config);
    if (answer == NULL || json_dumpf(answer, stdout, JSON_COMPACT) != 0) {
        fputs("weir check: out of memory\n", stderr);
        code = 1;
    }
    putchar('\n');
    json_decref(answer);
    return code;
}

static const char *get_plural_suffix(uint32_t n)
{
    return n == 1 ? "" : "s";
}

static int check_text(const char *path)
{
    struct config_input in = {.env = environ};
    struct config *c;
    int code = config_load(path, &in, &c, stderr);

    if (code != 0)
        return code;
    printf("%s: fine: %u interfaces, %u route%s, %u rule%s, %u worker%s, "
           "%u flows at most\n",
           path != NULL ? path : "environment", c->n_ifaces, c->n_routes,
           get_plural_suffix(c->n_routes), c->rules.n,
           get_plural_suffix(c->rules.n), c->workers,
           get_plural_suffix(c->workers), c->core.max);
    take_notes(c, print_note, NULL);
    config_load_free(c);
    return 0;
}

/* A full disk must not look like a good answer. */
static int flush_stdout(int code)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return code;
    fprintf(stderr, "weir check: cannot write: %s\n", strerror(errno));
    return 1;
}

int cli_check(int argc, char **argv)
{
    static const struct option longs[] = {
        {"config", required_argument, NULL, 'c'},
        {"output", required_argument, NULL, 'o'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    const char *path = NULL;
    bool json = false, text = false;
    int option;

    optind = 0; /* getopt begins again: tests call this often */
    while ((option = getopt_long(argc, argv, "c:o:h", longs, NULL)) != -1) {
        if (option == 'h') {
            fputs(usage, stdout);
            fputs(help, stdout);
            return flush_stdout(0);
        }
        if (option == 'c')
            path = optarg;
        json = option == 'o' ? strcmp(optarg, "json") == 0 : json;
        text = option == 'o' && strcmp(optarg, "text") == 0;
        if (option == '?' || (option == 'o' && !json && !text)) {
            fputs(usage, stderr);
            return 2;
        }
    }
    if (optind != argc) {
        fputs(usage, stderr);
        return 2;
    }
    path = config_load_where(path, environ);
    return flush_stdout(json ? check_json(path) : check_text(path));
}
