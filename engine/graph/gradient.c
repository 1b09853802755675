/* gradient.c - the reverse pass: who has heard all its consumers is next.
 *
 * Siblings run at the same time; nothing here waits or recurses. What is asked
 * of the backward model is in gradient_ask.c. */
#include "graph/gradient.h"

#include <string.h>

#include "base/check.h"
#include "graph/gradient_internal.h"

/* ---- small things ------------------------------------------------------ */

static size_t index_of(const lg_pass *p, const lg_step *s)
{
    return (size_t)(s - p->plan.steps);
}

static void queue(lg_step *s)
{
    s->pass->busy++;
    lg__waits_push(&s->pass->g->steps, &s->wait);
}

/* Nobody will hear of it any more; what still comes back only counts down. */
static bool is_over(const lg_pass *p)
{
    return p->cancelled || p->settled;
}

/* A cancelled pass is still referred to by its leaves, so its plan must not hold them. */
static void unbusy(lg_pass *p)
{
    LG_CHECK(p->busy > 0);
    if (--p->busy > 0 || !is_over(p))
        return;
    lg__plan_free(&p->plan, p->g);
    lg__graph_drop(p->g, p->out); /* may free p */
}

static void forget_leaves(lg_pass *p)
{
    for (size_t i = 0; i < p->plan.n_steps; i++) {
        lg_pass_ref **at = &p->plan.steps[i].var->passes;
        while (*at) {
            lg_pass_ref *r = *at;
            if (r->pass != p->out) {
                at = &r->next;
                continue;
            }
            *at = r->next;
            lg__mem_free(p->g->mem, r, sizeof *r);
            lg_var_unref(p->out);
        }
    }
}

/* The last step is done. What failed stays on the leaves until zeroed, so that
 * an optimizer cannot miss it. The caller holds p->busy; the plan goes with the last
 * one who does (unbusy), so no list can hold a step that is gone. */
static void settle(lg_pass *p)
{
    p->settled = true;
    LG_TRACE(p->g->log, "pass %llu: running -> settled (%zu texts, %zu asked, %zu solved)",
             (unsigned long long)p->out->id, p->n_texts, p->n_asked, p->n_solved);
    bool failed = p->fail.code && !p->skip_failed;
    if (!failed)
        forget_leaves(p);
    if (failed) {
        lg__var_fail(p->out, p->fail.code, &p->fail);
        return;
    }
    lg_bytes b;
    lg__bytes_init(&b, p->g->mem, 400);
    lg__bytes_addf(&b, "%zu pieces of feedback, %zu questions asked, %zu solved already",
                   p->n_texts, p->n_asked, p->n_solved);
    if (p->n_malformed)
        lg__bytes_addf(&b, ", %zu malformed replies", p->n_malformed);
    if (p->fail.code) {
        const char *why = lg__fail_message(&p->fail);
        lg__bytes_adds(&b, "; left out: ");
        lg__bytes_add(&b, why, lg__text_border(why, strnlen(why, 200)));
    }
    lg_text *t = lg__text_of(&b);
    if (t)
        lg__var_ready(p->out, t);
    else
        lg__var_fail(p->out, LG_ENOMEM, NULL);
}

/* ---- delivering -------------------------------------------------------- */

static void delivered(lg_pass *p, uint32_t slot)
{
    lg_step *to = &p->plan.steps[p->plan.slots[slot].step];
    LG_CHECK(to->n_missing > 0 && !to->gathered);
    if (--to->n_missing == 0)
        queue(to);
}

static uint32_t slot_of(const lg_pass *p, const lg_step *s, uint32_t edge)
{
    return p->plan.links[s->first_link + edge];
}

static uint32_t edges_of(const lg_step *s)
{
    return s->var->node ? s->var->node->n_edges : 0;
}

/* ---- steps ------------------------------------------------------------- */

static void step_done(lg_step *s)
{
    lg_pass *p = s->pass;
    lg_record *all = s->records;
    LG_CHECK(p->steps_left > 0);
    s->records = NULL;
    lg__var_drop_records(s->var, true, p->root_id); /* of a pass that ran beside this one */
    lg__var_add_records(s->var, all, p->root_id);
    if (--p->steps_left == 0)
        settle(p);
}

