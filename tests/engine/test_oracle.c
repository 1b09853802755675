/* test_oracle.c - our requests beside those that the providers' own packages send.
 *
 * Reads tests/oracle/cases (another folder: LG_ORACLE=DIR, or its first argument); the
 * README there has the language of calls. Each folder is a test: every call in it is made
 * an ask, encoded, and path, headers and body are compared with the captured ones. What
 * may differ is the table `differs`, and a row of it that nothing needs is a failure too.
 * It never talks to anybody. */
#include <dirent.h>

#include "../support.h"

#include "model/provider_wire.h"

enum { MAX_TURNS = 16, MAX_OPTIONS = 16, MAX_FILE = 1 << 20 };
#define HOST "http://oracle.test"
#define BOUNDARY "boundary="
#define AZURE "?api-version=2024-10-21"

typedef struct folder_row { /* a folder of cases, and how its models are made */
    const char *folder, *dialect, *quirks, *base_url;
    /* a turn's own form, as a reply of this dialect would have left it; NULL: none */
    void (*raw)(lg_bytes *b, const lg_json *message);
} folder_row;

static void raw_anthropic(lg_bytes *b, const lg_json *message);
static void raw_gemini(lg_bytes *b, const lg_json *message);
static void raw_responses(lg_bytes *b, const lg_json *message);

static const folder_row folders[] = {
    {"openai", "openai", "", HOST "/v1", NULL},
    {"anthropic", "anthropic", "", HOST, raw_anthropic},
    {"anthropic-2023-06-01", "anthropic", "old_version", HOST, raw_anthropic},
    {"gemini", "gemini", "", HOST, raw_gemini},
    {"gemini-embed", "gemini-embed", "", HOST, NULL},
    {"responses", "responses", "", HOST "/v1", raw_responses},
    {"azure", "azure", "", HOST AZURE, NULL},
    {"azure-v1", "azure", "v1", HOST, NULL},
    {"azure-responses", "azure-responses", "", HOST AZURE, NULL},
    {"azure-v1-responses", "azure-responses", "v1", HOST, NULL},
    {"azure-embed", "azure-embed", "", HOST AZURE, NULL},
    {"openai-embed", "openai-embed", "", HOST "/v1", NULL},
    {"openai-image", "openai-image", "", HOST "/v1", NULL},
    {"ollama", "ollama", "", HOST, NULL},
    {"ollama-embed", "ollama-embed", "", HOST, NULL},
};

typedef struct option_row { /* an option of the calls that our scripts name otherwise */
    const char *folder, *option, *name;
    const char *before, *after; /* around its JSON */
} option_row;

static const option_row option_rows[] = {
    {"openai", "max_tokens", "max_completion_tokens", "", ""},
    {"azure", "max_tokens", "max_completion_tokens", "", ""},
    {"azure-v1", "max_tokens", "max_completion_tokens", "", ""},
    {"openai-embed", "encoding", "encoding_format", "", ""},
    {"openai-image", "format", "output_format", "", ""},
    {"anthropic-2023-06-01", "thinking_budget", "thinking",
     "{\"type\":\"enabled\",\"budget_tokens\":", "}"},
    {"gemini", "thinking_budget", "thinkingConfig", "{\"thinkingBudget\":", "}"},
};

typedef struct differ_row {    /* where we mean to differ; paths have [] for any index */
    const char *folder, *call; /* call NULL: any */
    const char *path;
    const char *why;
} differ_row;

static const differ_row differs[] = {
    {"responses", NULL, "include", "reasoning that led to calls must come back to be sent again"},
};

/* ---- reading ------------------------------------------------------------- */

typedef struct call_case {
    const folder_row *row;
    const char *name;
    lg_json *root;
    const lg_json *call;
    lg_model *model;
    lg_ask_part parts[MAX_TURNS];
    size_t n_parts;
    char *kept[3 * MAX_TURNS]; /* what parts and options point to */
    size_t n_kept;
    bool used[sizeof differs / sizeof *differs];
    size_t wrong;
} call_case;

