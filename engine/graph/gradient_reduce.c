/* gradient_reduce.c - what came to one variable through a mean, merged by a model.
 *
 * Group by group, in a tree when it is more than one question can hold; a merge that fails
 * keeps the single pieces. Other feedback is not touched. */
#include <string.h>

#include "base/map.h"
#include "graph/gradient_internal.h"

enum { LEAST_TALK = 40 }; /* tokens; a shorter piece of a conversation says nothing */

/* How many of the texts from `from` on fit one question: at least two, so that
 * every level is shorter than the one below. */
static size_t fitting(const lg_pass *p, const lg_reduction *r, size_t from)
{
    size_t n = 0, tokens = 0, budget = p->context_tokens;
    while (from + n < r->n) {
        const lg_text *t = r->texts[from + n];
        tokens += lg_token_estimate(t->data, t->len) + 8;
        if (n >= 2 && tokens > budget)
            break;
        n++;
    }
    return n;
}

/* One piece: of the members themselves with its example, score and conversation. */
static int add_piece(lg_bytes *b, lg_graph *g, const lg_reduction *r, size_t i, size_t share)
{
    const lg_record *x = r->first ? r->members : NULL;
    for (size_t k = 0; x && k < i; k++)
        x = x->next;
    if (x && x->example >= 0)
        lg__bytes_addf(b, "(example %lld) ", (long long)x->example);
    if (x && x->has_score)
        lg__bytes_addf(b, "(scored %.4g of %.4g) ", x->score, x->target);
    if (x && x->weight != 1)
        lg__bytes_addf(b, "(weight %.4g) ", x->weight);
    lg_text *said = lg__text_trim(g->mem, r->texts[i], share);
    if (!said)
        return LG_ENOMEM;
    size_t used = lg_token_estimate(said->data, said->len) + 12;
    lg__bytes_add(b, said->data, said->len);
    lg__text_unref(said);
    if (!x || !x->conversation || share < used + LEAST_TALK)
        return b->err;
    lg_text *talk = lg__text_trim(g->mem, x->conversation, share - used);
    if (!talk)
        return LG_ENOMEM;
    lg__bytes_addf(b, "\nThis is about:\n%s\n", talk->data);
    lg__text_unref(talk);
    return b->err;
}

static lg_text *join(lg_pass *p, const lg_reduction *r, size_t from, size_t n)
{
    lg_bytes b;
    int err = LG_OK;
    lg__bytes_init(&b, p->g->mem, LG_BYTES_MAX);
    for (size_t i = 0; !err && i < n; i++) {
        lg__bytes_addf(&b, "%s%zu. ", i ? "\n" : "", i + 1);
        err = add_piece(&b, p->g, r, from + i, p->context_tokens / n + 1);
    }
    if (!err)
        return lg__text_of(&b);
    lg__bytes_free(&b);
    return NULL;
}

/* "7 of 10 examples are solved": what must not be lost by a change. */
static int standing(lg_pass *p, const lg_reduction *r, lg_part *part)
{
    lg_mem *m = p->g->mem;
    if (!r->n_solved)
        return LG_OK;
    lg_part values[] = {{"solved", lg__number(m, (double)r->n_solved), NULL},
                        {"all", lg__number(m, (double)(r->n_solved + r->n_open)), NULL}};
    int err = lg__pass_section(p, "reduce.solved", values, 2, part);
    lg__text_unref(values[0].text);
    lg__text_unref(values[1].text);
    return err;
}

static int ask_group(lg_pass *p, lg_reduction *r, size_t from, size_t n, size_t place)
{
    lg_step *s = r->step;
    lg_inquiry *job = lg__job_new(p, s);
    if (!job)
        return LG_ENOMEM;
    lg_text *all = join(p, r, from, n), *none = lg__text_new(p->g->mem, "", 0);
    lg_part parts[LG_PARTS] = {{"role", s->var->role, NULL},
                               {"variable", s->var->text, NULL},
                               {"feedback", all, NULL},
                               {"solved", none, NULL}};
    int err = all && none ? standing(p, r, &parts[3]) : LG_ENOMEM;
    if (err) {
        lg__job_free(job);
    } else {
        job->reduction = r;
        job->place = place;
        r->open++;
        err = lg__pass_question(p, s, "reduce.system", "reduce.user", parts, 4, job);
    }
    lg_var_unref(parts[3].var);
    lg__text_unref(all);
    lg__text_unref(none);
    return err;
}

/* Asks for one level: the texts in groups, each group's answer in its place. A
 * single text left over at the end goes up as it is. */
static int ask_level(lg_pass *p, lg_reduction *r)
{
    lg_text **below = r->texts;
    size_t n = r->n, cap = r->cap, places = 0;
    int err = LG_OK;
    for (size_t from = 0; from < n; from += fitting(p, r, from))
        places++;
    lg_text **above = lg__mem_zero(p->g->mem, places * sizeof *above);
    if (!above)
        return LG_ENOMEM;
    size_t place = 0;
    for (size_t from = 0; !err && from < n; place++) {
        size_t take = fitting(p, r, from);
        if (take == 1)
            above[place] = lg__text_ref(below[from]);
        else
            err = ask_group(p, r, from, take, place);
        from += take;
    }
    for (size_t i = 0; i < n; i++)
        lg__text_unref(below[i]);
    lg__mem_free(p->g->mem, below, cap * sizeof *below);
    r->texts = above;
    r->n = r->cap = places;
    r->first = false;
    return err;
}

