/* test_reply_size.c - what memory a server's answer can take: of values by the million little
 * more than its bytes, and legal answers of many values are still read. */
#include "../attempts.h"
#include "../support.h"

#include "model/provider.h"

typedef struct peak {
    size_t now, most;
} peak;

static void *count_alloc(void *ud, void *ptr, size_t osize, size_t nsize)
{
    peak *p = ud;
    p->now += nsize;
    p->now -= ptr ? osize : 0;
    p->most = p->now > p->most ? p->now : p->most;
    if (nsize == 0) {
        free(ptr);
        return NULL;
    }
    return realloc(ptr, nsize);
}

typedef struct server {
    const char *dialect, *type;
    int status;
} server;

/* before, n times one, behind; to be freed */
static char *many(const char *before, const char *one, size_t n, const char *behind)
{
    size_t each = strlen(one), len = strlen(before);
    char *s = malloc(len + n * each + strlen(behind) + 1);
    assert_non_null(s);
    memcpy(s, before, len);
    for (size_t i = 0; i < n; i++, len += each)
        memcpy(s + len, one, each);

    strcpy(s + len, behind);
    return s;
}

/* The code of what comes of it; *most: bytes. */
static int decode(const server *from, const char *body, size_t *most)
{
    peak p = {0};
    lg_mem m;
    lg_reply r;
    lg_model *model;
    const char *why;
    lg_model_config cfg = {.size = sizeof cfg,
                           .dialect = from->dialect,
                           .name = "x/m",
                           .model = "m",
                           .base_url = "http://x/v1"};
    lg__mem_init(&m, count_alloc, &p);
    assert_int_equal(lg__model_make(&m, &cfg, &model, &why, &(const char *){NULL}), LG_OK);
    lg_attempt a = attempt_of(&m, from->status, from->type, body, strlen(body));
    lg_asked asked = {.tools = true, .offered = "[{\"name\":\"f\"}]"};
    lg__reply_init(&r);
    lg__provider_decode(&m, model, &a, &asked, &r);
    int code = r.fail.code;
    lg__reply_free(&r);
    lg__model_destroy(model);
    *most = p.most;
    assert_int_equal(p.now, 0);
    return code;
}

static void test_values_by_the_million(void **state)
{
    (void)state;
    enum { SIZE = 8 << 20, MOST = 10 };
    static const server servers[] = {
        {"openai", "application/json", 200},     {"openai", "application/json", 400},
        {"openai", "text/event-stream", 200},    {"responses", "application/json", 200},
        {"anthropic", "application/json", 200},  {"gemini", "application/json", 200},
        {"ollama", "application/x-ndjson", 200}, {"openai-embed", "application/json", 200},
        {"probe", "application/json", 200},
    };
    static const char *const ones[] = {"0,", "{},", "\"\",", "[0],", "{\"a\":0},", "\"a\","};
    for (size_t i = 0; i < sizeof servers / sizeof *servers; i++) {
        bool events = strstr(servers[i].type, "event") != NULL;
        bool numbers = strcmp(servers[i].dialect, "openai-embed") == 0;
        for (size_t k = 0; k < (numbers ? 1 : sizeof ones / sizeof *ones); k++) {
            size_t most;
            char *body = many(events ? "data: {\"choices\":[" : "{\"choices\":[", ones[k],
                              SIZE / strlen(ones[k]), events ? "0]}\n\n" : "0]}");
            int code = decode(&servers[i], body, &most);
            if (code == LG_OK || most > (size_t)MOST * SIZE)
                fail_msg("%s %s: %d, %zu bytes", servers[i].dialect, ones[k], code, most);

            free(body);
        }
    }
}

/* The same inside of what a model says. */
static void test_values_in_arguments(void **state)
{
    (void)state;
    enum { N = 4 << 20 };
    static const server chat = {"openai", "application/json", 200};
    static const char *const begins[] = {
        "{\"choices\":[{\"message\":{\"content\":null,\"tool_calls\":[{\"id\":\"a\",\"function\":{"
        "\"name\":\"f\",\"arguments\":\"{\\\"x\\\":[",
        "{\"choices\":[{\"message\":{\"content\":\"{\\\"name\\\":\\\"f\\\",\\\"arguments\\\":[",
    };
    static const char *const ends[] = {"0]}\"}}]},\"finish_reason\":\"tool_calls\"}]}",
                                       "0]}\"},\"finish_reason\":\"stop\"}]}"};
    for (size_t i = 0; i < 2; i++) {
        size_t most;
        char *body = many(begins[i], "0,", N, ends[i]);
        assert_int_equal(decode(&chat, body, &most), LG_OK);
        assert_true(most < (size_t)10 * 2 * N);
        free(body);
    }
}

static void test_legal_answers_of_many_values(void **state)
{
    (void)state;
    static const server chat = {"openai", "application/json", 200};
    static const server embed = {"openai-embed", "application/json", 200};
    size_t most;
    char *vector = many("{\"index\":0,\"embedding\":[", "-0.0123456,", 1535, "0.5]},");
    char *one = many("{\"embedding\":[", "-12,", 1023, "7]},");
    char *floats = many("{\"data\":[", vector, 400, "{\"embedding\":[1,2]}]}");
    char *small = many("{\"data\":[", one, 2000, "{\"embedding\":[1,2]}]}");
    char *odds = many("{\"choices\":[{\"message\":{\"content\":\"Hi\"},\"finish_reason\":\"stop\","
                      "\"logprobs\":{\"content\":[",
                      "{\"token\":\" Hi\",\"logprob\":-0.01,\"bytes\":[32,72,105],"
                      "\"top_logprobs\":[{\"token\":\" Hi\",\"logprob\":-0.01,\"bytes\":[32,72,105]"
                      "},{\"token\":\"Ho\",\"logprob\":-9.5,\"bytes\":[72,111]}]},",
                      20000, "{}]}}]}");
    int whole = decode(&embed, small, &most);
    assert_int_equal(whole, LG_OK);
    assert_int_equal(decode(&chat, odds, &most), LG_OK);
    /* all say that they are the first: one is, the others are none; but all are read */
    assert_int_equal(decode(&embed, floats, &most), LG_EBADREPLY);
    free(vector);
    free(one);
    free(floats);
    free(small);
    free(odds);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_values_by_the_million),
        cmocka_unit_test(test_values_in_arguments),
        cmocka_unit_test(test_legal_answers_of_many_values),
    };
    support_start();
    return cmocka_run_group_tests(tests, NULL, NULL) ? 1 : 0;
}
