/* lstore.c - the store as Lua sees it: runs of an engine, statements, and stores that
 * are opened to be read or tidied.
 *
 * For the library's own files, not for scripts: the tables are docs/store.md's. */
#include "binding/lua_binding.h"

#include <limits.h>

#include "front/inside.h"
#include "store/store.h"

#define LG_LUA_STORE "lunagrad.store"

typedef struct lua_store {
    lg_mem mem;
    lg_store *s; /* NULL: closed */
} lua_store;

/* ---- errors ---------------------------------------------------------------- */

static int failed(lua_State *L, const lg_fail *why, int code)
{
    return lg__lua_raise(L, code, why->hint ? why->hint->data : NULL, "%s", lg__fail_message(why));
}

/* The why of a store that could not be opened is freed here, so it is copied first. */
static int open_failed(lua_State *L, lg_fail *why, int code)
{
    lua_pushstring(L, lg__fail_message(why));
    lua_pushstring(L, why->hint ? why->hint->data : NULL);
    lg__fail_free(why);
    return lg__lua_raise(L, code, lua_tostring(L, -1), "%s", lua_tostring(L, -2));
}

static lg_store *store_of(lua_State *L, const lg_engine *e)
{
    lg_store *s = lg__inside_store(e);
    if (!s) {
        lg__lua_raise(L, LG_ESTATE, "set store when the engine is configured",
                      "the engine has no store");
    }
    return s;
}

static lg_store *self(lua_State *L)
{
    lua_store *u = luaL_testudata(L, 1, LG_LUA_STORE);
    if (!u)
        lg__lua_badarg(L, 1, "expected a store");
    else if (!u->s)
        lg__lua_raise(L, LG_ESTATE, NULL, "the store is closed");
    return u ? u->s : NULL;
}

/* ---- values ---------------------------------------------------------------- */

static void read_text(lua_State *L, int arg, lg_cell *c)
{
    c->s = lua_tolstring(L, arg, &c->len);
    c->type = lg_utf8_check(c->s, c->len) < 0 ? LG_CELL_TEXT : LG_CELL_BLOB;
}

static void read_cell(lua_State *L, int arg, lg_cell *c)
{
    *c = (lg_cell){.type = LG_CELL_NULL};
    switch (lua_type(L, arg)) {
    case LUA_TNIL:
        break;
    case LUA_TBOOLEAN:
        c->type = LG_CELL_INT;
        c->i = lua_toboolean(L, arg);
        break;
    case LUA_TNUMBER:
        c->type = lua_isinteger(L, arg) ? LG_CELL_INT : LG_CELL_REAL;
        c->i = lua_tointeger(L, arg);
        c->d = lua_tonumber(L, arg);
        break;
    case LUA_TSTRING:
        read_text(L, arg, c);
        break;
    default:
        lg__lua_badarg(L, arg, "expected nil, a boolean, a number or a text");
    }
}

/* All arguments behind the statement. Memory until the function returns. */
lg_cell *lg__lua_read_cells(lua_State *L, int from, size_t *n, lg_cell *local)
{
    int top = lua_gettop(L);
    *n = top >= from ? (size_t)(top - from + 1) : 0;
    lg_cell *cells = lg__lua_scratch(L, *n, sizeof *cells, local);
    for (size_t i = 0; i < *n; i++)
        read_cell(L, from + (int)i, &cells[i]);
    return cells;
}

void lg__lua_push_cell(lua_State *L, const lg_cell *c)
{
    if (c->type == LG_CELL_INT)
        lua_pushinteger(L, c->i);
    else if (c->type == LG_CELL_REAL)
        lua_pushnumber(L, c->d);
    else if (c->type == LG_CELL_NULL)
        lua_pushnil(L);
    else
        lua_pushlstring(L, c->s, c->len);
}

/* ---- statements ------------------------------------------------------------ */

static void push_row(lua_State *L, const lg_store *s)
{
    size_t columns = lg__store_columns(s);
    lua_createtable(L, 0, (int)columns);
    for (size_t i = 0; i < columns; i++) {
        lg_cell cell;
        lg__store_cell(s, i, &cell);
        lg__lua_push_cell(L, &cell);
        lua_setfield(L, -2, lg__store_column(s, i));
    }
}

/* Statement at arg, parameters behind it -> list of rows */
static int query(lua_State *L, lg_store *s)
{
    lg_cell local[LG_LUA_FEW];
    size_t n;
    const char *sql = lg__lua_check_name(L, 2);
    lg_cell *cells = lg__lua_read_cells(L, 3, &n, local);
    int err = lg__store_query(s, sql, cells, n);
    lua_newtable(L);
    for (lua_Integer i = 1; !err && (err = lg__store_row(s)) == 1; i++) {
        err = LG_OK;
        push_row(L, s);
        lua_rawseti(L, -2, i);
    }
    return err ? failed(L, lg__store_why(s), err) : 1;
}

/* engine:store_query(sql, …) -> list of rows by column; what was queued is written first */
static int l_engine_query(lua_State *L)
{
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    lg_store *s = store_of(L, e);
    lg__inside_flush(e);
    return query(L, s);
}

/* engine:store_exec(sql, …): with the next transaction */
static int l_engine_exec(lua_State *L)
{
    lg_cell local[LG_LUA_FEW];
    size_t n;
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    lg_store *s = store_of(L, e);
    const char *sql = lg__lua_check_name(L, 2);
    lg_cell *cells = lg__lua_read_cells(L, 3, &n, local);
    int err = lg__store_exec(s, sql, cells, n);
    if (err)
        return failed(L, lg__store_why(s), err);
    lg__inside_queued(e);
    return 0;
}

