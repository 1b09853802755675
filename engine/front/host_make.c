/* host_make.c - the public constructors: variables, models, tools, nodes.
 *
 * Checks what the host gives, then builds in graph.c; nothing runs here. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/cycle.h"
#include "base/sized.h"
#include "front/front_internal.h"
#include "base/media.h"

enum { MOST_INPUTS = 1 << 24, MOST_LISTED = 1 << 12 }; /* of a node; options, headers */

static bool is_utf8(const char *s)
{
    return !s || lg_utf8_check(s, strlen(s)) < 0;
}

/* ---- variables --------------------------------------------------------- */

int lg_var_new(lg_engine *e, const char *text, size_t len, const char *role, bool grad,
               lg_var **out)
{
    LG_GUARD(e->door);
    int bad = out ? lg__text_check(text, len) : LG_EINVAL;
    if (bad == LG_EUTF8) {
        return lg__engine_error(e, LG_EUTF8, "text is not UTF-8: byte %lld is wrong",
                                (long long)lg_utf8_check(text, len) + 1);
    }
    if (bad) {
        return bad == LG_EINVAL ? lg__engine_null(e)
                                : lg__engine_error(e, bad, "a text of %zu bytes is too long", len);
    }
    if (!is_utf8(role))
        return lg__engine_error(e, LG_EUTF8, "the role is not UTF-8");
    lg_text *t = lg__text_new(&e->mem, text, len);
    if (!t)
        return lg__engine_error(e, LG_ENOMEM, "no memory for a variable");
    int err = lg__graph_leaf(&e->graph, t, role, grad, LG_OP_LEAF, out);
    lg__text_unref(t);
    return err ? lg__engine_error(e, err, "no memory for a variable") : LG_OK;
}

int lg_var_new_media(lg_engine *e, const char *type, const void *data, size_t len, const char *role,
                     bool grad, lg_var **out)
{
    LG_GUARD(e->door);
    int media = lg__media_check(type, data, len);
    if (!out)
        return lg__engine_null(e);
    if (media < 0) {
        return lg__engine_error(e, media, "the %zu bytes are no %s", len,
                                type ? type : "picture, sound or document of a known kind");
    }
    if (!is_utf8(role))
        return lg__engine_error(e, LG_EUTF8, "the role is not UTF-8");
    lg_text *t = lg__text_new_media(&e->mem, media, data, len);
    int err = t ? lg__graph_leaf(&e->graph, t, role, grad, LG_OP_LEAF, out) : LG_ENOMEM;
    lg__text_unref(t);
    return err ? lg__engine_error(e, err, "no memory for a variable") : LG_OK;
}

/* ---- models ------------------------------------------------------------ */

static const lg_model_config NO_MODEL = {.size = sizeof NO_MODEL,
                                         .price_input = -1,
                                         .price_output = -1,
                                         .price_cached = -1,
                                         .price_cache_write = -1,
                                         .price_image_input = -1,
                                         .price_image_output = -1};

void lg_model_config_init_size(lg_model_config *cfg, size_t size)
{
    if (cfg)
        lg__sized_write(cfg, size, &NO_MODEL);
}

enum { MOST_FALLBACKS = 9 };

/* NULL: they may be its fallbacks. */
static const char *fallbacks_problem(const lg_engine *e, const lg_model_config *c)
{
    if (c->n_fallbacks > MOST_FALLBACKS)
        return "a model has at most 9 fallbacks";
    if (c->n_fallbacks && !c->fallbacks)
        return "the list of fallbacks is missing";
    for (size_t i = 0; i < c->n_fallbacks; i++) {
        if (!c->fallbacks[i] || c->fallbacks[i]->engine != e)
            return "a fallback must be a model of this engine";
        if (c->fallbacks[i]->n_fallbacks)
            return "a fallback has fallbacks of its own; name them all in one list";
    }
    return NULL;
}

static bool is_list(const lg_option *list, size_t n)
{
    return n == 0 || (list && n <= MOST_LISTED);
}

static const char *lists_problem(const lg_model_config *c)
{
    return is_list(c->headers, c->n_headers) && is_list(c->options, c->n_options)
               ? NULL
               : "a list of options or headers is missing, or too long";
}

static int take_fallbacks(lg_model *m, const lg_model_config *c)
{
    if (!c->n_fallbacks)
        return LG_OK;
    m->fallbacks = lg__mem_new(m->mem, c->n_fallbacks * sizeof(lg_model *));
    if (!m->fallbacks)
        return LG_ENOMEM;
    for (size_t i = 0; i < c->n_fallbacks; i++)
        m->fallbacks[i] = lg_model_ref(c->fallbacks[i]);
    m->n_fallbacks = c->n_fallbacks;
    return LG_OK;
}

