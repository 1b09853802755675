/* test_oracle_replies.c - what an independent server answers, read by our dialects.
 *
 * Reads tests/oracle/replies (another folder: LG_ORACLE_REPLIES=DIR, or its first argument);
 * the README there has the format. What an answer means is in aimock/fixtures.json: the text,
 * the calls or the error of the question that it is named after. Each folder is a test. Where
 * the server differs from the one it imitates, the table `differs` says what we make of it,
 * and a row of it that nothing needs is a failure too. It never talks to anybody. */
#include <dirent.h>

#include "../support.h"

#include "model/provider.h"

enum { MAX_FILE = 1 << 20 };
#define TURN "application/vnd.lunagrad.turn+json"

/* Each is a dialect too. */
static const char *const folders[] = {"openai",       "azure",       "responses",    "anthropic",
                                      "gemini",       "ollama",      "openai-embed", "gemini-embed",
                                      "ollama-embed", "openai-image"};

typedef struct other_row { /* an answer to something that is no chat */
    const char *folder, *file;
    const char *dialect; /* NULL: the folder's */
    const char *begin;   /* of what comes of it */
    const char *media;
} other_row;

static const other_row others[] = {
    {"openai", "models", "probe", "{\"object\":\"list\",\"data\":[", "text/plain"},
    {"ollama", "tags", "probe", "{\"models\":[{\"name\":\"gpt-4\",", "text/plain"},
    {"openai-embed", "one", NULL, "[[0.25,-0.5,1,0]]", "text/plain"},
    {"openai-embed", "base64", NULL, "[[0.25,-0.5,1,0]]", "text/plain"},
    {"openai-embed", "two", NULL, "[[0.25,-0.5,1,0],[0.25,-0.5,1,0]]", "text/plain"},
    {"gemini-embed", "one", NULL, "[[0.25,-0.5,1,0]]", "text/plain"},
    {"ollama-embed", "one", NULL, "[[0.25,-0.5,1,0]]", "text/plain"},
    {"openai-image", "one", NULL, "\x89PNG\r\n", "image/png"},
};

/* What is to be made of an answer. */
typedef struct meaning {
    int code; /* 0: a value */
    bool retryable;
    const char *finish, *usage; /* of a value; usage: "input output", or "none" */
} meaning;

typedef struct fault_row { /* what the answer of a fixture that is an error means */
    const char *name;
    int code;
    bool retryable;
} fault_row;

static const fault_row faults[] = {
    {"400", LG_EBADREQUEST, false},
    {"401", LG_EAUTH, false},
    {"403", LG_EAUTH, false},
    {"404", LG_ENOMODEL, false},
    {"context", LG_ECONTEXT, false},
    {"429", LG_ERATE, true},
    {"quota", LG_EMONEY, false},
    {"500", LG_EOVERLOAD, true},
    {"503", LG_EOVERLOAD, true},
    {"529", LG_EOVERLOAD, true},
    {"queued-529", LG_EOVERLOAD, true},
    {"unknown", LG_ENOMODEL, false},
    {"filter", LG_EREFUSED, false},
    {"chaos-drop", LG_EOVERLOAD, true},
    {"chaos-malformed", LG_ETRUNCATED, true},
    {"chaos-ratelimit", LG_ERATE, true},
    {"tool-cut", LG_ETRUNCATED, true},
    {"truncated", LG_ETRUNCATED, true},
    {"truncated-at-once", LG_ETRUNCATED, true},
    {"disconnected", LG_ETRUNCATED, true},
};

typedef struct differ_row {    /* where aimock is not the server it imitates */
    const char *folder, *file; /* file NULL: any */
    int code;                  /* KEEP: as the fixture says */
    bool retryable;
    const char *finish, *usage; /* NULL: as the fixture says */
    const char *why;
} differ_row;

enum { KEEP = 1 };

