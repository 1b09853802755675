/* graph.c - making, linking, settling, cancelling and freeing of nodes.
 *
 * What a node computes is op.c; when it runs is engine.c. */
#include "graph/graph.h"

#include <string.h>

#include "base/check.h"
#include "graph/op.h"

/* ---- lists ------------------------------------------------------------- */

void lg__nodes_push(lg_nodes *l, lg_node *n)
{
    LG_CHECK(!n->queued);
    n->queued = true;
    LG_QUEUE_PUSH(l, n, next);
}

lg_node *lg__nodes_pop(lg_nodes *l)
{
    lg_node *n;
    LG_QUEUE_POP(l, n, next);
    if (n)
        n->queued = false;
    return n;
}

void lg__waits_push(lg_waits *l, lg_waiter *w)
{
    LG_QUEUE_PUSH(l, w, next);
}

lg_waiter *lg__waits_pop(lg_waits *l)
{
    lg_waiter *w;
    LG_QUEUE_POP(l, w, next);
    return w;
}

/* ---- the graph --------------------------------------------------------- */

int lg__graph_init(lg_graph *g, lg_mem *m, lg_log *log, lg_engine *e, size_t max_pending)
{
    memset(g, 0, sizeof *g);
    g->mem = m;
    g->log = log;
    g->engine = e;
    g->max_pending = max_pending;
    g->party = &g->host_party;
    lg__party_init(&g->host_party, g);
    return LG_OK;
}

static uint32_t hash_of(const char *s, size_t *len)
{
    uint32_t h = 2166136261u;
    const char *p = s;
    for (; *p; p++)
        h = (h ^ (unsigned char)*p) * 16777619u;
    *len = (size_t)(p - s);
    return h;
}

lg_text *lg__graph_intern(lg_graph *g, const char *s)
{
    size_t len;
    lg_text **slot = &g->interned[hash_of(s, &len) % LG_INTERNED];
    if (*slot && (*slot)->len == len && memcmp((*slot)->data, s, len) == 0)
        return lg__text_ref(*slot);
    lg_text *t = lg__text_new(g->mem, s, len);
    if (!t)
        return NULL;
    lg__text_unref(*slot);
    *slot = t;
    return lg__text_ref(t);
}

/* ---- variables --------------------------------------------------------- */

static lg_var *new_var(lg_graph *g, const char *role, bool grad, int op)
{
    lg_text *t = lg__graph_intern(g, role ? role : "");
    lg_var *v = t ? lg__mem_zero(g->mem, sizeof *v) : NULL;
    if (!v) {
        lg__text_unref(t);
        return NULL;
    }
    v->graph = g;
    v->id = ++g->last_id;
    v->refs = 1;
    v->op = (int8_t)op;
    v->state = LG_PENDING;
    v->grad = grad;
    v->role = t;
    v->example = -1;
    v->party = lg__party_ref(g->party);
    v->next = g->party->vars;
    if (v->next)
        v->next->prev = v;
    g->party->vars = v;
    g->n_live++;
    lg__party_charge(v, (int64_t)sizeof *v);
    return v;
}

/* Until it settles the graph itself holds a pending variable. */
static void hold(lg_var *v)
{
    v->refs++;
    v->graph->n_pending++;
}

int lg__graph_leaf(lg_graph *g, lg_text *text, const char *role, bool grad, int op, lg_var **out)
{
    lg_var *v = new_var(g, role, grad, op);
    if (!v)
        return LG_ENOMEM;
    if (text) {
        v->text = lg__text_ref(text);
        v->state = LG_READY;
        lg__party_charge(v, (int64_t)text->len);
    } else {
        v->open = op == LG_OP_PASS;
        hold(v);
    }
    *out = v;
    return LG_OK;
}

lg_var *lg_var_ref(lg_var *v)
{
    if (v) {
        LG_GUARD(v->graph->door);
        v->refs++;
    }
    return v;
}

/* While the whole graph is freed counts mean nothing, and v may be gone. */
void lg__graph_drop(lg_graph *g, lg_var *v)
{
    if (!g->closing)
        lg_var_unref(v);
}

