/* test_provider.c - runs the cases of tests/cases; their README has the format.
 *
 * Each file is a test by its own name. The last test runs all of them with every
 * allocation failing once and for good. */
#include <dirent.h>

#include "../support.h"

#include "model/provider_adapt.h"

enum { MAX_LIST = 24, MAX_CASES = 1024, MAX_FILE = 1 << 20 };
#define KEY "sk-canary-0123456789"

typedef struct list {
    char *items[MAX_LIST];
    size_t n;
} list;

/* Everything points into the file's own bytes. */
typedef struct provider_case {
    char path[512], *bytes;
    size_t size;
    char *name, *model, *base_url, *key, *key_name, *dialect, *quirks, *learned, *stream, *refuses,
        *keep_thinking;
    list headers, options, repairs, messages;
    char *url, *wire_headers, *body;
    size_t body_len; /* 0: as long as its string is */
    bool has_answer, has_expect;
    lg_attempt answer; /* its body is borrowed */
    lg_asked asked;
    char *text, *finish, *finish_reason, *usage, *error, *retryable, *ambiguous, *http_status,
        *retry_after_ms, *request_id, *bad_param, *new_param, *media, *partial, *thinking;
    list in_message, in_hint, never;
} provider_case;

/* ---- reading a file ------------------------------------------------------ */

static size_t unescape(char *s, size_t len)
{
    size_t to = 0;
    for (size_t i = 0; i < len; i++, to++) {
        if (s[i] != '\\' || i + 1 == len) {
            s[to] = s[i];
            continue;
        }
        char c = s[++i];
        if (c == 'x' && i + 2 < len) {
            char hex[3] = {s[i + 1], s[i + 2], 0};
            s[to] = (char)strtoul(hex, NULL, 16);
            i += 2;
        } else {
            s[to] = c == 'n' ? '\n' : c == 'r' ? '\r' : c == 't' ? '\t' : c;
        }
    }
    s[to] = '\0';
    return to;
}

static void list_add(list *l, char *item)
{
    assert_true(l->n < MAX_LIST);
    l->items[l->n++] = item;
}

typedef struct key_slot {
    const char *key;
    char **one;
    list *many;
} key_slot;

static void set_key(const provider_case *c, const key_slot *slots, size_t n, const char *key,
                    char *value)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(slots[i].key, key) == 0) {
            if (slots[i].many)
                list_add(slots[i].many, value);
            else
                *slots[i].one = value;

            return;
        }
    }
    fail_msg("%s: unknown key \"%s\"", c->path, key);
}

/* Lines "key = value". */
static void read_keys(const provider_case *c, char *s, const key_slot *slots, size_t n)
{
    for (char *line = s, *next; line; line = next) {
        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';

        if (line[strspn(line, " ")] == '\0')
            continue;

        char *equals = strstr(line, " =");
        if (!equals) {
            fail_msg("%s: no \"key = value\": %s", c->path, line);
            return;
        }
        *equals = '\0';
        set_key(c, slots, n, line, equals + 2 + (equals[2] == ' '));
    }
}

static void read_ask(provider_case *c, char *s)
{
    key_slot slots[] = {
        {"name", &c->name, NULL},
        {"model", &c->model, NULL},
        {"base_url", &c->base_url, NULL},
        {"key", &c->key, NULL},
        {"key_name", &c->key_name, NULL},
        {"header", NULL, &c->headers},
        {"option", NULL, &c->options},
        {"repair", NULL, &c->repairs},
        {"message", NULL, &c->messages},
        {"dialect", &c->dialect, NULL},
        {"quirks", &c->quirks, NULL},
        {"stream", &c->stream, NULL},
        {"refuses", &c->refuses, NULL},
        {"learned", &c->learned, NULL},
        {"keep_thinking", &c->keep_thinking, NULL},
    };
    read_keys(c, s, slots, sizeof slots / sizeof *slots);
}

#define copy(to, from) snprintf(to, sizeof(to), "%s", from)

