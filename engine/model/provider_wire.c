/* provider_wire.c - see provider_wire.h. */
#include "model/provider_wire.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* ---- messages ---------------------------------------------------------- */

static bool begins(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

static bool is_part(const lg_ask_part *t)
{
    return strcmp(t->role, LG_PART) == 0;
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789ABCDEF";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* %XX stands for a byte that a role cannot hold. */
static void read_name(char to[65], const char *s, size_t len)
{
    size_t n = 0;
    for (size_t i = 0; i < len && n < 64; i++) {
        bool coded = s[i] == '%' && i + 2 < len && hex_digit(s[i + 1]) >= 0;
        int low = coded ? hex_digit(s[i + 2]) : -1;
        int byte = low >= 0 ? hex_digit(s[i + 1]) * 16 + low : 0;
        to[n++] = byte ? (char)byte : s[i];
        i += byte ? 2 : 0;
    }
    to[n] = '\0';
}

/* "tool NAME ID [error]"; an id may be empty, and as long as the server likes. */
static void read_tool_role(lg_said *s)
{
    const char *name = s->role + strlen("tool ");
    size_t len = strcspn(name, " ");
    read_name(s->tool, name, len);
    s->id = name + len + (name[len] == ' ');
    s->id_len = strcspn(s->id, " ");
    s->error = strcmp(s->id + s->id_len, " error") == 0;
}

static int who_is(const char *role)
{
    if (strcmp(role, "system") == 0 || strcmp(role, "developer") == 0)
        return LG_WHO_SYSTEM;

    if (strcmp(role, "user") == 0 || strcmp(role, LG_PART) == 0)
        return LG_WHO_USER;

    if (strcmp(role, "assistant") == 0)
        return LG_WHO_ASSISTANT;

    return begins(role, "tool ") ? LG_WHO_TOOL : LG_WHO_OTHER;
}

bool lg__said_next(const lg_ask *ask, size_t *at, lg_said *out)
{
    while (*at < ask->n_parts && begins(ask->parts[*at].role, "describe "))
        (*at)++;

    if (*at >= ask->n_parts)
        return false;

    const lg_ask_part *first = &ask->parts[*at];
    *out = (lg_said){.who = who_is(first->role), .role = first->role, .parts = first};
    do {
        out->n_parts++;
        (*at)++;
    } while (*at < ask->n_parts && is_part(&ask->parts[*at]));
    if (out->who == LG_WHO_TOOL)
        read_tool_role(out);

    return true;
}

bool lg__said_is_words(const lg_said *s)
{
    for (size_t i = 0; i < s->n_parts; i++) {
        if (s->parts[i].media != LG_MEDIA_TEXT)
            return false;
    }
    return true;
}

void lg__wire_words(lg_bytes *b, const lg_said *s)
{
    lg_bytes all;
    if (s->n_parts == 1) {
        lg__json_write_string(b, s->parts[0].text, s->parts[0].len);
        return;
    }
    lg__bytes_init(&all, b->mem, LG_BYTES_MAX);
    for (size_t i = 0; i < s->n_parts; i++) {
        if (s->parts[i].media == LG_MEDIA_TEXT) {
            lg__bytes_adds(&all, all.len ? "\n" : "");
            lg__bytes_add(&all, s->parts[i].text, s->parts[i].len);
        }
    }
    b->err = b->err ? b->err : all.err;
    lg__json_write_string(b, all.data ? all.data : "", all.len);
    lg__bytes_free(&all);
}

bool lg__wire_system(lg_bytes *b, const lg_ask *ask)
{
    lg_bytes all;
    lg_said s;
    bool any = false;
    lg__bytes_init(&all, b->mem, LG_BYTES_MAX);
    for (size_t at = 0; lg__said_next(ask, &at, &s);) {
        for (size_t i = 0; s.who == LG_WHO_SYSTEM && i < s.n_parts; i++) {
            lg__bytes_adds(&all, any ? "\n\n" : "");
            lg__bytes_add(&all, s.parts[i].text, s.parts[i].len);
            any = true;
        }
    }
    b->err = b->err ? b->err : all.err;
    if (any)
        lg__json_write_string(b, all.data ? all.data : "", all.len);

    lg__bytes_free(&all);
    return any;
}

void lg__wire_base64(lg_bytes *b, const lg_ask_part *t)
{
    lg__bytes_addc(b, '"');
    lg__base64_write(b, t->text, t->len);
    lg__bytes_addc(b, '"');
}

void lg__wire_data_url(lg_bytes *b, const lg_ask_part *t)
{
    if (lg__media_is_url(t->media)) {
        lg__json_write_string(b, t->text, t->len);
        return;
    }
    lg__bytes_addf(b, "\"data:%s;base64,", lg__media_type(t->media));
    lg__base64_write(b, t->text, t->len);
    lg__bytes_addc(b, '"');
}

/* ---- URL and headers --------------------------------------------------- */

void lg__wire_url(const lg_model *model, lg_bytes *url, const char *path)
{
    const char *query;
    size_t base = lg__model_base(model, &query);
    lg__bytes_add(url, model->base_url, base);
    lg__bytes_adds(url, path);
    lg__bytes_adds(url, query);
}

void lg__wire_segment(lg_bytes *url, const char *name)
{
    static const char plain[] = "0123456789abcdefghijklmnopqrstuvwxyz"
                                "ABCDEFGHIJKLMNOPQRSTUVWXYZ-._~";
    for (; *name; name++) {
        if (strchr(plain, *name))
            lg__bytes_addc(url, *name);
        else
            lg__bytes_addf(url, "%%%02X", (unsigned)(unsigned char)*name);
    }
}

static bool has_header(const lg_model *model, const char *name)
{
    for (size_t i = 0; i < model->n_headers; i++) {
        if (strcasecmp(model->headers[i].name, name) == 0)
            return true;
    }
    return false;
}

static void add_header(lg_bytes *headers, const char *name, const char *before, const char *value)
{
    lg__bytes_adds(headers, name);
    lg__bytes_adds(headers, ": ");
    lg__bytes_adds(headers, before);
    lg__bytes_adds(headers, value);
    lg__bytes_addc(headers, '\n');
}

void lg__wire_header(const lg_model *model, lg_bytes *headers, const char *name, const char *value)
{
    if (!has_header(model, name))
        add_header(headers, name, "", value);
}

void lg__wire_headers(const lg_model *model, lg_bytes *headers, const char *name,
                      const char *before)
{
    bool get = model->provider && model->provider->get;
    lg__wire_headers_of(model, headers, get ? NULL : "application/json", name, before);
}

void lg__wire_headers_of(const lg_model *model, lg_bytes *headers, const char *type,
                         const char *name, const char *before)
{
    if (type)
        lg__wire_header(model, headers, "Content-Type", type);

    if (name && model->api_key && !has_header(model, name))
        add_header(headers, name, before, model->api_key);

    for (size_t i = 0; i < model->n_headers; i++)
        add_header(headers, model->headers[i].name, "", model->headers[i].value);
}

/* ---- options ----------------------------------------------------------- */

const char *lg__wire_option(const lg_ask *ask, const char *option)
{
    for (size_t i = 0; i < ask->n_options; i++) {
        if (strcmp(ask->options[i].name, option) == 0)
            return ask->options[i].value;
    }
    return NULL;
}

static const lg_field *field_of(const lg_model *model, const char *option)
{
    const lg_field *f = model->provider ? model->provider->fields : NULL;
    for (; f && f->option; f++) {
        if (strcmp(f->option, option) == 0)
            return f;
    }
    return NULL;
}

const char *lg__wire_own_name(const lg_model *model, const char *option)
{
    const lg_field *f = field_of(model, option);
    return f ? f->name : option;
}

const char *lg__wire_name(const lg_model *model, const char *option)
{
    return lg__model_field(model, lg__wire_own_name(model, option));
}

/* A name that was asked for itself wins over one that a repair leads to. */
static bool is_given(const lg_ask *ask, const char *name)
{
    for (size_t i = 0; i < ask->n_options; i++) {
        const char *own = lg__wire_own_name(ask->model, ask->options[i].name);
        if (own && strcmp(own, name) == 0)
            return lg__model_field(ask->model, own) == own;
    }
    return false;
}

typedef struct lg_sent { /* one field on its way out */
    const char *name, *json;
    int how;
} lg_sent;

/* Puts it under its present name into the n sorted ones. Returns how many there are now:
 * a name that is there already stays as it is. */
static size_t insert(lg_sent *sorted, size_t n, lg_sent one)
{
    size_t at = n;
    while (at > 0 && strcmp(sorted[at - 1].name, one.name) > 0)
        at--;

    if (at > 0 && strcmp(sorted[at - 1].name, one.name) == 0)
        return n;

    memmove(sorted + at + 1, sorted + at, (n - at) * sizeof *sorted);
    sorted[at] = one;
    return n + 1;
}

static bool is_in(const lg_field *f, const char *group)
{
    const char *own = f ? f->group : NULL;
    bool same = own && group ? strcmp(own, group) == 0 : own == group;
    return same && (!f || f->how != LG_BY_HAND);
}

static size_t collect(const lg_ask *ask, const char *group, lg_sent *sorted)
{
    size_t n = 0;
    for (size_t i = 0; i < ask->n_options; i++) {
        const lg_pair *o = &ask->options[i];
        const lg_field *f = field_of(ask->model, o->name);
        const char *own = f ? f->name : o->name;
        bool gone = !lg__model_field(ask->model, o->name); /* refused under another API's name */
        const char *name = is_in(f, group) && !gone ? lg__model_field(ask->model, own) : NULL;
        if (name && (name == own || !is_given(ask, name)))
            n = insert(sorted, n, (lg_sent){name, o->value, f ? f->how : LG_AS_IS});
    }
    return n;
}

static void write_value(const lg_sent *s, lg_bytes *b)
{
    bool wrap = s->how == LG_AS_LIST && s->json[strspn(s->json, " \t\r\n")] != '[';
    lg__bytes_adds(b, wrap ? "[" : "");
    lg__bytes_adds(b, s->json);
    lg__bytes_adds(b, wrap ? "]" : "");
}

size_t lg__wire_fields(const lg_ask *ask, const char *group, lg_bytes *b)
{
    if (ask->n_options == 0)
        return 0;

    lg_sent *sorted = lg__mem_new(b->mem, ask->n_options * sizeof *sorted);
    if (!sorted) {
        b->err = b->err ? b->err : LG_ENOMEM;
        return 0;
    }
    size_t n = collect(ask, group, sorted);
    for (size_t i = 0; i < n; i++) {
        lg__bytes_addc(b, ',');
        lg__json_write_string(b, sorted[i].name, strlen(sorted[i].name));
        lg__bytes_addc(b, ':');
        write_value(&sorted[i], b);
    }
    lg__mem_free(b->mem, sorted, ask->n_options * sizeof *sorted);
    return n;
}

/* ,"name":value of each of own's members that the object `there` has not. */
static void write_others(lg_bytes *b, const lg_json *own, const lg_json *there)
{
    for (const lg_json *j = lg__json_first(own); j; j = lg__json_after(j)) {
        const char *name = lg__json_name(j);
        if (name && !lg__json_get(there, name)) {
            lg__bytes_addc(b, ',');
            lg__json_write_string(b, name, strlen(name));
            lg__bytes_addc(b, ':');
            lg__json_write(b, j);
        }
    }
}

/* members, which begin with a comma, as an object's tree */
static lg_json *members_tree(lg_bytes *members)
{
    lg_json *root = NULL;
    lg_bytes text;
    lg__bytes_init(&text, members->mem, LG_BYTES_MAX);
    lg__bytes_addc(&text, '{');
    lg__bytes_add(&text, members->len ? members->data + 1 : "",
                  members->len ? members->len - 1 : 0);
    lg__bytes_addc(&text, '}');
    int err = text.err ? text.err : lg__json_parse(text.mem, text.data, text.len, &root, NULL);
    members->err = members->err || err != LG_ENOMEM ? members->err : err;
    lg__bytes_free(&text);
    return root;
}

/* ,"group":{…} of the members, which are freed, and of what the script's own has besides. */
static void close_group(const lg_ask *ask, const char *group, bool always, lg_bytes *members,
                        lg_bytes *b)
{
    lg_json *own = lg__wire_tree(ask, group, members);
    if (own && members->len > 0) {
        lg_json *there = members_tree(members);
        write_others(members, own, there);
        lg__json_free(b->mem, there);
    } else if (own) {
        write_others(members, own, NULL);
    }
    lg__json_free(b->mem, own);
    if (members->len > 0 || always) {
        lg__bytes_addf(b, ",\"%s\":{", group);
        lg__bytes_add(b, members->len ? members->data + 1 : "",
                      members->len ? members->len - 1 : 0);
        lg__bytes_addc(b, '}');
    }
    b->err = b->err ? b->err : members->err;
    lg__bytes_free(members);
}

void lg__wire_members(const lg_ask *ask, const char *group, bool always, lg_bytes *members,
                      lg_bytes *b)
{
    lg__wire_fields(ask, group, members);
    close_group(ask, group, always, members, b);
}

void lg__wire_group(const lg_ask *ask, const char *group, const char *name, const char *json,
                    lg_bytes *b)
{
    lg_bytes members;
    lg__bytes_init(&members, b->mem, LG_BYTES_MAX);
    lg__wire_fields(ask, group, &members);
    if (json) {
        lg__bytes_addf(&members, ",\"%s\":", name);
        lg__bytes_adds(&members, json);
    }
    close_group(ask, group, false, &members, b);
}

lg_json *lg__wire_schema(const lg_ask *ask, lg_bytes *b, const lg_json **schema)
{
    lg_json *root = lg__wire_tree(ask, "schema", b);
    *schema = lg__json_get(root, "schema");
    if (!root) {
        root = lg__wire_tree(ask, "response_format", b);
        *schema = lg__json_get(lg__json_get(root, "json_schema"), "schema");
    }
    return root;
}

/* ---- tools ------------------------------------------------------------- */

static lg_json *parse(const char *s, size_t len, lg_bytes *b)
{
    lg_json *root = NULL;
    if (lg__json_parse(b->mem, s, len, &root, NULL) == LG_ENOMEM)
        b->err = b->err ? b->err : LG_ENOMEM;

    return root;
}

lg_json *lg__wire_tree(const lg_ask *ask, const char *option, lg_bytes *b)
{
    const char *json = lg__wire_option(ask, option);
    return json ? parse(json, strlen(json), b) : NULL;
}

lg_json *lg__wire_tools(const lg_ask *ask, lg_bytes *b)
{
    lg_json *root = lg__wire_tree(ask, "tools", b);
    if (lg__json_count(root) == 0) {
        lg__json_free(b->mem, root);
        return NULL;
    }
    return root;
}

void lg__wire_member(lg_bytes *b, const lg_json *j, const char *name)
{
    const char *s = lg__json_string(lg__json_get(j, name));
    lg__json_write_string(b, name, strlen(name));
    lg__bytes_addc(b, ':');
    lg__json_write_string(b, s ? s : "", s ? strlen(s) : 0);
}

void lg__wire_description(const lg_ask *ask, const lg_json *tool, lg_bytes *b)
{
    const char *name = lg__json_string(lg__json_get(tool, "name"));
    const char *own = lg__json_string(lg__json_get(tool, "description"));
    for (size_t i = 0; name && i < ask->n_parts; i++) {
        const lg_ask_part *t = &ask->parts[i];
        if (begins(t->role, "describe ") && strcmp(t->role + strlen("describe "), name) == 0) {
            lg__json_write_string(b, t->text, t->len);
            return;
        }
    }
    lg__json_write_string(b, own ? own : "", own ? strlen(own) : 0);
}

void lg__wire_parameters(const lg_json *tool, lg_bytes *b)
{
    const lg_json *p = lg__json_get(tool, "parameters");
    if (lg__json_type(p) == LG_JSON_OBJECT)
        lg__json_write(b, p);
    else
        lg__bytes_adds(b, "{\"type\":\"object\",\"properties\":{}}");
}

/* A call's arguments as an object: *read is to be freed. NULL: they are none. */
static const lg_json *object_of(lg_bytes *b, const lg_json *arguments, lg_json **read)
{
    const char *text = lg__json_string(arguments);
    size_t len = text ? strlen(text) : 0, most = lg__provider_most_values(false, len);
    *read = NULL;
    if (text && lg__json_parse_most(b->mem, text, len, most, read, NULL) == LG_ENOMEM)
        b->err = b->err ? b->err : LG_ENOMEM;

    arguments = text ? *read : arguments;
    return lg__json_type(arguments) == LG_JSON_OBJECT ? arguments : NULL;
}

void lg__wire_object(lg_bytes *b, const lg_json *arguments)
{
    lg_json *read;
    const lg_json *object = object_of(b, arguments, &read);
    if (object)
        lg__json_write(b, object);
    else
        lg__bytes_adds(b, "{}");

    lg__json_free(b->mem, read);
}

void lg__wire_arguments(lg_bytes *b, const lg_json *arguments)
{
    lg_bytes text;
    lg__bytes_init(&text, b->mem, LG_BYTES_MAX);
    lg__wire_object(&text, arguments);
    b->err = b->err ? b->err : text.err;
    lg__json_write_string(b, text.data ? text.data : "", text.len);
    lg__bytes_free(&text);
}

static bool fits(char c, const char *also)
{
    static const char plain[] = "0123456789_-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    return !also || strchr(plain, c) || strchr(also, c);
}

void lg__wire_called(lg_bytes *b, const char *key, const char *name, const char *also)
{
    char sent[65] = "unknown";
    size_t len = name ? strnlen(name, sizeof sent) : 0;
    if (len == sizeof sent) { /* too long: cut between characters */
        len--;
        while (len > 0 && ((unsigned char)name[len] & 0xC0) == 0x80)
            len--;
    }
    for (size_t n = 0; n < len; n++) {
        sent[n] = fits(name[n], also) ? name[n] : '_';
        sent[n + 1] = '\0';
    }
    lg__json_write_string(b, key, strlen(key));
    lg__bytes_addc(b, ':');
    lg__json_write_string(b, sent, strlen(sent));
}

/* One member of a call in the dialect's own form. */
static void write_own(lg_bytes *b, const char *key, const lg_json *j, const lg_own_call *own)
{
    const char *id = lg__json_string(lg__json_get(own->call, "id"));
    if (strcmp(key, "name") == 0) {
        lg__wire_called(b, key, lg__json_string(j), own->also);
        return;
    }
    lg__json_write_string(b, key, strlen(key));
    lg__bytes_addc(b, ':');
    if (id && strcmp(key, own->id) == 0)
        lg__json_write_string(b, id, strlen(id));
    else if (strcmp(key, "arguments") == 0 && lg__json_string(j))
        lg__wire_arguments(b, j);
    else
        lg__json_write(b, j);
}

void lg__wire_call_raw(lg_bytes *b, const lg_json *raw, const lg_own_call *own)
{
    lg__bytes_addc(b, '{');
    for (const lg_json *j = lg__json_first(raw); j; j = lg__json_after(j)) {
        const char *key = lg__json_name(j);
        lg__bytes_adds(b, j == lg__json_first(raw) ? "" : ",");
        write_own(b, key ? key : "", j, own);
    }
    lg__bytes_addc(b, '}');
}

void lg__wire_result(lg_bytes *b, const lg_said *s)
{
    lg_bytes all;
    lg__bytes_init(&all, b->mem, LG_BYTES_MAX);
    for (size_t i = 0; i < s->n_parts; i++) {
        const lg_ask_part *t = &s->parts[i];
        lg__bytes_adds(&all, i ? "\n" : "");
        if (t->media > LG_MEDIA_CALLS)
            lg__bytes_addf(&all, "[%s, shown below]", lg__media_type(t->media));
        else
            lg__bytes_add(&all, t->text, t->len);
    }
    b->err = b->err ? b->err : all.err;
    lg__json_write_string(b, all.data ? all.data : "", all.len);
    lg__bytes_free(&all);
}

void lg__wire_returned(lg_bytes *b, const lg_said *s)
{
    char words[120];
    int n = snprintf(words, sizeof words, "What the tool %s returned:", s->tool);
    lg__json_write_string(b, words, n > 0 ? (size_t)n : 0);
}

lg_json *lg__wire_calls(const lg_ask_part *t, lg_bytes *b)
{
    return parse(t->text, t->len, b);
}

const lg_json *lg__wire_raw(const lg_json *part, const char *dialect)
{
    const char *made = lg__json_string(lg__json_get(part, "dialect"));
    return made && strcmp(made, dialect) == 0 ? lg__json_get(part, "raw") : NULL;
}
