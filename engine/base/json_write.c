/* json_write.c - a tree that was read, written again: compact, members in their order.
 *
 * A loop over an array of ancestors, as deep as the reader allows. */
#include <string.h>

#include "base/json.h"

static void write_number(lg_bytes *b, const lg_json *j)
{
    const char *text = lg__json_number_text(j);
    double x = 0;
    if (text) {
        lg__bytes_adds(b, text);
        return;
    }
    lg__json_number(j, &x);
    lg__json_write_number(b, x);
}

static void write_scalar(lg_bytes *b, const lg_json *j)
{
    switch (lg__json_type(j)) {
    case LG_JSON_STRING:
        lg__json_write_string(b, lg__json_string(j), strlen(lg__json_string(j)));
        break;
    case LG_JSON_NUMBER:
        write_number(b, j);
        break;
    case LG_JSON_BOOL:
        lg__bytes_adds(b, lg__json_true(j) ? "true" : "false");
        break;
    default:
        lg__bytes_adds(b, "null");
    }
}

static bool is_nest(const lg_json *j)
{
    int type = lg__json_type(j);
    return type == LG_JSON_ARRAY || type == LG_JSON_OBJECT;
}

static void write_name(lg_bytes *b, const lg_json *parent, const lg_json *j)
{
    if (lg__json_type(parent) == LG_JSON_OBJECT) {
        lg__json_write_string(b, lg__json_name(j), strlen(lg__json_name(j)));
        lg__bytes_addc(b, ':');
    }
}

int lg__json_write(lg_bytes *b, const lg_json *j)
{
    const lg_json *nests[LG_JSON_DEPTH + 1];
    size_t n = 0;
    for (;;) {
        if (is_nest(j) && n <= LG_JSON_DEPTH) {
            lg__bytes_addc(b, lg__json_type(j) == LG_JSON_ARRAY ? '[' : '{');
            nests[n++] = j;
            const lg_json *first = lg__json_first(j);
            if (first) {
                write_name(b, j, first);
                j = first;
                continue;
            }
            j = NULL; /* empty: close it */
        } else {
            write_scalar(b, j);
            j = n ? lg__json_after(j) : NULL;
        }
        while (!j && n > 0) {
            const lg_json *nest = nests[--n];
            lg__bytes_addc(b, lg__json_type(nest) == LG_JSON_ARRAY ? ']' : '}');
            j = n ? lg__json_after(nest) : NULL;
        }
        if (n == 0 || b->err)
            return b->err;

        lg__bytes_addc(b, ',');
        write_name(b, nests[n - 1], j);
    }
}
