/* mockd.c - module lunagrad.mockd: the loopback HTTP server, for Lua to step.
 *
 * Whole requests are queued for Lua, which answers them by id with a delay and a way of
 * answering (well, slowly, with a reset, …). Used by `lunagrad mock` only. No Lua runs
 * inside a callback of the server's. */
#include "command/mockd.h"

#include <errno.h>
#include <lauxlib.h>
#include <limits.h>
#include <lua.h>
#include <stdlib.h>
#include <string.h>

#include "binding/lua_compat.h"
#include "command/mockserver.h"

#define SERVER_TYPE "lunagrad.mockd.server"

static const char *const way_names[] = {"whole", "reset", "reset-body", "close", NULL};
_Static_assert(sizeof way_names / sizeof *way_names == WAY_CLOSE + 2, "one name a way");

static mock_server *check_server(lua_State *L)
{
    mock_server *s = luaL_checkudata(L, 1, SERVER_TYPE);
    luaL_argcheck(L, s->daemon, 1, "the server is closed");
    return s;
}

static lua_Integer field_integer(lua_State *L, int at, const char *name, lua_Integer def)
{
    lua_getfield(L, at, name);
    lua_Integer n = luaL_optinteger(L, -1, def);
    lua_pop(L, 1);
    return n;
}

/* mockd.start{port=, backlog=, max_body=, notes=} -> server, or nil and a message. notes: no
 * reply ends before server:noted(id) of what server:ending() tells. */
static int l_start(lua_State *L)
{
    luaL_checktype(L, 1, LUA_TTABLE);
    lua_Integer port = field_integer(L, 1, "port", 0);
    lua_Integer backlog = field_integer(L, 1, "backlog", 4096);
    lua_Integer max_body = field_integer(L, 1, "max_body", 64 << 20);
    luaL_argcheck(L, port >= 0 && port <= 65535, 1, "port must be 0 to 65535");
    luaL_argcheck(L, backlog > 0 && backlog <= 1 << 20, 1, "backlog is out of range");
    luaL_argcheck(L, max_body > 0, 1, "max_body must be positive");
    mock_server *s = lua_newuserdatauv(L, sizeof *s, 0);
    lua_getfield(L, 1, "notes");
    bool notes = lua_toboolean(L, -1);
    lua_pop(L, 1);
    *s = (mock_server){.epoll = -1, .max_body = (size_t)max_body, .notes = notes};
    luaL_setmetatable(L, SERVER_TYPE);
    errno = 0;
    if (mock_server_start(s, (int)port, (int)backlog) == 0)
        return 1;
    int why = errno;
    mock_server_free(s);
    lua_pushnil(L);
    lua_pushstring(L, s->problem[0] ? s->problem : strerror(why));
    return 2;
}

/* server:step(timeout_ms): waits until something happened, at most so long */
static int l_step(lua_State *L)
{
    mock_server *s = check_server(L);
    mock_server_step(s, luaL_optinteger(L, 2, 0));
    return 0;
}

/* Pushes a table of the request's fields of one kind; names of headers in lower case. */
static void push_fields(lua_State *L, const mock_slot *slot, char kind)
{
    const char *at = slot->fields, *last = at ? at + slot->fields_len : at;
    lua_newtable(L);
    while (at < last) {
        const char *name = at + 1, *value = name + strlen(name) + 1;
        if (*at == kind) {
            luaL_Buffer b;
            luaL_buffinit(L, &b);
            for (const char *c = name; *c; c++)
                luaL_addchar(&b, (char)(kind == 'h' && *c >= 'A' && *c <= 'Z' ? *c + 32 : *c));
            luaL_pushresult(&b);
            lua_pushstring(L, value);
            lua_rawset(L, -3);
        }
        at = value + strlen(value) + 1;
    }
}

/* server:next() -> nil | id, method, path, body | nil when it was too big, headers,
 * query, arrival_us (Unix time) */
