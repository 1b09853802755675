/* gradient_ask.c - the questions of the reverse pass, as nodes of the graph.
 *
 * A question is a template node and a model call; its prompts are the engine's
 * templates (lua/lunagrad/prompts.lua), so none of their words stand here. Every question is
 * about one variable (aims.h), whole, with what was said about what came of it. */
#include <stdio.h>
#include <string.h>

#include "graph/gradient_internal.h"
#include "base/media.h"
#include "base/template.h"
#include "model/model.h"

enum { MAX_EXHIBITS = 8, GOAL_TOKENS = 80, OTHERS_SHOWN = 8 };

/* ---- one question ------------------------------------------------------ */

static int no_template(lg_pass *p, const lg_step *s, const char *name)
{
    lg_fail f;
    lg__fail_init(&f);
    lg__fail_set(&f, p->g->mem, LG_ENOTFOUND, "backward needs the template \"%s\", none is set",
                 name);
    lg__pass_note(p, s, LG_ENOTFOUND, &f);
    lg__fail_free(&f);
    return LG_ENOTFOUND;
}

static int no_model(lg_pass *p, const lg_step *s)
{
    lg_fail f;
    char who[120];
    lg__fail_init(&f);
    lg__fail_set(&f, p->g->mem, LG_EINVAL, "feedback for %s needs a backward model, none is set",
                 lg__var_describe(s->var, who, sizeof who));
    lg__pass_note(p, s, LG_EINVAL, &f);
    lg__fail_free(&f);
    return LG_EINVAL;
}

static int render_node(lg_graph *g, const char *role, lg_var *tmpl, const lg_part *parts, size_t n,
                       lg_var **out)
{
    lg_var *v;
    int err = lg__node_new(g, LG_OP_FORMAT, n + 1, role, &v);
    if (err)
        return err;
    v->node->fenced = true;
    err = lg__node_edge(v->node, "template", tmpl);
    for (size_t i = 0; !err && i < n; i++) {
        if (parts[i].var)
            err = lg__node_edge(v->node, parts[i].name, parts[i].var);
        else
            err = lg__node_constant(v->node, parts[i].name, parts[i].text);
    }
    if (err)
        lg__node_discard(v);
    else
        *out = v;
    return err;
}

static size_t exhibit(lg_text *list[MAX_EXHIBITS], size_t n, lg_text *t)
{
    bool known = !t || t->media <= LG_MEDIA_CALLS || n == MAX_EXHIBITS;
    for (size_t i = 0; i < n; i++)
        known = known || list[i] == t;
    if (!known)
        list[n++] = t;
    return n;
}

/* Pictures and sound that the step is about: the critic must see them, too. The one that
 * feedback is wanted on (NULL: none) comes first, then they come as in the conversation. */
static size_t exhibits(const lg_var *about, lg_text *first, lg_text *list[MAX_EXHIBITS])
{
    size_t n = exhibit(list, 0, first);
    for (uint32_t i = 0; about->node && i < about->node->n_edges && n < MAX_EXHIBITS - 1; i++)
        n = exhibit(list, n, about->node->edges[i].seen);
    return exhibit(list, n, about->node ? lg__var_first_text(about) : about->text);
}

/* A ceiling for the reply, unless the model has one: who loops would hold the whole pass. */
static int limit_reply(lg_graph *g, lg_call_data *c, size_t tokens)
{
    char n[24];
    for (size_t i = 0; i < c->model->n_options; i++) {
        const char *name = c->model->options[i].name;
        if (strcmp(name, "max_tokens") == 0 || strcmp(name, "max_completion_tokens") == 0 ||
            strcmp(name, "max_output_tokens") == 0)
            return LG_OK;
    }
    c->options = lg__mem_zero(g->mem, sizeof *c->options);
    if (!c->options)
        return LG_ENOMEM;
    c->n_options = 1;
    snprintf(n, sizeof n, "%zu", tokens);
    c->options[0].name = lg__mem_strdup(g->mem, "max_tokens");
    c->options[0].json = lg__mem_strdup(g->mem, n);
    return c->options[0].name && c->options[0].json ? LG_OK : LG_ENOMEM;
}

