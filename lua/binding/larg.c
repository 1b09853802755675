/* larg.c - error objects and arguments for all files of the binding.
 *
 * Lua's own luaL_check… raise texts; people of this library get objects with a
 * kind, placed at the line of their script. Makes no engine and no variable. */
#include "binding/lua_binding.h"

#include "binding/clean.h"

#include <limits.h>
#include <math.h>
#include <string.h>

/* ---- errors -------------------------------------------------------------- */

void lg__lua_push_where(lua_State *L, int level)
{
    static const char own[] = "@lunagrad/";
    lua_Debug ar;
    for (; lua_getstack(L, level, &ar); level++) {
        lua_getinfo(L, "Sl", &ar);
        if (ar.currentline > 0 && strncmp(ar.source, own, sizeof own - 1) != 0) {
            lua_pushfstring(L, "%s:%d:", ar.short_src, ar.currentline);
            return;
        }
    }
    lua_pushnil(L);
}

enum { LONGEST = 1000 }; /* bytes of a message, whatever a script gives */

/* The most bytes of a text, which has more, that cut no character of it. */
static size_t whole_characters(const char *text)
{
    size_t n = LONGEST;
    while (n > LONGEST - 4 && ((unsigned char)text[n] & 0xC0) == 0x80)
        n--;
    return n;
}

/* The message on top: no page of it, and nothing that a terminal would obey. */
static void make_readable(lua_State *L)
{
    size_t len;
    const char *text = lua_tolstring(L, -1, &len);
    bool is_long = len > LONGEST;
    lua_pushcfunction(L, lg__lua_clean);
    lua_pushlstring(L, text, is_long ? whole_characters(text) : len);
    lua_call(L, 1, 1);
    if (is_long) {
        lua_pushliteral(L, "…");
        lua_concat(L, 2);
    }
    lua_replace(L, -2);
}

/* Takes the message from the top. field: what it is about, or NULL. */
static int raise_message(lua_State *L, int code, const char *hint, const char *field)
{
    make_readable(L);
    lua_createtable(L, 0, 5);
    lua_insert(L, -2);
    lua_setfield(L, -2, "message");
    lua_pushstring(L, lg_error_name(code));
    lua_setfield(L, -2, "kind");
    if (hint) {
        lua_pushstring(L, hint);
        lua_setfield(L, -2, "hint");
    }
    if (field) {
        lua_pushstring(L, field);
        lua_setfield(L, -2, "field");
    }
    lg__lua_push_where(L, 1);
    lua_setfield(L, -2, "where");
    lg__lua_set_class(L, LG_LUA_ERROR);
    return lua_error(L);
}

int lg__lua_raise(lua_State *L, int code, const char *hint, const char *fmt, ...)
{
    va_list ap;
    luaL_checkstack(L, 8, "an error object");
    va_start(ap, fmt);
    lua_pushvfstring(L, fmt, ap);
    va_end(ap);
    return raise_message(L, code, hint, NULL);
}

/* What scripts call the running function, from core.names: "lg.json.decode", "v:set_role".
 * It is left on the stack. */
static const char *public_name(lua_State *L)
{
    lua_Debug ar;
    luaL_checkstack(L, 8, "a name");
    luaL_getsubtable(L, LUA_REGISTRYINDEX, LG_LUA_NAMES);
    if (!lua_getstack(L, 0, &ar))
        return NULL;
    lua_getinfo(L, "f", &ar);
    lua_rawget(L, -2);
    return lua_tostring(L, -1);
}

int lg__lua_badarg(lua_State *L, int arg, const char *why)
{
    lua_Debug ar = {.name = NULL, .namewhat = ""};
    const char *name = public_name(L);
    if (name && (!strchr(name, ':') || --arg > 0))
        return lg__lua_raise(L, LG_EINVAL, NULL, "%s: argument %d: %s", name, arg, why);
    if (name) {
        return lg__lua_raise(L, LG_EINVAL, lua_pushfstring(L, "call it with a colon: %s(…)", name),
                             "%s was called on a wrong object: %s", name, why);
    }
    if (lua_getstack(L, 0, &ar))
        lua_getinfo(L, "n", &ar);
    if (strcmp(ar.namewhat, "method") == 0 && --arg == 0) {
        return lg__lua_raise(L, LG_EINVAL, NULL, "'%s' was called on a wrong object: %s", ar.name,
                             why);
    }
    if (!ar.name)
        return lg__lua_raise(L, LG_EINVAL, NULL, "bad argument #%d: %s", arg, why);
    return lg__lua_raise(L, LG_EINVAL, NULL, "bad argument #%d to '%s': %s", arg, ar.name, why);
}

