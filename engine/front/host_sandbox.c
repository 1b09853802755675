/* host_sandbox.c - variables that become what a Lua candidate came to.
 *
 * What runs it is the room child/: here a node has its job, and the job its node, until one of
 * them is over. */
#include <string.h>
#include <unistd.h>

#include "base/json.h"
#include "base/sized.h"
#include "child/worker_wire.h"
#include "front/front_internal.h"

struct lg_sandbox {
    lg_engine *engine;
    lg_box *box;
    lg_sandbox *prev, *next; /* the engine's */
};

enum {
    MEMORY = 16 << 20,
    LEAST_MEMORY = 64 << 10,
    INSTRUCTIONS = 50000000,
    TIMEOUT_MS = 5000,
    OUTPUT = 64 << 10
};

#define MOST_MEMORY ((size_t)1 << 30)
#define MOST_TIMEOUT_MS 86400000

/* ---- sandboxes ------------------------------------------------------------------- */

void lg_sandbox_config_init_size(lg_sandbox_config *cfg, size_t size)
{
    const lg_sandbox_config c = {.size = sizeof c};
    if (cfg)
        lg__sized_write(cfg, size, &c);
}

static int processors(void)
{
    long n = sysconf(_SC_NPROCESSORS_ONLN);
    return n < 1 ? 1 : n > 256 ? 256 : (int)n;
}

static int refuse(lg_engine *e, const char *field, const char *message)
{
    int err = lg__engine_error(e, LG_EINVAL, "%s: %s", field, message);
    lg__engine_errfield(e, field);
    return err;
}

static int read_limits(lg_engine *e, const lg_sandbox_config *c, lg_box_limits *l)
{
    if (c->memory && (c->memory < LEAST_MEMORY || c->memory > MOST_MEMORY))
        return refuse(e, "memory", "a sandbox has from 64 KiB to 1 GiB");

    if (c->output_limit > LG_WORKER_OUTPUT)
        return refuse(e, "output_limit", "a sandbox keeps up to 4 MiB of what is printed");

    if (c->timeout_ms < 0 || c->timeout_ms > MOST_TIMEOUT_MS)
        return refuse(e, "timeout", "it must be more than 0 and up to a day");

    if (c->workers < 0)
        return refuse(e, "workers", "it must be at least 1");

    *l = (lg_box_limits){
        .memory = c->memory ? c->memory : MEMORY,
        .instructions = c->instructions ? c->instructions : INSTRUCTIONS,
        .output = c->output_limit ? c->output_limit : OUTPUT,
        .timeout_ms = c->timeout_ms ? c->timeout_ms : TIMEOUT_MS,
        .workers = c->workers ? c->workers : processors(),
        .fresh = c->fresh,
    };
    return LG_OK;
}

static int make(lg_engine *e, const lg_box_limits *limits, lg_sandbox *s)
{
    if (!e->pool) {
        int err = lg__pool_new(&e->mem, e->loop, &e->pool);
        if (err)
            return err;
    }
    return lg__box_new(e->pool, limits, &s->box);
}

typedef struct lg_sandbox_asked { /* the workers are the engine's thread's, where it has one */
    const lg_sandbox_config *cfg;
    lg_sandbox **out, *gone;
} lg_sandbox_asked;

static int new_one(lg_engine *e, void *ud)
{
    const lg_sandbox_asked *asked = ud;
    const lg_sandbox_config *cfg = asked->cfg;
    lg_sandbox **out = asked->out;
    lg_sandbox_config c = {.size = sizeof c};
    lg_box_limits limits;
    if (!out)
        return lg__engine_null(e);

    *out = NULL;
    if (cfg && !lg__sized_read(&c, cfg))
        return lg__engine_error(e, LG_EINVAL, "lg_sandbox_config_init was not called");

    int err = read_limits(e, &c, &limits);
    if (err)
        return err;

    lg_sandbox *s = lg__mem_zero(&e->mem, sizeof *s);
    err = s ? make(e, &limits, s) : LG_ENOMEM;
    if (err) {
        lg__mem_free(&e->mem, s, sizeof *s);
        return lg__engine_error(e, err, "cannot make a sandbox: %s", lg_error_text(err));
    }
    s->engine = e;
    s->next = e->sandboxes;
    if (s->next)
        s->next->prev = s;

    e->sandboxes = s;
    *out = s;
    return LG_OK;
}

int lg_sandbox_new(lg_engine *e, const lg_sandbox_config *cfg, lg_sandbox **out)
{
    lg_sandbox_asked a = {.cfg = cfg, .out = out};
    return lg__thread_do(e, new_one, &a);
}

