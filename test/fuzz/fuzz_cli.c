/* fuzz_cli.c - libFuzzer: any command line is refused with words, or becomes a
 * query that fits
 *
 * Arguments are ended by zero bytes.  A query that is taken is a target's: it
 * has no byte that a request line may not have (RFC 9112 section 3.2), and each
 * condition is found again by its key. */
#include "cli/options.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ARGUMENTS = 48 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void look(const struct cli_options *o)
{
    const char *option, *value;
    size_t n = strlen(o->query);

    if (n >= sizeof o->query || (n > 0 && o->query[0] != '?'))
        abort();
    for (size_t i = 0; i < n; i++)
        if (o->query[i] <= ' ' || o->query[i] >= 0x7f || o->query[i] == '#')
            abort();
    if (o->n_given > CLI_OPTIONS_GIVEN)
        abort();
    for (unsigned i = 0; i < o->n_given; i++)
        if (!cli_options_find(o, o->given[i].key, &option, &value) ||
            option == NULL || value == NULL)
            abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *argv[MAX_ARGUMENTS + 2], name[] = "x";
    struct cli_options o;
    int argc = 0, code;

    if (text == NULL)
        abort();
    memcpy(text, data, size);
    text[size] = '\0';
    argv[argc++] = name;
    for (size_t i = 0; i < size && argc <= MAX_ARGUMENTS;
         i += strlen(text + i) + 1)
        argv[argc++] = text + i;
    argv[argc] = NULL;
    code = cli_options_read(&o, argc, argv);
    if (code == 0)
        look(&o);
    else if (code != 2)
        abort();
    free(text);
    return 0;
}
