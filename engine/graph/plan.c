/* plan.c - the reverse plan: discovery by an explicit stack, then slots. */
#include "graph/plan.h"

#include <string.h>

#include "base/check.h"
#include "graph/graph.h"

/* During the build var.mark holds the step's number plus one. */

typedef struct lg_growing {
    lg_var **vars;
    size_t n, cap;
} lg_growing;

static int grow(lg_mem *m, lg_growing *l, lg_var *v)
{
    if (l->n == l->cap) {
        size_t cap = l->cap ? l->cap * 2 : LG_SMALL(64, 1);
        lg_var **vars = lg__mem_grow(m, l->vars, l->cap * sizeof *vars, cap * sizeof *vars);
        if (!vars)
            return LG_ENOMEM;
        l->vars = vars;
        l->cap = cap;
    }
    l->vars[l->n++] = v;
    return LG_OK;
}

/* What is only shown is an input by another edge, too. */
static bool takes_part(const lg_edge *e)
{
    return e->var && e->var->grad && strcmp(e->name->data, LG_SHOWN) != 0;
}

/* Breadth first, inputs in order: the list is its own queue, and its order is a
 * property of the graph alone. */
static int discover(lg_mem *m, lg_growing *l, lg_var *root, size_t *n_links, bool *open)
{
    int err = grow(m, l, root);
    if (!err)
        root->mark = 1;
    for (size_t at = 0; !err && at < l->n; at++) {
        const lg_node *node = l->vars[at]->node;
        size_t n = node ? node->n_edges : 0;
        *n_links += n;
        *open = *open || lg__promise_open(l->vars[at]);
        for (size_t i = 0; !err && i < n; i++) {
            lg_var *in = node->edges[i].var;
            if (!takes_part(&node->edges[i]) || in->mark)
                continue;
            err = grow(m, l, in);
            if (!err)
                in->mark = l->n;
        }
    }
    return err;
}

static uint32_t step_of(const lg_var *v)
{
    return (uint32_t)(v->mark - 1);
}

static void count_slots(lg_plan *p)
{
    for (size_t s = 0; s < p->n_steps; s++) {
        const lg_node *node = p->steps[s].var->node;
        for (uint32_t i = 0; node && i < node->n_edges; i++) {
            if (takes_part(&node->edges[i])) {
                p->steps[step_of(node->edges[i].var)].n_slots++;
                p->n_slots++;
            }
        }
    }
}

static int make_slots(lg_plan *p)
{
    count_slots(p);
    if (p->n_slots >= LG_NO_SLOT)
        return LG_ELIMIT;
    p->slots = lg__mem_zero(p->mem, (p->n_slots + 1) * sizeof *p->slots);
    p->links = lg__mem_new(p->mem, (p->n_links + 1) * sizeof *p->links);
    if (!p->slots || !p->links)
        return LG_ENOMEM;
    uint32_t first = 0;
    for (size_t s = 0; s < p->n_steps; s++) {
        p->steps[s].first_slot = first;
        first += p->steps[s].n_slots;
        p->steps[s].n_slots = 0; /* filled again below */
    }
    size_t link = 0;
    for (size_t s = 0; s < p->n_steps; s++) {
        const lg_node *node = p->steps[s].var->node;
        p->steps[s].first_link = link;
        for (uint32_t i = 0; node && i < node->n_edges; i++, link++) {
            p->links[link] = LG_NO_SLOT;
            if (!takes_part(&node->edges[i]))
                continue;
            uint32_t to = step_of(node->edges[i].var);
            uint32_t slot = p->steps[to].first_slot + p->steps[to].n_slots++;
            p->slots[slot].step = to;
            p->links[link] = slot;
        }
    }
    for (size_t s = 0; s < p->n_steps; s++)
        p->steps[s].n_missing = p->steps[s].n_slots;
    return LG_OK;
}

static int make_steps(lg_plan *p, const lg_growing *l)
{
    p->steps = lg__mem_zero(p->mem, l->n * sizeof *p->steps);
    if (!p->steps)
        return LG_ENOMEM;
    p->n_steps = l->n;
    for (size_t s = 0; s < l->n; s++) {
        p->steps[s].var = lg_var_ref(l->vars[s]);
        p->steps[s].wait.kind = LG_WAIT_STEP;
    }
    return make_slots(p);
}

int lg__plan_build(lg_plan *p, lg_graph *g, lg_var *root)
{
    lg_growing l = {NULL, 0, 0};
    memset(p, 0, sizeof *p);
    p->mem = g->mem;
    int err = discover(g->mem, &l, root, &p->n_links, &p->open);
    if (!err)
        err = make_steps(p, &l);
    if (!err && p->steps[0].n_slots > 0)
        err = LG_ECYCLE; /* who would deliver to the root is made of it */
    for (size_t i = 0; i < l.n; i++)
        l.vars[i]->mark = 0;
    lg__mem_free(g->mem, l.vars, l.cap * sizeof *l.vars);
    if (err)
        lg__plan_free(p, g);
    return err;
}

void lg__plan_free(lg_plan *p, lg_graph *g)
{
    for (size_t i = 0; p->slots && i < p->n_slots; i++)
        lg__records_free(g, p->slots[i].records);
    for (size_t i = 0; i < p->n_steps; i++) {
        lg__records_free(g, p->steps[i].records);
        lg__graph_drop(g, p->steps[i].var);
    }
    lg__mem_free(p->mem, p->slots, p->slots ? (p->n_slots + 1) * sizeof *p->slots : 0);
    lg__mem_free(p->mem, p->links, p->links ? (p->n_links + 1) * sizeof *p->links : 0);
    lg__mem_free(p->mem, p->steps, p->n_steps * sizeof *p->steps);
    memset(p, 0, sizeof *p);
}
