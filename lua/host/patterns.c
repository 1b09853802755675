/* patterns.c - string.find, match, gmatch and gsub, as Lua's own but that they count their steps.
 *
 * A function that gsub is given is called through bounded.lua, so that it may wait and be cut. */
#include "host/host.h"
#include "host/match.h"

#include <string.h>

static void burn(void *ud, unsigned steps)
{
    lh_burn(ud, steps / 8 + 1); /* a step is less than an instruction */
}

static void begin(lh_match *m, lua_State *L, const char *s, size_t len, const char *p, size_t p_len)
{
    *m = (lh_match){.begin = s, .end = s + len, .pattern_end = p + p_len, .burn = burn, .ud = L};
}

static const char *match_at(lh_match *m, const char *s, const char *p)
{
    const char *end = lh_match_at(m, s, p);
    if (m->problem)
        luaL_error(m->ud, "%s", m->problem);
    return end;
}

/* ---- captures ------------------------------------------------------------------ */

static void push_capture(lh_match *m, int i, const char *s, const char *end)
{
    lua_State *L = m->ud;
    if (i >= m->level && i != 0)
        luaL_error(L, "invalid capture index %%%d", i + 1);
    else if (i >= m->level)
        lua_pushlstring(L, s, (size_t)(end - s)); /* all of it */
    else if (m->capture[i].len == LH_IS_OPEN)
        luaL_error(L, "unfinished capture");
    else if (m->capture[i].len == LH_IS_POSITION)
        lua_pushinteger(L, m->capture[i].at - m->begin + 1);
    else
        lua_pushlstring(L, m->capture[i].at, (size_t)m->capture[i].len);
}

/* s NULL: those of the pattern alone. */
static int push_captures(lh_match *m, const char *s, const char *end)
{
    int n = m->level == 0 && s ? 1 : m->level;
    luaL_checkstack(m->ud, n, "too many captures");
    for (int i = 0; i < n; i++)
        push_capture(m, i, s, end);
    return n;
}

/* ---- find and match -------------------------------------------------------------- */

static bool is_plain(const char *p, size_t len)
{
    size_t at = 0;
    while (at < len && !strchr("^$*+?.([%-", p[at] ? p[at] : 'x'))
        at++;
    return at == len;
}

/* From 1; 0: behind the end. */
static size_t start_at(lua_State *L, int arg, size_t len)
{
    lua_Integer at = luaL_optinteger(L, arg, 1);
    if (at > 0)
        return (size_t)at - 1 > len ? SIZE_MAX : (size_t)at - 1;
    if (at == 0 || at < -(lua_Integer)len)
        return 0;
    return len - (size_t)(-at);
}

static int find_plain(lua_State *L, const char *s, size_t len, size_t at, const char *p,
                      size_t p_len)
{
    const char *found = p_len ? memmem(s + at, len - at, p, p_len) : s + at;
    lh_burn(L, (len - at) / 64);
    if (!found) {
        lua_pushnil(L);
        return 1;
    }
    lua_pushinteger(L, found - s + 1);
    lua_pushinteger(L, found - s + (lua_Integer)p_len);
    return 2;
}

static int find(lua_State *L, bool finds)
{
    size_t len, p_len;
    lh_match m;
    const char *s = luaL_checklstring(L, 1, &len), *p = luaL_checklstring(L, 2, &p_len);
    size_t at = start_at(L, 3, len);
    if (at == SIZE_MAX) {
        lua_pushnil(L);
        return 1;
    }
    if (finds && (lua_toboolean(L, 4) || is_plain(p, p_len)))
        return find_plain(L, s, len, at, p, p_len);
    begin(&m, L, s, len, p, p_len);
    bool anchored = p_len > 0 && *p == '^';
    p += anchored;
    for (const char *from = s + at; from <= m.end; from++) {
        const char *end = match_at(&m, from, p);
        if (end && finds) {
            lua_pushinteger(L, from - s + 1);
            lua_pushinteger(L, end - s);
            return push_captures(&m, NULL, NULL) + 2;
        }
        if (end)
            return push_captures(&m, from, end);
        if (anchored)
            break;
    }
    lua_pushnil(L);
    return 1;
}

static int l_find(lua_State *L)
{
    return find(L, true);
}

static int l_match(lua_State *L)
{
    return find(L, false);
}

/* ---- gmatch ------------------------------------------------------------------------ */

enum {
    TEXT = 1,
    PATTERN,
    AT,
    LAST
}; /* upvalues; AT: where it goes on, LAST: the last end, or -1 */

static int next_match(lua_State *L)
{
    size_t len, p_len;
    lh_match m;
    const char *s = lua_tolstring(L, lua_upvalueindex(TEXT), &len);
    const char *p = lua_tolstring(L, lua_upvalueindex(PATTERN), &p_len);
    lua_Integer at = lua_tointeger(L, lua_upvalueindex(AT));
    lua_Integer last = lua_tointeger(L, lua_upvalueindex(LAST));
    begin(&m, L, s, len, p, p_len);
    for (const char *from = s + at; at >= 0 && from <= m.end; from++) {
        const char *end = match_at(&m, from, p);
        if (!end || end - s == last)
            continue;
        lua_pushinteger(L, end - s);
        lua_copy(L, -1, lua_upvalueindex(AT));
        lua_replace(L, lua_upvalueindex(LAST));
        return push_captures(&m, from, end);
    }
    return 0;
}

