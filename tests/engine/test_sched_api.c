/* test_sched_api.c - what a model learns of the API it wants: Responses where Chat
 * Completions refuses, fields that a dialect adds by itself; and the word about a server
 * that cuts prompts without a word. */
#include "sched_fixture.h"

#define REFUSES                                                                             \
    "{\"error\":{\"message\":\"Function tools with reasoning_effort are not supported for " \
    "m in /v1/chat/completions. Please use /v1/responses instead.\","                       \
    "\"type\":\"invalid_request_error\",\"param\":\"reasoning_effort\",\"code\":null}}"
#define NO_CHAT                                                                          \
    "{\"error\":{\"message\":\"This model is only supported in v1/responses and not in " \
    "v1/chat/completions.\",\"type\":\"invalid_request_error\",\"param\":\"model\"}}"
#define RESPONSE(text)                                                                     \
    "{\"object\":\"response\",\"status\":\"completed\",\"output\":[{\"type\":\"message\"," \
    "\"content\":[{\"type\":\"output_text\",\"text\":\"" text "\"}]}]}"
#define TOOLS                         \
    {                                 \
        "tools", "[{\"name\":\"f\"}]" \
    }

static lg_model *make_model(fixture *f, const char *dialect, const char *quirks,
                            const lg_option *options, size_t n)
{
    lg_model_config cfg = {
        .size = sizeof cfg,
        .dialect = dialect,
        .quirks = quirks,
        .name = "x/r",
        .model = "m",
        .base_url = "https://y/v1",
        .options = options,
        .n_options = n,
    };
    const char *why;
    lg_model *model = NULL;
    assert_int_equal(lg__model_make(&f->mem, &cfg, &model, &why, &(const char *){NULL}), LG_OK);
    return model;
}

static lg_request *make_with(fixture *f, lg_model *model, const char *text, const lg_option *option)
{
    const char *role = "user";
    lg_request *r = NULL;
    lg_text *t = lg__text_new(&f->mem, text, strlen(text));
    assert_non_null(t);
    assert_int_equal(lg__request_new(&f->mem, ++f->last_id, model, &role, &t, 1, option,
                                     option ? 1 : 0, 0, LG_FORWARD, &r),
                     LG_OK);
    lg__text_unref(t);
    return r;
}

static lg_request *send(fixture *f, lg_model *model, const char *text, const lg_option *option)
{
    lg_request *r = lg__sched_submit(f->s, make_with(f, model, text, option));
    assert_non_null(r);
    assert_ptr_equal(lg__sched_next(f->s), r);
    return r;
}

static void end(fixture *f, lg_model *model)
{
    lg__sched_free(f->s);
    f->s = NULL;
    assert_int_equal(model->refs, 1);
    lg__model_destroy(model);
    fixture_end(f);
}

/* ---- Responses where Chat Completions refuses ------------------------------ */

static const lg_option tools = TOOLS;

static void test_tools_go_to_responses(void **state)
{
    (void)state;
    fixture f;
    unsigned char key[32];
    fixture_start(&f, &(lg_sched_config){.max_attempts = 1});
    lg_model *model = make_model(&f, "openai", "responses", NULL, 0);
    lg_request *r = send(&f, model, "a", &tools), *b = send(&f, model, "b", &tools);
    memcpy(key, r->key, sizeof key);
    assert_string_equal(r->url.data, "https://y/v1/chat/completions");
    assert_int_equal(answer(&f, r, 400, REFUSES), LG_REQ_QUEUED);
    assert_int_equal(answer(&f, b, 400, REFUSES), LG_REQ_QUEUED); /* was on its way */
    assert_ptr_equal(lg__sched_next(f.s), r);
    assert_string_equal(r->url.data, "https://y/v1/responses");
    assert_part(r->body.data, "\"input\":[{\"role\":\"user\",\"content\":\"a\"}]");
    assert_part(r->body.data, "\"include\":[\"reasoning.encrypted_content\"]");
    assert_memory_equal(key, r->key, sizeof key);
    assert_int_equal(answer(&f, r, 200, RESPONSE("A")), LG_REQ_DONE);
    assert_string_equal(r->reply.text->data, "A");
    assert_string_equal(f.logged, "2 x/r is asked by the Responses API from now on where tools "
                                  "are offered\n");
    assert_int_equal(stats_of(&f).attempts, 3);
    lg_request *c = submit_to(&f, model, "c"); /* without tools nothing changes */
    assert_ptr_equal(lg__sched_next(f.s), b);
    assert_string_equal(b->url.data, "https://y/v1/responses");
    assert_ptr_equal(lg__sched_next(f.s), c);
    assert_string_equal(c->url.data, "https://y/v1/chat/completions");
    end(&f, model);
}

/* The same key before and after: what is stored of the one serves the other. */
static void test_key_of_a_learned_model(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_model *model = make_model(&f, "openai", "responses", NULL, 0);
    lg_request *before = make_with(&f, model, "a", &tools);
    model->responses = LG_RESPONSES_ALL;
    lg_request *after = make_with(&f, model, "a", &tools);
    assert_memory_equal(before->key, after->key, sizeof before->key);
    lg__request_free(&f.mem, before);
    lg__request_free(&f.mem, after);
    end(&f, model);
}

static void test_refused_by_responses_as_well(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_model *model = make_model(&f, "openai", "responses", NULL, 0);
    lg_request *r = send(&f, model, "a", &tools);
    assert_int_equal(answer(&f, r, 400, REFUSES), LG_REQ_QUEUED);
    assert_ptr_equal(lg__sched_next(f.s), r);
    assert_int_equal(answer(&f, r, 400, REFUSES), LG_REQ_FAILED);
    assert_int_equal(r->reply.fail.code, LG_EBADREQUEST);
    assert_int_equal(r->attempts, 2);
    end(&f, model);
}

