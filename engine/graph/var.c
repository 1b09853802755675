/* var.c - variables and feedback records: the public accessors and bookkeeping.
 *
 * No scheduling here: making, settling and freeing variables is graph.c. */
#include "graph/var.h"

#include "base/check.h"
#include "base/media.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "graph/graph.h"

/* ---- records ----------------------------------------------------------- */

lg_record *lg__record_new(lg_mem *m, int state)
{
    lg_record *r = lg__mem_zero(m, sizeof *r);
    if (r) {
        r->state = state;
        r->example = -1;
        r->weight = 1;
    }
    return r;
}

lg_record *lg__record_copy(lg_mem *m, const lg_record *from)
{
    lg_record *r = lg__record_new(m, from->state);
    if (!r)
        return NULL;
    *r = *from;
    r->next = NULL;
    r->sources = NULL;
    r->by_hand = false;
    lg__text_ref(r->text);
    lg__text_ref(r->conversation);
    lg__text_ref(r->remarks);
    lg__text_ref(r->from_role);
    lg__text_ref(r->goal);
    if (r->var)
        lg_var_ref(r->var);
    return r;
}

bool lg__record_solved(const lg_record *r)
{
    return r->state == LG_FB_EMPTY && r->has_score && r->score >= r->target;
}

static void free_one(lg_graph *g, lg_record *r)
{
    lg__text_unref(r->text);
    lg__text_unref(r->conversation);
    lg__text_unref(r->remarks);
    lg__text_unref(r->from_role);
    lg__text_unref(r->goal);
    lg__graph_drop(g, r->var);
    lg__mem_free(g->mem, r, sizeof *r);
}

/* Sources are spliced into the list that is being freed: no recursion. */
void lg__records_free(lg_graph *g, lg_record *list)
{
    while (list) {
        lg_record *r = list;
        list = r->next;
        if (r->sources) {
            lg_record *last = r->sources;
            while (last->next)
                last = last->next;
            last->next = list;
            list = r->sources;
        }
        free_one(g, r);
    }
}

void lg__record_free(lg_graph *g, lg_record *r)
{
    if (r) {
        r->next = NULL;
        lg__records_free(g, r);
    }
}

void lg__var_drop_records(lg_var *v, bool only_root, uint64_t root)
{
    lg_record **at = &v->records;
    while (*at) {
        lg_record *r = *at;
        if (r->by_hand || (only_root && r->root != root)) {
            at = &r->next;
            continue;
        }
        *at = r->next;
        lg__record_free(v->graph, r);
    }
}

void lg__var_add_records(lg_var *v, lg_record *list, uint64_t root)
{
    lg_record **at = &v->records;
    while (*at && (*at)->root <= root)
        at = &(*at)->next;
    lg_record *behind = *at;
    *at = list;
    while (*at)
        at = &(*at)->next;
    *at = behind;
}

lg_text *lg__var_first_text(const lg_var *v)
{
    return v->versions && v->versions->n ? v->versions->texts[0] : v->text;
}

const char *lg__number_text(char *buf, size_t size, double x)
{
    char *to = buf;
    bool point = false;
    snprintf(buf, size, "%g", x);
    for (const char *p = buf; *p; p++) {
        bool plain = strchr("0123456789+-einf", *p) != NULL;
        if (plain || !point) /* the locale's point may be several bytes */
            *to++ = plain ? *p : '.';
        point = !plain;
    }
    *to = '\0';
    return buf;
}

/* ---- accessors --------------------------------------------------------- */

uint64_t lg_var_id(const lg_var *v)
{
    LG_GUARD(v->graph->door);
    return v->id;
}

int lg_var_state(const lg_var *v)
{
    LG_GUARD(v->graph->door);
    return v->state;
}

const char *lg_var_text(const lg_var *v, size_t *len)
{
    LG_GUARD(v->graph->door);
    if (len)
        *len = v->text ? v->text->len : 0;
    return v->text ? v->text->data : NULL;
}

const char *lg_var_role(const lg_var *v)
{
    LG_GUARD(v->graph->door);
    return v->role ? v->role->data : "";
}

int lg_var_set_role(lg_var *v, const char *role)
{
    LG_GUARD(v->graph->door);
    if (!role || lg_utf8_check(role, strlen(role)) >= 0)
        return LG_EUTF8;
    lg_text *t = lg__graph_intern(v->graph, role);
    if (!t)
        return LG_ENOMEM;
    lg__text_unref(v->role);
    v->role = t;
    return LG_OK;
}

bool lg_var_grad(const lg_var *v)
{
    LG_GUARD(v->graph->door);
    return v->grad;
}

