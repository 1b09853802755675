/* scripted.h - a host in a few lines: an engine, a model, a tool, and a driver that
 * answers their events from callbacks, in order or in a random one.
 *
 * Every prompt is recorded. The default answers are pure functions of what was
 * asked, so that a run is the same whatever the order of the answers. Not for
 * tests of HTTP. Included by the tests of the graph, the reverse pass and the engine. */
#ifndef LG_TEST_SCRIPTED_H
#define LG_TEST_SCRIPTED_H

#include "support.h"

#include "lunagrad.h"

typedef struct script script;

typedef struct script_work { /* an event that waits for its answer */
    int type;
    uint64_t id;
    lg_var *var; /* counted, of tools */
} script_work;

struct script {
    lg_engine *e;
    lg_model *model;
    lg_tool *tool, *own; /* own: has its own backward */
    uint64_t random;     /* 0: answer in order; else the generator's state */
    /* NULL: script_reply. Text to answer with; borrowed until the next call. NULL: fail */
    const char *(*reply)(script *s, const char *prompt);
    /* NULL: script_tool. Must answer the work. */
    void (*on_tool)(script *s, const script_work *w);
    void (*on_gradient)(script *s, const script_work *w);
    void *ud;
    char **prompts; /* of all calls that were answered, in that order */
    size_t n_prompts;
    script_work *works;
    size_t n_works, cap_works;
    size_t n_tools, n_gradients, n_abandons, n_vars; /* events seen */
    uint64_t last_tag;                               /* of the last VAR event */
    char buf[512];
};

/* ---- what was asked ----------------------------------------------------- */

/* "system: …\nuser: …\n", to be freed. NULL: memory of the engine was short. */
static inline char *script_prompt(script *s, uint64_t id)
{
    lg_request_view view;
    char *all = calloc(1, 1);
    size_t n = 0;

    if (lg_call_view(s->e, id, &view))
        view.n_messages = 0;
    for (size_t i = 0; i < view.n_messages; i++) {
        const char *role, *text;
        size_t len;

        lg_call_message(s->e, id, i, &role, &text, &len);
        all = realloc(all, n + strlen(role) + len + 4);
        n += (size_t)sprintf(all + n, "%s: ", role);
        memcpy(all + n, text, len);
        n += len;
        all[n++] = '\n';
        all[n] = '\0';
    }
    return all;
}

static inline size_t script_asked(const script *s, const char *part)
{
    size_t n = 0;

    for (size_t i = 0; i < s->n_prompts; i++)
        n += strstr(s->prompts[i], part) != NULL;
    return n;
}

/* The i-th prompt that contains part; fails the test when there is none. */
static inline const char *script_find(const script *s, const char *part, size_t i)
{
    for (size_t k = 0; k < s->n_prompts; k++) {
        if (strstr(s->prompts[k], part) && i-- == 0)
            return s->prompts[k];
    }
    fail_msg("no prompt contains \"%s\"", part);
    return "";
}

static inline void script_forget(script *s)
{
    for (size_t i = 0; i < s->n_prompts; i++)
        free(s->prompts[i]);
    s->n_prompts = 0;
}

/* ---- default answers ---------------------------------------------------- */

static inline uint32_t script_hash(const char *s)
{
    uint32_t h = 2166136261u;

    for (; *s; s++)
        h = (h ^ (unsigned char)*s) * 16777619u;
    return h;
}

/* "fb-…" to critics, "merged-…" to reductions, "answer-…" to all else. */
static inline const char *script_reply(script *s, const char *prompt)
{
    const char *kind = "answer";

    if (strstr(prompt, "REDUCE"))
        kind = "merged";
    else if (strstr(prompt, "BASE") || strstr(prompt, "CHAIN"))
        kind = "fb";
    snprintf(s->buf, sizeof s->buf, "%s-%08x", kind, (unsigned)script_hash(prompt));
    return s->buf;
}

