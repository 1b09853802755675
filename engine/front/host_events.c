/* host_events.c - events to the host, and its answers.
 *
 * What the host is asked to do is host_work.c's. An answer to an id that is gone changes
 * nothing. */
#include <stdio.h>
#include <string.h>

#include "front/front_internal.h"
#include "lg_inside.h"
#include "base/media.h"
#include "model/thinking.h"

/* ---- events ------------------------------------------------------------ */

static void fill(lg_party *p, int type, uint64_t id, uint64_t tag, lg_var *var)
{
    p->event = (lg_event){.size = sizeof p->event, .type = type, .id = id, .tag = tag, .var = var};
    p->event_var = var;
}

/* false: it was no event, but a function to call. */
static bool from_watch(lg_engine *e, lg_party *p, lg_watcher *w)
{
    bool calls = w->calls;
    if (calls) {
        if (w->fn)
            w->fn(w->ud);
        lg_var_unref(w->var);
    } else {
        fill(p, LG_EVENT_VAR, w->var->id, w->tag, w->var); /* its count comes along */
    }
    lg__watcher_free(&e->graph, w);
    return !calls;
}

/* Its arguments are the node's one input. */
static void from_function(lg_party *p, const lg_work *w)
{
    const lg_tool *t = w->node->u.tool;
    const lg_text *args = w->node->edges[0].seen;
    fill(p, LG_EVENT_FUNCTION, w->id, t->tag, lg_var_ref(w->node->out));
    p->event.var = NULL;
    p->event.name = t->name->data;
    p->event.text = args->data;
    p->event.len = args->len;
}

static void from_note(lg_party *p, lg_work *w)
{
    fill(p, w->type, 0, w->tag, NULL);
    p->event_text = w->told;
    w->told = NULL;
    p->event.text = p->event_text ? p->event_text->data : NULL;
    p->event.len = p->event_text ? p->event_text->len : 0;
}

static void from_work(lg_party *p, lg_work *w)
{
    switch (w->type) {
    case LG_EVENT_CALL:
        fill(p, w->type, w->id, w->request->model->tag, NULL);
        break;
    case LG_EVENT_TOOL:
        fill(p, w->type, w->id, w->node->u.tool->tag, lg_var_ref(w->node->out));
        break;
    case LG_EVENT_GRADIENT:
        fill(p, w->type, w->id, w->step->var->node->u.tool->tag, lg_var_ref(w->step->var));
        break;
    case LG_EVENT_FUNCTION:
        from_function(p, w);
        break;
    case LG_EVENT_ABANDON:
        fill(p, w->type, w->id, 0, NULL);
        break;
    default:
        from_note(p, w);
    }
}

/* What was withdrawn before the host heard of it is skipped. */
static lg_work *next_work(lg_engine *e, lg_party *p)
{
    for (;;) {
        lg_work *w;
        LG_QUEUE_POP(&p->out, w, next);
        if (!w)
            return NULL;
        w->queued = false;
        if (w->from)
            lg__work_told(e, w);
        if (w->type != LG_EVENT_NONE)
            return w;
        lg__work_release(e, w);
    }
}

/* A pass that was cancelled wants its step's work no more. */
static bool is_moot(lg_engine *e, lg_work *w)
{
    if (w->type != LG_EVENT_GRADIENT || !lg__step_cancelled(w->step))
        return false;
    lg__work_free(e, w); /* the step itself is on its way back to the pass */
    return true;
}

/* Tools and models that nobody can use any more. */
static bool from_gone(lg_engine *e, lg_party *p)
{
    lg_gone *one;
    LG_QUEUE_POP(&p->gone, one, next);
    if (!one)
        return false;
    fill(p, one->type, 0, one->tag, NULL);
    lg__gone_free(&e->graph, one);
    return true;
}

static void forget_last(lg_party *p)
{
    lg_var *v = p->event_var;
    p->event_var = NULL;
    lg_var_unref(v);
    lg__text_unref(p->event_text);
    p->event_text = NULL;
}

const lg_event *lg__events_next(lg_engine *e, lg_party *p)
{
    forget_last(p);
    lg__call_drop_cancelled(e);
    if (lg__stream_next(p))
        return &p->event;
    lg_waiter *fired;
    while ((fired = lg__waits_pop(&p->fired))) {
        if (from_watch(e, p, (lg_watcher *)fired))
            return &p->event;
    }
    if (from_gone(e, p))
        return &p->event;
    lg_work *w;
    while ((w = next_work(e, p))) {
        if (is_moot(e, w))
            continue;
        from_work(p, w);
        w->announced = true;
        if (w->type == LG_EVENT_ABANDON || w->from)
            lg__work_release(e, w);
        return &p->event;
    }
    return NULL;
}

