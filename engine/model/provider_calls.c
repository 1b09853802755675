/* provider_calls.c - calls of tools: told apart, read from text, written as a message.
 *
 * Results find their calls by id, so ids that a server leaves out or gives twice are made
 * here, before anybody has seen them. Servers that do not read their model's own form of a
 * call pass it on as text. */
#include "model/provider_calls.h"

#include <stdio.h>
#include <string.h>

#include "model/provider_read.h"

/* ---- ids --------------------------------------------------------------- */

/* Whether a result that was sent names such a call: "tool NAME ID", maybe " error" behind it. */
static bool is_sent(const lg_asked *asked, const char *id, size_t len)
{
    for (size_t i = 0; i < asked->n_roles; i++) {
        const char *role = asked->roles[i];
        const char *name = strncmp(role, "tool ", 5) == 0 ? role + 5 : "";
        const char *other = strchr(name, ' ');
        if (other && strcspn(other + 1, " ") == len && memcmp(other + 1, id, len) == 0)
            return true;
    }
    return false;
}

static bool is_taken(const lg_heard *h, size_t before, const lg_bytes *own)
{
    const char *id = own->data;
    size_t len = own->len;
    if (is_sent(h->asked, id, len))
        return true;

    for (size_t i = 0; i < before; i++) {
        const lg_bytes *other = &h->calls[i].id;
        if (other->len == len && memcmp(other->data, id, len) == 0)
            return true;
    }
    return false;
}

/* The id is a word of a message's role. */
static void fill_blanks(lg_bytes *id)
{
    for (size_t i = 0; i < id->len; i++) {
        unsigned char c = (unsigned char)id->data[i];
        id->data[i] = c <= 0x20 || c == 0x7F ? '_' : id->data[i];
    }
}

static void make_id(lg_heard *h, size_t at)
{
    lg_bytes *id = &h->calls[at].id;
    size_t len = id->len;
    for (size_t n = at + 1; !id->err; n++) {
        id->len = len;
        lg__bytes_addf(id, len ? "_%zu" : "call_%zu", n);
        if (!id->err && !is_taken(h, at, id))
            break;
    }
}

void lg__calls_name(lg_heard *h)
{
    for (size_t i = 0; i < h->n_calls; i++) {
        lg_bytes *id = &h->calls[i].id;
        fill_blanks(id);
        if (id->len == 0 || is_taken(h, i, id))
            make_id(h, i);
    }
}

/* ---- the message ---------------------------------------------------------- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* Good JSON as it came, but for the blanks between its words. */
static void write_compact(lg_bytes *b, const char *s, size_t len)
{
    bool quoted = false;
    for (size_t i = 0, from = 0; i < len; i++) {
        if (quoted && s[i] == '\\')
            i++;
        else if (s[i] == '"')
            quoted = !quoted;

        bool last = i + 1 >= len;
        if (!quoted && is_blank(s[i])) {
            lg__bytes_add(b, s + from, i - from);
            from = i + 1;
        } else if (last) {
            lg__bytes_add(b, s + from, len - from);
        }
    }
}

/* What a model wrote as JSON. */
static int parse(lg_mem *m, const char *s, size_t len, lg_json **out)
{
    return lg__json_parse_most(m, s, len, lg__provider_most_values(false, len), out, NULL);
}

/* What is no JSON stays a text, so that whoever called can be told what was wrong with it. */
static void write_arguments(lg_bytes *b, const lg_bytes *arguments)
{
    lg_json *tree = NULL;
    const char *s = arguments->data ? arguments->data : "";
    size_t len = arguments->len, mark = len >= 3 && memcmp(s, "\xEF\xBB\xBF", 3) == 0 ? 3 : 0;
    int err = len ? parse(b->mem, s, len, &tree) : LG_OK;
    b->err = b->err || err != LG_ENOMEM ? b->err : err;
    if (len == 0)
        lg__bytes_adds(b, "{}");
    else if (err)
        lg__json_write_string(b, s, len);
    else
        write_compact(b, s + mark, len - mark);

    lg__json_free(b->mem, tree);
}

static void write_call(lg_bytes *b, const lg_heard_call *c)
{
    lg__bytes_adds(b, "{\"id\":");
    lg__json_write_string(b, c->id.data ? c->id.data : "", c->id.len);
    lg__bytes_adds(b, ",\"name\":");
    lg__json_write_string(b, c->name.data ? c->name.data : "", c->name.len);
    lg__bytes_adds(b, ",\"arguments\":");
    write_arguments(b, &c->arguments);
    lg__bytes_addc(b, '}');
}

