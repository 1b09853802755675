/* test_error.c - every code has its name and its text. */
#include "../support.h"

#include <ctype.h>

static const struct {
    int code;
    const char *capitals, *text;
} all[] = {
#define XX(name, text) {LG_E##name, #name, text},
    LG_ERROR_MAP(XX)
#undef XX
};

static void test_names_are_the_codes_in_small_letters(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        const char *name = lg_error_name(all[i].code);

        assert_int_equal(strlen(name), strlen(all[i].capitals));
        for (size_t k = 0; name[k]; k++)
            assert_int_equal(name[k], tolower((unsigned char)all[i].capitals[k]));
        assert_string_equal(lg_error_text(all[i].code), all[i].text);
    }
    assert_string_equal(lg_error_name(LG_ETIMEOUT), "timeout");
}

static void test_numbers_are_fixed(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        assert_int_equal(all[i].code, -(int)i - 1);
    assert_int_equal(LG_ENOMEM, -1); /* part of the ABI: a change of these breaks hosts */
    assert_int_equal(LG_EPARSE, -11);
    assert_int_equal(LG_ENOMODEL, -30);
}

static void test_other_numbers(void **state)
{
    (void)state;
    assert_string_equal(lg_error_name(0), "ok");
    assert_string_equal(lg_error_name(1), "unknown");
    assert_string_equal(lg_error_name(-(int)LG_ERROR_END), "unknown");
    assert_string_equal(lg_error_name(INT32_MIN), "unknown");
    assert_string_equal(lg_error_text(INT32_MAX), "unknown error");
    assert_string_equal(lg_error_text(-1000), "unknown error");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_names_are_the_codes_in_small_letters),
    cmocka_unit_test(test_numbers_are_fixed),
    cmocka_unit_test(test_other_numbers),
};

LG_TEST_MAIN(tests)
