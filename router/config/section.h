/* section.h - reading an object whose keys are rows of options */
#ifndef CONFIG_SECTION_H
#define CONFIG_SECTION_H

#include "config/option.h"
#include "config/read.h"

/* The object at hand.  own: keys that are no rows, or CONFIG_OWN, in the order
 * in which they need each other; then all rows that stand here or in objects
 * below.  into is the struct config. */
void config_section_read_with(struct config_read *r, json_t *v,
                              const struct config_key *own, size_t n,
                              void *into);
/* For struct config_key: the same of an object with nothing but rows ... */
void config_section_read(struct config_read *r, json_t *v, void *into);
/* ... and of one row. */
void config_section_read_row(struct config_read *r, json_t *v, void *into);

/* v into a field like the option's, which is not CONFIG_OWN. */
void config_section_value(struct config_read *r, const json_t *v,
                          const struct config_option *o, void *field);

#endif
