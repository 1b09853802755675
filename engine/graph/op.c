/* op.c - what each operator does forward, and directly below, backward.
 *
 * Model calls and tools are only handed on here: engine.c runs them. */
#include "graph/op.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/media.h"
#include "base/template.h"

/* ---- helpers ----------------------------------------------------------- */

static void finish(lg_node *node, lg_bytes *b)
{
    lg_text *t = lg__text_of(b);
    if (t)
        lg__var_ready(node->out, t);
    else
        lg__var_fail(node->out, LG_ENOMEM, NULL);
}

/* The first input that failed, in the order of the inputs. */
static const lg_edge *failed_input(const lg_node *node)
{
    for (uint32_t i = 0; i < node->n_edges; i++) {
        if (!node->edges[i].seen)
            return &node->edges[i];
    }
    return NULL;
}

static bool stop_at_failed_input(lg_node *node)
{
    const lg_edge *e = failed_input(node);
    if (e)
        lg__var_fail_from(node->out, e);
    return e != NULL;
}

static enum lg_way pass_on(const lg_node *node)
{
    (void)node;
    return LG_WAY_ON;
}

static lg_text *shown(const lg_node *node, lg_text *const *instead, uint32_t i)
{
    return instead && instead[i] ? instead[i] : node->edges[i].seen;
}

/* A picture or sound that was put where only words can stand. */
static const lg_edge *wordless_input(const lg_node *node)
{
    for (uint32_t i = 0; i < node->n_edges; i++) {
        if (node->edges[i].seen && node->edges[i].seen->media > LG_MEDIA_CALLS)
            return &node->edges[i];
    }
    return NULL;
}

static bool stop_at_wordless(lg_graph *g, lg_node *node)
{
    const lg_edge *e = wordless_input(node);
    if (!e)
        return false;
    lg_fail f;
    char who[120];
    lg__fail_init(&f);
    lg__fail_of(&f, g->mem, LG_EINVAL, lg__var_describe(node->out, who, sizeof who),
                "\"%s\" is %s, which cannot be joined into a text", e->name->data,
                lg__media_type(e->seen->media));
    lg__fail_hint(&f, g->mem,
                  "give it to the model as a part of its own: model{ { text, picture } }");
    lg__var_fail(node->out, LG_EINVAL, &f);
    lg__fail_free(&f);
    return true;
}

/* ---- conversations ----------------------------------------------------- */

/* A conversation is a fenced template of its own: <NAME>\n{a0}\n</NAME>\n… so
 * that no message can pretend to be another one. */
typedef struct lg_conversation {
    lg_graph *g;
    lg_bytes tmpl;
    lg_fill *fields;
    char (*names)[16];
    lg_text **texts;
    size_t n, cap;
} lg_conversation;

static int talk_init(lg_conversation *t, lg_graph *g, size_t cap)
{
    memset(t, 0, sizeof *t);
    t->g = g;
    t->cap = cap;
    lg__bytes_init(&t->tmpl, g->mem, LG_BYTES_MAX);
    t->fields = lg__mem_zero(g->mem, cap * sizeof *t->fields);
    t->names = lg__mem_zero(g->mem, cap * sizeof *t->names);
    t->texts = lg__mem_zero(g->mem, cap * sizeof *t->texts);
    return t->fields && t->names && t->texts ? LG_OK : LG_ENOMEM;
}

static void add_tag(lg_bytes *b, const char *open, const char *name)
{
    lg__bytes_adds(b, open);
    for (const char *p = name; *p; p++) {
        int c = toupper((unsigned char)*p);
        lg__bytes_addc(b, (char)(isalnum(c) && c < 128 ? c : '_'));
    }
    lg__bytes_addc(b, '>');
}

static void talk_add(lg_conversation *t, const char *name, lg_text *text)
{
    size_t i = t->n++;
    t->texts[i] = lg__media_describe(t->g->mem, text);
    snprintf(t->names[i], sizeof t->names[i], "a%zu", i);
    if (!isalpha((unsigned char)name[0]) || (unsigned char)name[0] > 127)
        name = "input";
    add_tag(&t->tmpl, "<", name);
    lg__bytes_addf(&t->tmpl, "\n{a%zu}\n", i);
    add_tag(&t->tmpl, "</", name);
    lg__bytes_addc(&t->tmpl, '\n');
}

