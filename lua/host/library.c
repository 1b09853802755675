/* library.c - what the code of a state finds.
 *
 * Two worlds in one state. The script has _G: of Lua's libraries what computes, by allow-list, and
 * lg, host and require. The library's own files have globals of their own, which no script can
 * reach: tables that both would share are copied, and the metatable of strings is closed. What
 * reaches out of the state is closed in C besides (lg__lua_check_leave), so that nothing hangs on
 * this. */
#include "host/host.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "binding/lua_allowed.h"
#include "binding/lunagrad_lua.h"

#define OWN "lunagrad.host.own"       /* in the registry: the globals of the library's files */
#define LOADED "lunagrad.host.loaded" /* … modules of the host's, by name */

/* ---- functions that are other than Lua's ---------------------------------------- */

static int print_all(lua_State *L)
{
    lh_state *s = lh_state_of(L);
    int n = lua_gettop(L);
    for (int i = 1; i <= n; i++) {
        size_t len;
        const char *text = luaL_tolstring(L, i, &len);
        if (i > 1)
            lh_print(s, "\t", 1);
        lh_print(s, text, len);
        lua_pop(L, 1);
    }
    lh_print(s, "\n", 1);
    lh_burn(L, 10);
    return 0;
}

/* Each argument from i on with a metamethod __tostring, which may wait, becomes what that says. */
static int converted(lua_State *L, int status, lua_KContext i);

static void put_text(lua_State *L, int i)
{
    if (!lua_isstring(L, -1))
        luaL_error(L, "'__tostring' must return a string");
    lua_replace(L, i);
}

static int convert(lua_State *L, int i)
{
    int n = lua_gettop(L);
    for (; i <= n; i++) {
        if (luaL_getmetafield(L, i, "__tostring") == LUA_TNIL)
            continue;
        lua_pushvalue(L, i);
        lua_callk(L, 1, 1, i, converted);
        put_text(L, i);
    }
    return lua_isnil(L, lua_upvalueindex(1)) ? print_all(L) : lg__lua_call_own(L);
}

static int converted(lua_State *L, int status, lua_KContext i)
{
    (void)status;
    put_text(L, (int)i);
    return convert(L, (int)i + 1);
}

static int l_print(lua_State *L)
{
    return convert(L, 1);
}

static int l_format(lua_State *L)
{
    return convert(L, 2);
}

static int as_text(lua_State *L, int status, lua_KContext extra)
{
    (void)status;
    (void)extra;
    return lua_isstring(L, -1) ? 1 : luaL_error(L, "'__tostring' must return a string");
}

static int l_tostring(lua_State *L)
{
    luaL_checkany(L, 1);
    if (luaL_getmetafield(L, 1, "__tostring") == LUA_TNIL) {
        luaL_tolstring(L, 1, NULL);
        return 1;
    }
    lua_pushvalue(L, 1);
    lua_callk(L, 1, 1, 0, as_text);
    return as_text(L, LUA_OK, 0);
}

/* stderr:write(…) of the library */
static int l_write(lua_State *L)
{
    int n = lua_gettop(L);
    for (int i = 2; i <= n; i++) {
        size_t len;
        const char *text = luaL_checklstring(L, i, &len);
        lh_print(lh_state_of(L), text, len);
    }
    lua_settop(L, 1);
    return 1;
}

static void check_source(lua_State *L, size_t len)
{
    if (len > LH_SOURCE)
        luaL_error(L, "load: a script compiles at most %d bytes at once", LH_SOURCE);
}

/* For load: a piece more, of what a function says. Upvalues: it, and the bytes so far. */
static int next_piece(lua_State *L)
{
    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_call(L, 0, 1);
    if (!lua_isstring(L, 1))
        return 1;
    size_t len = 0, all = (size_t)lua_tointeger(L, lua_upvalueindex(2));
    lua_tolstring(L, 1, &len);
    all += len;
    check_source(L, all);
    lua_pushinteger(L, (lua_Integer)all);
    lua_replace(L, lua_upvalueindex(2));
    return 1;
}