static void deliver_all(lg_step *s)
{
    lg_pass *p = s->pass;
    for (uint32_t i = 0; i < edges_of(s); i++) {
        if (slot_of(p, s, i) != LG_NO_SLOT)
            delivered(p, slot_of(p, s, i));
    }
    step_done(s);
}

static bool heard_solved(const lg_step *s)
{
    for (const lg_record *r = s->records; r; r = r->next) {
        if (lg__record_solved(r))
            return true;
    }
    return false;
}

/* Of the first solved cases the conversation is kept: who rewrites the text should see what
 * it does well, too. */
static void keep_solved(lg_step *s)
{
    lg_pass *p = s->pass;
    lg_aims aims;
    int err = lg__aims_find(&p->plan, s, 0, edges_of(s), &aims);
    for (size_t i = 0; !err && i < aims.n; i++) {
        const lg_aim *aim = &aims.list[i];
        lg_text *talk = lg__pass_conversation(p, s, aim);
        if (talk)
            lg__pass_say(s, aim->slot, aim->input, (lg_telling){.conversation = talk});
        else
            err = LG_ENOMEM;
        lg__text_unref(talk);
    }
    if (err)
        lg__pass_note(p, s, err, NULL);
    lg__aims_free(&aims);
    deliver_all(s);
}

static void say_empty(lg_step *s)
{
    bool talks = s->var->op == LG_OP_CALL && s->var->state == LG_READY;
    if (talks && s->pass->n_kept < LG_SOLVED_KEPT && heard_solved(s)) {
        s->pass->n_kept++;
        keep_solved(s);
        return;
    }
    for (uint32_t i = 0; i < edges_of(s); i++) {
        if (slot_of(s->pass, s, i) != LG_NO_SLOT)
            lg__pass_say(s, slot_of(s->pass, s, i), i, (lg_telling){0});
    }
    deliver_all(s);
}

static bool is_root(const lg_step *s)
{
    return s == s->pass->plan.steps;
}

/* TEXT beats NONE beats EMPTY; a root that heard nothing is the loss itself. */
static int heard(const lg_step *s)
{
    int state = is_root(s) && !s->records ? LG_FB_NONE : LG_FB_EMPTY;
    for (const lg_record *r = s->records; r; r = r->next) {
        if (r->state == LG_FB_TEXT)
            return LG_FB_TEXT;
        if (r->state == LG_FB_NONE)
            state = LG_FB_NONE;
    }
    return state;
}

/* Feedback given by hand counts like a consumer's. It stays where it is; the
 * pass works with copies, which go when the step is done. */
static void hear_by_hand(lg_step *s)
{
    lg_record **at = &s->records;
    while (*at)
        at = &(*at)->next;
    for (const lg_record *r = s->var->records; r && s->var->node; r = r->next) {
        if (!r->by_hand)
            continue;
        *at = lg__record_copy(s->pass->g->mem, r);
        if (!*at) {
            lg__pass_note(s->pass, s, LG_ENOMEM, NULL);
            return;
        }
        (*at)->root = s->pass->root_id;
        at = &(*at)->next;
    }
}

static void drop_copies_by_hand(lg_step *s)
{
    lg_record **at = &s->records;
    while (*at) {
        lg_record *r = *at;
        if (r->from == 0) {
            *at = r->next;
            lg__record_free(s->pass->g, r);
        } else {
            at = &r->next;
        }
    }
}

static void gather(lg_step *s)
{
    lg_pass *p = s->pass;
    lg_record **at = &s->records;
    for (uint32_t i = 0; i < s->n_slots; i++) {
        lg_slot *slot = &p->plan.slots[s->first_slot + i];
        *at = slot->records;
        slot->records = NULL;
        while (*at)
            at = &(*at)->next;
    }
    s->gathered = true;
    hear_by_hand(s);
}