static void read_answer(provider_case *c, char *s)
{
    char *status = "200", *type = "application/json", *id = "", *wait = "-1", *retry = "";
    char *tools = "no", *moved = "", *offered = NULL, *stops = "no";
    key_slot slots[] = {
        {"status", &status, NULL},       {"content_type", &type, NULL},  {"request_id", &id, NULL},
        {"retry_after_ms", &wait, NULL}, {"should_retry", &retry, NULL}, {"tools", &tools, NULL},
        {"moved_to", &moved, NULL},      {"offered", &offered, NULL},    {"stops", &stops, NULL},
    };
    read_keys(c, s, slots, sizeof slots / sizeof *slots);
    c->has_answer = true;
    c->answer.status = (int)strtol(status, NULL, 10);
    copy(c->answer.content_type, type);
    copy(c->answer.request_id, id);
    c->answer.retry_after_ms = strtol(wait, NULL, 10);
    copy(c->answer.should_retry, retry);
    copy(c->answer.moved_to, moved);
    c->asked.tools = strcmp(tools, "yes") == 0;
    c->asked.offered = offered;
    c->asked.stops = strcmp(stops, "yes") == 0;
}

static void read_expect(provider_case *c, char *s)
{
    key_slot slots[] = {
        {"text", &c->text, NULL},
        {"finish", &c->finish, NULL},
        {"finish_reason", &c->finish_reason, NULL},
        {"usage", &c->usage, NULL},
        {"error", &c->error, NULL},
        {"retryable", &c->retryable, NULL},
        {"ambiguous", &c->ambiguous, NULL},
        {"http_status", &c->http_status, NULL},
        {"retry_after_ms", &c->retry_after_ms, NULL},
        {"request_id", &c->request_id, NULL},
        {"bad_param", &c->bad_param, NULL},
        {"new_param", &c->new_param, NULL},
        {"media", &c->media, NULL},
        {"partial", &c->partial, NULL},
        {"thinking", &c->thinking, NULL},
        {"message", NULL, &c->in_message},
        {"hint", NULL, &c->in_hint},
        {"never", NULL, &c->never},
    };
    read_keys(c, s, slots, sizeof slots / sizeof *slots);
    c->has_expect = true;
}

static void read_section(provider_case *c, const char *name, char *s, size_t len)
{
    if (strcmp(name, "[ask]") == 0) {
        read_ask(c, s);
    } else if (strcmp(name, "[url]") == 0) {
        c->url = s;
    } else if (strcmp(name, "[headers]") == 0) {
        c->wire_headers = s;
    } else if (strcmp(name, "[body]") == 0) {
        c->body = s;
    } else if (strcmp(name, "[body escaped]") == 0) {
        c->body_len = unescape(s, len);
        c->body = s;
    } else if (strcmp(name, "[answer]") == 0) {
        read_answer(c, s);
    } else if (strcmp(name, "[answer body]") == 0) {
        c->answer.body.data = s;
        c->answer.body.len = len;
    } else if (strcmp(name, "[answer body escaped]") == 0) {
        c->answer.body.len = unescape(s, len);
        c->answer.body.data = s;
    } else if (strcmp(name, "[expect]") == 0) {
        read_expect(c, s);
    } else {
        fail_msg("%s: unknown section %s", c->path, name);
    }
}

static bool is_section(const char *line, size_t len)
{
    static const char *const names[] = {
        "[ask]",          "[url]",    "[headers]",     "[body]",
        "[body escaped]", "[answer]", "[answer body]", "[answer body escaped]",
        "[expect]",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strlen(names[i]) == len && memcmp(names[i], line, len) == 0)
            return true;
    }
    return false;
}

static void read_file(provider_case *c)
{
    FILE *f = fopen(c->path, "rb");
    if (!f) {
        fail_msg("cannot open %s", c->path);
        return;
    }
    c->bytes = malloc(MAX_FILE + 1);
    assert_non_null(c->bytes);
    c->size = fread(c->bytes, 1, MAX_FILE, f);
    c->bytes[c->size] = '\0';
    fclose(f);
}

