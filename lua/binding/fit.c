/* fit.c - projected Newton with conjugate gradients (Bertsekas 1982; Moré and Toraldo 1991).
 *
 * All that is dear is a pass over the rows, which can be left and gone on with: one computes
 * cost, gradient, values and the diagonal of the curvature at `trial`; the other, the curvature
 * times a direction. Between passes only sums over columns are made. */
#include "binding/fit.h"

#include <math.h>
#include <string.h>

#ifdef __clang__
#pragma STDC FP_CONTRACT OFF
#endif

enum { MOST_ROUNDS = 300, MOST_HALVINGS = 40 };

static const char *const state_names[] = {"set up", "scale",   "begin",   "direct", "search",
                                          "return", "settled", "stalled", "stopped"};
_Static_assert(sizeof state_names / sizeof *state_names == LG_FIT_N_STATES, "a name a state");

const char *lg__fit_state_name(enum lg_fit_state state)
{
    return state_names[state];
}

/* ---- memory -------------------------------------------------------------------- */

static double *take(char **at, size_t n)
{
    double *piece = (double *)(void *)*at;
    *at += n * sizeof *piece;
    return piece;
}

static void lay_out(lg_fit *f, char *at)
{
    double **by_column[] = {&f->bottom, &f->top,        &f->x,          &f->grad,
                            &f->trial,  &f->trial_grad, &f->trial_diag, &f->step,
                            &f->rest,   &f->along,      &f->curved};
    f->aim = (lg_fit_aim *)(void *)take(&at, f->rows * (sizeof *f->aim / sizeof(double)));
    f->value = take(&at, f->rows);
    f->curve = take(&at, f->rows);
    for (size_t k = 0; k < sizeof by_column / sizeof *by_column; k++)
        *by_column[k] = take(&at, f->columns);
    f->is_free = (bool *)at;
}

int lg__fit_init(lg_fit *f, const lg_sparse *a)
{
    enum { COLUMN_BYTES = 11 * sizeof(double) + sizeof(bool), ROW_BYTES = 6 * sizeof(double) };
    *f = (lg_fit){.a = a, .rows = a->rows, .columns = a->columns};
    f->tolerance = 1e-8;
    f->most_steps = 200;
    if (f->rows > SIZE_MAX / 4 / ROW_BYTES || f->columns > SIZE_MAX / 4 / COLUMN_BYTES)
        return LG_ELIMIT;

    f->memory_size = f->rows * ROW_BYTES + f->columns * COLUMN_BYTES;
    f->memory = a->alloc(a->alloc_ud, NULL, 0, f->memory_size);
    if (!f->memory)
        return LG_ENOMEM;

    memset(f->memory, 0, f->memory_size);
    lay_out(f, f->memory);
    for (size_t j = 0; j < f->columns; j++)
        f->top[j] = INFINITY;
    return LG_OK;
}

void lg__fit_free(lg_fit *f)
{
    if (f->memory)
        f->a->alloc(f->a->alloc_ud, f->memory, f->memory_size, 0);
    *f = (lg_fit){.a = f->a, .state = LG_FIT_STOPPED};
}

/* ---- passes -------------------------------------------------------------------- */

static double within(const lg_fit *f, size_t j, double x)
{
    return x < f->bottom[j] ? f->bottom[j] : x > f->top[j] ? f->top[j] : x;
}

static double row_times(const lg_sparse *a, size_t row, const double *x)
{
    double sum = 0;
    for (size_t k = a->begin[row]; k < a->begin[row + 1]; k++)
        sum += a->value[k] * x[a->column[k]];
    return sum;
}

static void begin_look(lg_fit *f, enum lg_fit_state state)
{
    f->state = state;
    f->row = 0;
    f->trial_cost = 0;
    for (size_t j = 0; j < f->columns; j++) {
        double x = f->trial[j];
        f->trial_cost += f->ridge * x * x;
        f->trial_grad[j] = 2 * f->ridge * x;
        f->trial_diag[j] = 2 * f->ridge;
    }
}