static int call_node(lg_pass *p, const lg_step *s, lg_text *first, lg_var *system, lg_var *user,
                     const char *role, lg_var **out)
{
    lg_graph *g = p->g;
    lg_var *v;
    lg_text *shown[MAX_EXHIBITS];
    size_t n = exhibits(s->var, first, shown);
    int err = lg__node_new(g, LG_OP_CALL, 2 + n, role, &v);
    if (err)
        return err;
    v->node->u.call = lg__mem_zero(g->mem, sizeof(lg_call_data));
    if (!v->node->u.call) {
        err = LG_ENOMEM;
    } else {
        v->node->u.call->model = lg_model_ref(p->model);
        v->node->u.call->kind = LG_BACKWARD;
        v->node->u.call->purpose = s->var->op == LG_OP_CALL ? s->var->node->u.call->purpose : 0;
        err = p->reply_tokens ? limit_reply(g, v->node->u.call, p->reply_tokens) : LG_OK;
        if (!err)
            err = lg__node_edge(v->node, "system", system);
    }
    if (!err)
        err = lg__node_edge(v->node, "user", user);
    for (size_t i = 0; !err && i < n; i++)
        err = lg__node_constant(v->node, LG_PART, shown[i]);
    if (err)
        lg__node_discard(v);
    else
        *out = v;
    return err;
}

/* "[image/png, 3412 bytes]" is nothing to look at: where the picture is stands in the
 * template "attached"; without one its description alone is shown. */
static int name_attached(lg_pass *p, lg_part *part)
{
    lg_var *t = lg__template_find(p->g, "attached");
    if (!t)
        return LG_OK;
    lg_part value = {"value", part->text, NULL};
    int err = render_node(p->g, "attached", t, &value, 1, &part->var);
    if (!err)
        lg__node_start(part->var->node);
    return err;
}

/* The question as a node; *first: what feedback is wanted on, when it is no text. */
static int question_node(lg_pass *p, lg_var *tmpl, const lg_part *parts, size_t n, lg_text **first,
                         lg_var **out)
{
    lg_part own[LG_PARTS], *about = NULL;
    int err = LG_OK;
    memcpy(own, parts, n * sizeof *own);
    for (size_t i = 0; i < n; i++) {
        if (own[i].text && strcmp(own[i].name, "variable") == 0 &&
            own[i].text->media > LG_MEDIA_CALLS)
            about = &own[i];
    }
    if (about) {
        *first = about->text;
        err = name_attached(p, about);
    }
    if (!err)
        err = render_node(p->g, "question to the critic", tmpl, own, n, out);
    if (about)
        lg_var_unref(about->var);
    return err;
}

/* The nodes of one question and a job that waits for the answer. */
int lg__pass_question(lg_pass *p, lg_step *s, const char *system, const char *user,
                      const lg_part *parts, size_t n, lg_inquiry *job)
{
    char role[120];
    lg_var *sys = lg__template_find(p->g, system), *tmpl = lg__template_find(p->g, user);
    lg_var *text = NULL, *asked = NULL;
    lg_text *first = NULL;
    int err = LG_OK;
    if (!sys || !tmpl)
        err = no_template(p, s, sys ? user : system);
    else if (!p->model)
        err = no_model(p, s);
    if (!err)
        err = question_node(p, tmpl, parts, n, &first, &text);
    if (!err) {
        snprintf(role, sizeof role, "feedback on %.80s", parts[0].text->data);
        if (lg_utf8_check(role, strlen(role)) >= 0)
            snprintf(role, sizeof role, "feedback");
        err = call_node(p, s, first, sys, text, role, &asked);
    }
    if (err) {
        if (text)
            lg__node_discard(text);
        lg__job_free(job);
        return err;
    }
    text->example = asked->example = s->var->example;
    lg__node_start(text->node);
    lg__node_start(asked->node);
    lg_var_unref(text);
    job->asked = asked;
    p->busy++;
    p->n_asked++;
    lg__var_wait(asked, &job->wait);
    return LG_OK;
}

lg_text *lg__number(lg_mem *m, double x)
{
    char buf[40];
    lg__number_text(buf, sizeof buf, x);
    return lg__text_new(m, buf, strlen(buf));
}