/* Texts alone, no bytecode; the function that it stands for is its upvalue. */
static int l_load(lua_State *L)
{
    if (lua_type(L, 1) == LUA_TSTRING)
        check_source(L, lua_rawlen(L, 1));
    if (lua_isfunction(L, 1)) {
        lua_pushvalue(L, 1);
        lua_pushinteger(L, 0);
        lua_pushcclosure(L, next_piece, 2);
        lua_replace(L, 1);
    }
    return lg__lua_load_text(L);
}

static int l_setmetatable(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    if (lua_istable(L, 2)) {
        lua_pushliteral(L, "__gc");
        if (lua_rawget(L, 2) != LUA_TNIL)
            return luaL_error(L, "a script's tables have no __gc");
        lua_pop(L, 1);
    }
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, 1);
    return 1;
}

/* What C made has no metatable that a script can reach: a __gc that a script puts there would run
 * where nothing can end it. */
static int l_getmetatable(lua_State *L)
{
    luaL_checkany(L, 1);
    int type = lua_type(L, 1);
    if ((type == LUA_TUSERDATA || type == LUA_TLIGHTUSERDATA) && lua_getmetatable(L, 1)) {
        lua_pushboolean(L, 0);
        return 1;
    }
    return lg__lua_call_own(L);
}

/* The library's: a state ends without its finalizers. */
static int l_collectgarbage(lua_State *L)
{
    const char *what = luaL_optstring(L, 1, "collect");
    if (strcmp(what, "count") == 0) {
        lua_pushnumber(L, (lua_Number)lh_state_of(L)->used / 1024);
        return 1;
    }
    return luaL_error(L, "collectgarbage: a script may ask for \"count\"");
}

static int l_clock(lua_State *L)
{
    lua_pushnumber(L, (lua_Number)lh_clock_us() / 1e6);
    return 1;
}

static int l_time(lua_State *L)
{
    if (!lua_isnoneornil(L, 1))
        return luaL_error(L, "os.time: a script may ask for the time that it is");
    lua_pushinteger(L, (lua_Integer)time(NULL));
    return 1;
}

static int l_nothing(lua_State *L)
{
    (void)L;
    return 0;
}

/* nil, message, number: as if it were not there */
static int l_closed(lua_State *L)
{
    lua_pushnil(L);
    lua_pushliteral(L, "files are not open to this script");
    lua_pushinteger(L, 2); /* ENOENT */
    return 3;
}

/* ---- require ---------------------------------------------------------------------- */

static const struct lg_embedded *find_own(const char *name)
{
    const struct lg_embedded *file = lg__embedded;
    while (file->name && strcmp(file->name, name) != 0)
        file++;
    return file->name ? file : NULL;
}

/* At 1 the name, at 2 the table of what is loaded, on top what the module returned. */
static int loaded(lua_State *L, int status, lua_KContext extra)
{
    (void)status;
    (void)extra;
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_pushboolean(L, 1);
    }
    lua_pushvalue(L, 1);
    lua_pushvalue(L, -2);
    lua_rawset(L, 2);
    return 1;
}

static void check_loaded(lua_State *L, int err)
{
    if (err != LUA_OK)
        lua_error(L);
}

/* The chunk on top gets the library's globals. */
static void give_own(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, OWN);
    lua_setupvalue(L, -2, 1);
}

/* At 1 the name of one of the library's files, at 2 the table of what is loaded. */
static int load_file(lua_State *L, int status, lua_KContext extra)
{
    (void)status;
    (void)extra;
    check_loaded(L, lh_load_own(L, find_own(lua_tostring(L, 1))));
    give_own(L);
    lua_pushvalue(L, 1);
    lua_callk(L, 1, 1, 0, loaded);
    return loaded(L, LUA_OK, 0);
}

int lh_require_own(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    lua_settop(L, 1);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LUA_LOADED_TABLE);
    lua_pushvalue(L, 1);
    if (lua_rawget(L, 2) != LUA_TNIL)
        return 1;
    lua_pop(L, 1);
    if (strcmp(name, "lunagrad.core") == 0) {
        lh_push_engine(L);
        lua_pop(L, 1);
        lua_pushvalue(L, 1);
        lua_rawget(L, 2);
        return 1;
    }
    if (strcmp(name, "lunagrad.file") == 0) {
        lh_push_files(L);
        return loaded(L, LUA_OK, 0);
    }
    if (!find_own(name) || strncmp(name, "lunagrad.cli", 12) == 0)
        return luaL_error(L, "module '%s' not found", name);
    return lh_go_on(L, 0, load_file); /* files that require files hardly run any instructions */
}

