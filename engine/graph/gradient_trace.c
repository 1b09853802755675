/* gradient_trace.c - one question about a whole batch: what was done for each example, step by
 * step, and what should change in each parameter (grain "graph").
 *
 * The steps between are not asked about, so no point is told twice; a long batch is as many
 * questions as its traces need room, merged at the end. Source of the method: the trace oracle
 * of Trace (arXiv 2406.16218). Records are those of the other grains, for parameters only. */
#include <stdio.h>
#include <string.h>

#include "base/check.h"
#include "base/media.h"
#include "graph/gradient_internal.h"
#include "graph/letters.h"

enum {
    EXAMPLE_TOKENS = 1200, /* of an example's trace, when a batch is cut into questions */
    MOST_STEPS = 40,       /* of one example that are shown */
    DEEP = 4               /* steps an example goes through for which "auto" takes this grain */
};

/* ---- the plan of a batch ----------------------------------------------- */

static bool is_parameter(const lg_step *s)
{
    return !s->var->node || s->var->trained;
}

static bool is_reduction(const lg_step *s)
{
    return s->var->op == LG_OP_SUM || s->var->op == LG_OP_MEAN;
}

static bool is_shown(const lg_step *s)
{
    return s->var->op == LG_OP_CALL || s->var->op == LG_OP_TOOL;
}

static lg_step *behind(const lg_plan *plan, const lg_step *s, uint32_t i)
{
    uint32_t slot = plan->links[s->first_link + i];
    return slot == LG_NO_SLOT ? NULL : &plan->steps[plan->slots[slot].step];
}

static uint32_t edges_of(const lg_step *s)
{
    return s->var->node ? s->var->node->n_edges : 0;
}

typedef struct lg_batch { /* steps in a list, each once */
    lg_step **list;
    size_t n;
} lg_batch;

/* Losses: what sums and means from the root lead to. The list has room for all steps. */
static void find_losses(lg_plan *plan, lg_batch *b)
{
    uint64_t walk = ++plan->walks;
    size_t end = 1;
    b->list[0] = plan->steps;
    b->list[0]->walk = walk;
    b->n = 0;
    for (size_t at = 0; at < end; at++) {
        lg_step *s = b->list[at];
        if (!is_reduction(s)) {
            b->list[b->n++] = s; /* n is at most at: nothing that is still to be read */
            continue;
        }
        for (uint32_t i = 0; i < edges_of(s); i++) {
            lg_step *to = behind(plan, s, i);
            if (!to || to->walk == walk)
                continue;
            to->walk = walk;
            b->list[end++] = to;
        }
    }
}

/* ---- one example ------------------------------------------------------- */

typedef struct lg_trace {
    lg_pass *p;
    const lg_aims *params;
    lg_aim marks[LG_LETTERS + MOST_STEPS];
    lg_text *texts[LG_LETTERS + MOST_STEPS];
    size_t n;        /* marks; the parameters' come first */
    lg_step **stack; /* room for all steps of the plan */
    uint32_t *next;
    lg_step **order; /* steps of the example, who is read before who reads */
    size_t n_order;
} lg_trace;

/* Depth first on a stack of its own: what a step reads stands before it. */
static void put_in_order(lg_trace *t, lg_step *loss)
{
    lg_plan *plan = &t->p->plan;
    uint64_t walk = ++plan->walks;
    size_t n = 1;
    t->n_order = 0;
    t->stack[0] = loss;
    t->next[0] = 0;
    loss->walk = walk;
    while (n > 0) {
        lg_step *s = t->stack[n - 1];
        if (t->next[n - 1] == edges_of(s)) {
            if (is_shown(s))
                t->order[t->n_order++] = s;
            n--;
            continue;
        }
        lg_step *to = behind(plan, s, t->next[n - 1]++);
        if (!to || to->walk == walk)
            continue;
        to->walk = walk;
        t->stack[n] = to;
        t->next[n++] = 0;
    }
}

static int mark_step(lg_trace *t, lg_step *s, size_t number)
{
    char mark[24];
    int len = snprintf(mark, sizeof mark, "[step %zu]", number);
    if (t->n == LG_LETTERS + MOST_STEPS)
        return LG_OK;
    t->texts[t->n] = lg__text_new(t->p->g->mem, mark, (size_t)len);
    if (!t->texts[t->n])
        return LG_ENOMEM;
    t->marks[t->n++].step = s;
    return LG_OK;
}