/* "name=text,…" of its inputs */
static inline void script_tool(script *s, const script_work *w)
{
    char text[400] = "";
    size_t n = 0;

    for (size_t i = 0; i < lg_var_inputs(w->var) && n < sizeof text; i++) {
        lg_input in;

        lg_var_input(w->var, i, &in);
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s=%s", i ? "," : "", in.name, in.text);
    }
    lg_tool_return(s->e, w->id, text, strlen(text), NULL, 0);
}

static inline void script_gradient(script *s, const script_work *w)
{
    for (size_t i = 0; i < lg_var_inputs(w->var); i++) {
        char text[40];

        snprintf(text, sizeof text, "own feedback %zu", i);
        lg_tool_feedback(s->e, w->id, i, text, strlen(text));
    }
    lg_tool_return(s->e, w->id, "", 0, NULL, 0);
}

/* ---- the driver --------------------------------------------------------- */

static inline void script_answer(script *s, const script_work *w)
{
    if (w->type == LG_EVENT_CALL) {
        char *prompt = script_prompt(s, w->id);
        const char *text = (s->reply ? s->reply : script_reply)(s, prompt);

        s->prompts = realloc(s->prompts, (s->n_prompts + 1) * sizeof *s->prompts);
        s->prompts[s->n_prompts++] = prompt;
        if (text)
            lg_call_reply(s->e, w->id, text, strlen(text), "stop", NULL);
        else
            lg_call_fail(s->e, w->id, LG_EREFUSED, false, "the model refused");
    } else if (w->type == LG_EVENT_TOOL) {
        s->n_tools++;
        (s->on_tool ? s->on_tool : script_tool)(s, w);
    } else {
        s->n_gradients++;
        (s->on_gradient ? s->on_gradient : script_gradient)(s, w);
    }
}

static inline void script_drop(script *s, size_t i)
{
    lg_var_unref(s->works[i].var);
    memmove(&s->works[i], &s->works[i + 1], (s->n_works - i - 1) * sizeof *s->works);
    s->n_works--;
}

static inline void script_abandoned(script *s, uint64_t id)
{
    s->n_abandons++;
    for (size_t i = 0; i < s->n_works; i++) {
        if (s->works[i].id == id) {
            script_drop(s, i);
            return;
        }
    }
}

/* Steps once and takes all events; answers nothing. */
static inline void script_take(script *s)
{
    const lg_event *ev;

    lg_engine_step(s->e, 0);
    while ((ev = lg_engine_next(s->e))) {
        if (ev->type == LG_EVENT_VAR) {
            s->n_vars++;
            s->last_tag = ev->tag;
        } else if (ev->type == LG_EVENT_ABANDON) {
            script_abandoned(s, ev->id);
        } else {
            if (s->n_works == s->cap_works) {
                s->cap_works = s->cap_works ? s->cap_works * 2 : 16;
                s->works = realloc(s->works, s->cap_works * sizeof *s->works);
            }
            s->works[s->n_works++] = (script_work){ev->type, ev->id, lg_var_ref(ev->var)};
        }
    }
}

/* Answers one of the works that were taken. */
static inline void script_answer_one(script *s)
{
    size_t i = s->random ? support_random(&s->random) % s->n_works : 0;
    script_work w = s->works[i];

    lg_var_ref(w.var);
    script_drop(s, i);
    script_answer(s, &w);
    lg_var_unref(w.var);
}

/* Until nothing is left to answer. Whether all variables have settled. */
static inline bool script_run(script *s)
{
    lg_stats stats = {.size = sizeof stats};

    for (script_take(s); s->n_works; script_take(s))
        script_answer_one(s);
    lg_engine_stats(s->e, &stats);
    return stats.vars_pending == 0;
}

/* ---- making things ------------------------------------------------------ */

static inline lg_var *script_leaf(script *s, const char *text, const char *role, bool grad)
{
    lg_var *v = NULL;

    assert_int_equal(lg_var_new(s->e, text, strlen(text), role, grad, &v), 0);
    return v;
}

static inline int script_template(script *s, const char *name, const char *text)
{
    lg_var *v;
    int err = lg_var_new(s->e, text, strlen(text), name, false, &v);

    if (err)
        return err;
    err = lg_template_set(s->e, name, v);
    lg_var_unref(v);
    return err;
}

