/* files.c - lunagrad.file and io.open inside a state: files below one directory, or none.
 *
 * Whole files alone are read and written, by the binding's functions, whose paths are looked at
 * first: with all links followed a file must lie below the root; what is written anew, its
 * directory must. A script cannot make links. The library's own state is not held to a root. */
#include "host/host.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { MOST = 64 << 20 }; /* bytes of a file */

#define HANDLE "lunagrad.host.handle"

/* nil, message, number: as if it were not there */
static int refused(lua_State *L, const char *path)
{
    lua_pushnil(L);
    lua_pushfstring(L, "%s: files are not open to this script", path);
    lua_pushinteger(L, 2); /* ENOENT */
    return 3;
}

static bool is_below(const char *root, const char *path)
{
    size_t n = strlen(root);
    return strncmp(root, path, n) == 0 && (path[n] == '/' || path[n] == '\0');
}

/* The real path of what is, or may be made, at path below root. */
static bool resolve(const char *root, const char *path, bool makes, char out[PATH_MAX])
{
    char real_root[PATH_MAX], whole[PATH_MAX];
    struct stat st;
    int n = snprintf(whole, sizeof whole, "%s/%s", root, path);
    if (*path == '/' || n < 0 || (size_t)n >= sizeof whole || !realpath(root, real_root))
        return false;
    if (realpath(whole, out))
        return is_below(real_root, out);
    char *name = strrchr(whole, '/');
    if (!makes || lstat(whole, &st) == 0 || strcmp(name + 1, "..") == 0)
        return false;
    *name = '\0';
    if (!realpath(whole, out) || !is_below(real_root, out))
        return false;
    size_t len = strlen(out);
    n = snprintf(out + len, PATH_MAX - len, "/%s", name + 1);
    return n > 0 && (size_t)n < PATH_MAX - len;
}

/* The path at 1 becomes the real one. false: it is none for this script. */
static bool allow(lua_State *L, bool makes)
{
    char real[PATH_MAX];
    const lh_state *s = lh_state_of(L);
    const char *path = luaL_checkstring(L, 1);
    if (s->lent.trusted)
        return true;
    if (!s->root || !(s->lent.allow & LG_ALLOW_FILES) || strlen(path) != lua_rawlen(L, 1) ||
        !resolve(s->root, path, makes, real))
        return false;
    lua_pushstring(L, real);
    lua_replace(L, 1);
    return true;
}

/* The binding's function, the upvalue. */
static int call_own(lua_State *L, bool makes)
{
    if (!allow(L, makes))
        return refused(L, lua_tostring(L, 1));
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_insert(L, 1);
    lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
    return lua_gettop(L);
}

static int l_look(lua_State *L)
{
    return call_own(L, false);
}

static int l_make(lua_State *L)
{
    return call_own(L, true);
}

static int l_none(lua_State *L)
{
    return refused(L, luaL_optstring(L, 1, "?"));
}

static int l_false(lua_State *L)
{
    lua_pushboolean(L, 0);
    return 1;
}

/* ---- files that are open: {text =, at =} to be read, {path =} to be written ----------- */

/* handle:read(bytes) -> as many, or what is left; nil: nothing is */
static int l_read(lua_State *L)
{
    size_t len;
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer most = lua_isinteger(L, 2) ? lua_tointeger(L, 2) : MOST;
    lua_settop(L, 1);
    lua_getfield(L, 1, "text");
    lua_getfield(L, 1, "at");
    const char *text = luaL_checklstring(L, 2, &len);
    lua_Integer at = luaL_checkinteger(L, 3), left = (lua_Integer)len - at;
    if (left <= 0)
        return 0;
    most = most < left ? most : left;
    lua_pushinteger(L, at + most);
    lua_setfield(L, 1, "at");
    lua_pushlstring(L, text + at, (size_t)most);
    return 1;
}

/* handle:write(text): the whole file */
static int l_write(lua_State *L)
{
    luaL_checkstring(L, 2);
    lua_settop(L, 2);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_getfield(L, 1, "path");
    lua_pushvalue(L, 2);
    lua_call(L, 2, LUA_MULTRET);
    return lua_gettop(L) - 2;
}

static int l_close(lua_State *L)
{
    lua_pushboolean(L, 1);
    return 1;
}

static void set_handle(lua_State *L)
{
    luaL_getmetatable(L, HANDLE);
    lua_setmetatable(L, -2);
}

/* open(path): file.read is the upvalue */
static int l_open(lua_State *L)
{
    struct stat st;
    lua_settop(L, 1);
    if (!allow(L, false))
        return refused(L, lua_tostring(L, 1));
    bool is_there = stat(lua_tostring(L, 1), &st) == 0;
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_pushvalue(L, 1);
    lua_pushinteger(L, is_there && st.st_size < MOST ? (lua_Integer)st.st_size + 1 : MOST);
    lua_call(L, 2, 3);
    if (lua_isnil(L, -3))
        return 3;
    lua_newtable(L);
    lua_pushvalue(L, -4);
    lua_setfield(L, -2, "text");
    lua_pushinteger(L, 0);
    lua_setfield(L, -2, "at");
    set_handle(L);
    return 1;
}

/* io.open(path, mode): file.read, file.write are the upvalues */
static int l_io_open(lua_State *L)
{
    if (*luaL_optstring(L, 2, "r") != 'w')
        return l_open(L);
    lua_settop(L, 1);
    if (!allow(L, true))
        return refused(L, lua_tostring(L, 1));
    lua_newtable(L);
    lua_pushvalue(L, 1);
    lua_setfield(L, -2, "path");
    set_handle(L);
    return 1;
}

/* ---- the modules ------------------------------------------------------------------------ */

/* In the table on top: fn over the binding's function of this name, whose table is at own. */
static void set_over(lua_State *L, int own, const char *name, const char *of, lua_CFunction fn)
{
    lua_getfield(L, own, of);
    lua_pushcclosure(L, fn, 1);
    lua_setfield(L, -2, name);
}

static void make_handles(lua_State *L, int own)
{
    luaL_newmetatable(L, HANDLE);
    lua_newtable(L);
    lua_pushcfunction(L, l_read);
    lua_setfield(L, -2, "read");
    set_over(L, own, "write", "write", l_write);
    lua_pushcfunction(L, l_close);
    lua_setfield(L, -2, "close");
    lua_setfield(L, -2, "__index");
    lua_pop(L, 1);
}

int lh_push_files(lua_State *L)
{
    static const char *const none[] = {"locked", "link", "space", "typed", NULL};
    luaopen_lunagrad_file(L);
    int own = lua_gettop(L);
    make_handles(L, own);
    lua_newtable(L);
    for (int i = 0; none[i]; i++) {
        lua_pushcfunction(L, l_none);
        lua_setfield(L, -2, none[i]);
    }
    set_over(L, own, "read", "read", l_look);
    set_over(L, own, "stat", "stat", l_look);
    set_over(L, own, "write", "write", l_make);
    set_over(L, own, "writable", "writable", l_make);
    set_over(L, own, "open", "read", l_open);
    lua_pushcfunction(L, l_false);
    lua_setfield(L, -2, "is_terminal");
    lua_remove(L, own);
    return 1;
}

void lh_push_open(lua_State *L)
{
    luaopen_lunagrad_file(L);
    make_handles(L, lua_gettop(L));
    lua_getfield(L, -1, "read");
    lua_getfield(L, -2, "write");
    lua_pushcclosure(L, l_io_open, 2);
    lua_remove(L, -2);
}
