/* provider_refused.c - see provider_refused.h. */
#include "model/provider_refused.h"

#include <string.h>
#include <strings.h>

#include "model/provider_words.h"
#include "model/provider_wire.h"

/* ---- names of fields --------------------------------------------------- */

typedef struct span {
    const char *s;
    size_t len;
} span;

static span span_of(const char *s)
{
    return (span){s, strlen(s)};
}

static char plain(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
}

static bool is_joint(char c)
{
    return c == '_' || c == '-' || c == '.';
}

/* "presencePenalty", "presence_penalty": servers name a field as their own language does. */
static bool alike(span a, span b)
{
    size_t i = 0, k = 0;
    for (;;) {
        i += i < a.len && is_joint(a.s[i]);
        k += k < b.len && is_joint(b.s[k]);
        if (i == a.len || k == b.len)
            return i == a.len && k == b.len;

        if (plain(a.s[i++]) != plain(b.s[k++]))
            return false;
    }
}

/* Without these there is no request left; "stream" is the engine's own choice. */
static bool is_needed(span name)
{
    static const char *const names[] = {"model",  "messages", "input",  "contents",   "tools",
                                        "system", "stream",   "prompt", "tool_choice"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (alike(name, span_of(names[i])))
            return true;
    }
    return false;
}

/* "messages[0].role": what else the message speaks of is not what is wrong. */
static bool is_of_needed(span path)
{
    span head = {path.s, 0};
    while (head.len < path.len && !strchr(".[", path.s[head.len]))
        head.len++;

    return head.len > 0 && is_needed(head);
}

/* An option by its own name or its name in this dialect; as it is sent. NULL: not it. */
static const char *as_sent(const lg_model *model, const char *option, span name)
{
    const char *own = lg__wire_own_name(model, option);
    bool it = alike(name, span_of(option)) || (own && alike(name, span_of(own)));
    return it ? own : NULL;
}

static const char *known_field(const lg_model *model, span name)
{
    const char *sent = NULL, *field;
    for (size_t i = 0; !sent && i < model->n_options; i++)
        sent = as_sent(model, model->options[i].name, name);

    for (size_t i = 0; !sent && (field = lg__wording_field(i)) != NULL; i++)
        sent = as_sent(model, field, name);

    return sent && !is_needed(span_of(sent)) ? sent : NULL;
}

/* Where a path names what is inside of a field: len of "field" in "field.inside". */
static bool begins_path(span path, const char *with)
{
    span head = {path.s, strlen(with)};
    return path.len > head.len && strchr(".[", path.s[head.len]) && alike(head, span_of(with));
}

/* However the dialects call it: what says in which form the answer is to be. */
static bool is_format(span path)
{
    static const char *const names[] = {"response_format",
                                        "text.format",
                                        "output_config.format",
                                        "output_format",
                                        "format",
                                        "responseSchema",
                                        "responseMimeType",
                                        "responseJsonSchema",
                                        "generationConfig.responseJsonSchema"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (alike(path, span_of(names[i])) || begins_path(path, names[i]))
            return true;
    }
    return false;
}

/* A script's own option of just that name, which is what it says. */
static bool is_own(const lg_model *model, span path)
{
    for (size_t i = 0; i < model->n_options; i++) {
        const char *name = model->options[i].name;
        if (alike(path, span_of(name)) && strcmp(name, "response_format") != 0)
            return true;
    }
    return false;
}

/* "reasoning.effort" in a dialect that writes effort into reasoning */
static const char *grouped_field(const lg_model *model, span path)
{
    const lg_field *f = model->provider ? model->provider->fields : NULL;
    size_t at = path.len;
    while (at > 0 && path.s[at - 1] != '.')
        at--;

    if (at == 0)
        return NULL;

    span group = {path.s, at - 1}, leaf = {path.s + at, path.len - at};
    for (; f && f->option; f++) {
        bool here =
            f->name && f->group && alike(leaf, span_of(f->name)) && alike(group, span_of(f->group));
        if (here && known_field(model, span_of(f->option)))
            return f->name;
    }
    return NULL;
}

/* What is refused, as it is sent; NULL: nothing that could be left out. */
static const char *field_of(const lg_model *model, span path)
{
    static const char body[] = "body.";
    if (path.len >= sizeof body && strncmp(path.s, body, sizeof body - 1) == 0)
        path = (span){path.s + sizeof body - 1, path.len - (sizeof body - 1)};

    if (is_format(path) && !is_own(model, path))
        return "response_format";

    const char *field = known_field(model, path);
    if (!field && begins_path(path, "stream_options"))
        return "stream_options";

    return field ? field : grouped_field(model, path);
}

/* ---- which field ------------------------------------------------------- */

typedef struct looking {
    const lg_model *model;
    const char *field; /* the first that will do */
    char *inner;       /* the first that is a part of a script's own option */
} looking;

enum { INNER = 64 }; /* bytes for a part of an option */