/* What the library's first file returned, and host/script.lua set up. */
static int lib_there(lua_State *L, int status, lua_KContext extra)
{
    (void)status;
    (void)extra;
    lh_state_of(L)->library = true;
    return 1;
}

static int push_library(lua_State *L)
{
    lua_settop(L, 0);
    lua_pushcfunction(L, lh_require_own);
    lua_pushliteral(L, "lunagrad.host.script");
    lua_callk(L, 1, 1, 0, lib_there);
    return lib_there(L, LUA_OK, 0);
}

static lh_module *find_module(lh_state *s, const char *name)
{
    lh_module *m = s->modules;
    while (m && strcmp(m->name, name) != 0)
        m = m->next;
    return m;
}

/* require of scripts: the library, and modules of the host's */
static int l_require(lua_State *L)
{
    const char *name = luaL_checkstring(L, 1);
    if (strcmp(name, "lunagrad") == 0)
        return push_library(L);
    lua_settop(L, 1);
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LOADED);
    lua_pushvalue(L, 1);
    if (lua_rawget(L, 2) != LUA_TNIL)
        return 1;
    lua_pop(L, 1);
    const lh_module *m = find_module(lh_state_of(L), name);
    if (!m) {
        return luaL_error(
            L, "module '%s' not found: a script finds \"lunagrad\" and what its host gave it",
            name);
    }
    lua_pushfstring(L, "@%s", name);
    check_loaded(L, luaL_loadbufferx(L, m->source, m->len, lua_tostring(L, -1), "t"));
    lua_remove(L, -2);
    lua_pushvalue(L, 1);
    lua_callk(L, 1, 1, 0, loaded);
    return loaded(L, LUA_OK, 0);
}

/* lg, when it is first used: __index of _G */
static int got_lg(lua_State *L, int status, lua_KContext extra)
{
    (void)status;
    (void)extra;
    lua_pushliteral(L, "lg");
    lua_pushvalue(L, -2);
    lua_rawset(L, 1);
    return 1;
}

static int l_global(lua_State *L)
{
    const char *name = lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "";
    if (strcmp(name, "lg") != 0)
        return 0;
    luaL_checktype(L, 1, LUA_TTABLE); /* a script may call this, with anything */
    lua_settop(L, 1);
    lua_pushcfunction(L, l_require);
    lua_pushliteral(L, "lunagrad");
    lua_callk(L, 1, 1, 0, got_lg);
    return got_lg(L, LUA_OK, 0);
}

