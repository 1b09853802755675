/* sparse.c - rows of a sparse matrix in three growing arrays. */
#include "binding/sparse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#ifdef LG_DEBUG
enum { FIRST_ROWS = 1, FIRST_ENTRIES = 1 };
#else
enum { FIRST_ROWS = 256, FIRST_ENTRIES = 4096 };
#endif

void *lg__sparse_usual_alloc(void *ud, void *p, size_t osize, size_t nsize)
{
    (void)ud;
    (void)osize;
    if (nsize > 0)
        return realloc(p, nsize);

    free(p);
    return NULL;
}

void lg__sparse_init(lg_sparse *m, lg_alloc_fn alloc, void *ud, size_t columns)
{
    *m = (lg_sparse){
        .alloc = alloc ? alloc : lg__sparse_usual_alloc, .alloc_ud = ud, .columns = columns};
}

void lg__sparse_free(lg_sparse *m)
{
    if (m->begin)
        m->alloc(m->alloc_ud, m->begin, (m->rows_cap + 1) * sizeof *m->begin, 0);
    if (m->column)
        m->alloc(m->alloc_ud, m->column, m->cap * sizeof *m->column, 0);
    if (m->value)
        m->alloc(m->alloc_ud, m->value, m->cap * sizeof *m->value, 0);
    lg__sparse_init(m, m->alloc, m->alloc_ud, m->columns);
}

static int make_room_for_row(lg_sparse *m)
{
    if (m->begin && m->rows < m->rows_cap)
        return LG_OK;

    size_t cap = m->begin ? m->rows_cap * 2 : FIRST_ROWS;
    if (cap > SIZE_MAX / 4 / sizeof *m->begin)
        return LG_ELIMIT;

    size_t old = m->begin ? (m->rows_cap + 1) * sizeof *m->begin : 0;
    size_t *begin = m->alloc(m->alloc_ud, m->begin, old, (cap + 1) * sizeof *begin);
    if (!begin)
        return LG_ENOMEM;

    begin[m->rows] = m->n;
    m->begin = begin;
    m->rows_cap = cap;
    return LG_OK;
}

/* Both arrays have cap places, or, if only the first could be moved, at least so many: what is
 * freed is told its right size by moving the first back. */
static int make_room_for_entries(lg_sparse *m, size_t n)
{
    size_t cap = m->cap ? m->cap : FIRST_ENTRIES;
    if (n > SIZE_MAX / 4 / sizeof *m->value - m->n)
        return LG_ELIMIT;

    while (cap < m->n + n)
        cap *= 2;
    if (cap == m->cap)
        return LG_OK;

    uint32_t *column = m->alloc(m->alloc_ud, NULL, 0, cap * sizeof *column);
    double *value = column ? m->alloc(m->alloc_ud, NULL, 0, cap * sizeof *value) : NULL;
    if (!value) {
        if (column)
            m->alloc(m->alloc_ud, column, cap * sizeof *column, 0);
        return LG_ENOMEM;
    }
    if (m->n > 0) {
        memcpy(column, m->column, m->n * sizeof *column);
        memcpy(value, m->value, m->n * sizeof *value);
    }
    if (m->cap > 0) {
        m->alloc(m->alloc_ud, m->column, m->cap * sizeof *column, 0);
        m->alloc(m->alloc_ud, m->value, m->cap * sizeof *value, 0);
    }
    m->column = column;
    m->value = value;
    m->cap = cap;
    return LG_OK;
}

static bool is_row(const lg_sparse *m, size_t n, const uint32_t *column, const double *value)
{
    for (size_t k = 0; k < n; k++) {
        if (column[k] >= m->columns || !isfinite(value[k]) || (k > 0 && column[k] <= column[k - 1]))
            return false;
    }
    return true;
}

int lg__sparse_add(lg_sparse *m, size_t n, const uint32_t *column, const double *value)
{
    if (!is_row(m, n, column, value))
        return LG_EINVAL;

    int err = make_room_for_row(m);
    if (!err)
        err = make_room_for_entries(m, n);
    if (err)
        return err;

    if (n > 0) {
        memcpy(m->column + m->n, column, n * sizeof *column);
        memcpy(m->value + m->n, value, n * sizeof *value);
    }
    m->n += n;
    m->begin[++m->rows] = m->n;
    return LG_OK;
}