int lg__pass_section(lg_pass *p, const char *name, const lg_part *values, size_t n, lg_part *part)
{
    lg_var *t = lg__template_find(p->g, name);
    for (size_t i = 0; i < n; i++) {
        if (!values[i].text)
            return LG_ENOMEM;
    }
    if (!t) {
        lg_text *none = lg__text_new(p->g->mem, "", 0);
        int err =
            none ? lg__graph_leaf(p->g, none, name, false, LG_OP_LEAF, &part->var) : LG_ENOMEM;
        lg__text_unref(none);
        return err;
    }
    if (n == 0 && t->state == LG_READY && !t->grad && !memchr(t->text->data, '{', t->text->len)) {
        part->text = t->text; /* nothing to fill in: no node */
        return LG_OK;
    }
    int err = render_node(p->g, name, t, values, n, &part->var);
    if (!err)
        lg__node_start(part->var->node);
    return err;
}

/* ---- feedback for one variable ----------------------------------------- */

/* The score that is to be raised: the outcome's own, or the mean of those it was heard with. */
static bool score_of(const lg_step *s, double *score, double *target)
{
    size_t n = 0;
    *score = s->var->score;
    *target = s->var->target;
    if (s->var->has_score)
        return true;
    *score = *target = 0;
    for (const lg_record *r = s->records; r; r = r->next) {
        if (r->state != LG_FB_TEXT)
            continue;
        if (!r->has_score)
            return false;
        *score += r->score;
        *target += r->target;
        n++;
    }
    if (n) {
        *score /= (double)n;
        *target /= (double)n;
    }
    return n > 0;
}

/* What is wanted, from the template that fits: a node, so that this template, too, may be
 * pending, fail, or take feedback. */
int lg__pass_objective(lg_pass *p, const lg_step *s, bool chain, lg_part *part)
{
    double score, target;
    lg_mem *m = p->g->mem;
    lg_part values[] = {
        {"output_role", s->var->role, NULL}, {"score", NULL, NULL}, {"target", NULL, NULL}};
    if (!score_of(s, &score, &target))
        return lg__pass_section(p, chain ? "objective.chain" : "objective", values, 1, part);
    values[1].text = lg__number(m, score);
    values[2].text = lg__number(m, target);
    int err = lg__pass_section(p, "objective.scored", values, 3, part);
    lg__text_unref(values[1].text);
    lg__text_unref(values[2].text);
    return err;
}

bool lg__step_judges(const lg_step *s)
{
    return s->var->op == LG_OP_CALL && s->var->node->u.call->kind == LG_JUDGE;
}

/* The system message of a judge, the purpose of a function: what the outcome is wanted for. */
lg_text *lg__pass_goal(const lg_pass *p, const lg_step *s)
{
    const lg_node *node = s->var->node;
    if (s->var->op == LG_OP_TOOL)
        return lg__text_trim(p->g->mem, node->u.tool->purpose, GOAL_TOKENS);
    for (uint32_t i = 0; s->var->op == LG_OP_CALL && i < node->n_edges; i++) {
        if (node->edges[i].seen && strcmp(node->edges[i].name->data, "system") == 0)
            return lg__text_trim(p->g->mem, node->edges[i].seen, GOAL_TOKENS);
    }
    return NULL;
}

/* What the outcome in the end is judged by, where that is not what is shown anyway. */
int lg__pass_told_goal(lg_pass *p, const lg_step *s, bool chain, lg_part *part)
{
    chain = chain && !lg__step_judges(s);
    for (const lg_record *r = s->records; chain && r; r = r->next) {
        lg_part value = {"goal", r->goal, NULL};
        if (r->state == LG_FB_TEXT && r->goal && r->goal->len)
            return lg__pass_section(p, "critic.goal", &value, 1, part);
    }
    return LG_OK;
}

/* The other variables of the node are asked about, too: what only they can mend is theirs. */
static int others(lg_pass *p, const lg_aims *aims, const lg_aim *own, lg_part *part)
{
    lg_bytes b;
    size_t n = 0;
    lg__bytes_init(&b, p->g->mem, LG_BYTES_MAX);
    for (size_t i = 0; i < aims->n && n < OTHERS_SHOWN; i++) {
        if (&aims->list[i] != own)
            lg__bytes_addf(&b, "%s\"%s\"", n++ ? ", " : "", aims->list[i].step->var->role->data);
    }
    if (!n)
        return LG_OK;
    lg_part value = {"others", lg__text_of(&b), NULL};
    int err = lg__pass_section(p, "critic.others", &value, 1, part);
    lg__text_unref(value.text);
    return err;
}