/* One row of a look at `trial`. */
static void look(lg_fit *f, size_t row)
{
    const lg_sparse *a = f->a;
    const lg_fit_aim *aim = &f->aim[row];
    double value = row_times(a, row, f->trial), off = 0, weight = 0;
    if (value < aim->low) {
        off = value - aim->low;
        weight = aim->under;
    } else if (value > aim->high) {
        off = value - aim->high;
        weight = aim->over;
    }
    f->value[row] = value;
    f->curve[row] = 2 * weight;
    if (!(weight > 0))
        return;

    double slope = 2 * weight * off;
    f->trial_cost += weight * off * off;
    for (size_t k = a->begin[row]; k < a->begin[row + 1]; k++) {
        double v = a->value[k];
        f->trial_grad[a->column[k]] += slope * v;
        f->trial_diag[a->column[k]] += 2 * weight * v * v;
    }
}

static void begin_product(lg_fit *f)
{
    f->state = LG_FIT_DIRECT;
    f->row = 0;
    for (size_t j = 0; j < f->columns; j++)
        f->curved[j] = 2 * f->ridge * f->along[j];
}

/* One row of curvature times `along`. */
static void bend(lg_fit *f, size_t row)
{
    const lg_sparse *a = f->a;
    if (!(f->curve[row] > 0))
        return;

    double by = f->curve[row] * row_times(a, row, f->along);
    for (size_t k = a->begin[row]; k < a->begin[row + 1]; k++)
        f->curved[a->column[k]] += by * a->value[k];
}

/* ---- between the passes -------------------------------------------------------- */

/* What of a gradient at x is no pressure against a bound. */
static double projected(const lg_fit *f, const double *x, const double *grad, size_t j)
{
    bool held = (x[j] <= f->bottom[j] && grad[j] > 0) || (x[j] >= f->top[j] && grad[j] < 0);
    return held ? 0 : grad[j];
}

static double residual(const lg_fit *f, const double *x, const double *grad)
{
    double sum = 0;
    for (size_t j = 0; j < f->columns; j++) {
        double g = projected(f, x, grad, j);
        sum += g * g;
    }
    return sqrt(sum);
}

static double precondition(const lg_fit *f, size_t j)
{
    return f->trial_diag[j] > 0 ? f->rest[j] / f->trial_diag[j] : f->rest[j];
}

static void begin_direction(lg_fit *f)
{
    double loose = sqrt(f->residual / f->scale), sum = 0;
    f->rest_dot = 0;
    for (size_t j = 0; j < f->columns; j++) {
        f->rest[j] = -projected(f, f->x, f->grad, j);
        f->is_free[j] =
            f->rest[j] < 0 || f->rest[j] > 0 || (f->x[j] > f->bottom[j] && f->x[j] < f->top[j]);
        f->step[j] = 0;
        f->along[j] = precondition(f, j);
        f->rest_dot += f->rest[j] * f->along[j];
        sum += f->rest[j] * f->rest[j];
    }
    f->rest_goal = (loose < 0.1 ? loose : 0.1) * sqrt(sum);
    f->rounds = 0;
    begin_product(f);
}

static void try_length(lg_fit *f, double length)
{
    f->length = length;
    for (size_t j = 0; j < f->columns; j++)
        f->trial[j] = f->is_free[j] ? within(f, j, f->x[j] + length * f->step[j]) : f->x[j];
    begin_look(f, LG_FIT_SEARCH);
}