/* *f: what is to be called instead of telling the host; its fn is NULL: nothing is. */
static const lg_event *next_of_host(lg_engine *e, lg_function *f)
{
    LG_GUARD(e->door);
    const lg_party *host = &e->graph.host_party;
    const lg_event *event = lg__events_next(e, &e->graph.host_party);
    *f = (lg_function){.fn = NULL};
    if (!event)
        lg__thread_drained(e, false);
    else if (event->type == LG_EVENT_FUNCTION)
        *f = host->event_var->node->u.tool->function;
    return event;
}

/* A function that has one to call is called here, and nobody is told. */
const lg_event *lg_engine_next(lg_engine *e)
{
    const lg_event *event;
    lg_function f;
    if (e->in_next)
        return NULL;
    lg__log_deliver(&e->log);
    while ((event = next_of_host(e, &f)) && f.fn) {
        e->in_next = true;
        f.fn(f.ud, f.script, event->id, event->text, event->len);
        e->in_next = false;
    }
    return event;
}

/* ---- answers ----------------------------------------------------------- */

/* Others have work of theirs (a script's models, the library's own), whose ids are no secret. */
static lg_work *work_of_caller(lg_engine *e, uint64_t id)
{
    lg_work *w = lg__map_get(&e->works, id);
    return w && w->announced && w->party == e->graph.party ? w : NULL;
}

/* What was cancelled since the last step must not be found any more. */
static lg_work *find(lg_engine *e, uint64_t id, int type_a, int type_b)
{
    lg__call_drop_cancelled(e);
    lg_work *w = work_of_caller(e, id);
    bool moot = w && w->type == LG_EVENT_GRADIENT && lg__step_cancelled(w->step);
    if (w && !moot && (w->type == type_a || w->type == type_b))
        return w;
    lg__engine_error(e, LG_ENOTFOUND, "nothing waits for an answer to %llu",
                     (unsigned long long)id);
    return NULL;
}

typedef struct answerer { /* who answers what a tool's node waits for */
    bool function;        /* lua/host/, for a function of … */
    const lg_script *of;  /* … this script; NULL: a query */
} answerer;

/* LG_EINVAL: it waits for an answer of another kind. */
static int check_answerer(lg_engine *e, const lg_work *w, answerer by)
{
    if (!w || w->type != LG_EVENT_FUNCTION)
        return LG_OK;
    const lg_tool *t = w->node->u.tool;
    if (by.function && t->function.script == by.of)
        return LG_OK;
    lg__engine_error(e, LG_EINVAL, "%llu waits for another kind of answer: \"%.60s\" is %s",
                     (unsigned long long)w->id, t->name->data,
                     t->function.script ? "a function of a script (lg_script_return)"
                                        : "a query (lg_answer_var, lg_answer_score)");
    return LG_EINVAL;
}

static int find_tool(lg_engine *e, uint64_t id, answerer by, lg_work **out)
{
    lg__call_drop_cancelled(e);
    *out = NULL;
    int err = check_answerer(e, work_of_caller(e, id), by);
    if (err)
        return err;
    *out = by.function ? find(e, id, LG_EVENT_FUNCTION, LG_EVENT_FUNCTION)
                       : find(e, id, LG_EVENT_TOOL, LG_EVENT_GRADIENT);
    return *out ? LG_OK : LG_ENOTFOUND;
}

static void fail_result(lg_engine *e, lg_node *node, int code, const char *what)
{
    lg_fail f;
    char who[120];
    lg__fail_init(&f);
    lg__fail_of(&f, &e->mem, code, lg__var_describe(node->out, who, sizeof who),
                "tool \"%s\" returned %s", node->u.tool->name->data, what);
    lg__var_fail(node->out, code, &f);
    lg__fail_free(&f);
}

/* What is wrong with a tool's value: LG_OK, or a code with the words in what. */
static int check_result(int media, const char *type, const char *data, size_t len, char *what,
                        size_t size)
{
    int64_t bad = media == LG_MEDIA_TEXT ? lg_utf8_check(data, len) : -1;
    if (media < 0) {
        snprintf(what, size, "%zu bytes that are no %.40s", len,
                 type ? type : "picture, sound or document of a known kind");
        return LG_EINVAL;
    }
    if (bad >= 0)
        snprintf(what, size, "text that is not UTF-8 (byte %lld)", (long long)bad + 1);
    return bad >= 0 ? LG_EUTF8 : LG_OK;
}

