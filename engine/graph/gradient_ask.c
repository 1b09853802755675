/* gradient_ask.c - the questions of the reverse pass, as nodes of the graph.
 *
 * A question is a template node and a model call; its prompts are the engine's
 * templates (lua/lunagrad/prompts.lua), so none of their words stand here. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "graph/gradient_internal.h"
#include "base/media.h"
#include "base/template.h"

enum { MAX_PARTS = 8, MAX_EXHIBITS = 8 };

/* ---- jobs -------------------------------------------------------------- */

static lg_job *job_new(lg_pass *p, lg_step *s)
{
    lg_job *job = lg__mem_zero(p->g->mem, sizeof *job);
    if (!job)
        return NULL;
    job->wait.kind = LG_WAIT_JOB;
    job->pass = p;
    job->step = s;
    job->next = p->jobs;
    if (p->jobs)
        p->jobs->prev = job;
    p->jobs = job;
    return job;
}

static void reduction_free(lg_pass *p, lg_reduction *r)
{
    for (size_t i = 0; i < r->n; i++)
        lg__text_unref(r->texts[i]);
    lg__mem_free(p->g->mem, r->texts, r->cap * sizeof *r->texts);
    lg__records_free(p->g, r->members);
    lg__mem_free(p->g->mem, r, sizeof *r);
}

void lg__job_free(lg_job *job)
{
    lg_pass *p = job->pass;
    if (job->prev)
        job->prev->next = job->next;
    else
        p->jobs = job->next;
    if (job->next)
        job->next->prev = job->prev;
    if (job->reduction && --job->reduction->open == 0)
        reduction_free(p, job->reduction);
    lg__text_unref(job->conversation);
    lg__graph_drop(p->g, job->asked);
    lg__mem_free(p->g->mem, job, sizeof *job);
}

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

static int render_node(lg_graph *g, lg_var *tmpl, const lg_part *parts, size_t n, lg_var **out)
{
    lg_var *v;
    int err = lg__node_new(g, LG_OP_FORMAT, n + 1, "question to the critic", &v);
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
    int err = render_node(p->g, t, &value, 1, &part->var);
    if (!err)
        lg__node_start(part->var->node);
    return err;
}

/* The question as a node; *first: what feedback is wanted on, when it is no text. */
static int question_node(lg_pass *p, lg_var *tmpl, const lg_part *parts, size_t n, lg_text **first,
                         lg_var **out)
{
    lg_part own[MAX_PARTS], *about = NULL;
    int err = LG_OK;
    memcpy(own, parts, n * sizeof *own);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(own[i].name, "variable") == 0 && own[i].text->media > LG_MEDIA_CALLS)
            about = &own[i];
    }
    if (about) {
        *first = about->text;
        err = name_attached(p, about);
    }
    if (!err)
        err = render_node(p->g, tmpl, own, n, out);
    if (about)
        lg_var_unref(about->var);
    return err;
}

/* The job is freed when this fails. */
/* The nodes of one question and a job that waits for the answer. */
static int ask(lg_pass *p, lg_step *s, const char *system, const char *user, const lg_part *parts,
               size_t n, lg_job *job)
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
        snprintf(role, sizeof role, "feedback on %.80s", lg_var_role(s->var));
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

/* ---- feedback for one input -------------------------------------------- */

/* Several pieces are numbered and share the budget; one stands alone. */
static lg_text *join(lg_graph *g, lg_text *const *texts, const int64_t *examples, size_t n,
                     size_t max_tokens)
{
    lg_bytes b;
    lg__bytes_init(&b, g->mem, LG_BYTES_MAX);
    for (size_t i = 0; i < n; i++) {
        lg_text *t = lg__text_trim(g->mem, texts[i], max_tokens / n + 1);
        if (!t) {
            lg__bytes_free(&b);
            return NULL;
        }
        if (n > 1)
            lg__bytes_addf(&b, "%s%zu. ", i ? "\n" : "", i + 1);
        if (n > 1 && examples && examples[i] >= 0)
            lg__bytes_addf(&b, "(example %lld) ", (long long)examples[i]);
        lg__bytes_add(&b, t->data, t->len);
        lg__text_unref(t);
    }
    return lg__text_of(&b);
}

static lg_text *join_records(lg_graph *g, const lg_record *list, size_t max_tokens)
{
    size_t n = 0, k = 0;
    for (const lg_record *r = list; r; r = r->next)
        n += r->state == LG_FB_TEXT;
    lg_text **texts = lg__mem_new(g->mem, (n + 1) * sizeof *texts);
    int64_t *examples = lg__mem_new(g->mem, (n + 1) * sizeof *examples);
    lg_text *out = NULL;
    for (const lg_record *r = list; texts && examples && r; r = r->next) {
        if (r->state == LG_FB_TEXT) {
            texts[k] = r->text;
            examples[k++] = r->example;
        }
    }
    if (texts && examples)
        out = join(g, texts, examples, n, max_tokens);
    lg__mem_free(g->mem, texts, (n + 1) * sizeof *texts);
    lg__mem_free(g->mem, examples, (n + 1) * sizeof *examples);
    return out;
}