static int add_step(lg_trace *t, lg_step *s, size_t number, size_t tokens, lg_bytes *out)
{
    lg_text *talk = lg__aim_conversation(t->p->g, &t->p->plan, s, t->marks, t->texts, t->n, tokens);
    if (!talk)
        return LG_ENOMEM;
    lg__bytes_addf(out, "Step %zu makes \"%.100s\":\n", number, s->var->role->data);
    lg__bytes_add(out, talk->data, talk->len);
    int err = lg__bytes_addc(out, '\n');
    lg__text_unref(talk);
    return err ? err : mark_step(t, s, number);
}

static void add_head(const lg_step *loss, size_t number, lg_bytes *out)
{
    const lg_var *v = loss->var;
    lg__bytes_addf(out, "\nCase %zu", number);
    if (v->example >= 0)
        lg__bytes_addf(out, " (example %lld)", (long long)v->example);
    if (v->has_score)
        lg__bytes_addf(out, ", scored %.4g of %.4g", v->score, v->target);
    lg__bytes_adds(out, ":\n");
}

/* What a person said of it. */
static int add_said(const lg_step *loss, lg_bytes *out)
{
    int err = LG_OK;
    for (const lg_record *r = loss->var->records; !err && r; r = r->next) {
        if (r->by_hand && r->state == LG_FB_TEXT)
            err = lg__bytes_addf(out, "It was said: %s\n", r->text->data);
    }
    return err;
}

static int add_example(lg_trace *t, lg_step *loss, size_t number, size_t tokens, lg_bytes *out)
{
    put_in_order(t, loss);
    add_head(loss, number, out);
    size_t from = t->n_order > MOST_STEPS ? t->n_order - MOST_STEPS : 0;
    size_t share = tokens / (t->n_order - from + 1) + 1;
    t->n = t->params->n;
    int err = LG_OK;
    for (size_t i = from; !err && i < t->n_order; i++)
        err = add_step(t, t->order[i], i - from + 1, share, out);
    while (t->n > t->params->n)
        lg__text_unref(t->texts[--t->n]);
    return err ? err : add_said(loss, out);
}

static int trace_room(lg_trace *t)
{
    lg_mem *m = t->p->g->mem;
    size_t n = t->p->plan.n_steps;
    t->stack = lg__mem_new(m, n * sizeof(lg_step *));
    t->next = lg__mem_new(m, n * sizeof *t->next);
    t->order = lg__mem_new(m, n * sizeof(lg_step *));
    return t->stack && t->next && t->order ? LG_OK : LG_ENOMEM;
}

static void trace_free(lg_trace *t)
{
    lg_mem *m = t->p->g->mem;
    size_t n = t->p->plan.n_steps;
    lg__mem_free(m, t->stack, t->stack ? n * sizeof(lg_step *) : 0);
    lg__mem_free(m, t->next, t->next ? n * sizeof *t->next : 0);
    lg__mem_free(m, t->order, t->order ? n * sizeof(lg_step *) : 0);
}

/* The traces of some examples, with letters where the parameters stood. NULL: memory. */
static lg_text *show(lg_pass *p, const lg_batch *losses, size_t from, size_t n,
                     const lg_aims *params, lg_text *const *letters)
{
    lg_bytes out;
    lg_trace t = {.p = p, .params = params};
    lg__bytes_init(&out, p->g->mem, LG_BYTES_MAX);
    for (size_t i = 0; i < params->n; i++) {
        t.marks[i] = params->list[i];
        t.texts[i] = letters[i];
    }
    int err = trace_room(&t);
    if (!err && is_reduction(p->plan.steps))
        err = add_said(p->plan.steps, &out);
    for (size_t i = 0; !err && i < n; i++)
        err = add_example(&t, losses->list[from + i], from + i + 1, p->context_tokens / n, &out);
    trace_free(&t);
    lg_text *text = err ? NULL : lg__text_of(&out);
    if (err)
        lg__bytes_free(&out);
    return text;
}

/* ---- parameters -------------------------------------------------------- */

/* What a parameter said when it was read: by the first who did. */
static lg_text *text_of(const lg_plan *plan, const lg_step *param)
{
    for (size_t s = 0; s < plan->n_steps; s++) {
        const lg_step *reader = &plan->steps[s];
        for (uint32_t i = 0; i < edges_of(reader); i++) {
            if (behind(plan, reader, i) == param && reader->var->node->edges[i].seen)
                return reader->var->node->edges[i].seen;
        }
    }
    return lg__var_first_text(param->var);
}

