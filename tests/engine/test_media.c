/* test_media.c - kinds of values, how they are told apart and shown, base64. */
#include "../support.h"

#include "base/json.h"
#include "base/media.h"

static void test_types(void **state)
{
    (void)state;
    for (int i = LG_MEDIA_TEXT; i < LG_MEDIA_KINDS; i++)
        assert_int_equal(lg__media_of_type(lg__media_type(i)), i);

    assert_int_equal(lg__media_of_type("image/jpg"), LG_MEDIA_JPEG);
    assert_int_equal(lg__media_of_type("IMAGE/PNG; q=1"), LG_MEDIA_PNG);
    assert_int_equal(lg__media_of_type("image/pn"), -1);
    assert_int_equal(lg__media_of_type(""), -1);
    assert_string_equal(lg__media_type(99), "text/plain");
}

static void test_sniff(void **state)
{
    (void)state;
    assert_int_equal(lg__media_sniff("\x89PNG\r\n\x1a\n....", 12), LG_MEDIA_PNG);
    assert_int_equal(lg__media_sniff("RIFF....WEBPVP8 ", 16), LG_MEDIA_WEBP);
    assert_int_equal(lg__media_sniff("RIFF....WAVEfmt ", 16), LG_MEDIA_WAV);
    assert_int_equal(lg__media_sniff("XXXX....WAVE", 12), -1);
    assert_int_equal(lg__media_sniff("GIF89", 5), -1);
    assert_int_equal(lg__media_sniff("", 0), -1);
}

static void test_check(void **state)
{
    (void)state;
    assert_int_equal(lg__media_check(NULL, "%PDF-1.7", 8), LG_MEDIA_PDF);
    assert_int_equal(lg__media_check("image/png", "%PDF-1.7", 8), LG_EINVAL);
    assert_int_equal(lg__media_check("audio/pcm", "\1\2\3\4", 4), LG_MEDIA_PCM);
    assert_int_equal(lg__media_check("audio/pcm", "OggS", 4), LG_EINVAL);
    assert_int_equal(lg__media_check("image/url", "https://x/y", 11), LG_MEDIA_IMAGE_URL);
    assert_int_equal(lg__media_check("image/url", "a\0b", 3), LG_EINVAL);
    assert_int_equal(lg__media_check("text/plain", "hi", 2), LG_EINVAL);
    assert_int_equal(lg__media_check(NULL, "hi", 2), LG_EINVAL);
    assert_int_equal(lg__media_check("image/png", "", 0), LG_EINVAL);
}

static int check_described(lg_mem *m, int media, const char *s, size_t len, const char *want)
{
    lg_text *t = lg__text_new_media(m, media, s, len);
    lg_text *said = t ? lg__media_describe(m, t) : NULL;
    int err = said ? LG_OK : LG_ENOMEM;
    if (said) {
        assert_string_equal(said->data, want);
        assert_int_equal(said->media, LG_MEDIA_TEXT);
    }
    lg__text_unref(said);
    lg__text_unref(t);
    return err;
}

static int describe_all(support_heap *h, void *ctx)
{
    static const char turn[] =
        "{\"text\":\"Let me see.\",\"calls\":[{\"id\":\"1\",\"name\":\"add\",\"arguments\":"
        "{\"a\":1,\"b\":[2.5,null,true,\"x\"]}},{\"id\":\"2\",\"name\":\"now\",\"arguments\":{}}]}";
    lg_mem m;
    (void)ctx;
    support_mem_on(&m, h);
    int err = check_described(&m, LG_MEDIA_PNG, "\x89PNG", 4, "[image/png, 4 bytes]");
    err =
        err ? err : check_described(&m, LG_MEDIA_IMAGE_URL, "https://x", 9, "[image at https://x]");
    err = err ? err : check_described(&m, LG_MEDIA_TEXT, "plain", 5, "plain");
    return err ? err
               : check_described(&m, LG_MEDIA_CALLS, turn, sizeof turn - 1,
                                 "Let me see.\n[calls add {\"a\":1,\"b\":[2.5,null,true,\"x\"]}]\n"
                                 "[calls now {}]");
}

static void test_oom_describe(void **state)
{
    (void)state;
    oom_sweep(describe_all, NULL);
}