lg_text *lg__step_feedback(lg_step *s)
{
    return join_records(s->pass->g, s->records, s->pass->context_tokens / 2);
}

static int number_edge(lg_graph *g, lg_node *node, const char *name, double x)
{
    char buf[40];
    lg__number_text(buf, sizeof buf, x);
    lg_text *t = lg__text_new(g->mem, buf, strlen(buf));
    int err = t ? lg__node_constant(node, name, t) : LG_ENOMEM;
    lg__text_unref(t);
    return err;
}

/* "The result was scored 0 …" from the scored template, or the plain objective: a
 * node, so that this template too may be pending, fail, or take feedback. */
static int objective(lg_pass *p, const lg_step *s, lg_var **out)
{
    lg_graph *g = p->g;
    bool scored = s->var->has_score;
    lg_var *t = lg__template_find(g, scored ? "objective.scored" : "objective"), *v;
    if (!t) {
        lg_text *none = lg__text_new(g->mem, "", 0);
        int err = none ? lg__graph_leaf(g, none, "objective", false, LG_OP_LEAF, out) : LG_ENOMEM;
        lg__text_unref(none);
        return err;
    }
    int err = lg__node_new(g, LG_OP_FORMAT, scored ? 3 : 1, "objective", &v);
    if (err)
        return err;
    err = lg__node_edge(v->node, "template", t);
    if (!err && scored)
        err = number_edge(g, v->node, "score", s->var->score);
    if (!err && scored)
        err = number_edge(g, v->node, "target", s->var->target);
    if (err) {
        lg__node_discard(v);
        return err;
    }
    lg__node_start(v->node);
    *out = v;
    return LG_OK;
}

int lg__pass_ask_input(lg_pass *p, lg_step *s, uint32_t i, bool chain)
{
    lg_graph *g = p->g;
    const lg_op_row *op = &lg__ops[s->var->op];
    const lg_edge *e = &s->var->node->edges[i];
    char user[40];
    lg_var *goal = NULL;
    lg_job *job = job_new(p, s);
    if (!job)
        return LG_ENOMEM;
    job->input = i;
    job->conversation = op->conversation(g, s->var->node, p->context_tokens / 2);
    lg_text *said = chain ? lg__step_feedback(s) : lg__text_new(g->mem, "", 0);
    int err = job->conversation && said ? objective(p, s, &goal) : LG_ENOMEM;
    if (!err) {
        lg_part parts[MAX_PARTS] = {
            {"role", e->var->role, NULL},
            {"variable", e->seen, NULL},
            {"conversation", job->conversation, NULL},
            {"output_role", s->var->role, NULL},
            {"objective", NULL, goal},
            {"feedback", said, NULL},
        };
        snprintf(user, sizeof user, "%s.%s", op->templates, chain ? "chain" : "base");
        err = ask(p, s, "critic.system", user, parts, 6, job);
        if (!err)
            s->n_jobs++;
    } else {
        lg__job_free(job);
    }
    lg_var_unref(goal);
    lg__text_unref(said);
    return err;
}

/* Blank, or the sentence the critic's prompt asks for, with or without a stop. */
bool lg__is_nothing(const lg_text *t)
{
    static const char word[] = "NOTHING TO IMPROVE";
    const char *a = t->data, *z = t->data + t->len;
    while (a < z && strchr(" \t\r\n\"'*`", *a))
        a++;
    while (z > a && strchr(" \t\r\n\"'*`.!", z[-1]))
        z--;
    size_t n = (size_t)(z - a);
    return n == 0 || (n == sizeof word - 1 && strncasecmp(a, word, n) == 0);
}

/* ---- reduction --------------------------------------------------------- */

/* How many of the texts from `from` on fit one question: at least two, so that
 * every level is shorter than the one below. */
static size_t fitting(const lg_pass *p, const lg_reduction *r, size_t from)
{
    size_t n = 0, tokens = 0, budget = p->context_tokens;
    while (from + n < r->n) {
        const lg_text *t = r->texts[from + n];
        tokens += lg_token_estimate(t->data, t->len) + 8;
        if (n >= 2 && tokens > budget)
            break;
        n++;
    }
    return n;
}

static int ask_group(lg_pass *p, lg_reduction *r, size_t from, size_t n, size_t place)
{
    lg_step *s = r->step;
    lg_job *job = job_new(p, s);
    if (!job)
        return LG_ENOMEM;
    lg_text *all = join(p->g, r->texts + from, NULL, n, p->context_tokens);
    if (!all) {
        lg__job_free(job);
        return LG_ENOMEM;
    }
    job->reduction = r;
    job->place = place;
    r->open++;
    lg_part parts[MAX_PARTS] = {
        {"role", s->var->role, NULL}, {"variable", s->var->text, NULL}, {"feedback", all, NULL}};
    int err = ask(p, s, "reduce.system", "reduce.user", parts, 3, job);
    lg__text_unref(all);
    return err;
}

