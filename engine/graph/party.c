/* party.c - parties and their lists, and the operators' prompts, which are a party's own or the
 * host's. See party.h. */
#include "graph/party.h"

#include <string.h>

#include "base/check.h"
#include "graph/graph.h"

/* ---- life -------------------------------------------------------------- */

void lg__party_init(lg_party *p, lg_graph *g)
{
    p->graph = g;
    p->refs = 1;
    p->due_us = INT64_MAX;
    lg__bytes_init(&p->partial, g->mem, LG_BYTES_MAX);
}

lg_party *lg__party_make(lg_graph *g)
{
    lg_party *p = lg__mem_zero(g->mem, sizeof *p);
    if (!p)
        return NULL;
    lg__party_init(p, g);
    p->prev = &g->host_party;
    p->next = g->host_party.next;
    if (p->next)
        p->next->prev = p;
    g->host_party.next = p;
    return p;
}

lg_party *lg__party_ref(lg_party *p)
{
    p->refs++;
    return p;
}

void lg__party_unref(lg_party *p)
{
    LG_CHECK(p->refs > 0);
    if (--p->refs > 0)
        return;
    LG_CHECK(!p->vars && p->prev);
    lg_mem *m = p->graph->mem;
    p->prev->next = p->next;
    if (p->next)
        p->next->prev = p->prev;
    lg__mem_free(m, p, sizeof *p);
}

void lg__party_charge(lg_var *v, int64_t n)
{
    v->bytes += (size_t)n;
    v->party->bytes += (size_t)n;
}

bool lg__party_hears(const lg_party *p)
{
    return p->fired.head || p->out.head || p->partials.head || p->gone.head;
}

static void drop_templates(lg_party *p)
{
    lg_graph *g = p->graph;
    while (p->templates) {
        lg_template *t = p->templates;
        p->templates = t->next;
        lg__graph_drop(g, t->var);
        lg__mem_strfree(g->mem, t->name);
        lg__mem_free(g->mem, t, sizeof *t);
    }
}

static void drop_fired(lg_party *p)
{
    lg_graph *g = p->graph;
    for (lg_waiter *w; (w = lg__waits_pop(&p->fired));) {
        lg_var *v = ((lg_watcher *)w)->var;
        lg__watcher_free(g, (lg_watcher *)w);
        lg__graph_drop(g, v);
    }
}

static void drop_partials(lg_party *p)
{
    for (;;) {
        lg_node *n;
        LG_QUEUE_POP(&p->partials, n, u.call->next_partial);
        if (!n)
            return;
        n->u.call->announced = false;
        lg_var_unref(n->out);
    }
}

static void drop_gone(lg_party *p)
{
    for (;;) {
        lg_gone *one;
        LG_QUEUE_POP(&p->gone, one, next);
        if (!one)
            return;
        lg__gone_free(p->graph, one);
    }
}

/* Nobody else may free p meanwhile: the owner's count is given back last. */
void lg__party_close(lg_party *p)
{
    lg_var *v = p->event_var;
    p->closed = true;
    p->event_var = NULL;
    lg__graph_drop(p->graph, v);
    lg__text_unref(p->event_text);
    p->event_text = NULL;
    drop_fired(p);
    drop_partials(p);
    drop_gone(p);
    drop_templates(p);
    lg__unseen_free(&p->unseens);
    lg__bytes_free(&p->partial);
    lg__party_unref(p);
}

void lg__party_empty(lg_party *p)
{
    p->event_var = NULL;
    lg__text_unref(p->event_text);
    p->partials.head = p->partials.tail = NULL; /* their counts die with the graph */
    drop_fired(p);
    drop_gone(p);
    drop_templates(p);
    lg__unseen_free(&p->unseens);
    lg__bytes_free(&p->partial);
}

/* ---- all variables ------------------------------------------------------- */

static lg_var *first_from(const lg_party *p)
{
    while (p && !p->vars)
        p = p->next;
    return p ? p->vars : NULL;
}

lg_var *lg__vars_first(const lg_graph *g)
{
    return first_from(&g->host_party);
}

lg_var *lg__vars_after(const lg_var *v)
{
    return v->next ? v->next : first_from(v->party->next);
}

/* ---- templates ----------------------------------------------------------- */

static lg_template *find(const lg_party *p, const char *name)
{
    for (lg_template *t = p->templates; t; t = t->next) {
        if (strcmp(t->name, name) == 0)
            return t;
    }
    return NULL;
}

lg_var *lg__template_find(const lg_graph *g, const char *name)
{
    lg_template *t = find(g->party, name);
    if (!t && g->party != &g->host_party)
        t = find(&g->host_party, name);
    return t ? t->var : NULL;
}

int lg__template_put(lg_graph *g, const char *name, lg_var *v)
{
    lg_party *p = g->party;
    lg_template *t = find(p, name);
    if (t) {
        lg_var_ref(v);
        lg_var_unref(t->var);
        t->var = v;
        return LG_OK;
    }
    t = lg__mem_zero(g->mem, sizeof *t);
    if (t)
        t->name = lg__mem_strdup(g->mem, name);
    if (!t || !t->name) {
        lg__mem_free(g->mem, t, sizeof *t);
        return LG_ENOMEM;
    }
    t->var = lg_var_ref(v);
    t->next = p->templates;
    p->templates = t;
    return LG_OK;
}
