/* host.h - what the files of lua/host/ share: Lua states of the library's own. Private to lua/.
 *
 * A state is a party of its engine (lg_inside.h). It runs inside lg_engine_step() alone, a slice
 * at a time: a count hook yields when the slice is over, through all coroutines of the state
 * (coroutines.c). It waits for the engine likewise.
 *
 * It can die: where a limit is reached, memory is out, or its host wants it. That is a jump to
 * where its slice began, from wherever it is (the hook, the allocator), which no pcall, __close or
 * __gc of its code can catch or follow. Nothing runs in a dead state but the finalizers that are
 * ours, when it is closed. So no C code that keeps what only it can free may call Lua.
 *
 * Order: stacks, state, coroutines, shared | library, bounded, match | call | script, private. */
#ifndef LG_HOST_H
#define LG_HOST_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <locale.h>
#include <setjmp.h>

#include "binding/lua_binding.h"
#include "lg_inside.h"

/* ---- stacks.c ------------------------------------------------------------ */

typedef struct lh_stacks { /* what was learned of this Lua */
    bool fragile;
    unsigned concat;           /* the operation */
    size_t stack_at, frame_at; /* in a thread */
} lh_stacks;

typedef struct lh_running { /* a thread that runs, or has resumed the one that does */
    lua_State *L;
    struct lh_running *below;
} lh_running;

void lh_learn_stacks(lua_State *L, lh_stacks *k); /* raises no error but memory's */
/* The thread whose stack this block is, if it runs, and may not move because texts are joined. */
lua_State *lh_joining(const lh_stacks *k, const lh_running *chain, const void *block, size_t size);
/* Its stack is that block now. */
void lh_finish_move(const lh_stacks *k, lua_State *L, char *stack, size_t size);

/* ---- state.c ------------------------------------------------------------- */

typedef struct lh_limits { /* 0: none */
    size_t memory;
    uint64_t instructions;
    int64_t cpu_us;
    int64_t slice_us;
} lh_limits;

typedef struct lh_module { /* of the host's, for require */
    struct lh_module *next;
    char *name, *source;
    size_t len;
} lh_module;

typedef struct lh_block { /* each piece of a state's memory begins with one */
    _Alignas(max_align_t) struct lh_block *prev;
    struct lh_block *next;
    size_t size; /* of what is behind it */
} lh_block;

typedef struct lh_state {
    lg_engine *e;
    lg_party *party;
    lg_lua_lent lent;
    lh_limits limits;
    uint64_t tag;  /* of its events */
    lua_State *L;  /* the main thread, in which nothing runs; NULL: closed */
    lua_State *co; /* the thread of its code */
    jmp_buf *base; /* where it jumps when it dies; NULL: it does not run */
    int dead;      /* LG_E…; 0: it lives */
    char why[160]; /* … */
    bool closing;
    size_t used, peak;
    size_t large;      /* … of these in large blocks */
    size_t beside;     /* bytes that the binding holds for it, out of Lua's sight */
    bool doomed;       /* it has asked for too many of them */
    size_t collect_at; /* bytes from which on garbage is looked for */
    lh_stacks stacks;
    lh_running *chain; /* threads that run */
    int closes;        /* coroutines that are being closed, inside of each other */
    lh_block blocks;   /* all of its memory: a death may leave some that Lua has lost */
    char *fresh;       /* the last block that was made for a list */
    size_t fresh_size; /* … */
    uint64_t instructions;
    int64_t cpu_us; /* of slices before this one */
    int64_t cpu_begin, slice_end, hold_end;
    bool cut;     /* the yield that is under way is the slice's end, or a wait */
    bool waits;   /* … a wait */
    bool refused; /* … one that was not possible after all */
    int64_t due;  /* … until this time of the engine's at the latest */
    bool library; /* the library's loop is there, and fetches the events */
    void (*fill)(lua_State *L, struct lh_state *s); /* core.host, on top; NULL: nothing */
    char *root; /* that files are read and written below; NULL: none */
    lh_module *modules;
    char *line; /* what print has written of a line */
    size_t line_len, line_cap;
} lh_state;

enum {
    LH_EVERY = 1000,     /* instructions between two looks at the clock, at most */
    LH_LARGE = 64 << 10, /* bytes of a block through which one instruction may go for long */
    LH_HOLD_US = 100000, /* longest that a script may run on where it cannot be cut */
    LH_SOURCE = 1 << 20, /* bytes that load compiles: that cannot be cut */
    LH_LINE = 64 << 10,  /* bytes of a line that is told */
    LH_ROOM = 500,       /* values on a stack before it moves, where moving may be forbidden */
};

typedef struct lh_owner { /* as lg__party_new() has them */
    bool (*run)(void *ud, int64_t until_us, bool idle);
    void (*end)(void *ud);
    void *ud;
} lh_owner;