lg_text *lg__calls_value(const lg_heard *h)
{
    const char *dialect = h->dialect ? h->dialect : h->model->provider->dialect;
    lg_bytes b;
    lg__bytes_init(&b, h->mem, LG_BYTES_MAX);
    lg__bytes_adds(&b, "{\"text\":");
    lg__json_write_string(&b, h->text.data ? h->text.data : "", h->text.len);
    lg__bytes_adds(&b, ",\"calls\":[");
    for (size_t i = 0; i < h->n_calls; i++) {
        lg__bytes_adds(&b, i ? "," : "");
        write_call(&b, &h->calls[i]);
    }
    lg__bytes_adds(&b, "]");
    if (h->raw.len > 0) {
        lg__bytes_adds(&b, ",\"dialect\":");
        lg__json_write_string(&b, dialect, strlen(dialect));
        lg__bytes_adds(&b, ",\"raw\":");
        lg__bytes_add(&b, h->raw.data, h->raw.len);
    }
    lg__bytes_addc(&b, '}');
    lg_text *t = lg__text_of(&b);
    if (t)
        t->media = LG_MEDIA_CALLS;

    return t;
}

/* ---- calls that are text ----------------------------------------------- */

typedef struct piece { /* of the text */
    const char *s;
    size_t len;
} piece;

static piece trimmed(piece p)
{
    while (p.len > 0 && is_blank(p.s[0])) {
        p.s++;
        p.len--;
    }
    while (p.len > 0 && is_blank(p.s[p.len - 1]))
        p.len--;

    return p;
}

static bool skip(piece *p, const char *word)
{
    size_t n = strlen(word);
    if (p->len < n || memcmp(p->s, word, n) != 0)
        return false;

    p->s += n;
    p->len -= n;
    return true;
}

/* What stands in a fence that is all there is: behind its first line, before its last. */
static piece unfenced(piece p)
{
    piece in = p;
    if (!skip(&in, "```"))
        return p;

    const char *line = memchr(in.s, '\n', in.len);
    if (!line || in.len < 4 || memcmp(in.s + in.len - 3, "```", 3) != 0 || line > in.s + 20)
        return p;

    in.len -= (size_t)(line - in.s) + 3;
    in.s = line;
    return trimmed(in);
}

/* The tags in which models write calls. */
static const char *const tags[][2] = {
    {"<tool_call>", "</tool_call>"},
    {"<tool_calls>", "</tool_calls>"},
    {"<function_call>", "</function_call>"},
    {"<|tool_call|>", "<|/tool_call|>"},
};

/* Takes what stands in the tag that p begins with. False: it begins with none. */
static bool take_tagged(piece *p, piece *inside)
{
    for (size_t i = 0; i < sizeof tags / sizeof *tags; i++) {
        if (!skip(p, tags[i][0]))
            continue;

        const char *end = memmem(p->s, p->len, tags[i][1], strlen(tags[i][1]));
        size_t len = end ? (size_t)(end - p->s) : p->len;
        *inside = trimmed((piece){p->s, len});
        p->s += len;
        p->len -= len;
        if (end)
            skip(p, tags[i][1]);

        *p = trimmed(*p);
        return true;
    }
    return false;
}

static bool is_offered(const lg_json *offered, const char *name)
{
    for (const lg_json *t = lg__json_first(offered); name && t; t = lg__json_after(t)) {
        const char *own = lg__json_string(lg__json_get(t, "name"));
        if (own && strcmp(own, name) == 0)
            return true;
    }
    return false;
}

/* Whether an object has no members but these. */
static bool has_only(const lg_json *object, const char *const *names)
{
    for (const lg_json *j = lg__json_first(object); j; j = lg__json_after(j)) {
        size_t i = 0;
        while (names[i] && strcmp(names[i], lg__json_name(j)) != 0)
            i++;

        if (!names[i])
            return false;
    }
    return true;
}

/* {"name": …, "arguments": …}, maybe as the function of a call in the API's own form. */
static bool take_call(lg_heard *h, const lg_json *offered, const lg_json *call)
{
    static const char *const outer[] = {"type", "id", "function", NULL};
    static const char *const inner[] = {"type", "id", "name", "arguments", "parameters", NULL};
    const lg_json *f = lg__json_get(call, "function");
    bool wrapped = lg__json_type(f) == LG_JSON_OBJECT;
    const lg_json *from = wrapped ? f : call;
    const char *name = lg__json_string(lg__json_get(from, "name"));
    const lg_json *args = lg__json_get(from, "arguments");
    args = args ? args : lg__json_get(from, "parameters");
    bool text = lg__json_string(args) != NULL;
    if (lg__json_type(call) != LG_JSON_OBJECT || (wrapped && !has_only(call, outer)) ||
        !has_only(from, inner) || !is_offered(offered, name) ||
        (!text && lg__json_type(args) != LG_JSON_OBJECT))
        return false;

    const char *id = lg__json_string(lg__json_get(call, "id"));
    lg__heard_call(h, id, name, lg__json_string(args), text ? NULL : args);
    return true;
}

