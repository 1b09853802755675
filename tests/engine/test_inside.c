/* test_inside.c - what lua/ sees of the engine: JSON value by value, texts that grow, rows of
 * stores and indexes, a reply read, libraries. */
#include "../store_kit.h"

#include <math.h>

#include "lg_inside.h"

/* ---- JSON ---------------------------------------------------------------------- */

static const char letters[] = {
    [LG_ITEM_NULL] = '0',   [LG_ITEM_BOOL] = 'b',  [LG_ITEM_WHOLE] = 'i',  [LG_ITEM_NUMBER] = 'n',
    [LG_ITEM_STRING] = 's', [LG_ITEM_ARRAY] = '[', [LG_ITEM_OBJECT] = '{', [LG_ITEM_END] = 'e',
};

/* The kinds of what comes, as letters, with the names before them. 0, LG_E… */
static int walk(support_heap *h, const char *s, size_t len, char *out, size_t size)
{
    lg_items *items;
    lg_item item;
    size_t where = 0, n = 0;
    int err = lg__items_open(support_alloc, h, s, len, &items, &where);
    out[0] = '\0';
    if (err) {
        assert_null(items);
        return err;
    }
    while (lg__items_next(items, &item)) {
        n += (size_t)snprintf(out + n, size - n, "%s%s%c", item.name ? item.name : "",
                              item.name ? ":" : "", letters[item.kind]);
        assert_true(n < size);
    }
    assert_false(lg__items_next(items, &item));
    lg__items_close(items);
    return LG_OK;
}

static void expect_walk(const char *s, const char *wanted)
{
    support_heap h;
    char out[256];
    support_heap_init(&h);
    assert_int_equal(walk(&h, s, strlen(s), out, sizeof out), 0);
    assert_string_equal(out, wanted);
    assert_heap_empty(&h);
}

static void test_every_value_comes_in_its_order(void **state)
{
    (void)state;
    expect_walk("null", "0");
    expect_walk("[]", "[e");
    expect_walk("{}", "{e");
    expect_walk("[[],{}]", "[[e{ee");
    expect_walk("{\"a\":[1,2.5,\"x\"],\"b\":{\"c\":true,\"\":null},\"d\":{}}",
                "{a:[inseb:{c:b:0ed:{ee");
    expect_walk("[[[1]],2]", "[[[ieeie");
}

static void test_what_an_item_says(void **state)
{
    static const char s[] = "[-7,9223372036854775807,9223372036854775808,1.50,0.5,1e400,true,"
                            "\"a\\u00e9\",{\"k\":1,\"l\":2}]";
    support_heap h;
    lg_items *items;
    lg_item item[9];
    (void)state;
    support_heap_init(&h);
    assert_int_equal(lg__items_open(support_alloc, &h, s, strlen(s), &items, NULL), 0);
    assert_true(lg__items_next(items, &item[0]));
    assert_int_equal(item[0].count, 9);
    for (size_t i = 0; i < 9; i++) {
        assert_true(lg__items_next(items, &item[i]));
        assert_null(item[i].name);
    }
    assert_int_equal(item[0].whole, -7);
    assert_true(item[1].kind == LG_ITEM_WHOLE && item[1].whole == INT64_MAX);
    assert_int_equal(item[2].kind, LG_ITEM_NUMBER);
    assert_string_equal(item[2].text, "9223372036854775808");
    assert_string_equal(item[3].text, "1.50");
    assert_true(item[3].x == 1.5);
    assert_null(item[4].text); /* its double is written just so */
    assert_true(item[4].x == 0.5 && isinf(item[5].x));
    assert_true(item[6].kind == LG_ITEM_BOOL && item[6].whole == 1);
    assert_string_equal(item[7].text, "a\xC3\xA9");
    assert_int_equal(item[8].count, 2);
    lg__items_close(items); /* in the middle */
    lg__items_close(NULL);
    assert_heap_empty(&h);
}

static void test_nesting_goes_as_deep_as_is_read(void **state)
{
    enum { DEEP = LG_ITEMS_DEPTH };
    static char s[2 * DEEP + 3], out[2 * DEEP + 3], wanted[2 * DEEP + 1];
    support_heap h;
    (void)state;
    support_heap_init(&h);
    memset(s, '[', DEEP);
    memset(s + DEEP, ']', DEEP);
    memset(wanted, '[', DEEP);
    memset(wanted + DEEP, 'e', DEEP);
    assert_int_equal(walk(&h, s, (size_t)2 * DEEP, out, sizeof out), 0);
    assert_string_equal(out, wanted);
    memset(s, '[', DEEP + 1);
    memset(s + DEEP + 1, ']', DEEP + 1);
    assert_int_equal(walk(&h, s, (size_t)2 * DEEP + 2, out, sizeof out), LG_EPARSE);
    assert_heap_empty(&h);
}