static void tool_result(lg_engine *e, lg_node *node, lg_text *t, const double *score, double target)
{
    int kept = t ? lg__kept_result(e, node, t, score, target) : LG_ENOMEM;
    if (kept == LG_OK)
        return;
    if (kept != LG_ENOMEM) {
        lg__var_ready(node->out, t);
    } else {
        lg__text_unref(t);
        lg__var_fail(node->out, LG_ENOMEM, NULL);
    }
}

/* A host's own mistake, of which its work does not die: NULL of some length, or too long. */
static int refuse_text(lg_engine *e, const char *text, size_t len)
{
    if (!text && len)
        return lg__engine_null(e);
    return len > LG_BYTES_MAX ? lg__engine_error(e, LG_ELIMIT, "%zu bytes are too many", len)
                              : LG_OK;
}

static int answer_tool(lg_engine *e, uint64_t id, answerer by, int media, const char *type,
                       const char *data, size_t len, const double *score, double target)
{
    lg_work *w;
    int missing = find_tool(e, id, by, &w);
    if (!w)
        return missing;
    lg_node *node = w->node;
    lg_step *step = w->step;
    bool gradient = w->type == LG_EVENT_GRADIENT;
    char what[120];
    int err = gradient ? LG_OK : refuse_text(e, data, len);
    if (err)
        return err;
    lg__work_free(e, w);
    lg__engine_touch(e);
    if (gradient) {
        step->work = 0;
        lg__pass_host_done(step, NULL);
        return LG_OK;
    }
    node->work = 0;
    int bad = check_result(media, type, data, len, what, sizeof what);
    if (bad)
        fail_result(e, node, bad, what);
    else if (score && lg_var_set_score(node->out, *score, target))
        fail_result(e, node, LG_ETOOL, "a score that is not a number");
    else
        tool_result(e, node, lg__text_new_media(&e->mem, media, data, len), score, target);
    return LG_OK;
}

int lg_tool_return(lg_engine *e, uint64_t id, const char *text, size_t len, const double *score,
                   double target)
{
    LG_GUARD(e->door);
    return answer_tool(e, id, (answerer){0}, LG_MEDIA_TEXT, NULL, text, len, score, target);
}

int lg__function_return(lg_engine *e, const lg_script *s, uint64_t id, const char *text, size_t len,
                        const double *score)
{
    LG_GUARD(e->door);
    return answer_tool(e, id, (answerer){true, s}, LG_MEDIA_TEXT, NULL, text, len, score, 1);
}

int lg_tool_return_media(lg_engine *e, uint64_t id, const char *type, const void *data, size_t len,
                         const double *score, double target)
{
    LG_GUARD(e->door);
    return answer_tool(e, id, (answerer){0}, lg__media_check(type, data, len), type, data, len,
                       score, target);
}

int lg_tool_fail(lg_engine *e, uint64_t id, int code, const char *message)
{
    LG_GUARD(e->door);
    return lg_tool_fail_as(e, id, code, message, NULL);
}

static int fail_tool(lg_engine *e, uint64_t id, answerer by, int code, const char *message,
                     const char *cause)
{
    lg_work *w;
    int missing = find_tool(e, id, by, &w);
    if (!w)
        return missing;
    lg_node *node = w->node;
    lg_step *step = w->step;
    const lg_var *about = step ? step->var : node->out;
    lg_fail f;
    char who[120];
    code = code < 0 ? code : LG_ETOOL; /* 0 would be no failure */
    lg__fail_init(&f);
    lg__fail_of(&f, &e->mem, code, lg__var_describe(about, who, sizeof who), "%s",
                message ? message : lg_error_text(code));
    lg__fail_narrow(&f, cause);
    lg__work_free(e, w);
    if (step) {
        step->work = 0;
        lg__pass_host_done(step, &f);
    } else {
        node->work = 0;
        lg__var_fail(node->out, code, &f);
    }
    lg__fail_free(&f);
    lg__engine_touch(e);
    return LG_OK;
}

int lg_tool_fail_as(lg_engine *e, uint64_t id, int code, const char *message, const char *cause)
{
    LG_GUARD(e->door);
    return fail_tool(e, id, (answerer){0}, code, message, cause);
}

int lg__function_fail(lg_engine *e, const lg_script *s, uint64_t id, int code, const char *message)
{
    LG_GUARD(e->door);
    return fail_tool(e, id, (answerer){true, s}, code, message, NULL);
}