/* The parameters that one question can be about. false: there are too many, or none. */
static bool find_params(lg_pass *p, lg_aims *out, lg_aim room[LG_LETTERS])
{
    memset(out, 0, sizeof *out);
    out->list = room;
    for (size_t i = 0; i < p->plan.n_steps; i++) {
        lg_step *s = &p->plan.steps[i];
        if (!is_parameter(s))
            continue;
        lg_text *text = text_of(&p->plan, s);
        if (out->n == LG_LETTERS || !text || text->media > LG_MEDIA_CALLS)
            return false;
        room[out->n++] = (lg_aim){s, text, 0, 0};
        s->parameter = true; /* whatever the host makes of its variable meanwhile */
    }
    return out->n > 0;
}

/* ---- the questions ----------------------------------------------------- */

static bool solved(const lg_step *s)
{
    return s->var->has_score && s->var->score >= s->var->target;
}

/* Only those that have something to say stay; what failed was left out by who skips failures. */
static size_t open_losses(lg_pass *p, lg_batch *b)
{
    size_t n = 0;
    for (size_t i = 0; i < b->n; i++) {
        lg_step *s = b->list[i];
        bool ready = s->var->state == LG_READY;
        p->n_solved += ready && solved(s);
        if (ready && !solved(s))
            b->list[n++] = s;
    }
    b->n = n;
    return n;
}

static int standing(lg_pass *p, const lg_batch *b, lg_part *part)
{
    char buf[24];
    lg_mem *m = p->g->mem;
    if (!p->n_solved)
        return LG_OK;
    lg_part values[2] = {{"solved", NULL, NULL}, {"all", NULL, NULL}};
    snprintf(buf, sizeof buf, "%zu", p->n_solved);
    values[0].text = lg__text_new(m, buf, strlen(buf));
    snprintf(buf, sizeof buf, "%zu", p->n_solved + b->n);
    values[1].text = lg__text_new(m, buf, strlen(buf));
    int err = lg__pass_section(p, "critic.graph.solved", values, 2, part);
    lg__text_unref(values[0].text);
    lg__text_unref(values[1].text);
    return err;
}

/* What the outcome is judged by, from the first loss that says so. */
static int told_goal(lg_pass *p, const lg_batch *b, lg_part *part)
{
    lg_part value = {"goal", lg__pass_goal(p, b->list[0]), NULL};
    if (!value.text || !value.text->len) {
        lg__text_unref(value.text);
        return LG_OK;
    }
    int err = lg__pass_section(p, "critic.goal", &value, 1, part);
    lg__text_unref(value.text);
    return err;
}

static int copy_aims(lg_mem *m, const lg_aims *from, lg_aims *to)
{
    *to = (lg_aims){.mem = m};
    to->list = lg__mem_new(m, from->n * sizeof *to->list);
    if (!to->list)
        return LG_ENOMEM;
    memcpy(to->list, from->list, from->n * sizeof *to->list);
    to->n = to->cap = from->n;
    return LG_OK;
}

static int ask(lg_pass *p, const lg_batch *b, size_t from, size_t n, const lg_aims *params,
               lg_text *const *letters)
{
    lg_step *root = p->plan.steps;
    lg_text *none = lg__text_new(p->g->mem, "", 0);
    lg_inquiry *job = none ? lg__job_new(p, root) : NULL;
    if (!job) {
        lg__text_unref(none);
        return LG_ENOMEM;
    }
    lg_text *texts = lg__letters_show(p->g->mem, params);
    job->conversation = show(p, b, from, n, params, letters);
    lg_part parts[] = {
        {"role", root->var->role, NULL}, {"texts", texts, NULL}, {"trace", job->conversation, NULL},
        {"solved", none, NULL},          {"goal", none, NULL},
    };
    int err = texts && job->conversation ? copy_aims(p->g->mem, params, &job->all) : LG_ENOMEM;
    if (!err)
        err = standing(p, b, &parts[3]);
    if (!err)
        err = told_goal(p, b, &parts[4]);
    if (err)
        lg__job_free(job);
    else
        err = lg__pass_question(p, root, "critic.graph.system", "critic.graph", parts, 5, job);
    if (!err)
        root->n_jobs++;
    lg_var_unref(parts[3].var);
    lg_var_unref(parts[4].var);
    lg__text_unref(texts);
    lg__text_unref(none);
    return err;
}

static int ask_all(lg_pass *p, lg_batch *b, const lg_aims *params)
{
    lg_text *letters[LG_LETTERS];
    size_t most = p->context_tokens / EXAMPLE_TOKENS + 1, rounds = (b->n + most - 1) / most;
    lg__letters_marks(p->g->mem, params->n, letters);
    if (!letters[0])
        return LG_ENOMEM;
    int err = LG_OK;
    for (size_t i = 0; !err && i < rounds; i++) { /* of about the same size */
        size_t from = b->n * i / rounds, to = b->n * (i + 1) / rounds;
        err = ask(p, b, from, to - from, params, letters);
    }
    for (size_t i = 0; i < params->n; i++)
        lg__text_unref(letters[i]);
    return err;
}

