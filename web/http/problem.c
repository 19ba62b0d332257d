/* problem.c - refusals as RFC 9457 problem details */
#include "http/problem.h"
#include "http/json_rows.h"
#include "http/problem.def"

#include <stdio.h>

static void write_errors(struct json_out *j, const char *name, const char *key,
                         const char *why)
{
    json_out_array(j, name);
    json_out_object(j, NULL);
    PROBLEM_ERROR(JSON_PUT)
    json_out_end_object(j);
    json_out_end_array(j);
}

/* path, key: NULL: not known, of no parameter. */
static void write_problem(struct buf *b, const char *path, unsigned status,
                          const char *detail, const char *key, const char *why)
{
    struct json_out out, *j = &out;
    char type[40];

    json_out_init(j, b);
    (void)snprintf(type, sizeof(type), "urn:weir:problem:%u", status);
    json_out_object(j, NULL);
    PROBLEM(JSON_PUT)
    json_out_end_object(j);
}

enum MHD_Result problem_answer_with(struct request *r, unsigned status,
                                    const char *detail, const char *name,
                                    const char *value)
{
    struct buf b;

    buf_init(&b, 65536);
    write_problem(&b, r->path, status, detail, NULL, NULL);
    return request_answer_with(r, status, "application/problem+json", &b, name,
                               value);
}

enum MHD_Result problem_answer(struct request *r, unsigned status,
                               const char *detail)
{
    return problem_answer_with(r, status, detail, NULL, NULL);
}

enum MHD_Result problem_parameter(struct request *r, const char *key,
                                  const char *why)
{
    struct buf b;
    char detail[160];

    (void)snprintf(detail, sizeof(detail), "query parameter %s: %s", key, why);
    buf_init(&b, 65536);
    write_problem(&b, r->path, 400, detail, key, why);
    return request_answer(r, 400, "application/problem+json", &b);
}

size_t problem_raw(struct site *site, unsigned status, const char *detail,
                   char *out, size_t room)
{
    struct buf body, b;
    char text[1024];

    buf_over(&body, text, sizeof(text));
    write_problem(&body, NULL, status, detail, NULL, NULL);
    buf_over(&b, out, room);
    buf_printf(&b, "HTTP/1.1 %u %s\r\nConnection: close\r\n", status,
               request_title(status));
    request_headers(&b);
    buf_printf(&b,
               "Content-Type: application/problem+json\r\n"
               "Content-Length: %zu\r\n\r\n",
               body.len);
    buf_put(&b, text, body.len);
    request_count(site, NULL, status);
    return b.failed ? 0 : b.len;
}