static const char *keep(call_case *c, char *s)
{
    assert_non_null(s);
    assert_true(c->n_kept < sizeof c->kept / sizeof *c->kept);
    return c->kept[c->n_kept++] = s;
}

/* The bytes of b, kept; b is empty then. */
static const char *keep_bytes(call_case *c, lg_bytes *b, size_t *len)
{
    assert_int_equal(b->err, LG_OK);
    char *copy = malloc(b->len + 1);
    assert_non_null(copy);
    memcpy(copy, b->data ? b->data : "", b->len);
    copy[b->len] = '\0';
    if (len)
        *len = b->len;

    lg__bytes_free(b);
    return keep(c, copy);
}

static const char *string_of(const lg_json *object, const char *name)
{
    const char *s = lg__json_string(lg__json_get(object, name));
    return s ? s : "";
}

static lg_json *read_json(lg_mem *m, const char *path)
{
    lg_json *root = NULL;
    FILE *f = fopen(path, "rb");
    char *bytes = malloc(MAX_FILE);
    if (!f || !bytes) {
        fail_msg("cannot read %s", path);
        return NULL;
    }
    size_t size = fread(bytes, 1, MAX_FILE, f);
    fclose(f);
    if (lg__json_parse(m, bytes, size, &root, NULL))
        fail_msg("%s is no JSON", path);

    free(bytes);
    return root;
}

/* ---- from a call to an ask ----------------------------------------------- */

static void raw_anthropic(lg_bytes *b, const lg_json *message)
{
    const lg_json *thought = lg__json_at(lg__json_get(message, "content"), 0);
    const lg_json *call = lg__json_at(lg__json_get(message, "calls"), 0);
    lg__bytes_adds(b, "[{\"type\":\"thinking\",\"thinking\":");
    lg__json_write(b, lg__json_get(thought, "thinking"));
    lg__bytes_adds(b, ",\"signature\":");
    lg__json_write(b, lg__json_get(thought, "signature"));
    lg__bytes_adds(b, "},{\"type\":\"tool_use\",\"id\":");
    lg__json_write(b, lg__json_get(call, "id"));
    lg__bytes_adds(b, ",\"name\":");
    lg__json_write(b, lg__json_get(call, "name"));
    lg__bytes_adds(b, ",\"input\":");
    lg__json_write(b, lg__json_get(call, "arguments"));
    lg__bytes_adds(b, "}]");
}

static void raw_gemini(lg_bytes *b, const lg_json *message)
{
    const lg_json *thought = lg__json_at(lg__json_get(message, "content"), 0);
    const lg_json *call = lg__json_at(lg__json_get(message, "calls"), 0);
    lg__bytes_adds(b, "[{\"functionCall\":{\"id\":");
    lg__json_write(b, lg__json_get(call, "id"));
    lg__bytes_adds(b, ",\"name\":");
    lg__json_write(b, lg__json_get(call, "name"));
    lg__bytes_adds(b, ",\"args\":");
    lg__json_write(b, lg__json_get(call, "arguments"));
    lg__bytes_adds(b, "},\"thoughtSignature\":");
    lg__json_write(b, lg__json_get(thought, "signature"));
    lg__bytes_adds(b, "}]");
}

static void raw_responses(lg_bytes *b, const lg_json *message)
{
    const lg_json *thought = lg__json_at(lg__json_get(message, "content"), 0);
    const lg_json *call = lg__json_at(lg__json_get(message, "calls"), 0);
    lg__bytes_adds(b, "[{\"type\":\"reasoning\",\"id\":");
    lg__json_write(b, lg__json_get(thought, "id"));
    lg__bytes_adds(b, ",\"summary\":[{\"type\":\"summary_text\",\"text\":");
    lg__json_write(b, lg__json_get(thought, "thinking"));
    lg__bytes_adds(b, "}],\"encrypted_content\":");
    lg__json_write(b, lg__json_get(thought, "signature"));
    lg__bytes_adds(b, "},{\"type\":\"function_call\",\"call_id\":");
    lg__json_write(b, lg__json_get(call, "id"));
    lg__bytes_adds(b, ",\"name\":");
    lg__json_write(b, lg__json_get(call, "name"));
    lg__bytes_adds(b, ",\"arguments\":");
    lg__wire_arguments(b, lg__json_get(call, "arguments"));
    lg__bytes_adds(b, "}]");
}

