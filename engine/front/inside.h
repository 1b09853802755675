/* inside.h - what the Lua binding needs of an engine beyond lunagrad.h.
 *
 * Not for hosts: it may change with every version. It shows no struct of the engine. */
#ifndef LG_INSIDE_H
#define LG_INSIDE_H

#include "lunagrad.h"

typedef struct lg_store lg_store;

/* The engine's own store, as long as the engine lives; NULL: it was configured without. */
lg_store *lg__inside_store(const lg_engine *e);
/* Before the store is read: what was queued is written. */
void lg__inside_flush(lg_engine *e);
/* A statement was queued: it is written with the next transaction, or now if many wait. */
void lg__inside_queued(lg_engine *e);

enum { LG_INSIDE_UNSEEN = 4 };

typedef struct lg_inside_unseen { /* one result that failed, and nobody has looked */
    uint64_t id;
    int code;
    const char *message; /* never NULL */
    const char *hint;    /* NULL: none */
} lg_inside_unseen;

/* How many there are; the first of them, by id, into out: *shown of LG_INSIDE_UNSEEN.
 * Borrowed until the engine runs, or one of its variables is freed. */
size_t lg__inside_unseen(const lg_engine *e, lg_inside_unseen *out, size_t *shown);
/* The failure of v was looked at. */
void lg__inside_look(lg_var *v);
/* Whether v fails, or will, needs nobody's look. */
void lg__inside_disown(lg_var *v);

#endif