static lg_text *marked(lg_pass *p, lg_step *s, const lg_aim *aim, lg_text *mark)
{
    return lg__aim_conversation(p->g, &p->plan, s, aim, &mark, 1, p->context_tokens / 2);
}

/* It ends in one byte, before which a number can stand. */
static bool is_plain(const lg_text *mark)
{
    return mark->len && (unsigned char)mark->data[mark->len - 1] < 128;
}

/* Whether the step was given texts that hold the mark already: questions to a critic do. */
static bool holds_mark(const lg_step *s, const lg_text *mark)
{
    for (uint32_t i = 0; i < s->var->node->n_edges; i++) {
        const lg_text *seen = s->var->node->edges[i].seen;
        if (seen && strstr(seen->data, mark->data))
            return true;
    }
    const lg_text *made = lg__var_first_text(s->var);
    return made && strstr(made->data, mark->data);
}

/* A text with each `from` exchanged. NULL: memory */
static lg_text *exchange(lg_mem *m, const lg_text *t, const char *from, const char *to)
{
    lg_bytes b;
    lg__bytes_init(&b, m, LG_BYTES_MAX);
    const char *at = t->data, *next;
    while ((next = strstr(at, from))) {
        lg__bytes_add(&b, at, (size_t)(next - at));
        lg__bytes_adds(&b, to);
        at = next + strlen(from);
    }
    lg__bytes_add(&b, at, (size_t)(t->data + t->len - at));
    return lg__text_of(&b);
}

/* Marks that were there before get a number: "[VARIABLE]" becomes "[VARIABLE_1]". The step is
 * shown with another mark first, so that they can be told apart. */
static lg_text *renumbered(lg_pass *p, lg_step *s, const lg_aim *aim, const lg_text *mark)
{
    static const char own[] = "\xEF\xA3\xBFV\xEF\xA3\xBF"; /* between U+F8FF */
    lg_mem *m = p->g->mem;
    char other[80];
    snprintf(other, sizeof other, "%.*s_1%s", (int)(mark->len - 1), mark->data,
             mark->data + mark->len - 1);
    lg_text *hole = lg__text_new(m, own, sizeof own - 1);
    lg_text *talk = hole ? marked(p, s, aim, hole) : NULL;
    lg_text *clean = talk ? exchange(m, talk, mark->data, other) : NULL;
    lg_text *done = clean ? exchange(m, clean, own, mark->data) : NULL;
    lg__text_unref(hole);
    lg__text_unref(talk);
    lg__text_unref(clean);
    return done;
}

lg_text *lg__pass_conversation(lg_pass *p, lg_step *s, const lg_aim *aim)
{
    enum { MOST = 64 }; /* bytes of a mark that can be numbered */
    lg_var *t = lg__template_find(p->g, "mark");
    lg_text *mark = t && t->state == LG_READY ? lg__text_ref(t->text)
                                              : lg__text_new(p->g->mem, "[VARIABLE]", 10);
    lg_text *talk = NULL;
    if (mark && mark->len <= MOST && is_plain(mark) && holds_mark(s, mark))
        talk = renumbered(p, s, aim, mark);
    else if (mark)
        talk = marked(p, s, aim, mark);
    lg__text_unref(mark);
    return talk;
}

/* For other inputs, too: it stands before what is asked, or its output is judged and not it. */
static bool is_general(const lg_inquiry *job, const lg_aim *aim)
{
    const lg_step *s = job->step;
    return (job->chain && !lg__step_judges(s)) ||
           strcmp(s->var->node->edges[aim->input].name->data, "system") == 0;
}

/* Of a variable with a producer somebody upstream will hear; points of what was heard, or of the
 * outcome itself, can be handed on to them as they are. */
static int kind(lg_pass *p, lg_inquiry *job, const lg_aim *aim, lg_part *part)
{
    const char *given = is_general(job, aim) ? "critic.given" : "critic.once";
    if (!aim->step->var->node)
        return lg__pass_section(p, given, NULL, 0, part);
    if (job->chain)
        return lg__pass_section(p, "critic.passed", NULL, 0, part);
    job->heard = lg__output_points(job->step);
    lg_part value = {"points", job->heard, NULL};
    return job->heard ? lg__pass_section(p, "critic.told", &value, 1, part)
                      : lg__pass_section(p, "critic.made", NULL, 0, part);
}

