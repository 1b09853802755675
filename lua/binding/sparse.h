/* sparse.h - a sparse matrix of doubles by rows, made one row after the other.
 *
 * Rows are never changed or taken out, so that who reads some of them may go on while others
 * are added. Passive. */
#ifndef LG_SPARSE_H
#define LG_SPARSE_H

#include "lunagrad.h"

typedef struct lg_sparse {
    lg_alloc_fn alloc;
    void *alloc_ud;
    size_t columns;        /* 1 to LG_SPARSE_COLUMNS */
    size_t rows, rows_cap; /* row i: entries begin[i] to begin[i + 1] */
    size_t n, cap;         /* entries */
    size_t *begin;         /* rows + 1 of them; NULL while there is no row */
    uint32_t *column;      /* ascending in a row */
    double *value;
} lg_sparse;

enum { LG_SPARSE_COLUMNS = 1 << 24 };

void *lg__sparse_usual_alloc(void *ud, void *p, size_t osize, size_t nsize);     /* malloc */
void lg__sparse_init(lg_sparse *m, lg_alloc_fn alloc, void *ud, size_t columns); /* NULL: usual */
void lg__sparse_free(lg_sparse *m);
/* LG_EINVAL: a column that is none or does not ascend, a value that is not finite; LG_ENOMEM;
 * LG_ELIMIT: too many. Unchanged on failure. n may be 0. */
int lg__sparse_add(lg_sparse *m, size_t n, const uint32_t *column, const double *value);

#endif