static bool has_thoughts(const lg_json *message)
{
    const lg_json *first = lg__json_at(lg__json_get(message, "content"), 0);
    return lg__json_get(first, "thinking") != NULL;
}

/* What an engine keeps of an assistant that called tools. */
static void write_turn(const call_case *c, lg_bytes *b, const lg_json *message)
{
    const lg_json *content = lg__json_get(message, "content");
    lg__bytes_adds(b, "{\"text\":");
    lg__json_write_string(b, string_of(message, "content"), strlen(string_of(message, "content")));
    lg__bytes_adds(b, ",\"calls\":");
    lg__json_write(b, lg__json_get(message, "calls"));
    if (lg__json_type(content) == LG_JSON_ARRAY && has_thoughts(message) && c->row->raw) {
        lg__bytes_addf(b, ",\"dialect\":\"%s\",\"raw\":", c->row->dialect);
        c->row->raw(b, message);
    }
    lg__bytes_addc(b, '}');
}

static void put_part(call_case *c, const char *role, const char *text, size_t len, int media)
{
    assert_true(c->n_parts < MAX_TURNS);
    c->parts[c->n_parts++] = (lg_ask_part){role, text, len, media};
}

static void add_part(call_case *c, const char *role, const lg_json *part)
{
    const char *text = string_of(part, "text"), *type = string_of(part, "media");
    const char *url = string_of(part, "url"), *base64 = string_of(part, "base64");
    size_t len;
    if (url[0]) {
        put_part(c, role, url, strlen(url), LG_MEDIA_IMAGE_URL);
    } else if (base64[0]) {
        lg_bytes b;
        lg__bytes_init(&b, c->model->mem, LG_BYTES_MAX);
        lg__base64_read(&b, base64, strlen(base64));
        const char *bytes = keep_bytes(c, &b, &len);
        assert_int_equal(lg__media_of_type(type), lg__media_sniff(bytes, len));
        put_part(c, role, bytes, len, lg__media_of_type(type));
    } else {
        put_part(c, role, text, strlen(text), LG_MEDIA_TEXT);
    }
}

static const char *role_of(call_case *c, const lg_json *message)
{
    lg_bytes b;
    const char *role = string_of(message, "role");
    if (strcmp(role, "tool") != 0)
        return role;

    lg__bytes_init(&b, c->model->mem, LG_BYTES_MAX);
    lg__bytes_addf(&b, "tool %s %s%s", string_of(message, "name"), string_of(message, "id"),
                   lg__json_true(lg__json_get(message, "error")) ? " error" : "");
    return keep_bytes(c, &b, NULL);
}

static void add_message(call_case *c, const lg_json *message)
{
    const char *role = role_of(c, message);
    const lg_json *content = lg__json_get(message, "content");
    size_t len;
    if (lg__json_get(message, "calls")) {
        lg_bytes b;
        lg__bytes_init(&b, c->model->mem, LG_BYTES_MAX);
        write_turn(c, &b, message);
        const char *turn = keep_bytes(c, &b, &len);
        put_part(c, role, turn, len, LG_MEDIA_CALLS);
    } else if (lg__json_string(content)) {
        put_part(c, role, lg__json_string(content), strlen(lg__json_string(content)),
                 LG_MEDIA_TEXT);
    }
    if (lg__json_type(content) == LG_JSON_ARRAY && !has_thoughts(message)) {
        for (const lg_json *p = lg__json_first(content); p; p = lg__json_after(p))
            add_part(c, p == lg__json_first(content) ? role : LG_PART, p);
    }
}