/* Nobody counts it any more. */
static void forget_model(lg_model *m)
{
    for (lg_model **at = &m->engine->models; *at; at = &(*at)->next) {
        if (*at == m) {
            *at = m->next;
            break;
        }
    }
    lg__sched_forget(m->engine->sched, m);
    lg__gone_tell(&m->engine->graph, m->gone);
    lg__party_unref(m->party);
}

int lg_model_new(lg_engine *e, const lg_model_config *cfg, lg_model **out)
{
    LG_GUARD(e->door);
    lg_model_config c = NO_MODEL;
    lg_model *m;
    if (!cfg || !out)
        return lg__engine_null(e);
    if (!lg__sized_read(&c, cfg)) {
        return lg__engine_error(e, LG_EINVAL,
                                "the model's size is not set: call lg_model_config_init first");
    }
    const char *field, *why = lists_problem(&c);
    why = why ? why : fallbacks_problem(e, &c);
    if (why)
        return lg__engine_error(e, LG_EINVAL, "%s", why);
    why = "out of memory";
    int err = lg__model_make(&e->mem, &c, &m, &why, &field);
    if (err) {
        lg__engine_error(e, err, "%s", why);
        lg__engine_errfield(e, field);
        return err;
    }
    if ((m->api_key && lg__log_secret(&e->log, m->api_key)) || take_fallbacks(m, &c) ||
        lg__gone_new(&e->graph, LG_EVENT_MODEL_GONE, m->provider ? 0 : m->tag, &m->gone)) {
        lg__model_destroy(m);
        return lg__engine_error(e, LG_ENOMEM, "out of memory");
    }
    m->engine = e;
    m->door = e->door;
    m->party = lg__party_ref(e->graph.party);
    m->forget = forget_model;
    m->next = e->models;
    e->models = m;
    *out = m;
    return LG_OK;
}

const char *lg_model_name(const lg_model *m)
{
    LG_GUARD(m->door);
    return m->name;
}

/* ---- tools ------------------------------------------------------------- */

int lg_tool_new(lg_engine *e, const char *name, const char *purpose, bool own_backward,
                uint64_t tag, lg_tool **out)
{
    LG_GUARD(e->door);
    if (!out)
        return lg__engine_null(e);
    if (!name || !is_utf8(name) || !is_utf8(purpose))
        return lg__engine_error(e, LG_EUTF8, "a tool's name and purpose must be UTF-8");
    lg_tool *t = lg__mem_zero(&e->mem, sizeof *t);
    if (t) {
        t->name = lg__text_new(&e->mem, name, strlen(name));
        t->purpose = lg__text_new(&e->mem, purpose ? purpose : "", purpose ? strlen(purpose) : 0);
    }
    if (!t || !t->name || !t->purpose ||
        lg__gone_new(&e->graph, LG_EVENT_TOOL_GONE, tag, &t->gone)) {
        if (t) {
            lg__text_unref(t->name);
            lg__text_unref(t->purpose);
        }
        lg__mem_free(&e->mem, t, sizeof *t);
        return lg__engine_error(e, LG_ENOMEM, "no memory for a tool");
    }
    t->refs = 1;
    t->graph = &e->graph;
    t->party = lg__party_ref(e->graph.party);
    t->own_backward = own_backward;
    t->tag = tag;
    t->next = e->graph.tools;
    if (t->next)
        t->next->prev = t;
    e->graph.tools = t;
    *out = t;
    return LG_OK;
}

int lg_tool_cache(lg_tool *t, const char *version)
{
    LG_GUARD(t->graph->door);
    if (!version || !is_utf8(version))
        return lg__engine_error(t->graph->engine, LG_EUTF8, "a tool's version must be UTF-8");
    lg_text *v = lg__text_new(t->graph->mem, version, strlen(version));
    if (!v)
        return lg__engine_error(t->graph->engine, LG_ENOMEM, "no memory for a tool's version");
    lg__text_unref(t->version);
    t->version = v;
    return LG_OK;
}

/* ---- nodes ------------------------------------------------------------- */

