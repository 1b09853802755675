/* lindex.c - what retrievers are made of: a small database with full text search, and a
 * matrix of vectors; and floats as bytes and back.
 *
 * For lunagrad/retriever.lua and lunagrad/embed.lua, not for scripts. Neither needs an
 * engine. */
#include "binding/lua_binding.h"

#include <string.h>

#include "binding/vectors.h"

#define LG_LUA_INDEX "lunagrad.index"
#define LG_LUA_VECTORS "lunagrad.vectors"

/* ---- the database -------------------------------------------------------------- */

/* core.index_open(path | nil) -> index */
static int l_index_open(lua_State *L)
{
    if (!lua_isnoneornil(L, 1))
        lg__lua_check_leave(L, 0, "files");
    lg__lua_open_book(L, LG_LUA_INDEX, LG_BOOK_INDEX, lg__lua_opt_name(L, 1));
    return 1;
}

/* index:run(sql, …) -> list of rows by column, empty for a statement that writes */
static int l_index_run(lua_State *L)
{
    int n = lg__lua_query_book(L, lg__lua_check_book(L, LG_LUA_INDEX));
    lg__lua_charge_book(L);
    return n;
}

static int l_index_close(lua_State *L)
{
    lg__lua_close_book(L, LG_LUA_INDEX);
    return 0;
}

/* ---- the matrix ---------------------------------------------------------------- */

static lg_vectors *check_vectors(lua_State *L)
{
    lg_vectors *v = luaL_testudata(L, 1, LG_LUA_VECTORS); /* dim 0: closed */
    if (!v)
        lg__lua_badarg(L, 1, "expected vectors");
    else if (!v->dim)
        lg__lua_raise(L, LG_ESTATE, NULL, "the vectors are closed");
    return v;
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
    lg_vectors *v = lua_newuserdatauv(L, sizeof *v, 0);
    const lg_lua_lent *lent = lg__lua_lent(L);
    lg__vectors_init(v, lent ? lent->alloc : NULL, lent ? lent->alloc_ud : NULL, (size_t)dim);
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
    lg_vectors *v = luaL_testudata(L, 1, LG_LUA_VECTORS);
    if (v && v->dim) {
        lg__vectors_free(v);
        v->dim = 0;
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