/* One call, or a list of them. */
static bool take_one(lg_heard *h, const lg_json *offered, piece p)
{
    lg_json *root = NULL;
    bool good = true;
    int err = parse(h->mem, p.s, p.len, &root);
    h->err = err == LG_ENOMEM ? err : h->err;
    const lg_json *own = lg__json_get(root, "tool_calls");
    const lg_json *list = own && lg__json_count(root) == 1 ? own : root;
    if (err || lg__json_count(list) == 0) {
        good = false;
    } else if (lg__json_type(list) == LG_JSON_OBJECT) {
        good = take_call(h, offered, list);
    } else {
        for (const lg_json *c = lg__json_first(list); good && c; c = lg__json_after(c))
            good = take_call(h, offered, c);
    }
    lg__json_free(h->mem, root);
    return good;
}

/* Bytes of the object that p begins with; all of them, when it does not end. */
static size_t object_len(piece p)
{
    bool quoted = false;
    int depth = 0;
    for (size_t i = 0; i < p.len; i++) {
        char c = p.s[i];
        if (quoted && c == '\\') {
            i++;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && (c == '{' || c == '}')) {
            depth += c == '{' ? 1 : -1;
            if (depth == 0)
                return i + 1;
        }
    }
    return p.len;
}

/* A list, or one object and others behind it, parted by blanks and semicolons (Llama). */
static bool take_json(lg_heard *h, const lg_json *offered, piece p)
{
    p = unfenced(p);
    if (p.len > 0 && p.s[0] == '[')
        return take_one(h, offered, p);

    bool good = p.len > 0;
    while (good && p.len > 0) {
        size_t len = p.s[0] == '{' ? object_len(p) : 0;
        good = len > 0 && take_one(h, offered, (piece){p.s, len});
        p = trimmed((piece){p.s + len, p.len - len});
        if (p.len > 1 && p.s[0] == ';')
            p = trimmed((piece){p.s + 1, p.len - 1});
    }
    return good;
}

/* Bytes before the first tag, which begins a line; 0: there is none. */
static size_t words_before(piece p)
{
    for (size_t i = 0; i < p.len; i++) {
        piece rest = {p.s + i, p.len - i};
        for (size_t k = 0; (!i || p.s[i - 1] == '\n') && k < sizeof tags / sizeof *tags; k++) {
            if (skip(&rest, tags[k][0]))
                return i;
        }
    }
    return 0;
}

static bool take_all(lg_heard *h, const lg_json *offered, piece p)
{
    piece inside;
    p = unfenced(trimmed(p));
    if (skip(&p, "[TOOL_CALLS]") || skip(&p, "<|python_tag|>"))
        p = trimmed(p);

    if (!take_tagged(&p, &inside))
        return take_json(h, offered, p);

    bool good = take_json(h, offered, inside);
    while (good && p.len > 0)
        good = take_tagged(&p, &inside) && take_json(h, offered, inside);

    return good;
}

static void drop_calls(lg_heard *h)
{
    for (size_t i = 0; i < h->n_calls; i++) {
        lg__bytes_free(&h->calls[i].id);
        lg__bytes_free(&h->calls[i].name);
        lg__bytes_free(&h->calls[i].arguments);
    }
    h->n_calls = 0;
}

void lg__calls_from_text(lg_heard *h, const char *offered)
{
    lg_json *tools = NULL;
    if (h->n_calls > 0 || h->media || h->text.len == 0 || !offered)
        return;

    int err = lg__json_parse(h->mem, offered, strlen(offered), &tools, NULL);
    h->err = err == LG_ENOMEM ? err : h->err;
    size_t words = words_before((piece){h->text.data, h->text.len});
    if (!err && take_all(h, tools, (piece){h->text.data + words, h->text.len - words})) {
        h->text.len = trimmed((piece){h->text.data, words}).len;
        h->raw.len = 0; /* it says them as words */
        h->finish = LG_FINISH_TOOLS;
    } else {
        drop_calls(h);
    }
    lg__json_free(h->mem, tools);
}
