/* problem.h - refusals as RFC 9457 problem details */
#ifndef PROBLEM_H
#define PROBLEM_H

#include "request.h"

enum MHD_Result problem_answer(struct request *r, unsigned status,
                               const char *detail);
/* With one more header (Allow, Retry-After, ...). */
enum MHD_Result problem_answer_with(struct request *r, unsigned status,
                                    const char *detail, const char *name,
                                    const char *value);
/* 400: a query parameter is at fault. */
enum MHD_Result problem_parameter(struct request *r, const char *key,
                                  const char *why);

#endif
