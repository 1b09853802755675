/* list.h - lists of things that hold their own links: a queue, and a ring.
 *
 * Neither owns or counts what is in it. The link is found again by LG_OF; where it is the
 * first member a cast will do. */
#ifndef LG_LIST_H
#define LG_LIST_H

#include <stdbool.h>
#include <stddef.h>

#define LG_OF(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

/* ---- first in, first out ----------------------------------------------------- */

typedef struct lg_link {
    struct lg_link *next;
} lg_link;

typedef struct lg_list {
    lg_link *head, *tail;
    size_t n;
} lg_list;

static inline void lg__list_push(lg_list *l, lg_link *one)
{
    one->next = NULL;
    *(l->tail ? &l->tail->next : &l->head) = one;
    l->tail = one;
    l->n++;
}

static inline void *lg__list_pop(lg_list *l) /* NULL: it is empty */
{
    lg_link *one = l->head;
    if (one) {
        l->head = one->next;
        l->tail = l->head ? l->tail : NULL;
        l->n--;
    }
    return one;
}

static inline lg_list lg__list_take(lg_list *l) /* all of it */
{
    lg_list all = *l;
    *l = (lg_list){NULL, NULL, 0};
    return all;
}

/* ---- a ring: what is in it can leave from anywhere --------------------------- */

typedef struct lg_ring { /* its head, and each that is in it */
    struct lg_ring *prev, *next;
} lg_ring;

static inline void lg__ring_init(lg_ring *l)
{
    l->prev = l->next = l;
}

static inline bool lg__ring_empty(const lg_ring *l)
{
    return l->next == l;
}

static inline void lg__ring_before(lg_ring *at, lg_ring *l)
{
    l->prev = at->prev;
    l->next = at;
    at->prev->next = l;
    at->prev = l;
}

static inline void lg__ring_cut(lg_ring *l) /* it is a ring of its own then */
{
    l->prev->next = l->next;
    l->next->prev = l->prev;
    lg__ring_init(l);
}

#endif
