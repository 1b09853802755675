/* gradient_say.c - records of feedback: made of what was said, and given to whom it is for.
 *
 * Who says what is decided elsewhere (gradient.c, gradient_node.c, gradient_trace.c). */
#include "graph/gradient_internal.h"

static const char *kind_of(const lg_record *r)
{
    return r->state == LG_FB_TEXT ? "text" : r->state == LG_FB_NONE ? "none" : "empty";
}

/* In the order of the graph, whoever came first: several give to the slot of a text that they
 * see through. */
void lg__pass_give(lg_pass *p, uint32_t slot, lg_record *r)
{
    LG_TRACE(p->g->log, "feedback of pass %llu: node %llu -> node %llu (%s, %zu bytes)",
             (unsigned long long)p->out->id, (unsigned long long)r->from,
             (unsigned long long)p->plan.steps[p->plan.slots[slot].step].var->id, kind_of(r),
             r->text ? r->text->len : 0);
    lg_record **at = &p->plan.slots[slot].records;
    while (*at && (*at)->order <= r->order)
        at = &(*at)->next;
    r->next = *at;
    *at = r;
}

lg_record *lg__pass_fresh(lg_pass *p, lg_step *s, int state, uint32_t input)
{
    lg_record *r = lg__record_new(p->g->mem, state);
    if (!r) {
        lg__pass_note(p, s, LG_ENOMEM, NULL);
        return NULL;
    }
    r->from = s->var->id;
    r->root = p->root_id;
    r->from_role = lg__text_ref(s->var->role);
    r->input = input;
    r->order = (uint32_t)(s - p->plan.steps);
    r->example = s->var->example;
    return r;
}

/* What s heard that carries a score or an example lends it to what s says. */
static void lend(const lg_step *s, lg_record *r)
{
    if (s->var->has_score) {
        r->has_score = true;
        r->score = s->var->score;
        r->target = s->var->target;
    }
    for (const lg_record *h = s->records; h; h = h->next) {
        if (r->example < 0)
            r->example = h->example;
        if (!r->has_score && h->has_score) {
            r->has_score = true;
            r->score = h->score;
            r->target = h->target;
        }
        if (!r->group)
            r->group = h->group;
        if (r->weight == 1)
            r->weight = h->weight;
        if (!r->goal)
            r->goal = lg__text_ref(h->goal);
    }
}

/* false: no memory; then nothing is kept. */
static bool keep_remarks(lg_pass *p, lg_record *r, lg_text *remarks)
{
    if (!remarks || !remarks->len)
        return true;
    r->remarks = lg__text_trim(p->g->mem, remarks, LG_REMARKS_TOKENS);
    return r->remarks != NULL;
}

lg_record *lg__pass_record(lg_step *s, uint32_t input, lg_telling what)
{
    lg_pass *p = s->pass;
    lg_record *r = lg__pass_fresh(p, s, what.text ? LG_FB_TEXT : LG_FB_EMPTY, input);
    if (!r)
        return NULL;
    lend(s, r);
    r->text = lg__text_ref(what.text);
    r->conversation = lg__text_ref(what.conversation);
    r->var = what.var ? lg_var_ref(what.var) : NULL;
    if (!keep_remarks(p, r, what.remarks))
        lg__pass_note(p, s, LG_ENOMEM, NULL);
    if (!r->goal || lg__step_judges(s)) { /* a judge's own words say it best */
        lg__text_unref(r->goal);
        r->goal = lg__pass_goal(p, s);
    }
    if (what.text)
        p->n_texts++;
    return r;
}

void lg__pass_say(lg_step *s, uint32_t slot, uint32_t input, lg_telling what)
{
    lg_record *r = lg__pass_record(s, input, what);
    if (r)
        lg__pass_give(s->pass, slot, r);
}
