/* problem.h - refusals as RFC 9457 problem details */
#ifndef PROBLEM_H
#define PROBLEM_H

#include "http/request.h"

enum MHD_Result problem_answer(struct request *r, unsigned status,
                               const char *detail);
/* With one more header (Allow, Retry-After, ...). */
enum MHD_Result problem_answer_with(struct request *r, unsigned status,
                                    const char *detail, const char *name,
                                    const char *value);
/* 400: a query parameter is at fault. */
enum MHD_Result problem_parameter(struct request *r, const char *key,
                                  const char *why);

/* A whole answer as bytes, for a request that libmicrohttpd never sees; it is
 * counted.  Answers its length. */
size_t problem_raw(struct site *site, unsigned status, const char *detail,
                   char *out, size_t room);

#endif
