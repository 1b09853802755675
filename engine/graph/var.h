/* var.h - a variable: text, role, versions, feedback, and who waits for it.
 *
 * Passive data. It does not know how values are computed (graph.h) nor how
 * feedback is made (gradient.h). Invariants:
 * - text is set exactly when state is LG_READY;
 * - a pending variable has a node (or belongs to a pass) and one extra count,
 *   held by the graph until it settles;
 * - waiters is empty once the variable has settled. */
#ifndef LG_VAR_H
#define LG_VAR_H

#include "base/fail.h"

typedef struct lg_graph lg_graph;
typedef struct lg_node lg_node;
struct lg_pass;

enum lg_wait_kind { LG_WAIT_EDGE = 0, LG_WAIT_WATCH, LG_WAIT_STEP, LG_WAIT_JOB };

typedef struct lg_waiter { /* first member of whatever waits */
    struct lg_waiter *next;
    int kind; /* enum lg_wait_kind */
} lg_waiter;

typedef struct lg_record { /* one piece of feedback, see lg_feedback */
    struct lg_record *next;
    int state;
    bool has_score, by_hand;
    uint32_t group; /* the mean it came through, 0: none; one pass only */
    uint32_t order; /* the step that gave it; one pass only */
    double score, target;
    double weight; /* of the sums and means that it came through */
    lg_text *text, *conversation, *from_role;
    lg_text *remarks;    /* what was said about the output that it is about, or NULL */
    lg_text *goal;       /* what the outcome is judged by, in a few words, or NULL */
    uint64_t from, root; /* variables' ids; root: where the pass began */
    size_t input;
    int64_t example;
    struct lg_record *sources; /* what a reduction was made from */
    lg_var *var;               /* counted, or NULL */
} lg_record;

typedef struct lg_versions { /* older texts; the newest is lg_var.text */
    lg_text **texts;
    size_t n, cap;
} lg_versions;

typedef struct lg_pass_ref { /* a pass that runs through a leaf, or failed */
    struct lg_pass_ref *next;
    lg_var *pass; /* counted */
} lg_pass_ref;

struct lg_var {
    lg_graph *graph;
    uint64_t id;
    uint32_t refs;
    int8_t op;    /* enum lg_op */
    int8_t state; /* enum lg_state */
    bool grad, has_score;
    bool frozen, trained;  /* of what a node made: it takes no feedback; it is a parameter itself */
    bool replaced;         /* its producer failed, and the host gave the value */
    bool unseen, disowned; /* failed, and nobody has looked; or will not: unseen.h */
    bool open;             /* an open promise, or a pass that runs, may be behind it: cycle.h */
    int code;              /* LG_E* when failed or cancelled */
    lg_text *text, *role;
    double score, target;
    int64_t example;
    lg_node *node;         /* the producer, owned; NULL: none */
    lg_waiter *waiters;    /* newest first */
    lg_fail *fail;         /* detail of code; NULL when memory was short */
    lg_versions *versions; /* NULL: only one */
    lg_record *records;    /* in the order of the graph */
    lg_pass_ref *passes;
    struct lg_pass *pass;   /* the pass this variable stands for */
    uint32_t given_up;      /* counts of cancelled consumers, while pending */
    uint64_t mark;          /* scratch of plan.c, cycle.c and of cancelling */
    struct lg_party *party; /* counted: whose it is */
    size_t bytes;           /* that are on its party's account: texts of its own, and itself */
    lg_var *prev, *next;    /* all variables of the party */
};

lg_record *lg__record_new(lg_mem *m, int state);           /* NULL: memory */
lg_record *lg__record_copy(lg_mem *m, const lg_record *r); /* shares the texts */
/* Nothing to improve, because the outcome has reached its target. */
bool lg__record_solved(const lg_record *r);
/* Frees r and its sources; drops its variable through the graph. */
void lg__record_free(lg_graph *g, lg_record *r);
void lg__records_free(lg_graph *g, lg_record *list);
/* Drops the records of earlier passes: with root, that pass' own; else all but
 * those given by hand. */
void lg__var_drop_records(lg_var *v, bool only_root, uint64_t root);
/* The records of one pass, behind those of roots made earlier. */
void lg__var_add_records(lg_var *v, lg_record *list, uint64_t root);
/* A backward pass that runs through v or what it was made of; *out NULL: none. Borrowed. */
int lg__var_pass_behind(lg_var *v, lg_var **out);
/* What its producer made, whatever was set since. NULL: nothing */
lg_text *lg__var_first_text(const lg_var *v);
/* x as %g, with a point in every locale. */
const char *lg__number_text(char *buf, size_t size, double x);

#endif