static void free_call(lg_mem *m, lg_call_data *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n_options; i++) {
        lg__mem_strfree(m, (char *)(uintptr_t)c->options[i].name);
        lg__mem_strfree(m, (char *)(uintptr_t)c->options[i].json);
    }
    lg__mem_free(m, c->options, c->n_options * sizeof *c->options);
    lg__text_unref(c->thinking);
    lg_model_unref(c->model);
    lg__mem_free(m, c, sizeof *c);
}

static size_t node_size(size_t n_edges)
{
    return sizeof(lg_node) + n_edges * sizeof(lg_edge);
}

int lg__gone_new(lg_graph *g, int type, uint64_t tag, lg_gone **out)
{
    *out = NULL;
    if (!tag)
        return LG_OK;
    *out = lg__mem_zero(g->mem, sizeof **out);
    if (!*out)
        return LG_ENOMEM;
    (*out)->type = type;
    (*out)->tag = tag;
    (*out)->party = lg__party_ref(g->party);
    return LG_OK;
}

void lg__gone_free(lg_graph *g, lg_gone *one)
{
    if (!one)
        return;
    lg__party_unref(one->party);
    lg__mem_free(g->mem, one, sizeof *one);
}

void lg__gone_tell(lg_graph *g, lg_gone *one)
{
    if (!one)
        return;
    if (g->closing || one->party->closed) {
        lg__gone_free(g, one);
        return;
    }
    LG_QUEUE_PUSH(&one->party->gone, one, next);
    g->wake(g->engine);
}

lg_tool *lg_tool_ref(lg_tool *t)
{
    if (t) {
        LG_GUARD(t->graph->door);
        t->refs++;
    }
    return t;
}

void lg_tool_unref(lg_tool *t)
{
    if (!t)
        return;
    LG_GUARD(t->graph->door);
    if (--t->refs > 0)
        return;
    lg_graph *g = t->graph;
    if (t->prev)
        t->prev->next = t->next;
    else
        g->tools = t->next;
    if (t->next)
        t->next->prev = t->prev;
    lg__text_unref(t->name);
    lg__text_unref(t->purpose);
    lg__text_unref(t->version);
    lg__gone_tell(g, t->gone);
    lg__party_unref(t->party);
    lg__mem_free(g->mem, t, sizeof *t);
}

static void free_node(lg_graph *g, int op, lg_node *n)
{
    for (uint32_t i = 0; i < n->n_edges; i++) {
        lg_edge *e = &n->edges[i];
        lg__text_unref(e->seen);
        lg__text_unref(e->name);
        if (e->given_up && !g->closing)
            e->var->given_up--;
        lg__graph_drop(g, e->var);
    }
    if (op == LG_OP_CALL)
        free_call(g->mem, n->u.call);
    else if (op == LG_OP_TOOL)
        lg_tool_unref(n->u.tool);
    else if (op == LG_OP_SUM || op == LG_OP_MEAN)
        lg__mem_free(g->mem, n->u.weights, n->u.weights ? n->n_edges * sizeof(double) : 0);
    lg__mem_free(g->mem, n, node_size(n->n_edges));
}

static void free_versions(lg_mem *m, lg_versions *h)
{
    if (!h)
        return;
    for (size_t i = 0; i < h->n; i++)
        lg__text_unref(h->texts[i]);
    lg__mem_free(m, h->texts, h->cap * sizeof *h->texts);
    lg__mem_free(m, h, sizeof *h);
}

static void free_var(lg_graph *g, lg_var *v)
{
    lg__unseen_gone(v);
    if (v->pass && g->pass_free)
        g->pass_free(v->pass);
    if (v->node)
        free_node(g, v->op, v->node);
    lg_record *records = v->records;
    v->records = NULL;
    lg__records_free(g, records);
    while (v->passes) {
        lg_pass_ref *p = v->passes;
        v->passes = p->next;
        lg__graph_drop(g, p->pass);
        lg__mem_free(g->mem, p, sizeof *p);
    }
    free_versions(g->mem, v->versions);
    if (v->fail) {
        lg__fail_free(v->fail);
        lg__mem_free(g->mem, v->fail, sizeof *v->fail);
    }
    lg__text_unref(v->text);
    lg__text_unref(v->role);
    g->n_live--;
    v->party->bytes -= v->bytes;
    lg__party_unref(v->party);
    lg__mem_free(g->mem, v, sizeof *v);
}

