/* sim.c - the embedded stand-in for a language model, for hosts: a model of the private state's. */
#include <string.h>

#include "binding/lua_binding.h"
#include "host/hosted.h"

typedef struct lg_simulated {
    lg_hosted *home;
    const char *name;
    lg_model *model;
} lg_simulated;

/* lg.model(name), whose engine part is what the host gets. Raises. */
static int l_make(lua_State *L)
{
    lg_simulated *s = lua_touserdata(L, 1);
    lua_getglobal(L, "require");
    lua_pushliteral(L, "lunagrad.model");
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "new");
    lua_pushstring(L, s->name);
    lua_call(L, 1, 1);
    lua_getfield(L, -1, "core");
    s->model = lg_model_ref(lg__lua_check_model(L, lua_gettop(L)));
    return 0;
}

int lg_model_sim(lg_engine *e, const char *name, lg_model **out)
{
    lg_simulated s = {.name = name};
    if (!name || !out)
        return lg__host_refuse(e, LG_EINVAL, "an argument is NULL");
    if (strcmp(name, "sim") != 0 && strncmp(name, "sim/", 4) != 0)
        return lg__host_refuse(e, LG_EINVAL, "\"%.80s\" is no model of sim, such as sim/default",
                                name);
    int err = lg__hosted_open(e, &s.home);
    if (err)
        return err;
    lua_State *L = s.home->L;
    lg_party *before = lg__party_use(e, s.home->state->party);
    lua_pushcfunction(L, l_make);
    lua_pushlightuserdata(L, &s);
    err = lua_pcall(L, 1, 0, 0);
    lg__party_use(e, before);
    if (err == LUA_OK) {
        *out = s.model;
        return LG_OK;
    }
    const char *why = err == LUA_ERRMEM ? NULL : luaL_tolstring(L, -1, NULL);
    err = lg__host_refuse(e, why ? LG_EINVAL : LG_ENOMEM, "%s", why ? why : "out of memory");
    lua_settop(L, 0);
    return err;
}
