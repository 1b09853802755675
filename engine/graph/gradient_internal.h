/* gradient_internal.h - what the two halves of the reverse pass share.
 *
 * gradient.c walks the plan; gradient_ask.c writes the questions. Invariants:
 * - busy counts what will still come back to the pass: queued steps, steps that
 *   wait for their variable or for the host, jobs. Until it is zero the pass
 *   holds a count of its own variable, so nothing can fire into freed memory;
 * - steps_left is zero exactly when the pass has settled well or badly. */
#ifndef LG_GRADIENT_INTERNAL_H
#define LG_GRADIENT_INTERNAL_H

#include "graph/gradient.h"

struct lg_reduction;

typedef struct lg_job {         /* one question to the backward model */
    lg_waiter wait;             /* LG_WAIT_JOB, on asked */
    struct lg_job *prev, *next; /* of the pass */
    lg_pass *pass;
    lg_step *step;
    lg_var *asked;                  /* counted */
    lg_text *conversation;          /* what it was about; NULL for a reduction */
    uint32_t input;                 /* which input of the step's node it is for */
    struct lg_reduction *reduction; /* NULL: feedback for an input */
    size_t place;                   /* in the reduction's outputs */
} lg_job;

typedef struct lg_reduction { /* several records of one leaf become one */
    lg_step *step;
    lg_record *members; /* taken out of the step's records */
    lg_text **texts;    /* of this level */
    size_t n, cap, open;
    bool failed; /* one of this level did */
} lg_reduction;

struct lg_pass {
    lg_graph *g;
    lg_var *out;     /* owns the pass */
    lg_model *model; /* counted; NULL: none given */
    size_t context_tokens;
    bool skip_failed, cancelled, settled;
    lg_plan plan;
    uint64_t root_id;
    size_t steps_left, busy;
    size_t n_asked, n_solved, n_texts;
    lg_job *jobs;
    lg_fail fail; /* of the lowest step that failed */
    size_t fail_step, fail_place;
};

/* A field's value, a text or a variable; borrowed. */
typedef struct lg_part {
    const char *name;
    lg_text *text;
    lg_var *var;
} lg_part;

/* Feedback for input i of s' node, given what was heard about its output. */
int lg__pass_ask_input(lg_pass *p, lg_step *s, uint32_t i, bool chain);
int lg__pass_reduce(lg_pass *p, lg_step *s, uint32_t group);
/* A reduction's answer came. 1: the whole reduction is done (records are back). */
int lg__pass_reduced(lg_job *job);
void lg__job_free(lg_job *job);
/* Remember what failed at s; the failure of the lowest step, and there of the lowest
 * place (an input, a part of a reduction), is the one that is told. */
void lg__pass_note_at(lg_pass *p, const lg_step *s, size_t place, int code, const lg_fail *f);
void lg__pass_note(lg_pass *p, const lg_step *s, int code, const lg_fail *f);
/* true when a reply says that nothing should change */
bool lg__is_nothing(const lg_text *t);

#endif