/* Makes the state, with its party; prepare fills it. LG_ENOMEM */
int lh_state_open(lh_state *s, lg_engine *e, const lh_owner *owner, lua_CFunction prepare);
void lh_state_close(lh_state *s); /* frees what is Lua's; what it was is kept */
void lh_state_free(lh_state *s);  /* … and the party */
lh_state *lh_state_of(lua_State *L);
/* Calls fn(s, ud), in which Lua may be used: false: the state has died. */
bool lh_guard(lh_state *s, void (*fn)(lh_state *s, void *ud), void *ud);
/* Not from outside of lh_guard(). */
_Noreturn void lh_die(lh_state *s, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* So many steps were done inside one function: dies where that takes too long. */
void lh_burn(lua_State *L, uint64_t steps);
/* L, which runs next, looks at the clock as often as its state's memory wants it. */
void lh_pace(lh_state *s, lua_State *L);
/* Calls k, at once or in the next slice: before work of C that cannot be cut. */
int lh_go_on(lua_State *L, lua_KContext extra, lua_KFunction k);
int64_t lh_clock_us(void);
void *lh_alloc(void *party, void *block, size_t old_size, size_t size); /* for lg_out */
void lh_print(lh_state *s, const char *text, size_t len);
void lh_print_end(lh_state *s); /* what is left of a line */

enum lh_slice { LH_ENDED, LH_FAILED, LH_CUT, LH_WAITS, LH_DIED };
/* One slice. ENDED: *n results are on co's stack; FAILED: the error is. */
enum lh_slice lh_state_run(lh_state *s, int64_t until_us, int *n);

/* ---- coroutines.c ---------------------------------------------------------- */

/* Yields to the engine through all coroutines; k is called when it goes on. Raises where that is
 * not possible. */
int lh_yield(lua_State *L, lua_KContext extra, lua_KFunction k);
void lh_went_on(lua_State *L);         /* for k: raises if it could not wait */
int lh_wait(lua_State *L);             /* engine:wait(ms) */
void lh_open_coroutines(lua_State *L); /* replaces functions of the table on top */

/* ---- bounded.c, patterns.c ------------------------------------------------------- */

#define LH_REQUIRE "lunagrad.host.require" /* in the registry: lh_require_own */
#define LH_MATCH_AT "lunagrad.host.match"  /* … patterns.c's, for bounded.lua */

void lh_open_strings(lua_State *L); /* in the table on top */
void lh_open_patterns(lua_State *L);
void lh_open_tables(lua_State *L);
/* Calls a function of bounded.lua with what is on the stack; it may yield. → its results */
int lh_in_lua(lua_State *L, const char *name);

/* ---- library.c: what its code finds ------------------------------------------- */

int lh_open(lh_state *s, lg_engine *e, const lh_owner *owner); /* lh_state_open(), and all of it */
/* Pushes a module of the library's; it may yield if it is called from Lua. */
int lh_require_own(lua_State *L);

/* ---- shared.c: of all states of an engine ------------------------------------------ */

typedef struct lh_shared {
    lg_engine *e;
    lg_party *party;
    struct lh_private *own; /* NULL: not made */
    lg_party *sims;         /* held: whose models of sim are; NULL: there are none */
    lg_out *code;           /* of the library's files, n of them; empty: not compiled yet */
    size_t n;
} lh_shared;

lh_shared *lh_shared_of(lg_engine *e);   /* NULL: no memory */
lh_shared *lh_shared_peek(lg_engine *e); /* NULL: not made */
/* Pushes the main function of a file of the library's; → as luaL_loadbufferx. */
int lh_load_own(lua_State *L, const struct lg_embedded *file);

/* ---- files.c ---------------------------------------------------------------------- */

int lh_push_files(lua_State *L); /* lunagrad.file */
void lh_push_open(lua_State *L); /* io.open */

/* ---- call.c: functions of the host's ---------------------------------------------- */

/* Pushes a function that calls t, with its arguments as JSON, and waits for the answer. */
void lh_push_function(lua_State *L, lg_tool *t);
void lh_push_engine(lua_State *L); /* its userdata; the binding is opened */
int lh_code_of(lua_State *L);      /* of the error on top: the library's kind, or LG_ETOOL */

/* ---- private.c ------------------------------------------------------------------ */

/* The library's own state is asked to call a function of its own: "optimizer.step" is step of the
 * module lunagrad.host.optimizer. It gets (args, vars, models, functions); what it returns is the
 * value of *out: a variable's, a text, or any other value as JSON; nil: "null". It may wait. args:
 * a JSON value, NULL: none. All is counted or copied; vars: what feedback may reach, too. *out may
 * be cancelled: the function is ended. LG_ENOMEM, LG_EPARSE */
typedef struct lh_call {
    const char *name, *args;
    size_t args_len;
    lg_var *const *vars;
    size_t n_vars;
    lg_model *const *models;
    size_t n_models;
    lg_tool *const *functions; /* of lh_function() */
    size_t n_functions;
    const char *role; /* of *out; NULL: name */
} lh_call;
int lh_private_call(lg_engine *e, const lh_call *call, lg_var **out);
typedef struct lh_private { /* the state is its first member */
    lh_state s;
    void *hosted; /* free for its clients; NULL at first */
    bool loaded;  /* the library is there, and calls are taken */
    struct lh_pending *first, *last;
} lh_private;
int lh_private_of(lg_engine *e, lh_private **out); /* made when it is first needed. LG_ENOMEM */
lh_private *lh_private_peek(lg_engine *e);         /* NULL: it was not made */
void lh_private_take_sims(lh_private *p);          /* it answers models of sim from now on */
/* A function of the host's that the private state may call; answered with lg__function_return(id,
 * JSON), or lg__function_fail(). fn runs inside lg_engine_next(); its s is NULL. *out: counted */
int lh_function(lg_engine *e, const char *name, lg_script_fn fn, void *ud, lg_tool **out);

#endif
