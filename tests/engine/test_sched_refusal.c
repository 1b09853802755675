/* test_sched_refusal.c - what a refusal teaches: a request is sent again without what was
 * refused, once, and later ones begin so; or it is given up at once, and says why.
 *
 * In every dialect where that is another thing. Which words mean what is
 * test_refusals.c's. */
#include "sched_fixture.h"

#define SCHEMA "{\"name\":\"x\",\"schema\":{\"type\":\"object\",\"title\":\"T9\"}}"
#define ERROR(message) "{\"error\":{\"message\":\"" message "\"}}"
#define NO_SCHEMA ERROR("This response_format type is unavailable now")
#define NO_FORMAT                                                                          \
    "{\"error\":{\"message\":\"no\",\"param\":\"response_format\",\"code\":\"unsupported_" \
    "parameter\"}}"
#define NO_SYSTEM ERROR("System role not supported")

typedef struct said {
    const char *role, *text;
} said;

/* Words that stand in every dialect's body but where they come from. */
static const said with_system[] = {{"system", "S7"}, {"user", "U7"}};

static lg_model *model_of(fixture *f, const char *dialect, const char *quirks)
{
    const char *why;
    lg_model *model = NULL;
    lg_model_config cfg = {
        .size = sizeof cfg,
        .dialect = dialect,
        .name = "x/m",
        .model = "m",
        .base_url = "https://x/v1",
        .api_key = "sk-canary-0",
        .quirks = quirks,
    };
    assert_int_equal(lg__model_make(&f->mem, &cfg, &model, &why, &(const char *){NULL}), LG_OK);
    return model;
}

/* In the place of the fixture's own. */
static void take_model(fixture *f, const char *dialect, const char *quirks)
{
    lg__model_destroy(f->model);
    f->model = model_of(f, dialect, quirks);
}

static lg_request *ask_as(fixture *f, int kind, const said *all, size_t n, const lg_option *options,
                          size_t n_options)
{
    const char *roles[8];
    lg_text *texts[8];
    lg_request *r;
    for (size_t i = 0; i < n; i++) {
        roles[i] = all[i].role;
        texts[i] = lg__text_new(&f->mem, all[i].text, strlen(all[i].text));
    }
    uint64_t id = ++f->last_id;
    assert_int_equal(lg__request_new(&f->mem, id, f->model, roles, texts, n, options, n_options,
                                     (uint32_t)id, kind, &r),
                     LG_OK);
    for (size_t i = 0; i < n; i++)
        lg__text_unref(texts[i]);

    r = lg__sched_submit(f->s, r);
    assert_ptr_equal(lg__sched_next(f->s), r);
    return r;
}

static lg_request *ask(fixture *f, const said *all, size_t n, const char *option, const char *json)
{
    lg_option one = {option, json};
    return ask_as(f, LG_FORWARD, all, n, &one, option ? 1 : 0);
}

/* Refused so, and sent again at once. */
static void refuse(fixture *f, lg_request *r, int status, const char *body)
{
    assert_int_equal(answer(f, r, status, body), LG_REQ_QUEUED);
    assert_ptr_equal(lg__sched_next(f->s), r);
}

static void finish(fixture *f, lg_request *r)
{
    answer(f, r, 200, GOOD("A"));
    lg__sched_release(f->s, r);
}

static lg_request *send(fixture *f, const char *text)
{
    const said user = {"user", text};
    return ask(f, &user, 1, NULL, NULL);
}

static size_t count(const char *s, const char *part)
{
    size_t n = 0;
    for (; (s = strstr(s, part)) != NULL; s += strlen(part))
        n++;

    return n;
}

static void assert_lacks(const char *s, const char *part)
{
    if (strstr(s, part))
        fail_msg("\"%s\" holds \"%s\"", s, part);
}

/* ---- the form of the answer ------------------------------------------------ */

