/* test_store_index.c - a retriever's database: words are found, bad SQL and bad files told. */
#include "../support.h"

#include "store/store_index.h"

static int run(lg_index *x, const char *sql, const char *text)
{
    lg_cell cell = {.type = LG_CELL_TEXT, .s = text, .len = text ? strlen(text) : 0};
    int rows = 0, err = lg__index_do(x, sql, &cell, text ? 1 : 0);
    while (!err && (err = lg__index_row(x)) == 1) {
        rows++;
        err = 0;
    }
    return err ? err : rows;
}

static int work(support_heap *h, void *ctx)
{
    lg_mem m;
    lg_index *x;
    lg_fail why;
    lg_cell cell;

    support_mem_on(&m, h);
    int err = lg__index_open(&m, ctx, &x, &why);
    if (err) {
        assert_int_equal(err, LG_ENOMEM);
        lg__fail_free(&why);
        return err;
    }
    assert_int_equal(run(x, "CREATE VIRTUAL TABLE w USING fts5(text)", NULL), 0);
    assert_int_equal(run(x, "INSERT INTO w VALUES(?)", "two apples"), 0);
    assert_int_equal(run(x, "SELECT * FROM w WHERE w MATCH ?", "\"apples\""), 1);
    assert_int_equal(run(x, "SELECT * FROM w WHERE w MATCH ?", "apples AND ("), LG_EINVAL);
    assert_int_equal(run(x, "SELECT 1", "one too many"), LG_EINVAL);
    assert_int_equal(run(x, "no SQL", NULL), LG_EINVAL);
    assert_int_equal(lg__index_why(x)->code, LG_EINVAL);
    assert_int_equal(lg__index_do(x, "SELECT text FROM w", NULL, 0), 0);
    assert_int_equal(lg__index_columns(x), 1);
    assert_int_equal(lg__index_row(x), 1);
    assert_string_equal(lg__index_column(x, 0), "text");
    lg__index_cell(x, 0, &cell);
    assert_bytes(cell.s, cell.len, "two apples");
    lg__index_close(x); /* in the middle of a statement */
    return 0;
}

static void test_words_are_found(void **state)
{
    support_heap h;
    (void)state;
    support_heap_init(&h);
    assert_int_equal(work(&h, NULL), 0);
    assert_heap_empty(&h);
}

static void test_oom(void **state)
{
    (void)state;
    oom_sweep(work, ":memory:");
}

static void test_files_that_are_none(void **state)
{
    support_heap h;
    lg_mem m;
    lg_index *x = NULL;
    lg_fail why;

    (void)state;
    support_mem_init(&m, &h);
    assert_int_equal(lg__index_open(&m, "/nowhere/at/all/x.db", &x, &why), LG_ESTORE);
    assert_null(x);
    assert_non_null(strstr(lg__fail_message(&why), "/nowhere/at/all/x.db"));
    lg__fail_free(&why);
    assert_int_equal(lg__index_open(&m, "Makefile", &x, &why), LG_ESTORE);
    assert_non_null(why.hint);
    lg__fail_free(&why);
    assert_heap_empty(&h);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_words_are_found),
    cmocka_unit_test(test_oom),
    cmocka_unit_test(test_files_that_are_none),
};

LG_TEST_MAIN(tests)