/* Asks for one level: the texts in groups, each group's answer in its place. A
 * single text left over at the end goes up as it is. */
static int ask_level(lg_pass *p, lg_reduction *r)
{
    lg_text **below = r->texts;
    size_t n = r->n, cap = r->cap, places = 0;
    int err = LG_OK;
    for (size_t from = 0; from < n; from += fitting(p, r, from))
        places++;
    lg_text **above = lg__mem_zero(p->g->mem, places * sizeof *above);
    if (!above)
        return LG_ENOMEM;
    size_t place = 0;
    for (size_t from = 0; !err && from < n; place++) {
        size_t take = fitting(p, r, from);
        if (take == 1)
            above[place] = lg__text_ref(below[from]);
        else
            err = ask_group(p, r, from, take, place);
        from += take;
    }
    for (size_t i = 0; i < n; i++)
        lg__text_unref(below[i]);
    lg__mem_free(p->g->mem, below, cap * sizeof *below);
    r->texts = above;
    r->n = r->cap = places;
    return err;
}

/* Takes the group's records out of the step's list, in order. */
static void take_members(lg_reduction *r, lg_step *s, uint32_t group)
{
    lg_record **at = &s->records, **to = &r->members;
    while (*at) {
        lg_record *x = *at;
        if (x->group != group || x->state != LG_FB_TEXT) {
            at = &x->next;
            continue;
        }
        *at = x->next;
        x->next = NULL;
        x->group = 0;
        *to = x;
        to = &x->next;
        r->n++;
    }
}

static void give_back(lg_step *s, lg_record *list)
{
    lg_record **at = &s->records;
    while (*at)
        at = &(*at)->next;
    *at = list;
}

int lg__pass_reduce(lg_pass *p, lg_step *s, uint32_t group)
{
    lg_reduction *r = lg__mem_zero(p->g->mem, sizeof *r);
    if (!r)
        return LG_ENOMEM;
    r->step = s;
    take_members(r, s, group);
    r->texts = lg__mem_zero(p->g->mem, r->n * sizeof *r->texts);
    r->cap = r->n;
    r->open = 1; /* ours, while asking */
    int err = r->texts ? LG_OK : LG_ENOMEM;
    size_t i = 0;
    if (err)
        r->n = r->cap = 0;
    for (lg_record *x = r->members; !err && x; x = x->next)
        r->texts[i++] = lg__text_ref(x->text);
    if (!err)
        err = ask_level(p, r);
    if (err) { /* what was asked already answers into the void */
        give_back(s, r->members);
        r->members = NULL;
        r->step = NULL;
    }
    if (--r->open == 0)
        reduction_free(p, r);
    return err;
}

static lg_record *reduced_record(lg_pass *p, lg_reduction *r, lg_var *var)
{
    bool nothing = lg__is_nothing(r->texts[0]);
    lg_record *one = lg__record_new(p->g->mem, nothing ? LG_FB_EMPTY : LG_FB_TEXT);
    if (!one)
        return NULL;
    const lg_record *first = r->members;
    one->text = nothing ? NULL : lg__text_ref(r->texts[0]);
    one->from = first->from;
    one->from_role = lg__text_ref(first->from_role);
    one->root = p->root_id;
    one->has_score = first->has_score;
    one->target = first->target;
    size_t n = 0;
    for (const lg_record *x = first; x; x = x->next, n++) {
        one->has_score = one->has_score && x->has_score;
        one->score += x->score;
    }
    one->score /= (double)n;
    one->var = lg_var_ref(var);
    one->sources = r->members;
    r->members = NULL;
    return one;
}

/* A failed question, or no memory: the single pieces are kept instead. */
static int fall_back(lg_reduction *r, lg_job *job, int code)
{
    lg_step *s = r->step;
    if (code)
        lg__pass_note(job->pass, s, code, NULL);
    give_back(s, r->members);
    r->members = NULL;
    r->step = NULL;
    return 1;
}

int lg__pass_reduced(lg_job *job)
{
    lg_pass *p = job->pass;
    lg_reduction *r = job->reduction;
    lg_step *s = r->step;
    if (!s)
        return 0; /* given up before */
    if (job->asked->state == LG_READY) {
        r->texts[job->place] = lg__text_ref(job->asked->text);
    } else {
        lg__pass_note_at(p, s, job->place, job->asked->code, job->asked->fail);
        r->failed = true;
    }
    if (r->open > 1) /* the others of this level: the first by place is told */
        return 0;
    if (r->failed)
        return fall_back(r, job, LG_OK);
    if (r->n > 1) {
        int err = ask_level(p, r);
        return err ? fall_back(r, job, err) : 0;
    }
    lg_record *one = reduced_record(p, r, job->asked);
    if (!one)
        return fall_back(r, job, LG_ENOMEM);
    give_back(s, one);
    return 1;
}