static void split_file(provider_case *c)
{
    char *name = NULL, *start = NULL, *end = c->bytes + c->size;
    for (char *line = c->bytes; line < end;) {
        char *stop = memchr(line, '\n', (size_t)(end - line));
        char *next = stop ? stop + 1 : end;
        size_t len = (size_t)((stop ? stop : end) - line);
        if (is_section(line, len)) {
            if (name) {
                static char none[1];
                size_t size = line > start ? (size_t)(line - 1 - start) : 0;
                if (line > start)
                    line[-1] = '\0';

                read_section(c, name, line > start ? start : none, size);
            }
            name = line;
            line[len] = '\0';
            start = next;
        }
        line = next;
    }
    if (!name) {
        fail_msg("%s: no section", c->path);
        return;
    }
    if (end > start && end[-1] == '\n')
        *--end = '\0';

    read_section(c, name, start, (size_t)(end - start));
}

static void load(provider_case *c, const char *path)
{
    memset(c, 0, sizeof *c);
    snprintf(c->path, sizeof c->path, "%s", path);
    c->name = "test/model";
    c->model = "m-1";
    c->base_url = "https://api.example.com/v1";
    c->key = KEY;
    c->key_name = "TEST_API_KEY";
    c->dialect = "openai";
    lg__attempt_init(&c->answer, NULL, LG_BYTES_MAX);
    read_file(c);
    split_file(c);
    if (c->messages.n == 0) {
        static char hi[] = "user: hi";
        list_add(&c->messages, hi);
    }
    assert_int_equal(c->has_answer, c->has_expect);
    assert_true(c->has_answer || c->body || c->url || c->wire_headers);
}

/* ---- running it ---------------------------------------------------------- */

/* "name: value" into its halves; copies lie in *store, for the case's own bytes stay. */
static void halves(const char *item, const char *mark, char store[4096], char **left, char **right)
{
    snprintf(store, 4096, "%s", item);
    char *at = strstr(store, mark);
    *left = store;
    *right = NULL;
    if (at) {
        *at = '\0';
        *right = at + strlen(mark);
    } else if (store[0] && store[strlen(store) - 1] == mark[0]) {
        store[strlen(store) - 1] = '\0'; /* "name:": an empty value */
        *right = store + strlen(store);
    }
}

typedef struct pairs {
    char stores[MAX_LIST][4096];
    lg_option of[MAX_LIST];
} pairs;

static void make_pairs(const list *l, pairs *p)
{
    for (size_t i = 0; i < l->n; i++) {
        char *name, *value;
        halves(l->items[i], ": ", p->stores[i], &name, &value);
        assert_non_null(value);
        p->of[i] = (lg_option){name, value};
    }
}

static int make_model(lg_mem *m, const provider_case *c, lg_model **out)
{
    static pairs headers, options;
    const char *why = NULL;
    make_pairs(&c->headers, &headers);
    make_pairs(&c->options, &options);
    lg_model_config cfg = {
        .size = sizeof cfg,
        .dialect = c->dialect,
        .quirks = c->quirks,
        .name = c->name,
        .model = c->model,
        .base_url = c->base_url[0] ? c->base_url : NULL,
        .api_key = c->key,
        .key_name = c->key_name,
        .headers = headers.of,
        .n_headers = c->headers.n,
        .options = options.of,
        .n_options = c->options.n,
    };
    int err = lg__model_make(m, &cfg, out, &why, NULL);
    if (err && err != LG_ENOMEM)
        fail_msg("%s: no model: %s", c->path, why);

    for (size_t i = 0; !err && i < c->repairs.n; i++) {
        char store[4096], *from, *to;
        halves(c->repairs.items[i], " -> ", store, &from, &to);
        err = lg__model_repair(*out, from, to);
        if (err)
            lg__model_destroy(*out);
    }
    return err;
}

static void learn(const provider_case *c, lg_model *model)
{
    static const struct {
        const char *word;
        unsigned flag;
    } known[] = {{"no_system", LG_LEARNED_NO_SYSTEM},
                 {"no_developer", LG_LEARNED_NO_DEVELOPER},
                 {"no_schema", LG_LEARNED_NO_SCHEMA},
                 {"no_format", LG_LEARNED_NO_FORMAT}};
    model->keep_thinking = c->keep_thinking != NULL;
    for (size_t i = 0; c->learned && i < sizeof known / sizeof *known; i++)
        model->learned |= strstr(c->learned, known[i].word) ? known[i].flag : 0;

    assert_true(!c->learned || model->learned);
}