int lg_tool_feedback(lg_engine *e, uint64_t id, size_t input, const char *text, size_t len)
{
    LG_GUARD(e->door);
    lg_work *w = find(e, id, LG_EVENT_GRADIENT, LG_EVENT_GRADIENT);
    if (!w)
        return LG_ENOTFOUND;
    int err = refuse_text(e, text, len);
    if (err)
        return err;
    if (lg_utf8_check(text, len) >= 0)
        return lg__engine_error(e, LG_EUTF8, "feedback is not UTF-8");
    lg_text *t = lg__text_new(&e->mem, text, len);
    if (!t)
        return lg__engine_error(e, LG_ENOMEM, "no memory for feedback");
    err = lg__pass_host_text(w->step, input, t);
    lg__text_unref(t);
    return err ? lg__engine_error(e, err, "the tool has no input %zu", input + 1) : LG_OK;
}

int lg_tool_heard(lg_engine *e, uint64_t id, const char **text, size_t *len)
{
    LG_GUARD(e->door);
    lg_work *w = find(e, id, LG_EVENT_GRADIENT, LG_EVENT_GRADIENT);
    if (!w)
        return LG_ENOTFOUND;
    if (!text || !len)
        return lg__engine_null(e);
    if (!w->heard)
        w->heard = lg__step_feedback(w->step);
    if (!w->heard)
        return lg__engine_error(e, LG_ENOMEM, "no memory for feedback");
    *text = w->heard->data;
    *len = w->heard->len;
    return LG_OK;
}

/* ---- host models ------------------------------------------------------- */

int lg_call_view(lg_engine *e, uint64_t id, lg_request_view *out)
{
    LG_GUARD(e->door);
    lg_work *w = find(e, id, LG_EVENT_CALL, LG_EVENT_CALL);
    if (!w)
        return LG_ENOTFOUND;
    if (!out)
        return lg__engine_null(e);
    *out = (lg_request_view){.model = w->request->model,
                             .n_messages = w->request->n_parts,
                             .n_options = w->request->n_options,
                             .sample = w->request->sample};
    return LG_OK;
}

int lg_call_message(lg_engine *e, uint64_t id, size_t i, const char **role, const char **text,
                    size_t *len)
{
    LG_GUARD(e->door);
    lg_work *w = find(e, id, LG_EVENT_CALL, LG_EVENT_CALL);
    if (!w || i >= w->request->n_parts)
        return LG_ENOTFOUND;
    if (!role || !text || !len)
        return lg__engine_null(e);
    *role = w->request->part_roles[i];
    *text = w->request->part_texts[i]->data;
    *len = w->request->part_texts[i]->len;
    return LG_OK;
}

const char *lg_call_message_media(lg_engine *e, uint64_t id, size_t i)
{
    LG_GUARD(e->door);
    lg_work *w = find(e, id, LG_EVENT_CALL, LG_EVENT_CALL);
    if (!w || i >= w->request->n_parts || !w->request->part_texts[i]->media)
        return NULL;
    return lg__media_type(w->request->part_texts[i]->media);
}

int lg_call_option(lg_engine *e, uint64_t id, size_t i, lg_option *out)
{
    LG_GUARD(e->door);
    lg_work *w = find(e, id, LG_EVENT_CALL, LG_EVENT_CALL);
    if (!w || i >= w->request->n_options)
        return LG_ENOTFOUND;
    if (!out)
        return lg__engine_null(e);
    *out = (lg_option){w->request->options[i].name, w->request->options[i].value};
    return LG_OK;
}

static int finish_call(lg_engine *e, lg_work *w)
{
    lg_request *r = w->request;
    lg__work_free(e, w);
    lg__entry_free(e, lg__entry_take(e, r));
    lg__call_attempted(e, r, lg__sched_finish_host(e->sched, r));
    lg__engine_touch(e);
    return LG_OK;
}

int lg_call_reply(lg_engine *e, uint64_t id, const char *text, size_t len,
                  const char *finish_reason, const lg_usage *usage)
{
    LG_GUARD(e->door);
    return lg_call_reply_media(e, id, NULL, text, len, finish_reason, usage);
}

/* The kind of what a host's model gave; negative: it is not what type says. */
static int kind_of_reply(const char *type, const char *data, size_t len)
{
    if (!type)
        return LG_MEDIA_TEXT;
    int media = lg__media_of_type(type);
    bool words = media == LG_MEDIA_CALLS || media == LG_MEDIA_TEXT;
    return words ? media : lg__media_check(type, data, len);
}