static const differ_row differs[] = {
    {"openai", "no-usage", KEEP, false, NULL, "4 2", "it counts by itself"},
    {"openai", "stream-no-usage", KEEP, false, NULL, "4 2", "it counts by itself"},
    {"azure", "no-usage", KEEP, false, NULL, "4 2", "it counts by itself"},
    {"azure", "stream-no-usage", KEEP, false, NULL, "4 2", "it counts by itself"},
    {"responses", "filter", LG_EOVERLOAD, true, NULL, NULL, "status failed, no reason"},
    {"responses", "stream-filter", LG_EOVERLOAD, true, NULL, NULL, "status failed, no reason"},
    {"gemini", "stream-tool-cut", LG_OK, false, "tool_calls", NULL, "calls come in one event"},
    {"ollama", NULL, KEEP, false, NULL, "none", "all counts are 0"},
    {"ollama", "stream-tool-cut", LG_OK, false, "tool_calls", NULL, "calls come in one line"},
    {"ollama", "filter", LG_EEMPTY, true, NULL, NULL, "done_reason is always stop"},
    {"ollama", "stream-filter", LG_EEMPTY, true, NULL, NULL, "done_reason is always stop"},
    {"ollama", "length", KEEP, false, "stop", NULL, "done_reason is always stop"},
    {"ollama", "stream-length", KEEP, false, "stop", NULL, "done_reason is always stop"},
};

/* ---- reading ------------------------------------------------------------- */

static const char *replies = "tests/oracle/replies";
static lg_mem fixture_mem;
static lg_json *fixture_root;

typedef struct reply_case {
    const char *folder, *file; /* file: without its ".txt" */
    const char *name;          /* of the question, as files write it */
    char *bytes, type[128], request_id[128];
    lg_attempt answer; /* its body is borrowed */
    bool cut, stream;
    const other_row *other; /* NULL: it is about a fixture or one of the faults */
    const lg_json *fixture; /* NULL: it answers none */
    lg_model *model;
    bool used[sizeof differs / sizeof *differs];
    size_t wrong;
} reply_case;

#define wrong(c, ...)                                   \
    do {                                                \
        print_error("%s/%s: ", (c)->folder, (c)->file); \
        print_error(__VA_ARGS__);                       \
        (c)->wrong++;                                   \
    } while (0)

static char *read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    char *bytes = malloc(MAX_FILE);
    if (!f || !bytes) {
        fail_msg("cannot read %s", path);
        return NULL;
    }
    *len = fread(bytes, 1, MAX_FILE - 1, f);
    bytes[*len] = '\0';
    fclose(f);
    return bytes;
}

static void read_header(reply_case *c, const char *line)
{
    static const char *const names[] = {
        "content-type: ", "x-request-id: ", "request-id: ", "retry-after: ", "x-oracle-end: "};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t len = strlen(names[i]);
        const char *value = strncmp(line, names[i], len) == 0 ? line + len : NULL;
        if (value && i == 0)
            snprintf(c->type, sizeof c->type, "%s", value);
        else if (value && i < 3)
            snprintf(c->request_id, sizeof c->request_id, "%s", value);
        else if (value && i == 3)
            c->answer.retry_after_ms = 1000 * strtoll(value, NULL, 10);
        else if (value)
            c->cut = strcmp(value, "cut") == 0;
    }
}

/* Status line, headers, an empty line, the body. */
static void read_reply(reply_case *c, const char *path)
{
    size_t len;
    char *at = c->bytes = read_file(path, &len);
    lg_attempt *a = &c->answer;
    lg__attempt_init(a, &fixture_mem, LG_BYTES_MAX);
    assert_int_equal(strncmp(at, "HTTP/1.1 ", 9), 0);
    a->status = atoi(at + 9);
    for (char *end; (end = strchr(at, '\n')) != NULL && end != at; at = end + 1) {
        *end = '\0';
        read_header(c, at);
    }
    assert_int_equal(*at, '\n');
    a->body.data = at + 1;
    a->body.len = len - (size_t)(at + 1 - c->bytes);
    snprintf(a->content_type, sizeof a->content_type, "%.95s", c->type);
    snprintf(a->request_id, sizeof a->request_id, "%.79s", c->request_id);
}

static const lg_json *fixture_of(const char *name)
{
    char text[300];
    const lg_json *all = lg__json_get(fixture_root, "fixtures");
    snprintf(text, sizeof text, "case %.280s.", name);
    for (char *at = text; *at; at++)
        *at = *at == '-' ? ' ' : *at;

    for (const lg_json *f = lg__json_first(all); f; f = lg__json_after(f)) {
        const char *asked = lg__json_string(lg__json_get(lg__json_get(f, "match"), "userMessage"));
        if (asked && strcmp(asked, text) == 0)
            return lg__json_get(f, "response");
    }
    return NULL;
}

