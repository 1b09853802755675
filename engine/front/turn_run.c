/* turn_run.c - a host's runs: begun and ended in the store, and what they have bought. */
#include <string.h>

#include "front/front_internal.h"

/* ---- runs ------------------------------------------------------------------------------ */

static int store_error(lg_engine *e, int err)
{
    const lg_fail *why = lg__store_why(e->store);
    return lg__engine_error(e, err, "%s%s%s%s", lg__fail_message(why), why->hint ? " (" : "",
                            why->hint ? why->hint->data : "", why->hint ? ")" : "");
}

static int need_store(lg_engine *e)
{
    return e->store ? LG_OK : lg__engine_error(e, LG_ESTATE, "the engine has no store");
}

static void rebase(lg_engine *e)
{
    e->turn.base = (lg_stats){.size = sizeof e->turn.base};
    lg_engine_stats(e, &e->turn.base);
}

typedef struct lg_run_asked { /* the store is the engine's thread's, where it has one */
    const char *name, *meta, *state;
    uint64_t run_id; /* of the one that was begun */
} lg_run_asked;

static int begin_run(lg_engine *e, void *ud)
{
    lg_run_asked *a = ud;
    const char *name = a->name, *meta = a->meta;
    int err = need_store(e);
    if (!err && name && lg_utf8_check(name, strlen(name)) >= 0)
        err = lg__engine_error(e, LG_EUTF8, "the run's name is not UTF-8");

    if (err)
        return err;

    rebase(e);
    err = lg__store_run_begin(e->store, name, meta);
    a->run_id = (uint64_t)lg__store_run(e->store);

    return err ? store_error(e, err) : LG_OK;
}

int lg_run_begin(lg_engine *e, const char *name, const char *meta, uint64_t *run_id)
{
    lg_run_asked a = {.name = name, .meta = meta};
    int err = lg__thread_do(e, begin_run, &a);
    if (run_id && a.run_id)
        *run_id = a.run_id;

    return err;
}

static bool is_end(const char *state)
{
    static const char *const ends[] = {"done", "interrupted", "limit", "failed"};
    for (size_t i = 0; state && i < sizeof ends / sizeof *ends; i++) {
        if (strcmp(ends[i], state) == 0)
            return true;
    }
    return false;
}

static int end_run(lg_engine *e, void *ud)
{
    const char *state = ((const lg_run_asked *)ud)->state;
    int err = need_store(e);
    if (!err && !is_end(state))
        err = lg__engine_error(e, LG_EINVAL, "a run ends as done, interrupted, limit or failed");

    if (err)
        return err;

    lg__turn_finish(e);
    lg__turn_count(e);
    err = lg__store_run_end(e->store, state);
    rebase(e);
    lg__engine_touch(e);
    return err ? store_error(e, err) : LG_OK;
}

int lg_run_end(lg_engine *e, const char *state)
{
    lg_run_asked a = {.state = state};
    return lg__thread_do(e, end_run, &a);
}

size_t lg__engine_unseen(const lg_engine *e, lg_unseen *out, size_t *shown)
{
    return lg__unseen_list(&e->graph, out, shown);
}

lg_store *lg__engine_store(lg_engine *e)
{
    return e->store;
}

void lg__engine_flush(lg_engine *e)
{
    lg__turn_flush(e);
    lg__engine_touch(e);
}