/* A product is done: one round of conjugate gradients. */
static void go_along(lg_fit *f)
{
    double bent = 0, sum = 0, dot = 0;
    for (size_t j = 0; j < f->columns; j++) {
        if (f->is_free[j])
            bent += f->along[j] * f->curved[j];
    }
    double by = bent > 0 ? f->rest_dot / bent : 1;
    for (size_t j = 0; j < f->columns; j++) {
        if (!f->is_free[j])
            continue;
        f->step[j] += by * f->along[j];
        f->rest[j] -= by * f->curved[j];
        sum += f->rest[j] * f->rest[j];
        dot += f->rest[j] * precondition(f, j);
    }
    if (!(bent > 0) || sqrt(sum) <= f->rest_goal || ++f->rounds >= MOST_ROUNDS) {
        try_length(f, 1);
        return;
    }
    double keep = dot / f->rest_dot;
    f->rest_dot = dot;
    for (size_t j = 0; j < f->columns; j++)
        f->along[j] = f->is_free[j] ? precondition(f, j) + keep * f->along[j] : 0;
    begin_product(f);
}

static void swap(double **a, double **b)
{
    double *kept = *a;
    *a = *b;
    *b = kept;
}

/* x is where the pass has looked. trial_diag, value and curve are x's until the next look. */
static void accept(lg_fit *f)
{
    swap(&f->x, &f->trial);
    swap(&f->grad, &f->trial_grad);
    f->cost = f->trial_cost;
    f->residual = residual(f, f->x, f->grad);
}

static void go_on(lg_fit *f)
{
    accept(f);
    if (f->residual <= f->tolerance * f->scale && isfinite(f->residual))
        f->state = LG_FIT_SETTLED;
    else if (f->steps >= f->most_steps)
        f->state = LG_FIT_STOPPED;
    else
        begin_direction(f);
}

/* Enough less than at x; or, where costs differ by rounding alone, flatter. */
static bool is_better(const lg_fit *f)
{
    double slope = 0;
    for (size_t j = 0; j < f->columns; j++)
        slope += f->grad[j] * (f->trial[j] - f->x[j]);
    if (f->trial_cost <= f->cost + 1e-4 * slope && slope < 0)
        return true;

    return f->trial_cost <= f->cost * (1 + 1e-13) &&
           residual(f, f->trial, f->trial_grad) < 0.5 * f->residual;
}

static void search(lg_fit *f)
{
    if (is_better(f)) {
        f->steps++;
        go_on(f);
    } else if (f->length > ldexp(1, -MOST_HALVINGS)) {
        try_length(f, f->length / 2);
    } else {
        memcpy(f->trial, f->x, f->columns * sizeof *f->x);
        begin_look(f, LG_FIT_RETURN);
    }
}

/* ---- the face ------------------------------------------------------------------ */

void lg__fit_start(lg_fit *f, const double *x)
{
    for (size_t j = 0; j < f->columns; j++) {
        f->step[j] = within(f, j, x[j]);
        f->trial[j] = within(f, j, 0);
    }
    begin_look(f, LG_FIT_SCALE);
}

static void begin(lg_fit *f)
{
    f->scale = residual(f, f->trial, f->trial_grad);
    memcpy(f->trial, f->step, f->columns * sizeof *f->trial);
    begin_look(f, LG_FIT_BEGIN);
}

static void end_pass(lg_fit *f)
{
    f->passes++;
    switch (f->state) {
    case LG_FIT_SCALE:
        begin(f);
        break;
    case LG_FIT_BEGIN:
        go_on(f);
        break;
    case LG_FIT_DIRECT:
        go_along(f);
        break;
    case LG_FIT_SEARCH:
        search(f);
        break;
    default: /* LG_FIT_RETURN: the others have no passes */
        accept(f);
        f->state = LG_FIT_STALLED;
        break;
    }
}

bool lg__fit_step(lg_fit *f, size_t work)
{
    size_t done = 0;
    while (f->state > LG_FIT_SET_UP && f->state < LG_FIT_SETTLED && done <= work) {
        if (f->row == f->rows) {
            end_pass(f);
            done += 4 * f->columns;
            continue;
        }
        if (f->state == LG_FIT_DIRECT)
            bend(f, f->row);
        else
            look(f, f->row);
        done += 2 + f->a->begin[f->row + 1] - f->a->begin[f->row];
        f->row++;
    }
    return f->state >= LG_FIT_SETTLED;
}