int lg_var_set_grad(lg_var *v, bool grad)
{
    LG_GUARD(v->graph->door);
    v->grad = grad;
    v->frozen = v->node && !grad;
    v->trained = v->node && grad;
    return LG_OK;
}

bool lg_var_score(const lg_var *v, double *score, double *target)
{
    LG_GUARD(v->graph->door);
    if (!v->has_score)
        return false;
    if (score)
        *score = v->score;
    if (target)
        *target = v->target;
    return true;
}

int lg_var_set_score(lg_var *v, double score, double target)
{
    LG_GUARD(v->graph->door);
    if (isnan(score) || isnan(target))
        return LG_EINVAL;
    v->has_score = true;
    v->score = score;
    v->target = target;
    return LG_OK;
}

int64_t lg_var_example(const lg_var *v)
{
    LG_GUARD(v->graph->door);
    return v->example;
}

int lg_var_set_example(lg_var *v, int64_t example)
{
    LG_GUARD(v->graph->door);
    v->example = example;
    return LG_OK;
}

int lg_var_op(const lg_var *v)
{
    LG_GUARD(v->graph->door);
    return v->op;
}

size_t lg_var_inputs(const lg_var *v)
{
    LG_GUARD(v->graph->door);
    return v->node ? v->node->n_edges : 0;
}

int lg_var_input(const lg_var *v, size_t i, lg_input *out)
{
    LG_GUARD(v->graph->door);
    if (i >= lg_var_inputs(v))
        return LG_ENOTFOUND;
    if (!out)
        return LG_EINVAL;
    const lg_edge *e = &v->node->edges[i];
    out->var = e->var;
    out->name = e->name ? e->name->data : "";
    out->text = e->seen ? e->seen->data : NULL;
    out->len = e->seen ? e->seen->len : 0;
    return LG_OK;
}

const char *lg_var_input_media(const lg_var *v, size_t i)
{
    LG_GUARD(v->graph->door);
    const lg_text *seen = i < lg_var_inputs(v) ? v->node->edges[i].seen : NULL;
    return seen && seen->media ? lg__media_type(seen->media) : NULL;
}

/* The call that a kept promise comes to; v itself for others. */
static const lg_var *call_behind(const lg_var *v)
{
    while (v->op == LG_OP_PROMISE && v->node->edges[v->node->n_edges - 1].var)
        v = v->node->edges[v->node->n_edges - 1].var;
    return v;
}

const char *lg_var_finish_reason(const lg_var *v)
{
    LG_GUARD(v->graph->door);
    v = call_behind(v);
    if (v->op != LG_OP_CALL || !v->node || v->state != LG_READY)
        return NULL;
    return v->node->u.call->finish_reason;
}

const char *lg_var_thinking(const lg_var *v, size_t *len)
{
    LG_GUARD(v->graph->door);
    v = call_behind(v);
    bool answered = v->op == LG_OP_CALL && v->node && v->state == LG_READY;
    const lg_text *t = answered ? v->node->u.call->thinking : NULL;
    if (len)
        *len = t ? t->len : 0;
    return t ? t->data : NULL;
}

bool lg_var_usage(const lg_var *v, lg_usage *out)
{
    LG_GUARD(v->graph->door);
    v = call_behind(v);
    if (v->op != LG_OP_CALL || !v->node || !v->node->u.call->has_usage)
        return false;
    if (out)
        *out = v->node->u.call->usage;
    return true;
}

bool lg_var_error(const lg_var *v, lg_failure *out)
{
    LG_GUARD(v->graph->door);
    if (v->state != LG_FAILED && v->state != LG_CANCELLED)
        return false;
    if (!out)
        return true;
    memset(out, 0, sizeof *out);
    out->code = v->code;
    out->message = lg_error_text(v->code);
    if (!v->fail)
        return true;
    out->http_status = v->fail->http_status;
    out->retryable = v->fail->retryable;
    out->ambiguous = v->fail->ambiguous;
    out->message = lg__fail_message(v->fail);
    out->hint = v->fail->hint ? v->fail->hint->data : NULL;
    out->request_id = v->fail->request_id[0] ? v->fail->request_id : NULL;
    return true;
}

const char *lg_var_cause(const lg_var *v)
{
    LG_GUARD(v->graph->door);
    if (v->state != LG_FAILED && v->state != LG_CANCELLED)
        return NULL;
    return v->fail ? lg__fail_cause(v->fail) : lg_error_text(v->code);
}

/* ---- versions ---------------------------------------------------------- */

