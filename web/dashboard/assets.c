/* assets.c - the page's files, built into the binary
 *
 * assets_files.S takes their bytes in as they are (.incbin): no generator, no
 * file system at run time, and so no path that could be climbed. */
#include "dashboard/assets.h"

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