static int badtype(lua_State *L, int arg, const char *expected)
{
    const char *got = luaL_typename(L, arg);
    if (luaL_getmetafield(L, arg, "__name") == LUA_TSTRING)
        got = lua_tostring(L, -1);
    return lg__lua_badarg(L, arg, lua_pushfstring(L, "expected %s, got %s", expected, got));
}

int lg__lua_engine_failed(lua_State *L, const lg_engine *e, int code)
{
    luaL_checkstack(L, 8, "an error object");
    lua_pushstring(L, lg_engine_errmsg(e));
    return raise_message(L, code, NULL, lg_engine_errfield(e));
}

/* ---- objects ------------------------------------------------------------- */

void lg__lua_check_open(lua_State *L, const lg_lua_engine *owner, const void *handle,
                        const char *what)
{
    if (!owner || !owner->e)
        lg__lua_raise(L, LG_ESTATE, NULL, "the engine is closed");
    if (!handle)
        lg__lua_raise(L, LG_ESTATE, NULL, "the %s is closed", what);
}

lg_lua_engine *lg__lua_check_engine(lua_State *L, int arg)
{
    lg_lua_engine *u = luaL_testudata(L, arg, LG_LUA_ENGINE);
    if (!u)
        badtype(L, arg, "an engine");
    else
        lg__lua_check_open(L, u, u, "engine");
    return u;
}

static const char bound_key; /* of the binding in the registry, see lbound.c */

void lg__lua_set_bound(lua_State *L)
{
    lua_rawsetp(L, LUA_REGISTRYINDEX, &bound_key);
}

lg_var *lg__lua_bound(lua_State *L, const lg_lua_var *u)
{
    if (!u->owner->bound)
        return u->v;
    lua_rawgetp(L, LUA_REGISTRYINDEX, &bound_key);
    if (lua_rawgeti(L, -1, (lua_Integer)lg_var_id(u->v)) != LUA_TNIL)
        u = lua_touserdata(L, -1); /* the table keeps it */
    lua_pop(L, 2);
    return u->v;
}

lg_var *lg__lua_check_var(lua_State *L, int arg)
{
    const lg_lua_var *u = luaL_testudata(L, arg, LG_LUA_VAR);
    if (!u) {
        badtype(L, arg, "a variable");
        return NULL;
    }
    lg__lua_check_open(L, u->owner, u->v, "variable");
    return lg__lua_bound(L, u);
}

lg_model *lg__lua_check_model(lua_State *L, int arg)
{
    const lg_lua_model *u = luaL_testudata(L, arg, LG_LUA_MODEL);
    if (!u) {
        badtype(L, arg, "a model");
        return NULL;
    }
    lg__lua_check_open(L, u->owner, u->m, "model");
    return u->m;
}

lg_tool *lg__lua_check_tool(lua_State *L, int arg)
{
    const lg_lua_tool *u = luaL_testudata(L, arg, LG_LUA_TOOL);
    if (!u) {
        badtype(L, arg, "a tool");
        return NULL;
    }
    lg__lua_check_open(L, u->owner, u->t, "tool");
    return u->t;
}

/* ---- plain values -------------------------------------------------------- */

void lg__lua_number_to_text(lua_State *L, int arg)
{
    char text[LG_NUMBER_ROOM];
    if (lua_type(L, arg) != LUA_TNUMBER)
        return; /* lua_tonumber would read a string, however long it is */
    double x = lua_tonumber(L, arg);
    if (lua_isinteger(L, arg) || !isfinite(x) || !lg__inside_number(text, x, true)) {
        lua_tostring(L, arg);
        return;
    }
    arg = lua_absindex(L, arg);
    lua_pushstring(L, text);
    lua_replace(L, arg);
}

const lg_lua_lent *lg__lua_lent(lua_State *L)
{
    lua_getfield(L, LUA_REGISTRYINDEX, LG_LUA_LENT);
    const lg_lua_engine *u = lua_touserdata(L, -1); /* ours alone are there */
    lua_pop(L, 1);
    return u ? u->lent : NULL;
}

