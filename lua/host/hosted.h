/* hosted.h - what losses, optimizers and jobs of the host share: arguments in JSON, calls into the
 * private state (call.c), and who asks the host (owner.c, query.c). Private to lua/host/.
 *
 * A loss, an optimizer or a job is an owner. Lua knows it by its number, so that what comes late
 * finds nothing; the host has its handle. */
#ifndef LG_HOSTED_H
#define LG_HOSTED_H

#include "host/host.h"

enum { LG_QUERIES = 4 };                  /* kinds: bit k of enum lg_query_what */
#define LG_HOST_LONGEST ((size_t)1 << 30) /* bytes of a text of the host's */

typedef struct lg_hosted lg_hosted;

typedef struct lg_owner_class lg_owner_class;

typedef struct lg_owner {
    struct lg_owner *next; /* all of an engine */
    lg_hosted *home;
    uint64_t number, tag;
    lg_tool *tools[LG_QUERIES]; /* what asks the host; NULL: it is never asked */
    lg_query_fn fns[LG_QUERIES];
    void *ud;
    const lg_owner_class *class;
    size_t size; /* of the block */
} lg_owner;

/* What an owner does when Lua tells it something, and at its end; NULL: nothing. */
struct lg_owner_class {
    bool held;                    /* the host has its handle, and frees it */
    void (*release)(lg_owner *o); /* lets go of what is behind it in its block */
    void (*died)(lg_owner *o);    /* the private state has */
    void (*running)(lg_owner *o, bool running);
    void (*best)(lg_owner *o, size_t i, const char *text, size_t len);
    bool (*result)(lg_owner *o, const char *json, size_t len); /* false: no memory */
    void (*tell)(lg_owner *o, const char *json, size_t len);
    void (*over)(lg_owner *o); /* it asks nothing more */
};

typedef struct lg_question lg_question; /* query.c: a query that is not answered */

enum { LG_ASKED_BUCKETS = 256 };

/* Of a private state. It can die of memory before its engine: what its host holds is there still,
 * and can do nothing any more. */
struct lg_hosted {
    lg_engine *e;
    lh_state *state; /* NULL: it has died */
    bool closing;
    lg_owner *owners;
    uint64_t last_number;
    lg_question *asked[LG_ASKED_BUCKETS]; /* by the id of their variable */
    size_t n_asked, sweep_at;
};

/* ---- hosted.c ---------------------------------------------------------------- */

/* Sets the engine's message; → code */
int lg__host_refuse(lg_engine *e, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
void *lg__host_new(lg_hosted *p, size_t size); /* zeros; NULL: no memory */
void lg__host_free(lg_hosted *p, void *block, size_t size);
char *lg__host_copy(lg_hosted *p, const char *text, size_t len); /* ends with NUL */
lg_owner *lg__owner_of(const lg_hosted *p, uint64_t number);     /* NULL: it is gone */

/* ---- args.c: a JSON object, name by name ---------------------------------- */

typedef struct lg_args {
    lg_out out;
    bool any;
} lg_args;

void lg__args_begin(lg_hosted *p, lg_args *a);
void lg__args_text(lg_args *a, const char *name, const char *text, size_t len); /* NULL: not */
void lg__args_word(lg_args *a, const char *name, const char *text);             /* likewise */
void lg__args_words(lg_args *a, const char *name, const char *const *texts, size_t n);
void lg__args_int(lg_args *a, const char *name, int64_t value);
void lg__args_some(lg_args *a, const char *name, int64_t value); /* 0: not */
void lg__args_true(lg_args *a, const char *name, bool value);    /* false: not */
void lg__args_json(lg_args *a, const char *name, const char *json);
int lg__args_end(lg_args *a); /* 0, LG_ENOMEM, LG_ELIMIT; free it in any case */
void lg__args_free(lg_args *a);
/* NULL: each is UTF-8. */
const char *lg__args_bad(const char *const *texts, size_t n);
/* 0; LG_EPARSE, LG_EUTF8: json is no object. NULL is fine. */
int lg__args_object(lg_engine *e, const char *json, const char *what);

/* Reads a struct that begins with its size into one of full size. false: it was never set. */
bool lg__args_sized(void *to, size_t size, const void *from);
/* What fills one: as many zeros, and its size. */
void lg__args_init(void *cfg, size_t size);

/* ---- call.c ------------------------------------------------------------------ */

typedef struct lg_host_call {
    const char *name; /* "optimizer.step": of lua/lunagrad/host/ */
    lg_var *const *vars;
    size_t n_vars;
    lg_model *models[LG_KINDS]; /* NULL: that of the role */
    const char *role;
} lg_host_call;

/* What belongs to the private state, which is made when it is first needed. */
int lg__hosted_open(lg_engine *e, lg_hosted **out);
/* Begins a call; args gets the models, and ends. *out becomes what it comes to: the caller's. */
int lg__host_call(lg_hosted *p, const lg_host_call *call, lg_args *args, lg_var **out);
/* 0, or LG_EINVAL: they are not what can be improved. */
int lg__host_params(lg_engine *e, lg_var *const *params, size_t n, const char *where);

/* ---- owner.c ------------------------------------------------------------------- */

typedef struct lg_owner_config {
    uint64_t tag;
    lg_query_fn fns[LG_QUERIES];
    unsigned by_event; /* enum lg_query_what */
    void *ud;
} lg_owner_config;

/* Of size bytes, of which the owner is the first. *out: it. */
int lg__owner_new(lg_hosted *p, const lg_owner_config *cfg, size_t size,
                  const lg_owner_class *class, void *out);
void lg__owner_free(lg_owner *o); /* what it asked is not wanted any more */

/* The state dies, or (all) the engine is freed. NULL: nothing */
void lg__hosted_free(lg_hosted *p, bool all);

/* ---- query.c --------------------------------------------------------------------- */

/* The function behind a tool of an owner, called by lg_engine_next(). */
void lg__query_ask(void *ud, lg_script *none, uint64_t id, const char *args, size_t len);
void lg__queries_drop(lg_hosted *p, const lg_owner *o); /* NULL: all */
/* Pushes the functions by which Lua asks and tells: core.host.wire of the private state. */
void lg__hosted_wire(lua_State *L);

#endif
