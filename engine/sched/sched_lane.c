/* sched_lane.c - endpoints, their lanes, and who goes next.
 *
 * A lane is one model at one endpoint, for servers limit each apart. Lanes take turns;
 * in a lane first come, first served, but what was tried goes first, then what a step
 * waits for (backward, optimizer and judge, one after the other), then new forward work, which is
 * never kept waiting for more than a few of those. */
#include <string.h>

#include "base/digest.h"
#include "sched/sched_internal.h"

enum { URGENT_MOST = 7 };

/* ---- rings and holds ------------------------------------------------------- */

static void ring_remove(lg_sched *s, lg_lane *l, int k)
{
    l->ring_prev[k]->ring_next[k] = l->ring_next[k];
    l->ring_next[k]->ring_prev[k] = l->ring_prev[k];
    if (s->rings[k] == l)
        s->rings[k] = l->ring_next[k] != l ? l->ring_next[k] : NULL;

    l->ring_next[k] = l->ring_prev[k] = NULL;
}

/* At the end: behind all that are to come. */
static void ring_add(lg_sched *s, lg_lane *l, int k)
{
    lg_lane *first = s->rings[k] ? s->rings[k] : l;
    lg_lane *last = s->rings[k] ? first->ring_prev[k] : l;
    l->ring_next[k] = first;
    l->ring_prev[k] = last;
    first->ring_prev[k] = l;
    last->ring_next[k] = l;
    s->rings[k] = first;
}

static int64_t held_until(const lg_lane *l)
{
    int64_t at = l->pause_us > l->hold_us ? l->pause_us : l->hold_us;
    return at > l->endpoint->down_us ? at : l->endpoint->down_us;
}

/* A lane is told by the model of who is first in it. */
static void tell_hold(const lg_sched *s, const lg_lane *l, int64_t until)
{
    const lg_request *first = NULL;
    if (!lg__log_hears(s->log, LG_LOG_DEBUG))
        return;

    for (int i = 0; i < LG_LINES && !first; i++)
        first = l->lines[i].head;

    const char *name = first ? first->model->name : "-";
    if (until > 0) {
        LG_TRACE(s->log, "lane %s: open -> held (%s, %.3f s)", name,
                 until == l->endpoint->down_us ? "down" : "rate",
                 (double)(until - lg__clock_now(s->clock)) / 1e6);
    } else {
        LG_TRACE(s->log, "lane %s: held -> open", name);
    }
}

static void hold(lg_sched *s, lg_lane *l, bool held)
{
    if (held == l->held)
        return;

    l->held = held;
    tell_hold(s, l, held ? held_until(l) : 0);
    if (held) {
        l->held_prev = NULL;
        l->held_next = s->held;
        if (l->held_next)
            l->held_next->held_prev = l;

        s->held = l;
        return;
    }
    *(l->held_prev ? &l->held_prev->held_next : &s->held) = l->held_next;
    if (l->held_next)
        l->held_next->held_prev = l->held_prev;
}

/* Behind a cap of costs all have one, to be refused. While the endpoint is down, calls
 * that hang there keep nobody from trying. */
static bool has_place(const lg_sched *s, const lg_lane *l)
{
    const lg_endpoint *ep = l->endpoint;
    if (s->stats.cap != LG_CAP_NONE)
        return true;

    if (ep->is_down)
        return !ep->probe;

    bool room = l->probing ? !l->probe : l->in_flight < (int)l->window;
    return room && ep->in_flight < lg__endpoint_limit(s, ep);
}

static size_t count(const lg_lane *l, int go)
{
    switch (go) {
    case LG_GO_AGAIN:
        return l->lines[LG_LINE_AGAIN].count;
    case LG_GO_FORWARD:
        return l->lines[LG_LINE_FRESH + LG_FORWARD].count;
    default:
        return l->lines[LG_LINE_FRESH + LG_BACKWARD].count +
               l->lines[LG_LINE_FRESH + LG_OPTIMIZER].count +
               l->lines[LG_LINE_FRESH + LG_JUDGE].count;
    }
}

bool lg__lane_is_idle(const lg_sched *s, const lg_lane *l)
{
    bool any = false;
    for (int k = 0; k < LG_GOES; k++)
        any = any || count(l, k) > 0;

    return !any && !l->probing && !l->endpoint->is_down && held_until(l) == 0 &&
           s->stats.cap == LG_CAP_NONE && has_place(s, l);
}

bool lg__lane_could(const lg_sched *s, const lg_lane *l, int go)
{
    return count(l, go) > 0 && held_until(l) == 0 && has_place(s, l);
}

static void refresh(lg_sched *s, lg_lane *l)
{
    bool waits = false, held = held_until(l) > 0;
    for (int k = 0; k < LG_GOES; k++) {
        bool any = count(l, k) > 0, could = lg__lane_could(s, l, k);
        if (could && !l->ring_next[k])
            ring_add(s, l, k);
        else if (!could && l->ring_next[k])
            ring_remove(s, l, k);

        waits = waits || any;
    }
    hold(s, l, waits && held);
}

