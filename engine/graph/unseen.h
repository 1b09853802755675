/* unseen.h - results that failed, and nobody has looked. See unseen.c. */
#ifndef LG_UNSEEN_H
#define LG_UNSEEN_H

#include "graph/var.h"

enum { LG_UNSEEN_KEPT = 4 };

typedef struct lg_unseen { /* what is told of one */
    uint64_t id;
    int code;
    lg_text *message, *hint; /* counted; NULL: none */
} lg_unseen;

typedef struct lg_unseens {
    size_t n; /* of variables that are gone */
    size_t n_kept;
    lg_unseen kept[LG_UNSEEN_KEPT]; /* the first of them, by id */
} lg_unseens;

/* v has just failed: nobody has looked, unless its failure goes on to what waits for it. */
void lg__unseen_failed(lg_var *v);
/* Its failure was looked at, or passed on. */
void lg__unseen_look(lg_var *v);
/* Whatever becomes of v: somebody has looked at what stands for it. */
void lg__unseen_disown(lg_var *v);
/* v is about to be freed. */
void lg__unseen_gone(lg_var *v);
void lg__unseen_free(lg_unseens *u);
/* How many of the current party there are now; the first of them, by id, into out, which has room
 * for LG_UNSEEN_KEPT: *shown. Borrowed until the graph changes. */
size_t lg__unseen_list(const lg_graph *g, lg_unseen *out, size_t *shown);

#endif