static void test_what_is_broken_is_told_with_its_place(void **state)
{
    static const struct {
        const char *s;
        int err;
        size_t where;
    } bad[] = {{"", LG_EPARSE, 0},          {"[1,]", LG_EPARSE, 3},        {"[1", LG_EPARSE, 2},
               {"{\"a\" 1}", LG_EPARSE, 5}, {"nul", LG_EPARSE, 0},         {"1 2", LG_EPARSE, 2},
               {"\"\xFF\"", LG_EUTF8, 1},   {"[\"a\", \xC3]", LG_EUTF8, 6}};
    support_heap h;
    (void)state;
    support_heap_init(&h);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        lg_items *items;
        size_t where = 99;
        assert_int_equal(
            lg__items_open(support_alloc, &h, bad[i].s, strlen(bad[i].s), &items, &where),
            bad[i].err);
        assert_null(items);
        assert_int_equal(where, bad[i].where);
    }
    assert_heap_empty(&h);
}

static int walk_once(support_heap *h, void *ctx)
{
    char out[64];
    int err = walk(h, ctx, strlen(ctx), out, sizeof out);
    assert_string_equal(out, err ? "" : "[nsb{k:[eee");
    return err == LG_OK ? 0 : err;
}

static void test_json_oom(void **state)
{
    (void)state;
    oom_sweep(walk_once, "[1.50,\"\\u00e9\",true,{\"k\":[]}]");
}

/* ---- texts ---------------------------------------------------------------------- */

#define assert_out(out, text) assert_bytes((out)->data, (out)->len, text)

