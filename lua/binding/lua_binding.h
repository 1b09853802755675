/* lua_binding.h - what the files of the binding share. Private to lua/.
 *
 * Lifetimes. Each userdata is made first, with an empty handle, and filled then,
 * so that a memory error of Lua leaks nothing. Variables, models and tools keep
 * their engine's userdata alive in their user value and look at its handle before
 * every use: once that is NULL (closed, or collected first at lua_close) theirs
 * are dead and must not even be unreferenced.
 *
 * No Lua runs inside the engine: it calls back only for log lines and DOT text,
 * which are kept in C memory. */
#ifndef LG_LUA_BINDING_H
#define LG_LUA_BINDING_H

#include "binding/lua_compat.h"
#include "lg_inside.h"
#include "lunagrad.h"

#define LG_LUA_ENGINE "lunagrad.engine"
#define LG_LUA_VAR "lunagrad.var"
#define LG_LUA_MODEL "lunagrad.model"
#define LG_LUA_TOOL "lunagrad.tool"
#define LG_LUA_BOX "lunagrad.box"
#define LG_LUA_SANDBOX "lunagrad.core.sandbox"
#define LG_LUA_ERROR "lunagrad.error"
#define LG_LUA_ARRAY "lunagrad.array"
#define LG_LUA_NAMES "lunagrad.names"   /* function of the binding -> what scripts call it */
#define LG_LUA_NUMBER "lunagrad.number" /* a number's text, which no Lua number holds */
#define LG_LUA_LENT "lunagrad.lent"     /* in a state of the library's own: its engine */

typedef struct lg_lua_line { /* a line for the log, waiting for Lua to ask */
    struct lg_lua_line *next;
    int level;
    int64_t at_us; /* of the engine's clock */
    size_t len;
    char text[];
} lg_lua_line;

/* An engine that this state was lent, and what the state may do with it: lua/host/ */
typedef struct lg_lua_lent {
    lg_party *party;
    unsigned allow;    /* enum lg_script_allow */
    bool trusted;      /* the library's own state */
    lg_alloc_fn alloc; /* of boxes; NULL: malloc */
    void *alloc_ud;
    /* Something elsewhere has so many bytes now. false: that is too much, and where for_good the
     * state ends of it. */
    bool (*charge)(void *alloc_ud, size_t before, size_t now, bool for_good);
    lua_CFunction wait;                         /* engine:wait(ms) and :step(), which may yield */
    void (*burn)(lua_State *L, uint64_t steps); /* so many were done at once; may not return */
} lg_lua_lent;

typedef struct lg_lua_engine {
    lg_engine *e;            /* NULL: closed */
    const lg_lua_lent *lent; /* NULL: the state's own */
    lg_lua_line *first, *last;
    size_t n_lines, n_dropped;
    bool bound; /* a binding counts, see lbound.c */
} lg_lua_engine;

typedef struct lg_lua_var {
    lg_var *v; /* NULL: closed. Counted */
    const lg_lua_engine *owner;
} lg_lua_var;

typedef struct lg_lua_model {
    lg_model *m;
    const lg_lua_engine *owner;
} lg_lua_model;

typedef struct lg_lua_tool {
    lg_tool *t;
    const lg_lua_engine *owner;
} lg_lua_tool;

/* C memory that the collector frees if an error jumps past us */
typedef struct lg_lua_box {
    lg_out out;
    lg_items *items;
} lg_lua_box;

struct lg_embedded { /* a Lua file built in; made by embed.lua, ended by a NULL name */
    const char *name, *chunk;
    const unsigned char *data;
    size_t len;
};
extern const struct lg_embedded lg__embedded[];

/* ---- larg.c: errors and arguments ---------------------------------------- */

/* Raise an error object {kind=, message=, hint=, where=}. hint may be NULL; fmt as
 * in lua_pushfstring. They return only in type, for `return lg__lua_raise(…)`. */
int lg__lua_raise(lua_State *L, int code, const char *hint, const char *fmt, ...);
int lg__lua_badarg(lua_State *L, int arg, const char *why);
/* … with the engine's own words about its last failure */
int lg__lua_engine_failed(lua_State *L, const lg_engine *e, int code);
/* Pushes "file:line:" of the script's line at or above level, or nil. Frames of
 * the library's own files are passed over. */
void lg__lua_push_where(lua_State *L, int level);

lg_lua_engine *lg__lua_check_engine(lua_State *L, int arg); /* one that is open */
/* lengine.c: core.engine() gives this one from now on; pushes it. */
void lg__lua_lend_engine(lua_State *L, lg_engine *e, const lg_lua_lent *lent);
const lg_lua_lent *lg__lua_lent(lua_State *L); /* NULL: the state has engines of its own */
/* What can do much in one go says so from time to time: a script may have to end there. */
void lg__lua_burn(lua_State *L, uint64_t steps);
/* Raises where the state was lent its engine without leave for this; 0: it has leave for nothing
 * of the kind. what: "programs" */
void lg__lua_check_leave(lua_State *L, unsigned allow, const char *what);
lg_var *lg__lua_check_var(lua_State *L, int arg);
/* What an open variable is for the running task: itself, or what it is bound to (lbound.c) */
lg_var *lg__lua_bound(lua_State *L, const lg_lua_var *u);
void lg__lua_set_bound(lua_State *L); /* pops the binding that counts from now on, or nil */
lg_model *lg__lua_check_model(lua_State *L, int arg);
lg_tool *lg__lua_check_tool(lua_State *L, int arg);
/* Raises when the object's engine is closed, or the object is (handle NULL). */
void lg__lua_check_open(lua_State *L, const lg_lua_engine *owner, const void *handle,
                        const char *what);

