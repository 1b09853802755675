/* aims.c - walks from a node through what its inputs are made of, on a stack of its own.
 *
 * No questions are asked here (gradient_ask.c) and nothing is delivered (gradient.c). */
#include "graph/aims.h"

#include <string.h>

#include "base/check.h"

typedef struct lg_place { /* where a walk is: a step, and its next input */
    lg_step *step;
    lg_text **instead; /* for each input, in the walk that marks; NULL: none yet */
    uint32_t next, to;
} lg_place;

typedef struct lg_walk {
    lg_mem *mem;
    lg_plan *plan;
    lg_place *places;
    size_t n, cap;
    uint64_t number;
} lg_walk;

static uint32_t edges_of(const lg_step *s)
{
    return s->var->node ? s->var->node->n_edges : 0;
}

/* A promise stands for the call or tool that it is made of, with the role that was asked for. What
 * is trained itself is asked about, whatever made it, and so is a text that the host put in the
 * place of what was made. */
static bool is_frame(const lg_step *s, const lg_text *seen)
{
    const lg_node *node = s->var->node;
    if (s->var->trained || s->var->replaced || seen != lg__var_first_text(s->var))
        return false;
    if (s->var->op != LG_OP_PROMISE)
        return lg__ops[s->var->op].compose != NULL;
    const lg_var *from = node->edges[node->n_edges - 1].var;
    return from && from->op != LG_OP_CALL && from->op != LG_OP_TOOL;
}

static int enter(lg_walk *w, lg_step *s, uint32_t from, uint32_t to)
{
    if (w->n == w->cap) {
        size_t cap = w->cap ? w->cap * 2 : LG_SMALL(16, 1);
        lg_place *more = lg__mem_grow(w->mem, w->places, w->cap * sizeof *more, cap * sizeof *more);
        if (!more)
            return LG_ENOMEM;
        w->places = more;
        w->cap = cap;
    }
    w->places[w->n++] = (lg_place){s, NULL, from, to};
    s->walk = w->number;
    return LG_OK;
}

static void walk_init(lg_walk *w, lg_plan *plan)
{
    memset(w, 0, sizeof *w);
    w->mem = plan->mem;
    w->plan = plan;
    w->number = ++plan->walks;
}

/* Who is at the other end of input i of s. NULL: nobody who takes feedback, or it failed. */
static lg_step *behind(const lg_plan *plan, const lg_step *s, uint32_t i, uint32_t *slot)
{
    *slot = plan->links[s->first_link + i];
    if (*slot == LG_NO_SLOT || !s->var->node->edges[i].seen)
        return NULL;
    return &plan->steps[plan->slots[*slot].step];
}

/* ---- finding ----------------------------------------------------------- */

static int add_aim(lg_aims *aims, lg_aim aim)
{
    if (aims->n == aims->cap) {
        size_t cap = aims->cap ? aims->cap * 2 : LG_SMALL(8, 1);
        lg_aim *more =
            lg__mem_grow(aims->mem, aims->list, aims->cap * sizeof *more, cap * sizeof *more);
        if (!more)
            return LG_ENOMEM;
        aims->list = more;
        aims->cap = cap;
    }
    aims->list[aims->n++] = aim;
    return LG_OK;
}

/* The next input of the place on top: an aim, a place to enter, or known already. */
static int look(lg_walk *w, lg_aims *aims)
{
    lg_place *at = &w->places[w->n - 1];
    uint32_t i = at->next++, slot;
    lg_step *to = behind(w->plan, at->step, i, &slot);
    if (!to || to->walk == w->number)
        return LG_OK;
    if (is_frame(to, at->step->var->node->edges[i].seen)) {
        to->through = true;
        return enter(w, to, 0, edges_of(to));
    }
    to->walk = w->number;
    uint32_t input = w->places[0].next - 1;
    return add_aim(aims, (lg_aim){to, at->step->var->node->edges[i].seen, slot, input});
}

int lg__aims_find(lg_plan *plan, lg_step *s, uint32_t from, uint32_t to, lg_aims *out)
{
    lg_walk w;
    walk_init(&w, plan);
    memset(out, 0, sizeof *out);
    out->mem = plan->mem;
    int err = enter(&w, s, from, to);
    while (!err && w.n > 0) {
        if (w.places[w.n - 1].next < w.places[w.n - 1].to)
            err = look(&w, out);
        else
            w.n--;
    }
    lg__mem_free(w.mem, w.places, w.cap * sizeof *w.places);
    return err;
}