/* Links the edges and starts the node, or takes it all back. */
static int link_and_start(lg_engine *e, lg_var *v, const char *const *names, lg_var *const *vars,
                          size_t n, int err, lg_var **out)
{
    err = err || (vars && out) || (!n && out) ? err : LG_EINVAL;
    for (size_t i = 0; !err && i < n; i++) {
        err = is_utf8(names ? names[i] : NULL)
                  ? lg__node_edge(v->node, names ? names[i] : "", vars[i])
                  : LG_EUTF8;
    }
    if (err) {
        lg__node_discard(v);
        return lg__engine_error(e, err, "cannot make the node: %s", lg_error_text(err));
    }
    lg__node_start(v->node);
    lg__engine_touch(e);
    *out = v;
    return LG_OK;
}

/* Of n given inputs, and one more that is the node's own. */
static int new_node(lg_engine *e, int op, size_t n, size_t more, const char *role, lg_var **v)
{
    if (n > MOST_INPUTS) {
        lg__engine_error(e, LG_ELIMIT, "a node of %zu inputs is too large", n);
        return LG_ELIMIT;
    }
    int err = is_utf8(role) ? lg__node_new(&e->graph, op, n + more, role, v) : LG_EUTF8;
    if (err == LG_EUTF8) {
        lg__engine_error(e, err, "the role is not UTF-8");
    } else if (err == LG_ELIMIT) {
        lg__engine_error(e, err, "%zu variables are pending: wait for some, or raise max_queued",
                         e->graph.n_pending);
    } else if (err) {
        lg__engine_error(e, err, "no memory for a node");
    }
    return err;
}

static const lg_call NO_CALL = {.size = sizeof NO_CALL, .example = -1};

void lg_call_init_size(lg_call *c, size_t size)
{
    if (c)
        lg__sized_write(c, size, &NO_CALL);
}

static int copy_options(lg_mem *m, lg_call_data *d, const lg_call *call)
{
    size_t size = call->n_options * sizeof *d->options;
    if (!size)
        return LG_OK;
    d->options = lg__mem_zero(m, size);
    if (!d->options)
        return LG_ENOMEM;
    d->n_options = call->n_options;
    for (size_t i = 0; i < call->n_options; i++) {
        d->options[i].name = lg__mem_strdup(m, call->options[i].name);
        d->options[i].json = lg__mem_strdup(m, call->options[i].json);
        if (!d->options[i].name || !d->options[i].json)
            return LG_ENOMEM;
    }
    return LG_OK;
}

/* Now, where the caller can still be told which option it is. */
static int check_options(lg_engine *e, const lg_call *call)
{
    if (!is_list(call->options, call->n_options))
        return lg__engine_error(e, LG_EINVAL, "the call's list of options is missing, or too long");
    for (size_t i = 0; i < call->n_options; i++) {
        const char *why;
        int err = lg__model_option_check(&e->mem, &call->options[i], &why);
        if (err) {
            return lg__engine_error(e, err, "option \"%s\": %s",
                                    call->options[i].name ? call->options[i].name : "",
                                    why ? why : lg_error_text(err));
        }
    }
    return LG_OK;
}

static int check_call(lg_engine *e, const lg_model *m, const lg_call *host, lg_call *call)
{
    *call = NO_CALL;
    if (host && !lg__sized_read(call, host)) {
        return lg__engine_error(e, LG_EINVAL,
                                "the call's size is not set: call lg_call_init first");
    }
    if (!m || m->engine != e || !call->messages || !call->n_messages)
        return lg__engine_error(e, LG_EINVAL, "a call needs a model of this engine and a message");
    if (call->kind < 0 || call->kind >= LG_KINDS)
        return lg__engine_error(e, LG_EINVAL, "a call needs a kind of enum lg_kind");
    return check_options(e, call);
}

int lg_call_model(lg_engine *e, lg_model *m, const lg_call *host, lg_var **out)
{
    LG_GUARD(e->door);
    lg_var *v = NULL;
    lg_call given, *call = &given;
    int err = check_call(e, m, host, call);
    if (!err)
        err = new_node(e, LG_OP_CALL, call->n_messages, 0, call->role ? call->role : "answer", &v);
    if (err)
        return err;
    lg_call_data *d = lg__mem_zero(&e->mem, sizeof *d);
    v->node->u.call = d;
    v->example = call->example;
    err = d ? copy_options(&e->mem, d, call) : LG_ENOMEM;
    if (d) {
        d->model = lg_model_ref(m);
        d->sample = call->sample;
        d->kind = call->kind;
        d->stream = call->stream;
        d->tag = call->tag;
        d->purpose = call->purpose;
    }
    for (size_t i = 0; !err && i < call->n_messages; i++) {
        err = !call->messages[i].role ? LG_EINVAL
              : is_utf8(call->messages[i].role)
                  ? lg__node_edge(v->node, call->messages[i].role, call->messages[i].var)
                  : LG_EUTF8;
    }
    return link_and_start(e, v, NULL, NULL, 0, err, out);
}