void lg__endpoint_refresh(lg_sched *s, lg_endpoint *ep)
{
    for (lg_lane *l = ep->lanes; l; l = l->next)
        refresh(s, l);
}

void lg__endpoint_release(lg_sched *s, lg_endpoint *ep)
{
    ep->down_us = 0;
    for (lg_lane *l = ep->lanes; l; l = l->next)
        l->pause_us = l->hold_us = 0;

    lg__endpoint_refresh(s, ep);
}

/* ---- time --------------------------------------------------------------------- */

static bool wake(lg_sched *s, lg_lane *l, int64_t now)
{
    lg_endpoint *ep = l->endpoint;
    int64_t *all[] = {&l->pause_us, &l->hold_us, &ep->down_us};
    bool any = false;
    for (int i = 0; i < 3; i++) {
        if (*all[i] > 0 && *all[i] <= now) {
            *all[i] = 0;
            any = true;
        }
    }
    if (any)
        lg__endpoint_refresh(s, ep);

    return any;
}

/* A refresh may take others off the list: it is looked through again from its head. */
void lg__lanes_wake(lg_sched *s, int64_t now, bool all)
{
    lg_lane *l = s->held;
    while (l) {
        if (all)
            lg__endpoint_release(s, l->endpoint);

        bool changed = all || wake(s, l, now);
        l = changed ? s->held : l->held_next;
    }
}

int64_t lg__lanes_due(const lg_sched *s)
{
    int64_t due = INT64_MAX;
    for (const lg_lane *l = s->held; l; l = l->held_next) {
        int64_t at = held_until(l);
        due = at < due ? at : due;
    }
    return due;
}

void lg__lanes_stats(const lg_sched *s, lg_stats *out)
{
    out->held = 0;
    out->held_until_us = 0;
    out->held_by = LG_HOLD_NONE;
    for (const lg_lane *l = s->held; l; l = l->held_next) {
        int64_t at = held_until(l);
        for (int i = 0; i < LG_LINES; i++)
            out->held += l->lines[i].count;

        if (out->held_until_us == 0 || at < out->held_until_us) {
            out->held_until_us = at;
            out->held_by = at == l->endpoint->down_us ? LG_HOLD_DOWN : LG_HOLD_RATE;
        }
    }
}

/* ---- turns ---------------------------------------------------------------------- */

static lg_request *pick_step(const lg_lane *l)
{
    for (int i = 1; i <= LG_KINDS; i++) {
        int kind = (l->last_kind + i) % LG_KINDS;
        lg_request *r = l->lines[LG_LINE_FRESH + kind].head;
        if (r && kind != LG_FORWARD)
            return r;
    }
    return NULL;
}

/* New work that could start, where it has waited long enough. */
static lg_request *pick_overdue(const lg_endpoint *ep)
{
    for (const lg_lane *l = ep->lanes; l && ep->urgent_run >= URGENT_MOST; l = l->next) {
        if (l->ring_next[LG_GO_FORWARD])
            return l->lines[LG_LINE_FRESH + LG_FORWARD].head;
    }
    return NULL;
}

lg_request *lg__lane_pick(lg_lane *lane, int go)
{
    if (go == LG_GO_STEP) {
        lg_request *overdue = pick_overdue(lane->endpoint);
        return overdue ? overdue : pick_step(lane);
    }
    return lane->lines[go == LG_GO_AGAIN ? LG_LINE_AGAIN : LG_LINE_FRESH + LG_FORWARD].head;
}

void lg__lane_started(lg_lane *lane, const lg_request *r)
{
    if (lane->in_flight >= (int)lane->window)
        lane->full_seq = r->seq;

    lg__width_sent(lane, r);
    if (r->attempts > 1)
        return;

    if (r->kind == LG_FORWARD) {
        lane->endpoint->urgent_run = 0;
    } else {
        lane->endpoint->urgent_run++;
        lane->last_kind = r->kind;
    }
}

/* ---- making and forgetting ---------------------------------------------------------- */

/* Calls to one place with one key share it; a host's model is its own place, and so is a
 * program. */
static void endpoint_key(const lg_model *model, unsigned char key[32])
{
    const char *query, *secret = model->api_key ? model->api_key : "";
    size_t base = lg__model_base(model, &query);
    const char *place = base ? model->base_url : model->model;
    lg_piece wire[] = {{"wire", 4}, {place, base ? base : strlen(place)}, {secret, strlen(secret)}};
    lg_piece host[] = {{"host", 4}, {&model, sizeof(const lg_model *)}};
    lg__digest(model->provider ? wire : host, model->provider ? 3 : 2, key);
}

static void lane_key(const lg_endpoint *ep, const lg_model *model, unsigned char key[32])
{
    lg_piece pieces[] = {{ep->key, 32}, {model->model, strlen(model->model)}};
    lg__digest(pieces, 2, key);
}

