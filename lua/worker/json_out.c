/* json_out.c - what a candidate returned, as JSON.
 *
 * Tables are read without metamethods. One is a list when its keys are 1 to n and nothing else,
 * else an object, with numbers as names where keys are numbers; an empty one is a list. What JSON
 * has not is an error, but for numbers that are none. No recursion: the tables that a value is
 * in, and where they are, lie on the stack. */
#include "worker/worker.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct writer {
    lua_State *L;
    lw_sink *out;
    bool special;
    int depth;
    lua_Integer n[LW_DEPTH]; /* values of the list at each level; -1: an object */
    lua_Integer i[LW_DEPTH]; /* written so far */
} writer;

/* ---- plain values -------------------------------------------------------- */

static void write_float(writer *w, double x)
{
    char text[40];
    if (x != x || x - x != 0) {
        w->special = true;
        lw_sink_adds(w->out, "{\"\\u0001\":\"");
        lw_sink_adds(w->out, x != x ? "nan" : x > 0 ? "inf" : "-inf");
        lw_sink_adds(w->out, "\"}");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    lw_sink_adds(w->out, text);
    if (!strpbrk(text, ".e"))
        lw_sink_adds(w->out, ".0");
}

static void write_integer(writer *w, lua_Integer i)
{
    if (i < 0)
        lw_sink_adds(w->out, "-");

    lw_sink_number(w->out, i < 0 ? 0 - (uint64_t)i : (uint64_t)i);
}

static void write_plain(writer *w)
{
    size_t len;
    const char *text;
    switch (lua_type(w->L, -1)) {
    case LUA_TNIL:
        lw_sink_adds(w->out, "null");
        break;
    case LUA_TBOOLEAN:
        lw_sink_adds(w->out, lua_toboolean(w->L, -1) ? "true" : "false");
        break;
    case LUA_TNUMBER:
        if (lua_isinteger(w->L, -1))
            write_integer(w, lua_tointeger(w->L, -1));
        else
            write_float(w, lua_tonumber(w->L, -1));
        break;
    case LUA_TSTRING:
        text = lua_tolstring(w->L, -1, &len);
        lw_sink_string(w->out, text, len);
        break;
    default:
        luaL_error(w->L, "a %s cannot be returned: return numbers, strings, booleans and tables",
                   luaL_typename(w->L, -1));
    }
}

/* ---- tables -------------------------------------------------------------- */

/* How many values the list on top has; -1: it is none. */
static lua_Integer list_length(lua_State *L)
{
    lua_Integer border = (lua_Integer)lua_rawlen(L, -1), n = 0;
    lua_pushnil(L);
    while (lua_next(L, -2)) {
        lua_pop(L, 1);
        lua_Integer key = lua_isinteger(L, -1) ? lua_tointeger(L, -1) : 0;
        if (key < 1 || key > border) {
            lua_pop(L, 1);
            return -1;
        }
        n++;
    }
    return n == border ? n : -1;
}

static void begin_table(writer *w)
{
    if (w->depth == LW_DEPTH) {
        luaL_error(w->L, "tables in tables are returned up to %d levels deep; is there a circle?",
                   LW_DEPTH);
    }

    luaL_checkstack(w->L, 4, "what is returned is nested too deep");
    lua_Integer n = list_length(w->L);
    w->n[w->depth] = n;
    w->i[w->depth++] = 0;
    lw_sink_adds(w->out, n < 0 ? "{" : "[");
    lua_pushnil(w->L); /* the key before the first */
}

static void write_name(writer *w)
{
    size_t len;
    if (lua_type(w->L, -2) != LUA_TSTRING && lua_type(w->L, -2) != LUA_TNUMBER)
        luaL_error(w->L, "a table with a %s as a key cannot be returned", luaL_typename(w->L, -2));

    lua_pushvalue(w->L, -2);
    const char *name = lua_tolstring(w->L, -1, &len);
    lw_sink_string(w->out, name, len);
    lw_sink_adds(w->out, ":");
    lua_pop(w->L, 1);
}

/* Pushes the next value of the innermost table, above its key or place. false: there is none,
 * and the table is closed. */
static bool next_value(writer *w)
{
    lua_Integer n = w->n[w->depth - 1], *i = &w->i[w->depth - 1];
    bool more;
    if (n < 0) {
        more = lua_next(w->L, -2) != 0;
    } else {
        more = *i < n;
        if (more)
            lua_rawgeti(w->L, -2, *i + 1);
        else
            lua_pop(w->L, 1);
    }
    if (!more) {
        lw_sink_adds(w->out, n < 0 ? "}" : "]");
        w->depth--;
        return false;
    }
    if (++*i > 1)
        lw_sink_adds(w->out, ",");

    if (n < 0)
        write_name(w);

    return true;
}

/* The value on top, which is popped. */
static void write_value(writer *w)
{
    for (;;) {
        if (lua_istable(w->L, -1)) {
            begin_table(w);
        } else {
            write_plain(w);
            lua_pop(w->L, 1);
        }
        while (w->depth > 0 && !next_value(w))
            lua_pop(w->L, 1); /* the table; what was its key is below */

        if (w->depth == 0 || w->out->over)
            return;
    }
}

bool lw_json_write(lua_State *L, int first, int n, lw_sink *out)
{
    writer w = {.L = L, .out = out};
    luaL_checkstack(L, 2 * LW_DEPTH + 8, "too many values are returned");
    lw_sink_adds(out, "[");
    for (int i = 0; i < n && !out->over; i++) {
        if (i > 0)
            lw_sink_adds(out, ",");

        lua_pushvalue(L, first + i);
        write_value(&w);
    }
    lw_sink_adds(out, "]");
    return w.special;
}