/* Takes the group's records out of the step's list, in order. */
static void take_members(lg_reduction *r, lg_step *s, uint32_t group)
{
    lg_record **at = &s->records, **to = &r->members;
    while (*at) {
        lg_record *x = *at;
        if (x->group != group || x->state != LG_FB_TEXT) {
            at = &x->next;
            continue;
        }
        *at = x->next;
        x->next = NULL;
        x->group = 0;
        *to = x;
        to = &x->next;
        r->n++;
    }
}

/* One more, unless the example was met; a record of none is one by itself. */
static int meet(lg_map *met, const lg_record *x, size_t *n)
{
    uint64_t id = (uint64_t)x->example + 1;
    bool known = x->example >= 0 && lg__map_get(met, id);
    *n += known ? 0 : 1;
    return known || x->example < 0 ? LG_OK : lg__map_put(met, id, met);
}

/* An example may have several records: its calls used the variable more than once. It is
 * solved when nothing was said of it at all. */
static int count_examples(lg_pass *p, lg_reduction *r, uint32_t group)
{
    lg_map met;
    int err = LG_OK;
    lg__map_init(&met, p->g->mem);
    for (const lg_record *x = r->members; !err && x; x = x->next)
        err = meet(&met, x, &r->n_open);

    for (const lg_record *x = r->step->records; !err && x; x = x->next) {
        if (x->group == group && lg__record_solved(x))
            err = meet(&met, x, &r->n_solved);
    }
    lg__map_free(&met);
    return err;
}

static void give_back(lg_step *s, lg_record *list)
{
    lg_record **at = &s->records;
    while (*at)
        at = &(*at)->next;
    *at = list;
}

int lg__pass_reduce(lg_pass *p, lg_step *s, uint32_t group)
{
    lg_reduction *r = lg__mem_zero(p->g->mem, sizeof *r);
    if (!r)
        return LG_ENOMEM;
    r->step = s;
    r->first = true;
    take_members(r, s, group);
    r->texts = lg__mem_zero(p->g->mem, r->n * sizeof *r->texts);
    r->cap = r->n;
    r->open = 1; /* ours, while asking */
    int err = r->texts ? LG_OK : LG_ENOMEM;
    size_t i = 0;
    if (err)
        r->n = r->cap = 0;
    else
        err = count_examples(p, r, group);
    for (lg_record *x = r->members; !err && x; x = x->next)
        r->texts[i++] = lg__text_ref(x->text);
    if (!err)
        err = ask_level(p, r);
    if (err) { /* what was asked already answers into the void */
        give_back(s, r->members);
        r->members = NULL;
        r->step = NULL;
    }
    lg__reduction_drop(p, r);
    return err;
}

static lg_record *reduced_record(lg_pass *p, lg_reduction *r, lg_var *var)
{
    bool nothing = lg__is_nothing(r->texts[0]);
    lg_record *one = lg__record_new(p->g->mem, nothing ? LG_FB_EMPTY : LG_FB_TEXT);
    if (!one)
        return NULL;
    const lg_record *first = r->members;
    one->text = nothing ? NULL : lg__text_ref(r->texts[0]);
    one->from = first->from;
    one->from_role = lg__text_ref(first->from_role);
    one->goal = lg__text_ref(first->goal);
    one->root = p->root_id;
    one->has_score = first->has_score;
    one->target = first->target;
    size_t n = 0;
    for (const lg_record *x = first; x; x = x->next, n++) {
        one->has_score = one->has_score && x->has_score;
        one->score += x->score;
    }
    one->score /= (double)n;
    one->var = lg_var_ref(var);
    one->sources = r->members;
    r->members = NULL;
    return one;
}

/* A failed question, or no memory: the single pieces are kept instead. */
static int fall_back(lg_reduction *r, lg_inquiry *job, int code)
{
    lg_step *s = r->step;
    if (code)
        lg__pass_note(job->pass, s, code, NULL);
    give_back(s, r->members);
    r->members = NULL;
    r->step = NULL;
    return 1;
}

int lg__pass_reduced(lg_inquiry *job)
{
    lg_pass *p = job->pass;
    lg_reduction *r = job->reduction;
    lg_step *s = r->step;
    if (!s)
        return 0; /* given up before */
    if (job->asked->state == LG_READY) {
        r->texts[job->place] = lg__text_ref(job->asked->text);
    } else {
        lg__pass_note_at(p, s, job->place, job->asked->code, job->asked->fail);
        r->failed = true;
    }
    if (r->open > 1) /* the others of this level: the first by place is told */
        return 0;
    if (r->failed)
        return fall_back(r, job, LG_OK);
    if (r->n > 1) {
        int err = ask_level(p, r);
        return err ? fall_back(r, job, err) : 0;
    }
    lg_record *one = reduced_record(p, r, job->asked);
    if (!one)
        return fall_back(r, job, LG_ENOMEM);
    give_back(s, one);
    return 1;
}
