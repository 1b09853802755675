/* test_library.c - libraries that are there, that are not, and that are something else. */
#include "../support.h"

#include "net/http_curl.h"

typedef struct few {
    size_t (*length)(const char *s);
    int (*compare)(const char *a, const char *b);
    void *none;
} few;

static const lg_symbol symbols[] = {{"strlen", offsetof(few, length)},
                                    {"strcmp", offsetof(few, compare)},
                                    {"no_such_function", offsetof(few, none)}};

static void test_functions_by_name(void **state)
{
    char why[200] = "";
    few f = {0};
    void *c = lg__library_open("libc.so.6", why, sizeof why);

    (void)state;
    assert_non_null(c);
    assert_string_equal(why, "");
    assert_null(lg__library_find(c, symbols, 2, &f));
    assert_int_equal(f.length("four"), 4);
    assert_true(f.compare("a", "b") < 0);
    assert_string_equal(lg__library_find(c, symbols, 3, &f), "no_such_function");
    assert_null(f.none);
}

static void test_what_is_not_there(void **state)
{
    char why[200] = "", tiny[8];

    (void)state;
    assert_null(lg__library_open("liblunagrad-absent.so.0", why, sizeof why));
    assert_non_null(strstr(why, "liblunagrad-absent.so.0"));
    assert_null(lg__library_open("liblunagrad-absent.so.0", tiny, sizeof tiny));
    assert_int_equal(strlen(tiny), sizeof tiny - 1);
}

static void keep_line(void *ud, int level, const char *message)
{
    (void)level;
    snprintf(ud, 300, "%s", message);
}

static void test_no_libcurl(void **state)
{
    char line[300] = "";
    lg_curl curl = {0};
    lg_mem m;
    lg_log log;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    lg__log_init(&log, &m, keep_line, line, LG_LOG_DEBUG);
    assert_int_equal(lg__curl_load(&curl, "libcurl-absent.so.4", &log), LG_ELIBRARY);
    assert_non_null(strstr(line, "libcurl cannot be loaded: libcurl-absent.so.4"));
    assert_int_equal(lg__curl_load(&curl, "libc.so.6", &log), LG_ELIBRARY);
    assert_non_null(strstr(line, "libc.so.6 has no curl_easy_cleanup"));
    assert_int_equal(lg__curl_load(&curl, LG_CURL_LIBRARY, &log), 0);
    assert_int_equal(curl.version_info(CURLVERSION_NOW)->age >= CURLVERSION_NOW, 1);
    lg__log_free(&log);
    assert_int_equal(m.live_blocks, 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_functions_by_name),
    cmocka_unit_test(test_what_is_not_there),
    cmocka_unit_test(test_no_libcurl),
};

LG_TEST_MAIN(tests)