static int free_one(lg_engine *e, void *ud)
{
    lg_sandbox *s = ((const lg_sandbox_asked *)ud)->gone;
    if (s->next)
        s->next->prev = s->prev;

    if (s->prev)
        s->prev->next = s->next;
    else
        e->sandboxes = s->next;

    lg__box_free(s->box);
    lg__mem_free(&e->mem, s, sizeof *s);
    return LG_OK;
}

void lg_sandbox_free(lg_sandbox *s)
{
    lg_sandbox_asked a = {.gone = s};
    if (s)
        lg__thread_do(s->engine, free_one, &a);
}

/* ---- jobs -------------------------------------------------------------------------- */

/* An array of JSON, or nothing. */
static int check_args(lg_engine *e, const char *args)
{
    lg_json *tree = NULL;
    size_t where = 0;
    if (!args)
        return LG_OK;

    int err = lg__json_parse(&e->mem, args, strlen(args), &tree, &where);
    bool list = !err && lg__json_type(tree) == LG_JSON_ARRAY;
    lg__json_free(&e->mem, tree);
    if (err == LG_ENOMEM)
        return lg__engine_error(e, err, "%s", lg_error_text(err));

    return list ? LG_OK : lg__engine_error(e, LG_EPARSE, "args is no JSON array");
}

static bool is_text(const char *s)
{
    return !s || lg_utf8_check(s, strlen(s)) < 0;
}

static int check(lg_engine *e, const char *name, const char *source, size_t len, const char *call,
                 const char *args)
{
    if (!is_text(name) || !is_text(call) || !is_text(args))
        return lg__engine_error(e, LG_EUTF8, "the name, the call or its arguments are not UTF-8");

    if (!source && len > 0)
        return lg__engine_null(e);

    return check_args(e, args);
}

int lg_sandbox_run(lg_sandbox *s, const char *name, const char *source, size_t len,
                   const char *call, const char *args, lg_var **out)
{
    if (!s)
        return LG_EINVAL;

    lg_engine *e = s->engine;
    LG_GUARD(e->door);
    lg_var *v = NULL;
    if (!out)
        return lg__engine_null(e);

    int err = check(e, name, source, len, call, args);
    if (err)
        return err;

    err = lg__node_new(&e->graph, LG_OP_SANDBOX, 0, "sandbox", &v);
    if (err)
        return lg__engine_error(e, err, "cannot run a candidate: %s", lg_error_text(err));

    lg_candidate_request r = {.name = name ? name : "candidate",
                              .source = source,
                              .source_len = len,
                              .call = call,
                              .args = args ? args : "[]",
                              .args_len = args ? strlen(args) : 2};
    err = lg__candidate_start(s->box, &r, v->node, &v->node->u.candidate);
    if (err) {
        lg__node_discard(v);
        return lg__engine_error(e, err, "cannot run a candidate: %s", lg_error_text(err));
    }
    lg__node_hold(v->node);
    lg__engine_touch(e);
    *out = v;
    return LG_OK;
}

void lg__sandbox_drop(lg_node *n)
{
    lg_candidate *j = n->u.candidate;
    n->u.candidate = NULL;
    if (j)
        lg__candidate_free(j);
}

static void settle(lg_candidate *j)
{
    lg_node *n = lg__candidate_ud(j);
    const lg_fail *why;
    lg_text *text = lg__candidate_take(j, &why);
    n->u.candidate = NULL;
    if (text && !n->done)
        lg__var_ready(n->out, text);
    else if (!n->done)
        lg__var_fail(n->out, why->code, why);
    else
        lg__text_unref(text);

    lg__candidate_free(j);
}

/* What waits goes to workers, what has ended to its variable. */
bool lg__sandboxes_settle(lg_engine *e)
{
    lg_candidate *j;
    bool any = false;
    if (!e->pool || !lg__pool_is_due(e->pool))
        return false;

    lg__pool_give(e->pool);
    while ((j = lg__pool_next(e->pool))) {
        any = true;
        settle(j);
    }
    return any;
}

void lg__sandboxes_free(lg_engine *e)
{
    for (lg_var *v = e->graph.mem ? lg__vars_first(&e->graph) : NULL; v; v = lg__vars_after(v)) {
        if (v->op == LG_OP_SANDBOX && v->node)
            v->node->u.candidate = NULL;
    }
    lg__pool_free(e->pool);
    e->pool = NULL;
    while (e->sandboxes) {
        lg_sandbox *s = e->sandboxes;
        e->sandboxes = s->next;
        lg__mem_free(&e->mem, s, sizeof *s);
    }
}
