/* fuzz_json.c - JSON: what is accepted is written out and read back the same.
 *
 * Invariants: refusals say where; accepted trees come back equal after being
 * written; any bytes written as a string come back as those bytes with U+FFFD
 * for what is no UTF-8; no block is left. */
#include <stdlib.h>
#include <string.h>

#include "base/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)     \
    do {             \
        if (!(x))    \
            abort(); \
    } while (0)

/* Writes the tree without recursion (the reader bounds its depth to 1000). */
static void write_tree(lg_bytes *b, const lg_json *root)
{
    const lg_json *path[1002];
    size_t depth = 0;
    const lg_json *j = root;

    for (;;) {
        double x;
        int type = lg__json_type(j);

        if (depth > 0 && lg__json_type(path[depth - 1]) == LG_JSON_OBJECT) {
            lg__json_write_string(b, lg__json_name(j), strlen(lg__json_name(j)));
            lg__bytes_addc(b, ':');
        }
        if (type == LG_JSON_NULL)
            lg__bytes_adds(b, "null");
        else if (type == LG_JSON_BOOL)
            lg__bytes_adds(b, lg__json_true(j) ? "true" : "false");
        else if (type == LG_JSON_STRING)
            lg__json_write_string(b, lg__json_string(j), strlen(lg__json_string(j)));
        else if (type == LG_JSON_NUMBER && lg__json_number(j, &x))
            lg__json_write_number(b, x > 1e308 ? 1e308 : x < -1e308 ? -1e308 : x);
        if (type >= LG_JSON_ARRAY) {
            lg__bytes_addc(b, type == LG_JSON_ARRAY ? '[' : '{');
            CHECK(depth < 1001);
            path[depth++] = j;
            if (lg__json_first(j)) {
                j = lg__json_first(j);
                continue;
            }
        } else {
            path[depth++] = j;
        }
        for (;;) { /* up to where a neighbour follows */
            j = path[--depth];
            type = lg__json_type(j);
            if (type >= LG_JSON_ARRAY)
                lg__bytes_addc(b, type == LG_JSON_ARRAY ? ']' : '}');
            if (depth == 0)
                return;
            if (lg__json_after(j))
                break;
        }
        lg__bytes_addc(b, ',');
        j = lg__json_after(j);
    }
}

static void check_tree(lg_mem *m, const lg_json *tree)
{
    lg_bytes first, second;
    lg_json *again;

    lg__bytes_init(&first, m, LG_BYTES_MAX);
    lg__bytes_init(&second, m, LG_BYTES_MAX);
    write_tree(&first, tree);
    CHECK(first.err == 0);
    CHECK(lg__json_parse(m, first.data, first.len, &again, NULL) == 0);
    write_tree(&second, again);
    CHECK(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    CHECK(lg__json_count(tree) == lg__json_count(again));
    if (lg__json_first(tree) && lg__json_type(tree) == LG_JSON_OBJECT)
        CHECK(lg__json_get(tree, lg__json_name(lg__json_first(tree))) == lg__json_first(tree));
    if (lg__json_count(tree) > 0 && lg__json_type(tree) == LG_JSON_ARRAY)
        CHECK(lg__json_after(lg__json_at(tree, lg__json_count(tree) - 1)) == NULL);
    lg__json_free(m, again);
    lg__bytes_free(&first);
    lg__bytes_free(&second);
}

/* The numbers of good JSON as they stand there, each with a blank behind it. */
static void add_numbers(lg_bytes *b, const char *s, size_t len)
{
    bool number = false;

    for (size_t i = 0; i < len; i++) {
        if (s[i] == '"') { /* through a string */
            for (i++; s[i] != '"'; i++)
                i += s[i] == '\\';
        }
        if (s[i] == '-' || (s[i] >= '0' && s[i] <= '9'))
            number = true;
        else if (!strchr("+.eE", s[i]))
            number = false;
        if (number)
            lg__bytes_addc(b, s[i]);
        else if (b->len > 0 && b->data[b->len - 1] != ' ')
            lg__bytes_addc(b, ' ');
    }
    lg__bytes_addc(b, ' ');
}

/* No digit of a number is lost. */
static void check_numbers(lg_mem *m, const lg_json *tree, const char *s, size_t len)
{
    lg_bytes written, ours, theirs;

    lg__bytes_init(&written, m, LG_BYTES_MAX);
    lg__bytes_init(&ours, m, LG_BYTES_MAX);
    lg__bytes_init(&theirs, m, LG_BYTES_MAX);
    CHECK(lg__json_write(&written, tree) == 0);
    add_numbers(&ours, written.data, written.len);
    add_numbers(&theirs, s, len);
    if (theirs.len > 1 && theirs.data[theirs.len - 2] == ' ')
        theirs.len--;
    if (ours.len > 1 && ours.data[ours.len - 2] == ' ')
        ours.len--;
    CHECK(ours.len == theirs.len && memcmp(ours.data, theirs.data, ours.len) == 0);
    lg__bytes_free(&written);
    lg__bytes_free(&ours);
    lg__bytes_free(&theirs);
}

/* Any bytes but NUL, written as a string. */
static void check_string(lg_mem *m, const char *s, size_t len)
{
    lg_bytes b;
    lg_json *j;
    const char *back;

    lg__bytes_init(&b, m, LG_BYTES_MAX);
    CHECK(lg__json_write_string(&b, s, len) == 0);
    CHECK(lg_utf8_check(b.data, b.len) == -1);
    CHECK(lg__json_parse(m, b.data, b.len, &j, NULL) == 0);
    back = lg__json_string(j);
    CHECK(back != NULL);
    if (lg_utf8_check(s, len) == -1 && !memchr(s, '\0', len))
        CHECK(strlen(back) == len && memcmp(back, s, len) == 0);
    else
        CHECK(strstr(back, "\xEF\xBF\xBD") != NULL);
    lg__json_free(m, j);
    lg__bytes_free(&b);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *s = malloc(size ? size : 1); /* of the exact size: a read beyond it shows */
    size_t where = SIZE_MAX;
    lg_mem m;
    lg_json *j;
    int rc;

    CHECK(s != NULL);
    memcpy(s, data, size);
    lg__mem_init(&m, NULL, NULL);
    rc = lg__json_parse(&m, s, size, &j, &where);
    if (rc == 0) {
        CHECK(j && lg_utf8_check(s, size) == -1 && !memchr(s, '\0', size));
        check_tree(&m, j);
        check_numbers(&m, j, s, size);
    } else {
        CHECK(!j && (rc == LG_EPARSE || rc == LG_EUTF8) && where <= size);
        CHECK((rc == LG_EUTF8) == (lg_utf8_check(s, size) >= 0));
    }
    lg__json_free(&m, j);
    check_string(&m, s, size);
    CHECK(m.live_blocks == 0 && m.live_bytes == 0);
    free(s);
    return 0;
}