/* ---- what it should mean ------------------------------------------------- */

static const lg_json *said(const reply_case *c, const char *name)
{
    return lg__json_get(c->fixture, name);
}

static const char *said_text(const reply_case *c)
{
    const char *text = lg__json_string(said(c, "content"));
    return text ? text : "";
}

static bool same_word(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

/* A difference, and whether it changed anything. */
static bool take_difference(const differ_row *d, meaning *m)
{
    meaning before = *m;
    if (d->code != KEEP) {
        m->code = d->code;
        m->retryable = d->retryable;
    }
    m->finish = d->finish ? d->finish : m->finish;
    m->usage = d->usage ? d->usage : m->usage;
    return before.code != m->code || before.retryable != m->retryable ||
           !same_word(before.finish, m->finish) || !same_word(before.usage, m->usage);
}

static meaning meaning_of(reply_case *c)
{
    const char *finish = lg__json_string(said(c, "finishReason"));
    meaning m = {0, false, "stop", said(c, "usage") ? "11 5" : "none"};
    m.finish = finish ? finish : said(c, "toolCalls") ? "tool_calls" : "stop";
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        if (strcmp(faults[i].name, c->name) == 0) {
            m.code = faults[i].code;
            m.retryable = faults[i].retryable;
        }
    }
    for (size_t i = 0; i < sizeof differs / sizeof *differs; i++) {
        const differ_row *d = &differs[i];
        if (strcmp(d->folder, c->folder) == 0 && (!d->file || strcmp(d->file, c->file) == 0))
            c->used[i] = take_difference(d, &m);
    }
    return m;
}

/* The message as the engine keeps it, without what is to be sent back unchanged. */
static void write_calls(const reply_case *c, lg_bytes *b)
{
    const char *text = said_text(c);
    const lg_json *calls = said(c, "toolCalls");
    lg__bytes_adds(b, "{\"text\":");
    lg__json_write_string(b, text, strlen(text));
    lg__bytes_adds(b, ",\"calls\":[");
    for (const lg_json *t = lg__json_first(calls); t; t = lg__json_after(t)) {
        lg__bytes_adds(b, t == lg__json_first(calls) ? "{\"id\":" : ",{\"id\":");
        lg__json_write(b, lg__json_get(t, "id"));
        lg__bytes_adds(b, ",\"name\":");
        lg__json_write(b, lg__json_get(t, "name"));
        lg__bytes_adds(b, ",\"arguments\":");
        lg__bytes_adds(b, lg__json_string(lg__json_get(t, "arguments")));
        lg__bytes_adds(b, "}");
    }
    lg__bytes_adds(b, "]}");
}

static bool starts_with(const lg_text *t, const char *begin, size_t len)
{
    return t->len >= len && memcmp(t->data, begin, len) == 0;
}

/* Beside text and calls a message may keep its own form: what follows the calls. */
static void check_turn(reply_case *c, const lg_text *t)
{
    lg_bytes want;
    lg__bytes_init(&want, &fixture_mem, LG_BYTES_MAX);
    write_calls(c, &want);
    bool rest = want.len > 0 && t->len > want.len && t->data[want.len - 1] == ',';
    if (!want.data || !starts_with(t, want.data, want.len - (rest ? 1 : 0)))
        wrong(c, "the turn is\n%s\nnot\n%s\n", t->data, want.data);

    lg__bytes_free(&want);
}

static void check_value(reply_case *c, const lg_reply *r)
{
    const char *media = c->other ? c->other->media : said(c, "toolCalls") ? TURN : "text/plain";
    const char *text = c->other ? c->other->begin : said_text(c);
    if (strcmp(lg__media_type(r->text->media), media) != 0)
        wrong(c, "it is %s, not %s\n", lg__media_type(r->text->media), media);
    else if (said(c, "toolCalls"))
        check_turn(c, r->text);
    else if (!starts_with(r->text, text, strlen(text)) ||
             (!c->other && r->text->len != strlen(text)))
        wrong(c, "the text is \"%s\", not \"%s\"\n", r->text->data, text);
}

