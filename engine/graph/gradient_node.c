/* gradient_node.c - one question about all that a node was given (grain "node").
 *
 * Its reply says under each text's letter what should change there; what was heard is handed on
 * by number, and what no text caused is nobody's. Who does not keep to letters twice is asked
 * about each text alone. */
#include <stdio.h>
#include <string.h>

#include "base/media.h"
#include "graph/gradient_internal.h"
#include "graph/letters.h"

bool lg__node_fits(const lg_pass *p, const lg_step *s, const lg_aims *aims)
{
    if (p->grain == LG_GRAIN_EDGE || aims->n < 2 || aims->n > LG_LETTERS)
        return false;
    for (size_t i = 0; i < aims->n; i++) {
        if (aims->list[i].text->media > LG_MEDIA_CALLS)
            return false; /* a picture is a question of its own: it is attached first */
    }
    return lg__template_find(p->g, "critic.node") != NULL && s->var->node != NULL;
}

/* ---- asking ------------------------------------------------------------ */

static lg_text *conversation(lg_pass *p, lg_step *s, const lg_aims *aims)
{
    lg_text *marks[LG_LETTERS];
    lg__letters_marks(p->g->mem, aims->n, marks);
    if (!marks[0])
        return NULL;
    lg_text *talk =
        lg__aim_conversation(p->g, &p->plan, s, aims->list, marks, aims->n, p->context_tokens / 2);
    for (size_t i = 0; i < aims->n; i++)
        lg__text_unref(marks[i]);
    return talk;
}

static int told(lg_pass *p, const lg_inquiry *job, lg_part *part)
{
    lg_part value = {job->chain ? "feedback" : "points", job->heard, NULL};
    if (!job->heard || !job->heard->len)
        return LG_OK;
    return lg__pass_section(p, job->chain ? "critic.node.heard" : "critic.node.told", &value, 1,
                            part);
}

static bool any_made(const lg_aims *aims)
{
    for (size_t i = 0; i < aims->n; i++) {
        if (aims->list[i].step->var->node)
            return true;
    }
    return false;
}

static int ask(lg_pass *p, lg_step *s, lg_inquiry *job, bool chain, lg_text *none)
{
    lg_text *shown = lg__letters_show(p->g->mem, &job->all);
    job->conversation = conversation(p, s, &job->all);
    lg_part parts[] = {
        {"role", s->var->role, NULL},
        {"texts", shown, NULL},
        {"conversation", job->conversation, NULL},
        {"output_role", s->var->role, NULL},
        {"heard", none, NULL},
        {"objective", none, NULL},
        {"goal", none, NULL},
    };
    int err = shown && job->conversation && (job->heard || !chain) ? LG_OK : LG_ENOMEM;
    if (!err)
        err = told(p, job, &parts[4]);
    if (!err)
        err = lg__pass_objective(p, s, chain, &parts[5]);
    if (!err)
        err = lg__pass_told_goal(p, s, chain, &parts[6]);
    if (err)
        lg__job_free(job);
    else
        err = lg__pass_question(p, s, "critic.node.system", "critic.node", parts, 7, job);
    for (size_t i = 4; i < 7; i++)
        lg_var_unref(parts[i].var);
    lg__text_unref(shown);
    return err;
}

int lg__node_ask(lg_pass *p, lg_step *s, lg_aims *aims, bool chain)
{
    lg_text *none = lg__text_new(p->g->mem, "", 0);
    lg_inquiry *job = none ? lg__job_new(p, s) : NULL;
    if (!job) {
        lg__text_unref(none);
        return LG_ENOMEM;
    }
    job->chain = chain;
    if (chain || any_made(aims))
        job->heard = chain ? lg__step_feedback(s) : lg__output_points(s);
    if (chain && !lg__step_judges(s))
        job->output = lg__text_ref(lg__var_first_text(s->var));
    job->all = *aims;
    memset(aims, 0, sizeof *aims);
    aims->mem = p->g->mem;
    int err = ask(p, s, job, chain, none);
    if (!err)
        s->n_jobs++;
    lg__text_unref(none);
    return err;
}

/* ---- hearing ----------------------------------------------------------- */

/* What one text's part of a reply is worth to it. */
static void give(lg_inquiry *job, const lg_aim *aim, const lg_text *part, bool cut)
{
    lg_pass *p = job->pass;
    lg_text *points = NULL;
    lg_compared said = {.text = part,
                        .variable = aim->text,
                        .output = job->output,
                        .heard = job->heard,
                        .cut = cut};
    int worth = part ? lg__critique(p->g->mem, &said, &points) : LG_CRITIQUE_NOTHING;
    p->n_malformed += worth == LG_CRITIQUE_ECHO;
    lg_text *talk = lg__pass_conversation(p, job->step, aim);
    lg_telling what = {points, talk, lg__job_remarks(job), job->asked};
    if (worth == LG_CRITIQUE_NO_MEMORY || !talk)
        lg__pass_note_at(p, job->step, aim->input, LG_ENOMEM, NULL);
    else
        lg__pass_say(job->step, aim->slot, aim->input, what);
    lg__text_unref(talk);
    lg__text_unref(points);
}

bool lg__node_heard(lg_inquiry *job)
{
    lg_pass *p = job->pass;
    lg_text *said[LG_LETTERS];
    size_t named = 0;
    const char *why = lg_var_finish_reason(job->asked);
    bool cut = why && strcmp(why, "length") == 0;
    if (lg__is_nothing(job->asked->text)) {
        for (size_t i = 0; i < job->all.n; i++)
            give(job, &job->all.list[i], NULL, false);
        return false;
    }
    if (lg__letters_read(p->g->mem, job->asked->text, &job->all, said, &named)) {
        lg__pass_note_at(p, job->step, job->input, LG_ENOMEM, NULL);
        return false;
    }
    if (!named) {
        p->n_malformed++;
        if (!job->again && lg__pass_again(job, "critic.node.again") == LG_OK)
            return true;
        lg__pass_ask_each(p, job->step, &job->all, job->chain);
    }
    for (size_t i = 0; i < job->all.n; i++) {
        if (named)
            give(job, &job->all.list[i], said[i], cut);
        lg__text_unref(said[i]);
    }
    return false;
}
