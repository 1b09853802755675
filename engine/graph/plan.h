/* plan.h - the reverse direction of a graph as arrays and counters.
 *
 * From a root, every variable that requires grad is a step. A step is due when
 * all its consumers have delivered. Deliveries land in slots whose order is the
 * graph's, so that feedback reads the same whatever order replies came in.
 * Built once for a pass; no call, no feedback logic (gradient.c). */
#ifndef LG_PLAN_H
#define LG_PLAN_H

#include "graph/graph.h"

#define LG_NO_SLOT UINT32_MAX

typedef struct lg_slot {
    lg_record *records; /* what this edge delivered */
    uint32_t step;      /* to whom */
} lg_slot;

typedef struct lg_step {
    lg_waiter wait; /* LG_WAIT_STEP, while the variable is pending */
    struct lg_pass *pass;
    lg_var *var;        /* counted */
    uint32_t n_missing; /* consumers that have not delivered */
    uint32_t first_slot, n_slots;
    size_t first_link; /* into links: one for each edge of var's node */
    uint32_t n_jobs;   /* questions asked and not yet answered */
    bool forgiven;     /* its failure is no failure of the pass */
    bool gathered;     /* all consumers have delivered */
    bool parameter;    /* gradient_trace.c: the question about it all is about it, too */
    bool through;      /* a question went past it to what it is made of: aims.c */
    uint64_t walk;     /* aims.c: the last walk that came here, … */
    lg_text *shown;    /* … and, within one, its text with the place marked */
    struct lg_step *next_shown;
    uint64_t work;        /* engine.c: id of the host's work */
    lg_record *records;   /* complete: all slots in order, and by hand */
    struct lg_step *next; /* in the list of those for the host */
} lg_step;

typedef struct lg_plan {
    lg_mem *mem;
    lg_step *steps;
    lg_slot *slots;
    uint32_t *links; /* edge → slot, LG_NO_SLOT: takes no feedback */
    size_t n_steps, n_slots, n_links;
    uint64_t walks; /* aims.c */
    bool open;      /* a promise that it found may still be made of more than it knows */
} lg_plan;

/* 0, LG_ENOMEM, LG_ELIMIT, LG_ECYCLE. Step 0 is the root. */
int lg__plan_build(lg_plan *p, lg_graph *g, lg_var *root);
void lg__plan_free(lg_plan *p, lg_graph *g);

#endif
