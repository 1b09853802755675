/* json.h - JSON in (trees of cJSON's) and out (bytes).
 *
 * Reading is strict: RFC 8259 to the letter, valid UTF-8, nothing behind the
 * value, at most 1000 levels. \u0000 and lone surrogates, which no text here can
 * hold, read as U+FFFD. No digit of a number is lost: a number that a double would
 * change keeps its text. Writing is always the same: the same request must give the same
 * bytes for ever. json.c is the only file that sees cJSON. */
#ifndef LG_JSON_H
#define LG_JSON_H

#include "base/bytes.h"

enum { LG_JSON_DEPTH = 1000 };

typedef struct cJSON lg_json; /* borrowed pointers into one tree */

/* *out is owned by the caller, free with lg__json_free. 0, LG_EPARSE, LG_EUTF8,
 * LG_ENOMEM. On the first two *where is the byte offset (may be NULL). */
int lg__json_parse(lg_mem *m, const char *s, size_t len, lg_json **out, size_t *where);
/* The same of a stranger's text: a tree takes some 64 bytes for each value in it, so more
 * values than most are LG_ELIMIT, found before any of that is taken. */
int lg__json_parse_most(lg_mem *m, const char *s, size_t len, size_t most, lg_json **out,
                        size_t *where);
void lg__json_free(lg_mem *m, lg_json *j);
/* Lookups accept NULL and wrong types and then say NULL, default or false. */
const lg_json *lg__json_get(const lg_json *object, const char *name); /* case-sensitive */
const lg_json *lg__json_at(const lg_json *array, size_t i);
size_t lg__json_count(const lg_json *array_or_object);
const lg_json *lg__json_first(const lg_json *array_or_object);
const lg_json *lg__json_after(const lg_json *j);
const char *lg__json_name(const lg_json *member);
const char *lg__json_string(const lg_json *j); /* NULL when no string */
bool lg__json_number(const lg_json *j, double *out);
int64_t lg__json_int(const lg_json *j, int64_t otherwise); /* cut towards 0, saturated */
/* A number that is written as an integer, without fraction and exponent, and fits in 64 bits. */
bool lg__json_integer(const lg_json *j, int64_t *out);
/* A number as it was written; NULL when its double is written just so. Lives as j does. */
const char *lg__json_number_text(const lg_json *j);
enum {
    LG_JSON_NULL = 1,
    LG_JSON_BOOL,
    LG_JSON_NUMBER,
    LG_JSON_STRING,
    LG_JSON_ARRAY,
    LG_JSON_OBJECT
};
int lg__json_type(const lg_json *j); /* 0 for NULL */
bool lg__json_true(const lg_json *j);

/* "…" with escapes; invalid UTF-8 becomes U+FFFD. → b->err */
int lg__json_write_string(lg_bytes *b, const char *s, size_t len);
/* Shortest form that reads back the same, whatever the locale; not finite: null */
int lg__json_write_number(lg_bytes *b, double x);
/* A whole value, compact, members in their order, numbers as they came; NULL: null. → b->err */
int lg__json_write(lg_bytes *b, const lg_json *j);

#endif