void lg__lua_burn(lua_State *L, uint64_t steps)
{
    const lg_lua_lent *lent = lg__lua_lent(L);
    if (lent && lent->burn)
        lent->burn(L, steps);
}

void lg__lua_check_leave(lua_State *L, unsigned allow, const char *what)
{
    const lg_lua_lent *lent = lg__lua_lent(L);
    if (!lent || lent->trusted || (lent->allow & allow))
        return;
    lg__lua_raise(L, LG_ESTATE, "its host allows what a script may do",
                  "this script may not use %s", what);
}

const char *lg__lua_check_text(lua_State *L, int arg, size_t *len)
{
    lg__lua_number_to_text(L, arg);
    const char *s = lua_tolstring(L, arg, len);
    if (!s)
        badtype(L, arg, "a text");
    return s;
}

const char *lg__lua_check_name(lua_State *L, int arg)
{
    size_t len = 0;
    const char *s = lg__lua_check_text(L, arg, &len);
    if (strlen(s) != len)
        lg__lua_badarg(L, arg, "the text holds a zero byte");
    return s;
}

const char *lg__lua_opt_name(lua_State *L, int arg)
{
    return lua_isnoneornil(L, arg) ? NULL : lg__lua_check_name(L, arg);
}

lua_Integer lg__lua_check_int(lua_State *L, int arg, lua_Integer least, lua_Integer most)
{
    int whole = 0;
    lua_Integer n = lua_tointegerx(L, arg, &whole);
    if (!whole)
        badtype(L, arg, "a whole number");
    if (n < least || n > most)
        lg__lua_badarg(L, arg, lua_pushfstring(L, "%I is out of range", (LUAI_UACINT)n));
    return n;
}

lua_Integer lg__lua_opt_int(lua_State *L, int arg, lua_Integer least, lua_Integer most,
                            lua_Integer otherwise)
{
    return lua_isnoneornil(L, arg) ? otherwise : lg__lua_check_int(L, arg, least, most);
}

double lg__lua_check_number(lua_State *L, int arg)
{
    int good = 0;
    double x = lua_tonumberx(L, arg, &good);
    if (!good)
        badtype(L, arg, "a number");
    return x;
}

int lg__lua_check_code(lua_State *L, int arg)
{
    const char *name = lg__lua_check_name(L, arg);
    for (int i = 1; i < LG_ERROR_END; i++) {
        if (strcmp(lg_error_name(-i), name) == 0)
            return -i;
    }
    return lg__lua_badarg(L, arg, lua_pushfstring(L, "no kind of error is called '%s'", name));
}

size_t lg__lua_check_list(lua_State *L, int arg)
{
    if (!lua_istable(L, arg))
        badtype(L, arg, "a list");
    return (size_t)lua_rawlen(L, arg);
}

void *lg__lua_scratch(lua_State *L, size_t n, size_t size, void *local)
{
    if (n <= LG_LUA_FEW)
        return local;
    return lua_newuserdatauv(L, n * size, 0);
}

/* ---- fields of tables ------------------------------------------------------ */

/* Pushes it and says of what type it is. */
static int get_field(lua_State *L, int t, const char *field)
{
    t = lua_absindex(L, t);
    lua_pushstring(L, field);
    return lua_rawget(L, t);
}

static int badfield(lua_State *L, const char *field, const char *expected)
{
    return lg__lua_raise(L, LG_EINVAL, NULL, "%s: expected %s, got %s", field, expected,
                         luaL_typename(L, -1));
}

/* The string at index, which a table holds. */
static const char *held_name(lua_State *L, int index, const char *field)
{
    size_t len;
    if (lua_type(L, index) != LUA_TSTRING)
        badfield(L, field, "a text");
    const char *s = lua_tolstring(L, index, &len);
    if (strlen(s) != len)
        lg__lua_raise(L, LG_EINVAL, NULL, "%s: the text holds a zero byte", field);
    return s;
}

const char *lg__lua_field_name(lua_State *L, int t, const char *field)
{
    const char *s = get_field(L, t, field) == LUA_TNIL ? NULL : held_name(L, -1, field);
    lua_pop(L, 1);
    return s;
}

