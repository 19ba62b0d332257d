/* json_rows.h - the members of a JSON object, a row each
 *
 * A shape is a list of rows in a .def beside its writer, from which the writer
 * and the schema of /openapi.json are made:
 *
 *   #define CHECK(M) M(name, TEXT, ALWAYS, "what is checked", it->name)
 *
 * M(key, kind, when, "help", value...), where values and conditions are made of
 * the writer's variables, and its json_out is j:
 *
 *   TEXT COUNT FLAG TIME ANY   a value, of ANY its JSON
 *   WORD("\"a\",\"b\"")        a text that is one of these
 *   TEXT_OR_NULL               a value; NULL is null
 *   COUNT_OR_NULL              known, value
 *   OBJECT(Shape) OBJECT_OR_NULL(Shape) LIST(kind) MAP(kind)
 *                              write, values...: write(j, key, values...)
 *   when: ALWAYS, or IF(condition); ALWAYS is "required" in the schema.
 *
 * M##_COUNTED(field, metric, "help") is a row COUNT of it->field.  A list that
 * a writer fills later is begun by a shape of one row, and JSON_BEGIN. */
#ifndef JSON_ROWS_H
#define JSON_ROWS_H

#include "http/json_out.h"

/* ---- as a writer ---- */

#define JSON_PUT(key, kind, when, help, ...)                                   \
    if (JSON_WHEN_##when)                                                      \
        JSON_PUT_##kind(j, #key, __VA_ARGS__);
#define JSON_PUT_COUNTED(field, metric, help)                                  \
    JSON_PUT(field, COUNT, ALWAYS, help, it->field)
#define JSON_BEGIN(key, kind, when, help, ...) json_out_array(j, #key);

#define JSON_WHEN_ALWAYS true
#define JSON_WHEN_IF(x)  (x)

#define JSON_PUT_TEXT                   json_out_string
#define JSON_PUT_COUNT                  json_out_u64
#define JSON_PUT_FLAG                   json_out_bool
#define JSON_PUT_TIME                   json_out_string
#define JSON_PUT_ANY                    json_out_raw
#define JSON_PUT_WORD(words)            json_out_string
#define JSON_PUT_TEXT_OR_NULL           json_out_string_or_null
#define JSON_PUT_TIME_OR_NULL           json_out_string_or_null
#define JSON_PUT_COUNT_OR_NULL          json_out_u64_or_null
#define JSON_PUT_OBJECT(shape)          JSON_PUT_BY
#define JSON_PUT_OBJECT_OR_NULL(shape)  JSON_PUT_BY
#define JSON_PUT_LIST(kind)             JSON_PUT_BY
#define JSON_PUT_MAP(kind)              JSON_PUT_BY
#define JSON_PUT_BY(j, key, write, ...) write(j, key, __VA_ARGS__)

/* ---- as a schema ---- */

struct json_row {
    const char *key;
    const char *schema; /* JSON */
    bool required;
};

/* In two steps, for cppcheck expands a pasted name in an argument alone. */
#define JSON_ROW(key, kind, when, help, ...)                                   \
    JSON_ROW_OF(key, JSON_KIND_##kind, JSON_NEEDED_##when, help)
#define JSON_ROW_OF(key, schema, needed, help)                                 \
    {#key, "{" schema ",\"description\":\"" help "\"}", needed},
#define JSON_ROW_COUNTED(field, metric, help)                                  \
    JSON_ROW(field, COUNT, ALWAYS, help, )

#define JSON_NEEDED_ALWAYS true
#define JSON_NEEDED_IF(x)  false

#define JSON_KIND_TEXT         "\"type\":\"string\""
#define JSON_KIND_COUNT        "\"type\":\"integer\",\"minimum\":0"
#define JSON_KIND_FLAG         "\"type\":\"boolean\""
#define JSON_KIND_TIME         "\"type\":\"string\",\"format\":\"date-time\""
#define JSON_KIND_ANY          "\"type\":\"object\""
#define JSON_KIND_WORD(words)  "\"enum\":[" words "]"
#define JSON_KIND_TEXT_OR_NULL "\"type\":[\"string\",\"null\"]"
#define JSON_KIND_TIME_OR_NULL                                                 \
    "\"type\":[\"string\",\"null\"],\"format\":\"date-time\""
#define JSON_KIND_COUNT_OR_NULL "\"type\":[\"integer\",\"null\"],\"minimum\":0"
#define JSON_KIND_OBJECT(shape) "\"$ref\":\"#/components/schemas/" #shape "\""
#define JSON_KIND_OBJECT_OR_NULL(shape)                                        \
    "\"anyOf\":[{" JSON_KIND_OBJECT(shape) "},{\"type\":\"null\"}]"
#define JSON_KIND_LIST(kind) JSON_LIST_OF(JSON_KIND_##kind)
#define JSON_KIND_MAP(kind)  JSON_MAP_OF(JSON_KIND_##kind)
#define JSON_LIST_OF(items)  "\"type\":\"array\",\"items\":{" items "}"
#define JSON_MAP_OF(values)                                                    \
    "\"type\":\"object\",\"additionalProperties\":{" values "}"

#endif
