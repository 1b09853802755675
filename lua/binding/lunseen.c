/* lunseen.c - results that failed, and nobody has looked, as Lua sees them.
 *
 * A script looks when it asks for the error or the state; every wait for a value asks for the
 * error. For the library's own files. */
#include "binding/lua_binding.h"

void lg__lua_looked(lg_var *v)
{
    lg__inside_look(v, false);
}

/* v:disown(): that it fails, or will, needs nobody's look. */
int lg__lua_disown(lua_State *L)
{
    lg__inside_look(lg__lua_check_var(L, 1), true);
    return 0;
}

/* engine:unseen() -> how many results failed, and nobody has looked; the first of them:
 * list of {id, kind, message, hint} */
static int l_unseen(lua_State *L)
{
    lg_inside_unseen list[LG_INSIDE_UNSEEN];
    size_t shown;
    const lg_lua_engine *u = lg__lua_check_engine(L, 1);
    lua_pushinteger(L, (lua_Integer)lg__inside_unseen(u->e, list, &shown));
    lua_createtable(L, (int)shown, 0);
    for (size_t i = 0; i < shown; i++) {
        lua_createtable(L, 0, 4);
        lg__lua_set_count(L, "id", list[i].id);
        lg__lua_set_text(L, "kind", lg_error_name(list[i].code));
        lg__lua_set_text(L, "message", list[i].message);
        lg__lua_set_text(L, "hint", list[i].hint);
        lua_rawseti(L, -2, (lua_Integer)i + 1);
    }
    return 2;
}

void lg__lua_add_unseen_methods(lua_State *L)
{
    static const luaL_Reg methods[] = {{"unseen", l_unseen}, {NULL, NULL}};
    luaL_setfuncs(L, methods, 0);
}