static void check_bytes(const provider_case *c, const char *what, const lg_bytes *b,
                        const char *want, size_t len)
{
    len = len || !want ? len : strlen(want);
    if (want && (b->len != len || (b->len > 0 && memcmp(b->data, want, b->len) != 0)))
        fail_msg("%s: %s is\n%s\nnot\n%s", c->path, what, b->data, want);
}

/* "ROLE", "ROLE TYPE" or "TYPE" (a part of the message before); media are base64. */
static lg_ask_part make_part(char *role, char *text)
{
    char *last = strrchr(role, ' '), *type = last ? last + 1 : role;
    int media = strchr(type, '/') ? lg__media_of_type(type) : -1;
    if (media < 0)
        return (lg_ask_part){role, text, unescape(text, strlen(text)), LG_MEDIA_TEXT};

    size_t len = strlen(text);
    if (media != LG_MEDIA_CALLS && !lg__media_is_url(media)) {
        lg_mem m;
        lg_bytes b;
        lg__mem_init(&m, NULL, NULL);
        lg__bytes_init(&b, &m, LG_BYTES_MAX);
        assert_int_equal(lg__base64_read(&b, text, len), LG_OK);
        memcpy(text, b.data, len = b.len);
        lg__bytes_free(&b);
    }
    if (last)
        *last = '\0';

    return (lg_ask_part){last ? role : LG_PART, text, len, media};
}

static int check_encode(lg_mem *m, const provider_case *c, const lg_model *model)
{
    static char stores[MAX_LIST][4096];
    lg_ask_part parts[MAX_LIST];
    lg_bytes url, headers, body;
    const char *why = NULL;
    for (size_t i = 0; i < c->messages.n; i++) {
        char *role, *text;
        halves(c->messages.items[i], ": ", stores[i], &role, &text);
        if (!text) {
            fail_msg("%s: message = role: text", c->path);
            return LG_EINVAL;
        }
        parts[i] = make_part(role, text);
    }
    lg_ask ask = {model,
                  parts,
                  c->messages.n,
                  model->options,
                  model->n_options,
                  c->stream && strcmp(c->stream, "yes") == 0};
    lg__bytes_init(&url, m, LG_BYTES_MAX);
    lg__bytes_init(&headers, m, LG_BYTES_MAX);
    lg__bytes_init(&body, m, LG_BYTES_MAX);
    lg_adapted adapted;
    int err = lg__adapt(m, &ask, &adapted);
    err = err ? err : model->provider->encode(&adapted.ask, &url, &headers, &body, &why);
    lg__adapt_free(&adapted);
    if (err == LG_EINVAL && c->refuses) {
        assert_non_null(why);
        assert_non_null(strstr(why, c->refuses));
        err = LG_OK;
    } else if (err == LG_OK) {
        assert_null(c->refuses);
        lg__bytes_addc(&headers, '\0');
        if (headers.err == LG_OK) {
            headers.len -= 2; /* the NUL, and the last line's break */
            check_bytes(c, "the URL", &url, c->url, 0);
            check_bytes(c, "headers", &headers, c->wire_headers, 0);
            check_bytes(c, "the body", &body, c->body, c->body_len);
        }
        err = headers.err;
    }
    lg__bytes_free(&url);
    lg__bytes_free(&headers);
    lg__bytes_free(&body);
    return err;
}

static void check_string(const provider_case *c, const char *what, const char *got,
                         const char *want)
{
    if (want && strcmp(got, want) != 0)
        fail_msg("%s: %s is \"%s\", not \"%s\"", c->path, what, got, want);
}

static void check_number(const provider_case *c, const char *what, int64_t got, const char *want)
{
    if (want && got != strtoll(want, NULL, 10))
        fail_msg("%s: %s is %lld, not %s", c->path, what, (long long)got, want);
}

static void check_parts(const provider_case *c, const char *what, const char *got, const list *want)
{
    for (size_t i = 0; i < want->n; i++) {
        if (!strstr(got, want->items[i]))
            fail_msg("%s: %s \"%s\" lacks \"%s\"", c->path, what, got, want->items[i]);
    }
}

