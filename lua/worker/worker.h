/* worker.h - what the files of the worker share: the program that runs Lua candidates.
 *
 * One process, one thread, one job at a time. All that a job can change lies in four regions
 * with fixed addresses; after each job they are as they were before the first (image.c), so
 * that a job meets the same bytes at the same places whichever worker runs it, and whatever
 * ran there. A job ends by returning, or by a jump out of whatever it does (run.c): its state
 * is thrown away, so that nothing has to be unwound.
 *
 * It is no part of the library: it is linked with Lua, and its bytes are built into the
 * library, which starts it. Order: sink, arena, contain | json, state | run | main. */
#ifndef LG_WORKER_H
#define LG_WORKER_H

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

#include <stdbool.h>
#include <stddef.h>

#include "binding/lua_compat.h"
#include "child/worker_wire.h"

/* ---- sink.c: text that grows to a ceiling -------------------------------- */

typedef struct lw_sink {
    char *data;
    size_t len, most;
    bool over; /* more was added than there is room for; what fits is there */
} lw_sink;

void lw_sink_add(lw_sink *s, const char *data, size_t n);
void lw_sink_adds(lw_sink *s, const char *text);
void lw_sink_number(lw_sink *s, uint64_t n);
/* A JSON string with its quotes; what is no UTF-8 becomes U+FFFD. */
void lw_sink_string(lw_sink *s, const char *data, size_t n);

/* ---- arena.c: the state's memory ----------------------------------------- */

typedef struct lw_arena lw_arena; /* lies at the beginning of its own memory */

/* full is called when there is no more, and does not return. */
lw_arena *lw_arena_make(void *base, size_t size, void (*full)(void));
/* lua_Alloc, but that it never fails. */
void *lw_arena_alloc(void *ud, void *block, size_t old_size, size_t size);
void lw_arena_limit(lw_arena *a, size_t most); /* of what the state asked for */
size_t lw_arena_used(const lw_arena *a);
size_t lw_arena_peak(const lw_arena *a);
size_t lw_arena_top(const lw_arena *a); /* bytes from its beginning on that were ever used */

/* ---- contain.c: what the process may do from now on ---------------------- */

/* Closes all but the channel and gives up all rights but to read and write it, to compute and to
 * end. What holds then: enum lg_worker_hold. */
unsigned lw_contain(unsigned *landlock);

/* ---- json_in.c, json_out.c ----------------------------------------------- */

enum { LW_DEPTH = 100 }; /* of values in values */

/* Pushes the values of a JSON array; their number. They are the engine's own, and well-formed:
 * an error is raised otherwise. */
int lw_json_push(lua_State *L, const char *text, size_t len);
/* Writes n values from index first on as a JSON array; raises for what is no JSON value.
 * true: there are numbers that JSON has not, written as {"\u0001": "inf"}. */
bool lw_json_write(lua_State *L, int first, int n, lw_sink *out);

/* ---- state.c: what a candidate finds ------------------------------------- */

enum { LW_EVERY = 100 }; /* instructions between two counts; a coroutine costs so many, too */

lua_State *lw_state_new(lw_arena *arena);

/* ---- run.c --------------------------------------------------------------- */

enum { LW_TICK_US = 10000 };

enum lw_end { /* of a job, other than by its own return */
              LW_MEMORY = 1,
              LW_INSTRUCTIONS,
              LW_TIME,
              LW_OUTPUT
};

/* The job that runs ends here and now. L: where it is, NULL: not known. */
_Noreturn void lw_run_end(lua_State *L, enum lw_end why);
void lw_run_count(lua_State *L, uint64_t n);                   /* so many instructions */
void lw_run_print(lua_State *L, const char *text, size_t len); /* goes to the output */

typedef struct lw_parts { /* of a worker; all of it in fixed places */
    lw_arena *arena;
    lua_State *L;
    lw_sink output; /* what print writes */
    lw_sink values;
    lw_sink reply;
} lw_parts;

void lw_run_full(void);         /* for the arena */
void lw_run_ready(lw_parts *p); /* once */
/* Runs one job; the reply's JSON is in p->reply then. */
void lw_run(const lg_worker_job *job, const char *texts);
void lw_run_tick(void); /* LW_TICK_US of the processor's time have passed */

/* ---- image.c: back to how it was ----------------------------------------- */

void lw_image_take(lw_parts *p, void *arena, void *stack);
void lw_image_restore(lw_parts *p, void *arena);

#endif