static void check_facts(reply_case *c, const lg_reply *r, const meaning *m)
{
    char usage[64] = "none";
    if (r->has_usage) {
        snprintf(usage, sizeof usage, "%lld %lld", (long long)r->usage.input,
                 (long long)r->usage.output);
    }
    if (strcmp(lg__finish_name(r->finish), m->finish) != 0)
        wrong(c, "finish is %s, not %s\n", lg__finish_name(r->finish), m->finish);

    if (strcmp(usage, m->usage) != 0)
        wrong(c, "usage is %s, not %s\n", usage, m->usage);
}

static void check_fault(reply_case *c, const lg_reply *r, const meaning *m)
{
    const lg_fail *f = &r->fail;
    if (f->retryable != m->retryable)
        wrong(c, "%s: retryable is %d\n", lg__fail_message(f), f->retryable);

    if (f->http_status != c->answer.status || strcmp(f->request_id, c->request_id) != 0 ||
        f->retry_after_ms != c->answer.retry_after_ms) {
        wrong(c, "status %d, request %s, retry after %lld are not what was sent\n", f->http_status,
              f->request_id, (long long)f->retry_after_ms);
    }
    if (strcmp(c->name, "400") == 0 && c->answer.body.data &&
        strstr(c->answer.body.data, "\"param\":\"temperature\"") &&
        strcmp(r->bad_param, "temperature") != 0)
        wrong(c, "the refused field is \"%s\"\n", r->bad_param);
}

static void check_reply(reply_case *c, const meaning *m)
{
    lg_reply r;
    lg__reply_init(&r);
    lg_asked asked = {.tools = true};
    lg__provider_decode(&fixture_mem, c->model, &c->answer, &asked, &r);
    assert_int_equal(r.fail.code == 0, r.text != NULL);
    if (r.fail.code != m->code) {
        wrong(c, "it is %s (%s), not %s\n", r.fail.code ? lg_error_name(r.fail.code) : "a value",
              r.fail.code ? lg__fail_message(&r.fail) : r.text->data,
              m->code ? lg_error_name(m->code) : "a value");
    } else if (m->code) {
        check_fault(c, &r, m);
    } else {
        check_value(c, &r);
        if (!c->other)
            check_facts(c, &r, m);
    }
    lg__reply_free(&r);
}

/* What is heard, fed in steps of so many bytes, is the fixture's text, or its beginning
 * where the stream was cut. */
static void check_hearing(reply_case *c, size_t step)
{
    const char *want = said_text(c);
    size_t before = 0, len = 0, begin;
    const char *got = NULL;
    lg_hearing *x = NULL;
    assert_int_equal(lg__hearing_new(&fixture_mem, c->model, &x), LG_OK);
    for (size_t at = 0; at < c->answer.body.len; at += step) {
        size_t n = c->answer.body.len - at < step ? c->answer.body.len - at : step;
        lg__hearing_feed(x, c->answer.body.data + at, n);
        got = lg__hearing_text(x, &len, &begin);
        if (len < before)
            wrong(c, "what was heard grew shorter\n");

        before = len;
    }
    size_t whole = c->cut && len < strlen(want) ? len : strlen(want);
    if (len != whole || (len > 0 && memcmp(got, want, len) != 0))
        wrong(c, "heard by %zu is \"%.*s\"\n", step, (int)len, got ? got : "");

    lg__hearing_free(x);
}

/* ---- a folder ------------------------------------------------------------ */

static void make_model(reply_case *c)
{
    const char *why = NULL;
    lg_model_config cfg = {
        .size = sizeof cfg,
        .dialect = c->other && c->other->dialect ? c->other->dialect : c->folder,
        .name = "oracle/model",
        .model = "model",
        .base_url = "http://oracle.test/v1",
        .api_key = "KEY",
    };
    if (lg__model_make(&fixture_mem, &cfg, &c->model, &why, NULL))
        fail_msg("%s: no model: %s", c->folder, why);
}

static void find_other(reply_case *c)
{
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        if (strcmp(others[i].folder, c->folder) == 0 && strcmp(others[i].file, c->file) == 0)
            c->other = &others[i];
    }
}

static bool is_fault(const char *name)
{
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        if (strcmp(faults[i].name, name) == 0)
            return true;
    }
    return false;
}

