/* turn_tools.c - tools whose results are kept: found in the store, or handed to the turn
 * that stores them; equal calls are one.
 *
 * While one runs (until its result is stored) the others wait for it; then they find its
 * result in the store. If it failed, the next of them runs. So it is with one that another
 * process runs (store_claim.c), which is looked for again and again. */
#include <string.h>

#include "front/front_internal.h"
#include "base/media.h"

enum { LOOK_MS = 25, TELL_LOOKS = 400 }; /* told once: after ten seconds */

struct lg_kept { /* one that runs */
    lg_kept *next;
    unsigned char key[32];
    uint64_t work;
    lg_nodes waiting; /* equal ones */
};

/* ---- found by what is asked --------------------------------------------------------- */

/* The key of what the node asks of its tool. */
static int tool_key(lg_engine *e, const lg_node *n, unsigned char key[32])
{
    const lg_tool *t = n->u.tool;
    size_t many = n->n_edges;
    size_t size = 3 * many * sizeof(lg_piece), at = 0;
    lg_piece *in = lg__mem_new(&e->mem, size);
    if (!in)
        return LG_ENOMEM;

    for (size_t i = 0; i < many; i++) {
        const lg_text *seen = n->edges[i].seen;
        in[at++] = (lg_piece){n->edges[i].name->data, n->edges[i].name->len};
        in[at++] = (lg_piece){seen->data, seen->len};
        if (seen->media) { /* texts keep the keys that they had */
            const char *type = lg__media_type(seen->media);
            in[at++] = (lg_piece){type, strlen(type)};
        }
    }
    int err = lg__store_tool_key(t->name->data, t->version->data, in, at, &e->mem, key);
    lg__mem_free(&e->mem, in, size);
    return err;
}

static bool is_kept(const lg_engine *e, const lg_node *n)
{
    return e->store && n->u.tool->version;
}

static bool kept_key(lg_engine *e, const lg_node *n, unsigned char key[32])
{
    return is_kept(e, n) && !tool_key(e, n, key);
}

static bool has_result(const lg_batch *t, const unsigned char key[32])
{
    const lg_outcome *at = t->results.head;
    while (at && memcmp(at->key, key, 32) != 0)
        at = at->next;

    return at != NULL;
}

static bool has_any_result(const lg_engine *e, const unsigned char key[32])
{
    return has_result(&e->turn, key) || has_result(&e->synced, key) || has_result(&e->next, key);
}

static bool find_result(lg_engine *e, lg_node *n)
{
    unsigned char key[32];
    lg_text *text = NULL;
    bool has_score = false;
    double score = 0, target = 0;
    if (!kept_key(e, n, key) ||
        lg__store_find_result(e->store, key, &text, &has_score, &score, &target) != 1)
        return false;

    if (has_score)
        lg_var_set_score(n->out, score, target);

    lg__var_ready(n->out, text);
    return true;
}

/* ---- equal ones ----------------------------------------------------------------------- */

bool lg__kept_shares(lg_engine *e, lg_node *n)
{
    unsigned char key[32];
    lg_kept *k = NULL;
    if (e->turn.kept && kept_key(e, n, key))
        k = lg__keymap_get(&e->turn.kept_map, key);

    if (k) {
        lg__nodes_push(&k->waiting, n);
        e->turn.sharing = true;
    }
    return k != NULL;
}

/* ---- other processes ------------------------------------------------------------------- */

/* Have they their result by now? The step that runs this looks. */
static void look_again(void *ud)
{
    lg_engine *e = ud;
    lg_node *n;
    while ((n = lg__nodes_pop(&e->turn.elsewhere)))
        lg__nodes_push(&e->graph.work, n);

    e->turn.n_elsewhere = 0;
}

int lg__kept_open(lg_engine *e)
{
    return lg__alarm_new(e->loop, look_again, e, &e->turn.kept_look);
}

static void wait_elsewhere(lg_engine *e, lg_node *n)
{
    lg__nodes_push(&e->turn.elsewhere, n);
    e->turn.n_elsewhere++;
    lg__alarm_set(e->turn.kept_look, LOOK_MS);
    if (++e->turn.looks == TELL_LOOKS) {
        lg__log_line(&e->log, LG_LOG_WARN,
                     "waiting for the tool \"%s\", which another run is running",
                     n->u.tool->name->data);
    }
}

/* Its result is there, or will be another process's. Else it is claimed, and must be run. */
bool lg__kept_elsewhere(lg_engine *e, lg_node *n)
{
    unsigned char key[32];
    if (find_result(e, n))
        return true;

    if (!kept_key(e, n, key))
        return false;

    if (!lg__store_claim(e->store, key)) {
        wait_elsewhere(e, n);
        return true;
    }
    lg__store_end_reading(e->store); /* what was stored since this turn began to read counts */
    if (!find_result(e, n))
        return false;

    lg__store_unclaim(e->store, key);
    return true;
}

void lg__kept_unclaim(lg_engine *e, const lg_node *n)
{
    unsigned char key[32];
    if (kept_key(e, n, key))
        lg__store_unclaim(e->store, key);
}

/* Without memory it is not shared. */
void lg__kept_runs(lg_engine *e, const lg_node *n)
{
    unsigned char key[32];
    lg_kept *k = kept_key(e, n, key) ? lg__mem_zero(&e->mem, sizeof *k) : NULL;
    if (!k) {
        lg__kept_unclaim(e, n);
        return;
    }
    memcpy(k->key, key, sizeof key);
    k->work = n->work;
    if (lg__keymap_put(&e->turn.kept_map, key, k)) {
        lg__store_unclaim(e->store, key);
        lg__mem_free(&e->mem, k, sizeof *k);
        return;
    }
    k->next = e->turn.kept;
    e->turn.kept = k;
}

static bool is_running(lg_engine *e, const lg_kept *k)
{
    return lg__map_get(&e->works, k->work) || has_any_result(e, k->key);
}

void lg__kept_sweep(lg_engine *e)
{
    bool sharing = false;
    e->turn.kept_due = false;
    for (lg_kept **at = &e->turn.kept; *at;) {
        lg_kept *k = *at;
        lg_node *n;
        if (is_running(e, k)) {
            sharing = sharing || k->waiting.head;
            at = &k->next;
            continue;
        }
        while ((n = lg__nodes_pop(&k->waiting)))
            lg__nodes_push(&e->graph.work, n);

        lg__keymap_take(&e->turn.kept_map, k->key);
        lg__store_unclaim(e->store, k->key);
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

/* ---- their results ------------------------------------------------------------------- */

int lg__kept_result(lg_engine *e, lg_node *n, lg_text *text, const double *score, double target)
{
    if (!is_kept(e, n) || lg__store_broken(e->store))
        return LG_STORE_BUSY; /* not ours */

    lg_outcome *o = lg__mem_zero(&e->mem, sizeof *o);
    if (!o || tool_key(e, n, o->key)) {
        lg__mem_free(&e->mem, o, sizeof *o);
        return LG_ENOMEM;
    }
    o->out = lg_var_ref(n->out);
    o->text = text;
    o->version = lg__text_ref(n->u.tool->version);
    o->has_score = score != NULL;
    o->score = score ? *score : 0;
    o->target = target;
    LG_QUEUE_PUSH(&e->turn.results, o, next);
    return LG_OK;
}
