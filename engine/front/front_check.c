/* front_check.c - whether the engine's own books agree with those of the graph, the scheduler
 * and the store, all of which are walked first.
 *
 * Debug builds only; called at the end of each step that is worth it. */
#include "base/check.h"
#include "front/front_internal.h"

#ifdef LG_DEBUG

/* ---- requests and who waits for them --------------------------------------- */

typedef struct lg_seen {
    uint64_t waiting; /* sum of the calls that requests tell of */
    size_t named;     /* how often entries name a request, as requests count it */
} lg_seen;

static void see_request(const lg_request *r, void *ud)
{
    lg_seen *seen = ud;
    bool unstarted = r->attempt && !r->attempt->load;
    /* Else nobody would ever read or free it. */
    LG_CHECK(r->waiters || r->listed > 0 || r->is_twin || unstarted);
    LG_CHECK(!r->attempt || (r->attempt->request == r && r->state == LG_REQ_SENT));
    seen->named += r->listed;
    for (const lg_node *n = r->waiters; n; n = n->u.call->next_waiting) {
        LG_CHECK(n->out->op == LG_OP_CALL && n->u.call->request == r);
        seen->waiting += lg__check_sum(n);
    }
}

static uint64_t calls_that_wait(const lg_graph *g)
{
    uint64_t sum = 0;
    for (const lg_var *v = lg__vars_first(g); v; v = lg__vars_after(v)) {
        bool waits = v->op == LG_OP_CALL && v->node && v->node->u.call->request;
        sum += waits ? lg__check_sum(v->node) : 0;
    }
    return sum;
}

/* ---- attempts -------------------------------------------------------------- */

static size_t check_listed(const lg_entries *l)
{
    size_t named = 0;
    LG_CHECK_QUEUE(l, lg_entry, next_listed);
    for (const lg_entry *one = l->head; one; one = one->next_listed) {
        LG_CHECK(one->kept);
        named += one->attempt.request ? 1 : 0;
    }
    return named;
}

/* They have ended, and a step that had no more time has not seen it. */
static void check_unstarted(const lg_engine *e)
{
    LG_CHECK_QUEUE(&e->unstarted, lg_entry, next_listed);
    for (const lg_entry *one = e->unstarted.head; one; one = one->next_listed) {
        const lg_attempt *a = &one->attempt;
        LG_CHECK(a->request && a->request->attempt == a && !a->load && a->fail.code);
    }
}

static size_t check_under_way(const lg_engine *e)
{
    size_t kept = 0;
    LG_CHECK(!e->turn.under_way || !e->turn.under_way->prev);
    for (const lg_entry *one = e->turn.under_way; one; one = one->next) {
        const lg_request *r = one->attempt.request;
        LG_CHECK(!one->next || one->next->prev == one);
        LG_CHECK(r && r->attempt == &one->attempt && r->state == LG_REQ_SENT);
        LG_CHECK(one->kept == (e->store && r->model->provider));
        kept += one->kept ? 1 : 0;
    }
    return kept;
}

static void check_entries(const lg_engine *e, const lg_seen *seen)
{
    const lg_batch *all[] = {&e->turn, &e->synced, &e->next};
    size_t entries = check_under_way(e), named = check_listed(&e->turn.waiting);
    named += check_listed(&e->turn.stored);
    check_unstarted(e);
    for (size_t i = 0; i < 3; i++) {
        named += check_listed(&all[i]->picked) + check_listed(&all[i]->ended);
        entries += all[i]->ended.n;
        LG_CHECK_QUEUE(&all[i]->results, lg_outcome, next);
        for (const lg_outcome *o = all[i]->results.head; o; o = o->next)
            LG_CHECK(o->out->op == LG_OP_TOOL && o->out->refs > 0 && o->text);
    }
    LG_CHECK(entries == e->turn.entries);
    LG_CHECK(named == seen->named);
    LG_CHECK(!e->next.commit || e->synced.commit <= e->next.commit || !e->next.ended.head);
}

/* ---- the host's work, and time --------------------------------------------- */

static void check_works(lg_engine *e)
{
    size_t pos = 0, queued = 0, listed = 0;
    uint64_t id;
    const lg_work *w;
    for (const lg_party *p = &e->graph.host_party; p; p = p->next) {
        LG_CHECK_QUEUE(&p->out, lg_work, next);
        for (w = p->out.head; w; w = w->next)
            LG_CHECK(w->queued && w->party == p);
        listed += p->out.n;
    }

    while ((w = lg__map_next(&e->works, &pos, &id))) {
        LG_CHECK(w->id == id && (w->queued || w->announced));
        LG_CHECK((w->type == LG_EVENT_CALL) == (w->request != NULL));
        LG_CHECK((w->type == LG_EVENT_TOOL || w->type == LG_EVENT_FUNCTION) == (w->node != NULL));
        LG_CHECK((w->type == LG_EVENT_GRADIENT) == (w->step != NULL));
        LG_CHECK(!w->request || w->request->state == LG_REQ_SENT);
        LG_CHECK(!w->node || w->node->work == id);
        LG_CHECK(!w->step || w->step->work == id);
        queued += w->queued ? 1 : 0;
    }
    LG_CHECK(queued <= listed);
}

/* A timer that was cancelled, and is not yet dropped, is still in the heap. */
static void check_timers(const lg_engine *e)
{
    const lg_heap *h = &e->timers.due;
    size_t pending = 0;
    lg__heap_check(h);
    for (const lg_var *v = lg__vars_first(&e->graph); v; v = lg__vars_after(v))
        pending += v->op == LG_OP_TIMER && v->state == LG_PENDING ? 1 : 0;

    LG_CHECK(pending <= h->n);
    LG_CHECK(h->n == 0 || e->timers.text);
}

/* A program whose variable was cancelled may still run. */
static void check_commands(const lg_engine *e)
{
    size_t pending = 0;
    for (const lg_var *v = lg__vars_first(&e->graph); v; v = lg__vars_after(v)) {
        if (v->op == LG_OP_COMMAND && v->state == LG_PENDING) {
            LG_CHECK(v->node->u.command);
            pending++;
        }
    }
    LG_CHECK(pending <= lg__commands_active(e->commands));
}

/* ---- all ------------------------------------------------------------------- */

void lg__engine_check(lg_engine *e)
{
    lg_seen seen = {0, 0};
    lg__graph_check(&e->graph);
    lg__sched_check(e->sched);
    if (e->store)
        lg__store_check(e->store);

    lg__sched_walk(e->sched, see_request, &seen);
    LG_CHECK(seen.waiting == calls_that_wait(&e->graph)); /* each by the one it waits for */
    check_entries(e, &seen);
    check_works(e);
    check_timers(e);
    check_commands(e);
}

/* A walk costs as much as there is: where that is much, only every so many steps pay for it,
 * so that a step costs no more than a bounded time on the average. */
enum { STEP_PAYS = 512 };

void lg__engine_stepped(lg_engine *e)
{
    size_t size = e->graph.n_live + e->works.count + e->turn.entries;
    if (++e->unchecked * STEP_PAYS >= size) {
        e->unchecked = 0;
        lg__engine_check(e);
    }
}

#endif