int lg_format(lg_engine *e, lg_var *tmpl, const char *const *names, lg_var *const *vars, size_t n,
              const char *role, bool fenced, lg_var **out)
{
    LG_GUARD(e->door);
    lg_var *v = NULL;
    int err = new_node(e, LG_OP_FORMAT, n, 1, role, &v);
    if (err)
        return err;
    v->node->fenced = fenced;
    err = n && !names ? LG_EINVAL : lg__node_edge(v->node, "template", tmpl);
    return link_and_start(e, v, names, vars, n, err, out);
}

int lg_concat(lg_engine *e, lg_var *const *vars, size_t n, const char *role, lg_var **out)
{
    LG_GUARD(e->door);
    lg_var *v = NULL;
    int err = new_node(e, LG_OP_CONCAT, n, 0, role, &v);
    return err ? err : link_and_start(e, v, NULL, vars, n, 0, out);
}

static int set_weights(lg_node *node, const double *weights)
{
    size_t n = node->n_edges;
    for (size_t i = 0; i < n; i++) {
        if (!(weights[i] > 0 && isfinite(weights[i])))
            return LG_EINVAL;
    }
    node->u.weights = lg__mem_new(node->out->graph->mem, n * sizeof *weights);
    if (!node->u.weights)
        return LG_ENOMEM;
    memcpy(node->u.weights, weights, n * sizeof *weights);
    return LG_OK;
}

/* "sum of a and b": what it is made of, where that can be said in a few words. */
static void name_parts(const char *what, lg_var *v)
{
    char role[160];
    const lg_edge *edges = v->node->edges;
    size_t n = v->node->n_edges, alike = 1;
    while (alike < n && strcmp(edges[alike].var->role->data, edges[0].var->role->data) == 0)
        alike++;
    size_t len = (size_t)snprintf(role, sizeof role, "%s of ", what);
    if (n > 1 && alike == n)
        len += (size_t)snprintf(role + len, sizeof role - len, "%zu times ", n);
    for (size_t i = 0; i < (alike == n ? 1 : n) && len < sizeof role; i++) {
        const char *before = i == 0 ? "" : i + 1 == n ? " and " : ", ";
        len += (size_t)snprintf(role + len, sizeof role - len, "%s%s", before,
                                edges[i].var->role->data);
    }
    if (len < sizeof role)
        lg_var_set_role(v, role); /* without memory it keeps the short one */
}

static int reduce(lg_engine *e, int op, const char *what, lg_var *const *vars,
                  const double *weights, size_t n, unsigned flags, lg_var **out)
{
    lg_var *v = NULL;
    if (!n)
        return lg__engine_error(e, LG_EINVAL, "%s of nothing: give at least one variable", what);
    int err = new_node(e, op, n, 0, what, &v);
    if (err)
        return err;
    v->node->skip_failed = (flags & LG_SKIP_FAILED) != 0;
    if (weights && vars)
        err = set_weights(v->node, weights);
    err = link_and_start(e, v, NULL, vars, n, err, out);
    if (!err)
        name_parts(what, *out);
    return err;
}

int lg_sum(lg_engine *e, lg_var *const *vars, size_t n, unsigned flags, lg_var **out)
{
    LG_GUARD(e->door);
    return reduce(e, LG_OP_SUM, "sum", vars, NULL, n, flags, out);
}

int lg_mean(lg_engine *e, lg_var *const *vars, size_t n, unsigned flags, lg_var **out)
{
    LG_GUARD(e->door);
    return reduce(e, LG_OP_MEAN, "mean", vars, NULL, n, flags, out);
}

int lg_sum_weighted(lg_engine *e, lg_var *const *vars, const double *weights, size_t n,
                    unsigned flags, lg_var **out)
{
    LG_GUARD(e->door);
    return reduce(e, LG_OP_SUM, "sum", vars, weights, n, flags, out);
}

int lg_mean_weighted(lg_engine *e, lg_var *const *vars, const double *weights, size_t n,
                     unsigned flags, lg_var **out)
{
    LG_GUARD(e->door);
    return reduce(e, LG_OP_MEAN, "mean", vars, weights, n, flags, out);
}