#define SCRIPT_CRITIC(word, heard)                                 \
    word " role={role} out={output_role} goal={objective}\n" heard \
         "<CONVERSATION>\n{conversation}\n</CONVERSATION>\n"       \
         "<VARIABLE>\n{variable}\n</VARIABLE>{goal}{others}{kind}"
#define SCRIPT_HEARD "<FEEDBACK>\n{feedback}\n</FEEDBACK>\n"

enum { SCRIPT_OWN = 23, SCRIPT_BUILT_IN = 6, SCRIPT_TEMPLATES = SCRIPT_OWN + SCRIPT_BUILT_IN };

static inline int script_templates(script *s)
{
    static const char *const all[SCRIPT_OWN][2] = {
        {"critic.system", "You are the critic."},
        {"critic.base", SCRIPT_CRITIC("BASE", "")},
        {"critic.chain", SCRIPT_CRITIC("CHAIN", SCRIPT_HEARD)},
        {"tool.base", SCRIPT_CRITIC("TOOLBASE", "")},
        {"tool.chain", SCRIPT_CRITIC("TOOLCHAIN", SCRIPT_HEARD)},
        {"objective", "do well"},
        {"objective.chain", "do well"},
        {"critic.goal", " judged by {goal};"},
        {"critic.others", " beside {others};"},
        {"critic.made", " made"},
        {"critic.passed", " passed"},
        {"critic.told", " told\n<POINTS>\n{points}\n</POINTS>"},
        {"critic.node.told", "\n<POINTS>\n{points}\n</POINTS>"},
        {"critic.node.system", "You are the critic of a step."},
        {"critic.node",
         "NODE out={output_role} goal={objective}\n{texts}\n<CONVERSATION>\n{conversation}\n"
         "</CONVERSATION>{heard}{goal}"},
        {"critic.node.heard", "\n<FEEDBACK>\n{feedback}\n</FEEDBACK>\n"},
        {"critic.graph.system", "You are the critic of a program."},
        {"critic.graph", "GRAPH\n{texts}\n{solved}<TRACE>\n{trace}\n</TRACE>{goal}"},
        {"critic.graph.solved", "{solved} of {all} cases solved\n"},
        {"reduce.solved", "{solved} of {all} solved\n"},
        {"objective.scored", "scored {score} of {target}"},
        {"reduce.system", "Merge."},
        {"reduce.user",
         "REDUCE role={role}\n<VARIABLE>\n{variable}\n</VARIABLE>\n{solved}" SCRIPT_HEARD},
    };
    static const char *const built_in[SCRIPT_BUILT_IN] = {
        "attached", "critic.again", "critic.given", "critic.node.again", "critic.once", "mark"};
    int err = 0;

    for (size_t i = 0; !err && i < SCRIPT_OWN; i++)
        err = script_template(s, all[i][0], all[i][1]);
    for (size_t i = 0; !err && i < SCRIPT_BUILT_IN; i++)
        err = lg_template_get(s->e, built_in[i], NULL);
    return err;
}

/* 0 or LG_ENOMEM; script_end in both cases. cfg NULL: support_config's. */
static inline int script_try(script *s, const lg_config *cfg)
{
    lg_config own;
    lg_model_config m;
    int err;

    memset(s, 0, sizeof *s);
    support_config(&own, NULL);
    err = lg_engine_new(cfg ? cfg : &own, &s->e);
    lg_model_config_init(&m);
    m.dialect = "host";
    m.name = "host/model";
    m.model = "model";
    m.concurrency = 1000;
    m.tag = 7;
    if (!err)
        err = lg_model_new(s->e, &m, &s->model);
    if (!err)
        err = lg_tool_new(s->e, "f", "It computes f.", false, 8, &s->tool);
    if (!err)
        err = lg_tool_new(s->e, "own", NULL, true, 9, &s->own);
    return err ? err : script_templates(s);
}

static inline void script_start(script *s)
{
    assert_int_equal(script_try(s, NULL), 0);
}

