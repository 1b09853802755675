/* unseen.c - results that failed, and nobody has looked: a script that forgot to would end as
 * if all were well.
 *
 * A failure is looked at when its error is asked for, or passed on when something was made of
 * the result. What was cancelled counts as looked at. Variables that are freed unseen are
 * counted, and the first are remembered. */
#include "graph/unseen.h"

#include <string.h>

#include "graph/graph.h"

void lg__unseen_failed(lg_var *v)
{
    const lg_waiter *w = v->waiters;
    while (w && w->kind == LG_WAIT_WATCH)
        w = w->next;

    v->unseen = v->state == LG_FAILED && !w && !v->disowned;
}

void lg__unseen_disown(lg_var *v)
{
    v->disowned = true;
    v->unseen = false;
}

void lg__unseen_look(lg_var *v)
{
    v->unseen = false;
}

static lg_unseen told(const lg_var *v)
{
    return (lg_unseen){.id = v->id,
                       .code = v->code,
                       .message = v->fail ? v->fail->message : NULL,
                       .hint = v->fail ? v->fail->hint : NULL};
}

/* Into a list by id of at most LG_UNSEEN_KEPT; *dropped: the one that has no place. */
static bool insert(lg_unseen *list, size_t *n, lg_unseen one, lg_unseen *dropped)
{
    size_t at = *n;
    bool full = *n == LG_UNSEEN_KEPT;
    while (at > 0 && list[at - 1].id > one.id)
        at--;

    if (at == LG_UNSEEN_KEPT) {
        *dropped = one;
        return true;
    }
    if (full)
        *dropped = list[*n - 1];

    *n += !full;
    memmove(list + at + 1, list + at, (*n - at - 1) * sizeof *list);
    list[at] = one;
    return full;
}

void lg__unseen_gone(lg_var *v)
{
    lg_unseen dropped;
    lg_unseens *u = &v->party->unseens;
    if (!v->unseen || v->graph->closing || v->party->closed)
        return;

    u->n++;
    lg_unseen one = told(v);
    lg__text_ref(one.message);
    lg__text_ref(one.hint);
    if (insert(u->kept, &u->n_kept, one, &dropped)) {
        lg__text_unref(dropped.message);
        lg__text_unref(dropped.hint);
    }
}

void lg__unseen_free(lg_unseens *u)
{
    for (size_t i = 0; i < u->n_kept; i++) {
        lg__text_unref(u->kept[i].message);
        lg__text_unref(u->kept[i].hint);
    }
    u->n_kept = 0;
}

size_t lg__unseen_list(const lg_graph *g, lg_unseen *out, size_t *shown)
{
    lg_unseen dropped;
    size_t n = g->party->unseens.n;
    *shown = g->party->unseens.n_kept;
    memcpy(out, g->party->unseens.kept, *shown * sizeof *out);
    for (const lg_var *v = g->party->vars; v; v = v->next) {
        if (v->unseen) {
            n++;
            insert(out, shown, told(v), &dropped);
        }
    }
    return n;
}