lua_Integer lg__lua_field_int(lua_State *L, int t, const char *field, lua_Integer least,
                              lua_Integer most, lua_Integer otherwise)
{
    int whole = 1;
    lua_Integer n = otherwise;
    if (get_field(L, t, field) != LUA_TNIL) {
        n = lua_tointegerx(L, -1, &whole);
        if (!whole)
            badfield(L, field, "a whole number");
        if (n < least || n > most)
            lg__lua_raise(L, LG_EINVAL, NULL, "%s: %I is out of range", field, (LUAI_UACINT)n);
    }
    lua_pop(L, 1);
    return n;
}

bool lg__lua_field_true(lua_State *L, int t, const char *field)
{
    get_field(L, t, field);
    bool is = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return is;
}

void lg__lua_check_keys(lua_State *L, int t, const char *const *names, const char *where)
{
    t = lua_absindex(L, t);
    lua_pushnil(L);
    while (lua_next(L, t)) {
        lua_pop(L, 1);
        const char *key = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : NULL;
        size_t i = 0;
        while (key && names[i] && strcmp(names[i], key) != 0)
            i++;
        if (!key || !names[i]) {
            lg__lua_raise(L, LG_EINVAL, NULL, "%s: unknown option '%s'", where,
                          luaL_tolstring(L, -1, NULL));
        }
    }
}

void lg__lua_field_pairs(lua_State *L, int t, const char *field, const lg_option **out, size_t *n)
{
    *n = 0;
    if (get_field(L, t, field) == LUA_TNIL)
        return;
    if (!lua_istable(L, -1))
        badfield(L, field, "a list of pairs");
    int list = lua_absindex(L, -1);
    size_t count = (size_t)lua_rawlen(L, list);
    lg_option *pairs = lua_newuserdatauv(L, (count + 1) * sizeof *pairs, 0);
    for (size_t i = 0; i < count; i++) {
        if (lua_rawgeti(L, list, (lua_Integer)i + 1) != LUA_TTABLE)
            badfield(L, field, "a list of pairs");
        lua_rawgeti(L, -1, 1);
        lua_rawgeti(L, -2, 2);
        pairs[i].name = held_name(L, -2, field);
        pairs[i].json = held_name(L, -1, field);
        lua_pop(L, 3);
    }
    *out = pairs;
    *n = count;
}

void lg__lua_set_text(lua_State *L, const char *field, const char *text)
{
    if (!text)
        return;
    lua_pushstring(L, text);
    lua_setfield(L, -2, field);
}

void lg__lua_set_count(lua_State *L, const char *field, uint64_t n)
{
    lua_pushinteger(L, (lua_Integer)n);
    lua_setfield(L, -2, field);
}

void lg__lua_push_usage(lua_State *L, const lg_usage *u)
{
    lua_createtable(L, 0, 5);
    lg__lua_set_count(L, "input", (uint64_t)u->input);
    lg__lua_set_count(L, "cached", (uint64_t)u->cached);
    lg__lua_set_count(L, "cache_write", (uint64_t)u->cache_write);
    lg__lua_set_count(L, "output", (uint64_t)u->output);
    lg__lua_set_count(L, "reasoning", (uint64_t)u->reasoning);
}

void lg__lua_read_usage(lua_State *L, int t, lg_usage *out)
{
    enum { MOST = INT_MAX };
    if (!lua_istable(L, t))
        badtype(L, t, "a table of token counts");
    out->input = lg__lua_field_int(L, t, "input", 0, MOST, 0);
    out->cached = lg__lua_field_int(L, t, "cached", 0, MOST, 0);
    out->cache_write = lg__lua_field_int(L, t, "cache_write", 0, MOST, 0);
    out->output = lg__lua_field_int(L, t, "output", 0, MOST, 0);
    out->reasoning = lg__lua_field_int(L, t, "reasoning", 0, MOST, 0);
}

/* ---- classes --------------------------------------------------------------- */

void lg__lua_new_class(lua_State *L, const char *name, const luaL_Reg *meta,
                       const luaL_Reg *methods)
{
    luaL_newmetatable(L, name);
    luaL_setfuncs(L, meta, 0);
    lua_newtable(L);
    luaL_setfuncs(L, methods, 0);
    lua_pushvalue(L, -1);
    lua_setfield(L, -3, "__index");
    lua_remove(L, -2);
}

void lg__lua_set_class(lua_State *L, const char *name)
{
    luaL_getmetatable(L, name);
    lua_pushliteral(L, "__gc");
    lua_pushnil(L);
    lua_rawset(L, -3);
    lua_setmetatable(L, -2);
}
