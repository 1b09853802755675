/* test_exhibit.c - pictures in the graph: what a critic is shown and in which order, values
 * that are shown beside a text, tools that take and return pictures. */
#include "../scripted.h"

#define RED "\x89PNG\r\n\x1a\nred"
#define BLUE "\x89PNG\r\n\x1a\nblue"
enum { RED_LEN = sizeof RED - 1, BLUE_LEN = sizeof BLUE - 1 };

static lg_var *leaf(script *s, const char *bytes, size_t len, const char *role, bool grad)
{
    lg_var *v = NULL;
    lg_var_new_media(s->e, NULL, bytes, len, role, grad, &v);
    return v;
}

static lg_var *call(script *s, const lg_message *m, size_t n)
{
    lg_call c;
    lg_var *v = NULL;
    lg_call_init(&c);
    c.messages = m;
    c.n_messages = n;
    lg_call_model(s->e, s->model, &c, &v);
    return v;
}

/* Kinds of the first call's messages, one letter each: - or p. */
static const char *kinds(script *s, char out[16])
{
    lg_request_view view;
    size_t n = 0;
    script_take(s);
    assert_true(s->n_works > 0 && s->works[0].type == LG_EVENT_CALL);
    assert_int_equal(lg_call_view(s->e, s->works[0].id, &view), 0);
    for (; n < view.n_messages && n < 15; n++)
        out[n] = lg_call_message_media(s->e, s->works[0].id, n) ? 'p' : '-';
    out[n] = '\0';
    return out;
}

static int start_pass(script *s, lg_var *root, lg_var **pass)
{
    lg_backward b;
    lg_backward_init(&b);
    b.model = s->model;
    return lg_backward_start(s->e, root, &b, pass);
}

static void test_the_variable_comes_first(void **state)
{
    (void)state;
    script s;
    char got[16];
    const char *role, *text;
    size_t len;
    lg_var *pass;
    script_start(&s);
    assert_int_equal(script_template(&s, "attached", "{value} FIRST"), 0);
    lg_var *q = script_leaf(&s, "which?", "question", false);
    lg_var *other = leaf(&s, BLUE, BLUE_LEN, "sketch", false);
    lg_var *logo = leaf(&s, RED, RED_LEN, "logo", true);
    lg_message m[] = {{"user", q}, {LG_PART, other}, {LG_PART, logo}};
    lg_var *answer = call(&s, m, 3);
    assert_true(script_run(&s));
    assert_int_equal(start_pass(&s, answer, &pass), 0);
    assert_string_equal(kinds(&s, got), "--pp");
    assert_int_equal(lg_call_message(s.e, s.works[0].id, 2, &role, &text, &len), 0);
    assert_int_equal(len, RED_LEN);
    assert_memory_equal(text, RED, len);
    assert_int_equal(lg_call_message(s.e, s.works[0].id, 1, &role, &text, &len), 0);
    assert_non_null(strstr(text, "[image/png, 11 bytes] FIRST"));
    assert_true(script_run(&s));
    assert_int_equal(lg_var_feedbacks(logo), 1);
    assert_int_equal(lg_var_feedbacks(other), 0);
    script_end(&s);
}

static void test_shown_is_a_part_only_when_it_is_no_text(void **state)
{
    (void)state;
    script s;
    char got[16];
    script_start(&s);
    lg_var *q = script_leaf(&s, "which?", "question", false);
    lg_var *logo = leaf(&s, RED, RED_LEN, "logo", true), *words = script_leaf(&s, "w", "w", true);
    lg_message m[] = {{"user", q}, {LG_SHOWN, words}, {LG_SHOWN, logo}};
    lg_var *answer = call(&s, m, 3), *pass;
    assert_string_equal(kinds(&s, got), "-p");
    assert_true(script_run(&s));
    assert_true(lg_var_grad(answer));
    assert_int_equal(start_pass(&s, answer, &pass), 0);
    assert_true(script_run(&s));
    assert_int_equal(lg_var_feedbacks(logo), 0); /* it does not come back that way */
    assert_int_equal(lg_var_feedbacks(words), 0);
    assert_int_equal(lg_var_state(pass), LG_READY);
    script_end(&s);
}

static void paint(script *s, const script_work *w)
{
    double score = 0.5;
    bool known = strcmp(lg_var_input_media(w->var, 0), "image/png") == 0;
    lg_tool_return_media(s->e, w->id, known ? NULL : "image/gif", BLUE, BLUE_LEN, &score, 1);
}

static void spoil(script *s, const script_work *w)
{
    lg_tool_return_media(s->e, w->id, "image/gif", BLUE, BLUE_LEN, NULL, 1);
}

static lg_var *tool_call(script *s, lg_var *in)
{
    lg_var *out = NULL;
    const char *name = "a";
    lg_tool_call(s->e, s->tool, &name, &in, 1, "result", &out);
    return out;
}

static void test_tools(void **state)
{
    (void)state;
    script s;
    lg_failure f;
    script_start(&s);
    s.on_tool = paint;
    lg_var *logo = leaf(&s, RED, RED_LEN, "logo", true), *out = tool_call(&s, logo);
    assert_null(lg_var_input_media(out, 1));
    assert_true(script_run(&s));
    assert_string_equal(lg_var_media(out), "image/png");
    s.on_tool = spoil;
    lg_var *bad = tool_call(&s, logo);
    assert_true(script_run(&s));
    assert_true(lg_var_error(bad, &f));
    assert_non_null(strstr(f.message, "returned 12 bytes that are no image/gif"));
    assert_int_equal(lg_tool_return_media(s.e, 12345, NULL, RED, RED_LEN, NULL, 1), LG_ENOTFOUND);
    assert_int_equal(lg_var_set(logo, "words", 5), 0);
    assert_string_equal(lg_var_version_media(logo, 0), "image/png");
    assert_null(lg_var_version_media(logo, 1));
    assert_null(lg_var_version_media(logo, 2));
    script_end(&s);
}

/* Whatever fails, nothing leaks and everything settles. */
static int short_of_memory(support_heap *h, void *ctx)
{
    script s;
    lg_config c;
    lg_var *pass = NULL;
    (void)ctx;
    support_config(&c, h);
    int err = script_try(&s, &c);
    err = err ? err : script_template(&s, "attached", "{value} FIRST");
    s.on_tool = paint;
    lg_var *logo = err ? NULL : leaf(&s, RED, RED_LEN, "logo", true);
    lg_var *blurred = logo ? tool_call(&s, logo) : NULL;
    lg_message m[] = {{"user", logo}, {LG_PART, blurred}, {LG_SHOWN, blurred}};
    lg_var *answer = blurred ? call(&s, m, 3) : NULL;
    if (answer && start_pass(&s, answer, &pass) == 0) {
        assert_true(script_run(&s));
        err = lg_var_state(pass) == LG_READY ? LG_OK : LG_ENOMEM;
    } else {
        err = LG_ENOMEM;
    }
    script_end(&s);
    return err;
}

static void test_oom(void **state)
{
    (void)state;
    oom_sweep(short_of_memory, NULL);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_the_variable_comes_first),
    cmocka_unit_test(test_shown_is_a_part_only_when_it_is_no_text),
    cmocka_unit_test(test_tools),
    cmocka_unit_test(test_oom),
};
LG_TEST_MAIN(tests)
