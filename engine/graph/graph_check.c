/* graph_check.c - a walk over the graph that looks for what var.h, graph.h and
 * gradient_internal.h promise.
 *
 * Debug builds only, between calls: nothing is half made then, and `mark` is free, so counts
 * are made in it. Loops alone, in time linear in variables, edges and feedback. */
#include "base/check.h"
#include "graph/gradient_internal.h"

#ifdef LG_DEBUG

#include <string.h>

typedef struct lg_tally { /* what a walk met; sums are of lg__check_sum */
    size_t live, pending;
    uint64_t waits, listed;     /* edges that wait, edges on waiters' lists */
    uint64_t gave_up, given_up; /* inputs of cancelled nodes; what variables count of them */
    uint64_t busy, coming;      /* what passes count, and what will come back to them */
} lg_tally;

/* ---- one variable ---------------------------------------------------------- */

static bool is_settled(const lg_var *v)
{
    return v->state != LG_PENDING;
}

static void check_texts(const lg_var *v)
{
    LG_CHECK(v->refs > 0);
    LG_CHECK(v->role && v->role->refs > 0);
    LG_CHECK((v->text != NULL) == (v->state == LG_READY));
    LG_CHECK(!v->text || v->text->refs > 0);
    LG_CHECK(v->state == LG_FAILED || v->state == LG_CANCELLED || !v->unseen);
    LG_CHECK(!v->versions || v->versions->n <= v->versions->cap);
    for (size_t i = 0; v->versions && i < v->versions->n; i++)
        LG_CHECK(v->versions->texts[i]->refs > 0);
}

static void check_waiters(const lg_var *v, lg_tally *t)
{
    LG_CHECK(!is_settled(v) || !v->waiters);
    for (const lg_waiter *w = v->waiters; w; w = w->next) {
        switch (w->kind) {
        case LG_WAIT_EDGE:
            LG_CHECK(((const lg_edge *)w)->var == v && !((const lg_edge *)w)->seen);
            t->listed += lg__check_sum(w);
            break;
        case LG_WAIT_WATCH:
            LG_CHECK(((const lg_watcher *)w)->var == v);
            break;
        case LG_WAIT_STEP:
            LG_CHECK(((const lg_step *)w)->var == v);
            t->coming += lg__check_sum(((const lg_step *)w)->pass);
            break;
        default:
            LG_CHECK(w->kind == LG_WAIT_JOB && ((const lg_inquiry *)w)->asked == v);
            t->coming += lg__check_sum(((const lg_inquiry *)w)->pass);
        }
    }
}

/* An open promise waits for none of what may lead there, a kept one for what it is made of. */
static bool waits_for(const lg_node *n, uint32_t i)
{
    const lg_edge *e = &n->edges[i];
    bool counts = n->out->op != LG_OP_PROMISE || i + 1 == n->n_edges;
    return counts && e->var && !is_settled(e->var);
}

static void check_node(const lg_node *n, lg_tally *t)
{
    const lg_var *v = n->out;
    uint32_t missing = 0;
    LG_CHECK(v->node == n && n->done == is_settled(v));
    for (uint32_t i = 0; i < n->n_edges; i++) {
        const lg_edge *e = &n->edges[i];
        LG_CHECK(!e->var || e->var->graph == v->graph);
        LG_CHECK(!e->given_up || (e->var && is_settled(v))); /* it may be set by hand since */
        LG_CHECK(!e->seen || e->seen->refs > 0);
        t->gave_up += e->given_up ? lg__check_sum(e->var) : 0;
        if (waits_for(n, i)) {
            LG_CHECK(e->node == n && e->wait.kind == LG_WAIT_EDGE);
            missing++;
            t->waits += lg__check_sum(e);
        }
    }
    LG_CHECK(missing == n->n_missing);
    LG_CHECK(v->op != LG_OP_CALL || (n->u.call && n->u.call->model));
    LG_CHECK(v->op != LG_OP_TOOL || (n->u.tool && n->u.tool->refs > 0));
}

static void check_var(const lg_graph *g, const lg_var *v, lg_tally *t)
{
    LG_CHECK(v->graph == g && v->mark == 0);
    LG_CHECK(!v->next || v->next->prev == v);
    LG_CHECK(v->op >= 0 && v->op < LG_OPS);
    check_texts(v);
    check_waiters(v, t);
    if (v->node)
        check_node(v->node, t);

    LG_CHECK(is_settled(v) || v->node || v->pass);
    LG_CHECK(!v->pass || v->pass->out == v);
    t->live++;
    t->pending += is_settled(v) ? 0 : 1;
    t->given_up += v->given_up * lg__check_sum(v);
    if (v->pass) {
        lg__pass_check(v->pass);
        t->busy += v->pass->busy * lg__check_sum(v->pass);
    }
}

/* ---- counts ---------------------------------------------------------------- */

static void add(lg_var *v)
{
    if (v)
        v->mark++;
}

/* What a reduction was made of is no reduction itself. */
static void add_records(const lg_record *list)
{
    for (const lg_record *r = list; r; r = r->next) {
        add(r->var);
        for (const lg_record *s = r->sources; s; s = s->next)
            add(s->var);
    }
}