static void copy_name(char *to, size_t room, span from)
{
    if (from.len < room) {
        memcpy(to, from.s, from.len);
        to[from.len] = '\0';
    }
}

static bool is_field(void *ud, const char *name, size_t len)
{
    looking *l = ud;
    span path = {name, len};
    l->field = field_of(l->model, path);
    for (size_t i = 0; !l->field && !l->inner[0] && i < l->model->n_options; i++) {
        if (begins_path(path, l->model->options[i].name)) {
            copy_name(l->inner, INNER, path);
            lg__model_redact(l->model, l->inner, strlen(l->inner));
        }
    }
    return l->field != NULL;
}

/* The server's word for it, which may be new: as it stands there. */
static bool is_new_field(void *ud, const char *name, size_t len)
{
    looking *l = ud;
    return known_field(l->model, (span){name, len}) != NULL;
}

static void find_new_name(looking *l, const lg_refusal *w, lg_reply *r)
{
    lg_found found;
    if (lg__wording_find(LG_SAYS_INSTEAD, w->message, is_new_field, l, &found))
        copy_name(r->new_param, sizeof r->new_param, (span){found.name, found.name_len});

    if (strcmp(r->new_param, r->bad_param) == 0)
        r->new_param[0] = '\0';
}

/* NULL: it is about no field, or about one that the request needs. */
static const char *refused_field(looking *l, const lg_refusal *w)
{
    lg_found found;
    int code = lg__wording_of_field(w->code);
    code = code ? code : lg__wording_of_field(w->type);
    bool named = w->param[0] && is_field(l, w->param, strlen(w->param));
    if (named && code > 0)
        return l->field;

    if (code < 0 || lg__wording_find(LG_SAYS_VALUE, w->message, NULL, NULL, &found) ||
        is_of_needed(span_of(w->param)))
        return NULL;

    const char *param = named ? l->field : NULL;
    if (lg__wording_find(LG_SAYS_FIELD, w->message, is_field, l, &found) ||
        lg__wording_find(LG_SAYS_FIELD, w->more, is_field, l, &found))
        return param ? param : found.name ? l->field : found.row->field ? found.row->field : NULL;

    bool quoted = code > 0 && !w->param[0] && lg__wording_quoted(w->message, is_field, l, &found);
    return quoted ? l->field : NULL;
}

/* ---- what is learned --------------------------------------------------- */

static bool find_first(int kind, const lg_refusal *w, lg_found *found)
{
    return lg__wording_find(kind, w->message, NULL, NULL, found) ||
           lg__wording_find(kind, w->more, NULL, NULL, found);
}

/* A chat template that will not have a role breaks servers: 500 is as good as 400. */
static bool may_be_of_request(int status)
{
    return status == 400 || status == 404 || status == 405 || status == 422 || status == 500 ||
           status == 501;
}

static int learned(const lg_refusal *w, const lg_reply *r)
{
    lg_found found;
    bool about_format = strcmp(r->bad_param, "response_format") == 0;
    if (find_first(LG_SAYS_ROLE, w, &found) && found.row->code)
        return found.row->code;

    if (!lg__wording_find(LG_SAYS_VALUE, w->message, NULL, NULL, &found) &&
        find_first(LG_SAYS_FORMAT, w, &found))
        return found.row->code;

    return about_format ? LG_LEARN_WORDS : LG_LEARN_NOTHING;
}

void lg__refused_find(const lg_model *model, const lg_refusal *w, int status, lg_reply *r,
                      char inner[64])
{
    looking l = {model, NULL, inner};
    inner[0] = '\0';
    if (!may_be_of_request(status))
        return;

    const char *field = r->fail.code == LG_EBADREQUEST ? refused_field(&l, w) : NULL;
    if (field) {
        copy_name(r->bad_param, sizeof r->bad_param, span_of(field));
        find_new_name(&l, w, r);
    }
    r->learn = (uint8_t)learned(w, r);
    if (r->learn == LG_LEARN_OBJECT || r->learn == LG_LEARN_WORDS) {
        copy_name(r->bad_param, sizeof r->bad_param, span_of("response_format"));
        r->new_param[0] = '\0';
    } else if (r->learn != LG_LEARN_NOTHING) {
        r->bad_param[0] = r->new_param[0] = '\0';
    }
}

bool lg__refused_role(const lg_refusal *w)
{
    lg_found found;
    return find_first(LG_SAYS_ROLE, w, &found);
}

/* ---- when -------------------------------------------------------------- */

bool lg__refused_day(const lg_refusal *w)
{
    lg_found found;
    return w->daily || (find_first(LG_SAYS_DAY, w, &found) && found.row->code);
}

int64_t lg__refused_wait(const lg_refusal *w)
{
    lg_found found;
    return find_first(LG_SAYS_WAIT, w, &found) ? (int64_t)lg__wording_duration(found.rest) : -1;
}