static double weight_of(const lg_step *s, uint32_t edge)
{
    bool reduces = s->var->op == LG_OP_SUM || s->var->op == LG_OP_MEAN;
    return reduces && s->var->node->u.weights ? s->var->node->u.weights[edge] : 1;
}

/* Copies what s heard (or "you are the loss") to each input, unchanged. */
static void pass_on(lg_step *s)
{
    lg_pass *p = s->pass;
    uint32_t group = s->var->op == LG_OP_MEAN ? (uint32_t)index_of(p, s) + 1 : 0;
    bool skips = s->var->node && s->var->node->skip_failed;
    for (uint32_t i = 0; i < edges_of(s); i++) {
        uint32_t slot = slot_of(p, s, i);
        if (slot == LG_NO_SLOT)
            continue;
        p->plan.steps[p->plan.slots[slot].step].forgiven |= skips || s->forgiven;
        for (const lg_record *r = s->records; r; r = r->next) {
            lg_record *copy = lg__record_copy(p->g->mem, r);
            if (!copy) {
                lg__pass_note(p, s, LG_ENOMEM, NULL);
                break;
            }
            copy->group = copy->group ? copy->group : group;
            copy->order = (uint32_t)index_of(p, s);
            copy->weight *= weight_of(s, i);
            if (!copy->from) { /* by hand: from here on it comes from this node */
                copy->from = s->var->id;
                copy->from_role = lg__text_ref(s->var->role);
            }
            lg__pass_give(p, slot, copy);
        }
        if (!s->records && is_root(s)) {
            lg_record *none = lg__pass_fresh(p, s, LG_FB_NONE, i);
            if (none) {
                none->group = group;
                none->weight = weight_of(s, i);
                lg__pass_give(p, slot, none);
            }
        }
    }
    drop_copies_by_hand(s);
    deliver_all(s);
}

/* Questions for feedback on all that the inputs of s' node lead to, given what was heard about
 * its output (chain), or that it is the outcome itself. What fails is noted. */
static void ask(lg_pass *p, lg_step *s, bool chain)
{
    lg_aims aims;
    int err = lg__aims_find(&p->plan, s, 0, s->var->node->n_edges, &aims);
    bool together = !err && lg__node_fits(p, s, &aims);
    if (together)
        err = lg__node_ask(p, s, &aims, chain);
    else if (!err)
        lg__pass_ask_each(p, s, &aims, chain);
    if (err)
        lg__pass_note(p, s, err, NULL);
    lg__aims_free(&aims);
}

static void ask_all(lg_step *s, bool chain)
{
    s->n_jobs++; /* so that no answer can end the step before all are asked */
    ask(s->pass, s, chain);
    drop_copies_by_hand(s);
    if (--s->n_jobs == 0)
        deliver_all(s);
}

static void to_host(lg_step *s)
{
    s->pass->busy++;
    s->n_jobs = 1;
    LG_QUEUE_PUSH(&s->pass->g->host, s, next);
}

lg_step *lg__graph_next_host(lg_graph *g)
{
    lg_step *s;
    LG_QUEUE_POP(&g->host, s, next);
    return s;
}

/* A mean's records of one leaf become one, group by group; then it is done. Two short ones
 * are read as easily as one. */
static void finish_leaf(lg_step *s)
{
    for (const lg_record *r = s->records; r; r = r->next) {
        size_t n = 0;
        if (!r->group || r->state != LG_FB_TEXT)
            continue;
        size_t tokens = 0;
        for (const lg_record *o = r; o; o = o->next) {
            if (o->group != r->group || o->state != LG_FB_TEXT)
                continue;
            n++;
            tokens += lg_token_estimate(o->text->data, o->text->len);
        }
        if (n < 2 || (n == 2 && tokens <= LG_TWO_SHORT))
            continue;
        int err = lg__pass_reduce(s->pass, s, r->group);
        if (!err)
            return;
        lg__pass_note(s->pass, s, err, NULL);
        break;
    }
    step_done(s);
}

