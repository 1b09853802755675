/* vectors.h - a matrix of unit vectors, and which of its rows lie nearest to another.
 *
 * An exact scan: no index that forgets neighbours. Rows are single floats, of length one;
 * a row that was taken out stays as a gap. Passive. */
#ifndef LG_VECTORS_H
#define LG_VECTORS_H

#include "lunagrad.h"

typedef struct lg_vectors {
    lg_alloc_fn alloc;
    void *alloc_ud;
    size_t dim;    /* numbers in a row, at least 1 */
    size_t n, cap; /* rows, gaps included */
    float *rows;   /* a gap begins with a NaN */
} lg_vectors;

typedef struct lg_near {
    size_t row;
    double score; /* cosine, -1 to 1 */
} lg_near;

void lg__vectors_init(lg_vectors *v, lg_alloc_fn alloc, void *ud, size_t dim); /* NULL: malloc */
void lg__vectors_free(lg_vectors *v);
/* values: dim of them, any length but zero; row at most n. LG_EINVAL: no direction (all
 * zero, or not finite); LG_ENOMEM; LG_ELIMIT: too many rows. Unchanged on failure. */
int lg__vectors_put(lg_vectors *v, size_t row, const float *values);
void lg__vectors_drop(lg_vectors *v, size_t row);
/* The k rows with the highest cosine, the highest first, ties by row. Returns how many;
 * 0 for a query without direction. */
size_t lg__vectors_nearest(const lg_vectors *v, const float *query, lg_near *out, size_t k);

#endif
