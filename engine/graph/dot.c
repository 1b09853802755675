/* dot.c - the graph behind a variable in Graphviz' DOT, for people to look at.
 *
 * Breadth first from the variable, inputs in order, so that equal graphs give
 * equal text up to the nodes' ids. Walks with a list, writes as it goes. */
#include <string.h>

#include "graph/graph.h"

#include "base/check.h"
#include "base/media.h"

enum { SHOWN = 160, COLUMN = 44 }; /* bytes of a text, and where it is broken */

typedef struct lg_dot {
    lg_write_fn write;
    void *ud;
    lg_bytes line;
    lg_var **vars;
    size_t n, cap;
    int err;
} lg_dot;

static int push(lg_dot *d, lg_mem *m, lg_var *v)
{
    if (v->mark)
        return LG_OK;
    if (d->n == d->cap) {
        size_t cap = d->cap ? d->cap * 2 : LG_SMALL(32, 1);
        lg_var **vars = lg__mem_grow(m, d->vars, d->cap * sizeof *vars, cap * sizeof *vars);
        if (!vars)
            return LG_ENOMEM;
        d->vars = vars;
        d->cap = cap;
    }
    d->vars[d->n++] = v;
    v->mark = d->n;
    return LG_OK;
}

/* Quoted, broken into lines at blanks, shortened at a character's border. */
static void add_text(lg_bytes *b, const char *s, size_t len)
{
    size_t column = 0, end = len;
    if (end > SHOWN) {
        end = SHOWN;
        while (end > 0 && ((unsigned char)s[end] & 0xC0) == 0x80)
            end--;
    }
    for (size_t i = 0; i < end; i++, column++) {
        unsigned char c = (unsigned char)s[i];
        if (c == '\n' || (c == ' ' && column >= COLUMN)) {
            lg__bytes_adds(b, "\\n");
            column = 0;
        } else if (c == '"' || c == '\\') {
            lg__bytes_addc(b, '\\');
            lg__bytes_addc(b, (char)c);
        } else {
            lg__bytes_addc(b, c < 0x20 || c == 0x7F ? ' ' : (char)c);
        }
    }
    if (end < len)
        lg__bytes_adds(b, " (...)");
}

static void flush(lg_dot *d)
{
    if (!d->err)
        d->err = d->line.err;
    if (!d->err && d->line.len)
        d->err = d->write(d->ud, d->line.data, d->line.len);
    lg__bytes_clear(&d->line);
}

static const char *state_name(int state)
{
    static const char *const names[] = {"pending", "ready", "failed", "cancelled"};
    return names[state];
}

static void add_feedback(lg_bytes *b, const lg_var *v)
{
    for (const lg_record *r = v->records; r; r = r->next) {
        lg__bytes_adds(b, "\\nfeedback: ");
        if (r->state == LG_FB_TEXT)
            add_text(b, r->text->data, r->text->len);
        else
            lg__bytes_adds(b, r->state == LG_FB_EMPTY ? "nothing to improve" : "the loss itself");
    }
}

/* A picture by its kind and size: its bytes are no text. */
static void add_value(lg_dot *d, const lg_var *v)
{
    if (!v->text) {
        lg__bytes_addf(&d->line, "(%s)", state_name(v->state));
        return;
    }
    lg_text *shown = lg__media_describe(v->graph->mem, v->text);
    if (shown)
        add_text(&d->line, shown->data, shown->len);
    else
        d->err = LG_ENOMEM;
    lg__text_unref(shown);
}

static void describe(lg_dot *d, const lg_var *v, bool with_feedback)
{
    lg_bytes *b = &d->line;
    lg__bytes_addf(b, "  v%llu [shape=%s, label=\"%s", (unsigned long long)v->id,
                   v->node ? "box, style=rounded" : (v->grad ? "box, style=bold" : "box"),
                   lg_op_name(v->op));
    if (v->role->len) {
        lg__bytes_adds(b, ": ");
        add_text(b, v->role->data, v->role->len);
    }
    lg__bytes_adds(b, "\\n");
    add_value(d, v);
    if (v->has_score) {
        char score[40], target[40];
        lg__bytes_addf(b, "\\nscore %s of %s", lg__number_text(score, sizeof score, v->score),
                       lg__number_text(target, sizeof target, v->target));
    }
    if (with_feedback)
        add_feedback(b, v);
    lg__bytes_adds(b, "\"];\n");
    flush(d);
}

static void connect(lg_dot *d, lg_mem *m, const lg_var *v)
{
    for (uint32_t i = 0; !d->err && v->node && i < v->node->n_edges; i++) {
        const lg_edge *e = &v->node->edges[i];
        if (!e->var)
            continue; /* a constant: its text is part of the node's own */
        lg__bytes_addf(&d->line, "  v%llu -> v%llu", (unsigned long long)e->var->id,
                       (unsigned long long)v->id);
        if (e->name->len) {
            lg__bytes_adds(&d->line, " [label=\"");
            add_text(&d->line, e->name->data, e->name->len);
            lg__bytes_adds(&d->line, "\"]");
        }
        lg__bytes_adds(&d->line, ";\n");
        flush(d);
        if (!d->err)
            d->err = push(d, m, e->var);
    }
}

/* The walk is over, however it ended. */
static void forget(lg_dot *d, lg_mem *m)
{
    for (size_t i = 0; i < d->n; i++)
        d->vars[i]->mark = 0;
    lg__mem_free(m, d->vars, d->cap * sizeof *d->vars);
}

static lg_var *running_pass(const lg_var *v)
{
    for (const lg_pass_ref *p = v->passes; p; p = p->next) {
        if (p->pass->state == LG_PENDING)
            return p->pass;
    }
    return NULL;
}

int lg__var_pass_behind(lg_var *v, lg_var **out)
{
    lg_mem *m = v->graph->mem;
    lg_dot d = {0};
    *out = NULL;
    d.err = push(&d, m, v);
    for (size_t i = 0; !d.err && !*out && i < d.n; i++) {
        const lg_node *node = d.vars[i]->node;
        *out = running_pass(d.vars[i]);
        for (uint32_t k = 0; !d.err && node && k < node->n_edges; k++) {
            if (node->edges[k].var)
                d.err = push(&d, m, node->edges[k].var);
        }
    }
    forget(&d, m);
    return d.err;
}

int lg_var_dot(lg_var *v, bool with_feedback, lg_write_fn write, void *ud)
{
    LG_GUARD(v->graph->door);
    lg_mem *m = v->graph->mem;
    lg_dot d = {.write = write, .ud = ud};
    if (!write)
        return LG_EINVAL;
    lg__bytes_init(&d.line, m, LG_BYTES_MAX);
    d.err = push(&d, m, v);
    lg__bytes_adds(&d.line,
                   "digraph lunagrad {\n  rankdir=BT;\n  node [fontname=\"sans-serif\"];\n");
    flush(&d);
    for (size_t i = 0; !d.err && i < d.n; i++) {
        describe(&d, d.vars[i], with_feedback);
        connect(&d, m, d.vars[i]);
    }
    lg__bytes_adds(&d.line, "}\n");
    flush(&d);
    forget(&d, m);
    lg__bytes_free(&d.line);
    return d.err;
}