static void test_refused_schema_is_told_in_words(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = ask(&f, with_system, 2, "schema", SCHEMA);
    assert_part(r->body.data, "\"json_schema\"");
    refuse(&f, r, 400, NO_SCHEMA);
    assert_part(r->body.data, "\"response_format\":{\"type\":\"json_object\"}");
    assert_part(r->body.data, "S7\\n\\nAnswer with one JSON object");
    assert_part(r->body.data, "\\\"title\\\":\\\"T9\\\"");
    assert_lacks(r->body.data, "json_schema");
    finish(&f, r);
    assert_int_equal(stats_of(&f).attempts, 2);
    r = ask(&f, with_system, 2, "schema", SCHEMA); /* known now */
    assert_part(r->body.data, "json_object");
    finish(&f, r);
    r = ask(&f, with_system, 2, NULL, NULL); /* and nothing to others */
    assert_lacks(r->body.data, "Answer with one JSON");
    finish(&f, r);
    assert_int_equal(count(f.logged, "knows no JSON Schema"), 1);
    fixture_end(&f);
}

static void test_refused_format_is_left_out(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = ask(&f, with_system + 1, 1, "schema", SCHEMA);
    refuse(&f, r, 400, NO_FORMAT);
    assert_lacks(r->body.data, "response_format");
    assert_part(r->body.data, "\\\"title\\\":\\\"T9\\\"");
    assert_int_equal(answer(&f, r, 400, NO_FORMAT), LG_REQ_FAILED); /* it was not sent */
    lg__sched_release(f.s, r);
    r = ask(&f, with_system, 2, "response_format",
            "{\"type\":\"json_object\"}"); /* nor one's own */
    assert_lacks(r->body.data, "response_format");
    finish(&f, r);
    assert_int_equal(count(f.logged, "in words alone"), 1);
    fixture_end(&f);
}

static void test_json_object_refused_as_well(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = ask(&f, with_system, 2, "schema", SCHEMA);
    refuse(&f, r, 400, NO_SCHEMA);
    refuse(&f, r, 400, NO_SCHEMA);
    assert_lacks(r->body.data, "response_format");
    assert_int_equal(count(r->body.data, "T9"), 1);
    finish(&f, r);
    fixture_end(&f);
}

/* What a script's own response_format wants is told, too. */
static void test_own_format_refused(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = ask(&f, with_system, 2, "response_format",
                        "{\"type\":\"json_schema\",\"json_schema\":" SCHEMA "}");
    refuse(&f, r, 400, NO_SCHEMA);
    assert_part(r->body.data, "json_object");
    assert_part(r->body.data, "\\\"title\\\":\\\"T9\\\"");
    finish(&f, r);
    fixture_end(&f);
}

typedef struct form_row {
    const char *dialect, *body, *before, *lacks;
} form_row;

static void test_refused_forms_by_dialect(void **state)
{
    (void)state;
    static const form_row rows[] = {
        {"openai", NO_SCHEMA, "json_schema", "json_schema"},
        {"responses", ERROR("'text.format' of type 'json_schema' is not supported with this model"),
         "json_schema", "json_schema"},
        {"anthropic", ERROR("output_config.format: Extra inputs are not permitted"), "json_schema",
         "output_config"},
        {"gemini", ERROR("JSON mode is not enabled for models/gemma"), "responseJsonSchema",
         "responseMimeType"},
        {"ollama", ERROR("'format' is not supported"), "\"format\":{", "\"format\""},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture f;
        fixture_start(&f, NULL);
        take_model(&f, rows[i].dialect, NULL);
        lg_request *r = ask(&f, with_system, 2, "schema", SCHEMA);
        assert_part(r->body.data, rows[i].before);
        refuse(&f, r, 400, rows[i].body);
        assert_lacks(r->body.data, rows[i].lacks);
        assert_int_equal(count(r->body.data, "\\\"title\\\":\\\"T9\\\""), 1);
        finish(&f, r);
        fixture_end(&f);
    }
}

/* ---- roles ------------------------------------------------------------------- */