static void unlink_var(lg_var *v)
{
    if (v->prev)
        v->prev->next = v->next;
    else
        v->party->vars = v->next;
    if (v->next)
        v->next->prev = v->prev;
}

/* Freeing one variable drops its inputs, which may be a chain of a million: the
 * uncounted ones are put on a list and the outermost call works it off. */
void lg_var_unref(lg_var *v)
{
    if (!v)
        return;
    LG_GUARD(v->graph->door);
    LG_CHECK(v->refs > 0);
    if (--v->refs > 0)
        return;
    lg_graph *g = v->graph;
    unlink_var(v);
    v->next = g->dead;
    g->dead = v;
    if (g->releasing)
        return;
    g->releasing = true;
    while (g->dead) {
        lg_var *d = g->dead;
        g->dead = d->next;
        free_var(g, d);
    }
    g->releasing = false;
}

/* ---- nodes ------------------------------------------------------------- */

int lg__node_new(lg_graph *g, int op, size_t n, const char *role, lg_var **out)
{
    if (g->n_pending >= g->max_pending || n >= UINT32_MAX)
        return LG_ELIMIT;
    lg_node *node = lg__mem_zero(g->mem, node_size(n));
    lg_var *v = node ? new_var(g, role, false, op) : NULL;
    if (!v) {
        lg__mem_free(g->mem, node, node_size(n));
        return LG_ENOMEM;
    }
    lg__party_charge(v, (int64_t)node_size(n));
    node->out = v;
    node->n_edges = (uint32_t)n;
    v->node = node;
    v->open = op == LG_OP_PROMISE;
    *out = v;
    return LG_OK;
}

/* Edges are filled in order; n_missing counts those filled until the start. */
int lg__node_constant(lg_node *node, const char *name, lg_text *text)
{
    lg_edge *e = &node->edges[node->n_missing];
    e->name = lg__graph_intern(node->out->graph, name ? name : "");
    if (!e->name)
        return LG_ENOMEM;
    e->node = node;
    e->wait.kind = LG_WAIT_EDGE;
    e->seen = lg__text_ref(text);
    node->n_missing++;
    return LG_OK;
}

int lg__node_edge(lg_node *node, const char *name, lg_var *var)
{
    if (!var || var->graph != node->out->graph)
        return LG_EINVAL;
    lg_edge *e = &node->edges[node->n_missing];
    int err = lg__node_constant(node, name, var->text);
    if (err)
        return err;
    e->var = lg_var_ref(var);
    node->out->grad |= var->grad && !node->out->frozen;
    node->out->open |= var->open;
    return LG_OK;
}

static void input_settled(lg_edge *e)
{
    lg_node *n = e->node;
    LG_CHECK(n->n_missing > 0);
    if (!e->seen)
        e->seen = lg__text_ref(e->var->text);
    if (--n->n_missing > 0)
        return;
    if (n->done)
        lg_var_unref(n->out); /* cancelled meanwhile: the hold that settled() left */
    else
        lg__nodes_push(&n->out->graph->ready, n);
}

void lg__node_start(lg_node *n)
{
    hold(n->out);
    for (uint32_t i = 0; i < n->n_edges; i++) {
        lg_edge *e = &n->edges[i];
        if (!e->var || e->var->state != LG_PENDING) {
            n->n_missing--;
            continue;
        }
        e->wait.next = e->var->waiters;
        e->var->waiters = &e->wait;
    }
    if (n->n_missing == 0)
        lg__nodes_push(&n->out->graph->ready, n);
}

void lg__node_hold(lg_node *n)
{
    hold(n->out);
    n->n_missing = 0; /* it waits for the host or the clock, on no variable's list */
}