/* Chat has messages; embeddings input, a turn each; pictures a prompt and pictures. */
static void add_parts(call_case *c)
{
    const lg_json *m = lg__json_first(lg__json_get(c->call, "messages"));
    const lg_json *input = lg__json_first(lg__json_get(c->call, "input"));
    const char *prompt = string_of(c->call, "prompt");
    for (; m; m = lg__json_after(m))
        add_message(c, m);

    for (; input; input = lg__json_after(input))
        put_part(c, "user", lg__json_string(input), strlen(lg__json_string(input)), LG_MEDIA_TEXT);

    if (prompt[0]) {
        const lg_json *image = lg__json_first(lg__json_get(c->call, "images"));
        put_part(c, "user", prompt, strlen(prompt), LG_MEDIA_TEXT);
        for (; image; image = lg__json_after(image))
            add_part(c, LG_PART, image);
    }
}

static lg_option make_option(call_case *c, lg_mem *m, const lg_json *given)
{
    const char *name = lg__json_name(given), *before = "", *after = "";
    for (size_t i = 0; i < sizeof option_rows / sizeof *option_rows; i++) {
        const option_row *row = &option_rows[i];
        if (strcmp(row->folder, c->row->folder) == 0 && strcmp(row->option, name) == 0) {
            name = row->name;
            before = row->before;
            after = row->after;
            break;
        }
    }
    lg_bytes b;
    lg__bytes_init(&b, m, LG_BYTES_MAX);
    lg__bytes_adds(&b, before);
    lg__json_write(&b, given);
    lg__bytes_adds(&b, after);
    return (lg_option){name, keep_bytes(c, &b, NULL)};
}

static void make_model(call_case *c, lg_mem *m)
{
    lg_option options[MAX_OPTIONS];
    const char *why = NULL;
    size_t n = 0;
    const lg_json *o = lg__json_first(lg__json_get(c->call, "options"));
    for (; o; o = lg__json_after(o)) {
        if (strcmp(lg__json_name(o), "stream") != 0) {
            assert_true(n < MAX_OPTIONS);
            options[n++] = make_option(c, m, o);
        }
    }
    lg_model_config cfg = {
        .size = sizeof cfg,
        .dialect = c->row->dialect,
        .quirks = c->row->quirks,
        .name = "oracle/model",
        .model = string_of(c->call, "model"),
        .base_url = c->row->base_url,
        .api_key = strncmp(c->row->folder, "ollama", 6) == 0 ? NULL : "KEY",
        .max_output = 4096, /* as the captured calls of Anthropic say */
        .options = options,
        .n_options = n,
    };
    if (lg__model_make(m, &cfg, &c->model, &why, &(const char *){NULL}))
        fail_msg("%s/%s: no model: %s", c->row->folder, c->name, why);
}

/* ---- comparing ----------------------------------------------------------- */

static void differ(call_case *c, const char *path, const char *what, const lg_json *ours,
                   const lg_json *theirs)
{
    for (size_t i = 0; i < sizeof differs / sizeof *differs; i++) {
        const differ_row *d = &differs[i];
        if (strcmp(d->folder, c->row->folder) == 0 && strcmp(d->path, path) == 0 &&
            (!d->call || strcmp(d->call, c->name) == 0)) {
            c->used[i] = true;
            return;
        }
    }
    lg_bytes a, b;
    lg__bytes_init(&a, c->model->mem, LG_BYTES_MAX);
    lg__bytes_init(&b, c->model->mem, LG_BYTES_MAX);
    lg__json_write(&a, ours);
    lg__json_write(&b, theirs);
    print_error("%s/%s: %s %s:\n  ours   %.600s\n  theirs %.600s\n", c->row->folder, c->name, path,
                what, ours ? a.data : "(nothing)", theirs ? b.data : "(nothing)");
    lg__bytes_free(&a);
    lg__bytes_free(&b);
    c->wrong++;
}

