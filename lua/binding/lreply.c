/* lreply.c - stored replies for Lua: what a provider's bytes say, and base64.
 *
 * Pure functions of their arguments, without an engine. For `lunagrad export` and
 * the model replay/FILE. */
#include "binding/lua_binding.h"

/* ---- base64 ---------------------------------------------------------------- */

/* core.base64(bytes) -> text */
static int l_base64(lua_State *L)
{
    size_t len;
    const char *bytes = lg__lua_check_text(L, 1, &len);
    lg_lua_box *box = lg__lua_new_box(L);
    lg__out_as(&box->out, LG_AS_BASE64, bytes, len);
    return lg__lua_push_out(L, box);
}

/* core.unbase64(text) -> bytes | nil: it is none */
static int l_unbase64(lua_State *L)
{
    size_t len;
    const char *text = lg__lua_check_text(L, 1, &len);
    lg_lua_box *box = lg__lua_new_box(L);
    if (lg__out_as(&box->out, LG_OF_BASE64, text, len) == LG_EPARSE)
        return 0;

    return lg__lua_push_out(L, box);
}

/* ---- replies --------------------------------------------------------------- */

/* core.reply(dialect, body, content_type, tools) -> text, media type, thinking | nil: it is no
 * good reply of this dialect. tools: they were offered. */
static int l_reply(lua_State *L)
{
    size_t len;
    const char *media, *dialect = lg__lua_check_name(L, 1);
    const char *body = lg__lua_check_text(L, 2, &len), *type = lg__lua_opt_name(L, 3);
    lg_lua_box *thinking = lg__lua_new_box(L), *box = lg__lua_new_box(L);
    if (lg__out_reply(&box->out, dialect, type, body, len, lua_toboolean(L, 4), &media,
                      &thinking->out) == LG_EPARSE)
        return 0;

    bool thought = thinking->out.len > 0;
    lg__lua_push_out(L, box);
    lua_pushstring(L, media);
    if (!thought)
        return 2;

    lg__lua_push_out(L, thinking);
    return 3;
}

void lg__lua_open_reply(lua_State *L)
{
    static const luaL_Reg functions[] = {
        {"base64", l_base64}, {"unbase64", l_unbase64}, {"reply", l_reply}, {NULL, NULL}};
    luaL_setfuncs(L, functions, 0);
}
