/* assets.h - the page's files, built into the binary */
#ifndef ASSETS_H
#define ASSETS_H

#include "http/request.h"

request_fn assets_html, assets_css, assets_js, assets_words;

#endif