int lg_tool_call(lg_engine *e, lg_tool *t, const char *const *names, lg_var *const *vars, size_t n,
                 const char *role, lg_var **out)
{
    LG_GUARD(e->door);
    lg_var *v = NULL;
    if (!t || t->graph != &e->graph)
        return lg__engine_error(e, LG_EINVAL, "the tool is not one of this engine");
    int err = new_node(e, LG_OP_TOOL, n, 0, role ? role : t->name->data, &v);
    if (err)
        return err;
    v->node->u.tool = lg_tool_ref(t);
    return link_and_start(e, v, names, vars, n, 0, out);
}

/* ---- promises ---------------------------------------------------------- */

int lg_promise_new(lg_engine *e, lg_var *const *vars, size_t n, const char *role, lg_var **out)
{
    LG_GUARD(e->door);
    lg_var *v = NULL;
    int err = new_node(e, LG_OP_PROMISE, n, 1, role, &v);
    if (err)
        return err;
    err = out && (vars || !n) ? LG_OK : LG_EINVAL;
    for (size_t i = 0; !err && i < n; i++)
        err = lg__node_edge(v->node, "", vars[i]);
    if (err) {
        lg__node_discard(v);
        return lg__engine_error(e, err, "cannot make the node: %s", lg_error_text(err));
    }
    lg__node_hold(v->node);
    *out = v;
    return LG_OK;
}

int lg_var_detach(lg_var *v, lg_var **out)
{
    lg_var *copy = NULL;
    if (!v || !out)
        return LG_EINVAL;
    LG_GUARD(v->graph->door);
    int err = lg_promise_new(v->graph->engine, NULL, 0, v->role->data, &copy);
    if (err)
        return err;
    copy->frozen = true;
    copy->example = v->example;
    err = lg_promise_keep(copy, v, NULL, 0);
    if (!err) {
        *out = copy;
        return LG_OK;
    }
    lg_promise_fail(copy, err, lg_error_text(err), NULL);
    lg_var_unref(copy);
    return err;
}

static int check_promise(const lg_var *v)
{
    if (v->op != LG_OP_PROMISE || !lg__promise_open(v)) {
        return lg__engine_error(v->graph->engine, LG_ESTATE,
                                "this is no promise, or it was kept or broken already");
    }
    return LG_OK;
}

int lg_promise_keep(lg_var *v, lg_var *from, const char *text, size_t len)
{
    LG_GUARD(v->graph->door);
    lg_engine *e = v->graph->engine;
    lg_text *own = NULL;
    int err = check_promise(v);
    if (err)
        return err;
    if (!from || from->graph != v->graph)
        return lg__engine_error(e, LG_EINVAL, "a promise is kept by a variable of this engine");
    if (lg__made_of(from, v))
        return lg__engine_error(e, LG_ECYCLE, "a promise cannot be kept by what is made of it");
    if (text && from->state != LG_READY)
        return lg__engine_error(e, LG_ESTATE, "the variable that it is made of is not ready");
    if (text && (err = lg__text_check(text, len)))
        return lg__engine_error(e, err, "text is not UTF-8, or longer than any text may be");
    if (text && !(own = lg__text_new(&e->mem, text, len)))
        return lg__engine_error(e, LG_ENOMEM, "no memory for a text");
    err = lg__promise_keep(v->node, from, own);
    if (err) {
        lg__text_unref(own);
        return lg__engine_error(e, err, "no memory for a node");
    }
    lg__engine_touch(e);
    return LG_OK;
}

int lg_promise_fail(lg_var *v, int code, const char *message, const char *hint)
{
    LG_GUARD(v->graph->door);
    return lg_promise_fail_as(v, code, message, NULL, hint);
}

int lg_promise_fail_as(lg_var *v, int code, const char *message, const char *cause,
                       const char *hint)
{
    LG_GUARD(v->graph->door);
    lg_engine *e = v->graph->engine;
    lg_fail f;
    char who[120];
    int err = check_promise(v);
    if (err)
        return err;
    code = code < 0 ? code : LG_ETOOL; /* 0 would be no failure */
    lg__fail_init(&f);
    lg__fail_of(&f, &e->mem, code, lg__var_describe(v, who, sizeof who), "%s",
                message ? message : lg_error_text(code));
    lg__fail_narrow(&f, cause);
    if (hint)
        lg__fail_hint(&f, &e->mem, "%s", hint);
    lg__var_fail(v, code, &f);
    lg__fail_free(&f);
    lg__engine_touch(e);
    return LG_OK;
}
