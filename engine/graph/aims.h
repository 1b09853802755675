/* aims.h - which variables a question is asked about, and where they stand.
 *
 * A model that reads "Question: {q}" reads q: templates, joined texts, sums and promises are
 * seen through, so that every question is about a variable with a role of its own, once for each
 * node however often it stands there. In the conversation a mark stands in its places, so that
 * its text, which is shown beside it, is shown once. */
#ifndef LG_AIMS_H
#define LG_AIMS_H

#include "graph/gradient.h"

typedef struct lg_aim {
    lg_step *step;  /* of the variable */
    lg_text *text;  /* what it said then; of an edge, not counted */
    uint32_t slot;  /* where feedback on it is given: that of the first edge which leads there */
    uint32_t input; /* the first of the node's inputs by which it comes in */
} lg_aim;

typedef struct lg_aims {
    lg_mem *mem;
    lg_aim *list;
    size_t n, cap;
} lg_aims;

/* All variables that the inputs of s' node from `from` up to `to` (not included) lead to and
 * that take feedback, in the order of the graph. Marks what it went through. 0, LG_ENOMEM; the
 * list must be freed in either case. */
int lg__aims_find(lg_plan *plan, lg_step *s, uint32_t from, uint32_t to, lg_aims *out);
void lg__aims_free(lg_aims *aims);
/* The conversation of s with each aim's mark wherever its text stands. NULL: memory */
lg_text *lg__aim_conversation(lg_graph *g, lg_plan *plan, lg_step *s, const lg_aim *aims,
                              lg_text *const *marks, size_t n, size_t max_tokens);

#endif