typedef struct role_row {
    const char *dialect;
    int status;
    const char *body, *folded, *lacks;
} role_row;

static void test_refused_system_begins_the_users_message(void **state)
{
    (void)state;
    static const role_row rows[] = {
        {"openai", 400, NO_SYSTEM, "{\"role\":\"user\",\"content\":\"S7\\n\\nU7\"}", "system"},
        {"openai", 500, ERROR("Jinja Exception: System role not supported"), "S7\\n\\nU7",
         "system"},
        {"openai", 422, ERROR("Conversation roles must alternate user/assistant/..."), "S7\\n\\nU7",
         "system"},
        {"responses", 400, ERROR("'input[0].role' does not support 'system' with this model"),
         "S7\\n\\nU7", "instructions"},
        {"gemini", 400, ERROR("Developer instruction is not enabled for models/gemma-3-27b-it"),
         "S7\\n\\nU7", "systemInstruction"},
        {"anthropic", 400, ERROR("This model doesn't support system messages."), "S7\\n\\nU7",
         "system"},
        {"ollama", 500, NO_SYSTEM, "S7\\n\\nU7", "system"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture f;
        fixture_start(&f, NULL);
        take_model(&f, rows[i].dialect, NULL);
        lg_request *r = ask(&f, with_system, 2, NULL, NULL);
        refuse(&f, r, rows[i].status, rows[i].body);
        assert_part(r->body.data, rows[i].folded);
        assert_lacks(r->body.data, rows[i].lacks);
        finish(&f, r);
        r = ask(&f, with_system, 2, NULL, NULL); /* known now */
        assert_part(r->body.data, rows[i].folded);
        finish(&f, r);
        assert_int_equal(count(f.logged, "takes no system messages"), 1);
        fixture_end(&f);
    }
}

/* All of them, in their order, wherever they stand; and a message of their own before
 * what the assistant said. */
static void test_folding_many(void **state)
{
    (void)state;
    static const said many[] = {
        {"system", "A1"}, {"user", "B2"}, {"assistant", "C3"}, {"developer", "D4"}, {"user", "E5"}};
    static const said bare[] = {{"system", "A1"}, {"assistant", "C3"}};
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = ask(&f, many, 5, NULL, NULL);
    refuse(&f, r, 400, NO_SYSTEM);
    assert_part(r->body.data, "[{\"role\":\"user\",\"content\":\"A1\\n\\nD4\\n\\nB2\"},"
                              "{\"role\":\"assistant\",\"content\":\"C3\"},"
                              "{\"role\":\"user\",\"content\":\"E5\"}]");
    finish(&f, r);
    r = ask(&f, bare, 2, NULL, NULL);
    assert_part(r->body.data, "[{\"role\":\"user\",\"content\":\"A1\"},"
                              "{\"role\":\"assistant\",\"content\":\"C3\"}]");
    finish(&f, r);
    r = ask(&f, with_system, 2, "schema", SCHEMA); /* with a schema in words as well */
    refuse(&f, r, 400, NO_SCHEMA);
    assert_part(r->body.data, "[{\"role\":\"user\",\"content\":\"S7\\n\\nAnswer with one JSON");
    assert_part(r->body.data, "\\n\\nU7\"}]");
    finish(&f, r);
    fixture_end(&f);
}

static void test_refused_developer_is_the_systems(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    take_model(&f, "openai", "developer");
    lg_request *r = ask(&f, with_system, 2, NULL, NULL);
    assert_part(r->body.data, "\"developer\"");
    refuse(&f, r, 422, ERROR("messages[0].role: unknown variant `developer`, expected `system`"));
    assert_part(r->body.data, "{\"role\":\"system\",\"content\":\"S7\"}");
    refuse(&f, r, 400, NO_SYSTEM);
    assert_part(r->body.data, "S7\\n\\nU7");
    finish(&f, r);
    fixture_end(&f);
}

/* A template that breaks for another reason is not asked again and again. */
static void test_roles_without_a_cure(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = ask(&f, with_system + 1, 1, NULL, NULL);
    assert_int_equal(answer(&f, r, 500, ERROR("Conversation roles must alternate")), LG_REQ_FAILED);
    assert_int_equal(r->reply.fail.code, LG_EBADREQUEST);
    assert_int_equal(f.model->learned, 0);
    assert_string_equal(f.logged, "");
    fixture_end(&f);
}

/* Where it did not help, something else was wrong with the roles: it is taken back. */
static void test_folding_that_does_not_help(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = ask(&f, with_system, 2, NULL, NULL);
    refuse(&f, r, 400, ERROR("Conversation roles must alternate user/assistant/..."));
    assert_int_equal(answer(&f, r, 400, ERROR("Conversation roles must alternate user/...")),
                     LG_REQ_FAILED);
    assert_int_equal(f.model->learned, 0);
    assert_int_equal(count(f.logged, "sent as such again"), 1);
    fixture_end(&f);
}

/* ---- fields ------------------------------------------------------------------ */

static void test_fields_by_other_names(void **state)
{
    (void)state;
    static const struct {
        const char *dialect, *option, *json, *body, *gone;
    } rows[] = {
        {"openai", "presence_penalty", "1",
         "{\"code\":\"x\",\"error\":\"Argument not supported on this model: presencePenalty\"}",
         "presence_penalty"},
        {"openai", "reasoning_effort", "\"low\"",
         "{\"error\":\"Model grok does not support parameter reasoningEffort.\"}", "low"},
        {"responses", "reasoning_effort", "\"low\"",
         ERROR("Unsupported parameter: 'reasoning.effort' is not supported with this model."),
         "low"},
        {"gemini", "top_k", "4", ERROR("Unknown name 'topK' at 'generation_config'"), "topK"},
        {"anthropic", "reasoning_effort", "\"low\"",
         ERROR("output_config.effort: Extra inputs are not permitted"), "low"},
        {"ollama", "reasoning_effort", "\"low\"", ERROR("'m' does not support thinking"), "think"},
        {"openai", "enable_thinking", "false",
         ERROR("Validation: Unsupported parameter(s): `enable_thinking`"), "enable_thinking"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture f;
        fixture_start(&f, NULL);
        lg_option own = {rows[i].option, rows[i].json};
        const char *why;
        lg_model_config cfg = {.size = sizeof cfg,
                               .dialect = rows[i].dialect,
                               .name = "x/m",
                               .model = "m",
                               .base_url = "https://x/v1",
                               .options = &own,
                               .n_options = 1};
        lg__model_destroy(f.model);
        assert_int_equal(lg__model_make(&f.mem, &cfg, &f.model, &why, &(const char *){NULL}),
                         LG_OK);
        lg_request *r = ask(&f, with_system + 1, 1, NULL, NULL);
        assert_part(r->body.data, rows[i].gone);
        refuse(&f, r, 400, rows[i].body);
        assert_lacks(r->body.data, rows[i].gone);
        finish(&f, r);
        assert_int_equal(count(f.logged, "from now on it is left out"), 1); /* it is told */
        fixture_end(&f);
    }
}

/* A model that Chat Completions refused is asked by Responses, where the field has another name. */
static void test_field_of_a_model_asked_by_responses(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    take_model(&f, "openai", "responses");
    f.model->responses = LG_RESPONSES_ALL;
    lg_request *r = ask(&f, with_system, 2, "reasoning_effort", "\"low\"");
    assert_part(r->body.data, "\"reasoning\":{\"effort\":\"low\"}");
    refuse(&f, r, 400, ERROR("Unsupported parameter: 'reasoning.effort' is not supported"));
    assert_lacks(r->body.data, "low");
    finish(&f, r);
    fixture_end(&f);
}

/* What the API cannot be asked without is not said to be left out. */
static void test_needed_fields_stay(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    take_model(&f, "anthropic", NULL);
    lg_request *r = ask(&f, with_system, 2, "max_tokens", "9");
    assert_int_equal(answer(&f, r, 400, ERROR("max_tokens: Extra inputs are not permitted")),
                     LG_REQ_FAILED);
    assert_null(f.model->repairs);
    assert_lacks(f.logged, "left out");
    lg__sched_release(f.s, r);
    r = ask(&f, with_system, 2, "tools", "[{\"name\":\"f\"}]");
    assert_int_equal(answer(&f, r, 400, ERROR("Unsupported parameter: 'tools'")), LG_REQ_FAILED);
    assert_part(r->reply.fail.message->data, "tools");
    fixture_end(&f);
}

static void test_stream_options_are_ours(void **state)
{
    (void)state;
    fixture f;
    lg_request *r;
    const char *role = "user";
    fixture_start(&f, NULL);
    lg_text *t = lg__text_new(&f.mem, "U", 1);
    assert_int_equal(
        lg__request_new(&f.mem, ++f.last_id, f.model, &role, &t, 1, NULL, 0, 0, LG_FORWARD, &r),
        LG_OK);
    lg__text_unref(t);
    r->stream = true;
    assert_ptr_equal(lg__sched_submit(f.s, r), r);
    assert_ptr_equal(lg__sched_next(f.s), r);
    assert_part(r->body.data, "stream_options");
    refuse(&f, r, 400, ERROR("Extra inputs are not permitted, field: 'stream_options'"));
    assert_lacks(r->body.data, "stream_options");
    fixture_end(&f);
}

/* ---- caps of a day ------------------------------------------------------------- */

#define PER_DAY(wait) ERROR("on requests per day (RPD): Limit 200. Please try again in " wait ".")

static void test_cap_of_the_day_ends_the_call(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = send(&f, "a"), *line = submit(&f, "b");
    assert_int_equal(answer(&f, r, 429, PER_DAY("7m12s")), LG_REQ_FAILED);
    assert_int_equal(r->attempts, 1);
    assert_part(lg__fail_message(&r->reply.fail), "asks to wait 432 s, until 20");
    assert_part(r->reply.fail.hint->data, "cap of a day");
    assert_ptr_equal(lg__sched_next(f.s), line); /* who is in line fails with it */
    assert_int_equal(line->state, LG_REQ_FAILED);
    lg_request *later = submit(&f, "c"); /* and who comes later, unsent */
    assert_ptr_equal(lg__sched_next(f.s), later);
    assert_int_equal(later->state, LG_REQ_FAILED);
    assert_part(lg__fail_message(&later->reply.fail), "until 20");
    assert_int_equal(stats_of(&f).attempts, 1);
    advance(&f, 433 * SECOND);
    later = submit(&f, "d");
    assert_ptr_equal(lg__sched_next(f.s), later);
    assert_int_equal(later->state, LG_REQ_SENT);
    fixture_end(&f);
}

/* Caps are each model's own: another one of the same server is asked. */
static void test_cap_of_the_day_is_the_models(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = send(&f, "a");
    assert_int_equal(answer(&f, r, 429, PER_DAY("2h3m")), LG_REQ_FAILED);
    lg_model *other = model_of(&f, "openai", NULL);
    lg__mem_strfree(&f.mem, other->model);
    other->model = lg__mem_strdup(&f.mem, "n");
    lg_request *asked = submit_to(&f, other, "b");
    assert_ptr_equal(lg__sched_next(f.s), asked);
    assert_int_equal(asked->state, LG_REQ_SENT);
    lg__sched_free(f.s);
    f.s = NULL;
    lg__model_destroy(other);
    fixture_end(&f);
}

static void test_cap_of_the_day_that_is_over_soon(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = send(&f, "a");
    assert_int_equal(answer(&f, r, 429, PER_DAY("8.64s")), LG_REQ_BACKOFF);
    assert_true(r->due.us >= 8640000);
    fixture_end(&f);
}

static void test_cap_of_the_day_without_an_end(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = send(&f, "a");
    assert_int_equal(answer(&f, r, 429, ERROR("Rate limit exceeded: free-models-per-day")),
                     LG_REQ_FAILED);
    assert_int_equal(r->attempts, 1);
    assert_part(lg__fail_message(&r->reply.fail), "does not say until when");
    fixture_end(&f);
}

/* OpenRouter's header, or the one it hands on in the body: a moment since 1970. */
static void test_cap_of_the_day_by_a_header(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    lg_request *r = send(&f, "a");
    lg_attempt d = ended(&f, r, 429, ERROR("Rate limit exceeded: free-models-per-day"));
    d.reset_ms = INT64_C(3600000);
    assert_int_equal(finish_attempt(&f, &d), LG_REQ_FAILED);
    assert_part(lg__fail_message(&r->reply.fail), "asks to wait 3600 s, until 20");
    fixture_end(&f);
}

/* ---- what is final -------------------------------------------------------------- */

static void test_what_a_server_has_not(void **state)
{
    (void)state;
    fixture f;
    fixture_start(&f, NULL);
    take_model(&f, "openai-embed", NULL);
    lg_request *r = ask(&f, with_system + 1, 1, NULL, NULL);
    assert_int_equal(answer(&f, r, 501,
                            "{\"error\":{\"code\":501,\"message\":\"This server does not support "
                            "embeddings. Start it with `--embeddings`\",\"type\":"
                            "\"not_supported_error\"}}"),
                     LG_REQ_FAILED);
    assert_int_equal(r->attempts, 1);
    assert_int_equal(r->reply.fail.code, LG_EBADREQUEST);
    assert_part(r->reply.fail.hint->data, "--embeddings");
    fixture_end(&f);
}

/* The same words by an operator of the graph: what it remembers has a budget. */
static void test_too_long_by_kind(void **state)
{
    (void)state;
    static const struct {
        int kind;
        const char *hint;
    } rows[] = {{LG_FORWARD, "shorten the messages"},
                {LG_BACKWARD, "backward's context_tokens"},
                {LG_OPTIMIZER, "optimizer's context_tokens"},
                {LG_JUDGE, "shorten the messages"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        fixture f;
        fixture_start(&f, NULL);
        lg_request *r = ask_as(&f, rows[i].kind, with_system, 2, NULL, 0);
        assert_int_equal(
            answer(&f, r, 400, ERROR("This model's maximum context length is 8192 tokens")),
            LG_REQ_FAILED);
        assert_int_equal(r->reply.fail.code, LG_ECONTEXT);
        assert_part(r->reply.fail.hint->data, rows[i].hint);
        fixture_end(&f);
    }
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(test_refused_schema_is_told_in_words),
    cmocka_unit_test(test_refused_format_is_left_out),
    cmocka_unit_test(test_json_object_refused_as_well),
    cmocka_unit_test(test_own_format_refused),
    cmocka_unit_test(test_refused_forms_by_dialect),
    cmocka_unit_test(test_refused_system_begins_the_users_message),
    cmocka_unit_test(test_folding_many),
    cmocka_unit_test(test_refused_developer_is_the_systems),
    cmocka_unit_test(test_roles_without_a_cure),
    cmocka_unit_test(test_folding_that_does_not_help),
    cmocka_unit_test(test_fields_by_other_names),
    cmocka_unit_test(test_field_of_a_model_asked_by_responses),
    cmocka_unit_test(test_needed_fields_stay),
    cmocka_unit_test(test_stream_options_are_ours),
    cmocka_unit_test(test_cap_of_the_day_ends_the_call),
    cmocka_unit_test(test_cap_of_the_day_is_the_models),
    cmocka_unit_test(test_cap_of_the_day_that_is_over_soon),
    cmocka_unit_test(test_cap_of_the_day_without_an_end),
    cmocka_unit_test(test_cap_of_the_day_by_a_header),
    cmocka_unit_test(test_what_a_server_has_not),
    cmocka_unit_test(test_too_long_by_kind),
};

LG_TEST_MAIN(tests)
