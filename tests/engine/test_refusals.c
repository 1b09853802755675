/* test_refusals.c - what real wordings of refusals mean: each line of tests/data/refusals.txt,
 * whose head says how to read it, is one test by its server and number.
 *
 * Words alone; that what is refused is sent no more is test_sched_refusal.c's. */
#include "../attempts.h"
#include "../support.h"

#include "model/provider.h"

enum { MOST = 512, LINE_MAX_ = 4096 };
static const int64_t NOW_MS = INT64_C(1764374400000);

typedef struct record {
    char name[96], line[LINE_MAX_];
    char *server, *want, *body;
    char dialect[32], option[64];
    int status;
} record;

static record records[MOST];
static size_t n_records;

/* ---- reading ------------------------------------------------------------- */

static void between(const char *s, char open, char close, char *to, size_t size, const char *none)
{
    const char *from = strchr(s, open), *end = from ? strchr(from, close) : NULL;
    if (end)
        snprintf(to, size, "%.*s", (int)(end - from - 1), from + 1);
    else
        snprintf(to, size, "%s", none);
}

static void read_line(const char *line, int number)
{
    record *r = &records[n_records];
    char *rest = r->line, *column[4];
    snprintf(r->line, sizeof r->line, "%s", line);
    r->line[strcspn(r->line, "\n")] = '\0';
    for (int i = 0; i < 4; i++) {
        char *bar = i < 3 ? strstr(rest, " | ") : NULL;
        column[i] = rest;
        if (!bar && i < 3) {
            fail_msg("line %d has no four columns", number);
            return;
        }
        if (bar) {
            *bar = '\0';
            rest = bar + 3;
        }
    }
    r->server = column[0];
    r->status = (int)strtol(column[1], NULL, 10);
    r->want = column[2];
    r->body = column[3];
    between(r->server, '[', ']', r->dialect, sizeof r->dialect, "openai");
    between(r->server, '{', '}', r->option, sizeof r->option, "");
    snprintf(r->name, sizeof r->name, "%d %.60s", number, r->server);
    n_records++;
}

static bool read_records(void)
{
    FILE *f = fopen("tests/data/refusals.txt", "r");
    char line[LINE_MAX_];
    for (int number = 1; f && n_records < MOST && fgets(line, sizeof line, f); number++) {
        if (line[0] != '#' && line[0] != '\n')
            read_line(line, number);
    }
    if (f)
        fclose(f);

    return f != NULL;
}

/* ---- what it became -------------------------------------------------------- */

static const char *code_of(const lg_reply *r, bool said)
{
    switch (r->fail.code) {
    case LG_EMONEY:
        return r->daily ? "day" : "money";
    case LG_EBADREPLY:
        return r->fail.http_status == 403 && !r->fail.retryable ? "page" : "badreply";
    case LG_EBADREQUEST:
        return said ? "none" : "final";
    default:
        return lg_error_name(r->fail.code);
    }
}

/* As the column says it. */
static void describe(const lg_reply *r, const char *want, char *to, size_t size)
{
    static const char *const learned[] = {"", "role system", "role developer", "format object",
                                          "format words"};
    const char *hint = r->fail.hint ? r->fail.hint->data : "";
    if (r->learn) {
        snprintf(to, size, "%s", learned[r->learn]);
    } else if (r->bad_param[0]) {
        snprintf(to, size, "field %s%s%s", r->bad_param, r->new_param[0] ? " -> " : "",
                 r->new_param);
    } else if (r->fail.code == LG_ERATE || r->daily) {
        snprintf(to, size, "%s %lld", r->daily ? "day" : "rate", (long long)r->fail.retry_after_ms);
    } else if (strncmp(want, "inner ", 6) == 0 && strstr(hint, want + 6)) {
        snprintf(to, size, "%s", want);
    } else {
        snprintf(to, size, "%s", code_of(r, strcmp(want, "final") != 0));
    }
}

static lg_model *make_model(lg_mem *m, const record *c)
{
    lg_option option = {c->option, "1"};
    const char *why;
    lg_model *model = NULL;
    lg_model_config cfg = {
        .size = sizeof cfg,
        .dialect = c->dialect,
        .name = "x/m",
        .model = "m",
        .base_url = "https://api.example.com/v1",
        .api_key = "sk-canary-0123456789",
        .key_name = "X_API_KEY",
        .options = &option,
        .n_options = c->option[0] ? 1 : 0,
    };
    assert_int_equal(lg__model_make(m, &cfg, &model, &why, &(const char *){NULL}), LG_OK);
    return model;
}

/* A message alone comes as the error of a body. */
static void write_body(lg_bytes *b, const char *body)
{
    static const char bare[] = "plain:";
    size_t skip = strncmp(body, bare, sizeof bare - 1) == 0 ? sizeof bare - 1 : 0;
    if (skip > 0 || strchr("{[<", body[0])) {
        lg__bytes_adds(b, body + skip);
        return;
    }
    lg__bytes_adds(b, "{\"error\":{\"message\":");
    lg__json_write_string(b, body, strlen(body));
    lg__bytes_adds(b, "}}");
}

static void test_record(void **state)
{
    const record *c = *state;
    support_heap heap;
    lg_mem m;
    lg_bytes body;
    lg_reply r;
    char got[200];
    support_mem_init(&m, &heap);
    lg_model *model = make_model(&m, c);
    lg__bytes_init(&body, &m, LG_BYTES_MAX);
    write_body(&body, c->body);
    const char *type = c->body[0] == '<' ? "text/html" : "application/json";
    lg_attempt a = attempt_of(&m, c->status, type, body.data, body.len);
    a.now_ms = NOW_MS;
    lg__reply_init(&r);
    lg__provider_decode(&m, model, &a, NULL, &r);
    describe(&r, c->want, got, sizeof got);
    if (strcmp(got, c->want) != 0)
        fail_msg("%s: \"%s\", not \"%s\": %s", c->name, got, c->want, lg__fail_message(&r.fail));

    bool again = r.fail.code == LG_ERATE || r.fail.code == LG_EOVERLOAD;
    assert_int_equal(r.fail.retryable, again);
    lg__reply_free(&r);
    lg__bytes_free(&body);
    lg__model_destroy(model);
    assert_heap_empty(&heap);
}

/* "Loading model | Cloudflare" in a body is no column. */
static void test_there_are_many(void **state)
{
    (void)state;
    assert_true(n_records >= 60);
}

int main(void)
{
    static struct CMUnitTest tests[MOST + 1];
    support_start();
    if (!read_records()) {
        fprintf(stderr, "no tests/data/refusals.txt\n");
        return 1;
    }
    for (size_t i = 0; i < n_records; i++)
        tests[i] = (struct CMUnitTest){records[i].name, test_record, NULL, NULL, &records[i]};

    tests[n_records] =
        (struct CMUnitTest){"test_there_are_many", test_there_are_many, NULL, NULL, NULL};
    return _cmocka_run_group_tests("refusals", tests, n_records + 1, NULL, NULL) ? 1 : 0;
}