/* The text of a list with one text part, which may also be the text itself. */
static const char *only_text(const lg_json *j)
{
    const lg_json *part = lg__json_at(j, 0);
    bool one = lg__json_type(j) == LG_JSON_ARRAY && lg__json_count(j) == 1 &&
               strcmp(string_of(part, "type"), "text") == 0 && lg__json_count(part) == 2;
    return lg__json_string(j) ? lg__json_string(j) : one ? string_of(part, "text") : NULL;
}

static bool same_leaf(const lg_json *a, const lg_json *b)
{
    double x = 0, y = 0;
    int type = lg__json_type(a);
    if (type == LG_JSON_NUMBER) {
        lg__json_number(a, &x);
        lg__json_number(b, &y);
        return x == y;
    }
    if (type == LG_JSON_STRING)
        return strcmp(lg__json_string(a), lg__json_string(b)) == 0;

    return type == LG_JSON_NULL || lg__json_true(a) == lg__json_true(b);
}

static void compare(call_case *c, const char *path, const lg_json *ours, const lg_json *theirs);

static void compare_members(call_case *c, const char *path, const lg_json *ours,
                            const lg_json *theirs)
{
    char at[512];
    for (const lg_json *t = lg__json_first(theirs); t; t = lg__json_after(t)) {
        snprintf(at, sizeof at, "%s%s%s", path, path[0] ? "." : "", lg__json_name(t));
        compare(c, at, lg__json_get(ours, lg__json_name(t)), t);
    }
    for (const lg_json *o = lg__json_first(ours); o; o = lg__json_after(o)) {
        snprintf(at, sizeof at, "%s%s%s", path, path[0] ? "." : "", lg__json_name(o));
        if (!lg__json_get(theirs, lg__json_name(o)))
            differ(c, at, "is only ours", o, NULL);
    }
}

static void compare(call_case *c, const char *path, const lg_json *ours, const lg_json *theirs)
{
    char at[512];
    const char *a = only_text(ours), *b = only_text(theirs);
    if (!ours) {
        differ(c, path, "is only theirs", ours, theirs);
    } else if (a && b && strcmp(a, b) == 0) {
        return;
    } else if (lg__json_type(ours) != lg__json_type(theirs)) {
        differ(c, path, "is another kind of thing", ours, theirs);
    } else if (lg__json_type(ours) == LG_JSON_OBJECT) {
        compare_members(c, path, ours, theirs);
    } else if (lg__json_type(ours) != LG_JSON_ARRAY) {
        if (!same_leaf(ours, theirs))
            differ(c, path, "has another value", ours, theirs);

    } else if (lg__json_count(ours) != lg__json_count(theirs)) {
        differ(c, path, "has another length", ours, theirs);
    } else {
        const lg_json *o = lg__json_first(ours), *t = lg__json_first(theirs);
        snprintf(at, sizeof at, "%s[]", path);
        for (; o && t; o = lg__json_after(o), t = lg__json_after(t))
            compare(c, at, o, t);
    }
}

static void compare_path(call_case *c, const lg_bytes *url)
{
    const char *theirs = string_of(c->root, "path");
    if (strncmp(url->data, HOST, strlen(HOST)) != 0 ||
        strcmp(url->data + strlen(HOST), theirs) != 0) {
        print_error("%s/%s: the URL is %s, theirs ends in %s\n", c->row->folder, c->name, url->data,
                    theirs);
        c->wrong++;
    }
}

/* accept is left to the transport. */
static void compare_headers(call_case *c, const lg_bytes *headers)
{
    const lg_json *h = lg__json_first(lg__json_get(c->root, "headers"));
    char line[512], all[4096];
    size_t n = 0;
    const char *own = strstr(headers->data, BOUNDARY), *end = own ? strchr(own, '\n') : "";
    snprintf(all, sizeof all, "\n%.*s%s%s", (int)(own ? own - headers->data : 4000), headers->data,
             own ? BOUNDARY "BOUNDARY" : "", own ? end : "");
    for (; h; h = lg__json_after(h)) {
        n += strcmp(lg__json_name(h), "accept") != 0;
        snprintf(line, sizeof line, "\n%s: %s\n", lg__json_name(h), lg__json_string(h));
        if (strcmp(lg__json_name(h), "accept") != 0 && !strcasestr(all, line)) {
            print_error("%s/%s: no header%s in\n%s\n", c->row->folder, c->name, line, all);
            c->wrong++;
        }
    }
    for (const char *s = headers->data; s && (s = strchr(s, '\n')) != NULL; s++)
        n--;

    if (n != 0) {
        print_error("%s/%s: other headers than theirs:%s\n", c->row->folder, c->name, all);
        c->wrong++;
    }
}