/* ---- runs ------------------------------------------------------------------ */

/* engine:run_begin(name, meta_json) -> id */
static int l_run_begin(lua_State *L)
{
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    uint64_t id = 0;
    int err = lg_run_begin(e, lg__lua_opt_name(L, 2), lg__lua_opt_name(L, 3), &id);
    if (err)
        return lg__lua_engine_failed(L, e, err);
    lua_pushinteger(L, (lua_Integer)id);
    return 1;
}

/* engine:run_end(state) */
static int l_run_end(lua_State *L)
{
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    int err = lg_run_end(e, lg__lua_check_name(L, 2));
    return err ? lg__lua_engine_failed(L, e, err) : 0;
}

/* ---- stores without an engine ---------------------------------------------- */

static lua_store *open_store(lua_State *L, bool read_only)
{
    lg_fail why;
    lg_store_config c = {.dir = lg__lua_check_name(L, 1), .read_only = read_only};
    lua_store *u = lua_newuserdatauv(L, sizeof *u, 0);
    u->s = NULL;
    lg__mem_init(&u->mem, NULL, NULL);
    luaL_setmetatable(L, LG_LUA_STORE);
    int err = lg__store_open(&u->mem, NULL, &c, &u->s, &why);
    if (err)
        open_failed(L, &why, err);
    return u;
}

/* core.store_open(dir) -> store, to be read while others write */
static int l_open(lua_State *L)
{
    open_store(L, true);
    return 1;
}

/* core.store_maintain(dir, sql, …) -> rows changed */
static int l_maintain(lua_State *L)
{
    lg_cell local[LG_LUA_FEW];
    size_t n;
    int64_t changed;
    const char *sql = lg__lua_check_name(L, 2);
    lg_cell *cells = lg__lua_read_cells(L, 3, &n, local);
    lua_store *u = open_store(L, false);
    int err = lg__store_maintain(u->s, sql, cells, n, &changed);
    if (err)
        return failed(L, lg__store_why(u->s), err);
    lg__store_close(u->s);
    u->s = NULL;
    lua_pushinteger(L, changed);
    return 1;
}

static int l_query(lua_State *L)
{
    return query(L, self(L));
}

static void push_hex(lua_State *L, const unsigned char key[32])
{
    static const char digits[] = "0123456789abcdef";
    char hex[64];
    for (int i = 0; i < 32; i++) {
        hex[2 * i] = digits[key[i] >> 4];
        hex[2 * i + 1] = digits[key[i] & 15];
    }
    lua_pushlstring(L, hex, sizeof hex);
}

static void push_ambiguous(lua_State *L, const lg_ambiguous *a)
{
    lua_createtable(L, 0, 6);
    push_hex(L, a->key);
    lua_setfield(L, -2, "key");
    lg__lua_set_count(L, "attempt", (uint64_t)a->number);
    lg__lua_set_count(L, "created_us", (uint64_t)a->created_us);
    if (a->worst_micros >= 0)
        lg__lua_set_count(L, "worst_micros", (uint64_t)a->worst_micros);
    if (a->code)
        lg__lua_set_text(L, "code", lg_error_name(a->code));
    lg__lua_set_text(L, "message",
                     a->code ? lg_error_text(a->code)
                             : "the run ended before its reply was stored");
    lua_pushboolean(L, a->again);
    lua_setfield(L, -2, "again");
}

/* store:ambiguous(run_id) -> list of calls that may have been paid for, whose reply was
 * never seen. again: a reply to the same is stored by now, so it was paid at least once */
static int l_ambiguous(lua_State *L)
{
    size_t n;
    lg_ambiguous *list;
    lg_store *s = self(L);
    int64_t run = lg__lua_check_int(L, 2, 0, LUA_MAXINTEGER);
    lua_store *u = lua_touserdata(L, 1);
    int err = lg__store_ambiguous(s, run, &list, &n);
    if (err)
        return failed(L, lg__store_why(s), err);
    lg_ambiguous *kept = lua_newuserdatauv(L, n * sizeof *kept + 1, 0);
    for (size_t i = 0; i < n; i++)
        kept[i] = list[i];
    lg__mem_free(&u->mem, list, n * sizeof *list);
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        push_ambiguous(L, &kept[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int l_close(lua_State *L)
{
    lua_store *u = luaL_testudata(L, 1, LG_LUA_STORE);
    if (u && u->s) {
        lg_store *s = u->s;
        u->s = NULL;
        lg__store_close(s);
    }
    return 0;
}

/* ---- registration ---------------------------------------------------------- */

void lg__lua_add_store_methods(lua_State *L)
{
    static const luaL_Reg methods[] = {{"run_begin", l_run_begin},
                                       {"run_end", l_run_end},
                                       {"store_exec", l_engine_exec},
                                       {"store_query", l_engine_query},
                                       {NULL, NULL}};
    luaL_setfuncs(L, methods, 0);
}

void lg__lua_open_store(lua_State *L)
{
    static const luaL_Reg meta[] = {{"__gc", l_close}, {"__close", l_close}, {NULL, NULL}};
    static const luaL_Reg methods[] = {
        {"query", l_query}, {"ambiguous", l_ambiguous}, {"close", l_close}, {NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"store_open", l_open}, {"store_maintain", l_maintain}, {NULL, NULL}};
    lg__lua_new_class(L, LG_LUA_STORE, meta, methods);
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
