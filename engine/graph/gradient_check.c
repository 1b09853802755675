/* gradient_check.c - whether a pass is as gradient_internal.h and plan.h say.
 *
 * Debug builds only. What will come back to it is counted by graph_check.c, which sees where
 * it comes from. */
#include "base/check.h"
#include "graph/gradient_internal.h"

#ifdef LG_DEBUG

static void check_step(const lg_pass *p, const lg_step *s)
{
    const lg_plan *plan = &p->plan;
    LG_CHECK(s->pass == p && s->var && s->var->refs > 0);
    LG_CHECK(s->wait.kind == LG_WAIT_STEP);
    LG_CHECK(s->n_missing <= s->n_slots);
    LG_CHECK(s->first_slot + s->n_slots <= plan->n_slots);
    LG_CHECK(!s->gathered || s->n_missing == 0);
    for (uint32_t i = 0; s->gathered && i < s->n_slots; i++)
        LG_CHECK(!plan->slots[s->first_slot + i].records);
}

static void check_plan(const lg_pass *p)
{
    const lg_plan *plan = &p->plan;
    for (size_t i = 0; i < plan->n_steps; i++)
        check_step(p, &plan->steps[i]);

    for (size_t i = 0; i < plan->n_slots; i++) {
        const lg_slot *slot = &plan->slots[i];
        const lg_step *to = &plan->steps[slot->step];
        LG_CHECK(slot->step < plan->n_steps);
        LG_CHECK(i >= to->first_slot && i < to->first_slot + to->n_slots);
    }
    for (size_t i = 0; i < plan->n_links; i++)
        LG_CHECK(plan->links[i] == LG_NO_SLOT || plan->links[i] < plan->n_slots);
}

static void check_jobs(const lg_pass *p)
{
    size_t n = 0;
    LG_CHECK(!p->jobs || !p->jobs->prev);
    for (const lg_inquiry *j = p->jobs; j; j = j->next, n++) {
        LG_CHECK(n < p->busy);
        LG_CHECK(j->pass == p && j->wait.kind == LG_WAIT_JOB);
        LG_CHECK(j->asked && j->asked->refs > 0);
        LG_CHECK(!j->next || j->next->prev == j);
        LG_CHECK(p->plan.n_steps == 0 ||
                 (j->step >= p->plan.steps && j->step < p->plan.steps + p->plan.n_steps));
        LG_CHECK(!j->reduction || (j->reduction->open > 0 && j->place < j->reduction->n));
    }
}

void lg__pass_check(const lg_pass *p)
{
    bool over = p->cancelled || p->settled;
    LG_CHECK(p->out && p->out->pass == p && p->out->graph == p->g);
    LG_CHECK(over == (p->out->state != LG_PENDING));
    LG_CHECK(!p->settled || p->steps_left == 0);
    LG_CHECK(p->settled || p->cancelled || p->steps_left > 0);
    LG_CHECK(p->busy > 0 || over);
    LG_CHECK(p->busy == 0 || p->plan.n_steps > 0); /* whom it waits for is part of the plan */
    LG_CHECK(p->steps_left <= p->plan.n_steps || p->plan.n_steps == 0);
    LG_CHECK(!p->model || p->context_tokens > 0);
    check_plan(p);
    check_jobs(p);
}

#endif