/* What each long text may have, when short ones are whole: a few rounds come close enough. */
static size_t share_of(const lg_conversation *t, size_t max_tokens)
{
    enum { ROUNDS = 4 };
    size_t share = max_tokens / (t->n + 1) + 1;
    for (int round = 0; round < ROUNDS; round++) {
        size_t left = max_tokens, n_long = 0;
        for (size_t i = 0; i < t->n; i++) {
            size_t size = lg_token_estimate(t->texts[i]->data, t->texts[i]->len);
            if (size > share)
                n_long++;
            else
                left -= size < left ? size : left;
        }
        if (!n_long || left / n_long <= share)
            return share;
        share = left / n_long;
    }
    return share;
}

static int talk_fit(lg_conversation *t, size_t max_tokens)
{
    for (size_t i = 0; i < t->n; i++) {
        if (!t->texts[i])
            return LG_ENOMEM;
    }
    size_t share = share_of(t, max_tokens);
    for (size_t i = 0; i < t->n; i++) {
        lg_text *cut = lg__text_trim(t->g->mem, t->texts[i], share);
        if (!cut)
            return LG_ENOMEM;
        lg__text_unref(t->texts[i]);
        t->texts[i] = cut;
        t->fields[i] = (lg_fill){t->names[i], cut->data, cut->len};
    }
    return t->tmpl.err;
}

static lg_text *talk_end(lg_conversation *t, int err)
{
    lg_mem *m = t->g->mem;
    lg_bytes out;
    lg__bytes_init(&out, m, LG_BYTES_MAX);
    if (!err)
        err = t->tmpl.err;
    if (!err) {
        err = lg__template_render(&out, t->tmpl.data ? t->tmpl.data : "", t->tmpl.len, t->fields,
                                  t->n, true, NULL, NULL);
    }
    if (out.len && !err)
        out.data[--out.len] = '\0'; /* the last newline */
    for (size_t i = 0; i < t->n; i++)
        lg__text_unref(t->texts[i]);
    lg__mem_free(m, t->fields, t->cap * sizeof *t->fields);
    lg__mem_free(m, t->names, t->cap * sizeof *t->names);
    lg__mem_free(m, t->texts, t->cap * sizeof *t->texts);
    lg__bytes_free(&t->tmpl);
    lg_text *text = err ? NULL : lg__text_of(&out);
    lg__bytes_free(&out);
    return text;
}

static lg_text *converse(lg_graph *g, const lg_node *node, lg_text *const *instead, lg_text *first,
                         const char *last_name, size_t max_tokens)
{
    lg_conversation t;
    int err = talk_init(&t, g, node->n_edges + 2);
    if (!err && first && first->len)
        talk_add(&t, "function", first);
    for (uint32_t i = 0; !err && i < node->n_edges; i++) {
        lg_text *text = shown(node, instead, i);
        if (text && strcmp(node->edges[i].name->data, LG_SHOWN) != 0)
            talk_add(&t, node->edges[i].name->data, text);
    }
    lg_text *made = lg__var_first_text(node->out);
    if (!err && made)
        talk_add(&t, last_name, made);
    if (!err)
        err = talk_fit(&t, max_tokens);
    return talk_end(&t, err);
}

/* ---- leaf -------------------------------------------------------------- */

static enum lg_way leaf_backward(const lg_node *node)
{
    (void)node;
    return LG_WAY_NONE;
}

/* ---- model call -------------------------------------------------------- */

static void call_forward(lg_graph *g, lg_node *node)
{
    if (!stop_at_failed_input(node))
        lg__nodes_push(&g->calls, node);
}

static enum lg_way call_backward(const lg_node *node)
{
    (void)node;
    return LG_WAY_ASK;
}

static lg_text *call_conversation(lg_graph *g, const lg_node *node, lg_text *const *instead,
                                  size_t max_tokens)
{
    return converse(g, node, instead, NULL, "output", max_tokens);
}

/* ---- template ---------------------------------------------------------- */

/* Edge 0 is the template itself, the others are its fields. What is shown instead of the
 * template stands above it. */
