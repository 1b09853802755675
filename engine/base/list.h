/* list.h - lists of things that hold their own links: a queue, and a ring.
 *
 * Neither owns what is in it; nothing here asks for memory. */
#ifndef LG_LIST_H
#define LG_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* ---- first in, first out ----------------------------------------------------- */

/* Of things that have a member `next` of their own for it, named where one is pushed or
 * taken: some are in several queues, one after the other. */
#define LG_QUEUE_OF(type)  \
    struct {               \
        type *head, *tail; \
        size_t n;          \
    }

#define LG_QUEUE_PUSH(q, one, next_)  \
    do {                              \
        (one)->next_ = NULL;          \
        if ((q)->tail) {              \
            (q)->tail->next_ = (one); \
        } else {                      \
            (q)->head = (one);        \
        }                             \
        (q)->tail = (one);            \
        (q)->n++;                     \
    } while (0)

/* one: the first, NULL: it is empty. */
#define LG_QUEUE_POP(q, one, next_)                   \
    do {                                              \
        (one) = (q)->head;                            \
        if (one) {                                    \
            (q)->head = (one)->next_;                 \
            (q)->tail = (q)->head ? (q)->tail : NULL; \
            (one)->next_ = NULL;                      \
            (q)->n--;                                 \
        }                                             \
    } while (0)

/* ---- a ring: what is in it can leave from anywhere --------------------------- */

/* What a link is a member of. */
#define LG_OF(link, type, member) ((type *)(void *)((char *)(link)-offsetof(type, member)))

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
