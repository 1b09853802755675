/* op.h - the table of operators: forward directly followed by backward.
 *
 * forward turns a node's settled inputs into its output, or hands it to the
 * list of those who do. backward is not a call but a way: how feedback on the
 * output becomes feedback on the inputs; gradient.c walks it. */
#ifndef LG_OP_H
#define LG_OP_H

#include "base/bytes.h"
#include "graph/graph.h"

enum lg_way {
    LG_WAY_NONE = 0, /* a leaf: feedback ends here */
    LG_WAY_ON,       /* passed on unchanged, no call */
    LG_WAY_ASK,      /* a model writes feedback for each input */
    LG_WAY_HOST      /* the tool's own function does */
};

typedef struct lg_op_row {
    void (*forward)(lg_graph *g, lg_node *node);
    enum lg_way (*backward)(const lg_node *node);
    /* For LG_WAY_ASK: what happened at the node, as text for a critic, its
     * pieces trimmed to max_tokens in all. NULL: memory. */
    lg_text *(*conversation)(lg_graph *g, const lg_node *node, lg_text *const *instead,
                             size_t max_tokens);
    /* For LG_WAY_ON: the text that is made of the inputs, added to out. 0, LG_ENOMEM,
     * LG_ETEMPLATE with the field in bad (64 bytes). */
    int (*compose)(lg_graph *g, const lg_node *node, lg_text *const *instead, lg_bytes *out,
                   char *bad);
    const char *templates; /* "critic" or "tool": prefix of the prompts' names */
} lg_op_row;

/* In both, instead (may be NULL) has for each input the text to show in its place; NULL: what
 * the node saw. */

extern const lg_op_row lg__ops[LG_OPS];

#endif