static void test_base64(void **state)
{
    static const char *const pairs[][2] = {
        {"", ""},
        {"f", "Zg=="},
        {"fo", "Zm8="},
        {"foo", "Zm9v"},
        {"foob", "Zm9vYg=="},
        {"fooba", "Zm9vYmE="},
        {"foobar", "Zm9vYmFy"},
        {"\xff\xfe\xfd", "//79"},
    };
    lg_mem m;
    lg_bytes b;
    (void)state;
    lg__mem_init(&m, NULL, NULL);
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        lg__bytes_init(&b, &m, LG_BYTES_MAX);
        assert_int_equal(lg__base64_write(&b, pairs[i][0], strlen(pairs[i][0])), LG_OK);
        assert_string_equal(b.data ? b.data : "", pairs[i][1]);
        b.len = 0;
        assert_int_equal(lg__base64_read(&b, pairs[i][1], strlen(pairs[i][1])), LG_OK);
        assert_int_equal(b.len, strlen(pairs[i][0]));
        assert_memory_equal(b.data ? b.data : "", pairs[i][0], b.len);
        lg__bytes_free(&b);
    }
    lg__bytes_init(&b, &m, LG_BYTES_MAX);
    assert_int_equal(lg__base64_read(&b, "__79\n", 5), LG_OK); /* the other alphabet */
    assert_memory_equal(b.data, "\xff\xfe\xfd", 3);
    assert_int_equal(lg__base64_read(&b, "Zm9v!", 5), LG_EPARSE);
    assert_int_equal(lg__base64_read(&b, "Zm9vY", 5), LG_EPARSE);
    lg__bytes_free(&b);
    assert_int_equal(m.live_blocks, 0);
}

/* Longer than one piece of the writer's. */
static void test_base64_long(void **state)
{
    char data[5000];
    lg_mem m;
    lg_bytes b, back;
    (void)state;
    for (size_t i = 0; i < sizeof data; i++)
        data[i] = (char)(i * 31 + i / 256);

    lg__mem_init(&m, NULL, NULL);
    for (size_t len = 4990; len <= sizeof data; len++) {
        lg__bytes_init(&b, &m, LG_BYTES_MAX);
        lg__bytes_init(&back, &m, LG_BYTES_MAX);
        assert_int_equal(lg__base64_write(&b, data, len), LG_OK);
        assert_int_equal(b.len, (len + 2) / 3 * 4);
        assert_int_equal(lg__base64_read(&back, b.data, b.len), LG_OK);
        assert_int_equal(back.len, len);
        assert_memory_equal(back.data, data, len);
        lg__bytes_free(&b);
        lg__bytes_free(&back);
    }
}

/* Nested as deep as the reader allows, and every kind of value. */
static void test_json_write(void **state)
{
    static const char *const texts[] = {"null",
                                        "[]",
                                        "{}",
                                        "[{},[],[[]]]",
                                        "{\"a\":{\"b\":[1,2,{\"c\":null}],\"d\":\"\\\"\"}}",
                                        "[0,-1,9007199254740992,0.1,1e+300,true,false]"};
    static char deep[2 * LG_JSON_DEPTH + 1];
    lg_mem m;
    lg_bytes b;
    lg_json *root;
    (void)state;
    memset(deep, '[', LG_JSON_DEPTH);
    memset(deep + LG_JSON_DEPTH, ']', LG_JSON_DEPTH);
    lg__mem_init(&m, NULL, NULL);
    for (size_t i = 0; i <= sizeof texts / sizeof *texts; i++) {
        const char *text = i < sizeof texts / sizeof *texts ? texts[i] : deep;
        assert_int_equal(lg__json_parse(&m, text, strlen(text), &root, NULL), LG_OK);
        lg__bytes_init(&b, &m, LG_BYTES_MAX);
        assert_int_equal(lg__json_write(&b, root), LG_OK);
        assert_string_equal(b.data, text);
        lg__bytes_free(&b);
        lg__json_free(&m, root);
    }
    assert_int_equal(m.live_blocks, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_types),      cmocka_unit_test(test_sniff),
        cmocka_unit_test(test_check),      cmocka_unit_test(test_oom_describe),
        cmocka_unit_test(test_base64),     cmocka_unit_test(test_base64_long),
        cmocka_unit_test(test_json_write),
    };
    support_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