/* io.open of the library, made when it is first used */
static int l_open(lua_State *L)
{
    lh_push_open(L);
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

/* ---- both worlds --------------------------------------------------------------------- */

/* A copy of the table at index, on top. */
static void copy(lua_State *L, int index)
{
    index = lua_absindex(L, index);
    lua_newtable(L);
    lua_pushnil(L);
    while (lua_next(L, index)) {
        lua_pushvalue(L, -2);
        lua_insert(L, -2);
        lua_rawset(L, -4);
    }
}

static void set_function(lua_State *L, const char *name, lua_CFunction fn)
{
    lua_pushcfunction(L, fn);
    lua_setfield(L, -2, name);
}

/* A table of the library's globals, of functions. */
static void set_table(lua_State *L, const char *name, const luaL_Reg *functions)
{
    lua_newtable(L);
    luaL_setfuncs(L, functions, 0);
    lua_setfield(L, -2, name);
}

/* debug.traceback, getinfo, sethook: of Lua's, for the library alone. */
static void set_debug(lua_State *L)
{
    lua_pushcfunction(L, luaopen_debug);
    lua_call(L, 0, 1);
    lua_newtable(L);
    lua_getfield(L, -2, "traceback");
    lua_setfield(L, -2, "traceback");
    lua_getfield(L, -2, "getinfo");
    lua_setfield(L, -2, "getinfo");
    set_function(L, "sethook", l_nothing);
    lua_remove(L, -2);
    lua_setfield(L, -2, "debug");
}

static int l_getenv(lua_State *L)
{
    const lh_state *s = lh_state_of(L);
    const char *name = luaL_checkstring(L, 1);
    if (!s->lent.trusted && !(s->lent.allow & LG_ALLOW_MODELS))
        return 0;
    lua_pushstring(L, getenv(name));
    return 1;
}

/* Pushes the library's globals, made of what is in _G by now. */
static void make_own(lua_State *L)
{
    static const luaL_Reg os[] = {{"time", l_time},     {"clock", l_clock},   {"getenv", l_getenv},
                                  {"remove", l_closed}, {"rename", l_closed}, {"tmpname", l_closed},
                                  {NULL, NULL}};
    static const luaL_Reg io[] = {{"lines", l_closed}, {"type", l_nothing}, {NULL, NULL}};
    static const luaL_Reg err[] = {{"write", l_write}, {NULL, NULL}};
    lua_pushglobaltable(L);
    copy(L, -1);
    lua_pushvalue(L, -1);
    lua_setfield(L, -2, LUA_GNAME);
    set_table(L, "os", os);
    set_table(L, "io", io);
    lua_getfield(L, -1, "io");
    set_function(L, "open", l_open);
    set_table(L, "stderr", err);
    set_table(L, "stdout", err);
    lua_pop(L, 1);
    set_debug(L);
    set_function(L, "require", lh_require_own);
    set_function(L, "collectgarbage", l_collectgarbage);
    lua_remove(L, -2);
}

/* _G becomes the script's. */
static void make_public(lua_State *L)
{
    static const char *const tables[] = {LUA_STRLIBNAME,  LUA_TABLIBNAME, LUA_MATHLIBNAME,
                                         LUA_UTF8LIBNAME, LUA_COLIBNAME,  NULL};
    lua_pushglobaltable(L);
    for (int i = 0; tables[i]; i++) {
        lua_getfield(L, -1, tables[i]);
        copy(L, -1);
        lua_setfield(L, -3, tables[i]);
        lua_pop(L, 1);
    }
    set_function(L, "require", l_require);
    set_function(L, "collectgarbage", l_collectgarbage);
    lg__lua_stand_for(L, "getmetatable", l_getmetatable);
    lua_newtable(L);
    lua_setfield(L, -2, "host");
    lua_newtable(L);
    set_function(L, "__index", l_global);
    lua_setmetatable(L, -2);
    lua_pop(L, 1);
}

static int prepare(lua_State *L)
{
    lg__lua_open_allowed(L);
    lh_learn_stacks(L, &lh_state_of(L)->stacks);
    lua_pushglobaltable(L);
    lua_pushnil(L);
    lua_pushcclosure(L, l_print, 1);
    lua_setfield(L, -2, "print");
    set_function(L, "tostring", l_tostring);
    lg__lua_stand_for(L, "load", l_load);
    lg__lua_stand_for(L, "setmetatable", l_setmetatable);
    lua_getfield(L, -1, LUA_STRLIBNAME);
    lh_open_strings(L);
    lg__lua_stand_for(L, "format", l_format);
    lh_open_patterns(L);
    lua_pop(L, 1);
    lua_getfield(L, -1, LUA_TABLIBNAME);
    lh_open_tables(L);
    lua_pop(L, 1);
    lua_getfield(L, -1, LUA_COLIBNAME);
    lh_open_coroutines(L);
    lua_pop(L, 2);
    lua_pushliteral(L, "");
    lua_getmetatable(L, -1);
    lua_pushboolean(L, 0);
    lua_setfield(L, -2, "__metatable");
    lua_pop(L, 2);
    make_own(L);
    lua_setfield(L, LUA_REGISTRYINDEX, OWN);
    lua_pushcfunction(L, lh_require_own);
    lua_setfield(L, LUA_REGISTRYINDEX, LH_REQUIRE);
    make_public(L);
    return 0;
}

int lh_open(lh_state *s, lg_engine *e, const lh_owner *owner)
{
    s->lent.wait = lh_wait;
    s->lent.burn = lh_burn;
    return lh_state_open(s, e, owner, prepare);
}
