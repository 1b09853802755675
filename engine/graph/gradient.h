/* gradient.h - the reverse pass: feedback travels from a root to the leaves.
 *
 * A pass is a plan plus the questions it has asked. Questions are ordinary
 * nodes of the graph (template, then model call), so they run, are retried and
 * can be differentiated like any other. Passive: engine.c feeds it the steps and
 * jobs whose variables settled and takes from it what the host must do. */
#ifndef LG_GRADIENT_H
#define LG_GRADIENT_H

#include "graph/op.h"
#include "graph/plan.h"

typedef struct lg_pass lg_pass;

/* Start: builds the plan, clears older feedback of the same root, delivers to
 * the root. *out: the pass' variable, counted for the caller. */
int lg__pass_start(lg_graph *g, lg_var *root, const lg_backward *b, lg_var **out);
/* A waiter of kind LG_WAIT_STEP or LG_WAIT_JOB was fired. */
void lg__pass_fired(lg_waiter *w);
/* The host's answer for a step of way LG_WAY_HOST: text for input i, then done. */
int lg__pass_host_text(lg_step *s, size_t input, lg_text *text);
void lg__pass_host_done(lg_step *s, const lg_fail *f); /* f NULL: well */
/* The next step the host must run, or, when it is cancelled, need not; or NULL. */
lg_step *lg__graph_next_host(lg_graph *g);
/* heard.c: what was said about a step's output, as points. Several are numbered from 1, each at
 * the beginning of a line; equal ones count once; they share the budget. NULL: memory. Counted. */
lg_text *lg__step_feedback(const lg_step *s);
bool lg__step_cancelled(const lg_step *s);
void lg__pass_check(const lg_pass *p); /* debug builds: gradient_check.c */

#endif