/* ---- forms --------------------------------------------------------------- */

/* The value of a parameter of a part's head, as a JSON member. */
static bool write_parameter(lg_bytes *b, const char *head, size_t len, const char *before,
                            char stop, const char *member)
{
    const char *s = memmem(head, len, before, strlen(before));
    const char *end = s ? memchr(s + strlen(before), stop, len) : NULL;
    if (end) {
        s += strlen(before);
        lg__bytes_addf(b, "%s\"%s\":", b->data[b->len - 1] == '{' ? "" : ",", member);
        lg__json_write_string(b, s, (size_t)(end - s));
    }
    return end != NULL;
}

static void write_form_part(lg_bytes *b, const char *part, size_t len)
{
    const char *value = memmem(part, len, "\r\n\r\n", 4);
    assert_non_null(value);
    size_t head = (size_t)(value - part) + 2, size = len - head - 2;
    lg__bytes_adds(b, b->len > 1 ? ",{" : "{");
    assert_true(write_parameter(b, part, head, "; name=\"", '"', "name"));
    write_parameter(b, part, head, "; filename=\"", '"', "filename");
    if (write_parameter(b, part, head, "Content-Type: ", '\r', "content-type")) {
        lg__bytes_adds(b, ",\"base64\":\"");
        lg__base64_write(b, value + 4, size);
        lg__bytes_addc(b, '"');
    } else {
        lg__bytes_adds(b, ",\"text\":");
        lg__json_write_string(b, value + 4, size);
    }
    lg__bytes_addc(b, '}');
}

/* A multipart body as the list that the captured ones are. */
static void list_form(const char *boundary, lg_bytes *body)
{
    char mark[128];
    lg_bytes list;
    size_t n = strcspn(boundary, "\n");
    snprintf(mark, sizeof mark, "\r\n--%.*s", (int)n, boundary);
    assert_memory_equal(body->data, mark + 2, n + 2);
    lg__bytes_init(&list, body->mem, LG_BYTES_MAX);
    lg__bytes_addc(&list, '[');
    const char *part = body->data + n + 4, *end = body->data + body->len;
    for (const char *next; (next = memmem(part, (size_t)(end - part), mark, n + 4)) != NULL;) {
        write_form_part(&list, part, (size_t)(next - part));
        part = next + n + 4 + 2;
    }
    assert_memory_equal(end - 4, "--\r\n", 4);
    lg__bytes_addc(&list, ']');
    lg__bytes_free(body);
    *body = list;
}

/* ---- running it ---------------------------------------------------------- */

static void run_call(call_case *c, lg_mem *m, const char *path)
{
    lg_bytes url, headers, body;
    const char *why = NULL;
    lg_json *ours = NULL;
    c->root = read_json(m, path);
    c->call = lg__json_get(c->root, "call");
    make_model(c, m);
    add_parts(c);
    lg_ask ask = {c->model,
                  c->parts,
                  c->n_parts,
                  c->model->options,
                  c->model->n_options,
                  lg__json_true(lg__json_get(lg__json_get(c->call, "options"), "stream"))};
    lg__bytes_init(&url, m, LG_BYTES_MAX);
    lg__bytes_init(&headers, m, LG_BYTES_MAX);
    lg__bytes_init(&body, m, LG_BYTES_MAX);
    int err = c->model->provider->encode(&ask, &url, &headers, &body, &why);
    const char *form = err ? NULL : strstr(headers.data, BOUNDARY);
    if (form)
        list_form(form + strlen(BOUNDARY), &body);

    if (err || lg__json_parse(m, body.data, body.len, &ours, NULL))
        fail_msg("%s/%s: %s", c->row->folder, c->name, why ? why : "the body is no JSON");

    compare_path(c, &url);
    compare_headers(c, &headers);
    compare(c, "", ours, lg__json_get(c->root, "body"));
    lg__json_free(m, ours);
    lg__bytes_free(&url);
    lg__bytes_free(&headers);
    lg__bytes_free(&body);
}