/* A connection without an answer is the transport's matter: there is nothing to read. */
static void run_reply(reply_case *c, const char *path)
{
    c->stream = strncmp(c->file, "stream-", 7) == 0;
    c->name = c->file + (c->stream ? 7 : 0);
    find_other(c);
    c->fixture = fixture_of(c->name);
    if (!c->fixture && !c->other && !is_fault(c->name)) {
        wrong(c, "it answers no fixture\n");
        return;
    }
    read_reply(c, path);
    make_model(c);
    if (c->answer.status != 0) {
        meaning m = meaning_of(c);
        check_reply(c, &m);
        if (c->stream) {
            check_hearing(c, c->answer.body.len);
            check_hearing(c, 1);
        }
    } else if (!c->cut || c->answer.body.len > 0) {
        wrong(c, "a status is missing\n");
    }
    lg__model_destroy(c->model);
    free(c->bytes);
}

static bool ends_in(const char *s, const char *end)
{
    size_t len = strlen(s);
    return len > strlen(end) && strcmp(s + len - strlen(end), end) == 0;
}

static void test_folder(void **state)
{
    const char *folder = *state;
    bool used[sizeof differs / sizeof *differs] = {false};
    char path[1024], file[256];
    size_t n = 0, failed = 0;
    snprintf(path, sizeof path, "%s/%s", replies, folder);
    DIR *dir = opendir(path);
    if (!dir) {
        fail_msg("no folder %s", path);
        return;
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        if (!ends_in(e->d_name, ".txt"))
            continue;

        snprintf(file, sizeof file, "%.*s", (int)strlen(e->d_name) - 4, e->d_name);
        snprintf(path, sizeof path, "%s/%s/%s", replies, folder, e->d_name);
        reply_case c = {.folder = folder, .file = file};
        run_reply(&c, path);
        for (size_t i = 0; i < sizeof differs / sizeof *differs; i++)
            used[i] = used[i] || c.used[i];

        n++;
        failed += c.wrong;
    }
    closedir(dir);
    for (size_t i = 0; i < sizeof differs / sizeof *differs; i++) {
        if (strcmp(differs[i].folder, folder) == 0 && !used[i]) {
            print_error("%s/%s: nothing differs any more: %s\n", folder,
                        differs[i].file ? differs[i].file : "all", differs[i].why);
            failed++;
        }
    }
    assert_true(n > 0);
    assert_int_equal(failed, 0);
}

/* A folder that is in no list would be read by nobody. */
static void test_every_folder(void **state)
{
    size_t unread = 0;
    DIR *dir = opendir(replies);
    (void)state;
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        bool known = e->d_name[0] == '.';
        for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
            known = known || strcmp(folders[i], e->d_name) == 0;

        if (!known) {
            print_error("%s/%s is read by nobody\n", replies, e->d_name);
            unread++;
        }
    }
    closedir(dir);
    assert_int_equal(unread, 0);
}

static int setup(void **state)
{
    static support_heap heap;
    size_t len;
    (void)state;
    support_mem_init(&fixture_mem, &heap);
    char *bytes = read_file("tests/oracle/aimock/fixtures.json", &len);
    int err = lg__json_parse(&fixture_mem, bytes, len, &fixture_root, NULL);
    free(bytes);
    return err;
}

static int teardown(void **state)
{
    const support_heap *heap = fixture_mem.ud;
    (void)state;
    lg__json_free(&fixture_mem, fixture_root);
    return heap->live_blocks != 0;
}

int main(int argc, char **argv)
{
    enum { N = sizeof folders / sizeof *folders };
    static struct CMUnitTest tests[N + 1];
    const char *other = getenv("LG_ORACLE_REPLIES");
    replies = argc > 1 ? argv[1] : other ? other : replies;
    support_start();
    for (size_t i = 0; i < N; i++) {
        char *folder = (char *)(uintptr_t)folders[i];
        tests[i] = (struct CMUnitTest){folder, test_folder, NULL, NULL, folder};
    }
    tests[N] = (struct CMUnitTest){"test_every_folder", test_every_folder, NULL, NULL, NULL};
    return _cmocka_run_group_tests("oracle replies", tests, N + 1, setup, teardown) ? 1 : 0;
}