static int l_gmatch(lua_State *L)
{
    size_t len;
    luaL_checklstring(L, 1, &len);
    luaL_checkstring(L, 2);
    size_t at = start_at(L, 3, len);
    lua_settop(L, 2);
    lua_pushinteger(L, at == SIZE_MAX ? -1 : (lua_Integer)at);
    lua_pushinteger(L, -1);
    lua_pushcclosure(L, next_match, 4);
    return 1;
}

/* ---- gsub --------------------------------------------------------------------------- */

static void add_text(lh_match *m, luaL_Buffer *b, const char *s, const char *end)
{
    lua_State *L = m->ud;
    size_t len;
    const char *r = lua_tolstring(L, 3, &len), *stop = r + len;
    while (r < stop) {
        const char *escape = memchr(r, '%', (size_t)(stop - r));
        luaL_addlstring(b, r, (size_t)((escape ? escape : stop) - r));
        if (!escape)
            break;
        r = escape + 2;
        char c = escape + 1 < stop ? escape[1] : '\0';
        if (c == '%') {
            luaL_addchar(b, '%');
        } else if (c == '0') {
            luaL_addlstring(b, s, (size_t)(end - s));
        } else if (c >= '1' && c <= '9') {
            push_capture(m, c - '1', s, end);
            luaL_tolstring(L, -1, NULL);
            lua_remove(L, -2);
            luaL_addvalue(b);
        } else {
            luaL_error(L, "invalid use of '%%' in replacement string");
        }
    }
}

/* The table's value of the first capture; its own where that is false. */
static void add_found(lh_match *m, luaL_Buffer *b, const char *s, const char *end)
{
    lua_State *L = m->ud;
    push_capture(m, 0, s, end);
    lua_gettable(L, 3);
    if (!lua_toboolean(L, -1)) {
        lua_pop(L, 1);
        luaL_addlstring(b, s, (size_t)(end - s));
        return;
    }
    if (!lua_isstring(L, -1))
        luaL_error(L, "invalid replacement value (a %s)", luaL_typename(L, -1));
    luaL_addvalue(b);
}

static int gsub(lua_State *L, int kind)
{
    size_t len, p_len;
    lh_match m;
    luaL_Buffer b;
    const char *s = lua_tolstring(L, 1, &len), *p = lua_tolstring(L, 2, &p_len);
    lua_Integer most = luaL_optinteger(L, 4, (lua_Integer)len + 1), n = 0;
    bool anchored = p_len > 0 && *p == '^';
    const char *last = NULL;
    begin(&m, L, s, len, p, p_len);
    p += anchored;
    luaL_buffinit(L, &b);
    while (n < most) {
        const char *end = match_at(&m, s, p);
        if (end && end != last) {
            n++;
            if (kind == LUA_TTABLE)
                add_found(&m, &b, s, end);
            else
                add_text(&m, &b, s, end);
            s = last = end;
        } else if (s < m.end) {
            luaL_addchar(&b, *s++);
        } else {
            break;
        }
        if (anchored)
            break;
    }
    luaL_addlstring(&b, s, (size_t)(m.end - s));
    luaL_pushresult(&b);
    lua_pushinteger(L, n);
    return 2;
}

static int l_gsub(lua_State *L)
{
    int kind = lua_type(L, 3);
    luaL_checkstring(L, 1);
    luaL_checkstring(L, 2);
    luaL_argexpected(L,
                     kind == LUA_TNUMBER || kind == LUA_TSTRING || kind == LUA_TFUNCTION ||
                         kind == LUA_TTABLE,
                     3, "string/function/table");
    luaL_optinteger(L, 4, 0);
    if (kind == LUA_TTABLE && lua_getmetatable(L, 3)) {
        lua_pop(L, 1);
        kind = LUA_TFUNCTION;
    }
    if (kind == LUA_TFUNCTION)
        return lh_in_lua(L, "gsub");
    if (kind == LUA_TNUMBER)
        lua_tostring(L, 3);
    return gsub(L, kind);
}

/* For bounded.lua: (text, pattern, from) -> behind its end, captures (all of it, if there are none)
 * of the match that begins at from; nil: none. */
static int l_match_at(lua_State *L)
{
    size_t len, p_len;
    lh_match m;
    const char *s = luaL_checklstring(L, 1, &len), *p = luaL_checklstring(L, 2, &p_len);
    lua_Integer from = luaL_checkinteger(L, 3);
    begin(&m, L, s, len, p, p_len);
    p += p_len > 0 && *p == '^';
    const char *end = match_at(&m, s + from - 1, p);
    if (!end)
        return 0;
    lua_pushinteger(L, end - s + 1);
    return 1 + push_captures(&m, s + from - 1, end);
}

void lh_open_patterns(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"find", l_find}, {"match", l_match}, {"gmatch", l_gmatch}, {"gsub", l_gsub}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
    lua_pushcfunction(L, l_match_at);
    lua_setfield(L, LUA_REGISTRYINDEX, LH_MATCH_AT);
}
