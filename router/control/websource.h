/* websource.h - what the web is given to ask us by */
#ifndef WEBSOURCE_H
#define WEBSOURCE_H

#include <web/sources.h>

struct control;

/* Fill in c->source, for as long as there is a web. */
void websource_setup(struct control *c);
struct web_sources websource_all(const struct control *c);

#endif
