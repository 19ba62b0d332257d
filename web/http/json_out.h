/* json_out.h - JSON, written as it comes, without a tree
 *
 * Commas are set by the writer.  Inside an object give a key to every value;
 * inside an array, and for the outermost value, the key is NULL. */
#ifndef JSON_OUT_H
#define JSON_OUT_H

#include "http/buf.h"

#include <stdint.h>

#define JSON_OUT_DEPTH 32

struct json_out {
    struct buf *buf;
    unsigned depth;
    bool filled[JSON_OUT_DEPTH]; /* something stands on this level */
};

void json_out_init(struct json_out *j, struct buf *buf);
/* An answer that is one object: a buffer of at most max bytes, and the object
 * begun; the caller ends it. */
void json_out_begin(struct json_out *j, struct buf *buf, size_t max);

void json_out_object(struct json_out *j, const char *key);
void json_out_end_object(struct json_out *j);
void json_out_array(struct json_out *j, const char *key);
void json_out_end_array(struct json_out *j);

/* Bytes that are no UTF-8 are replaced by U+FFFD. */
void json_out_string(struct json_out *j, const char *key, const char *value);
void json_out_u64(struct json_out *j, const char *key, uint64_t value);
void json_out_i64(struct json_out *j, const char *key, int64_t value);
/* Three digits behind the point. */
void json_out_milli(struct json_out *j, const char *key, uint64_t thousandths);
void json_out_bool(struct json_out *j, const char *key, bool value);
void json_out_null(struct json_out *j, const char *key);
/* NULL, and what is not known, is null. */
void json_out_string_or_null(struct json_out *j, const char *key,
                             const char *value);
void json_out_u64_or_null(struct json_out *j, const char *key, bool known,
                          uint64_t value);
/* value is JSON already. */
void json_out_raw(struct json_out *j, const char *key, const char *value);

#endif