static int format_compose(lg_graph *g, const lg_node *node, lg_text *const *instead, lg_bytes *out,
                          char *bad)
{
    size_t n = node->n_edges - 1, made = 0;
    lg_fill *fields = lg__mem_new(g->mem, node->n_edges * sizeof *fields);
    lg_text **texts = lg__mem_new(g->mem, node->n_edges * sizeof(lg_text *));
    int err = fields && texts ? LG_OK : LG_ENOMEM;
    for (; !err && made < n; made++) {
        const lg_edge *e = &node->edges[made + 1];
        texts[made] = lg__media_describe(g->mem, shown(node, instead, (uint32_t)made + 1));
        if (!texts[made]) {
            err = LG_ENOMEM;
            break;
        }
        fields[made] = (lg_fill){e->name->data, texts[made]->data, texts[made]->len};
    }
    const lg_text *tmpl = node->edges[0].seen;
    if (!err && instead && instead[0])
        lg__bytes_addf(out, "%s\n", instead[0]->data);
    if (!err)
        err = lg__template_render(out, tmpl->data, tmpl->len, fields, n, node->fenced, NULL, bad);
    while (texts && made > 0)
        lg__text_unref(texts[--made]);
    lg__mem_free(g->mem, texts, node->n_edges * sizeof(lg_text *));
    lg__mem_free(g->mem, fields, node->n_edges * sizeof *fields);
    return err;
}

static void format_forward(lg_graph *g, lg_node *node)
{
    /* A question about a picture (fenced) says what it is, and has it as a part. */
    if (stop_at_failed_input(node) || (!node->fenced && stop_at_wordless(g, node)))
        return;
    lg_bytes out;
    char bad[64] = "";
    lg__bytes_init(&out, g->mem, LG_BYTES_MAX);
    int err = format_compose(g, node, NULL, &out, bad);
    if (!err) {
        finish(node, &out);
        return;
    }
    lg__bytes_free(&out);
    lg_fail f;
    char who[120];
    lg__fail_init(&f);
    if (err == LG_ETEMPLATE) {
        lg__fail_of(&f, g->mem, err, lg__var_describe(node->out, who, sizeof who),
                    "the template names the field {%s}, which was not given", bad);
        lg__fail_hint(&f, g->mem, "give the field, or write {{%s}} for the text itself", bad);
    } else {
        lg__fail_of(&f, g->mem, err, lg__var_describe(node->out, who, sizeof who), "%s",
                    lg_error_text(err));
    }
    lg__var_fail(node->out, err, &f);
    lg__fail_free(&f);
}

static enum lg_way format_backward(const lg_node *node)
{
    return pass_on(node);
}

/* ---- concatenation ----------------------------------------------------- */

static void add_words(lg_graph *g, lg_bytes *b, lg_text *t)
{
    lg_text *said = lg__media_describe(g->mem, t);
    if (said)
        lg__bytes_add(b, said->data, said->len);
    else
        b->err = LG_ENOMEM;
    lg__text_unref(said);
}

static int concat_compose(lg_graph *g, const lg_node *node, lg_text *const *instead, lg_bytes *out,
                          char *bad)
{
    if (bad)
        *bad = '\0';
    for (uint32_t i = 0; i < node->n_edges; i++)
        add_words(g, out, shown(node, instead, i));
    return out->err;
}

static void concat_forward(lg_graph *g, lg_node *node)
{
    if (stop_at_failed_input(node) || stop_at_wordless(g, node))
        return;
    lg_bytes b;
    lg__bytes_init(&b, g->mem, LG_BYTES_MAX);
    concat_compose(g, node, NULL, &b, NULL);
    finish(node, &b);
}

static enum lg_way concat_backward(const lg_node *node)
{
    return pass_on(node);
}

/* ---- sum and mean ------------------------------------------------------ */

static double weight(const lg_node *node, uint32_t i)
{
    return node->u.weights ? node->u.weights[i] : 1;
}

/* Scores add up when every input that counts has one. Returns the weight of those that did. */
static double add_scores(lg_node *node, double *score, double *target)
{
    double n = 0;
    bool all = true;
    for (uint32_t i = 0; i < node->n_edges; i++) {
        const lg_var *v = node->edges[i].var;
        if (!node->edges[i].seen)
            continue;
        n += weight(node, i);
        all = all && v->has_score;
        *score += v->score * weight(node, i);
        *target += v->target * weight(node, i);
    }
    return all ? n : 0;
}

static int sum_compose(lg_graph *g, const lg_node *node, lg_text *const *instead, lg_bytes *out,
                       char *bad)
{
    if (bad)
        *bad = '\0';
    bool used = false;
    for (uint32_t i = 0; i < node->n_edges; i++) {
        lg_text *text = shown(node, instead, i);
        if (!text)
            continue;
        if (used)
            lg__bytes_addc(out, '\n');
        used = true;
        add_words(g, out, text);
    }
    return out->err;
}