static int keep_version(lg_var *v, lg_text *old)
{
    lg_mem *m = v->graph->mem;
    if (!v->versions) {
        v->versions = lg__mem_zero(m, sizeof *v->versions);
        if (!v->versions)
            return LG_ENOMEM;
    }
    lg_versions *h = v->versions;
    if (h->n == h->cap) {
        size_t cap = h->cap ? h->cap * 2 : LG_SMALL(4, 1);
        lg_text **grown = lg__mem_grow(m, h->texts, h->cap * sizeof *grown, cap * sizeof *grown);
        if (!grown)
            return LG_ENOMEM;
        h->texts = grown;
        h->cap = cap;
    }
    h->texts[h->n++] = lg__text_ref(old);
    return LG_OK;
}

/* t is taken over; NULL: there was no memory for it. */
static int set_value(lg_var *v, lg_text *t)
{
    if (!t)
        return LG_ENOMEM;
    if (v->text && keep_version(v, v->text)) {
        lg__text_unref(t);
        return LG_ENOMEM;
    }
    v->replaced = v->replaced || (v->node && !v->text);
    lg__text_unref(v->text);
    v->text = t;
    lg__party_charge(v, (int64_t)t->len);
    v->state = LG_READY;
    v->code = 0;
    lg__unseen_look(v); /* whoever gives a value knows that there was none */
    return LG_OK;
}

int lg_var_set(lg_var *v, const char *text, size_t len)
{
    LG_GUARD(v->graph->door);
    if (v->state == LG_PENDING)
        return LG_ESTATE;
    int err = lg__text_check(text, len);
    if (err)
        return err;
    return set_value(v, lg__text_new(v->graph->mem, text, len));
}

int lg_var_set_media(lg_var *v, const char *type, const void *data, size_t len)
{
    LG_GUARD(v->graph->door);
    int media = lg__media_check(type, data, len);
    if (v->state == LG_PENDING)
        return LG_ESTATE;
    return media < 0 ? media : set_value(v, lg__text_new_media(v->graph->mem, media, data, len));
}

const char *lg_var_media(const lg_var *v)
{
    LG_GUARD(v->graph->door);
    return v->text && v->text->media ? lg__media_type(v->text->media) : NULL;
}

const char *lg_var_version_media(const lg_var *v, size_t i)
{
    LG_GUARD(v->graph->door);
    size_t old = v->versions ? v->versions->n : 0;
    const lg_text *t = i < old ? v->versions->texts[i] : v->text;
    return i < lg_var_versions(v) && t->media ? lg__media_type(t->media) : NULL;
}

size_t lg_var_versions(const lg_var *v)
{
    LG_GUARD(v->graph->door);
    return (v->versions ? v->versions->n : 0) + (v->text ? 1 : 0);
}

const char *lg_var_version(const lg_var *v, size_t i, size_t *len)
{
    LG_GUARD(v->graph->door);
    size_t old = v->versions ? v->versions->n : 0;
    if (i >= lg_var_versions(v))
        return NULL;
    const lg_text *t = i < old ? v->versions->texts[i] : v->text;
    if (len)
        *len = t->len;
    return t->data;
}

int lg_var_rollback(lg_var *v, size_t i)
{
    LG_GUARD(v->graph->door);
    size_t old = v->versions ? v->versions->n : 0;
    if (i >= lg_var_versions(v))
        return LG_ENOTFOUND;
    if (i == old)
        return LG_OK;
    lg__party_charge(v, -(int64_t)v->text->len);
    lg__text_unref(v->text);
    v->text = v->versions->texts[i];
    for (size_t k = i + 1; k < old; k++) {
        lg__party_charge(v, -(int64_t)v->versions->texts[k]->len);
        lg__text_unref(v->versions->texts[k]);
    }
    v->versions->n = i;
    return LG_OK;
}

/* ---- feedback ---------------------------------------------------------- */

static size_t count(const lg_record *r)
{
    size_t n = 0;
    for (; r; r = r->next)
        n++;
    return n;
}

static int view(const lg_record *r, size_t i, lg_feedback *out)
{
    while (r && i--)
        r = r->next;
    if (!r)
        return LG_ENOTFOUND;
    if (!out)
        return LG_EINVAL;
    *out = (lg_feedback){
        .state = r->state,
        .text = r->text ? r->text->data : "",
        .len = r->text ? r->text->len : 0,
        .has_score = r->has_score,
        .score = r->score,
        .target = r->target,
        .from = r->from,
        .input = r->input,
        .from_role = r->from_role ? r->from_role->data : "",
        .example = r->example,
        .conversation = r->conversation ? r->conversation->data : NULL,
        .conversation_len = r->conversation ? r->conversation->len : 0,
        .n_sources = count(r->sources),
        .var = r->var,
        .weight = r->weight,
        .remarks = r->remarks ? r->remarks->data : NULL,
        .remarks_len = r->remarks ? r->remarks->len : 0,
    };
    return LG_OK;
}

