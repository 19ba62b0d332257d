/* rulelog.h - a packet that met a rule with log, as a line */
#ifndef RULELOG_H
#define RULELOG_H

#include "config/config.h"

#define RULELOG_ROOM 512

/* config: knows the interfaces' names.
 * => line has RULELOG_ROOM bytes. */
void rulelog_line(char *line, const struct ct_log *log,
                  const struct config *config);

#endif
