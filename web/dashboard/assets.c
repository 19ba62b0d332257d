/* assets.c - the page's files, built into the binary
 *
 * assets_files.S takes their bytes in as they are (.incbin): no generator, no
 * file system at run time, and so no path that could be climbed. */
#include "dashboard/assets.h"

#include <ctcore/words.def>

extern const unsigned char assets_html_start[], assets_html_end[];
extern const unsigned char assets_css_start[], assets_css_end[];
extern const unsigned char assets_js_start[], assets_js_end[];

enum MHD_Result assets_html(struct request *r)
{
    return request_answer_static(r, 200, "text/html; charset=utf-8",
                                 assets_html_start,
                                 (size_t)(assets_html_end - assets_html_start));
}

enum MHD_Result assets_css(struct request *r)
{
    return request_answer_static(r, 200, "text/css; charset=utf-8",
                                 assets_css_start,
                                 (size_t)(assets_css_end - assets_css_start));
}

enum MHD_Result assets_js(struct request *r)
{
    return request_answer_static(r, 200, "text/javascript; charset=utf-8",
                                 assets_js_start,
                                 (size_t)(assets_js_end - assets_js_start));
}

/* clang-format off */
/* The rows of words.def that the page shows or reads. */
static const char words[] =
    "const WORDS = {\n"
    "protocols: ["
#define P(NAME, name, number, header, ids, sum_at, sum, content) "'" #name "', "
    CT_PROTOS(P)
#undef P
    "],\n"
    "statuses: {\n"
#define S(NAME, bit, shown, rule, label, help)                                 \
    "  " #NAME ": [\"" label "\", \"" help "\"],\n"
    CT_STATUSES(S)
#undef S
    "}};\n";
/* clang-format on */

enum MHD_Result assets_words(struct request *r)
{
    return request_answer_static(r, 200, "text/javascript; charset=utf-8",
                                 words, sizeof(words) - 1);
}
