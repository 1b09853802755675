/* call_fallback.c - when a model cannot be had, the next of its list is asked.
 *
 * A call keeps its rank: 0 is the model itself, i its i-th fallback. Which failures mean
 * "cannot be had" is decided here; a refusal by the model's own judgement, a request that
 * is wrong, a cap or a broken store do not. With a store the decision is written in the
 * same transaction as the intent that follows from it, so that a run that is killed and
 * started again takes the same way. */

#include "front/front_internal.h"

#define DECISION "fallback"

lg_model *lg__fallback_model(const lg_call_data *c)
{
    return c->rank == 0 ? c->model : c->model->fallbacks[c->rank - 1];
}

static bool cannot_be_had(int code)
{
    switch (code) {
    case LG_ERESOLVE:
    case LG_ECONNECT:
    case LG_ETLS:
    case LG_ETIMEOUT:
    case LG_ERESET:
    case LG_EBADREPLY:
    case LG_ETRUNCATED:
    case LG_EEMPTY:
    case LG_EAUTH:
    case LG_ERATE:
    case LG_EOVERLOAD:
    case LG_EMONEY:
    case LG_ECONTEXT:
    case LG_ENOMODEL:
    case LG_ETOOL: /* a host's model raised an error */
        return true;
    default:
        return false;
    }
}

/* The row that remembers the decision for a request that the first model was to get. */
static int decision_key(lg_engine *e, const lg_request *first, unsigned char key[32])
{
    const lg_piece piece = {first->key, sizeof first->key};
    return lg__store_tool_key(DECISION, "", &piece, 1, &e->mem, key);
}

uint32_t lg__fallback_decided(lg_engine *e, const lg_call_data *c, const lg_request *first)
{
    unsigned char key[32];
    lg_text *text = NULL;
    bool has_score;
    double score, target;
    uint32_t rank = 0;
    if (!e->store || !c->model->n_fallbacks || decision_key(e, first, key) ||
        lg__store_find_result(e->store, key, &text, &has_score, &score, &target) != 1)
        return 0;

    if (text->len == 1 && text->data[0] >= '1')
        rank = (uint32_t)(text->data[0] - '0');

    lg__text_unref(text);
    return rank <= c->model->n_fallbacks ? rank : 0;
}

/* When it fails nothing is lost: a run that is started again asks the first model again. */
void lg__fallback_remember(lg_engine *e, lg_call_data *c)
{
    unsigned char key[32];
    const lg_piece piece = {c->first_key, sizeof c->first_key};
    char rank[2] = {(char)('0' + c->rank), '\0'};
    bool decided = c->decided;
    c->decided = false;
    if (!decided || !e->store || lg__store_tool_key(DECISION, "", &piece, 1, &e->mem, key))
        return;

    lg__store_remember(e->store, key, DECISION, rank);
}

bool lg__fallback_pass(lg_engine *e, lg_node *n)
{
    lg_call_data *c = n->u.call;
    const lg_model *m = lg__fallback_model(c);
    if (c->rank >= c->model->n_fallbacks || !lg__sched_is_open(e->sched, m))
        return false;

    lg_fail f;
    lg__fail_init(&f);
    lg__fail_set(&f, &e->mem, LG_EOVERLOAD, "%s has failed for a while", m->name);
    bool taken = lg__fallback_take(e, n, &f);
    lg__fail_free(&f);
    return taken;
}

bool lg__fallback_take(lg_engine *e, lg_node *n, const lg_fail *why)
{
    lg_call_data *c = n->u.call;
    if (c->rank >= c->model->n_fallbacks || !cannot_be_had(why->code) || e->draining)
        return false;

    c->rank++;
    lg__log_line(&e->log, LG_LOG_WARN, "%s; %s is asked instead", lg__fail_message(why),
                 lg__fallback_model(c)->name);
    c->decided =
        true; /* noted when it is submitted: a host that answers must not touch the store */
    c->request = NULL;
    lg__nodes_push(&e->graph.calls, n);
    return true;
}