static int ask(lg_pass *p, lg_step *s, const lg_aims *aims, const lg_aim *aim, bool chain)
{
    char user[40];
    lg_text *none = lg__text_new(p->g->mem, "", 0);
    lg_inquiry *job = lg__job_new(p, s);
    if (!job || !none) {
        lg__text_unref(none);
        if (job)
            lg__job_free(job);
        return LG_ENOMEM;
    }
    job->input = aim->input;
    job->slot = aim->slot;
    job->variable = lg__text_ref(aim->text);
    if (chain && !lg__step_judges(s))
        job->output = lg__text_ref(lg__var_first_text(s->var));
    job->conversation = lg__pass_conversation(p, s, aim);
    lg_text *said = chain ? lg__step_feedback(s) : lg__text_ref(none);
    job->heard = chain ? lg__text_ref(said) : NULL;
    job->chain = chain;
    lg_part parts[LG_PARTS] = {
        {"role", aim->step->var->role, NULL},
        {"variable", aim->text, NULL},
        {"conversation", job->conversation, NULL},
        {"output_role", s->var->role, NULL},
        {"feedback", said, NULL},
        {"objective", none, NULL},
        {"goal", none, NULL},
        {"others", none, NULL},
        {"kind", none, NULL},
    };
    int err = job->conversation && said ? lg__pass_objective(p, s, chain, &parts[5]) : LG_ENOMEM;
    if (!err)
        err = lg__pass_told_goal(p, s, chain, &parts[6]);
    if (!err)
        err = others(p, aims, aim, &parts[7]);
    if (!err)
        err = kind(p, job, aim, &parts[8]);
    snprintf(user, sizeof user, "%s.%s", lg__ops[s->var->op].templates, chain ? "chain" : "base");
    if (err)
        lg__job_free(job);
    else
        err = lg__pass_question(p, s, "critic.system", user, parts, 9, job);
    if (!err)
        s->n_jobs++;
    for (size_t i = 5; i < 9; i++)
        lg_var_unref(parts[i].var);
    lg__text_unref(said);
    lg__text_unref(none);
    return err;
}

void lg__pass_ask_each(lg_pass *p, lg_step *s, const lg_aims *aims, bool chain)
{
    for (size_t i = 0; i < aims->n; i++) {
        int err = ask(p, s, aims, &aims->list[i], chain);
        if (err)
            lg__pass_note(p, s, err, NULL);
    }
}

/* ---- once more --------------------------------------------------------- */

/* The same messages and parts, and behind them what was wrong. */
static int copy_call(lg_pass *p, const lg_var *old, lg_var *more, lg_var **out)
{
    const lg_node *from = old->node;
    lg_var *v;
    int err = lg__node_new(p->g, LG_OP_CALL, from->n_edges + (more ? 1 : 0), old->role->data, &v);
    if (err)
        return err;
    lg_call_data *c = v->node->u.call = lg__mem_zero(p->g->mem, sizeof *c);
    if (c) {
        c->model = lg_model_ref(p->model);
        c->kind = LG_BACKWARD;
        c->purpose = from->u.call->purpose;
        err = more ? limit_reply(p->g, c, p->reply_tokens) : LG_OK;
    } else {
        err = LG_ENOMEM;
    }
    for (uint32_t i = 0; !err && i < from->n_edges; i++) {
        const lg_edge *e = &from->edges[i];
        err = e->var ? lg__node_edge(v->node, e->name->data, e->var)
                     : lg__node_constant(v->node, e->name->data, e->seen);
    }
    if (!err && more)
        err = lg__node_edge(v->node, "user", more);
    if (err)
        lg__node_discard(v);
    else
        *out = v;
    return err;
}

int lg__pass_again(lg_inquiry *job, const char *what)
{
    lg_pass *p = job->pass;
    lg_var *more = what ? lg__template_find(p->g, what) : NULL, *asked = NULL;
    if (what && !more)
        return LG_ENOTFOUND;
    int err = copy_call(p, job->asked, more, &asked);
    if (err)
        return err;
    asked->example = job->asked->example;
    lg__node_start(asked->node);
    lg__graph_drop(p->g, job->asked);
    job->asked = asked;
    job->again = true;
    p->busy++;
    p->n_asked++;
    lg__var_wait(asked, &job->wait);
    return LG_OK;
}