static void check_line(const provider_case *c, const char *s)
{
    assert_true(lg_utf8_check(s, strlen(s)) < 0);
    for (const char *at = s; *at; at++) {
        if ((unsigned char)*at < 0x20 || *at == 0x7F)
            fail_msg("%s: control character in \"%s\"", c->path, s);
    }
    if (strstr(s, c->key[0] ? c->key : KEY))
        fail_msg("%s: the key is in \"%s\"", c->path, s);

    for (size_t i = 0; i < c->never.n; i++) {
        if (strstr(s, c->never.items[i]))
            fail_msg("%s: \"%s\" holds \"%s\"", c->path, s, c->never.items[i]);
    }
}

static void check_usage(const provider_case *c, const lg_reply *r)
{
    char got[200] = "none";
    if (r->has_usage) {
        snprintf(got, sizeof got, "%lld %lld %lld %lld %lld", (long long)r->usage.input,
                 (long long)r->usage.cached, (long long)r->usage.cache_write,
                 (long long)r->usage.output, (long long)r->usage.reasoning);
    }
    check_string(c, "usage", got, c->usage);
}

static void check_good(const provider_case *c, const lg_reply *r)
{
    char want[4096];
    if (r->fail.code)
        fail_msg("%s: failed: %s", c->path, lg__fail_message(&r->fail));

    assert_non_null(r->text);
    assert_non_null(c->finish);
    snprintf(want, sizeof want, "%s", c->text);
    size_t len = unescape(want, strlen(want));
    if (r->text->len != len || memcmp(r->text->data, want, len) != 0)
        fail_msg("%s: text is \"%s\", not \"%s\"", c->path, r->text->data, want);

    snprintf(want, sizeof want, "%s", c->thinking ? c->thinking : "");
    len = unescape(want, strlen(want));
    if (c->thinking && (!r->thinking || strcmp(r->thinking->data, want) != 0))
        fail_msg("%s: thinking is \"%s\"", c->path, r->thinking ? r->thinking->data : "(none)");

    check_string(c, "finish", lg__finish_name(r->finish), c->finish);
    check_string(c, "media", lg__media_type(r->text->media), c->media ? c->media : "text/plain");
}

/* The same as it comes, byte by byte. */
static int check_partial(lg_mem *m, const provider_case *c, const lg_model *model)
{
    lg_hearing *x;
    char want[4096];
    if (!c->partial)
        return LG_OK;

    int err = lg__hearing_new(m, model, &x);
    if (err)
        return err;

    for (size_t i = 0; !err && i < c->answer.body.len; i++)
        err = lg__hearing_feed(x, c->answer.body.data + i, 1);

    snprintf(want, sizeof want, "%s", c->partial);
    size_t len = unescape(want, strlen(want));
    size_t n, begin;
    const char *got = lg__hearing_text(x, &n, &begin);
    if (err != LG_ENOMEM && (n != len || (len && memcmp(got, want, len) != 0)))
        fail_msg("%s: partial text is \"%.*s\"", c->path, (int)n, got ? got : "");

    lg__hearing_free(x);
    return err == LG_ENOMEM ? err : LG_OK;
}

static void check_failure(const provider_case *c, const lg_reply *r)
{
    const char *hint = r->fail.hint ? r->fail.hint->data : "";
    if (!c->error || !c->retryable || !c->ambiguous) {
        fail_msg("%s: a failure must state error, retryable and ambiguous", c->path);
        return;
    }
    assert_null(r->text);
    check_string(c, "error", lg_error_name(r->fail.code), c->error);
    check_string(c, "retryable", r->fail.retryable ? "yes" : "no", c->retryable);
    check_string(c, "ambiguous", r->fail.ambiguous ? "yes" : "no", c->ambiguous);
    check_string(c, "request_id", r->fail.request_id, c->request_id);
    check_number(c, "http_status", r->fail.http_status, c->http_status);
    check_number(c, "retry_after_ms", r->fail.retry_after_ms, c->retry_after_ms);
    check_parts(c, "message", lg__fail_message(&r->fail), &c->in_message);
    check_parts(c, "hint", hint, &c->in_hint);
    check_line(c, lg__fail_message(&r->fail));
    check_line(c, hint);
    check_line(c, r->fail.request_id);
}

