/* gradient_internal.h - what the parts of the reverse pass share.
 *
 * gradient.c walks the plan. Questions are written by gradient_ask.c (about one text),
 * gradient_node.c (about all that a node was given), gradient_trace.c (about a batch) and
 * gradient_reduce.c (which merges). heard.c tells what was said so far, verdict.c and letters.c
 * read replies, gradient_say.c makes records of them; gradient_job.c keeps what is under way.
 * Invariants:
 * - busy counts what will still come back to the pass: queued steps, steps that
 *   wait for their variable or for the host, jobs. Until it is zero the pass
 *   holds a count of its own variable, so nothing can fire into freed memory;
 * - steps_left is zero exactly when the pass has settled well or badly. */
#ifndef LG_GRADIENT_INTERNAL_H
#define LG_GRADIENT_INTERNAL_H

#include "graph/aims.h"

struct lg_reduction;

enum {
    LG_SOLVED_KEPT = 4,      /* solved cases of a pass whose conversation is kept */
    LG_TWO_SHORT = 120,      /* tokens of two pieces that are not worth a merge */
    LG_REMARKS_TOKENS = 150, /* of what was said about an output, in its records */
    LG_CRITIQUE_TOKENS = 400 /* of a critic's reply that go on: few points are asked for */
};

enum lg_critique { /* what a critic's reply is */
                   LG_CRITIQUE_POINTS = 0,
                   LG_CRITIQUE_NOTHING,
                   LG_CRITIQUE_ECHO, /* the question, the variable or the output, given back */
                   LG_CRITIQUE_NO_MEMORY
};

typedef struct lg_inquiry {         /* one question to the backward model */
    lg_waiter wait;                 /* LG_WAIT_JOB, on asked */
    struct lg_inquiry *prev, *next; /* of the pass */
    lg_pass *pass;
    lg_step *step;
    lg_var *asked;                  /* counted */
    lg_text *conversation;          /* what it was about; NULL for a reduction */
    lg_text *variable;              /* … and on what; counted */
    lg_text *output;                /* what came of it, where that is no judgement; counted */
    lg_text *heard;                 /* the points it was shown, which it may hand on; counted */
    bool chain;                     /* they were said about the output, and are not its own */
    bool again;                     /* it was asked once more already */
    uint32_t input;                 /* which input of the step's node it is for, … */
    uint32_t slot;                  /* … and where what is said is given */
    lg_aims all;                    /* of a question about a node: whom it is about; n 0: none */
    struct lg_reduction *reduction; /* NULL: feedback for an input */
    size_t place;                   /* in the reduction's outputs */
} lg_inquiry;

typedef struct lg_reduction { /* several records of one leaf become one */
    lg_step *step;
    lg_record *members; /* taken out of the step's records */
    lg_text **texts;    /* of this level */
    size_t n, cap, open;
    /* Examples of the group that the members are of, and others, which are solved */
    size_t n_open, n_solved;
    bool first;  /* this level is made of the members themselves */
    bool failed; /* one of this level did */
} lg_reduction;

struct lg_pass {
    lg_graph *g;
    lg_var *out;     /* owns the pass */
    lg_model *model; /* counted; NULL: none given */
    size_t context_tokens, reply_tokens;
    bool skip_failed, cancelled, settled;
    bool traced; /* one question is about it all: gradient_trace.c */
    int grain;   /* enum lg_grain */
    lg_plan plan;
    uint64_t root_id;
    size_t steps_left, busy;
    size_t n_asked, n_solved, n_texts, n_kept;
    size_t n_malformed; /* replies that were no criticism */
    lg_inquiry *jobs;
    lg_fail fail; /* of the lowest step that failed */
    size_t fail_step, fail_place;
};

/* A field's value, a text or a variable; borrowed. */
typedef struct lg_part {
    const char *name;
    lg_text *text;
    lg_var *var;
} lg_part;

/* The points of an outcome that is a list of several, as of a judge; NULL: it is none, or there is
 * no memory. */
lg_text *lg__output_points(const lg_step *s);
/* Of what lg__step_feedback() tells, point n (from 1) without its number; where there
 * is only one, it is meant by any. false: there is none. */
bool lg__heard_point(const lg_text *heard, size_t n, const char **text, size_t *len);
/* The numbers of a line that is nothing but numbers of points: "#2", "points 1 and 3". 0: it says
 * something else, or more than max. */
size_t lg__references(const char *s, size_t len, size_t *numbers, size_t max);

/* What happened at s, with aim's places marked. NULL: memory */
lg_text *lg__pass_conversation(lg_pass *p, lg_step *s, const lg_aim *aim);
bool lg__step_judges(const lg_step *s); /* it is a judge's call */
/* What s' output is judged by, in a few words; NULL: it does not say, or memory. Counted. */
lg_text *lg__pass_goal(const lg_pass *p, const lg_step *s);

