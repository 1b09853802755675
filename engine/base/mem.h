/* mem.h - allocation through the host's function, counted.
 *
 * Every allocation of the engine passes here, so that a host can bound it and a
 * test can make the n-th one fail. It is not an arena and keeps no lists. Sizes are given
 * back at free, as lua_Alloc wants. */
#ifndef LG_MEM_H
#define LG_MEM_H

#include "lunagrad.h"

typedef struct lg_mem {
    lg_alloc_fn fn;
    void *ud;
    uint64_t live_bytes, live_blocks;
    uint64_t calls;     /* allocations and growths so far */
    uint64_t fail_at;   /* the call of this number fails; 0: none (tests) */
    bool fail_for_good; /* … and all after it */
    void *lock;         /* a pthread_mutex_t, where two threads allocate; NULL: none */
} lg_mem;

/* What is held now. Any of the threads. */
void lg__mem_live(lg_mem *m, uint64_t *bytes, uint64_t *blocks);
void lg__mem_init(lg_mem *m, lg_alloc_fn fn, void *ud);         /* fn NULL: malloc */
void *lg__mem_new(lg_mem *m, size_t n);                         /* NULL: out of memory */
void *lg__mem_zero(lg_mem *m, size_t n);                        /* … filled with zeros */
void *lg__mem_grow(lg_mem *m, void *p, size_t old_n, size_t n); /* p stays on NULL */
void lg__mem_free(lg_mem *m, void *p, size_t n);                /* p may be NULL */
char *lg__mem_strdup(lg_mem *m, const char *s);                 /* s NULL gives NULL */
void lg__mem_strfree(lg_mem *m, char *s);                       /* … of lg__mem_strdup */

#endif
