/* engine_kept.c - equal calls of a tool whose results are kept are one call.
 *
 * While one runs (until its result is stored) the others wait for it; then they find its
 * result in the store. If it failed, the next of them runs. Called by engine.c and
 * engine_turn.c, with a store only. */
#include <string.h>

#include "engine_internal.h"

struct lg_kept { /* one that runs */
    lg_kept *next;
    unsigned char key[32];
    uint64_t work;
    lg_nodes waiting; /* equal ones */
};

bool lg__kept_shares(lg_engine *e, lg_node *n)
{
    unsigned char key[32];
    lg_kept *k = NULL;
    if (e->turn.kept && lg__turn_tool_key(e, n, key)) {
        k = lg__keymap_get(&e->turn.kept_map, key);
    }
    if (k) {
        lg__nodes_push(&k->waiting, n);
        e->turn.sharing = true;
    }
    return k != NULL;
}

/* Without memory it is not shared. */
void lg__kept_runs(lg_engine *e, const lg_node *n)
{
    unsigned char key[32];
    lg_kept *k = lg__turn_tool_key(e, n, key) ? lg__mem_zero(&e->mem, sizeof *k) : NULL;
    if (!k) {
        return;
    }
    memcpy(k->key, key, sizeof key);
    k->work = n->work;
    if (lg__keymap_put(&e->turn.kept_map, key, k)) {
        lg__mem_free(&e->mem, k, sizeof *k);
        return;
    }
    k->next = e->turn.kept;
    e->turn.kept = k;
}

static bool is_running(lg_engine *e, const lg_kept *k)
{
    return lg__map_get(&e->works, k->work) || lg__turn_has_result(e, k->key);
}

void lg__kept_sweep(lg_engine *e)
{
    bool sharing = false;
    for (lg_kept **at = &e->turn.kept; *at;) {
        lg_kept *k = *at;
        lg_node *n;
        if (is_running(e, k)) {
            sharing = sharing || k->waiting.head;
            at = &k->next;
            continue;
        }
        while ((n = lg__nodes_pop(&k->waiting))) {
            lg__nodes_push(&e->graph.work, n);
        }
        lg__keymap_take(&e->turn.kept_map, k->key);
        *at = k->next;
        lg__mem_free(&e->mem, k, sizeof *k);
    }
    e->turn.sharing = sharing;
}

/* The nodes die with the graph. */
void lg__kept_free(lg_engine *e)
{
    while (e->turn.kept) {
        lg_kept *k = e->turn.kept;
        e->turn.kept = k->next;
        lg__mem_free(&e->mem, k, sizeof *k);
    }
    lg__keymap_free(&e->turn.kept_map);
}