static void add_pass(const lg_pass *p)
{
    for (size_t i = 0; i < p->plan.n_steps; i++) {
        add(p->plan.steps[i].var);
        add_records(p->plan.steps[i].records);
    }
    for (size_t i = 0; p->plan.slots && i < p->plan.n_slots; i++)
        add_records(p->plan.slots[i].records);

    for (const lg_inquiry *j = p->jobs; j; j = j->next)
        add(j->asked);

    if (p->busy > 0)
        add(p->out);
}

static void add_var(lg_var *v)
{
    for (uint32_t i = 0; v->node && i < v->node->n_edges; i++)
        add(v->node->edges[i].var);

    add_records(v->records);
    for (const lg_pass_ref *p = v->passes; p; p = p->next)
        add(p->pass);

    if (v->pass)
        add_pass(v->pass);

    /* The graph holds what is pending, and what was cancelled before its inputs settled. */
    if (!is_settled(v) || (v->node && v->node->n_missing > 0))
        add(v);
}

/* A node that is done, and still listed, is held until the list has come to it. */
static void add_done(const lg_nodes *l)
{
    LG_CHECK_QUEUE(l, lg_node, next);
    for (const lg_node *n = l->head; n; n = n->next) {
        LG_CHECK(n->queued);
        if (n->done)
            add(n->out);
    }
}

/* Whoever holds a variable counts, the host as well, of whom nothing is known here. */
static void check_counts(lg_graph *g)
{
    for (lg_var *v = lg__vars_first(g); v; v = lg__vars_after(v))
        add_var(v);

    for (const lg_party *p = &g->host_party; p; p = p->next) {
        for (const lg_template *t = p->templates; t; t = t->next)
            add(t->var);

        for (const lg_waiter *w = p->fired.head; w; w = w->next)
            add(((const lg_watcher *)w)->var);
    }

    add_done(&g->ready);
    add_done(&g->calls);
    add_done(&g->work);
    add_done(&g->dropped);
    for (lg_var *v = lg__vars_first(g); v; v = lg__vars_after(v)) {
        LG_CHECK(v->refs >= v->mark);
        v->mark = 0;
    }
}

/* ---- the graph ------------------------------------------------------------- */

static void check_steps(const lg_graph *g, lg_tally *t)
{
    for (const lg_waiter *w = g->steps.head; w; w = w->next) {
        bool is_job = w->kind == LG_WAIT_JOB;
        LG_CHECK(is_job || w->kind == LG_WAIT_STEP);
        t->coming +=
            lg__check_sum(is_job ? ((const lg_inquiry *)w)->pass : ((const lg_step *)w)->pass);
    }
    for (const lg_step *s = g->host.head; s; s = s->next)
        t->coming += s->work ? 0 : lg__check_sum(s->pass); /* else it is with the host, too */

    for (const lg_var *v = lg__vars_first(g); v; v = lg__vars_after(v)) {
        for (size_t i = 0; v->pass && i < v->pass->plan.n_steps; i++)
            t->coming += v->pass->plan.steps[i].work ? lg__check_sum(v->pass) : 0;
    }
}

static void check_names(const lg_graph *g)
{
    for (size_t i = 0; i < LG_INTERNED; i++) {
        const lg_text *t = g->interned[i];
        LG_CHECK(!t || (t->refs > 0 && strlen(t->data) == t->len));
    }
    for (const lg_tool *t = g->tools; t; t = t->next) {
        LG_CHECK(t->refs > 0 && t->graph == g && t->name);
        LG_CHECK(!t->next || t->next->prev == t);
    }
    for (const lg_party *p = &g->host_party; p; p = p->next) {
        LG_CHECK(p->graph == g && p->refs > 0 && (!p->next || p->next->prev == p));
        LG_CHECK(!p->vars || (!p->vars->prev && p->vars->party == p));
        LG_CHECK(!p->closed || !p->fired.head);
        LG_CHECK_QUEUE(&p->fired, lg_waiter, next);
        for (const lg_template *t = p->templates; t; t = t->next)
            LG_CHECK(t->name && t->var && t->var->graph == g);
    }
}

void lg__graph_check(lg_graph *g)
{
    lg_tally t = {0};
    LG_CHECK(!g->dead && !g->releasing && !g->closing);
    for (const lg_var *v = lg__vars_first(g); v; v = lg__vars_after(v)) {
        LG_CHECK(t.live < g->n_live);
        check_var(g, v, &t);
    }
    LG_CHECK_QUEUE(&g->steps, lg_waiter, next);
    LG_CHECK_QUEUE(&g->host, lg_step, next);
    check_steps(g, &t);
    check_names(g);
    LG_CHECK(t.live == g->n_live);
    LG_CHECK(t.pending == g->n_pending);
    LG_CHECK(t.waits == t.listed);     /* who waits is listed once, where he waits */
    LG_CHECK(t.gave_up == t.given_up); /* each cancelled consumer is counted */
    LG_CHECK(t.busy == t.coming);      /* each pass knows what will come back to it */
    check_counts(g);
}

#endif