static inline void script_end(script *s)
{
    lg_engine_free(s->e);
    script_forget(s);
    free(s->prompts);
    free(s->works);
    memset(s, 0, sizeof *s);
}

/* A call of the model with these messages; NULL: memory. system may be NULL. */
static inline lg_var *script_call(script *s, lg_var *system, lg_var *user, const char *role,
                                  int64_t example)
{
    lg_message m[2] = {{"system", system}, {"user", user}};
    lg_call c;
    lg_var *v = NULL;

    lg_call_init(&c);
    c.messages = system ? m : m + 1;
    c.n_messages = system ? 2 : 1;
    c.role = role;
    c.example = example;
    lg_call_model(s->e, s->model, &c, &v);
    return v;
}

static inline lg_var *script_tool_call(script *s, lg_tool *t, lg_var *x, const char *role)
{
    const char *name = "x";
    lg_var *v = NULL;

    lg_tool_call(s->e, t, &name, &x, 1, role, &v);
    return v;
}

static inline lg_var *script_backward(script *s, lg_var *root)
{
    lg_backward b;
    lg_var *pass = NULL;

    lg_backward_init(&b);
    b.model = s->model;
    lg_backward_start(s->e, root, &b, &pass);
    return pass;
}

/* Backward, all answered; the pass must come out well. */
static inline void script_learn(script *s, lg_var *root)
{
    lg_var *pass = script_backward(s, root);
    lg_failure why = {0};

    assert_non_null(pass);
    assert_true(script_run(s));
    if (lg_var_error(pass, &why))
        fail_msg("the pass failed: %s", why.message);
    lg_var_unref(pass);
}

/* ---- looking at things -------------------------------------------------- */

#define assert_text(v, want)                         \
    do {                                             \
        size_t n_ = 0;                               \
        const char *text_ = lg_var_text((v), &n_);   \
        if (!text_)                                  \
            fail_msg("no text, not \"%s\"", (want)); \
        assert_bytes(text_, n_, (want));             \
    } while (0)

static inline const char *script_error(const lg_var *v)
{
    lg_failure f;

    return lg_var_error(v, &f) ? f.message : "";
}

#define assert_error(v, error, part)                                        \
    do {                                                                    \
        lg_failure f_;                                                      \
        assert_true(lg_var_error((v), &f_));                                \
        assert_int_equal(f_.code, (error));                                 \
        if (!strstr(f_.message, (part)))                                    \
            fail_msg("\"%s\" does not contain \"%s\"", f_.message, (part)); \
    } while (0)

static inline lg_stats script_stats(const script *s)
{
    lg_stats stats = {.size = sizeof stats};

    lg_engine_stats(s->e, &stats);
    return stats;
}

/* All that a host can see of v's feedback, to be freed. */
static inline char *script_feedback(const lg_var *v)
{
    char *all = calloc(1, 1);
    size_t n = 0;

    for (size_t i = 0; i < lg_var_feedbacks(v); i++) {
        lg_feedback f, g;

        lg_var_feedback(v, i, &f);
        for (size_t k = 0; k <= f.n_sources; k++) {
            if (k == 0)
                g = f;
            else
                lg_var_feedback_source(v, i, k - 1, &g);
            if (support_threaded())
                g.from = 0; /* a thread that works meanwhile takes numbers, too */
            all = realloc(all, n + g.len + g.conversation_len + strlen(g.from_role) + 200);
            n += (size_t)sprintf(all + n, "%s%d %s from=%llu.%zu (%s) example=%lld %d:%g/%g\n%s\n",
                                 k ? "  " : "", g.state, g.text, (unsigned long long)g.from,
                                 g.input, g.from_role, (long long)g.example, g.has_score,
                                 g.has_score ? g.score : 0, g.has_score ? g.target : 0,
                                 g.conversation ? g.conversation : "-");
        }
    }
    return all;
}

/* The text of feedback i, "" for none. */
static inline const char *script_said(const lg_var *v, size_t i)
{
    lg_feedback f;

    return lg_var_feedback(v, i, &f) ? "" : f.text;
}

#endif