bool lg__trace_wanted(lg_pass *p)
{
    lg_plan *plan = &p->plan;
    size_t n = 0;
    if (p->grain == LG_GRAIN_EDGE || p->grain == LG_GRAIN_NODE)
        return false;
    if (!lg__template_find(p->g, "critic.graph"))
        return false;
    for (size_t i = 0; i < plan->n_steps; i++)
        n += is_shown(&plan->steps[i]);
    lg_batch b = {lg__mem_new(plan->mem, plan->n_steps * sizeof(lg_step *)), 0};
    if (!b.list)
        return false; /* the other grains need less memory at once */
    find_losses(plan, &b);
    lg__mem_free(plan->mem, b.list, plan->n_steps * sizeof(lg_step *));
    return p->grain == LG_GRAIN_GRAPH || n >= DEEP * b.n;
}

int lg__trace_start(lg_pass *p)
{
    lg_plan *plan = &p->plan;
    lg_aim room[LG_LETTERS];
    lg_aims params;
    if (!find_params(p, &params, room))
        return LG_ENOTFOUND;
    p->traced = true;
    p->steps_left = params.n; /* the others have no part in it */
    lg_batch b = {lg__mem_new(plan->mem, plan->n_steps * sizeof(lg_step *)), 0};
    if (!b.list)
        return LG_ENOMEM;
    find_losses(plan, &b);
    int err = open_losses(p, &b) ? ask_all(p, &b, &params) : LG_OK;
    lg__mem_free(plan->mem, b.list, plan->n_steps * sizeof(lg_step *));
    return err;
}

/* ---- the replies ------------------------------------------------------- */

/* One question's piece of feedback on a parameter goes behind those of the ones before. */
static void give(lg_inquiry *job, lg_aim *aim, const lg_text *part, bool cut)
{
    lg_pass *p = job->pass;
    lg_text *points = NULL;
    lg_compared said = {.text = part, .variable = aim->text, .cut = cut};
    int worth = part ? lg__critique(p->g->mem, &said, &points) : LG_CRITIQUE_NOTHING;
    p->n_malformed += worth == LG_CRITIQUE_ECHO;
    lg_record *r = worth == LG_CRITIQUE_NO_MEMORY
                       ? NULL
                       : lg__pass_record(job->step, 0,
                                         (lg_telling){.text = points,
                                                      .conversation = job->conversation,
                                                      .var = job->asked});
    if (!r && worth == LG_CRITIQUE_NO_MEMORY)
        lg__pass_note(p, job->step, LG_ENOMEM, NULL);
    lg_record **at = &aim->step->records;
    while (*at)
        at = &(*at)->next;
    *at = r;
    if (r)
        r->group = 1; /* several are merged */
    lg__text_unref(points);
}

bool lg__trace_heard(lg_inquiry *job)
{
    lg_pass *p = job->pass;
    lg_text *said[LG_LETTERS] = {NULL};
    size_t named = 0;
    const lg_text *reply = job->asked->text;
    const char *why = lg_var_finish_reason(job->asked);
    bool nothing = lg__is_nothing(reply), cut = why && strcmp(why, "length") == 0;
    int err = nothing ? LG_OK : lg__letters_read(p->g->mem, reply, &job->all, said, &named);
    if (err) {
        lg__pass_note(p, job->step, err, NULL);
        return false;
    }
    bool alone = !named && !nothing && job->all.n == 1; /* whom else is it about? */
    if (!named && !nothing && !alone) {
        p->n_malformed++;
        if (!job->again && lg__pass_again(job, "critic.node.again") == LG_OK)
            return true;
    }
    for (size_t i = 0; i < job->all.n; i++) {
        give(job, &job->all.list[i], alone ? reply : said[i], cut);
        lg__text_unref(said[i]);
    }
    return false;
}

void lg__trace_done(lg_pass *p, void (*finish)(lg_step *))
{
    lg_plan *plan = &p->plan;
    lg_step *root = plan->steps;
    for (size_t i = 0; i < plan->n_steps && !p->settled; i++) {
        lg_step *s = &plan->steps[i];
        if (!s->parameter)
            continue;
        if (!s->records)
            s->records = lg__pass_record(root, 0, (lg_telling){0});
        finish(s);
    }
}
