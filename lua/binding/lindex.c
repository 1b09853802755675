/* lindex.c - what retrievers are made of: a small database with full text search, and a
 * matrix of vectors; and floats as bytes and back.
 *
 * For lunagrad/retriever.lua and lunagrad/embed.lua, not for scripts. Neither needs an
 * engine. */
#include "binding/lua_binding.h"

#include <string.h>

#include "store/store_index.h"
#include "binding/vectors.h"

#define LG_LUA_INDEX "lunagrad.index"
#define LG_LUA_VECTORS "lunagrad.vectors"

/* ---- the database -------------------------------------------------------------- */

typedef struct lua_index {
    lg_mem mem;
    lg_index *x; /* NULL: closed */
} lua_index;

static int failed(lua_State *L, const lg_fail *why, int code)
{
    return lg__lua_raise(L, code, why->hint ? why->hint->data : NULL, "%s", lg__fail_message(why));
}

static lg_index *check_index(lua_State *L)
{
    lua_index *u = luaL_testudata(L, 1, LG_LUA_INDEX);
    if (!u)
        lg__lua_badarg(L, 1, "expected an index");
    else if (!u->x)
        lg__lua_raise(L, LG_ESTATE, NULL, "the index is closed");
    return u ? u->x : NULL;
}

/* core.index_open(path | nil) -> index */
static int l_index_open(lua_State *L)
{
    lg_fail why;
    const char *path = lg__lua_opt_name(L, 1);
    lua_index *u = lua_newuserdatauv(L, sizeof *u, 0);
    u->x = NULL;
    lg__mem_init(&u->mem, NULL, NULL);
    luaL_setmetatable(L, LG_LUA_INDEX);
    int err = lg__index_open(&u->mem, path, &u->x, &why);
    if (!err)
        return 1;
    lua_pushstring(L, lg__fail_message(&why)); /* copied, because why is freed here */
    lua_pushstring(L, why.hint ? why.hint->data : NULL);
    lg__fail_free(&why);
    return lg__lua_raise(L, err, lua_tostring(L, -1), "%s", lua_tostring(L, -2));
}

static void push_row(lua_State *L, const lg_index *x)
{
    size_t columns = lg__index_columns(x);
    lua_createtable(L, 0, (int)columns);
    for (size_t i = 0; i < columns; i++) {
        lg_cell cell;
        lg__index_cell(x, i, &cell);
        lg__lua_push_cell(L, &cell);
        lua_setfield(L, -2, lg__index_column(x, i));
    }
}

/* index:run(sql, …) -> list of rows by column, empty for a statement that writes */
static int l_index_run(lua_State *L)
{
    lg_cell local[LG_LUA_FEW];
    size_t n;
    lg_index *x = check_index(L);
    const char *sql = lg__lua_check_name(L, 2);
    lg_cell *cells = lg__lua_read_cells(L, 3, &n, local);
    int err = lg__index_do(x, sql, cells, n);
    lua_newtable(L);
    for (lua_Integer i = 1; !err && (err = lg__index_row(x)) == 1; i++) {
        err = LG_OK;
        push_row(L, x);
        lua_rawseti(L, -2, i);
    }
    return err ? failed(L, lg__index_why(x), err) : 1;
}

static int l_index_close(lua_State *L)
{
    lua_index *u = luaL_testudata(L, 1, LG_LUA_INDEX);
    if (u && u->x) {
        lg_index *x = u->x;
        u->x = NULL;
        lg__index_close(x);
    }
    return 0;
}

/* ---- the matrix ---------------------------------------------------------------- */

typedef struct lua_vectors {
    lg_mem mem;
    lg_vectors v; /* dim 0: closed */
} lua_vectors;

static lg_vectors *check_vectors(lua_State *L)
{
    lua_vectors *u = luaL_testudata(L, 1, LG_LUA_VECTORS);
    if (!u)
        lg__lua_badarg(L, 1, "expected vectors");
    else if (!u->v.dim)
        lg__lua_raise(L, LG_ESTATE, NULL, "the vectors are closed");
    return u ? &u->v : NULL;
}

/* The bytes of one vector; copied, because those of a string need not be aligned. */
static const float *check_floats(lua_State *L, int arg, size_t dim)
{
    size_t len;
    const char *s = lg__lua_check_text(L, arg, &len);
    if (len != dim * sizeof(float))
        lg__lua_badarg(L, arg, "a vector has another length");
    float *copy = lua_newuserdatauv(L, len + 1, 0);
    memcpy(copy, s, len);
    return copy;
}

/* core.vectors(dim) -> vectors */
static int l_vectors(lua_State *L)
{
    enum { MOST = 1 << 20 };
    lua_Integer dim = lg__lua_check_int(L, 1, 1, MOST);
    lua_vectors *u = lua_newuserdatauv(L, sizeof *u, 0);
    lg__mem_init(&u->mem, NULL, NULL);
    lg__vectors_init(&u->v, &u->mem, (size_t)dim);
    luaL_setmetatable(L, LG_LUA_VECTORS);
    return 1;
}

