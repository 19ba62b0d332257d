/* option.h - what lists of options are made of
 *
 * A program keeps its options in a list, a row each, so that readers, help
 * texts and tests are made from the row:
 *
 *   O(NUMBER, path, field, default, smallest, largest, unit, when, help)
 *   O(SWITCH, path, field, default, when, help)
 *   O(CHOICE, path, field, default, words, when, help)
 *   O(TEXT, path, field, default, largest, what, when, help)
 *   O(OWN, path, field, form, default, when, help)
 *
 * path is the key's place in a configuration file, a JSON pointer (RFC 6901).
 * words are "a|b|c": the field of a CHOICE holds the number of one, from 0.
 * largest counts a TEXT's bytes, what says what it is.  An OWN option has a
 * reader and a field of its own; form is how a variable of the environment says
 * it: TEXT, TEXT_OR_NULL, NUMBER_OR_NULL or LIST.  when is one of enum
 * ct_option_when, without CT_OPTION_. */
#ifndef CTCORE_OPTION_H
#define CTCORE_OPTION_H

#include <stdbool.h>
#include <stdint.h>

enum ct_option_when {
    CT_OPTION_RELOAD, /* a reload changes it */
    CT_OPTION_START,  /* only a start does */
    CT_OPTION_LESS,   /* a reload may set it, up to its value at the start */
    CT_OPTION_ON      /* only a start can switch it on, from false or 0 */
};

/* The fields: struct x_options { X_OPTIONS(CT_OPTION_FIELD) }; */
#define CT_OPTION_FIELD(kind, ...) CT_OPTION_FIELD_##kind(__VA_ARGS__)

#define CT_OPTION_FIELD_NUMBER(path, field, ...) uint32_t field;
#define CT_OPTION_FIELD_SWITCH(path, field, ...) bool field;
#define CT_OPTION_FIELD_CHOICE(path, field, ...) uint8_t field;
#define CT_OPTION_FIELD_TEXT(path, field, default_, largest, ...)              \
    char field[(largest) + 1];
#define CT_OPTION_FIELD_OWN(path, ...)

/* Their defaults, where a list has no CHOICE; not those of OWN:
 * struct x_options o = {X_OPTIONS(CT_OPTION_DEFAULT)}; */
#define CT_OPTION_DEFAULT(kind, ...) CT_OPTION_DEFAULT_##kind(__VA_ARGS__)

#define CT_OPTION_DEFAULT_NUMBER(path, field, default_, ...) .field = default_,
#define CT_OPTION_DEFAULT_SWITCH(path, field, default_, ...) .field = default_,
#define CT_OPTION_DEFAULT_TEXT(path, field, default_, ...)   .field = default_,
#define CT_OPTION_DEFAULT_OWN(path, ...)

#endif
