/* test_fail.c - messages as data: replaced, shared, never in the way of memory. */
#include "../support.h"

#include "base/fail.h"

static void test_set_replaces_all(void **state)
{
    support_heap h;
    lg_mem m;
    lg_fail f;

    (void)state;
    support_mem_init(&m, &h);
    lg__fail_init(&f);
    assert_int_equal(f.retry_after_ms, -1);
    assert_string_equal(lg__fail_message(&f), "no error");
    lg__fail_set(&f, &m, LG_ERATE, "slow down, %s", "please");
    lg__fail_hint(&f, &m, "wait %d s", 3);
    f.http_status = 429;
    f.retryable = true;
    f.retry_after_ms = 3000;
    strcpy(f.request_id, "req_1");
    assert_string_equal(lg__fail_message(&f), "slow down, please");
    assert_string_equal(f.hint->data, "wait 3 s");
    lg__fail_set(&f, &m, LG_EAUTH, "no key");
    assert_int_equal(f.code, LG_EAUTH);
    assert_int_equal(f.http_status, 0);
    assert_false(f.retryable);
    assert_int_equal(f.retry_after_ms, -1);
    assert_string_equal(f.request_id, "");
    assert_null(f.hint);
    lg__fail_free(&f);
    assert_int_equal(f.code, 0);
    lg__fail_free(&f);
    assert_heap_empty(&h);
}

static void test_the_cause_is_the_end_of_the_message(void **state)
{
    support_heap h;
    lg_mem m;
    lg_fail f, g;
    const char *longer = "other (node 2) <- some (node 1): slow, please";

    (void)state;
    support_mem_init(&m, &h);
    lg__fail_init(&f);
    lg__fail_init(&g);
    assert_string_equal(lg__fail_cause(&f), lg__fail_message(&f));
    lg__fail_of(&f, &m, LG_ERATE, "some (node 1)", "slow, %s", "please");
    assert_string_equal(lg__fail_message(&f), "some (node 1): slow, please");
    assert_string_equal(lg__fail_cause(&f), "slow, please");
    lg__fail_copy(&g, &f);
    lg__fail_lead(&g, lg__text_new(&m, longer, strlen(longer)));
    assert_string_equal(lg__fail_message(&g), longer);
    assert_string_equal(lg__fail_cause(&g), "slow, please");
    lg__fail_lead(&g, NULL);
    assert_string_equal(lg__fail_message(&g), longer);
    lg__fail_set(&f, &m, LG_EAUTH, "no key");
    assert_string_equal(lg__fail_cause(&f), "no key");
    h.fail_at = h.calls + 1;
    lg__fail_of(&f, &m, LG_ERATE, "some (node 1)", "slow");
    assert_string_equal(lg__fail_cause(&f), lg_error_text(LG_ERATE));
    lg__fail_free(&f);
    lg__fail_free(&g);
    assert_heap_empty(&h);
}

static void test_one_line_of_clean_text(void **state)
{
    lg_mem m;
    lg_fail f;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    lg__fail_init(&f);
    lg__fail_set(&f, &m, LG_EPARSE, "%s", "two\r\nlines\t\033[31mred\x7f\xc2\x9b and \xff");
    assert_string_equal(lg__fail_message(&f), "two  lines  [31mred    and ?");
    lg__fail_hint(&f, &m, "%s", "a\nb");
    assert_string_equal(f.hint->data, "a b");
    lg__fail_free(&f);
    assert_int_equal(m.live_blocks, 0);
}

static void test_message_made_of_the_old_one(void **state)
{
    support_heap h;
    lg_mem m;
    lg_fail f;

    (void)state;
    support_mem_init(&m, &h);
    lg__fail_init(&f);
    lg__fail_set(&f, &m, LG_EIO, "disk");
    lg__fail_hint(&f, &m, "buy one");
    lg__fail_set(&f, &m, LG_EINPUT, "because: %s (%s)", lg__fail_message(&f), f.hint->data);
    assert_string_equal(lg__fail_message(&f), "because: disk (buy one)");
    lg__fail_free(&f);
    assert_heap_empty(&h);
}

static void test_long_messages_are_cut_between_characters(void **state)
{
    lg_mem m;
    lg_fail f;
    lg_bytes b;

    (void)state;
    lg__mem_init(&m, NULL, NULL);
    lg__bytes_init(&b, &m, LG_BYTES_MAX);
    for (int i = 0; i < 50000; i++)
        lg__bytes_adds(&b, "€");
    lg__fail_init(&f);
    lg__fail_set(&f, &m, LG_EINPUT, "%s", b.data);
    assert_int_equal(f.message->len, 65535); /* 65536 is no multiple of three */
    assert_true(lg_utf8_check(f.message->data, f.message->len) < 0);
    assert_null(strchr(f.message->data, '?'));
    lg__fail_free(&f);
    lg__bytes_free(&b);
    assert_int_equal(m.live_blocks, 0);
}

static void test_copy_shares(void **state)
{
    support_heap h;
    lg_mem m;
    lg_fail a, b;

    (void)state;
    support_mem_init(&m, &h);
    lg__fail_init(&a);
    lg__fail_init(&b);
    lg__fail_set(&a, &m, LG_ERESET, "gone");
    a.ambiguous = true;
    lg__fail_set(&b, &m, LG_EIO, "old");
    lg__fail_hint(&b, &m, "old hint");
    lg__fail_copy(&b, &a);
    assert_ptr_equal(a.message, b.message);
    assert_null(b.hint);
    assert_true(b.ambiguous);
    lg__fail_copy(&b, &b);
    lg__fail_copy(&b, &a);
    lg__fail_free(&a);
    assert_string_equal(lg__fail_message(&b), "gone");
    lg__fail_free(&b);
    assert_heap_empty(&h);
}

static int work(support_heap *h, void *ctx)
{
    lg_mem m;
    lg_fail f, copy;
    int rc;

    (void)ctx;
    support_mem_on(&m, h);
    lg__fail_init(&f);
    lg__fail_init(&copy);
    lg__fail_set(&f, &m, LG_ETIMEOUT, "no reply in %d s", 30);
    lg__fail_hint(&f, &m, "raise it");
    assert_int_equal(f.code, LG_ETIMEOUT); /* whatever memory says */
    assert_non_null(lg__fail_message(&f));
    if (!f.message)
        assert_string_equal(lg__fail_message(&f), "timed out");
    lg__fail_copy(&copy, &f);
    lg__fail_set(&f, &m, LG_EIO, "%s", "again");
    assert_int_equal(f.code, LG_EIO);
    rc = f.message && copy.message && copy.hint ? 0 : LG_ENOMEM;
    lg__fail_free(&f);
    lg__fail_free(&copy);
    return rc;
}

static void test_oom(void **state)
{
    (void)state;
    oom_sweep(work, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_set_replaces_all),
    cmocka_unit_test(test_the_cause_is_the_end_of_the_message),
    cmocka_unit_test(test_one_line_of_clean_text),
    cmocka_unit_test(test_message_made_of_the_old_one),
    cmocka_unit_test(test_long_messages_are_cut_between_characters),
    cmocka_unit_test(test_copy_shares),
    cmocka_unit_test(test_oom),
};

LG_TEST_MAIN(tests)