static int l_next(lua_State *L)
{
    mock_server *s = check_server(L);
    if (!s->ready.first)
        return 0;
    mock_slot *slot = s->ready.first; /* taken off when nothing can raise any more */
    lua_pushinteger(L, mock_slot_id(slot));
    lua_pushstring(L, slot->method);
    lua_pushstring(L, slot->path);
    if (slot->too_big)
        lua_pushnil(L);
    else
        lua_pushlstring(L, slot->body ? slot->body : "", slot->body_len);
    push_fields(L, slot, 'h');
    push_fields(L, slot, 'q');
    lua_pushinteger(L, slot->arrival_us + s->wall_offset_us);
    mock_list_take(&s->ready);
    slot->state = SLOT_ASKED;
    free(slot->body);
    slot->body = NULL;
    slot->body_len = slot->body_cap = 0;
    return 7;
}

static char *copy_text(lua_State *L, int at, size_t *len)
{
    const char *text = luaL_checklstring(L, at, len);
    char *copy = malloc(*len + 1);
    if (!copy)
        luaL_error(L, "out of memory");
    else
        memcpy(copy, text, *len + 1);
    return copy;
}

static void read_headers(lua_State *L, mock_slot *slot, int at)
{
    size_t len;
    luaL_checktype(L, at, LUA_TTABLE);
    lua_pushnil(L);
    while (lua_next(L, at)) {
        if (slot->n_headers == MAX_HEADERS || lua_type(L, -2) != LUA_TSTRING)
            luaL_error(L, "headers: at most %d, by name", (int)MAX_HEADERS);
        luaL_checkstring(L, -1);
        slot->header_names[slot->n_headers] = copy_text(L, -2, &len);
        slot->header_values[slot->n_headers] = NULL;
        slot->n_headers++;
        slot->header_values[slot->n_headers - 1] = copy_text(L, -1, &len);
        lua_pop(L, 1);
    }
}

static void read_ends(lua_State *L, mock_slot *slot, int at)
{
    luaL_checktype(L, at, LUA_TTABLE);
    size_t n = lua_rawlen(L, at), before = 0;
    free(slot->ends);
    slot->n_ends = 0;
    slot->ends = calloc(n + 1, sizeof *slot->ends);
    if (!slot->ends) {
        luaL_error(L, "out of memory");
        return;
    }
    for (size_t i = 0; i < n; i++) {
        lua_rawgeti(L, at, (lua_Integer)i + 1);
        lua_Integer end = luaL_checkinteger(L, -1);
        luaL_argcheck(L, end > 0 && (size_t)end > before, 3, "ends must rise");
        slot->ends[i] = before = (size_t)end;
        lua_pop(L, 1);
    }
    slot->n_ends = n;
}

/* server:answer(id, {status=, body=, headers={name=value}, way=, delay_ms=, ends={…}, gap_ms=,
 * chunked=}): delay_ms counts from the request's arrival; each of the pieces that end at these
 * bytes is sent by itself, gap_ms after the one before. */
static int l_answer(lua_State *L)
{
    mock_server *s = check_server(L);
    mock_slot *slot = mock_slot_find(s, luaL_checkinteger(L, 2));
    luaL_argcheck(L, slot && slot->state == SLOT_ASKED, 2, "no such request is open");
    luaL_checktype(L, 3, LUA_TTABLE);
    lua_settop(L, 3);
    lua_Integer status = field_integer(L, 3, "status", 200);
    lua_Integer delay_ms = field_integer(L, 3, "delay_ms", 0);
    lua_Integer gap_ms = field_integer(L, 3, "gap_ms", 0);
    luaL_argcheck(L, status >= 200 && status <= 599, 3, "status must be 200 to 599");
    luaL_argcheck(L, delay_ms >= 0 && delay_ms < INT_MAX, 3, "delay_ms is out of range");
    luaL_argcheck(L, gap_ms >= 0 && gap_ms < INT_MAX, 3, "gap_ms is out of range");
    lua_getfield(L, 3, "way");
    slot->way = (enum answer_way)luaL_checkoption(L, -1, "whole", way_names);
    lua_getfield(L, 3, "chunked");
    slot->chunked = lua_toboolean(L, -1);
    if (lua_getfield(L, 3, "headers") != LUA_TNIL)
        read_headers(L, slot, lua_absindex(L, -1));
    if (lua_getfield(L, 3, "ends") != LUA_TNIL)
        read_ends(L, slot, lua_absindex(L, -1));
    if (lua_getfield(L, 3, "body") == LUA_TNIL)
        lua_pushliteral(L, "");
    free(slot->reply);
    slot->reply = copy_text(L, -1, &slot->reply_len);
    slot->status = (unsigned)status;
    slot->gap_us = gap_ms * 1000;
    mock_slot_answer(slot, delay_ms);
    return 0;
}