static lg_endpoint *endpoint_new(lg_sched *s, const unsigned char key[32])
{
    lg_endpoint *ep = lg__mem_zero(s->mem, sizeof *ep);
    if (!ep)
        return NULL;

    memcpy(ep->key, key, 32);
    lg__fail_init(&ep->refusal);
    if (lg__keymap_put(&s->endpoints, key, ep)) {
        lg__mem_free(s->mem, ep, sizeof *ep); /* nothing in its refusal yet */
        return NULL;
    }
    ep->next = s->all_endpoints;
    if (ep->next)
        ep->next->prev = ep;

    s->all_endpoints = ep;
    return ep;
}

static void endpoint_free(lg_sched *s, lg_endpoint *ep)
{
    *(ep->prev ? &ep->prev->next : &s->all_endpoints) = ep->next;
    if (ep->next)
        ep->next->prev = ep->prev;

    lg__keymap_take(&s->endpoints, ep->key);
    lg__fail_free(&ep->refusal);
    lg__mem_free(s->mem, ep, sizeof *ep);
}

static lg_lane *lane_new(lg_sched *s, lg_endpoint *ep, const unsigned char key[32],
                         const lg_model *model)
{
    lg_lane *l = lg__mem_zero(s->mem, sizeof *l);
    if (!l)
        return NULL;

    memcpy(l->key, key, 32);
    if (lg__keymap_put(&s->lanes, key, l)) {
        lg__mem_free(s->mem, l, sizeof *l);
        return NULL;
    }
    l->endpoint = ep;
    l->slow_start = true;
    lg__width_begin(s, l, model);
    l->input_ratio = 1;
    l->mean_output = -1;
    lg_lane **last = &ep->lanes;
    while (*last) {
        l->prev = *last;
        last = &(*last)->next;
    }
    *last = l;
    return l;
}

static void lane_free(lg_sched *s, lg_lane *l)
{
    hold(s, l, false);
    *(l->prev ? &l->prev->next : &l->endpoint->lanes) = l->next;
    if (l->next)
        l->next->prev = l->prev;

    lg__keymap_take(&s->lanes, l->key);
    lg__times_free(s, l);
    lg__fail_free(&l->day);
    lg__mem_free(s->mem, l, sizeof *l);
}

static void state(int64_t *limit, int64_t stated)
{
    if (stated > 0 && (*limit == 0 || stated < *limit))
        *limit = stated;
}

/* A model's wishes hold for all of its endpoint, or of its lane. */
static void apply(lg_sched *s, lg_lane *l, const lg_model *model)
{
    lg_endpoint *ep = l->endpoint;
    state(&l->allowances[LG_LIMIT_REQUESTS].stated, model->requests_per_minute);
    state(&l->allowances[LG_LIMIT_TOKENS].stated, model->tokens_per_minute);
    if (model->concurrency > 0 && (ep->limit == 0 || model->concurrency < ep->limit)) {
        ep->limit = model->concurrency;
        lg__endpoint_refresh(s, ep);
    }
}

lg_lane *lg__lane_of(lg_sched *s, lg_model *model)
{
    unsigned char key[32], own[32];
    if (model->lane)
        return model->lane;

    endpoint_key(model, key);
    lg_endpoint *ep = lg__keymap_get(&s->endpoints, key);
    ep = ep ? ep : endpoint_new(s, key);
    if (!ep)
        return NULL;

    lane_key(ep, model, own);
    if (!ep->lanes && model->concurrency > 0)
        ep->limit = model->concurrency;

    lg_lane *l = lg__keymap_get(&s->lanes, own);
    l = l ? l : lane_new(s, ep, own, model);
    if (!l) {
        if (!ep->lanes)
            endpoint_free(s, ep);

        return NULL;
    }
    apply(s, l, model);
    l->models++;
    model->lane = l;
    return l;
}

void lg__sched_forget(lg_sched *s, lg_model *model)
{
    lg_lane *l = model->lane;
    model->lane = NULL;
    if (l && --l->models == 0) {
        lg_endpoint *ep = l->endpoint;
        lane_free(s, l); /* a call would count its model: there is none */
        if (!ep->lanes)
            endpoint_free(s, ep);
    }
}

bool lg__sched_is_open(const lg_sched *s, const lg_model *model)
{
    (void)s;
    return model->lane && model->lane->endpoint->is_down;
}

static void free_lane(lg_sched *s, lg_lane *l)
{
    for (int i = 0; i < LG_LINES; i++) {
        for (lg_request *r = l->lines[i].head, *next; r; r = next) {
            next = r->next;
            lg__request_free(s->mem, r);
        }
    }
    lg__times_free(s, l);
    lg__fail_free(&l->day);
    lg__mem_free(s->mem, l, sizeof *l);
}

void lg__lanes_free(lg_sched *s)
{
    for (lg_endpoint *ep = s->all_endpoints, *next; ep; ep = next) {
        next = ep->next;
        for (lg_lane *l = ep->lanes, *after; l; l = after) {
            after = l->next;
            free_lane(s, l);
        }
        lg__fail_free(&ep->refusal);
        lg__mem_free(s->mem, ep, sizeof *ep);
    }
    lg__keymap_free(&s->endpoints);
    lg__keymap_free(&s->lanes);
}
