/* options.h - the HTTP side's part of a configuration */
#ifndef WEB_OPTIONS_H
#define WEB_OPTIONS_H

#include <ctcore/option.h>
#include <web/options.def>

struct web_listen {
    bool set;      /* false: no TCP at all */
    char host[64]; /* numeric */
    uint16_t port; /* 0: any, see web_port() */
};

struct web_options {
    struct web_listen listen;
    WEB_OPTIONS(CT_OPTION_FIELD)
};

#endif
