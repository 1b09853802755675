/* heap.h - what is due when: the first to come is found at once, any can leave.
 *
 * Of equal times the lower number comes first, so that the order is the same in every run.
 * What is in it holds its own place. */
#ifndef LG_HEAP_H
#define LG_HEAP_H

#include "base/mem.h"

typedef struct lg_due { /* a member of what is due */
    int64_t us;
    uint64_t number;
    size_t place; /* in the heap, from 1; 0: it is in none */
} lg_due;

typedef struct lg_heap { /* all 0: empty */
    lg_due **all;
    size_t n, cap;
} lg_heap;

/* Room for so many. 0, LG_ENOMEM */
int lg__heap_reserve(lg_heap *h, lg_mem *m, size_t n);
void lg__heap_put(lg_heap *h, lg_due *d);  /* there is room */
void lg__heap_take(lg_heap *h, lg_due *d); /* it is in h */
lg_due *lg__heap_first(const lg_heap *h);  /* NULL: it is empty */
void lg__heap_free(lg_heap *h, lg_mem *m);
void lg__heap_check(const lg_heap *h); /* debug builds: its order, and who knows his place */

#endif