static void clear_call(call_case *c, lg_mem *m)
{
    for (size_t i = 0; i < c->n_kept; i++)
        free(c->kept[i]);

    lg__model_destroy(c->model);
    lg__json_free(m, c->root);
}

static const char *cases = "tests/oracle/cases";

static bool ends_in(const char *s, const char *end)
{
    size_t len = strlen(s);
    return len > strlen(end) && strcmp(s + len - strlen(end), end) == 0;
}

static void test_folder(void **state)
{
    const folder_row *row = *state;
    bool used[sizeof differs / sizeof *differs] = {false};
    char path[1024], name[256];
    size_t n = 0, wrong = 0;
    if (!lg__provider_find(row->dialect)) {
        print_message("%s: SKIPPED, there is no dialect \"%s\"\n", row->folder, row->dialect);
        skip();
    }
    snprintf(path, sizeof path, "%s/%s", cases, row->folder);
    DIR *dir = opendir(path);
    if (!dir) {
        fail_msg("no folder %s", path);
        return;
    }
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        support_heap h;
        lg_mem m;
        if (!ends_in(e->d_name, ".json"))
            continue;

        snprintf(name, sizeof name, "%.*s", (int)strlen(e->d_name) - 5, e->d_name);
        snprintf(path, sizeof path, "%s/%s/%s", cases, row->folder, e->d_name);
        call_case c = {.row = row, .name = name};
        support_mem_init(&m, &h);
        run_call(&c, &m, path);
        clear_call(&c, &m);
        assert_heap_empty(&h);
        for (size_t i = 0; i < sizeof differs / sizeof *differs; i++)
            used[i] = used[i] || c.used[i];

        n++;
        wrong += c.wrong;
    }
    closedir(dir);
    for (size_t i = 0; i < sizeof differs / sizeof *differs; i++) {
        if (strcmp(differs[i].folder, row->folder) == 0 && !used[i]) {
            print_error("%s: nothing differs in %s any more\n", row->folder, differs[i].path);
            wrong++;
        }
    }
    assert_true(n > 0);
    assert_int_equal(wrong, 0);
}

/* A folder that no row reads would be compared with nothing. */
static void test_every_folder(void **state)
{
    size_t unread = 0;
    DIR *dir = opendir(cases);
    (void)state;
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir)) != NULL;) {
        bool known = e->d_name[0] == '.';
        for (size_t i = 0; i < sizeof folders / sizeof *folders; i++)
            known = known || strcmp(folders[i].folder, e->d_name) == 0;

        if (!known) {
            print_error("%s/%s is read by no row\n", cases, e->d_name);
            unread++;
        }
    }
    closedir(dir);
    assert_int_equal(unread, 0);
}

int main(int argc, char **argv)
{
    enum { N = sizeof folders / sizeof *folders };
    static struct CMUnitTest tests[N + 1];
    const char *other = getenv("LG_ORACLE");
    cases = argc > 1 ? argv[1] : other ? other : cases;
    support_start();
    for (size_t i = 0; i < N; i++) {
        folder_row *row = (folder_row *)(uintptr_t)&folders[i];
        tests[i] = (struct CMUnitTest){folders[i].folder, test_folder, NULL, NULL, row};
    }
    tests[N] = (struct CMUnitTest){"test_every_folder", test_every_folder, NULL, NULL, NULL};
    return _cmocka_run_group_tests("oracle", tests, N + 1, NULL, NULL) ? 1 : 0;
}