bool lg__promise_open(const lg_var *v)
{
    const lg_node *n = v->node;
    return v->op == LG_OP_PROMISE && v->state == LG_PENDING && !n->edges[n->n_edges - 1].var;
}

static void forget_leads(lg_node *n)
{
    for (uint32_t i = 0; i + 1 < n->n_edges; i++) {
        lg_var_unref(n->edges[i].var);
        lg__text_unref(n->edges[i].seen);
        n->edges[i].var = NULL;
        n->edges[i].seen = NULL;
    }
}

int lg__promise_keep(lg_node *n, lg_var *from, lg_text *text)
{
    lg_edge *e = &n->edges[n->n_edges - 1];
    n->n_missing = n->n_edges - 1; /* where the next edge goes */
    int err = lg__node_edge(n, "made of", from);
    n->n_missing = 0;
    if (err)
        return err;
    forget_leads(n);
    n->out->open = from->open;
    if (from->has_score)
        lg_var_set_score(n->out, from->score, from->target);
    if (text) {
        lg__var_ready(n->out, text);
    } else if (from->state == LG_PENDING) {
        n->n_missing = 1;
        e->wait.next = from->waiters;
        from->waiters = &e->wait;
    } else {
        lg__nodes_push(&n->out->graph->ready, n);
    }
    return LG_OK;
}

void lg__node_discard(lg_var *out)
{
    lg_var_unref(out);
}

/* ---- settling ---------------------------------------------------------- */

void lg__watcher_free(lg_graph *g, lg_watcher *w)
{
    lg__party_unref(w->party);
    lg__mem_free(g->mem, w, sizeof *w);
}

static void tell_party(lg_var *v, lg_watcher *w)
{
    if (w->party->closed) {
        lg__watcher_free(v->graph, w);
        return;
    }
    lg_var_ref(v);
    lg__waits_push(&w->party->fired, &w->wait);
}

static void fire(lg_var *v, lg_waiter *w)
{
    lg_graph *g = v->graph;
    switch (w->kind) {
    case LG_WAIT_EDGE:
        input_settled((lg_edge *)w);
        break;
    case LG_WAIT_WATCH:
        tell_party(v, (lg_watcher *)w);
        break;
    default:
        lg__waits_push(&g->steps, w);
    }
}

/* What is behind a settled variable stays: only promises that are open gain inputs. */
static bool still_open(const lg_var *v)
{
    bool open = false;
    for (uint32_t i = 0; v->node && !open && i < v->node->n_edges; i++)
        open = v->node->edges[i].var && v->node->edges[i].var->open;
    return open;
}

static void tell(const lg_var *v)
{
    if (!lg__log_hears(v->graph->log, LG_LOG_DEBUG))
        return;
    bool failed = v->state == LG_FAILED;
    const char *to = failed ? "failed" : v->state == LG_READY ? "ready" : "cancelled";
    LG_TRACE(v->graph->log, "node %llu %s: pending -> %s%s%s%s", (unsigned long long)v->id,
             lg_op_name(v->op), to, failed ? " (" : "", failed ? lg_error_name(v->code) : "",
             failed ? ")" : "");
}

static void settled(lg_var *v)
{
    tell(v);
    v->open = v->open && still_open(v);
    lg_waiter *w = v->waiters, *in_order = NULL;
    v->waiters = NULL;
    while (w) {
        lg_waiter *next = w->next;
        w->next = in_order;
        in_order = w;
        w = next;
    }
    while (in_order) {
        w = in_order;
        in_order = w->next;
        w->next = NULL;
        fire(v, w);
    }
    v->graph->n_pending--;
    /* A node that settled early (cancelled) is still on its inputs' lists. */
    if (!v->node || v->node->n_missing == 0)
        lg_var_unref(v);
}

void lg__var_ready(lg_var *v, lg_text *text)
{
    LG_CHECK(v->state == LG_PENDING && text);
    v->text = text;
    lg__party_charge(v, (int64_t)text->len);
    v->state = LG_READY;
    if (v->node)
        v->node->done = true;
    settled(v);
}

