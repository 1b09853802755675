/* store_index.h - a small SQLite database of its own, in memory or a file, for retrievers.
 *
 * Not the store: nothing in it was paid for that the store does not have as well, and it
 * can be made anew from its documents. What tables it has is lunagrad/retriever.lua's
 * affair. One statement at a time. SQLite's memory is its own. */
#ifndef LG_STORE_INDEX_H
#define LG_STORE_INDEX_H

#include "store/store.h"

typedef struct lg_index lg_index;

/* path NULL: in memory. 0; LG_ENOMEM; LG_ESTORE, also where SQLite has no FTS5: *why tells
 * (initialised here). */
int lg__index_open(lg_mem *m, const char *path, lg_index **out, lg_fail *why);
void lg__index_close(lg_index *x);
size_t lg__index_bytes(const lg_index *x);       /* of one in memory, about; else 0 */
const lg_fail *lg__index_why(const lg_index *x); /* the last failure */

/* Begins one statement that reads or writes; cells are copied. A new one ends the old. 0,
 * LG_EINVAL, LG_ESTORE. */
int lg__index_do(lg_index *x, const char *sql, const lg_cell *cells, size_t n);
int lg__index_row(lg_index *x); /* 1: there is a row. 0: no more. LG_E… */
size_t lg__index_columns(const lg_index *x);
const char *lg__index_column(const lg_index *x, size_t i); /* its name, borrowed */
void lg__index_cell(const lg_index *x, size_t i, lg_cell *out);

#endif