/* How many inputs are there; one that failed was looked at. */
static uint32_t usable(const lg_node *node)
{
    uint32_t n = 0;
    for (uint32_t i = 0; i < node->n_edges; i++) {
        if (node->edges[i].seen)
            n++;
        else
            lg__unseen_look(node->edges[i].var);
    }
    return n;
}

static void sum_or_mean(lg_graph *g, lg_node *node, bool mean)
{
    if (!node->skip_failed && stop_at_failed_input(node))
        return;
    if (!usable(node) && node->n_edges) {
        stop_at_failed_input(node);
        return;
    }
    lg_bytes b;
    lg__bytes_init(&b, g->mem, LG_BYTES_MAX);
    sum_compose(g, node, NULL, &b, NULL);
    double score = 0, target = 0;
    double n = add_scores(node, &score, &target);
    if (n > 0)
        lg_var_set_score(node->out, mean ? score / n : score, mean ? target / n : target);
    finish(node, &b);
}

static void sum_forward(lg_graph *g, lg_node *node)
{
    sum_or_mean(g, node, false);
}

static enum lg_way sum_backward(const lg_node *node)
{
    return pass_on(node);
}

static void mean_forward(lg_graph *g, lg_node *node)
{
    sum_or_mean(g, node, true);
}

static enum lg_way mean_backward(const lg_node *node)
{
    return pass_on(node); /* gradient.c marks what comes through for reduction */
}

/* ---- tool -------------------------------------------------------------- */

static void tool_forward(lg_graph *g, lg_node *node)
{
    if (!stop_at_failed_input(node))
        lg__nodes_push(&g->work, node);
}

static enum lg_way tool_backward(const lg_node *node)
{
    return node->u.tool->own_backward ? LG_WAY_HOST : LG_WAY_ASK;
}

static lg_text *tool_conversation(lg_graph *g, const lg_node *node, lg_text *const *instead,
                                  size_t max_tokens)
{
    const lg_tool *t = node->u.tool;
    return converse(g, node, instead, t->purpose->len ? t->purpose : t->name, "result", max_tokens);
}

/* ---- promise ----------------------------------------------------------- */

static void promise_forward(lg_graph *g, lg_node *node)
{
    const lg_edge *e = &node->edges[node->n_edges - 1];
    (void)g;
    if (!e->seen) {
        lg__var_fail_from(node->out, e);
        return;
    }
    if (e->var->has_score)
        lg_var_set_score(node->out, e->var->score, e->var->target);
    lg__var_ready(node->out, lg__text_ref(e->seen));
}

static int promise_compose(lg_graph *g, const lg_node *node, lg_text *const *instead, lg_bytes *out,
                           char *bad)
{
    if (bad)
        *bad = '\0';
    add_words(g, out, shown(node, instead, node->n_edges - 1));
    return out->err;
}

static enum lg_way promise_backward(const lg_node *node)
{
    return pass_on(node);
}

/* ---- the table --------------------------------------------------------- */

const lg_op_row lg__ops[LG_OPS] = {
    [LG_OP_LEAF] = {NULL, leaf_backward, NULL, NULL, NULL},
    [LG_OP_CALL] = {call_forward, call_backward, call_conversation, NULL, "critic"},
    [LG_OP_FORMAT] = {format_forward, format_backward, NULL, format_compose, NULL},
    [LG_OP_CONCAT] = {concat_forward, concat_backward, NULL, concat_compose, NULL},
    [LG_OP_SUM] = {sum_forward, sum_backward, NULL, sum_compose, NULL},
    [LG_OP_MEAN] = {mean_forward, mean_backward, NULL, sum_compose, NULL},
    [LG_OP_TOOL] = {tool_forward, tool_backward, tool_conversation, NULL, "tool"},
    [LG_OP_REPLY] = {NULL, leaf_backward, NULL, NULL, NULL},
    [LG_OP_PASS] = {NULL, leaf_backward, NULL, NULL, NULL},
    [LG_OP_PROMISE] = {promise_forward, promise_backward, NULL, promise_compose, NULL},
    [LG_OP_TIMER] = {NULL, leaf_backward, NULL, NULL, NULL},
    [LG_OP_SANDBOX] = {NULL, leaf_backward, NULL, NULL, NULL},
    [LG_OP_COMMAND] = {NULL, leaf_backward, NULL, NULL, NULL},
    [LG_OP_TALK] = {NULL, leaf_backward, NULL, NULL, NULL},
};
