/* queues.h - queues to user programs */
#ifndef CONFIG_QUEUES_H
#define CONFIG_QUEUES_H

#include "config/read.h"

/* The key "queues". */
void config_queues_read(struct config_read *r, json_t *v, void *into);
/* Where their socket is, unless that was said: beside that of the API. */
void config_queues_finish(struct config_read *r);

/* "queue N" as a rule says it: its number; -1: it is none, and failed. */
int config_queues_verdict(struct config_read *r, const char *s);

#endif
