/* test_digest.c - pieces keep their borders; the bytes are fixed for ever. */
#include "../support.h"

#include "base/digest.h"

static void hex_of(const lg_piece *pieces, size_t n, char hex[65])
{
    unsigned char out[32], anywhere[32];

    lg__digest(pieces, n, out);
    lg__digest_anywhere(pieces, n, anywhere);
    assert_memory_equal(out, anywhere, sizeof out);
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

/* BLAKE2b works in blocks of 128 bytes, of which a length in front takes eight. */
static void test_around_the_blocks(void **state)
{
    static const struct {
        size_t len;
        const char *hex;
    } known[] = {
        {119, "d5c4789898d070b6a406d120c8fbbeb8dbfffbe25a458f80fdf4c596e6092881"},
        {120, "b77f77df5aedb50554d7ff70417b3ec1b80382bd90e29e47bd59f263294d6594"},
        {121, "08b0200a972fc644e07e3d3bc4799011198d9a4824e65e26d3a116c004440952"},
        {248, "4e308d5ee53dcb795eb8712917efdb5693ec276243c9ab09fdf675347a8acd2e"},
        {249, "84b954da9c65bc7718a3a6677fc6a719f0236f1d594aba68795d51396487620c"},
        {1000, "cbf64043848927ad57951e8eac46f44f034099bd1dfd2dbd126ca16b97de6ac2"},
    };
    char a[1000], b[120], c[4096], hex[65];
    lg_piece three[3] = {{a, 120}, {b, sizeof b}, {c, sizeof c}};

    (void)state;
    memset(a, 'a', sizeof a);
    memset(b, 'b', sizeof b);
    memset(c, 'c', sizeof c);
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        lg_piece one = {a, known[i].len};

        hex_of(&one, 1, hex);
        assert_string_equal(hex, known[i].hex);
    }
    hex_of(three, 3, hex);
    assert_string_equal(hex, "e61fc44b65b81ac5d393d601043d04ab42c2f9b10d58eda90e9c1cd2401675ac");
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
    cmocka_unit_test(test_around_the_blocks),
    cmocka_unit_test(test_borders_matter),
};

LG_TEST_MAIN(tests)