/* vectors:put(row, bytes) -> whether it has a direction. Rows count from 1. */
static int l_vectors_put(lua_State *L)
{
    lg_vectors *v = check_vectors(L);
    lua_Integer row = lg__lua_check_int(L, 2, 1, (lua_Integer)v->n + 1);
    int err = lg__vectors_put(v, (size_t)row - 1, check_floats(L, 3, v->dim));
    if (err && err != LG_EINVAL)
        return lg__lua_raise(L, err, NULL, "vectors: %s", lg_error_text(err));
    lua_pushboolean(L, !err);
    return 1;
}

static int l_vectors_drop(lua_State *L)
{
    lg_vectors *v = check_vectors(L);
    lua_Integer row = lg__lua_check_int(L, 2, 1, LUA_MAXINTEGER);
    lg__vectors_drop(v, (size_t)row - 1);
    return 0;
}

/* vectors:nearest(bytes, k) -> rows, cosines; both lists, the nearest first */
static int l_vectors_nearest(lua_State *L)
{
    lg_near local[LG_LUA_FEW];
    lg_vectors *v = check_vectors(L);
    const float *query = check_floats(L, 2, v->dim);
    lua_Integer k = lg__lua_check_int(L, 3, 0, LUA_MAXINTEGER);
    size_t most = (size_t)k < v->n ? (size_t)k : v->n;
    lg_near *near = lg__lua_scratch(L, most, sizeof *near, local);
    size_t n = lg__vectors_nearest(v, query, near, most);
    lua_createtable(L, (int)n, 0);
    lua_createtable(L, (int)n, 0);
    for (size_t i = 0; i < n; i++) {
        lua_pushinteger(L, (lua_Integer)near[i].row + 1);
        lua_rawseti(L, -3, (lua_Integer)i + 1);
        lua_pushnumber(L, near[i].score);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 2;
}

static int l_vectors_close(lua_State *L)
{
    lua_vectors *u = luaL_testudata(L, 1, LG_LUA_VECTORS);
    if (u && u->v.dim) {
        lg__vectors_free(&u->v);
        u->v.dim = 0;
    }
    return 0;
}

/* ---- floats as bytes ----------------------------------------------------------- */

/* core.pack_floats(list) -> bytes; raises for what is no finite number */
static int l_pack(lua_State *L)
{
    luaL_Buffer b;
    size_t n = lg__lua_check_list(L, 1);
    lua_settop(L, 1);
    float *floats = lua_newuserdatauv(L, n * sizeof *floats + 1, 0);
    for (size_t i = 0; i < n; i++) {
        int is_number = 0;
        lua_rawgeti(L, 1, (lua_Integer)i + 1);
        floats[i] = (float)lua_tonumberx(L, -1, &is_number);
        if (!is_number || floats[i] - floats[i] != 0) {
            return lg__lua_raise(L, LG_EINVAL, NULL, "a vector has no finite number at %I",
                                 (LUAI_UACINT)i + 1);
        }
        lua_pop(L, 1);
    }
    luaL_buffinit(L, &b);
    luaL_addlstring(&b, (const char *)floats, n * sizeof *floats);
    luaL_pushresult(&b);
    return 1;
}

/* core.unpack_floats(bytes) -> list */
static int l_unpack(lua_State *L)
{
    size_t len;
    const char *s = lg__lua_check_text(L, 1, &len);
    lua_createtable(L, (int)(len / sizeof(float)), 0);
    for (size_t i = 0; i < len / sizeof(float); i++) {
        float x;
        memcpy(&x, s + i * sizeof x, sizeof x);
        lua_pushnumber(L, (lua_Number)x);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 1;
}

void lg__lua_open_index(lua_State *L)
{
    static const luaL_Reg index_meta[] = {
        {"__gc", l_index_close}, {"__close", l_index_close}, {NULL, NULL}};
    static const luaL_Reg index_methods[] = {
        {"run", l_index_run}, {"close", l_index_close}, {NULL, NULL}};
    static const luaL_Reg vectors_meta[] = {
        {"__gc", l_vectors_close}, {"__close", l_vectors_close}, {NULL, NULL}};
    static const luaL_Reg vectors_methods[] = {{"put", l_vectors_put},
                                               {"drop", l_vectors_drop},
                                               {"nearest", l_vectors_nearest},
                                               {"close", l_vectors_close},
                                               {NULL, NULL}};
    static const luaL_Reg functions[] = {{"index_open", l_index_open},
                                         {"vectors", l_vectors},
                                         {"pack_floats", l_pack},
                                         {"unpack_floats", l_unpack},
                                         {NULL, NULL}};
    lg__lua_new_class(L, LG_LUA_INDEX, index_meta, index_methods);
    lg__lua_new_class(L, LG_LUA_VECTORS, vectors_meta, vectors_methods);
    lua_pop(L, 2);
    luaL_setfuncs(L, functions, 0);
}
