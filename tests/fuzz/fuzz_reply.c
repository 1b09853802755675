/* fuzz_reply.c - a server's answer, whatever it is: status, headers and body.
 *
 * Input: four lines (status, content type, x-should-retry, request id), then the
 * body. Behind the status may stand a dialect, and "tools" when some were offered:
 * "200 ollama tools". Invariants: a text or a failure, never both; all that is kept is UTF-8;
 * messages are one line each; no secret of the model comes out; the same answer
 * is judged the same; a message can be sent back; no block is left. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model/provider.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(x)     \
    do {             \
        if (!(x))    \
            abort(); \
    } while (0)

static const char *const secrets[] = {"sk-canary-0123456789", "hidden-canary-42"};

static lg_model *make_model(lg_mem *m, const char *dialect)
{
    lg_option header = {"api-key", secrets[1]};
    lg_option option = {"top_a", "1"};
    lg_model_config cfg = {
        .size = sizeof cfg,
        .dialect = lg__provider_find(dialect) ? dialect : "openai",
        .name = "test/model",
        .model = "m-1",
        .base_url = "https://api.example.com/v1?key=sk-canary-0123456789",
        .api_key = secrets[0],
        .key_name = "TEST_API_KEY",
        .headers = &header,
        .n_headers = 1,
        .options = &option,
        .n_options = 1,
    };
    const char *why;
    lg_model *model;
    if (lg__provider_is_program(lg__provider_find(cfg.dialect)))
        cfg.base_url = NULL;

    CHECK(lg__model_make(m, &cfg, &model, &why, NULL) == LG_OK);
    return model;
}

/* A copy of what is kept of an answer; all else would be found by the sanitizers. */
static void check_kept(const char *s)
{
    CHECK(lg_utf8_check(s, strlen(s)) < 0);
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++)
        CHECK(!strstr(s, secrets[i]));
}

static void check_line(const char *s)
{
    check_kept(s);
    for (; *s; s++)
        CHECK((unsigned char)*s >= 0x20 && *s != 0x7F);
}

static void check_reply(const lg_reply *r)
{
    CHECK((r->text != NULL) == (r->fail.code == LG_OK));
    CHECK(r->finish >= LG_FINISH_UNKNOWN && r->finish <= LG_FINISH_TOOLS);
    check_kept(r->finish_reason);
    check_kept(r->bad_param);
    check_kept(r->new_param);
    CHECK(!r->new_param[0] || r->bad_param[0]);
    if (r->text) {
        bool bytes = r->text->media && r->text->media != LG_MEDIA_CALLS;
        CHECK(bytes || lg_utf8_check(r->text->data, r->text->len) < 0);
        CHECK(!r->thinking || lg_utf8_check(r->thinking->data, r->thinking->len) < 0);
        return;
    }
    CHECK(strcmp(lg_error_name(r->fail.code), "unknown") != 0 && r->fail.code != LG_ENOMEM);
    CHECK(r->fail.message && r->fail.message->len > 0);
    check_line(lg__fail_message(&r->fail));
    check_line(r->fail.hint ? r->fail.hint->data : "");
    check_line(r->fail.request_id);
    CHECK(!r->fail.retryable || (r->fail.code != LG_EMONEY && r->fail.code != LG_EAUTH));
}

/* A message that called tools is JSON, and can be sent back to where it came from. */
static void check_turn(lg_mem *m, const lg_model *model, const lg_text *text)
{
    lg_ask_part parts[] = {{"user", "hi", 2, LG_MEDIA_TEXT},
                           {"assistant", text->data, text->len, LG_MEDIA_CALLS}};
    lg_ask ask = {.model = model, .parts = parts, .n_parts = 2};
    lg_bytes url, headers, body;
    lg_json *root = NULL;
    const char *why = NULL;
    lg__bytes_init(&url, m, LG_BYTES_MAX);
    lg__bytes_init(&headers, m, LG_BYTES_MAX);
    lg__bytes_init(&body, m, LG_BYTES_MAX);
    CHECK(lg__json_parse(m, text->data, text->len, &root, NULL) == LG_OK);
    lg__json_free(m, root);
    CHECK(model->provider->encode(&ask, &url, &headers, &body, &why) == LG_OK);
    CHECK(lg__json_parse(m, body.data, body.len, &root, NULL) == LG_OK);
    lg__json_free(m, root);
    lg__bytes_free(&url);
    lg__bytes_free(&headers);
    lg__bytes_free(&body);
}

/* The next line, as a string; s moves behind it. */
static char *take_line(char **s, size_t *len)
{
    char *line = *s, *stop = memchr(*s, '\n', *len);
    if (!stop) {
        line = *s + *len; /* the NUL behind the input */
        return line;
    }
    *stop = '\0';
    *len -= (size_t)(stop + 1 - line);
    *s = stop + 1;
    return line;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes = malloc(size + 1), *s = bytes, *body;
    size_t len = size;
    lg_mem m;
    lg_reply r, again;
    CHECK(bytes != NULL);
    memcpy(bytes, data, size);
    bytes[size] = '\0';
    lg__mem_init(&m, NULL, NULL);
    char dialect[32] = "", tools[8] = "", *line = take_line(&s, &len);
    sscanf(line, "%*s %31s %7s", dialect, tools);
    lg_model *model = make_model(&m, dialect);
    bool offers = strcmp(tools, "tools") == 0;
    lg_attempt a;
    lg_asked asked = {.tools = offers, .offered = offers ? "[{\"name\":\"f\"}]" : NULL};
    lg__attempt_init(&a, &m, LG_BYTES_MAX);
    a.status = (int)strtol(line, NULL, 10) % 1000;
    snprintf(a.content_type, sizeof a.content_type, "%s", take_line(&s, &len));
    snprintf(a.should_retry, sizeof a.should_retry, "%s", take_line(&s, &len));
    snprintf(a.request_id, sizeof a.request_id, "%s", take_line(&s, &len));
    body = malloc(len ? len : 1); /* of the exact size: a read beyond it shows */
    CHECK(body != NULL);
    memcpy(body, s, len);
    a.body.data = body;
    a.body.len = len;
    lg__reply_init(&r);
    lg__reply_init(&again);
    lg__provider_decode(&m, model, &a, &asked, &r);
    lg__provider_decode(&m, model, &a, &asked, &again);
    check_reply(&r);
    if (r.text && r.text->media == LG_MEDIA_CALLS)
        check_turn(&m, model, r.text);

    CHECK(r.fail.code == again.fail.code && r.finish == again.finish &&
          r.fail.retryable == again.fail.retryable);
    lg__reply_free(&r);
    lg__reply_free(&again);
    lg__model_destroy(model);
    CHECK(m.live_blocks == 0 && m.live_bytes == 0);
    free(body);
    free(bytes);
    return 0;
}