static void test_forms(void **state)
{
    support_heap h;
    lg_out out = {.alloc = support_alloc, .alloc_ud = &h};
    (void)state;
    support_heap_init(&h);
    lg__out_add(&out, "a", 1);
    lg__out_as(&out, LG_AS_JSON, "x\"\n\xFF", 4);
    assert_out(&out, "a\"x\\\"\\n\xEF\xBF\xBD\"");
    lg__out_free(&out);
    lg__out_as(&out, LG_AS_BASE64, "light", 5);
    assert_out(&out, "bGlnaHQ=");
    lg__out_free(&out);
    assert_int_equal(lg__out_as(&out, LG_OF_BASE64, "bGln aHQ", 8), 0);
    assert_out(&out, "light");
    lg__out_free(&out);
    assert_int_equal(lg__out_as(&out, LG_OF_BASE64, "b!", 2), LG_EPARSE);
    assert_int_equal(out.err, 0);
    lg__out_free(&out);
    lg__out_as(&out, LG_AS_SHA256, "abc", 3);
    assert_out(&out, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    lg__out_free(&out);
    assert_heap_empty(&h);
}

static void test_trim_keeps_what_fits(void **state)
{
    lg_out out = {0};
    char text[4000];
    (void)state;
    memset(text, 'x', sizeof text);
    lg__out_trim(&out, "short", 5, 100);
    assert_out(&out, "short");
    lg__out_free(&out);
    assert_int_equal(lg__out_trim(&out, text, sizeof text, 100), 0);
    assert_true(out.len < 500 && strstr(out.data, "\n"));
    assert_true(lg_token_estimate(out.data, out.len) <= 100);
    lg__out_free(&out);
}

static void test_templates(void **state)
{
    static const char tmpl[] = "<TEXT>{a}</TEXT> {{{b}}}";
    const lg_fill fields[] = {{"a", "1</TEXT>", 8}, {"b", "2", 1}};
    lg_out out = {0};
    unsigned suffix = 9;
    char bad[64];
    const char *name;
    size_t at = 0, size, n = 0;
    (void)state;
    assert_int_equal(lg__out_template(&out, tmpl, strlen(tmpl), fields, 2, NULL, bad), 0);
    assert_out(&out, "<TEXT>1</TEXT></TEXT> {2}");
    lg__out_free(&out);
    assert_int_equal(lg__out_template(&out, tmpl, strlen(tmpl), fields, 2, &suffix, bad), 0);
    assert_int_equal(suffix, 2);
    assert_out(&out, "<TEXT_2>1</TEXT></TEXT_2> {2}");
    assert_int_equal(lg__out_template(&out, tmpl, strlen(tmpl), fields, 1, NULL, bad),
                     LG_ETEMPLATE);
    assert_string_equal(bad, "b");
    assert_int_equal(out.len, 29); /* as it was */
    lg__out_free(&out);
    while (lg__inside_field(tmpl, strlen(tmpl), &at, &name, &size))
        assert_bytes(name, size, n++ ? "b" : "a");
    assert_int_equal(n, 2);
}

static int write_all(support_heap *h, void *ctx)
{
    static const lg_fill field = {"a", "</T>", 4};
    lg_out out = {.alloc = support_alloc, .alloc_ud = h};
    char text[3000], bad[64];
    unsigned suffix;
    (void)ctx;
    memset(text, 'x', sizeof text);
    for (int i = 0; i < 200; i++)
        lg__out_add(&out, "word ", 5);
    lg__out_as(&out, LG_AS_JSON, text, sizeof text);
    lg__out_as(&out, LG_AS_BASE64, text, sizeof text);
    lg__out_as(&out, LG_AS_SHA256, text, sizeof text);
    lg__out_trim(&out, text, sizeof text, 50);
    lg__out_template(&out, "<T>{a}</T>", 10, &field, 1, &suffix, bad);
    int err = out.err;
    assert_true(err ? !out.data && out.len == 0 : out.len > 8000);
    assert_int_equal(lg__out_add(&out, "x", 1), err); /* an error stays */
    lg__out_free(&out);
    assert_int_equal(out.err, 0);
    return err;
}

static void test_texts_oom(void **state)
{
    (void)state;
    oom_sweep(write_all, NULL);
}

static void test_numbers(void **state)
{
    char text[LG_NUMBER_ROOM];
    (void)state;
    assert_true(lg__inside_number(text, 2, true));
    assert_string_equal(text, "2.0");
    assert_true(lg__inside_number(text, 2, false));
    assert_string_equal(text, "2");
    assert_true(lg__inside_number(text, 0.1, false));
    assert_string_equal(text, "0.1");
    assert_true(lg__inside_same_number("1.50", "15e-1"));
    assert_false(lg__inside_same_number("9007199254740992", "9007199254740993"));
}

/* ---- replies -------------------------------------------------------------------- */

static int read_reply(support_heap *h, void *ctx)
{
    static const char body[] = GOOD("<think>Is it?</think>Yes.");
    lg_out out = {.alloc = support_alloc, .alloc_ud = h}, thinking = out;
    const char *media;
    (void)ctx;
    int err = lg__out_reply(&out, "openai", "application/json", body, strlen(body), false, &media,
                            &thinking);
    assert_null(media);
    if (!err) {
        assert_out(&out, "Yes.");
        assert_out(&thinking, "Is it?");
    }
    lg__out_free(&out);
    lg__out_free(&thinking);
    return err;
}

static void test_a_reply_is_read_oom(void **state)
{
    static const char calls[] =
        "{\"choices\":[{\"message\":{\"tool_calls\":[{\"id\":\"1\",\"type\":\"function\","
        "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},\"finish_reason\":\"tool_calls\"}]}";
    lg_out out = {0};
    const char *media;
    (void)state;
    oom_sweep(read_reply, NULL);
    assert_int_equal(lg__out_reply(&out, "openai", NULL, calls, strlen(calls), true, &media, NULL),
                     0);
    assert_non_null(media);
    assert_non_null(strstr(out.data, "\"name\":\"f\""));
    lg__out_free(&out);
    assert_int_equal(lg__out_reply(&out, "openai", NULL, "{", 1, false, &media, NULL), LG_EPARSE);
    assert_int_equal(lg__out_reply(&out, "nobody's", NULL, calls, 1, false, &media, NULL),
                     LG_EPARSE);
    assert_null(out.data);
}

/* ---- rows ----------------------------------------------------------------------- */

/* The first column of all rows, with a blank behind each. 0, LG_E… */
static int column(lg_book *b, const char *sql, const lg_cell *cells, size_t n, char out[64])
{
    lg_cell cell;
    size_t at = 0;
    int found = lg__book_query(b, sql, cells, n);
    out[0] = '\0';
    while (found == LG_OK && (found = lg__book_next(b)) > 0) {
        assert_string_equal(lg__book_cell(b, 0, &cell), "x");
        at += cell.type == LG_CELL_INT
                  ? (size_t)snprintf(out + at, 64 - at, "%d ", (int)cell.i)
                  : (size_t)snprintf(out + at, 64 - at, "%.*s ", (int)cell.len, cell.s);
        found = LG_OK;
    }
    return found;
}

static int index_rows(support_heap *h, void *ctx)
{
    lg_book *b;
    char out[64];
    const char *hint;
    int64_t changed;
    const lg_ambiguous *list;
    size_t n;
    const lg_cell apples = {.type = LG_CELL_TEXT, .s = "two apples", .len = 10};
    int err = lg__book_open(support_alloc, h, LG_BOOK_INDEX, ctx, &b);
    if (err) {
        if (b)
            assert_non_null(lg__book_why(b, &hint));
        lg__book_close(b);
        return err;
    }
    assert_int_equal(column(b, "CREATE VIRTUAL TABLE w USING fts5(x)", NULL, 0, out), 0);
    assert_int_equal(column(b, "INSERT INTO w VALUES(?)", &apples, 1, out), 0);
    assert_int_equal(column(b, "SELECT x FROM w WHERE w MATCH 'apples'", NULL, 0, out), 0);
    assert_string_equal(out, "two apples ");
    assert_int_equal(lg__book_query(b, "no SQL", NULL, 0), LG_EINVAL);
    const char *why = lg__book_why(b, &hint);
    assert_true(strlen(why) > 0);
    assert_int_equal(lg__book_change(b, "DELETE FROM w", NULL, 0, &changed), LG_EINVAL);
    assert_int_equal(lg__book_ambiguous(b, 1, &list, &n), LG_EINVAL);
    assert_string_not_equal(lg__book_why(b, &hint), why);
    lg__book_query(b, "SELECT x FROM w", NULL, 0);
    lg__book_close(b); /* in the middle of a statement */
    return LG_OK;
}

static void test_rows_of_an_index_oom(void **state)
{
    support_heap h;
    lg_book *b;
    const char *hint;
    (void)state;
    oom_sweep(index_rows, NULL);
    support_heap_init(&h);
    assert_int_equal(lg__book_open(support_alloc, &h, LG_BOOK_INDEX, "/nowhere/x.db", &b),
                     LG_ESTORE);
    assert_non_null(strstr(lg__book_why(b, &hint), "/nowhere/x.db"));
    lg__book_close(b);
    lg__book_close(NULL);
    assert_heap_empty(&h);
}

static int store_rows(support_heap *h, void *ctx)
{
    kit *k = ctx;
    lg_book *b = NULL;
    char out[64];
    const char *hint;
    const lg_ambiguous *list;
    size_t n = 99;
    const lg_cell two = {.type = LG_CELL_INT, .i = 2};
    int err = lg__book_open(support_alloc, h, LG_BOOK_STORE, k->dir, &b);
    if (!err)
        err = column(b, "SELECT id AS x FROM run WHERE id <= ? ORDER BY id", &two, 1, out);
    if (!err)
        assert_string_equal(out, "1 2 ");
    if (!err)
        err = lg__book_ambiguous(b, 1, &list, &n);
    if (!err) {
        assert_int_equal(n, 1);
        assert_int_equal(list[0].code, 0);
        err = lg__book_ambiguous(b, 2, &list, &n);
    }
    if (!err)
        assert_int_equal(n, 0);
    else if (b)
        assert_non_null(lg__book_why(b, &hint));
    lg__book_close(b);
    return err;
}

/* Two runs, of which the first died with a call under way. */
static void fill(kit *k)
{
    assert_int_equal(kit_open_with(k, NULL), 0);
    assert_int_equal(lg__store_run_begin(k->s, "first", NULL), 0);
    lg_request *r = kit_ask(k, "where to?", 0);
    r->attempts = 1;
    assert_int_equal(lg__store_begin(k->s), 0);
    assert_int_equal(lg__store_intend(k->s, r), 0);
    assert_int_equal(lg__store_commit(k->s), 0);
    lg__request_free(&k->mem, r);
    kit_shut(k);
    assert_int_equal(kit_open_with(k, NULL), 0);
    assert_int_equal(lg__store_run_begin(k->s, "second", NULL), 0);
    assert_int_equal(lg__store_run_end(k->s, "done"), 0);
    kit_shut(k);
}

static void test_rows_of_a_store_oom(void **state)
{
    static const char change[] = "UPDATE run SET name = 'renamed'";
    kit k;
    lg_book *b;
    char out[64];
    int64_t changed = 0;
    const char *hint;
    (void)state;
    kit_setup(&k);
    assert_int_equal(lg__book_open(NULL, NULL, LG_BOOK_STORE, k.dir, &b), LG_ENOTFOUND);
    assert_non_null(strstr(lg__book_why(b, &hint), k.dir));
    lg__book_close(b);
    fill(&k);
    oom_sweep(store_rows, &k);
    assert_int_equal(lg__book_open(NULL, NULL, LG_BOOK_WRITABLE, k.dir, &b), 0);
    assert_int_equal(lg__book_change(b, change, NULL, 0, &changed), 0);
    assert_int_equal(changed, 2);
    assert_int_equal(lg__book_query(b, change, NULL, 0), LG_EINVAL); /* it reads nothing */
    assert_int_equal(column(b, "SELECT DISTINCT name AS x FROM run", NULL, 0, out), 0);
    assert_string_equal(out, "renamed ");
    lg__book_close(b);
    kit_end(&k);
}

static void test_the_engines_own_store(void **state)
{
    static const char change[] = "UPDATE run SET name = 'renamed'";
    kit k;
    lg_config cfg;
    char out[64];
    uint64_t id;
    int64_t changed = 9;
    const lg_ambiguous *list;
    size_t n;
    (void)state;
    kit_setup(&k);
    support_config(&cfg, NULL);
    lg_engine *e = support_engine_new(&cfg);
    assert_null(lg__book_of(e));
    lg_engine_free(e);
    cfg.store_dir = k.dir;
    e = support_engine_new(&cfg);
    lg_book *b = lg__book_of(e);
    assert_ptr_equal(b, lg__book_of(e));
    assert_int_equal(lg_run_begin(e, "mine", NULL, &id), 0);
    assert_int_equal(lg__book_change(b, change, NULL, 0, &changed), 0);
    assert_int_equal(changed, 0); /* queued … */
    assert_int_equal(column(b, "SELECT name AS x FROM run", NULL, 0, out), 0);
    assert_string_equal(out, "renamed "); /* … and written before the store is read */
    assert_int_equal(lg__book_ambiguous(b, 1, &list, &n), LG_EINVAL);
    lg_engine_free(e);
    kit_end(&k);
}

/* ---- libraries, looks ------------------------------------------------------------- */

static void test_libraries(void **state)
{
    void *open = NULL, *none = NULL;
    char why[128] = "";
    const lg_import good[] = {{"sqlite3_libversion", &open}};
    const lg_import bad[] = {{"sqlite3_libversion", &open}, {"no_such_thing", &none}};
    (void)state;
    assert_true(lg__inside_load("libsqlite3.so.0", good, 1, why, sizeof why));
    assert_non_null(open);
    assert_false(lg__inside_load("libsqlite3.so.0", bad, 2, why, sizeof why));
    assert_string_equal(why, "libsqlite3.so.0 has no no_such_thing");
    assert_false(lg__inside_load("libnowhere.so", good, 1, why, sizeof why));
    assert_non_null(strstr(why, "libnowhere.so"));
}

static void test_a_look_says_what_is_beneath(void **state)
{
    lg_look *k;
    lg_look_about a;
    lg_look_reply r;
    (void)state;
    assert_int_equal(lg__look_open(1, NULL, NULL, &k), 0);
    lg__look_about(k, &a);
    assert_true(a.curl && a.tls && a.sqlite && a.libuv && a.schema > 0);
    assert_int_equal(lg__look_start(k, 0, NULL, NULL, NULL, 0, 50), LG_EINVAL);
    assert_false(lg__look_next(k, 50, &r)); /* nothing was asked */
    lg__look_close(k);
    lg__look_close(NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_every_value_comes_in_its_order),
    cmocka_unit_test(test_what_an_item_says),
    cmocka_unit_test(test_nesting_goes_as_deep_as_is_read),
    cmocka_unit_test(test_what_is_broken_is_told_with_its_place),
    cmocka_unit_test(test_json_oom),
    cmocka_unit_test(test_forms),
    cmocka_unit_test(test_trim_keeps_what_fits),
    cmocka_unit_test(test_templates),
    cmocka_unit_test(test_texts_oom),
    cmocka_unit_test(test_numbers),
    cmocka_unit_test(test_a_reply_is_read_oom),
    cmocka_unit_test(test_rows_of_an_index_oom),
    cmocka_unit_test(test_rows_of_a_store_oom),
    cmocka_unit_test(test_the_engines_own_store),
    cmocka_unit_test(test_libraries),
    cmocka_unit_test(test_a_look_says_what_is_beneath),
};

LG_TEST_MAIN(tests)
