/* sched_width.c - how many calls at once a server was found to take: what one run may tell the
 * next, and what the next one makes of it.
 *
 * A lane's width is the most that were in flight when good replies came. Behind a refusal it
 * is no more than what the window was cut to, and grows again as calls hold. Nothing here
 * decides what is asked, only how many begin at once; a wrong word costs a refusal, which
 * halves the window as any does, or a few round trips. */
#include <string.h>

#include "base/digest.h"
#include "sched/sched_internal.h"

/* A server of which nothing is known; one of which an earlier run says that it takes little. */
enum { FIRST_WINDOW = 16, LEAST_WINDOW = 4 };

int lg__endpoint_limit(const lg_sched *s, const lg_endpoint *ep)
{
    return ep->limit ? ep->limit : s->cfg.concurrency;
}

static double bounded(const lg_sched *s, const lg_endpoint *ep, int window, int least)
{
    int limit = lg__endpoint_limit(s, ep);
    int most = window > least ? window : least;
    return most < limit ? most : limit;
}

/* Half of what another model there has, which was never refused. */
static int of_others(const lg_endpoint *ep)
{
    int half = 0;
    for (const lg_lane *l = ep->lanes; l; l = l->next) {
        if (!l->width.refused && l->width.most > 0 && (int)l->window / 2 > half)
            half = (int)l->window / 2;
    }
    return half;
}

/* Of the place and the model alone: what is stored tells nothing of a key. */
static void name_lane(lg_lane *l, const lg_model *model)
{
    const char *query;
    size_t base = lg__model_base(model, &query);
    lg_piece pieces[] = {
        {"width", 5},
        {base ? model->base_url : "", base},
        {model->model, strlen(model->model)},
    };
    lg__digest(pieces, 3, l->width_key);
}

void lg__width_begin(const lg_sched *s, lg_lane *l, const lg_model *model)
{
    const lg_endpoint *ep = l->endpoint;
    int limit = lg__endpoint_limit(s, ep);
    l->gentle = model->provider && !s->stated && ep->limit == 0 && limit > FIRST_WINDOW;
    l->window = l->gentle ? bounded(s, ep, of_others(ep), FIRST_WINDOW) : limit;
    if (l->gentle)
        name_lane(l, model);
}

bool lg__width_is_spread(const lg_lane *l)
{
    const lg_allowance *a = &l->allowances[LG_LIMIT_REQUESTS];
    return l->gentle && l->slow_start && !l->known.refused && (a->stated > 0 || a->said > 0);
}

double lg__width_step(const lg_lane *l)
{
    if (!l->slow_start)
        return 1 / l->window;

    bool near_it = l->known.refused && l->window < l->known.most * 1.5;
    return near_it ? 0.25 : 1;
}

double lg__width_least(const lg_lane *l)
{
    double part = l->known.refused ? l->width.most * 0.75 : 1;
    return part > 1 ? part : 1;
}

/* ---- what holds ---------------------------------------------------------------- */

void lg__width_sent(lg_lane *l, const lg_request *r)
{
    if (l->in_flight > l->tried) {
        l->tried = l->in_flight;
        l->tried_seq = r->seq;
    }
}

void lg__width_held(lg_sched *s, lg_lane *l, uint64_t seq)
{
    if (l->tried > l->width.most && seq >= l->tried_seq) {
        l->width.most = l->tried;
        s->width_news = true;
    }
}

/* What held stays, where the refusal came of trying more. */
void lg__width_cut(lg_sched *s, lg_lane *l)
{
    l->width.refused = true;
    if (l->tried > 0 && l->width.most >= l->tried)
        l->width.most = l->tried - 1;

    l->tried = 0;
    s->width_news = true;
}

/* ---- from run to run ------------------------------------------------------------- */

static bool learns(const lg_lane *l)
{
    return l->gentle && l->endpoint->limit == 0;
}

bool lg__sched_width_wanted(const lg_request *r, unsigned char key[32])
{
    lg_lane *l = r->lane;
    if (!l || l->recalled || l->in_flight > 0 || l->tried > 0 || !learns(l))
        return false;

    l->recalled = true;
    memcpy(key, l->width_key, 32);
    return true;
}

/* Nothing is in flight there, so whether a call may start does not depend on it. */
void lg__sched_width_recall(lg_sched *s, lg_request *r, lg_width width)
{
    lg_lane *l = r->lane;
    if (width.most < 1)
        return;

    l->known = l->told = width;
    if (width.refused)
        l->window = bounded(s, l->endpoint, width.most - width.most / 8, LEAST_WINDOW);
    else
        l->window = bounded(s, l->endpoint, width.most, FIRST_WINDOW);
}

/* What held without a refusal tells something only when it is more than was known: the run
 * may just have had no use for more. */
static bool is_news(const lg_lane *l)
{
    int told = l->told.most > FIRST_WINDOW || l->told.refused ? l->told.most : FIRST_WINDOW;
    int most = l->width.most, by = told / 8;
    if (!l->width.refused)
        return most > told + by || (most > told && most >= l->window);

    return most > 0 && (!l->told.refused || most > told + by || most < told - by);
}

bool lg__sched_width_news(lg_sched *s, unsigned char key[32], lg_width *out)
{
    for (lg_endpoint *ep = s->width_news ? s->all_endpoints : NULL; ep; ep = ep->next) {
        for (lg_lane *l = ep->lanes; l; l = l->next) {
            if (!learns(l) || !is_news(l))
                continue;

            *out = l->told = l->width;
            memcpy(key, l->width_key, 32);
            return true;
        }
    }
    s->width_news = false;
    return false;
}