static void test_only_with_the_quirk(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_model *model = make_model(&f, "openai", "", NULL, 0);
    lg_request *r = send(&f, model, "a", &tools);
    assert_int_equal(answer(&f, r, 400, REFUSES), LG_REQ_FAILED);
    assert_int_equal(model->responses, LG_RESPONSES_NONE);
    assert_string_equal(f.logged, "");
    end(&f, model);
}

/* Without tools it is the effort itself that is refused: it is left out, as ever. */
static void test_effort_without_tools(void **state)
{
    (void)state;
    static const lg_option effort = {"reasoning_effort", "\"high\""};
    fixture f;
    fixture_start(&f, NULL);
    lg_model *model = make_model(&f, "openai", "responses", &effort, 1);
    lg_request *r = send(&f, model, "a", NULL);
    assert_int_equal(answer(&f, r, 400,
                            "{\"error\":{\"message\":\"Unsupported parameter\",\"param\":"
                            "\"reasoning_effort\",\"code\":\"unsupported_parameter\"}}"),
                     LG_REQ_QUEUED);
    assert_int_equal(model->responses, LG_RESPONSES_NONE);
    assert_ptr_equal(lg__sched_next(f.s), r);
    assert_null(strstr(r->body.data, "effort"));
    end(&f, model);
}

static void test_models_of_responses_alone(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_model *model = make_model(&f, "azure", "responses v1", NULL, 0);
    lg_request *r = send(&f, model, "a", NULL);
    assert_string_equal(r->url.data, "https://y/v1/openai/v1/chat/completions");
    assert_int_equal(answer(&f, r, 404, NO_CHAT), LG_REQ_QUEUED);
    assert_ptr_equal(lg__sched_next(f.s), r);
    assert_string_equal(r->url.data, "https://y/v1/openai/v1/responses");
    assert_int_equal(answer(&f, r, 200, RESPONSE("A")), LG_REQ_DONE);
    assert_string_equal(f.logged, "2 x/r is asked by the Responses API from now on\n");
    end(&f, model);
}

/* ---- what a dialect adds by itself ----------------------------------------- */

static void test_own_field_is_left_out(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_model *model = make_model(&f, "responses", "", NULL, 0);
    lg_request *r = send(&f, model, "a", &tools);
    assert_part(r->body.data, "include");
    assert_int_equal(answer(&f, r, 400,
                            "{\"error\":{\"message\":\"Encrypted content is not supported with "
                            "this model.\",\"param\":\"include\",\"code\":null}}"),
                     LG_REQ_QUEUED);
    assert_ptr_equal(lg__sched_next(f.s), r);
    assert_null(strstr(r->body.data, "include"));
    assert_string_equal(f.logged, "2 x/r does not take include; from now on it is left out\n");
    end(&f, model);
}

/* ---- prompts that were cut --------------------------------------------------- */

#define READ(n)                                                                                   \
    "{\"message\":{\"content\":\"A\"},\"done\":true,\"done_reason\":\"stop\",\"prompt_eval_count" \
    "\":" n ",\"eval_count\":1}"

static lg_request *ask_long(fixture *f, lg_model *model, size_t words, char first)
{
    char *text = malloc(words * 5 + 1);
    assert_non_null(text);
    for (size_t i = 0; i < words; i++)
        memcpy(text + i * 5, "word ", 5);

    text[0] = first;
    text[words * 5] = '\0';
    lg_request *r = send(f, model, text, NULL);
    free(text);
    return r;
}

static void test_cut_prompt_is_said_once(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_model *model = make_model(&f, "ollama", "", NULL, 0);
    answer(&f, ask_long(&f, model, 8000, 'a'), 200, READ("8000"));
    answer(&f, ask_long(&f, model, 8000, 'b'), 200, READ("12")); /* the rest was known to it */
    answer(&f, ask_long(&f, model, 8000, 'c'), 200, READ("0"));
    assert_string_equal(f.logged, "");
    answer(&f, ask_long(&f, model, 8000, 'd'), 200, READ("2048"));
    assert_part(f.logged, "2 x/r read 2048 tokens of a prompt of about 10");
    assert_part(f.logged, "num_ctx");
    size_t len = strlen(f.logged);
    answer(&f, ask_long(&f, model, 8000, 'e'), 200, READ("2048"));
    assert_int_equal(strlen(f.logged), len);
    end(&f, model);
}

static void test_others_cut_nothing(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_model *model = make_model(&f, "openai", "", NULL, 0);
    answer(&f, ask_long(&f, model, 8000, 'a'), 200,
           "{\"choices\":[{\"message\":{\"content\":\"A\"},\"finish_reason\":\"stop\"}],"
           "\"usage\":{\"prompt_tokens\":2000}}");
    assert_string_equal(f.logged, "");
    end(&f, model);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_tools_go_to_responses),
    cmocka_unit_test(test_key_of_a_learned_model),
    cmocka_unit_test(test_refused_by_responses_as_well),
    cmocka_unit_test(test_only_with_the_quirk),
    cmocka_unit_test(test_effort_without_tools),
    cmocka_unit_test(test_models_of_responses_alone),
    cmocka_unit_test(test_own_field_is_left_out),
    cmocka_unit_test(test_cut_prompt_is_said_once),
    cmocka_unit_test(test_others_cut_nothing),
};
LG_TEST_MAIN(tests)