/* server:ending() -> nil | id, status (0: no answer), finish_us, whole, client_gone: all but the
 * end of its answer is sent, which server:noted(id) sends */
static int l_ending(lua_State *L)
{
    mock_server *s = check_server(L);
    mock_slot *slot = mock_list_take(&s->ending);
    if (!slot)
        return 0;
    bool none = slot->way == WAY_RESET || slot->way == WAY_CLOSE;
    lua_pushinteger(L, mock_slot_id(slot));
    lua_pushinteger(L, none ? 0 : (lua_Integer)slot->status);
    lua_pushinteger(L, slot->finish_us + s->wall_offset_us);
    lua_pushboolean(L, slot->way == WAY_WHOLE);
    lua_pushboolean(L, slot->gone);
    return 5;
}

static int l_noted(lua_State *L)
{
    mock_server *s = check_server(L);
    mock_slot *slot = mock_slot_find(s, luaL_checkinteger(L, 2));
    luaL_argcheck(L, slot && slot->held, 2, "no such request is ending");
    mock_slot_noted(slot);
    return 0;
}

/* server:finished() -> nil | id, status (0: no answer), finish_us, whole, client_gone */
static int l_finished(lua_State *L)
{
    mock_server *s = luaL_checkudata(L, 1, SERVER_TYPE); /* also of a closed server */
    mock_slot *slot = mock_list_take(&s->finished);
    if (!slot)
        return 0;
    lua_pushinteger(L, mock_slot_id(slot));
    lua_pushinteger(L, (lua_Integer)slot->status);
    lua_pushinteger(L, slot->finish_us + s->wall_offset_us);
    lua_pushboolean(L, slot->complete);
    lua_pushboolean(L, slot->gone);
    mock_slot_release(slot);
    return 5;
}

static int l_port(lua_State *L)
{
    lua_pushinteger(L, check_server(L)->port);
    return 1;
}

/* server:open() -> requests that are not finished */
static int l_open(lua_State *L)
{
    lua_pushinteger(L, (lua_Integer)check_server(L)->live);
    return 1;
}

/* Stops serving; finished() may still be asked. */
static int l_close(lua_State *L)
{
    mock_server_stop(luaL_checkudata(L, 1, SERVER_TYPE));
    return 0;
}

static int l_gc(lua_State *L)
{
    mock_server_free(luaL_checkudata(L, 1, SERVER_TYPE));
    return 0;
}

static const luaL_Reg server_methods[] = {{"step", l_step},     {"next", l_next},
                                          {"answer", l_answer}, {"ending", l_ending},
                                          {"noted", l_noted},   {"finished", l_finished},
                                          {"port", l_port},     {"open", l_open},
                                          {"close", l_close},   {NULL, NULL}};

int luaopen_lunagrad_mockd(lua_State *L)
{
    static const luaL_Reg functions[] = {{"start", l_start}, {NULL, NULL}};
    if (luaL_newmetatable(L, SERVER_TYPE)) {
        luaL_newlib(L, server_methods);
        lua_setfield(L, -2, "__index");
        lua_pushcfunction(L, l_gc);
        lua_setfield(L, -2, "__gc");
        lua_pushcfunction(L, l_close);
        lua_setfield(L, -2, "__close");
    }
    lua_pop(L, 1);
    luaL_newlib(L, functions);
    return 1;
}