const char *lg__lua_check_text(lua_State *L, int arg, size_t *len);
/* The number at arg becomes the text that stands for it: the shortest that reads back the same,
 * whatever the locale. */
void lg__lua_number_to_text(lua_State *L, int arg);
const char *lg__lua_check_name(lua_State *L, int arg); /* holds no zero byte */
const char *lg__lua_opt_name(lua_State *L, int arg);   /* NULL for nil or nothing */
lua_Integer lg__lua_check_int(lua_State *L, int arg, lua_Integer least, lua_Integer most);
lua_Integer lg__lua_opt_int(lua_State *L, int arg, lua_Integer least, lua_Integer most,
                            lua_Integer otherwise);
double lg__lua_check_number(lua_State *L, int arg);
int lg__lua_check_code(lua_State *L, int arg);    /* "timeout" → LG_ETIMEOUT */
size_t lg__lua_check_list(lua_State *L, int arg); /* its length */
/* n pieces of memory until the function returns: local when it is large enough (it
 * has LG_LUA_FEW), else a new userdata on the stack */
enum { LG_LUA_FEW = 16 };
void *lg__lua_scratch(lua_State *L, size_t n, size_t size, void *local);

/* A field of the table at index t, read without metamethods. The text stays
 * valid while the table holds it. NULL, or otherwise, when absent. */
const char *lg__lua_field_name(lua_State *L, int t, const char *field);
lua_Integer lg__lua_field_int(lua_State *L, int t, const char *field, lua_Integer least,
                              lua_Integer most, lua_Integer otherwise);
bool lg__lua_field_true(lua_State *L, int t, const char *field);
/* Raises unless every key of the table is one of the names (ended by NULL). */
void lg__lua_check_keys(lua_State *L, int t, const char *const *names, const char *where);
/* Field of lists {name, value}: fills *out (memory on the stack) and *n. */
void lg__lua_field_pairs(lua_State *L, int t, const char *field, const lg_option **out, size_t *n);

/* Sets field of the table on top. */
void lg__lua_set_text(lua_State *L, const char *field, const char *text); /* NULL: not set */
void lg__lua_set_count(lua_State *L, const char *field, uint64_t n);
void lg__lua_push_usage(lua_State *L, const lg_usage *u);
void lg__lua_read_usage(lua_State *L, int t, lg_usage *out);

/* A metatable of this name with __index = methods (left on the stack: methods) */
void lg__lua_new_class(lua_State *L, const char *name, const luaL_Reg *meta,
                       const luaL_Reg *methods);
/* The table on top becomes one of this class, which scripts can reach: a finalizer that one of them
 * has put there would run where nothing can end it, and goes. */
void lg__lua_set_class(lua_State *L, const char *name);

/* ---- the files, in turn: each adds its functions to the table on top ------- */

int lg__lua_open_core(lua_State *L);   /* the module, on top */
int lg__lua_json_encode(lua_State *L); /* core.json_encode, … */
int lg__lua_json_decode(lua_State *L); /* … core.json_decode */
int lg__lua_error_text(lua_State *L);  /* tostring of an error object at 1 */
void lg__lua_open_engine(lua_State *L);
void lg__lua_open_var(lua_State *L);
void lg__lua_open_node(lua_State *L);
void lg__lua_open_model(lua_State *L);
void lg__lua_open_text(lua_State *L);
void lg__lua_open_unicode(lua_State *L);
void lg__lua_open_store(lua_State *L);
void lg__lua_open_reply(lua_State *L);
void lg__lua_open_index(lua_State *L);
void lg__lua_open_fit(lua_State *L);
void lg__lua_open_deadline(lua_State *L);
void lg__lua_open_stack(lua_State *L);
void lg__lua_open_bound(lua_State *L);
void lg__lua_open_sandbox(lua_State *L);
void lg__lua_open_command(lua_State *L);
void lg__lua_add_unseen_methods(lua_State *L); /* to the engine's methods, on top, … */
void lg__lua_add_store_methods(lua_State *L);  /* … as these */
void lg__lua_looked(lg_var *v);                /* the script has looked at its failure */
int lg__lua_disown(lua_State *L);              /* lunseen.c */
bool lg__lua_loses_stacks(void);               /* … there */
void lg__lua_give_room(lua_State *L);          /* lstack.c: on Luas that lose stacks */

/* lstore.c: a book is a userdata of one of the classes "lunagrad.store", "lunagrad.index" */
void lg__lua_open_book(lua_State *L, const char *class, enum lg_book_kind kind, const char *path);
lg_book *lg__lua_check_book(lua_State *L, const char *class); /* at 1, one that is open */
/* Statement at 2, parameters behind it -> list of rows by column */
int lg__lua_query_book(lua_State *L, lg_book *b);
void lg__lua_close_book(lua_State *L, const char *class); /* at 1; harmless twice */
void lg__lua_charge_book(lua_State *L);                   /* at 1, an index: what it has grown to */

/* A new userdata without variable, of the engine whose userdata is at index. */
lg_lua_var *lg__lua_new_var(lua_State *L, int engine);
/* … for a borrowed variable; nil for NULL */
void lg__lua_push_var(lua_State *L, int engine, lg_var *v);

/* lmodel.c: a new userdata of a model that is counted once more; engine: index of its userdata */
void lg__lua_push_model(lua_State *L, int engine, lg_model *m);

lg_lua_box *lg__lua_new_box(lua_State *L); /* pushes it */
void lg__lua_box_free(lg_lua_box *box);    /* early; harmless twice */
/* Pushes the text and frees it, or raises what went wrong with it. */
int lg__lua_push_out(lua_State *L, lg_lua_box *box);

/* ---- lfile.c -------------------------------------------------------------- */

int luaopen_lunagrad_file(lua_State *L); /* require "lunagrad.file" */

#endif
