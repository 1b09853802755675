/* gradient_job.c - what a pass has under way: questions, and reductions made of several.
 *
 * Who asks is gradient_ask.c and gradient_reduce.c; here they are only made and freed. */
#include "graph/gradient_internal.h"

static void reduction_free(lg_pass *p, lg_reduction *r)
{
    for (size_t i = 0; i < r->n; i++)
        lg__text_unref(r->texts[i]);
    lg__mem_free(p->g->mem, r->texts, r->cap * sizeof *r->texts);
    lg__records_free(p->g, r->members);
    lg__mem_free(p->g->mem, r, sizeof *r);
}

void lg__reduction_drop(lg_pass *p, lg_reduction *r)
{
    if (--r->open == 0)
        reduction_free(p, r);
}

lg_inquiry *lg__job_new(lg_pass *p, lg_step *s)
{
    lg_inquiry *job = lg__mem_zero(p->g->mem, sizeof *job);
    if (!job)
        return NULL;
    job->wait.kind = LG_WAIT_JOB;
    job->pass = p;
    job->step = s;
    job->next = p->jobs;
    if (p->jobs)
        p->jobs->prev = job;
    p->jobs = job;
    return job;
}

void lg__job_free(lg_inquiry *job)
{
    lg_pass *p = job->pass;
    if (job->prev)
        job->prev->next = job->next;
    else
        p->jobs = job->next;
    if (job->next)
        job->next->prev = job->prev;
    if (job->reduction)
        lg__reduction_drop(p, job->reduction);
    lg__text_unref(job->conversation);
    lg__text_unref(job->variable);
    lg__text_unref(job->output);
    lg__text_unref(job->heard);
    lg__aims_free(&job->all);
    lg__graph_drop(p->g, job->asked);
    lg__mem_free(p->g->mem, job, sizeof *job);
}