void lg__var_fail(lg_var *v, int code, const lg_fail *f)
{
    LG_CHECK(v->state == LG_PENDING && code < 0);
    v->code = code;
    v->state = code == LG_ECANCELLED ? LG_CANCELLED : LG_FAILED;
    v->fail = f ? lg__mem_zero(v->graph->mem, sizeof *v->fail) : NULL;
    if (v->fail) {
        lg__fail_init(v->fail);
        lg__fail_copy(v->fail, f);
    }
    if (v->node)
        v->node->done = true;
    lg__unseen_failed(v);
    settled(v);
}

static lg_text *chained(lg_graph *g, const char *who, const char *why)
{
    lg_bytes b;
    lg__bytes_init(&b, g->mem, LG_BYTES_MAX);
    lg__bytes_adds(&b, who);
    lg__bytes_adds(&b, " <- ");
    lg__bytes_adds(&b, why);
    return lg__text_of(&b);
}

/* A long chain would grow its message without end: beyond this many bytes the
 * dependants share the message of the one before. */
enum { CHAIN_MAX = 1200 };

void lg__var_fail_from(lg_var *v, const lg_edge *edge)
{
    lg_var *in = edge->var;
    lg_failure why;
    lg_fail f;
    char who[120];
    lg__unseen_look(in);
    if (!lg_var_error(in, &why))
        why = (lg_failure){.code = LG_EINPUT, .message = lg_error_text(LG_EINPUT)};
    lg__fail_init(&f);
    if (in->fail)
        lg__fail_copy(&f, in->fail);
    f.code = why.code;
    if (strlen(why.message) < CHAIN_MAX)
        lg__fail_lead(&f, chained(v->graph, lg__var_describe(v, who, sizeof who), why.message));
    lg__var_fail(v, why.code, &f);
    lg__fail_free(&f);
}

void lg__var_wait(lg_var *v, lg_waiter *w)
{
    if (v->state != LG_PENDING) {
        fire(v, w);
        return;
    }
    w->next = v->waiters;
    v->waiters = w;
}

/* Takes w off v's list again. */
static void unwait(lg_var *v, lg_waiter *w)
{
    for (lg_waiter **at = &v->waiters; *at; at = &(*at)->next) {
        if (*at == w) {
            *at = w->next;
            w->next = NULL;
            return;
        }
    }
}

static void wake(lg_graph *g)
{
    if (g->wake)
        g->wake(g->engine);
}

int lg_var_watch(lg_var *v, uint64_t tag)
{
    LG_GUARD(v->graph->door);
    lg_watcher *w = lg__mem_zero(v->graph->mem, sizeof *w);
    if (!w)
        return LG_ENOMEM;
    w->wait.kind = LG_WAIT_WATCH;
    w->var = v;
    w->party = lg__party_ref(v->graph->party);
    w->tag = tag;
    lg__var_wait(v, &w->wait);
    wake(v->graph);
    return LG_OK;
}

void lg_var_unwatch(lg_var *v, uint64_t tag)
{
    LG_GUARD(v->graph->door);
    for (lg_waiter *w = v->waiters; w; w = w->next) {
        lg_watcher *watcher = w->kind == LG_WAIT_WATCH ? (lg_watcher *)w : NULL;
        if (watcher && watcher->tag == tag && watcher->party == v->graph->party) {
            unwait(v, w);
            lg__watcher_free(v->graph, watcher);
            return;
        }
    }
}

/* ---- a function of the library's, instead of an event ------------------- */

int lg__var_call(lg_var *v, void (*fn)(void *ud), void *ud)
{
    lg_watcher *w = lg__mem_zero(v->graph->mem, sizeof *w);
    if (!w)
        return LG_ENOMEM;
    w->wait.kind = LG_WAIT_WATCH;
    w->var = v;
    w->party = lg__party_ref(&v->graph->host_party);
    w->calls = true;
    w->fn = fn;
    w->ud = ud;
    lg__var_wait(v, &w->wait);
    wake(v->graph);
    return LG_OK;
}