size_t lg_var_feedbacks(const lg_var *v)
{
    LG_GUARD(v->graph->door);
    return count(v->records);
}

int lg_var_feedback(const lg_var *v, size_t i, lg_feedback *out)
{
    LG_GUARD(v->graph->door);
    return view(v->records, i, out);
}

int lg_var_feedback_source(const lg_var *v, size_t i, size_t source, lg_feedback *out)
{
    LG_GUARD(v->graph->door);
    const lg_record *r = v->records;
    while (r && i--)
        r = r->next;
    return r ? view(r->sources, source, out) : LG_ENOTFOUND;
}

int lg_var_add_feedback(lg_var *v, const char *text, size_t len)
{
    LG_GUARD(v->graph->door);
    int err = lg__text_check(text, len);
    if (err)
        return err;
    lg_record *r = lg__record_new(v->graph->mem, len ? LG_FB_TEXT : LG_FB_EMPTY);
    lg_text *t = r ? lg__text_new(v->graph->mem, text, len) : NULL;
    if (!t) {
        lg__record_free(v->graph, r);
        return LG_ENOMEM;
    }
    r->text = t;
    r->by_hand = true;
    lg__var_add_records(v, r, UINT64_MAX);
    return LG_OK;
}

static lg_var *open_pass(const lg_var *v)
{
    const lg_pass_ref *p = v->passes;
    while (p && p->pass->state == LG_READY)
        p = p->next;
    return p ? p->pass : NULL;
}

/* A host beside a thread holds it: it may end at any time, and nobody else may count it. */
lg_var *lg_var_pass(const lg_var *v)
{
    lg_graph *g = v->graph;
    LG_GUARD(g->door);
    lg_var *pass = open_pass(v), *before = g->shown;
    if (g->door && g->party == &g->host_party) {
        g->shown = lg_var_ref(pass);
        lg_var_unref(before);
    }
    return pass;
}

int lg_var_zero_grad(lg_var *v)
{
    LG_GUARD(v->graph->door);
    for (const lg_pass_ref *p = v->passes; p; p = p->next) {
        if (p->pass->state == LG_PENDING)
            return LG_ESTATE;
    }
    while (v->passes) {
        lg_pass_ref *p = v->passes;
        v->passes = p->next;
        lg_var_unref(p->pass);
        lg__mem_free(v->graph->mem, p, sizeof *p);
    }
    lg_record *all = v->records;
    v->records = NULL;
    lg__records_free(v->graph, all);
    return LG_OK;
}

/* The role's first bytes, cut at a character's border. */
static int shown_bytes(const char *role)
{
    size_t n = strlen(role);
    if (n > 60) {
        n = 60;
        while (n > 0 && ((unsigned char)role[n] & 0xC0) == 0x80)
            n--;
    }
    return (int)n;
}

const char *lg_op_name(int op)
{
    static const char *const names[] = {
        [LG_OP_LEAF] = "leaf",
        [LG_OP_CALL] = "model call",
        [LG_OP_FORMAT] = "template",
        [LG_OP_CONCAT] = "concatenation",
        [LG_OP_SUM] = "sum",
        [LG_OP_MEAN] = "mean",
        [LG_OP_TOOL] = "tool",
        [LG_OP_REPLY] = "feedback",
        [LG_OP_PASS] = "backward pass",
        [LG_OP_PROMISE] = "promise",
        [LG_OP_TIMER] = "timer",
        [LG_OP_SANDBOX] = "sandbox",
        [LG_OP_COMMAND] = "command",
        [LG_OP_TALK] = "answer of a program",
    };
    _Static_assert(sizeof names / sizeof *names == LG_OPS, "each operator has a name");
    return op >= 0 && op < LG_OPS ? names[op] : "unknown";
}

const char *lg__var_describe(const lg_var *v, char *buf, size_t size)
{
    const char *role = lg_var_role(v);
    if (!role[0])
        role = lg_op_name(v->op);
    unsigned long long id = (unsigned long long)v->id;
    if (v->example >= 0) {
        snprintf(buf, size, "%.*s (node %llu, example %lld)", shown_bytes(role), role, id,
                 (long long)v->example);
    } else {
        snprintf(buf, size, "%.*s (node %llu)", shown_bytes(role), role, id);
    }
    return buf;
}