/* faulty: some allocation failed; words may be missing, but no meaning may change. */
static int check_decode(lg_mem *m, const provider_case *c, const lg_model *model, bool faulty)
{
    lg_reply r;
    lg__reply_init(&r);
    lg__provider_decode(m, model, &c->answer, &c->asked, &r);
    int code = r.fail.code;
    if (faulty) {
        const char *want = c->text ? "ok" : c->error;
        assert_int_equal(code == 0, r.text != NULL);
        if (code != LG_ENOMEM && strcmp(lg_error_name(code), want) != 0)
            fail_msg("%s: out of memory made %s of %s", c->path, lg_error_name(code), want);

    } else {
        if (c->text)
            check_good(c, &r);
        else
            check_failure(c, &r);

        check_usage(c, &r);
        check_string(c, "finish_reason", r.finish_reason, c->finish_reason);
        check_string(c, "bad_param", r.bad_param, c->bad_param ? c->bad_param : "");
        check_string(c, "new_param", r.new_param, c->new_param ? c->new_param : "");
    }
    lg__reply_free(&r);
    return code == LG_ENOMEM ? LG_ENOMEM : LG_OK;
}

static int run_case(lg_mem *m, const provider_case *c, bool faulty)
{
    lg_model *model;
    int err = make_model(m, c, &model);
    if (err)
        return err;

    learn(c, model);
    err = check_encode(m, c, model);
    if (err == LG_OK && c->has_answer) {
        err = check_decode(m, c, model, faulty);
        err = err ? err : check_partial(m, c, model);
    }
    lg__model_destroy(model);
    return err;
}

/* ---- the tests ----------------------------------------------------------- */

static char paths[MAX_CASES][512];
static size_t n_paths;

static void test_case(void **state)
{
    provider_case c;
    support_heap h;
    lg_mem m;
    load(&c, *state);
    support_mem_init(&m, &h);
    assert_int_equal(run_case(&m, &c, false), LG_OK);
    assert_heap_empty(&h);
    free(c.bytes);
}

static int oom_case(support_heap *h, void *ctx)
{
    lg_mem m;
    support_mem_on(&m, h);
    return run_case(&m, ctx, h->fail_at != 0);
}

static void test_oom_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < n_paths; i++) {
        provider_case c;
        load(&c, paths[i]);
        oom_sweep(oom_case, &c);
        free(c.bytes);
    }
}

static int by_name(const void *a, const void *b)
{
    return strcmp(a, b);
}

static bool find_cases(const char *folder)
{
    DIR *dir = opendir(folder);
    if (!dir) {
        fprintf(stderr, "no folder %s\n", folder);
        return false;
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        size_t len = strlen(e->d_name);
        if (len > 4 && len < 200 && n_paths < MAX_CASES && strcmp(e->d_name + len - 4, ".txt") == 0)
            snprintf(paths[n_paths++], sizeof *paths, "%.200s/%.200s", folder, e->d_name);
    }
    closedir(dir);
    qsort(paths, n_paths, sizeof *paths, by_name);
    return true;
}

int main(int argc, char **argv)
{
    static struct CMUnitTest tests[MAX_CASES + 1];
    const char *folder = getenv("LG_CASES");
    folder = argc > 1 ? argv[1] : folder ? folder : "tests/cases";
    support_start();
    if (!find_cases(folder) || n_paths == 0) {
        fprintf(stderr, "no cases in %s\n", folder);
        return 1;
    }
    for (size_t i = 0; i < n_paths; i++) {
        const char *slash = strrchr(paths[i], '/');
        tests[i] = (struct CMUnitTest){slash + 1, test_case, NULL, NULL, paths[i]};
    }
    tests[n_paths] = (struct CMUnitTest){"test_oom_cases", test_oom_cases, NULL, NULL, NULL};
    return _cmocka_run_group_tests("cases", tests, n_paths + 1, NULL, NULL) ? 1 : 0;
}