/* What failed before a forgiven failure is its cause, and forgiven too. */
static void var_failed(lg_step *s)
{
    lg_plan *plan = &s->pass->plan;
    for (uint32_t i = 0; s->forgiven && i < edges_of(s); i++) {
        if (slot_of(s->pass, s, i) != LG_NO_SLOT)
            plan->steps[plan->slots[slot_of(s->pass, s, i)].step].forgiven = true;
    }
    if (!s->forgiven)
        lg__pass_note(s->pass, s, s->var->code, s->var->fail);
    lg__records_free(s->pass->g, s->records);
    s->records = NULL;
    deliver_all(s);
}

static bool solved(const lg_step *s)
{
    return s->var->has_score && s->var->score >= s->var->target;
}

/* Sums need no value of their own to pass feedback on: a loss that is ready is
 * worked on while its neighbours still run. */
static bool needs_value(const lg_step *s)
{
    return s->var->op != LG_OP_SUM && s->var->op != LG_OP_MEAN;
}

static void run(lg_step *s)
{
    const lg_op_row *op = &lg__ops[s->var->op];
    enum lg_way way = op->backward(s->var->node);
    if (s->var->state != LG_READY && needs_value(s)) {
        var_failed(s);
        return;
    }
    if (way == LG_WAY_NONE) {
        finish_leaf(s);
        return;
    }
    if (s->var->replaced) {
        deliver_all(s); /* what made it has no part in its text */
        return;
    }
    int state = heard(s);
    if (!s->records && !is_root(s)) {
        deliver_all(s); /* what was to be said went past it, or failed: that is not nothing */
        return;
    }
    if (way == LG_WAY_ON && state != LG_FB_EMPTY) {
        pass_on(s);
        return;
    }
    if (state == LG_FB_NONE && solved(s)) {
        s->pass->n_solved++;
        state = LG_FB_EMPTY;
    }
    if (state == LG_FB_EMPTY)
        say_empty(s);
    else if (way == LG_WAY_HOST)
        to_host(s);
    else
        ask_all(s, state == LG_FB_TEXT);
}

static int prepare(lg_pass *p);

/* The root has settled: what its promises are made of is known now. */
static int plan_again(lg_pass *p)
{
    lg_plan fresh;
    int err = lg__plan_build(&fresh, p->g, p->plan.steps[0].var);
    if (err)
        return err;
    forget_leaves(p);
    lg__plan_free(&p->plan, p->g);
    p->plan = fresh;
    p->plan.open = false;
    return prepare(p);
}

static void begin_again(lg_pass *p)
{
    int err = plan_again(p);
    if (err) {
        lg__pass_note(p, p->plan.steps, err, NULL);
        p->plan.open = false;
        p->steps_left = 0; /* none of them is taken */
        settle(p);
        return;
    }
    queue(&p->plan.steps[0]);
}

static void trace_done(lg_pass *p)
{
    lg__trace_done(p, finish_leaf);
}

/* true: one question is about all of it. The root has settled. */
static bool trace(lg_step *root)
{
    lg_pass *p = root->pass;
    if (root->var->state != LG_READY || !lg__trace_wanted(p))
        return false;
    root->n_jobs++; /* so that no answer can end it before all are asked */
    int err = lg__trace_start(p);
    root->n_jobs--;
    if (err == LG_ENOTFOUND) {
        p->grain = LG_GRAIN_NODE;
        return false;
    }
    if (err)
        lg__pass_note(p, root, err, NULL);
    if (root->n_jobs == 0)
        trace_done(p);
    return true;
}

static void step_fired(lg_step *s)
{
    if (s->pass->plan.open) {
        begin_again(s->pass);
        return;
    }
    if (is_root(s) && !s->gathered && trace(s))
        return;
    if (!s->gathered) {
        gather(s);
        if (s->var->state == LG_PENDING && needs_value(s)) {
            s->pass->busy++;
            lg__var_wait(s->var, &s->wait);
            return;
        }
    }
    run(s);
}

