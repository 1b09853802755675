/* lstore.c - the store as Lua sees it: runs of an engine, statements, and stores that
 * are opened to be read or tidied.
 *
 * For the library's own files, not for scripts: the tables are docs/store.md's. */
#include "binding/lua_binding.h"

#include <string.h>

#define LG_LUA_STORE "lunagrad.store"

typedef struct lua_book {
    lg_book *b;     /* NULL: closed */
    size_t charged; /* bytes that the state was told of */
} lua_book;

/* ---- books: of this file, and of lindex.c ------------------------------------ */

/* What went wrong with it; NULL: with the memory for it. */
static int failed(lua_State *L, const lg_book *b, int code)
{
    const char *hint = NULL;
    const char *why = b ? lg__book_why(b, &hint) : lg_error_text(code);
    return lg__lua_raise(L, code, hint, "%s", why);
}

/* "store", "index": the class without its "lunagrad." */
static const char *noun(const char *class)
{
    return strchr(class, '.') + 1;
}

/* Others that are garbage may make room. */
static void charge(lua_State *L, lua_book *u, size_t bytes)
{
    const lg_lua_lent *lent = lg__lua_lent(L);
    size_t before = u->charged;
    u->charged = bytes;
    if (!lent || !lent->charge || lent->charge(lent->alloc_ud, before, bytes, false) || !bytes)
        return;
    lua_gc(L, LUA_GCCOLLECT, 0);
    (void)lent->charge(lent->alloc_ud, bytes, bytes, true);
}

void lg__lua_charge_book(lua_State *L)
{
    lua_book *u = lua_touserdata(L, 1);
    if (u && u->b)
        charge(L, u, lg__book_bytes(u->b));
}

void lg__lua_open_book(lua_State *L, const char *class, enum lg_book_kind kind, const char *path)
{
    lua_book *u = lua_newuserdatauv(L, sizeof *u, 0);
    *u = (lua_book){.b = NULL};
    luaL_setmetatable(L, class);
    int err = lg__book_open(NULL, NULL, kind, path, &u->b);
    if (err)
        failed(L, u->b, err);
}

lg_book *lg__lua_check_book(lua_State *L, const char *class)
{
    const lua_book *u = luaL_testudata(L, 1, class);
    const char *article = *noun(class) == 'i' ? "an" : "a";
    if (!u)
        lg__lua_badarg(L, 1, lua_pushfstring(L, "expected %s %s", article, noun(class)));
    else if (!u->b)
        lg__lua_raise(L, LG_ESTATE, NULL, "the %s is closed", noun(class));
    return u ? u->b : NULL;
}

void lg__lua_close_book(lua_State *L, const char *class)
{
    lua_book *u = luaL_testudata(L, 1, class);
    if (u) {
        lg_book *b = u->b;
        u->b = NULL;
        lg__book_close(b);
        charge(L, u, 0);
    }
}

