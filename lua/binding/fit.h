/* fit.h - bounded least squares with one-sided penalties over a sparse matrix, in slices.
 *
 *   minimise  sum over rows i of  under_i · max(0, low_i − v_i)² + over_i · max(0, v_i − high_i)²
 *             + ridge · |x|²      where  v = Ax  and  bottom_j ≤ x_j ≤ top_j
 *
 * Convex and piecewise quadratic. Solved by a projected Newton method: the columns that are not
 * held at a bound move along a direction from conjugate gradients, and the step is cut back
 * along the projected arc. It has settled when the projected gradient (the residual of the
 * Karush-Kuhn-Tucker conditions) is `tolerance` times what it is at the point of the bounds that
 * is nearest to zero.
 *
 * Passive: lg__fit_step does a bounded piece of work. How the pieces are cut changes no bit of
 * the result. Sums run in one order, and no products are fused into them. */
#ifndef LG_FIT_H
#define LG_FIT_H

#include "binding/sparse.h"

typedef struct lg_fit_aim { /* of a row; a weight of 0: no penalty on that side */
    double low, under, high, over;
} lg_fit_aim;

enum lg_fit_state {                 /* in the order of a life */
                    LG_FIT_SET_UP,  /* not begun */
                    LG_FIT_SCALE,   /* looks at the point nearest to zero, which sets the scale */
                    LG_FIT_BEGIN,   /* looks at the point it begins from */
                    LG_FIT_DIRECT,  /* conjugate gradients: a pass for each product */
                    LG_FIT_SEARCH,  /* looks at points on the arc */
                    LG_FIT_RETURN,  /* no step helps any more: looks at the best point again */
                    LG_FIT_SETTLED, /* … to the tolerance */
                    LG_FIT_STALLED, /* … as far as doubles go */
                    LG_FIT_STOPPED, /* as many steps as were allowed */
                    LG_FIT_N_STATES
};

typedef struct lg_fit {
    const lg_sparse *a; /* borrowed for its life; its first `rows` rows count */
    size_t rows, columns;
    double ridge, tolerance;
    uint64_t most_steps;
    lg_fit_aim *aim;      /* by row */
    double *bottom, *top; /* by column; may be infinite */
    enum lg_fit_state state;
    size_t row;             /* the next one of the pass that runs */
    double cost, residual;  /* at x */
    double scale;           /* what residual is measured by */
    double trial_cost;      /* … so far, while a pass runs */
    double length;          /* of the step that is tried */
    uint64_t steps, passes; /* Newton steps; passes over all rows */
    /* by column */
    double *x, *grad;
    double *trial, *trial_grad, *trial_diag; /* where a pass looks; diag: of the curvature */
    double *step, *rest, *along, *curved;    /* conjugate gradients: solution, residual, direction,
                                                curvature times direction */
    bool *is_free;
    double rest_dot, rest_goal; /* |rest|² as the preconditioner weighs it; when to end */
    uint64_t rounds;            /* of conjugate gradients in this step */
    /* by row, at x, or where the pass looks */
    double *value, *curve;
    void *memory;
    size_t memory_size;
} lg_fit;

/* For the rows that a has now. No penalties, bounds 0 and infinity. LG_ENOMEM; LG_ELIMIT. */
int lg__fit_init(lg_fit *f, const lg_sparse *a);
void lg__fit_free(lg_fit *f);
/* Where to begin, after aims and bounds are set; it is brought within them. */
void lg__fit_start(lg_fit *f, const double *x);
/* So many entries of the matrix are looked at, or a few more. True: it has come to an end. */
bool lg__fit_step(lg_fit *f, size_t work);
const char *lg__fit_state_name(enum lg_fit_state state);

#endif