/* What a reply is worth to who asked. true: it is asked for once more. */
static bool hear_reply(lg_inquiry *job)
{
    lg_pass *p = job->pass;
    lg_var *v = job->asked;
    lg_text *points = NULL;
    if (p->traced)
        return lg__trace_heard(job);
    if (job->all.n)
        return lg__node_heard(job);
    const char *why = lg_var_finish_reason(v);
    lg_compared said = {.text = v->text,
                        .variable = job->variable,
                        .output = job->output,
                        .heard = job->heard,
                        .cut = why && strcmp(why, "length") == 0};
    int worth = lg__critique(p->g->mem, &said, &points);
    p->n_malformed += worth == LG_CRITIQUE_ECHO;
    if (worth == LG_CRITIQUE_ECHO && !job->again && lg__pass_again(job, "critic.again") == LG_OK)
        return true;
    if (worth == LG_CRITIQUE_ECHO) /* what it was told is better than nothing */
        points = lg__text_ref(lg__job_remarks(job));
    lg_telling what = {points, job->conversation, lg__job_remarks(job), v};
    if (worth == LG_CRITIQUE_NO_MEMORY)
        lg__pass_note_at(p, job->step, job->input, LG_ENOMEM, NULL);
    else
        lg__pass_say(job->step, job->slot, job->input, what);
    lg__text_unref(points);
    return false;
}

static void job_fired(lg_inquiry *job)
{
    lg_pass *p = job->pass;
    lg_step *s = job->step;
    if (job->reduction) {
        bool done = lg__pass_reduced(job) == 1;
        lg__job_free(job);
        if (done)
            finish_leaf(s);
        return;
    }
    lg_var *v = job->asked;
    bool ceiling = v->code == LG_ETRUNCATED && p->reply_tokens && !job->again;
    if (v->state == LG_READY && hear_reply(job))
        return;
    if (v->state != LG_READY) {
        if (ceiling && lg__pass_again(job, NULL) == LG_OK)
            return;
        lg__pass_note_at(p, s, job->input, v->code, v->fail);
    }
    lg__job_free(job);
    if (--s->n_jobs > 0)
        return;
    if (p->traced)
        trace_done(p);
    else
        deliver_all(s);
}

/* What a pass asks is its party's, whoever runs. The one that was current. */
static lg_party *enter(const lg_pass *p)
{
    lg_party *before = p->g->party;
    p->g->party = p->out->party;
    return before;
}

void lg__pass_fired(lg_waiter *w)
{
    bool is_job = w->kind == LG_WAIT_JOB;
    lg_pass *p = is_job ? ((lg_inquiry *)w)->pass : ((lg_step *)w)->pass;
    lg_graph *g = p->g;
    lg_party *before = enter(p);
    if (is_over(p) && is_job)
        lg__job_free((lg_inquiry *)w);
    else if (!is_over(p) && is_job)
        job_fired((lg_inquiry *)w);
    else if (!is_over(p))
        step_fired((lg_step *)w);
    unbusy(p);
    g->party = before;
}

/* ---- the host's own backward ------------------------------------------- */

int lg__pass_host_text(lg_step *s, size_t input, lg_text *text)
{
    lg_pass *p = s->pass;
    if (is_over(p))
        return LG_OK;
    if (input >= edges_of(s))
        return LG_EINVAL;
    lg_aims aims;
    uint32_t edge = (uint32_t)input;
    int err = lg__aims_find(&p->plan, s, edge, edge + 1, &aims);
    for (size_t i = 0; !err && i < aims.n; i++) {
        const lg_aim *aim = &aims.list[i];
        lg_text *talk = lg__pass_conversation(p, s, aim);
        lg__pass_say(
            s, aim->slot, edge,
            (lg_telling){.text = lg__is_nothing(text) ? NULL : text, .conversation = talk});
        lg__text_unref(talk);
    }
    lg__aims_free(&aims);
    return err;
}

void lg__pass_host_done(lg_step *s, const lg_fail *f)
{
    lg_pass *p = s->pass;
    lg_graph *g = p->g;
    lg_party *before = enter(p);
    if (!is_over(p)) {
        if (f)
            lg__pass_note(p, s, f->code, f);
        drop_copies_by_hand(s);
        s->n_jobs = 0;
        deliver_all(s);
    }
    unbusy(p);
    g->party = before;
}

/* ---- start, cancel, free ----------------------------------------------- */