/* What was said about the output that a job is about; NULL: nothing, or that is a judgement, whose
 * own words count. Borrowed. */
static inline lg_text *lg__job_remarks(const lg_inquiry *job)
{
    return job->chain && !lg__step_judges(job->step) ? job->heard : NULL;
}

/* For gradient_reduce.c: a job, freed when asking with it fails, and texts as one. */
enum { LG_PARTS = 10 };
lg_inquiry *lg__job_new(lg_pass *p, lg_step *s);
int lg__pass_question(lg_pass *p, lg_step *s, const char *system, const char *user,
                      const lg_part *parts, size_t n, lg_inquiry *job);
/* A field of the question that is a template of its own, or empty: with a number of values. The
 * part's variable is counted. */
int lg__pass_section(lg_pass *p, const char *name, const lg_part *values, size_t n, lg_part *part);
lg_text *lg__number(lg_mem *m, double x); /* NULL: memory */

/* What is wanted of s' output, and what it is judged by in the end (where that is not shown
 * anyway): parts of a question. 0, LG_ENOMEM. */
int lg__pass_objective(lg_pass *p, const lg_step *s, bool chain, lg_part *part);
int lg__pass_told_goal(lg_pass *p, const lg_step *s, bool chain, lg_part *part);
/* A question for each of the aims; what fails is noted. */
void lg__pass_ask_each(lg_pass *p, lg_step *s, const lg_aims *aims, bool chain);
/* gradient_say.c: a record of s' own for one of its inputs. NULL: memory, noted. */
lg_record *lg__pass_fresh(lg_pass *p, lg_step *s, int state, uint32_t input);
/* Into a slot, in the order of the graph, whoever came first. */
void lg__pass_give(lg_pass *p, uint32_t slot, lg_record *r);
typedef struct lg_telling { /* what a record is made of; borrowed */
    lg_text *text;          /* NULL: nothing to improve */
    lg_text *conversation;  /* what it is about */
    lg_text *remarks;       /* what was said about the output there; may be long */
    lg_var *var;            /* who wrote the text */
} lg_telling;

/* What s says, into a slot by way of an input. */
void lg__pass_say(lg_step *s, uint32_t slot, uint32_t input, lg_telling what);

/* The same record for whoever takes it; NULL: memory, noted. */
lg_record *lg__pass_record(lg_step *s, uint32_t input, lg_telling what);

/* gradient_trace.c: one question about a batch. Whether it is to be: told by the plan alone. */
bool lg__trace_wanted(lg_pass *p);
/* Asks, once the root has settled. LG_ENOTFOUND: it cannot be about these parameters, nothing was
 * done; LG_ENOMEM: what was asked comes back still. */
int lg__trace_start(lg_pass *p);
bool lg__trace_heard(lg_inquiry *job); /* as lg__node_heard() */
/* All is heard: each parameter has its records and is finished. */
void lg__trace_done(lg_pass *p, void (*finish)(lg_step *));
/* gradient_node.c: one question about all that a node was given; it takes the aims over (0). */
bool lg__node_fits(const lg_pass *p, const lg_step *s, const lg_aims *aims);
int lg__node_ask(lg_pass *p, lg_step *s, lg_aims *aims, bool chain);
bool lg__node_heard(lg_inquiry *job); /* its reply came. true: it is asked for once more */

int lg__pass_reduce(lg_pass *p, lg_step *s, uint32_t group);
/* A reduction's answer came. 1: the whole reduction is done (records are back). */
int lg__pass_reduced(lg_inquiry *job);
void lg__job_free(lg_inquiry *job);
void lg__reduction_drop(lg_pass *p, lg_reduction *r); /* one job less is open */
/* Remember what failed at s; the failure of the lowest step, and there of the lowest
 * place (an input, a part of a reduction), is the one that is told. */
void lg__pass_note_at(lg_pass *p, const lg_step *s, size_t place, int code, const lg_fail *f);
void lg__pass_note(lg_pass *p, const lg_step *s, int code, const lg_fail *f);
/* verdict.c: true when a reply says that nothing should change; and what a reply is worth:
 * enum lg_critique, with the points (counted) in *out. */
bool lg__is_nothing(const lg_text *t);
typedef struct lg_compared { /* a reply, and what it is compared with; NULL: nothing */
    const lg_text *text, *variable, *output, *heard;
    bool cut;
} lg_compared;
int lg__critique(lg_mem *m, const lg_compared *said, lg_text **out);
/* The question of a job once more: with a word on what was wrong with the reply (the name of a
 * template), or (NULL) without a ceiling, where the reply was cut before its first word. 0,
 * LG_ENOMEM, LG_ENOTFOUND. */
int lg__pass_again(lg_inquiry *job, const char *more);

#endif