static lg_book *book_of(lua_State *L, lg_engine *e)
{
    lg_book *b = lg__book_of(e);
    if (!b) {
        lg__lua_raise(L, LG_ESTATE, "set store when the engine is configured",
                      "the engine has no store");
    }
    return b;
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
static lg_cell *read_cells(lua_State *L, int from, size_t *n, lg_cell *local)
{
    int top = lua_gettop(L);
    *n = top >= from ? (size_t)(top - from + 1) : 0;
    lg_cell *cells = lg__lua_scratch(L, *n, sizeof *cells, local);
    for (size_t i = 0; i < *n; i++)
        read_cell(L, from + (int)i, &cells[i]);
    return cells;
}

static void push_cell(lua_State *L, const lg_cell *c)
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

static void push_row(lua_State *L, const lg_book *b, int columns)
{
    lua_createtable(L, 0, columns);
    for (int i = 0; i < columns; i++) {
        lg_cell cell;
        const char *name = lg__book_cell(b, (size_t)i, &cell);
        push_cell(L, &cell);
        lua_setfield(L, -2, name);
    }
}

int lg__lua_query_book(lua_State *L, lg_book *b)
{
    lg_cell local[LG_LUA_FEW];
    size_t n;
    const char *sql = lg__lua_check_name(L, 2);
    lg_cell *cells = read_cells(L, 3, &n, local);
    int found = lg__book_query(b, sql, cells, n);
    lua_newtable(L);
    for (lua_Integer i = 1; found == LG_OK && (found = lg__book_next(b)) > 0; i++) {
        push_row(L, b, found);
        lua_rawseti(L, -2, i);
        found = LG_OK;
    }
    return found ? failed(L, b, found) : 1;
}

/* engine:store_query(sql, …) -> list of rows by column; what was queued is written first */
static int l_engine_query(lua_State *L)
{
    lg__lua_check_leave(L, 0, "the store");
    return lg__lua_query_book(L, book_of(L, lg__lua_check_engine(L, 1)->e));
}

/* engine:store_exec(sql, …): with the next transaction */
static int l_engine_exec(lua_State *L)
{
    lg__lua_check_leave(L, 0, "the store");
    lg_cell local[LG_LUA_FEW];
    size_t n;
    int64_t changed;
    lg_book *b = book_of(L, lg__lua_check_engine(L, 1)->e);
    const char *sql = lg__lua_check_name(L, 2);
    lg_cell *cells = read_cells(L, 3, &n, local);
    int err = lg__book_change(b, sql, cells, n, &changed);
    return err ? failed(L, b, err) : 0;
}

/* ---- runs ------------------------------------------------------------------ */

/* engine:run_begin(name, meta_json) -> id */
static int l_run_begin(lua_State *L)
{
    lg__lua_check_leave(L, 0, "the store");
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
    lg__lua_check_leave(L, 0, "the store");
    lg_engine *e = lg__lua_check_engine(L, 1)->e;
    int err = lg_run_end(e, lg__lua_check_name(L, 2));
    return err ? lg__lua_engine_failed(L, e, err) : 0;
}

/* ---- stores without an engine ---------------------------------------------- */

/* core.store_open(dir) -> store, to be read while others write */
static int l_open(lua_State *L)
{
    lg__lua_check_leave(L, 0, "the store");
    lg__lua_open_book(L, LG_LUA_STORE, LG_BOOK_STORE, lg__lua_check_name(L, 1));
    return 1;
}

/* core.store_maintain(dir, sql, …) -> rows changed */
static int l_maintain(lua_State *L)
{
    lg__lua_check_leave(L, 0, "the store");
    lg_cell local[LG_LUA_FEW];
    size_t n;
    int64_t changed;
    const char *dir = lg__lua_check_name(L, 1), *sql = lg__lua_check_name(L, 2);
    lg_cell *cells = read_cells(L, 3, &n, local);
    lg__lua_open_book(L, LG_LUA_STORE, LG_BOOK_WRITABLE, dir);
    lua_book *u = lua_touserdata(L, -1);
    int err = lg__book_change(u->b, sql, cells, n, &changed);
    if (err)
        return failed(L, u->b, err);
    lg__book_close(u->b);
    u->b = NULL;
    lua_pushinteger(L, changed);
    return 1;
}

static int l_query(lua_State *L)
{
    return lg__lua_query_book(L, lg__lua_check_book(L, LG_LUA_STORE));
}

/* store:columns(sql, …) -> how many rows, and of each column a list with holes where it is NULL:
 * for very many rows, each of which would be a table. */
static int l_columns(lua_State *L)
{
    lg_cell local[LG_LUA_FEW];
    size_t n;
    lg_book *b = lg__lua_check_book(L, LG_LUA_STORE);
    const char *sql = lg__lua_check_name(L, 2);
    lg_cell *cells = read_cells(L, 3, &n, local);
    int found = lg__book_query(b, sql, cells, n), columns = 0, first = lua_gettop(L) + 1;
    lua_Integer rows = 0;
    lua_pushinteger(L, 0);
    while (found == LG_OK && (found = lg__book_next(b)) > 0) {
        luaL_checkstack(L, found + LUA_MINSTACK, NULL);
        for (; columns < found; columns++)
            lua_newtable(L);
        rows++;
        for (int i = 0; i < columns; i++) {
            lg_cell cell;
            lg__book_cell(b, (size_t)i, &cell);
            push_cell(L, &cell);
            lua_rawseti(L, first + 1 + i, rows);
        }
        found = LG_OK;
    }
    if (found)
        return failed(L, b, found);
    lua_pushinteger(L, rows);
    lua_replace(L, first);
    return columns + 1;
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
    const lg_ambiguous *list;
    lg_book *b = lg__lua_check_book(L, LG_LUA_STORE);
    int64_t run = lg__lua_check_int(L, 2, 0, LUA_MAXINTEGER);
    int err = lg__book_ambiguous(b, run, &list, &n);
    if (err)
        return failed(L, b, err);
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        push_ambiguous(L, &list[i]);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

static int l_close(lua_State *L)
{
    lg__lua_close_book(L, LG_LUA_STORE);
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
    static const luaL_Reg methods[] = {{"query", l_query},
                                       {"columns", l_columns},
                                       {"ambiguous", l_ambiguous},
                                       {"close", l_close},
                                       {NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"store_open", l_open}, {"store_maintain", l_maintain}, {NULL, NULL}};
    lg__lua_new_class(L, LG_LUA_STORE, meta, methods);
    lua_pop(L, 1);
    luaL_setfuncs(L, functions, 0);
}
