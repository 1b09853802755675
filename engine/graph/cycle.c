/* cycle.c - whether a variable is made of another one. See cycle.h.
 *
 * A walk against the arrows, breadth first, over those variables alone that may have an open
 * promise or a running pass behind them (lg_var.open): of all others none can be a part of
 * a circle, and usually the walk ends where it begins. Its list is threaded through `mark`,
 * so that it needs no memory and cannot fail. */
#include "graph/cycle.h"

#include "graph/gradient_internal.h"

enum { LAST = 1 }; /* a mark that is no address: the end of the list */

typedef struct lg_walk {
    lg_var *last;
} lg_walk;

static void visit(lg_walk *w, lg_var *v)
{
    if (!v || !v->open || v->mark)
        return;
    v->mark = LAST;
    w->last->mark = (uint64_t)(uintptr_t)v;
    w->last = v;
}

static lg_var *next_of(const lg_var *v)
{
    return v->mark == LAST ? NULL : (lg_var *)(uintptr_t)v->mark;
}

static bool is_running(const lg_var *v)
{
    return v->pass && v->state == LG_PENDING;
}

/* It waits for its root, for what it asked, and for any template it may still ask with. */
static void visit_pass(lg_walk *w, const lg_pass *p)
{
    if (p->plan.n_steps > 0)
        visit(w, p->plan.steps[0].var);
    for (const lg_inquiry *j = p->jobs; j; j = j->next)
        visit(w, j->asked);
    for (const lg_template *t = p->out->party->templates; t; t = t->next)
        visit(w, t->var);
    if (p->out->party == &p->g->host_party)
        return;
    for (const lg_template *t = p->g->host_party.templates; t; t = t->next)
        visit(w, t->var);
}

static void visit_inputs(lg_walk *w, const lg_var *v)
{
    for (uint32_t i = 0; v->node && i < v->node->n_edges; i++)
        visit(w, v->node->edges[i].var);
    if (is_running(v))
        visit_pass(w, v->pass);
}

static void forget(lg_var *first)
{
    while (first) {
        lg_var *next = next_of(first);
        first->mark = 0;
        first = next;
    }
}

/* v NULL: any pass that runs. */
static bool leads_to(lg_var *from, const lg_var *v)
{
    lg_walk w = {from};
    bool found = false;
    if (!from->open)
        return false;
    from->mark = LAST;
    for (lg_var *at = from; at && !found; at = next_of(at)) {
        found = v ? at == v : is_running(at);
        if (!found)
            visit_inputs(&w, at);
    }
    forget(from);
    return found;
}

bool lg__made_of(lg_var *from, const lg_var *v)
{
    return leads_to(from, v);
}

bool lg__made_of_pass(lg_var *from)
{
    return leads_to(from, NULL);
}