/* Counts that no call can have would make nonsense of the sums; these stay in range, as those of
 * a server's do. */
static int take_usage(const lg_usage *from, lg_usage *to)
{
    const int64_t counts[] = {from->input, from->cached, from->cache_write, from->output,
                              from->reasoning};
    int64_t *const out[] = {&to->input, &to->cached, &to->cache_write, &to->output, &to->reasoning};
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++) {
        if (counts[i] < 0)
            return LG_EINVAL;
        *out[i] = counts[i] < LG_MOST_TOKENS ? counts[i] : LG_MOST_TOKENS;
    }
    return LG_OK;
}

static void take_finish(const char *word, lg_reply *r)
{
    word = word ? word : "stop";
    size_t n = strnlen(word, sizeof r->finish_reason - 1);
    memcpy(r->finish_reason, word, n);
    r->finish_reason[n] = '\0';
    r->finish = LG_FINISH_UNKNOWN;
    for (int f = LG_FINISH_STOP; f <= LG_FINISH_TOOLS; f++) {
        if (strcmp(lg__finish_name(f), r->finish_reason) == 0)
            r->finish = f;
    }
}

/* What came, without what was thought where it is words. */
static void take_text(lg_engine *e, const lg_model *model, int media, const char *text, size_t len,
                      lg_reply *r)
{
    size_t begin = 0;
    lg_bytes thought;
    lg__bytes_init(&thought, &e->mem, LG_BYTES_MAX);
    if (media == LG_MEDIA_TEXT && !model->keep_thinking)
        begin = lg__thinking_part(text, len, r->finish == LG_FINISH_LENGTH, &thought);
    if (thought.len > 0)
        r->thinking = lg__thinking_text(&thought);
    if (!thought.err && (r->thinking || thought.len == 0))
        r->text = lg__text_new_media(&e->mem, media, text ? text + begin : "", len - begin);
    if (!r->text)
        lg__fail_set(&r->fail, &e->mem, LG_ENOMEM, "no memory for a reply");
    lg__bytes_free(&thought);
}

int lg_call_reply_media(lg_engine *e, uint64_t id, const char *type, const char *text, size_t len,
                        const char *finish_reason, const lg_usage *usage)
{
    LG_GUARD(e->door);
    lg_usage used = {0};
    lg_work *w = find(e, id, LG_EVENT_CALL, LG_EVENT_CALL);
    if (!w)
        return LG_ENOTFOUND;
    int err = refuse_text(e, text, len);
    if (err)
        return err;
    if (usage && take_usage(usage, &used))
        return lg__engine_error(e, LG_EINVAL, "a count of tokens is negative");
    lg_reply *r = &w->request->reply;
    int media = kind_of_reply(type, text, len);
    int64_t bad = media > LG_MEDIA_CALLS ? -1 : lg_utf8_check(text, len);
    lg__reply_free(r);
    lg__reply_init(r);
    take_finish(finish_reason, r);
    if (media < 0) {
        lg__fail_set(&r->fail, &e->mem, LG_EINVAL, "model %s returned %zu bytes that are no %s",
                     w->request->model->name, len, type);
    } else if (bad >= 0) {
        lg__fail_set(&r->fail, &e->mem, LG_EUTF8,
                     "model %s returned text that is not UTF-8 (byte %lld)",
                     w->request->model->name, (long long)bad + 1);
    } else {
        take_text(e, w->request->model, media, text, len, r);
    }
    if (usage) {
        r->has_usage = true;
        r->usage = used;
    }
    return finish_call(e, w);
}

int lg_call_fail(lg_engine *e, uint64_t id, int code, bool retryable, const char *message)
{
    LG_GUARD(e->door);
    return lg_call_fail_as(e, id, code, retryable, message, NULL);
}

int lg_call_fail_as(lg_engine *e, uint64_t id, int code, bool retryable, const char *message,
                    const char *cause)
{
    LG_GUARD(e->door);
    lg_work *w = find(e, id, LG_EVENT_CALL, LG_EVENT_CALL);
    if (!w)
        return LG_ENOTFOUND;
    lg_reply *r = &w->request->reply;
    lg__reply_free(r);
    lg__reply_init(r);
    code = code < 0 ? code : LG_ETOOL;
    lg__fail_set(&r->fail, &e->mem, code, "%s", message ? message : lg_error_text(code));
    lg__fail_narrow(&r->fail, cause);
    r->fail.retryable = retryable;
    return finish_call(e, w);
}