void lg__var_uncall(lg_var *v, const void *ud)
{
    lg_waiter *heads[] = {v->waiters, v->graph->host_party.fired.head};
    for (int i = 0; i < 2; i++) {
        for (lg_waiter *w = heads[i]; w; w = w->next) {
            lg_watcher *watcher = w->kind == LG_WAIT_WATCH ? (lg_watcher *)w : NULL;
            if (watcher && watcher->calls && watcher->ud == ud)
                watcher->fn = NULL;
        }
    }
}

bool lg_var_wanted(const lg_var *v)
{
    LG_GUARD(v->graph->door);
    for (const lg_waiter *w = v->waiters; w; w = w->next) {
        if (w->kind != LG_WAIT_EDGE || !((const lg_edge *)w)->node->done)
            return true;
    }
    return false;
}

/* ---- cancelling -------------------------------------------------------- */

/* Nobody but the graph and cancelled consumers holds it. */
static bool needed_by_nobody_else(const lg_var *v)
{
    return v->state == LG_PENDING && v->node && v->refs == v->given_up + 1;
}

static void cancel_one(lg_var *v)
{
    lg_fail f;
    char who[120];
    lg__fail_init(&f);
    lg__fail_set(&f, v->graph->mem, LG_ECANCELLED, "%s was cancelled",
                 lg__var_describe(v, who, sizeof who));
    if (f.message)
        f.cause_at = (uint32_t)strlen(who) + 1;
    if (v->pass && v->graph->pass_cancel)
        v->graph->pass_cancel(v->pass);
    if (v->node && v->node->n_missing == 0) {
        lg_var_ref(v); /* until engine.c has taken it off the list it is on */
        if (!v->node->queued)
            lg__nodes_push(&v->graph->dropped, v->node);
    }
    lg__var_fail(v, LG_ECANCELLED, &f);
    lg__fail_free(&f);
}

/* The inputs that only this one needed go too; the list of those to look at is
 * threaded through `mark`, which no plan uses between calls. */
int lg_var_cancel(lg_var *v)
{
    LG_GUARD(v->graph->door);
    if (v->state != LG_PENDING)
        return LG_ESTATE;
    lg_graph *g = v->graph;
    lg_var *list = lg_var_ref(v);
    v->mark = 0;
    while (list) {
        lg_var *c = list;
        list = (lg_var *)(uintptr_t)c->mark;
        c->mark = 0;
        cancel_one(c);
        for (uint32_t i = 0; c->node && i < c->node->n_edges; i++) {
            lg_var *in = c->node->edges[i].var;
            if (!in)
                continue;
            in->given_up++;
            c->node->edges[i].given_up = true;
            if (needed_by_nobody_else(in)) {
                in->mark = (uint64_t)(uintptr_t)list;
                list = lg_var_ref(in);
            }
        }
        lg_var_unref(c);
    }
    wake(g);
    return LG_OK;
}

/* ---- the end ----------------------------------------------------------- */

static void free_watchers(lg_graph *g, lg_waiter *w)
{
    while (w) {
        lg_waiter *next = w->next;
        if (w->kind == LG_WAIT_WATCH)
            lg__watcher_free(g, (lg_watcher *)w);
        w = next;
    }
}

/* Counts do not matter any more (and may be in cycles through feedback): passes
 * first, as they point into variables, then every variable by itself. */
void lg__graph_free(lg_graph *g)
{
    lg_var *v;
    g->closing = true;
    for (v = lg__vars_first(g); v; v = lg__vars_after(v)) {
        free_watchers(g, v->waiters);
        v->waiters = NULL;
    }
    for (lg_party *p = &g->host_party; p; p = p->next)
        lg__party_empty(p);
    for (v = lg__vars_first(g); v; v = lg__vars_after(v)) {
        if (v->pass && g->pass_free) {
            g->pass_free(v->pass);
            v->pass = NULL;
        }
    }
    while ((v = lg__vars_first(g))) {
        unlink_var(v);
        free_var(g, v);
    }
    for (size_t i = 0; i < LG_INTERNED; i++)
        lg__text_unref(g->interned[i]);
    while (g->tools) {
        g->tools->refs = 1;
        lg_tool_unref(g->tools);
    }
    memset(g->interned, 0, sizeof g->interned);
}