void lg__aims_free(lg_aims *aims)
{
    lg__mem_free(aims->mem, aims->list, aims->cap * sizeof *aims->list);
    memset(aims, 0, sizeof *aims);
}

/* ---- marking ----------------------------------------------------------- */

static void free_instead(lg_mem *m, lg_place *at)
{
    for (uint32_t i = 0; at->instead && i < edges_of(at->step); i++)
        lg__text_unref(at->instead[i]);
    lg__mem_free(m, at->instead, at->instead ? edges_of(at->step) * sizeof *at->instead : 0);
    at->instead = NULL;
}

static int put_instead(lg_mem *m, lg_place *at, uint32_t i, lg_text *text)
{
    if (!at->instead) {
        at->instead = lg__mem_zero(m, edges_of(at->step) * sizeof *at->instead);
        if (!at->instead)
            return LG_ENOMEM;
    }
    at->instead[i] = lg__text_ref(text);
    return LG_OK;
}

/* The text of a frame, all of whose inputs were walked, goes up to who reads it. */
static int leave(lg_walk *w, lg_graph *g, lg_step **frames)
{
    lg_place *at = &w->places[--w->n];
    int err = LG_OK;
    if (at->instead) {
        lg_bytes b;
        char bad[64];
        lg__bytes_init(&b, g->mem, LG_BYTES_MAX);
        err = lg__ops[at->step->var->op].compose(g, at->step->var->node, at->instead, &b, bad);
        at->step->shown = err ? NULL : lg__text_of(&b);
        if (err)
            lg__bytes_free(&b);
        else if (!at->step->shown)
            err = LG_ENOMEM;
    }
    free_instead(w->mem, at);
    if (err || !at->step->shown)
        return err;
    at->step->next_shown = *frames;
    *frames = at->step;
    lg_place *above = &w->places[w->n - 1];
    return put_instead(w->mem, above, above->next - 1, at->step->shown);
}

static lg_text *mark_of(const lg_aim *aims, lg_text *const *marks, size_t n, const lg_step *to)
{
    for (size_t i = 0; i < n; i++) {
        if (aims[i].step == to)
            return marks[i];
    }
    return NULL;
}

static int mark_next(lg_walk *w, const lg_aim *aims, lg_text *const *marks, size_t n)
{
    lg_place *at = &w->places[w->n - 1];
    uint32_t i = at->next++, slot;
    lg_step *to = behind(w->plan, at->step, i, &slot);
    if (!to)
        return LG_OK;
    lg_text *mark = mark_of(aims, marks, n, to);
    if (mark)
        return put_instead(w->mem, at, i, mark);
    if (!is_frame(to, at->step->var->node->edges[i].seen))
        return LG_OK;
    if (to->walk != w->number)
        return enter(w, to, 0, edges_of(to));
    return to->shown ? put_instead(w->mem, at, i, to->shown) : LG_OK;
}

lg_text *lg__aim_conversation(lg_graph *g, lg_plan *plan, lg_step *s, const lg_aim *aims,
                              lg_text *const *marks, size_t n, size_t max_tokens)
{
    lg_walk w;
    lg_step *frames = NULL;
    lg_text *talk = NULL;
    walk_init(&w, plan);
    int err = enter(&w, s, 0, edges_of(s));
    while (!err && w.n > 0) {
        lg_place *at = &w.places[w.n - 1];
        if (at->next < at->to) {
            err = mark_next(&w, aims, marks, n);
        } else if (w.n > 1) {
            err = leave(&w, g, &frames);
        } else {
            talk = lg__ops[s->var->op].conversation(g, s->var->node, at->instead, max_tokens);
            break;
        }
    }
    while (w.n > 0)
        free_instead(w.mem, &w.places[--w.n]);
    for (lg_step *next; frames; frames = next) {
        next = frames->next_shown;
        frames->next_shown = NULL;
        lg__text_unref(frames->shown);
        frames->shown = NULL;
    }
    lg__mem_free(w.mem, w.places, w.cap * sizeof *w.places);
    return talk;
}
