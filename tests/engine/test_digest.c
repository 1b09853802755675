/* test_digest.c - pieces keep their borders; the bytes are fixed for ever. */
#include "../support.h"

#include "../../engine/digest.h"

static void hex_of(const lg_piece *pieces, size_t n, char hex[65])
{
    unsigned char out[32];

    assert_int_equal(lg__digest(pieces, n, out), 0);
    for (size_t i = 0; i < 32; i++)
        snprintf(hex + 2 * i, 3, "%02x", out[i]);
}

static void test_known_values(void **state)
{
    lg_piece abc = {"abc", 3}, none = {NULL, 0};
    char hex[65];

    (void)state;
    /* BLAKE2b-512, its first half: of nothing; of 0000000000000003 "abc"; of eight zeros */
    hex_of(NULL, 0, hex);
    assert_string_equal(hex, "786a02f742015903c6c6fd852552d272912f4740e15847618a86e217f71f5419");
    hex_of(&abc, 1, hex);
    assert_string_equal(hex, "69b34f7e397ab4d4046ae34f38e3b14b9f753a8e08927140e3db345dd0fd95ad");
    hex_of(&none, 1, hex);
    assert_string_equal(hex, "482ae5a29fbe856c7272f2071b8b0f0359ee2d89ff392b8a900643fbd0836ecc");
}

static void test_borders_matter(void **state)
{
    lg_piece one[2] = {{"ab", 2}, {"c", 1}}, two[2] = {{"a", 1}, {"bc", 2}};
    lg_piece three[3] = {{"ab", 2}, {"c", 1}, {"", 0}};
    char a[65], b[65], c[65];

    (void)state;
    hex_of(one, 2, a);
    hex_of(two, 2, b);
    hex_of(three, 3, c);
    assert_string_not_equal(a, b);
    assert_string_not_equal(a, c);
    hex_of(three, 2, c);
    assert_string_equal(a, c);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_known_values),
    cmocka_unit_test(test_borders_matter),
};

LG_TEST_MAIN(tests)
