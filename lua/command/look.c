/* look.c - module lunagrad.look: GET or POST of many addresses at once, and what versions of
 * libraries there are; for `lunagrad models`, `lunagrad doctor` and `lunagrad export`. */
#include "command/look.h"

#include "binding/lua_binding.h"
#include "lg_inside.h"

enum { MOST = 256, GRACE_MS = 1000 };

#define LOOK_TYPE "lunagrad.look"

typedef struct look { /* on Lua's stack; freed by its __gc, whatever was raised */
    lg_look *k;
} look;

static void close_look(look *u)
{
    lg_look *k = u->k;
    u->k = NULL;
    lg__look_close(k);
}

static int l_gc(lua_State *L)
{
    close_look(luaL_checkudata(L, 1, LOOK_TYPE));
    return 0;
}

static look *open_look(lua_State *L, int options, size_t n)
{
    look *u = lua_newuserdatauv(L, sizeof *u, 0);
    u->k = NULL;
    luaL_setmetatable(L, LOOK_TYPE);
    int err = lg__look_open(n, lg__lua_field_name(L, options, "ca_file"),
                            lg__lua_field_name(L, options, "ca_path"), &u->k);
    if (err)
        lg__lua_raise(L, err, NULL, "the network cannot be used: %s", lg_error_text(err));
    return u;
}

/* The row on top of the stack, counted from 0. */
static void start(lua_State *L, look *u, size_t number, int ms)
{
    int row = lua_gettop(L);
    size_t len = 0;
    lua_getfield(L, row, "post");
    const char *body = lua_type(L, -1) == LUA_TSTRING ? lua_tolstring(L, -1, &len) : NULL;
    lua_pop(L, 1); /* it stays in the row */
    int err = lg__look_start(u->k, number, lg__lua_field_name(L, row, "url"),
                             lg__lua_field_name(L, row, "headers"), body, len, ms);
    if (!err)
        return;
    lg__lua_set_text(L, "error",
                     err == LG_EINVAL ? "this is no address of a server" : lg_error_text(err));
    lg__lua_set_text(L, "kind", lg_error_name(err));
}

/* On top: the row. What came of it is added to it. */
static void tell(lua_State *L, const lg_look_reply *r)
{
    lg__lua_set_count(L, "status", (uint64_t)r->status);
    lg__lua_set_count(L, "ms", (uint64_t)r->ms);
    lg__lua_set_text(L, "moved_to", r->moved_to);
    if (r->date >= 0)
        lg__lua_set_count(L, "date", (uint64_t)r->date);
    if (r->retry_after_ms >= 0)
        lg__lua_set_count(L, "retry_after_ms", (uint64_t)r->retry_after_ms);
    if (r->code) {
        lg__lua_set_text(L, "error", r->message);
        lg__lua_set_text(L, "kind", lg_error_name(r->code));
        lg__lua_set_text(L, "hint", r->hint);
        return;
    }
    lua_pushlstring(L, r->body, r->body_len);
    lua_setfield(L, -2, "body");
}

/* look.get(list of {url =, headers = "Name: value\n…", post = text: it is a POST},
 * {timeout_ms =, ca_file =, ca_path =}): adds to each row status (0: no reply), ms, date (seconds
 * since 1970), retry_after_ms, body, or error, kind and hint. Returns the list after timeout_ms at
 * the latest, or a little more. */
static int l_get(lua_State *L)
{
    size_t n = lg__lua_check_list(L, 1);
    lg__lua_check_list(L, 2);
    int ms = (int)lg__lua_field_int(L, 2, "timeout_ms", 1, 600000, 2000);
    if (n > MOST)
        return lg__lua_badarg(L, 1, "too many addresses");
    look *u = open_look(L, 2, n);
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, 1, (lua_Integer)i + 1);
        start(L, u, i, ms);
        lua_pop(L, 1);
    }
    lg_look_reply r;
    while (lg__look_next(u->k, ms + GRACE_MS, &r)) {
        lua_rawgeti(L, 1, (lua_Integer)r.number + 1);
        tell(L, &r);
        lua_pop(L, 1);
    }
    close_look(u); /* what is left borrows texts of the list */
    lua_settop(L, 1);
    return 1;
}

static look *open_bare(lua_State *L)
{
    lua_settop(L, 0);
    lua_newtable(L);
    return open_look(L, 1, 0);
}

/* look.ca() -> the folder and the file of certificates when nothing names others, or nil */
static int l_ca(lua_State *L)
{
    lg_look_about a;
    look *u = open_bare(L);
    lg__look_about(u->k, &a);
    lua_pushstring(L, a.ca_dir);
    lua_pushstring(L, a.ca_file);
    return 2;
}

/* look.versions() -> {curl =, tls =, sqlite =, fts5 =, libuv =, schema =} */
static int l_versions(lua_State *L)
{
    lg_look_about v;
    look *u = open_bare(L);
    lg__look_about(u->k, &v);
    lua_newtable(L);
    lg__lua_set_text(L, "curl", v.curl);
    lg__lua_set_text(L, "tls", v.tls);
    lg__lua_set_text(L, "sqlite", v.sqlite);
    lg__lua_set_text(L, "libuv", v.libuv);
    lg__lua_set_count(L, "schema", (uint64_t)v.schema);
    lua_pushboolean(L, v.fts5);
    lua_setfield(L, -2, "fts5");
    return 1;
}

int luaopen_lunagrad_look(lua_State *L)
{
    static const luaL_Reg meta[] = {{"__gc", l_gc}, {NULL, NULL}};
    static const luaL_Reg functions[] = {
        {"get", l_get}, {"versions", l_versions}, {"ca", l_ca}, {NULL, NULL}};
    lg__lua_new_class(L, LOOK_TYPE, meta, functions);
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