static int refer(lg_pass *p, lg_var *leaf)
{
    lg_pass_ref *r = lg__mem_zero(p->g->mem, sizeof *r);
    if (!r)
        return LG_ENOMEM;
    r->pass = lg_var_ref(p->out);
    r->next = leaf->passes;
    leaf->passes = r;
    return LG_OK;
}

static int prepare(lg_pass *p)
{
    int err = LG_OK;
    for (size_t i = 0; !err && i < p->plan.n_steps; i++) {
        lg_step *s = &p->plan.steps[i];
        s->pass = p;
        bool parameter = !s->var->node || s->var->trained;
        lg__var_drop_records(s->var, parameter, p->root_id);
        if (parameter)
            err = refer(p, s->var);
    }
    p->steps_left = p->plan.n_steps;
    return err;
}

/* With an open promise the plan is a guess that only says who waits: once the root has
 * settled it is made again. */
static void begin(lg_pass *p)
{
    lg_step *first = &p->plan.steps[0];
    bool waits = p->plan.open || lg__trace_wanted(p);
    if (!waits || first->var->state != LG_PENDING) {
        p->plan.open = false;
        queue(first);
        return;
    }
    p->busy++;
    lg__var_wait(first->var, &first->wait);
}

/* Drops the questions. The pass' variable settles behind it. */
static void cancel(lg_pass *p)
{
    if (is_over(p))
        return;
    p->cancelled = true;
    LG_TRACE(p->g->log, "pass %llu: running -> cancelled", (unsigned long long)p->out->id);
    for (lg_inquiry *j = p->jobs; j;) {
        lg_inquiry *next = j->next; /* cancelling only queues the job */
        lg_var_cancel(j->asked);
        j = next;
    }
    for (size_t i = 0; i < p->plan.n_steps; i++) {
        lg_step *s = &p->plan.steps[i];
        if (s->work)
            LG_QUEUE_PUSH(&p->g->host, s, next); /* once more, to be taken back */
    }
}

static void free_pass(lg_pass *p)
{
    while (p->jobs)
        lg__job_free(p->jobs);
    lg__plan_free(&p->plan, p->g);
    lg_model_unref(p->model);
    lg__fail_free(&p->fail);
    lg__mem_free(p->g->mem, p, sizeof *p);
}

int lg__pass_start(lg_graph *g, lg_var *root, const lg_backward *b, lg_var **out)
{
    lg_var *v;
    int err = lg__graph_leaf(g, NULL, "backward pass", false, LG_OP_PASS, &v);
    if (err)
        return err;
    lg_pass *p = lg__mem_zero(g->mem, sizeof *p);
    if (!p) {
        lg__var_fail(v, LG_ENOMEM, NULL);
        lg_var_unref(v);
        return LG_ENOMEM;
    }
    g->pass_free = free_pass;
    g->pass_cancel = cancel;
    p->g = g;
    p->out = v;
    v->pass = p;
    p->model = lg_model_ref(b->model);
    p->context_tokens = b->context_tokens ? b->context_tokens : 24000;
    p->skip_failed = b->skip_failed;
    p->grain = b->grain;
    p->reply_tokens = b->no_ceiling ? 0 : b->reply_tokens ? b->reply_tokens : 2048;
    p->root_id = root->id;
    lg__unseen_look(root); /* the pass fails as it did */
    lg__fail_init(&p->fail);
    err = lg__plan_build(&p->plan, g, root);
    if (!err)
        err = prepare(p);
    if (err) {
        forget_leaves(p);
        lg__plan_free(&p->plan, g);
        lg__var_fail(v, err, NULL);
        lg_var_unref(v);
        return err;
    }
    lg_var_ref(v); /* the pass' own, until busy is zero */
    LG_TRACE(g->log, "pass %llu: new -> running (of node %llu, %zu steps)",
             (unsigned long long)v->id, (unsigned long long)root->id, p->plan.n_steps);
    begin(p);
    *out = v;
    return LG_OK;
}

bool lg__step_cancelled(const lg_step *s)
{
    return is_over(s->pass);
}
